package io.tallystick.aggregator.usage;

import io.tallystick.aggregator.db.Columns;
import io.vertx.core.Future;
import io.vertx.sqlclient.Row;
import io.vertx.sqlclient.SqlClient;
import io.vertx.sqlclient.Tuple;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Sums over {@code usage_hour}, found through the agreements of one tenant. */
final class UsageReportStore {
    static final String READ =
            """
            SELECT s.start, s.product_id, p.title, d.key, d.unit, s.account_id, s.image, s.quantity, s.provisional
            FROM (
              SELECT date_trunc($1::text, u.hour, 'UTC') AS start, a.product_id, u.dimension_id, a.account_id, e.image,
                sum(u.quantity) AS quantity, bool_or(u.posted < u.quantity) AS provisional
              FROM agreement AS a
                JOIN usage_hour AS u ON u.agreement_id = a.id
                JOIN enrollment AS e USING (enrollment_id)
              WHERE u.hour >= $2 AND u.hour < $3
                AND ($4::text IS NULL OR a.product_id IN (SELECT id FROM product WHERE seller_account_id = $4))
                AND ($5::text IS NULL OR a.account_id = $5)
                AND ($6::text IS NULL OR a.product_id = $6)
                AND ($7::text IS NULL OR u.dimension_id IN (SELECT id FROM dimension WHERE key = $7))
                AND ($8::text IS NULL OR e.image = $8)
              GROUP BY 1, 2, 3, 4, 5) AS s
              JOIN product AS p ON p.id = s.product_id
              JOIN dimension AS d ON d.id = s.dimension_id
            ORDER BY s.start, p.title, s.product_id, d.key, s.account_id, s.image
            LIMIT $9""";
    static final String SUBSCRIPTIONS =
            """
            SELECT DISTINCT p.title, a.product_id, a.account_id
            FROM agreement AS a JOIN product AS p ON p.id = a.product_id
            WHERE ($1::text IS NULL OR p.seller_account_id = $1) AND ($2::text IS NULL OR a.account_id = $2)
            ORDER BY p.title, a.product_id, a.account_id
            LIMIT $3""";

    /** One row more than allowed is how too many are noticed. */
    Future<List<UsageReport.Row>> read(
            SqlClient db, UsageReport.Scope scope, UsageReport.Query query, Optional<String> customer) {
        Tuple values = Tuple.from(new @Nullable Object[] {
            query.bucket().wire(),
            Columns.time(query.from()),
            Columns.time(query.to()),
            scope.seller().orElse(null),
            scope.buyer().or(() -> customer).orElse(null),
            query.product().orElse(null),
            query.dimension().orElse(null),
            query.image().orElse(null),
            UsageReport.ROWS_MAX + 1
        });
        return db.preparedQuery(READ).execute(values).map(rows -> {
            List<UsageReport.Row> list = new ArrayList<>();
            for (Row row : rows) {
                list.add(new UsageReport.Row(
                        Columns.instant(row, "start"),
                        row.getString("product_id"),
                        row.getString("title"),
                        row.getString("key"),
                        row.getString("unit"),
                        row.getString("account_id"),
                        row.getString("image"),
                        Columns.quantity(row, "quantity"),
                        row.getBoolean("provisional")));
            }
            return list;
        });
    }

    Future<List<UsageReport.Subscription>> subscriptions(SqlClient db, UsageReport.Scope scope) {
        return db.preparedQuery(SUBSCRIPTIONS)
                .execute(Tuple.of(
                        scope.seller().orElse(null), scope.buyer().orElse(null), UsageReport.SUBSCRIPTIONS_MAX))
                .map(rows -> {
                    List<UsageReport.Subscription> list = new ArrayList<>();
                    for (Row row : rows) {
                        list.add(new UsageReport.Subscription(
                                row.getString("product_id"), row.getString("title"), row.getString("account_id")));
                    }
                    return list;
                });
    }
}
