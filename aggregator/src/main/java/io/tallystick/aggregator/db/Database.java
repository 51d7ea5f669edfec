package io.tallystick.aggregator.db;

import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.pgclient.PgBuilder;
import io.vertx.pgclient.PgConnectOptions;
import io.vertx.sqlclient.Pool;
import io.vertx.sqlclient.PoolOptions;
import io.vertx.sqlclient.SqlClient;
import java.time.Duration;
import java.util.concurrent.TimeUnit;

/** The pool of one process, and the two things that may be done with it: plain reads and transactions. */
public final class Database {
    /** Waiting longer for a connection than a client waits for an answer helps nobody. */
    public static final Duration CONNECTION_WAIT_MAX = Duration.ofSeconds(5);

    /** Statements one connection may have in flight; a transaction pipelines its independent statements. */
    public static final int PIPELINE_MAX = 64;

    /** Callers that may wait for each connection of the pool before further ones are refused. */
    public static final int WAITERS_PER_CONNECTION = 64;

    /**
     * Ingest transactions in flight at once, each on a connection of its own beside the pool. Two keep PostgreSQL busy
     * while the other gathers; more were not faster.
     */
    public static final int LANE_CONNECTIONS = 2;

    /** The database gives up on a statement after this, so that nothing waits for ever; a rebuild lifts it for itself. */
    public static final Duration STATEMENT_MAX = Duration.ofSeconds(30);

    /** As long as a statement may wait for a row somebody else holds. */
    public static final Duration LOCK_WAIT_MAX = Duration.ofSeconds(10);

    /** As long as a transaction may do nothing before the database ends it and frees its locks. */
    public static final Duration IDLE_IN_TRANSACTION_MAX = Duration.ofSeconds(15);

    /** Event loops of the pool's connections, which else are on that of the request that opened them, and wait for its turns. */
    public static final int POOL_LOOPS = 1;

    private static final int STATEMENT_CHARS_MAX = 8192;

    private final Pool pool;
    private final Pool lanes;
    private final Transactor transactor;

    private Database(Vertx vertx, Pool pool, Pool lanes) {
        this.pool = pool;
        this.lanes = lanes;
        this.transactor = new Transactor(vertx, pool);
    }

    /** Opens nothing yet: connections are made when needed, so an absent server is found by the first query. */
    public static Database open(Vertx vertx, DatabaseUrl url, int connectionsMax) {
        PgConnectOptions connect = url.vertx()
                .setPipeliningLimit(PIPELINE_MAX)
                .setCachePreparedStatements(true)
                .setPreparedStatementCacheSqlLimit(STATEMENT_CHARS_MAX)
                .addProperty("application_name", "tallystick-aggregator")
                .addProperty("statement_timeout", String.valueOf(STATEMENT_MAX.toMillis()))
                .addProperty("lock_timeout", String.valueOf(LOCK_WAIT_MAX.toMillis()))
                .addProperty("idle_in_transaction_session_timeout", String.valueOf(IDLE_IN_TRANSACTION_MAX.toMillis()))
                // So that the locks of a replica that vanished are free within half a minute.
                .addProperty("tcp_keepalives_idle", "10")
                .addProperty("tcp_keepalives_interval", "5")
                .addProperty("tcp_keepalives_count", "3");
        return new Database(
                vertx,
                pool(vertx, connect, options("postgresql", connectionsMax).setEventLoopSize(POOL_LOOPS)),
                // On the loops of the lanes, which ask for them.
                pool(vertx, connect, options("postgresql-lanes", LANE_CONNECTIONS)));
    }

    private static PoolOptions options(String name, int connectionsMax) {
        return new PoolOptions()
                .setName(name)
                .setMaxSize(connectionsMax)
                .setMaxWaitQueueSize(connectionsMax * WAITERS_PER_CONNECTION)
                .setConnectionTimeout((int) CONNECTION_WAIT_MAX.toSeconds())
                .setConnectionTimeoutUnit(TimeUnit.SECONDS);
    }

    private static Pool pool(Vertx vertx, PgConnectOptions connect, PoolOptions options) {
        return PgBuilder.pool().with(options).connectingTo(connect).using(vertx).build();
    }

    /** For single statements outside a transaction. Typed so that nobody can begin one with it. */
    public SqlClient reads() {
        return pool;
    }

    public Transactor transactor() {
        return transactor;
    }

    /** For the ingest lanes, which keep one of its {@link #LANE_CONNECTIONS} each; all others use {@link #transactor()}. */
    public Pool lanes() {
        return lanes;
    }

    public Future<Void> close() {
        return Future.join(pool.close(), lanes.close()).mapEmpty();
    }
}
