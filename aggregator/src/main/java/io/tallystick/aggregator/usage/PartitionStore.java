package io.tallystick.aggregator.usage;

import io.vertx.core.Future;
import io.vertx.sqlclient.SqlConnection;
import io.vertx.sqlclient.Tuple;
import java.time.YearMonth;
import java.time.ZoneOffset;

/** Makes partitions. */
final class PartitionStore {
    private static final String LOCK = "SELECT pg_advisory_xact_lock(7413002)";
    /** Making a partition waits for readers of the whole table, and everybody else would wait behind it. */
    private static final String SHORT_WAIT = "SET LOCAL lock_timeout = '1s'";

    private static final String NEEDED =
            """
            SELECT to_regclass($1) IS NULL
              AND NOT EXISTS (SELECT FROM usage_batch_default WHERE received >= $2 AND received < $3) AS needed""";

    Future<Void> ensure(SqlConnection tx, YearMonth month) {
        String name = "usage_batch_%04d_%02d".formatted(month.getYear(), month.getMonthValue());
        var from = month.atDay(1).atStartOfDay().atOffset(ZoneOffset.UTC);
        var to = month.plusMonths(1).atDay(1).atStartOfDay().atOffset(ZoneOffset.UTC);
        // Names and bounds of partitions cannot be parameters; both are made of numbers here.
        String create =
                "CREATE TABLE " + name + " PARTITION OF usage_batch FOR VALUES FROM ('" + from + "') TO ('" + to + "')";
        return tx.query(SHORT_WAIT)
                .execute()
                .compose(done -> tx.query(LOCK).execute())
                .compose(done -> tx.preparedQuery(NEEDED).execute(Tuple.of(name, from, to)))
                .compose(rows -> rows.iterator().next().getBoolean("needed")
                        ? tx.query(create).execute().mapEmpty()
                        : Future.succeededFuture());
    }
}
