package io.tallystick.aggregator.usage;

import io.tallystick.common.error.ErrorCode;
import io.tallystick.common.error.Failure;
import io.tallystick.common.model.EnrollmentId;
import io.tallystick.common.wire.Resume;
import io.tallystick.common.wire.Watermark;
import io.tallystick.common.wire.Wire;
import io.vertx.core.Future;
import io.vertx.sqlclient.SqlClient;
import io.vertx.sqlclient.SqlConnection;
import java.time.Instant;
import java.util.List;
import java.util.Set;

/** How far each enrollment's batches are stored. Only the aggregator opens epochs. */
public final class Watermarks {
    /** Where an enrollment stands and when it last moved. */
    public record Progress(Watermark watermark, Instant at) {}

    private final UsageStore store = new UsageStore();

    /** Every enrollment has one, from the transaction that made it. */
    public Future<Progress> of(SqlClient client, EnrollmentId id) {
        return store.watermark(client, id)
                .map(found -> found.orElseThrow(() -> Failure.of(ErrorCode.NOT_FOUND, "there is no enrollment " + id)));
    }

    /** Opens the next epoch: from here on only batches that name it are in sequence. The chain of hashes goes on. */
    public Future<Watermark> openEpoch(SqlConnection tx, EnrollmentId id) {
        return store.openEpoch(tx, id);
    }

    /**
     * Answers an agent whose state went back: the stored batches after the one it knows, or, once it knows them all and
     * asks for it, a new epoch. Asking for the epoch with batches still unknown gets those batches first.
     */
    public Future<Resume.Answer> resume(SqlConnection tx, EnrollmentId id, Resume.Request request, String requestHash) {
        return store.lock(tx, Set.of(id)).compose(locked -> {
            UsageStore.Locked current = locked.get(id);
            if (current == null) {
                return Future.failedFuture(Failure.of(ErrorCode.NOT_FOUND, "there is no enrollment " + id));
            }
            return store.after(tx, id, request.known(), Wire.RESUME_BATCHES_MAX)
                    .compose(batches -> batches.isEmpty() && request.open()
                            ? openEpoch(tx, id).map(next -> new Resume.Answer(requestHash, List.of(), next))
                            : Future.succeededFuture(new Resume.Answer(requestHash, batches, current.watermark())));
        });
    }
}
