package io.tallystick.common.wire;

import io.tallystick.common.json.Fields;
import io.tallystick.common.json.Json;
import io.tallystick.common.model.EnrollmentId;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * The exchange after an agent found the aggregator's watermark ahead of its own (a rolled-back VM), or found a state that is
 * another VM's (a moved disk, a cloned image).
 */
public final class Resume {
    private Resume() {}

    /**
     * Payload of a {@code resume+jws}.
     *
     * @param known the last batch the agent has; the answer lists what came after it
     * @param open once the agent has everything: asks the aggregator to open the next epoch
     * @param receipt compact, of a batch that the aggregator has no more and the agent neither, and behind which it wants
     *     to go on; then the rest is not looked at
     * @param by the enrollment of the agent that asks, where it is another VM's than the one of this request, whose state it
     *     found and whose key signs
     */
    public record Request(
            long counter, Watermark known, boolean open, Optional<String> receipt, Optional<EnrollmentId> by) {
        /** One that refuses each of a thousand records has about 330,000. */
        private static final int RECEIPT_CHARS_MAX = 512 * 1024;

        /** Of an agent's own state, without a receipt. */
        public Request(long counter, Watermark known, boolean open) {
            this(counter, known, open, Optional.empty(), Optional.empty());
        }

        public byte[] toBytes() {
            return Json.writeBytes(Json.object(
                    "counter",
                    counter,
                    "known",
                    known.toJson(),
                    "open",
                    open,
                    "receipt",
                    receipt.orElse(null),
                    "by",
                    by.orElse(null)));
        }

        public static Request parse(byte[] payload) {
            Fields f = Fields.of(Json.parseObjectWithLongStrings(payload));
            Request r = new Request(
                    f.number("counter", 1, Long.MAX_VALUE),
                    Watermark.read(f.object("known")),
                    f.optionalBool("open").orElse(false),
                    f.optionalString("receipt", RECEIPT_CHARS_MAX),
                    f.optionalParsed("by", EnrollmentId::parse));
            f.done();
            return r;
        }
    }

    /**
     * Payload of the {@code answer+jws} to it.
     *
     * @param batches compact {@code batch+jws} in order, at most {@link Wire#RESUME_BATCHES_MAX}; empty when the agent
     *     knows them all
     * @param watermark where the aggregator stands now; of the new epoch where {@code open} was granted
     * @param from present where the agent knows nothing of this place yet: what its key sent begins after it. What
     *     came before was another key's, is in none of this agent's sums, and is left out
     */
    public record Answer(String request, List<String> batches, Watermark watermark, Optional<Watermark> from) {
        private static final int BATCH_CHARS_MAX = 2 * 1024 * 1024;

        public Answer {
            batches = List.copyOf(batches);
        }

        public byte[] toBytes() {
            return Json.writeBytes(Json.object(
                    "request",
                    request,
                    "batches",
                    batches,
                    "watermark",
                    watermark.toJson(),
                    "from",
                    from.map(Watermark::toJson).orElse(null)));
        }

        public static Answer parse(byte[] payload) {
            Fields f = Fields.of(Json.parseObjectWithLongStrings(payload));
            Answer a = new Answer(
                    f.string("request", 64),
                    new ArrayList<>(f.optionalStrings("batches", Wire.RESUME_BATCHES_MAX, BATCH_CHARS_MAX)),
                    Watermark.read(f.object("watermark")),
                    f.optionalObject("from").map(Watermark::read));
            f.done();
            return a;
        }
    }
}
