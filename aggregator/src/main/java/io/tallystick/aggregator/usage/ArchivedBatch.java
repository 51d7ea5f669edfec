package io.tallystick.aggregator.usage;

import io.tallystick.common.json.Fields;
import io.tallystick.common.json.Json;
import io.tallystick.common.model.EnrollmentId;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.UUID;

/** A stored batch, as a line of an archive has it. */
record ArchivedBatch(UUID enrollment, long epoch, long seq, Instant received, String jws, String receipt) {
    private static final EnrollmentId NOBODY = new EnrollmentId(new UUID(0, 0));

    byte[] line() {
        return (Json.write(Json.object(
                                "enrollment", new EnrollmentId(enrollment).toString(),
                                "epoch", epoch,
                                "seq", seq,
                                "received", received,
                                "jws", jws,
                                "receipt", receipt))
                        + "\n")
                .getBytes(StandardCharsets.UTF_8);
    }

    /** Throws {@code Failure} for anything else than such a line. */
    static ArchivedBatch parse(String line) {
        Fields f = Fields.of(Json.parseObjectWithLongStrings(line.getBytes(StandardCharsets.UTF_8)));
        ArchivedBatch batch = new ArchivedBatch(
                f.parsed("enrollment", EnrollmentId::parse, NOBODY).uuid(),
                f.number("epoch", 1, Integer.MAX_VALUE),
                f.number("seq", 1, Long.MAX_VALUE),
                f.instant("received"),
                f.string("jws", Integer.MAX_VALUE),
                f.string("receipt", Integer.MAX_VALUE));
        f.done();
        return batch;
    }
}
