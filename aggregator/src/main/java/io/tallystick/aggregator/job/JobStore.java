package io.tallystick.aggregator.job;

import io.tallystick.aggregator.db.Columns;
import io.vertx.core.Future;
import io.vertx.sqlclient.SqlClient;
import io.vertx.sqlclient.Tuple;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Optional;

/** SQL of jobs. */
final class JobStore {
    private static final int ERROR_CHARS_MAX = 1000;

    static final String ADD =
            """
            INSERT INTO job (kind, key, due_at, created_at) VALUES ($1, $2, $3, $4)
            ON CONFLICT ON CONSTRAINT job_key_unique DO UPDATE SET
                requests = job.requests + 1, attempts = 0, done_at = NULL, poisoned_at = NULL, last_error = NULL,
                due_at = CASE WHEN job.done_at IS NULL AND job.poisoned_at IS NULL
                              THEN least(job.due_at, excluded.due_at) ELSE excluded.due_at END
            """;
    static final String TAKE =
            """
            UPDATE job SET fence = fence + 1, attempts = attempts + 1, leased_until = $3
             WHERE id IN (
                SELECT id FROM job
                 WHERE done_at IS NULL AND poisoned_at IS NULL AND due_at <= $2 AND kind = ANY($1)
                   AND (leased_until IS NULL OR leased_until <= $2)
                 ORDER BY due_at, id LIMIT $4 FOR UPDATE SKIP LOCKED)
            RETURNING id, kind, key, requests, attempts, fence, last_error
            """;
    static final String HOLD = "UPDATE job SET leased_until = $3 WHERE id = $1 AND fence = $2";
    static final String PROGRESS = "UPDATE job SET attempts = 0, last_error = NULL WHERE id = $1 AND fence = $2";
    /** Asked for again meanwhile: due again at once. */
    static final String COMPLETE =
            """
            UPDATE job SET leased_until = NULL, attempts = 0, last_error = NULL,
                done_at = CASE WHEN requests = $3 THEN $4::timestamptz END,
                due_at = CASE WHEN requests = $3 THEN due_at ELSE $4 END
             WHERE id = $1 AND fence = $2
            """;

    /** Asked for again meanwhile: due when that says. */
    static final String LATER =
            """
            UPDATE job SET leased_until = NULL, attempts = 0, last_error = NULL,
                due_at = CASE WHEN requests = $3 THEN $4::timestamptz ELSE least(due_at, $4) END
             WHERE id = $1 AND fence = $2
            """;

    static final String RETRY =
            "UPDATE job SET leased_until = NULL, last_error = $4, due_at = $3 WHERE id = $1 AND fence = $2";
    static final String POISON = "UPDATE job SET leased_until = NULL, poisoned_at = $3 WHERE id = $1 AND fence = $2";
    static final String OLDEST_DUE =
            "SELECT min(due_at) AS due_at FROM job WHERE done_at IS NULL AND poisoned_at IS NULL AND due_at <= $1";
    static final String POISONED = "SELECT count(*) AS jobs FROM job WHERE poisoned_at IS NOT NULL";

    /** @param lastError of the attempt before, empty on a first one */
    record Taken(Job job, String lastError) {}

    Future<Void> add(SqlClient db, String kind, String key, Instant due, Instant now) {
        return db.preparedQuery(ADD)
                .execute(Tuple.of(kind, key, Columns.time(due), Columns.time(now)))
                .mapEmpty();
    }

    Future<List<Taken>> take(SqlClient db, Collection<String> kinds, Instant now, Instant until, int limit) {
        return db.preparedQuery(TAKE)
                .execute(Tuple.tuple()
                        .addArrayOfString(kinds.toArray(String[]::new))
                        .addOffsetDateTime(Columns.time(now))
                        .addOffsetDateTime(Columns.time(until))
                        .addInteger(limit))
                .map(rows -> {
                    List<Taken> taken = new ArrayList<>();
                    rows.forEach(row -> taken.add(new Taken(
                            new Job(
                                    row.getLong("id"),
                                    row.getString("kind"),
                                    row.getString("key"),
                                    row.getLong("requests"),
                                    row.getInteger("attempts"),
                                    row.getLong("fence")),
                            Optional.ofNullable(row.getString("last_error")).orElse(""))));
                    return taken;
                });
    }

    /** Keeps the row locked until the transaction ends; false if somebody else has the job. */
    Future<Boolean> hold(SqlClient db, Job job, Instant until) {
        return db.preparedQuery(HOLD)
                .execute(Tuple.of(job.id(), job.fence(), Columns.time(until)))
                .map(rows -> rows.rowCount() == 1);
    }

    Future<Void> progress(SqlClient db, Job job) {
        return db.preparedQuery(PROGRESS)
                .execute(Tuple.of(job.id(), job.fence()))
                .mapEmpty();
    }

    Future<Void> complete(SqlClient db, Job job, Instant now) {
        return db.preparedQuery(COMPLETE)
                .execute(Tuple.of(job.id(), job.fence(), job.requests(), Columns.time(now)))
                .mapEmpty();
    }

    Future<Void> later(SqlClient db, Job job, Instant due) {
        return db.preparedQuery(LATER)
                .execute(Tuple.of(job.id(), job.fence(), job.requests(), Columns.time(due)))
                .mapEmpty();
    }

    Future<Void> retry(SqlClient db, Job job, Instant due, String error) {
        String kept = error.length() > ERROR_CHARS_MAX ? error.substring(0, ERROR_CHARS_MAX) : error;
        return db.preparedQuery(RETRY)
                .execute(Tuple.of(job.id(), job.fence(), Columns.time(due), kept))
                .mapEmpty();
    }

    Future<Void> poison(SqlClient db, Job job, Instant now) {
        return db.preparedQuery(POISON)
                .execute(Tuple.of(job.id(), job.fence(), Columns.time(now)))
                .mapEmpty();
    }

    Future<Optional<Instant>> oldestDue(SqlClient db, Instant now) {
        return db.preparedQuery(OLDEST_DUE)
                .execute(Tuple.of(Columns.time(now)))
                .map(rows -> Columns.optionalInstant(rows.iterator().next(), "due_at"));
    }

    Future<Long> poisoned(SqlClient db) {
        return db.preparedQuery(POISONED)
                .execute()
                .map(rows -> rows.iterator().next().getLong("jobs"));
    }
}
