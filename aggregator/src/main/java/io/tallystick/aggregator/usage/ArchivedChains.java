package io.tallystick.aggregator.usage;

import io.tallystick.common.error.ErrorCode;
import io.tallystick.common.error.Failure;
import io.tallystick.common.model.EnrollmentId;
import io.tallystick.common.model.Hash;
import io.tallystick.common.wire.Watermark;
import io.vertx.core.Future;
import io.vertx.sqlclient.SqlClient;
import java.util.Optional;

/** What the service still knows of batches whose evidence is archived: how far each epoch is, and its last hash. */
final class ArchivedChains {
    private final ArchiveStore store = new ArchiveStore();

    /** @param receipt empty where the place is another batch's */
    record Seen(Optional<String> receipt) {}

    /**
     * Whether a batch that came again is archived. Empty where nothing with its number is. An enrollment's last batch gets
     * its receipt again, as the agent may have missed it; an agent that sends an older one has gone back in time, and is
     * refused.
     */
    Future<Optional<Seen>> seen(SqlClient client, EnrollmentId id, long epoch, long seq, Hash hash) {
        return store.chainOf(client, id, epoch).compose(chain -> {
            if (chain.isEmpty() || chain.get().seq() < seq) {
                return Future.succeededFuture(Optional.empty());
            }
            boolean last = chain.get().seq() == seq;
            if (last && !chain.get().hash().equals(hash)) {
                return Future.succeededFuture(Optional.of(new Seen(Optional.empty())));
            }
            return last && chain.get().receipt().isPresent()
                    ? Future.succeededFuture(Optional.of(new Seen(chain.get().receipt())))
                    : Future.failedFuture(Failure.of(
                            ErrorCode.CONFLICT,
                            "already-archived: batch " + epoch + "." + seq
                                    + " was stored and is archived, and so is its receipt"));
        });
    }

    /** Whether what an agent knows is the last archived batch. */
    Future<Boolean> endsWith(SqlClient client, EnrollmentId id, Watermark known) {
        return store.chainOf(client, id, known.epoch())
                .map(chain -> chain.isPresent()
                        && chain.get().seq() == known.seq()
                        && chain.get().hash().equals(known.hash()));
    }

    /** Fails where batches after the one an agent knows are archived: it cannot be told what it has sent. */
    Future<Void> requireNoneAfter(SqlClient client, EnrollmentId id, Watermark known) {
        return store.anyAfter(client, id, known)
                .compose(there -> there
                        ? Future.failedFuture(Failure.of(
                                ErrorCode.CONFLICT,
                                "already-archived: batches after " + known.epoch() + "." + known.seq()
                                        + " are archived and are not handed out any more; ask the operator of the"
                                        + " marketplace"))
                        : Future.succeededFuture());
    }
}
