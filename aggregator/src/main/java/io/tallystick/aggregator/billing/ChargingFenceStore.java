package io.tallystick.aggregator.billing;

import io.tallystick.aggregator.db.Columns;
import io.vertx.core.Future;
import io.vertx.sqlclient.SqlConnection;
import io.vertx.sqlclient.Tuple;
import java.time.Instant;
import java.util.Optional;

/** SQL of the fence that rating and closing share: one of them at a time, in one process. */
final class ChargingFenceStore {
    static final String TAKE =
            """
            UPDATE charging_state SET fence = fence + 1, fence_until = $2 WHERE one AND fence_until <= $1 RETURNING fence""";
    static final String HOLD = "UPDATE charging_state SET fence_until = $2 WHERE one AND fence = $1";
    static final String RELEASE = "UPDATE charging_state SET fence_until = '-infinity' WHERE one AND fence = $1";

    /** Empty while another holds it. */
    Future<Optional<Long>> take(SqlConnection tx, Instant now, Instant until) {
        return tx.preparedQuery(TAKE)
                .execute(Tuple.of(Columns.time(now), Columns.time(until)))
                .map(rows -> {
                    var it = rows.iterator();
                    return it.hasNext() ? Optional.of(it.next().getLong("fence")) : Optional.<Long>empty();
                });
    }

    /** Fails if another process has taken the fence: whoever was paused too long must not write. */
    Future<Void> hold(SqlConnection tx, long fence, Instant until) {
        return tx.preparedQuery(HOLD)
                .execute(Tuple.of(fence, Columns.time(until)))
                .compose(rows -> rows.rowCount() == 1
                        ? Future.succeededFuture()
                        : Future.failedFuture(
                                new IllegalStateException("charging fence " + fence + " was taken over")));
    }

    Future<Void> release(SqlConnection tx, long fence) {
        return tx.preparedQuery(RELEASE).execute(Tuple.of(fence)).mapEmpty();
    }
}
