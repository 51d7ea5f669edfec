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
              ) AS oldest_unrated,
              (SELECT (n.month + interval '1 month')::timestamp AT TIME ZONE 'UTC' FROM (
                 SELECT coalesce((SELECT (max(m.month) + interval '1 month')::date FROM statement_month AS m
                                  WHERE m.closed_at IS NOT NULL),
                   (SELECT min(c.month) FROM charge AS c)) AS month) AS n) AS open_month_end,
              (SELECT min(o.created_at) FROM outbox AS o WHERE o.sent_at IS NULL AND o.refused_at IS NULL) AS oldest_mail,
              (SELECT count(*) FROM outbox AS o WHERE o.refused_at > $2) AS refused_mails,
              (SELECT min(j.due_at) FROM job AS j WHERE j.done_at IS NULL AND j.poisoned_at IS NULL AND j.due_at <= $3
              ) AS oldest_job,
              (SELECT count(*) FROM job AS j WHERE j.poisoned_at IS NOT NULL) AS poisoned_jobs
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
            Optional<Instant> oldestUnrated,
            Optional<Instant> openMonthEnd,
            Optional<Instant> oldestMail,
            long refusedMails,
            Optional<Instant> oldestJob,
            long poisonedJobs) {
        static final Read NOTHING = new Read(
                Map.of(),
                0,
                0,
                0,
                Optional.empty(),
                Optional.empty(),
                Optional.empty(),
                Optional.empty(),
                0,
                Optional.empty(),
                0);
    }

    Future<Read> read(SqlClient client, Instant now) {
        return incidents(client, now.minus(Figures.INCIDENT_ACTIVE)).compose(incidents -> client.preparedQuery(SINGLE)
                .execute(Tuple.of(
                        Columns.time(now.minus(Figures.REPORTING)),
                        Columns.time(now.minus(Figures.STALLED)),
                        Columns.time(now)))
                .map(rows -> {
                    Row row = rows.iterator().next();
                    return new Read(
                            incidents,
                            row.getLong("enrolled"),
                            row.getLong("reporting"),
                            row.getLong("stalled"),
                            Columns.optionalInstant(row, "closed_through"),
                            Columns.optionalInstant(row, "oldest_unrated"),
                            Columns.optionalInstant(row, "open_month_end"),
                            Columns.optionalInstant(row, "oldest_mail"),
                            row.getLong("refused_mails"),
                            Columns.optionalInstant(row, "oldest_job"),
                            row.getLong("poisoned_jobs"));
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
