package io.tallystick.aggregator.app;

import io.tallystick.aggregator.db.Columns;
import io.vertx.core.Future;
import io.vertx.sqlclient.Row;
import io.vertx.sqlclient.SqlClient;
import io.vertx.sqlclient.Tuple;
import java.time.Instant;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;

/** The SQL of {@link Figures}; it reads what belongs to the features and writes nothing. */
final class FiguresStore {
    static final String INCIDENTS = "SELECT kind, count(*) AS count FROM incident WHERE last_at > $1 GROUP BY kind";
    static final String SINGLE =
            """
            SELECT a.enrolled, a.reporting, a.stalled,
              (SELECT closed_through FROM posting_state WHERE isfinite(closed_through)) AS closed_through,
              (SELECT min(p.finished_at) FROM posting_run AS p WHERE p.finished_at IS NOT NULL
                 AND p.run > (SELECT coalesce(max(r.run), 0) FROM rating_run AS r WHERE r.finished_at IS NOT NULL)
              ) AS oldest_unrated
            FROM (SELECT count(*) AS enrolled,
                    count(*) FILTER (WHERE w.progressed_at > $1) AS reporting,
                    count(*) FILTER (WHERE w.progressed_at <= $2 AND e.seen_at > $2) AS stalled
                  FROM enrollment AS e JOIN watermark AS w USING (enrollment_id)) AS a""";

    /** One reading. */
    record Read(
            Map<String, Long> incidents,
            long enrolled,
            long reporting,
            long stalled,
            Optional<Instant> closedThrough,
            Optional<Instant> oldestUnrated) {
        static final Read NOTHING = new Read(Map.of(), 0, 0, 0, Optional.empty(), Optional.empty());
    }

    Future<Read> read(SqlClient client, Instant now) {
        return incidents(client, now.minus(Figures.INCIDENT_ACTIVE)).compose(incidents -> client.preparedQuery(SINGLE)
                .execute(Tuple.of(Columns.time(now.minus(Figures.REPORTING)), Columns.time(now.minus(Figures.STALLED))))
                .map(rows -> {
                    Row row = rows.iterator().next();
                    return new Read(
                            incidents,
                            row.getLong("enrolled"),
                            row.getLong("reporting"),
                            row.getLong("stalled"),
                            Columns.optionalInstant(row, "closed_through"),
                            Columns.optionalInstant(row, "oldest_unrated"));
                }));
    }

    private static Future<Map<String, Long>> incidents(SqlClient client, Instant since) {
        return client.preparedQuery(INCIDENTS)
                .execute(Tuple.of(Columns.time(since)))
                .map(rows -> {
                    Map<String, Long> counts = new HashMap<>();
                    for (Row row : rows) {
                        counts.put(row.getString("kind"), row.getLong("count"));
                    }
                    return Map.copyOf(counts);
                });
    }
}
