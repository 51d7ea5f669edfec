package io.tallystick.aggregator.lifecycle;

import io.tallystick.aggregator.db.Columns;
import io.tallystick.aggregator.db.PgErrors;
import io.tallystick.aggregator.web.PageRequest;
import io.vertx.core.Future;
import io.vertx.core.buffer.Buffer;
import io.vertx.sqlclient.Row;
import io.vertx.sqlclient.RowSet;
import io.vertx.sqlclient.SqlClient;
import io.vertx.sqlclient.Tuple;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** SQL of change sets, their changes, steps and locks. */
final class ChangeSetStore {
    private static final int ERROR_CHARS_MAX = 1000;
    private static final String COLUMNS =
            """
            SELECT s.id, s.account_id, s.name, s.status, s.requested_by, s.requested_at, s.applying_at, s.ended_at,
                   s.failure_code, s.failure_detail, s.intent
              FROM change_set s
            """;
    static final String INSERT =
            """
            INSERT INTO change_set (id, account_id, name, status, requested_by, requested_at, ended_at, intent,
                client_token, request_sha256)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
            """;
    static final String READ_TOKEN =
            "SELECT id, request_sha256 FROM change_set WHERE account_id = $1 AND client_token = $2";
    /** How many open ones were asked for before each of these; none for those that have ended. */
    static final String READ_AHEAD =
            """
            SELECT s.id, (SELECT count(*) FROM change_set o
                           WHERE o.status IN ('PREPARING', 'APPLYING') AND o.id < s.id) AS ahead
              FROM change_set s WHERE s.id = ANY($1) AND s.status IN ('PREPARING', 'APPLYING')
            """;
    /** What change sets that begin with these types took lately, in seconds: half of them less. */
    static final String READ_EXPECTED =
            """
            SELECT t.type, (SELECT percentile_disc(0.5) WITHIN GROUP (ORDER BY r.seconds) FROM (
                SELECT extract(epoch FROM s.ended_at - s.requested_at)::bigint AS seconds
                  FROM change c JOIN change_set s ON s.id = c.change_set_id
                 WHERE c.type = t.type AND c.index = 0 AND s.status = 'SUCCEEDED' AND s.intent = 'APPLY'
                 ORDER BY s.id DESC LIMIT 50) AS r) AS seconds
              FROM unnest($1::text[]) AS t (type)
            """;

    static final String INSERT_CHANGE =
            """
            INSERT INTO change (change_set_id, index, type, product_id, version_id, details_json)
            VALUES ($1, $2, $3, $4, $5, $6)
            """;
    static final String INSERT_STEP =
            """
            INSERT INTO change_step (change_set_id, number, change_index, name, version_id, region, token)
            VALUES ($1, $2, $3, $4, $5, $6, $7)
            """;
    static final String LOCK = "SELECT id FROM change_set WHERE id = $1 FOR UPDATE";
    static final String READ = COLUMNS + "WHERE s.id = ANY($1) ORDER BY s.id DESC";
    static final String READ_PAGE =
            """
            SELECT s.id FROM change_set s
             WHERE ($1::text IS NULL OR s.id < $1) AND ($2::text IS NULL OR s.account_id = $2)
               AND ($3::text IS NULL OR EXISTS (
                   SELECT 1 FROM change c WHERE c.change_set_id = s.id AND c.product_id = $3))
               AND ($4::text IS NULL OR s.status = $4) AND ($5::text IS NULL OR s.name = $5)
               AND ($6::timestamptz IS NULL OR s.requested_at >= $6)
               AND ($7::timestamptz IS NULL OR s.requested_at < $7)
             ORDER BY s.id DESC LIMIT $8
            """;
    static final String READ_CHANGES =
            """
            SELECT change_set_id, index, type, product_id, version_id, details_json FROM change
             WHERE change_set_id = ANY($1) ORDER BY change_set_id, index
            """;
    static final String READ_STEPS =
            """
            SELECT change_set_id, number, change_index, name, version_id, region, token, attempts, started_at, attempted_at,
                   done_at, last_error
              FROM change_step WHERE change_set_id = ANY($1) ORDER BY change_set_id, number
            """;
    static final String APPLY = "UPDATE change_set SET status = 'APPLYING', applying_at = $2 WHERE id = $1";
    static final String END =
            "UPDATE change_set SET status = $2, ended_at = $3, failure_code = $4, failure_detail = $5 WHERE id = $1";
    static final String ATTEMPT =
            """
            UPDATE change_step SET attempts = attempts + 1, attempted_at = $3, started_at = coalesce(started_at, $3)
             WHERE change_set_id = $1 AND number = $2
            """;
    static final String STEP_DONE =
            "UPDATE change_step SET done_at = $3, last_error = NULL WHERE change_set_id = $1 AND number = $2";
    static final String STEP_ERROR = "UPDATE change_step SET last_error = $3 WHERE change_set_id = $1 AND number = $2";

    /** Somebody has started a change set under the same token since this transaction looked. */
    static final class TokenTaken extends RuntimeException {
        private static final long serialVersionUID = 1;

        TokenTaken() {
            super("another request came under this client token", null, false, false);
        }
    }

    /** Fails with {@link TokenTaken}. */
    Future<Void> insert(SqlClient db, ChangeSet set, Optional<String> clientToken, byte[] sha256) {
        return db.preparedQuery(INSERT)
                .execute(Tuple.from(new @Nullable Object[] {
                    set.id(),
                    set.accountId(),
                    set.name().orElse(null),
                    set.status().name(),
                    set.requestedBy(),
                    Columns.time(set.requestedAt()),
                    Columns.timeOrNull(set.endedAt()),
                    set.intent().name(),
                    clientToken.orElse(null),
                    clientToken.isPresent() ? Buffer.buffer(sha256) : null
                }))
                .recover(e ->
                        Future.failedFuture(PgErrors.violates(e, "change_set_token_unique") ? new TokenTaken() : e))
                .compose(done -> db.preparedQuery(INSERT_CHANGE)
                        .executeBatch(set.changes().stream()
                                .map(c -> Tuple.of(
                                        set.id(),
                                        c.index(),
                                        c.type().wire(),
                                        c.productId(),
                                        c.versionId().orElse(null),
                                        c.detailsJson()))
                                .toList()))
                .mapEmpty();
    }

    Future<Void> insertSteps(SqlClient db, String id, List<Step> steps) {
        return db.preparedQuery(INSERT_STEP)
                .executeBatch(steps.stream()
                        .map(s -> Tuple.of(
                                id,
                                s.number(),
                                s.changeIndex(),
                                s.name().wire(),
                                s.versionId().orElse(null),
                                s.region().orElse(null),
                                s.token()))
                        .toList())
                .mapEmpty();
    }

    /** Which change set holds each of these products, in the order of the products. */
    Future<Void> apply(SqlClient db, String id, Instant at) {
        return db.preparedQuery(APPLY).execute(Tuple.of(id, Columns.time(at))).mapEmpty();
    }

    Future<Void> end(SqlClient db, ChangeSet ended) {
        return db.preparedQuery(END)
                .execute(Tuple.of(
                        ended.id(),
                        ended.status().name(),
                        Columns.timeOrNull(ended.endedAt()),
                        ended.failureCode().map(Enum::name).orElse(null),
                        ended.failureDetail().map(ChangeSetStore::cut).orElse(null)))
                .mapEmpty();
    }

    Future<Void> attempt(SqlClient db, String id, Step step, Instant at) {
        return db.preparedQuery(ATTEMPT)
                .execute(Tuple.of(id, step.number(), Columns.time(at)))
                .mapEmpty();
    }

    Future<Void> stepDone(SqlClient db, String id, Step step, Instant at) {
        return db.preparedQuery(STEP_DONE)
                .execute(Tuple.of(id, step.number(), Columns.time(at)))
                .mapEmpty();
    }

    Future<Void> stepError(SqlClient db, String id, Step step, String error) {
        return db.preparedQuery(STEP_ERROR)
                .execute(Tuple.of(id, step.number(), cut(error)))
                .mapEmpty();
    }

    private static String cut(String text) {
        return text.length() > ERROR_CHARS_MAX ? text.substring(0, ERROR_CHARS_MAX) : text;
    }

    Future<Optional<ChangeSet>> readForUpdate(SqlClient db, String id) {
        return db.preparedQuery(LOCK).execute(Tuple.of(id)).compose(locked -> read(db, id));
    }

    Future<Optional<ChangeSet>> read(SqlClient db, String id) {
        return readAll(db, List.of(id)).map(found -> found.stream().findFirst());
    }

    /** A request that came under a token. */
    record Known(String changeSet, byte[] sha256) {}

    Future<Optional<Known>> readToken(SqlClient db, String accountId, String clientToken) {
        return db.preparedQuery(READ_TOKEN)
                .execute(Tuple.of(accountId, clientToken))
                .map(rows -> rows.stream()
                        .map(row -> new Known(
                                row.getString("id"),
                                row.getBuffer("request_sha256").getBytes()))
                        .findFirst());
    }

    /** Where each of these that is open stands. */
    Future<Map<String, ChangeSet.Queue>> queues(SqlClient db, List<ChangeSet> sets) {
        List<ChangeSet> open = sets.stream().filter(s -> s.status().isOpen()).toList();
        if (open.isEmpty()) {
            return Future.succeededFuture(Map.of());
        }
        String[] ids = open.stream().map(ChangeSet::id).toArray(String[]::new);
        String[] types = open.stream()
                .map(s -> s.changes().get(0).type().wire())
                .distinct()
                .toArray(String[]::new);
        return db.preparedQuery(READ_AHEAD)
                .execute(Tuple.tuple().addArrayOfString(ids))
                .compose(ahead -> db.preparedQuery(READ_EXPECTED)
                        .execute(Tuple.tuple().addArrayOfString(types))
                        .map(expected -> queues(open, ahead, expected)));
    }

    private static Map<String, ChangeSet.Queue> queues(List<ChangeSet> open, RowSet<Row> ahead, RowSet<Row> expected) {
        Map<String, Duration> took = new HashMap<>();
        expected.forEach(row -> {
            Long seconds = row.getLong("seconds");
            if (seconds != null) {
                took.put(row.getString("type"), Duration.ofSeconds(seconds));
            }
        });
        Map<String, Integer> before = new HashMap<>();
        ahead.forEach(
                row -> before.put(row.getString("id"), row.getLong("ahead").intValue()));
        Map<String, ChangeSet.Queue> queues = new HashMap<>();
        open.stream()
                .filter(s -> before.containsKey(s.id()))
                .forEach(s -> queues.put(
                        s.id(),
                        new ChangeSet.Queue(
                                before.getOrDefault(s.id(), 0) + 1,
                                Optional.ofNullable(
                                        took.get(s.changes().get(0).type().wire())))));
        return queues;
    }

    /** Newest first; a page goes on after its oldest. */
    Future<List<ChangeSet>> readPage(
            SqlClient db, PageRequest page, Optional<String> accountId, ChangeSets.Filter filter) {
        return db.preparedQuery(READ_PAGE)
                .execute(Tuple.from(new @Nullable Object[] {
                    page.after(),
                    accountId.orElse(null),
                    filter.productId().orElse(null),
                    filter.status().map(Enum::name).orElse(null),
                    filter.name().orElse(null),
                    Columns.timeOrNull(filter.since()),
                    Columns.timeOrNull(filter.until()),
                    page.limit() + 1
                }))
                .compose(rows -> {
                    List<String> ids = new ArrayList<>();
                    rows.forEach(row -> ids.add(row.getString("id")));
                    return readAll(db, ids);
                });
    }

    private Future<List<ChangeSet>> readAll(SqlClient db, List<String> ids) {
        Tuple of = Tuple.tuple().addArrayOfString(ids.toArray(String[]::new));
        return db.preparedQuery(READ_CHANGES).execute(of).compose(changes -> db.preparedQuery(READ_STEPS)
                .execute(of)
                .compose(steps ->
                        db.preparedQuery(READ).execute(of).map(rows -> sets(rows, changes(changes), steps(steps)))));
    }

    private static List<ChangeSet> sets(
            RowSet<Row> rows, Map<String, List<Change>> changes, Map<String, List<Step>> steps) {
        List<ChangeSet> sets = new ArrayList<>();
        for (Row row : rows) {
            String id = row.getString("id");
            sets.add(new ChangeSet(
                    id,
                    row.getString("account_id"),
                    Optional.ofNullable(row.getString("name")),
                    ChangeSet.Status.valueOf(row.getString("status")),
                    row.getString("requested_by"),
                    Columns.instant(row, "requested_at"),
                    Columns.optionalInstant(row, "applying_at"),
                    Columns.optionalInstant(row, "ended_at"),
                    Optional.ofNullable(row.getString("failure_code")).map(ChangeSet.FailureCode::valueOf),
                    Optional.ofNullable(row.getString("failure_detail")),
                    changes.getOrDefault(id, List.of()),
                    steps.getOrDefault(id, List.of()),
                    ChangeSet.Intent.valueOf(row.getString("intent")),
                    Optional.empty()));
        }
        return sets;
    }

    private static Map<String, List<Change>> changes(RowSet<Row> rows) {
        Map<String, List<Change>> changes = new HashMap<>();
        rows.forEach(row -> changes.computeIfAbsent(row.getString("change_set_id"), id -> new ArrayList<>())
                .add(Change.ofRow(
                        row.getInteger("index"),
                        Change.Type.ofWire(row.getString("type")),
                        row.getString("product_id"),
                        Optional.ofNullable(row.getString("version_id")),
                        row.getString("details_json"))));
        return changes;
    }

    private static Map<String, List<Step>> steps(RowSet<Row> rows) {
        Map<String, List<Step>> steps = new HashMap<>();
        rows.forEach(row -> steps.computeIfAbsent(row.getString("change_set_id"), id -> new ArrayList<>())
                .add(new Step(
                        row.getInteger("number"),
                        row.getInteger("change_index"),
                        Step.Name.ofWire(row.getString("name")),
                        Optional.ofNullable(row.getString("version_id")),
                        Optional.ofNullable(row.getString("region")),
                        row.getString("token"),
                        row.getInteger("attempts"),
                        Columns.optionalInstant(row, "started_at"),
                        Columns.optionalInstant(row, "attempted_at"),
                        Columns.optionalInstant(row, "done_at"),
                        Optional.ofNullable(row.getString("last_error")))));
        return steps;
    }
}
