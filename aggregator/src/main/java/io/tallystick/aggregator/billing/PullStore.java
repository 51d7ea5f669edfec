package io.tallystick.aggregator.billing;

import io.tallystick.aggregator.db.Columns;
import io.tallystick.common.model.Hash;
import io.vertx.core.Future;
import io.vertx.sqlclient.Row;
import io.vertx.sqlclient.SqlClient;
import io.vertx.sqlclient.Tuple;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Reads of finished runs and their lines. */
final class PullStore {
    static final String CLOSED_THROUGH =
            "SELECT nullif(closed_through, '-infinity') AS closed_through FROM posting_state";
    static final String RUNS =
            """
            SELECT r.run, r.booked_at, r.finished_at, r.lines, r.sha256, c.charges, c.sha256 AS charges_sha256
            FROM posting_run AS r LEFT JOIN rating_run AS c ON c.run = r.run AND c.finished_at IS NOT NULL
            WHERE r.finished_at IS NOT NULL AND r.run > $1 ORDER BY r.run LIMIT $2""";

    /** Bounds by run number, so that lines are read by their key alone; runs and booking times rise together. */
    private static final String PAGE = "SELECT " + PostingStore.LINE_COLUMNS
            + """

            FROM usage_line AS l JOIN posting_run AS r USING (run)
            WHERE (l.run, l.line) > ($1, $2)
              AND l.run >= (SELECT coalesce(min(run), 9223372036854775807) FROM posting_run
                            WHERE finished_at IS NOT NULL AND ($3::timestamptz IS NULL OR booked_at >= $3))
              AND l.run <= (SELECT coalesce(max(run), 0) FROM posting_run
                            WHERE finished_at IS NOT NULL AND ($4::timestamptz IS NULL OR booked_at < $4))
            """;

    static final String ALL = PAGE + "AND $5::text IS NULL AND $6::text IS NULL ORDER BY l.run, l.line LIMIT $7";
    static final String OF_PRODUCT =
            PAGE + "AND l.product_id = $5 AND $6::text IS NULL ORDER BY l.run, l.line LIMIT $7";
    static final String OF_ACCOUNT =
            PAGE + "AND l.account_id = $6 AND ($5::text IS NULL OR l.product_id = $5) ORDER BY l.run, l.line LIMIT $7";

    /** One line more than asked for, where there is one. */
    Future<List<UsageLine>> page(SqlClient client, UsagePull.Query query) {
        String sql =
                query.productId().isPresent() ? OF_PRODUCT : query.accountId().isPresent() ? OF_ACCOUNT : ALL;
        return client.preparedQuery(sql)
                .execute(Tuple.of(
                        query.after().run(),
                        query.after().line(),
                        Columns.timeOrNull(query.from()),
                        Columns.timeOrNull(query.to()),
                        query.productId().orElse(null),
                        query.accountId().orElse(null),
                        query.limit() + 1))
                .map(PostingStore::readLines);
    }

    Future<Optional<Instant>> closedThrough(SqlClient client) {
        return client.preparedQuery(CLOSED_THROUGH)
                .execute()
                .map(rows -> Columns.optionalInstant(rows.iterator().next(), "closed_through"));
    }

    Future<List<UsagePull.Run>> runs(SqlClient client, long after, int limit) {
        return client.preparedQuery(RUNS).execute(Tuple.of(after, limit)).map(rows -> {
            List<UsagePull.Run> runs = new ArrayList<>();
            for (Row row : rows) {
                runs.add(new UsagePull.Run(
                        row.getLong("run"),
                        Columns.instant(row, "booked_at"),
                        Columns.instant(row, "finished_at"),
                        row.getLong("lines"),
                        Hash.ofBytes(row.getBuffer("sha256").getBytes()),
                        Optional.ofNullable(row.getLong("charges")),
                        Optional.ofNullable(row.getBuffer("charges_sha256"))
                                .map(hash -> Hash.ofBytes(hash.getBytes()))));
            }
            return runs;
        });
    }
}
