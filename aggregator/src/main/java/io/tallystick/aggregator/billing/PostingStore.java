package io.tallystick.aggregator.billing;

import io.tallystick.aggregator.db.Columns;
import io.tallystick.common.model.EnrollmentId;
import io.tallystick.common.model.Hash;
import io.vertx.core.Future;
import io.vertx.core.buffer.Buffer;
import io.vertx.sqlclient.Row;
import io.vertx.sqlclient.RowSet;
import io.vertx.sqlclient.SqlClient;
import io.vertx.sqlclient.SqlConnection;
import io.vertx.sqlclient.Tuple;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** The SQL of posting runs. */
final class PostingStore {
    static final String TAKE_FENCE =
            """
            UPDATE posting_state SET fence = fence + 1, fence_until = $2 WHERE one AND fence_until <= $1 RETURNING fence""";
    static final String HOLD_FENCE = "UPDATE posting_state SET fence_until = $2 WHERE one AND fence = $1";
    static final String RELEASE =
            """
            UPDATE posting_state
            SET fence_until = '-infinity', closed_through = greatest(closed_through, $2)
            WHERE one AND fence = $1 RETURNING closed_through""";
    static final String OPEN_RUN = "SELECT run, booked_at, started_at FROM posting_run WHERE finished_at IS NULL";
    /** What is due: dirty, and ended longer ago than the product's close delay. */
    private static final String DUE =
            """
            FROM usage_hour AS u JOIN dimension AS d ON d.id = u.dimension_id JOIN product AS p ON p.id = d.product_id
            WHERE u.dirty AND u.hour <= $1::timestamptz - interval '1 hour' - make_interval(secs => p.close_delay_seconds)
              -- The same with the shortest delay of all, a bound the index can use.
              AND u.hour <= $1::timestamptz - interval '1 hour'
                - make_interval(secs => (SELECT min(close_delay_seconds) FROM product))
            """;

    /** What was bought by the year and waits for a run to be charged in, unless there is one already that is not rated. */
    private static final String PURCHASE_DUE =
            """
            EXISTS (SELECT FROM amendment AS m WHERE NOT EXISTS (SELECT FROM charge AS c WHERE c.amendment_id = m.id))
              AND NOT EXISTS (SELECT FROM posting_run AS r WHERE r.run > (
                SELECT coalesce(max(f.run), 0) FROM rating_run AS f WHERE f.finished_at IS NOT NULL))""";

    static final String ANYTHING_DUE = "SELECT EXISTS (SELECT " + DUE + ") OR (" + PURCHASE_DUE + ") AS due";
    static final String START_RUN =
            """
            INSERT INTO posting_run (run, booked_at, started_at)
            SELECT (SELECT coalesce(max(run), 0) + 1 FROM posting_run),
              greatest($1, closed_through + interval '1 microsecond'), $1
            FROM posting_state
            RETURNING run, booked_at, started_at""";
    static final String POST_CHUNK =
            """
            WITH due AS (
              SELECT u.hour, u.enrollment_id, u.dimension_id, u.allocation, u.agreement_id, u.posted
            """
                    + DUE
                    + """
              ORDER BY u.hour, u.enrollment_id, u.dimension_id, u.allocation, u.agreement_id LIMIT $3 FOR UPDATE OF u
            ), taken AS (
              UPDATE usage_hour AS u SET posted = u.quantity, dirty = false FROM due
              WHERE (u.hour, u.enrollment_id, u.dimension_id, u.allocation, u.agreement_id)
                = (due.hour, due.enrollment_id, due.dimension_id, due.allocation, due.agreement_id)
              RETURNING u.hour, u.enrollment_id, u.dimension_id, u.allocation, u.agreement_id, due.posted AS before,
                u.quantity - due.posted AS more
            ), written AS (
              INSERT INTO usage_line (run, line, kind, hour, product_id, product_code, account_id, agreement_id,
                enrollment_id, cloud, cloud_account, instance, dimension_id, dimension, unit, allocation, tags, quantity,
                instance_type, image, region)
              SELECT $2, (SELECT coalesce(max(line), 0) FROM usage_line WHERE run = $2)
                  + row_number() OVER (ORDER BY t.hour, t.enrollment_id, t.dimension_id, t.allocation, t.agreement_id),
                CASE WHEN t.before > 0 THEN 'adjustment' ELSE 'usage' END,
                t.hour, p.id, p.product_code, g.account_id, g.id, e.enrollment_id, e.cloud, e.cloud_account, e.instance,
                d.id, d.key, d.unit, t.allocation, coalesce(a.tags, '{}'), t.more,
                coalesce(v.instance_type, e.instance_type), coalesce(v.image, e.image), coalesce(v.region, e.region)
              FROM taken AS t
              JOIN enrollment AS e ON e.enrollment_id = t.enrollment_id
              JOIN dimension AS d ON d.id = t.dimension_id
              JOIN product AS p ON p.id = d.product_id
              JOIN agreement AS g ON g.id = t.agreement_id
              LEFT JOIN allocation AS a ON a.enrollment_id = t.enrollment_id AND a.allocation = t.allocation
              -- What the VM was: by its last start before the hour's end, else by its first one.
              LEFT JOIN LATERAL (
                SELECT s.instance_type, s.image, s.region FROM vm_start AS s WHERE s.enrollment_id = t.enrollment_id
                ORDER BY s.since < t.hour + interval '1 hour' DESC,
                  abs(extract(epoch FROM s.since - t.hour - interval '1 hour')) LIMIT 1) AS v ON true
              WHERE t.more > 0
            )
            SELECT count(*) AS taken FROM taken""";
    static final String FINISH_RUN =
            "UPDATE posting_run SET finished_at = $2, lines = $3, sha256 = $4 WHERE run = $1 AND finished_at IS NULL";
    static final String LINE_COLUMNS =
            """
            l.run, l.line, l.kind, r.booked_at, l.hour, l.product_id, l.product_code, l.account_id, l.agreement_id,
            l.enrollment_id, l.cloud, l.cloud_account, l.instance, l.dimension, l.unit, l.tags, l.quantity""";
    static final String LINES = "SELECT " + LINE_COLUMNS
            + " FROM usage_line AS l JOIN posting_run AS r USING (run) WHERE l.run = $1 AND l.line > $2"
            + " ORDER BY l.line LIMIT $3";

    /** A run in the making. */
    record Run(long number, Instant bookedAt, Instant startedAt) {}

    Future<Optional<Long>> takeFence(SqlConnection tx, Instant now, Instant until) {
        return tx.preparedQuery(TAKE_FENCE)
                .execute(Tuple.of(Columns.time(now), Columns.time(until)))
                .map(rows -> {
                    var it = rows.iterator();
                    return it.hasNext() ? Optional.of(it.next().getLong("fence")) : Optional.<Long>empty();
                });
    }

    /** Fails if another process has taken the fence: whoever was paused too long must not write. */
    Future<Void> holdFence(SqlConnection tx, long fence, Instant until) {
        return tx.preparedQuery(HOLD_FENCE)
                .execute(Tuple.of(fence, Columns.time(until)))
                .compose(rows -> rows.rowCount() == 1
                        ? Future.succeededFuture()
                        : Future.failedFuture(new IllegalStateException("posting fence " + fence + " was taken over")));
    }

    Future<Instant> release(SqlConnection tx, long fence, Instant closedThrough) {
        return tx.preparedQuery(RELEASE)
                .execute(Tuple.of(fence, Columns.time(closedThrough)))
                .compose(rows -> rows.rowCount() == 1
                        ? Future.succeededFuture(Columns.instant(rows.iterator().next(), "closed_through"))
                        : Future.failedFuture(new IllegalStateException("posting fence " + fence + " was taken over")));
    }

    Future<Optional<Run>> openRun(SqlConnection tx) {
        return tx.preparedQuery(OPEN_RUN).execute().map(PostingStore::run);
    }

    Future<Boolean> anythingDue(SqlConnection tx, Instant now) {
        return tx.preparedQuery(ANYTHING_DUE)
                .execute(Tuple.of(Columns.time(now)))
                .map(rows -> rows.iterator().next().getBoolean("due"));
    }

    Future<Run> startRun(SqlConnection tx, Instant now) {
        return tx.preparedQuery(START_RUN).execute(Tuple.of(Columns.time(now))).map(rows -> run(rows)
                .orElseThrow());
    }

    /** Answers how many usage hours were taken; fewer than the limit means there are no more. */
    Future<Integer> postChunk(SqlConnection tx, Run run, int limit) {
        return tx.preparedQuery(POST_CHUNK)
                .execute(Tuple.of(Columns.time(run.startedAt()), run.number(), limit))
                .map(rows -> rows.iterator().next().getLong("taken").intValue());
    }

    Future<Void> finishRun(SqlConnection tx, long run, Instant now, long lines, Hash sha256) {
        return tx.preparedQuery(FINISH_RUN)
                .execute(Tuple.of(run, Columns.time(now), lines, Buffer.buffer(sha256.bytes())))
                .mapEmpty();
    }

    Future<List<UsageLine>> lines(SqlClient client, long run, long afterLine, int limit) {
        return client.preparedQuery(LINES)
                .execute(Tuple.of(run, afterLine, limit))
                .map(PostingStore::readLines);
    }

    static List<UsageLine> readLines(RowSet<Row> rows) {
        List<UsageLine> lines = new ArrayList<>(rows.size());
        for (Row row : rows) {
            lines.add(new UsageLine(
                    row.getLong("run"),
                    row.getLong("line"),
                    row.getString("kind"),
                    Columns.instant(row, "booked_at"),
                    Columns.instant(row, "hour"),
                    row.getString("product_id"),
                    row.getString("product_code"),
                    row.getString("account_id"),
                    row.getString("agreement_id"),
                    new EnrollmentId(row.getUUID("enrollment_id")),
                    row.getString("cloud"),
                    row.getString("cloud_account"),
                    row.getString("instance"),
                    row.getString("dimension"),
                    row.getString("unit"),
                    row.getString("tags"),
                    Columns.quantity(row, "quantity")));
        }
        return lines;
    }

    private static Optional<Run> run(RowSet<Row> rows) {
        var it = rows.iterator();
        if (!it.hasNext()) {
            return Optional.empty();
        }
        Row row = it.next();
        return Optional.of(
                new Run(row.getLong("run"), Columns.instant(row, "booked_at"), Columns.instant(row, "started_at")));
    }
}
