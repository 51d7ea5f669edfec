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

    /** Every enrollment has one, from the transaction that made it. */
    public Future<Progress> of(SqlClient client, EnrollmentId id) {
        return store.watermark(client, id)
                .map(found -> found.orElseThrow(() -> Failure.of(ErrorCode.NOT_FOUND, "there is no enrollment " + id)));
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
     * before the key of the agent took over is left out.
     */
    public Future<Resume.Answer> resume(SqlConnection tx, EnrollmentId id, Resume.Request request, String requestHash) {
        return store.lock(tx, Set.of(id)).compose(locked -> {
            UsageStore.Locked current = locked.get(id);
            if (current == null) {
                return Future.failedFuture(Failure.of(ErrorCode.NOT_FOUND, "there is no enrollment " + id));
            }
            return store.firstEpoch(tx, id, current.key())
                    .compose(first -> request.known().epoch() < first
                            ? since(tx, id, current.watermark(), first, requestHash)
                            : after(tx, id, current.watermark(), request, requestHash));
        });
    }

    /**
     * For an agent that knows nothing from when its key began to speak for the enrollment. It sent nothing of what came
     * before, which may be archived by now.
     */
    private Future<Resume.Answer> since(
            SqlConnection tx, EnrollmentId id, Watermark current, long first, String requestHash) {
        Watermark start = new Watermark(first, 0, current.hash());
        return archived.requireNoneAfter(tx, id, start)
                .compose(done -> batches(tx, id, start))
                .map(batches -> new Resume.Answer(
                        requestHash,
                        batches,
                        current,
                        Optional.of(batches.isEmpty() ? start : new Watermark(first, 0, before(batches.get(0))))));
    }

    private static Hash before(String batch) {
        return Batch.parse(Jws.parseCompact(batch, Typ.BATCH).payload()).prev();
    }

    private Future<Resume.Answer> after(
            SqlConnection tx, EnrollmentId id, Watermark current, Resume.Request request, String requestHash) {
        return archived.requireNoneAfter(tx, id, request.known())
                .compose(done -> knows(tx, id, request.known()))
                .compose(done -> batches(tx, id, request.known()))
                .compose(batches -> batches.isEmpty() && request.open()
                        ? store.openEpoch(tx, id)
                                .map(next -> new Resume.Answer(requestHash, List.of(), next, Optional.empty()))
                        : Future.succeededFuture(new Resume.Answer(requestHash, batches, current, Optional.empty())));
    }

    /** As many of the batches after this place as an answer may carry. */
    private Future<List<String>> batches(SqlConnection tx, EnrollmentId id, Watermark known) {
        return store.after(tx, id, known, Wire.RESUME_BATCHES_MAX).map(Watermarks::fitting);
    }

    /** What an agent says it knows must be what is stored, else it has another history and must not go on from ours. */
    private Future<Void> knows(SqlConnection tx, EnrollmentId id, Watermark known) {
        if (known.seq() == 0) {
            return Future.succeededFuture();
        }
        return store.stored(tx, id, known.epoch(), known.seq()).compose(found -> {
            Future<Boolean> same = found.isEmpty()
                    ? archived.endsWith(tx, id, known)
                    : Future.succeededFuture(Jws.parseCompact(found.get().jws(), Typ.BATCH)
                            .hash()
                            .equals(known.hash()));
            return same.compose(yes -> yes
                    ? Future.succeededFuture()
                    : Future.failedFuture(Failure.of(
                            ErrorCode.FORK,
                            "known: batch " + known.epoch() + "." + known.seq() + " with hash " + known.hash()
                                    + " is not the one that is stored")));
        });
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
