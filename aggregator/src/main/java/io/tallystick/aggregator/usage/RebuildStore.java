package io.tallystick.aggregator.usage;

import io.tallystick.aggregator.db.Columns;
import io.tallystick.common.jose.Jwk;
import io.tallystick.common.jose.Jws;
import io.tallystick.common.jose.Typ;
import io.tallystick.common.model.Quantity;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.sqlclient.Cursor;
import io.vertx.sqlclient.Row;
import io.vertx.sqlclient.RowSet;
import io.vertx.sqlclient.SqlClient;
import io.vertx.sqlclient.SqlConnection;
import java.time.Instant;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.function.Consumer;

/** Reads everything a rebuild compares, by cursor, in one snapshot. */
final class RebuildStore {
    static final String HOURS =
            """
            SELECT hour, enrollment_id, dimension_id, allocation, sum(quantity) AS quantity FROM usage_hour
            GROUP BY hour, enrollment_id, dimension_id, allocation""";
    static final String OWN_KEYS = "SELECT kid, public_key FROM signing_key";
    static final String ENROLLED =
            """
            SELECT e.enrollment_id, e.product_codes[1] AS first_code, v.jws
            FROM enrollment AS e JOIN enrollment_evidence AS v USING (enrollment_id)""";
    static final String DIMENSIONS =
            """
            SELECT e.enrollment_id, p.product_code, d.key, d.id
            FROM enrollment AS e JOIN product AS p ON p.product_code = ANY(e.product_codes)
            JOIN dimension AS d ON d.product_id = p.id""";

    /** A usage hour over all agreements: which of them an increment was booked under, evidence does not say. */
    record HourKey(Instant hour, UUID enrollment, int dimensionId, UUID allocation) {}

    record StoredHour(HourKey key, Quantity quantity) {}

    /** The keys an instance was enrolled with, and its dimensions by {@code "<product code> <key>"}. */
    record Enrolled(String onlyProduct, Set<Jwk> keys, Map<String, Integer> dimensions) {}

    Future<Void> snapshot(SqlConnection tx) {
        return tx.query("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
                .execute()
                // Reading everything takes as long as it takes.
                .compose(done -> tx.query("SET LOCAL statement_timeout = 0").execute())
                .compose(done -> tx.query("SET LOCAL idle_in_transaction_session_timeout = 0")
                        .execute())
                .mapEmpty();
    }

    Future<Map<String, Jwk>> ownKeys(SqlClient client) {
        return client.preparedQuery(OWN_KEYS).execute().map(rows -> {
            Map<String, Jwk> keys = new HashMap<>();
            rows.forEach(row -> keys.put(
                    row.getString("kid"),
                    Jwk.ofBytes(row.getBuffer("public_key").getBytes())));
            return keys;
        });
    }

    Future<Map<UUID, Enrolled>> enrolled(SqlClient client) {
        return client.preparedQuery(ENROLLED)
                .execute()
                .compose(evidence -> client.preparedQuery(DIMENSIONS).execute().map(dimensions -> {
                    Map<UUID, Enrolled> map = new HashMap<>();
                    for (Row row : evidence) {
                        Jwk key = Jws.parseCompact(row.getString("jws"), Typ.ENROLL)
                                .header()
                                .jwk();
                        if (key != null) {
                            map.computeIfAbsent(
                                            row.getUUID("enrollment_id"),
                                            id -> new Enrolled(
                                                    String.valueOf(row.getString("first_code")),
                                                    new HashSet<>(),
                                                    new HashMap<>()))
                                    .keys()
                                    .add(key);
                        }
                    }
                    for (Row row : dimensions) {
                        Enrolled of = map.get(row.getUUID("enrollment_id"));
                        if (of != null) {
                            of.dimensions()
                                    .put(
                                            row.getString("product_code") + " " + row.getString("key"),
                                            row.getInteger("id"));
                        }
                    }
                    return map;
                }));
    }

    /** Answers how many there were. */
    Future<Long> forEachHour(SqlConnection tx, int atOnce, Consumer<StoredHour> consumer) {
        return forEach(
                tx,
                HOURS,
                atOnce,
                row -> consumer.accept(new StoredHour(
                        new HourKey(
                                Columns.instant(row, "hour"),
                                row.getUUID("enrollment_id"),
                                row.getInteger("dimension_id"),
                                row.getUUID("allocation")),
                        Columns.quantity(row, "quantity"))));
    }

    /** Reads by cursor; answers how many rows there were. Takes no more stack or memory for many of them. */
    static Future<Long> forEach(SqlConnection tx, String sql, int atOnce, Consumer<Row> consumer) {
        return tx.prepare(sql).compose(statement -> {
            Promise<Long> end = Promise.promise();
            rest(statement.cursor(), atOnce, 0, consumer, end);
            return end.future().eventually(statement::close);
        });
    }

    private static void rest(Cursor cursor, int atOnce, long seen, Consumer<Row> consumer, Promise<Long> end) {
        cursor.read(atOnce)
                .map((RowSet<Row> rows) -> {
                    rows.forEach(consumer);
                    return seen + rows.size();
                })
                .onFailure(end::fail)
                .onSuccess(now -> {
                    if (cursor.hasMore()) {
                        rest(cursor, atOnce, now, consumer, end);
                    } else {
                        cursor.close().map(now).onComplete(end);
                    }
                });
    }
}
