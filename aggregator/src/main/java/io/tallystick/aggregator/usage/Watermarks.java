package io.tallystick.aggregator.usage;

import io.tallystick.common.error.ErrorCode;
import io.tallystick.common.error.Failure;
import io.tallystick.common.jose.Jws;
import io.tallystick.common.jose.Typ;
import io.tallystick.common.model.EnrollmentId;
import io.tallystick.common.model.Hash;
import io.tallystick.common.wire.Batch;
import io.tallystick.common.wire.Resume;
import io.tallystick.common.wire.Watermark;
import io.tallystick.common.wire.Wire;
import io.vertx.core.Future;
import io.vertx.sqlclient.SqlClient;
import io.vertx.sqlclient.SqlConnection;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/** How far each enrollment's batches are stored. Only the aggregator opens epochs. */
public final class Watermarks {
    /** Where an enrollment stands and when it last moved. */
    public record Progress(Watermark watermark, Instant at) {}

    /** Room for the rest of an answer: hash, watermark, quotes and commas. */
    private static final int ANSWER_BYTES = 4 * 1024;

    private final UsageStore store = new UsageStore();
    private final ArchivedChains archived = new ArchivedChains();
    private final LostRanges lost;

    public Watermarks(LostRanges lost) {
        this.lost = lost;
    }

    /** Every enrollment has one, from the transaction that made it. */
    public Future<Progress> of(SqlClient client, EnrollmentId id) {
        return store.watermark(client, id)
                .map(found -> found.orElseThrow(() -> Failure.of(ErrorCode.NOT_FOUND, "there is no enrollment " + id)));
    }

    /** What is lost of an enrollment's batches, oldest first. */
    public Future<List<LostRange>> lost(SqlClient client, EnrollmentId id) {
        return lost.of(client, id);
    }

    /**
     * Opens the next epoch for another key: from here on only batches that name the epoch and are signed by that key are
     * taken. The chain of hashes goes on.
     */
    public Future<Watermark> handOver(SqlConnection tx, EnrollmentId id, Hash thumbprint) {
        return store.handOver(tx, id, thumbprint);
    }

    /** Whether another key is on trial: then a batch of this one ends the trial before it is stored. */
    Future<Void> contend(SqlConnection tx, EnrollmentId id, boolean contended) {
        return store.contend(tx, id, contended);
    }

    /**
     * Answers an agent whose state went back: the stored batches after the one it knows, or, once it knows them all and
     * asks for it, a new epoch. Asking for the epoch with batches still unknown gets those batches first. What was sent
     * before the key of the agent took over is left out, and so is what a restored database lost. An agent that shows a
     * receipt goes on behind it, see {@link LostRanges}.
     */
    public Future<Resume.Answer> resume(SqlConnection tx, EnrollmentId id, Resume.Request request, String requestHash) {
        return store.lock(tx, Set.of(id)).compose(locked -> {
            UsageStore.Locked current = locked.get(id);
            if (current == null) {
                return Future.failedFuture(Failure.of(ErrorCode.NOT_FOUND, "there is no enrollment " + id));
            }
            Watermark stands = current.watermark();
            if (request.receipt().isPresent()) {
                return lost.goOn(tx, id, stands, request.receipt().get())
                        .map(now -> new Resume.Answer(requestHash, List.of(), now, Optional.empty()));
            }
            return store.firstEpoch(tx, id, current.key())
                    .compose(first -> request.known().epoch() < first
                            ? handed(tx, id, stands, Handed.from(new Watermark(first, 0, stands.hash())))
                            : knows(tx, id, request.known())
                                    .compose(done -> handed(tx, id, stands, Handed.after(request.known()))))
                    .compose(handed -> handed.none() && request.open()
                            ? store.openEpoch(tx, id)
                                    .map(next -> new Resume.Answer(requestHash, List.of(), next, Optional.empty()))
                            : Future.succeededFuture(
                                    new Resume.Answer(requestHash, handed.batches(), stands, handed.from())));
        });
    }

    /**
     * What an agent gets to know.
     *
     * @param place that the batches follow
     * @param from that place, where the agent does not know of it
     */
    private record Handed(Watermark place, Optional<Watermark> from, List<String> batches) {
        static Handed after(Watermark known) {
            return new Handed(known, Optional.empty(), List.of());
        }

        static Handed from(Watermark place) {
            return new Handed(place, Optional.of(place), List.of());
        }

        boolean none() {
            return batches.isEmpty() && from.isEmpty();
        }

        Handed with(List<String> some) {
            if (from.isEmpty() || some.isEmpty()) {
                return new Handed(place, from, some);
            }
            // The hash an epoch begins with is known to the batch that follows.
            Hash prev = Batch.parse(Jws.parseCompact(some.get(0), Typ.BATCH).payload())
                    .prev();
            return new Handed(place, Optional.of(new Watermark(place.epoch(), place.seq(), prev)), some);
        }
    }

    /** As many of the batches after this place as an answer may carry and as follow each other. */
    private Future<Handed> handed(SqlConnection tx, EnrollmentId id, Watermark stands, Handed begin) {
        return lost.next(tx, id, begin.place()).compose(found -> {
            if (found.isPresent() && !found.get().after().isAfter(begin.place())) {
                return handed(tx, id, stands, Handed.from(found.get().upTo()));
            }
            return archived.requireNoneAfter(tx, id, begin.place())
                    .compose(done -> store.after(
                            tx, id, begin.place(), found.map(LostRange::after).orElse(stands), Wire.RESUME_BATCHES_MAX))
                    .map(Watermarks::fitting)
                    .compose(batches -> batches.isEmpty() && found.isPresent()
                            // An epoch was opened in between, and nothing sent in it.
                            ? handed(tx, id, stands, Handed.from(found.get().upTo()))
                            : Future.succeededFuture(begin.with(batches)));
        });
    }

    /** What an agent says it knows must be what is stored, else it has another history and must not go on from ours. */
    private Future<Void> knows(SqlConnection tx, EnrollmentId id, Watermark known) {
        if (known.seq() == 0) {
            return Future.succeededFuture();
        }
        // An agent that knows what is archived, but not the last of it, is told so before its hash is looked at.
        return archived.requireNoneAfter(tx, id, known)
                .compose(done -> store.stored(tx, id, known.epoch(), known.seq()))
                .compose(found -> found.isPresent()
                        ? Future.succeededFuture(Jws.parseCompact(found.get().jws(), Typ.BATCH)
                                .hash()
                                .equals(known.hash()))
                        : archived.endsWith(tx, id, known)
                                .compose(yes -> yes ? Future.succeededFuture(true) : lost.reaches(tx, id, known)))
                .compose(same -> same
                        ? Future.succeededFuture()
                        : Future.failedFuture(Failure.of(
                                ErrorCode.FORK,
                                "known: batch " + known.epoch() + "." + known.seq() + " with hash " + known.hash()
                                        + " is not the one that is stored")));
    }

    /** As many of the batches as one answer may carry, at least one. */
    private static List<String> fitting(List<String> batches) {
        List<String> fitting = new ArrayList<>();
        int bytes = 0;
        for (String batch : batches) {
            bytes += batch.length();
            if (!fitting.isEmpty() && bytes > Wire.RESUME_PAYLOAD_BYTES_MAX - ANSWER_BYTES) {
                break;
            }
            fitting.add(batch);
        }
        return fitting;
    }
}
