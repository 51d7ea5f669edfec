package io.tallystick.aggregator.usage;

import io.tallystick.aggregator.db.Columns;
import io.vertx.core.Future;
import io.vertx.sqlclient.Row;
import io.vertx.sqlclient.SqlClient;
import io.vertx.sqlclient.Tuple;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Reads of {@code quarantined_record}; the lane writes it. */
final class QuarantineStore {
    static final String PAGE =
            """
            SELECT q.received, q.enrollment_id, q.epoch, q.seq, q.index, q.product_code, e.instance, q.dimension, q.time,
              q.quantity, q.code, q.detail
            FROM quarantined_record AS q JOIN enrollment AS e USING (enrollment_id)
            WHERE (q.received, q.enrollment_id, q.epoch, q.seq, q.index) > ($1, $2, $3, $4, $5)
              AND ($6::text IS NULL OR EXISTS (
                SELECT FROM product AS p WHERE p.seller_account_id = $6
                  AND CASE WHEN q.product_code IS NULL THEN p.product_code = ANY(e.product_codes)
                    ELSE p.product_code = q.product_code END))
            ORDER BY q.received, q.enrollment_id, q.epoch, q.seq, q.index LIMIT $7""";

    Future<List<Quarantine.Quarantined>> page(
            SqlClient client, Optional<String> seller, Quarantine.Position after, int limit) {
        return client.preparedQuery(PAGE)
                .execute(Tuple.of(
                        Columns.time(after.received()),
                        after.enrollment(),
                        after.epoch(),
                        after.seq(),
                        after.index(),
                        seller.orElse(null),
                        limit))
                .map(rows -> {
                    List<Quarantine.Quarantined> list = new ArrayList<>();
                    rows.forEach(row -> list.add(fromRow(row)));
                    return list;
                });
    }

    private static Quarantine.Quarantined fromRow(Row row) {
        return new Quarantine.Quarantined(
                new Quarantine.Position(
                        Columns.instant(row, "received"),
                        row.getUUID("enrollment_id"),
                        row.getInteger("epoch"),
                        row.getLong("seq"),
                        row.getInteger("index")),
                Optional.ofNullable(row.getString("product_code")),
                row.getString("instance"),
                row.getString("dimension"),
                Columns.instant(row, "time"),
                Columns.quantity(row, "quantity"),
                row.getString("code"),
                row.getString("detail"));
    }
}
