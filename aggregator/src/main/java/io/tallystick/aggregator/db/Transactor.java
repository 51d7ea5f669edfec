package io.tallystick.aggregator.db;

import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.sqlclient.Pool;
import io.vertx.sqlclient.SqlConnection;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;

/** The only place that opens transactions. */
public final class Transactor {
    /** Attempts at one transaction, the first included, when PostgreSQL asks for a retry (40001, 40P01). */
    public static final int ATTEMPTS_MAX = 5;

    private static final long FIRST_PAUSE_MS = 10;

    private final Vertx vertx;
    private final Pool pool;

    Transactor(Vertx vertx, Pool pool) {
        this.vertx = vertx;
        this.pool = pool;
    }

    /**
     * Runs the work in one transaction: committed when its future succeeds, rolled back when it fails or throws. After a
     * serialization failure or a deadlock the whole work runs again, so it must have no effect outside the database and
     * must make its ids and read its clock inside. What cannot be retried comes out as {@link PgErrors#translate} makes
     * it. A connection lost during COMMIT is not retried: nobody knows whether it was committed.
     */
    public <T> Future<T> inTx(Function<SqlConnection, Future<T>> work) {
        return attempt(work, 1).recover(e -> Future.failedFuture(PgErrors.translate(e)));
    }

    private <T> Future<T> attempt(Function<SqlConnection, Future<T>> work, int attempt) {
        return pool.withTransaction(work).recover(e -> {
            if (attempt >= ATTEMPTS_MAX || !PgErrors.isRetryable(e)) {
                return Future.failedFuture(e);
            }
            return vertx.timer(FIRST_PAUSE_MS << attempt, TimeUnit.MILLISECONDS)
                    .compose(done -> attempt(work, attempt + 1));
        });
    }
}
