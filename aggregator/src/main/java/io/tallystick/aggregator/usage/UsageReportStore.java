package io.tallystick.aggregator.usage;

import io.tallystick.aggregator.db.Columns;
import io.tallystick.aggregator.usage.UsageReport.Part;
import io.vertx.core.Future;
import io.vertx.sqlclient.Row;
import io.vertx.sqlclient.SqlClient;
import io.vertx.sqlclient.Tuple;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Sums over {@code usage_hour}, found through the agreements of one tenant. */
final class UsageReportStore {
    /**
     * Added up by image first, so that versions are looked up once an image. The windows are handed in, because whose days
     * they are is decided in one place, and the database's time zone data may be another year's.
     */
    static final String READ =
            """
            WITH by_image AS MATERIALIZED (
              SELECT width_bucket(u.hour, $1::timestamptz[]) AS slot, a.product_id, u.dimension_id,
                CASE WHEN $12 THEN a.account_id ELSE '' END AS customer, e.cloud, e.image,
                CASE WHEN $15 THEN e.instance ELSE '' END AS instance,
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
              GROUP BY 1, 2, 3, 4, 5, 6, 7),
            image AS (
              SELECT i.product_id, i.cloud, i.image, v.id AS version, v.title AS version_title
              FROM (SELECT DISTINCT product_id, cloud, image FROM by_image) AS i
                LEFT JOIN LATERAL (
                  SELECT v.id, v.title FROM product_version AS v
                    LEFT JOIN image_copy AS c ON c.version_id = v.id AND c.cloud = i.cloud AND c.image_id = i.image
                      AND c.published_at IS NOT NULL
                  WHERE v.product_id = i.product_id AND v.cloud = i.cloud
                    AND (c.image_id IS NOT NULL OR v.source_image_id = i.image)
                  ORDER BY c.image_id IS NOT NULL DESC, v.created_at DESC, v.id DESC LIMIT 1) AS v ON true)
            SELECT s.slot, s.product_id, p.title, d.key, d.unit, s.customer, s.version, s.version_title, s.image,
              s.instance, s.quantity, s.provisional
            FROM (
              SELECT b.slot, b.product_id, b.dimension_id, b.customer,
                CASE WHEN $13 THEN coalesce(i.version, '') ELSE '' END AS version,
                CASE WHEN $13 THEN coalesce(i.version_title, '') ELSE '' END AS version_title,
                CASE WHEN $14 THEN b.image ELSE '' END AS image, b.instance,
                sum(b.quantity) AS quantity, bool_or(b.provisional) AS provisional
              FROM by_image AS b JOIN image AS i USING (product_id, cloud, image)
              WHERE $9::text IS NULL OR coalesce(i.version, $10) = $9
              GROUP BY 1, 2, 3, 4, 5, 6, 7, 8) AS s
              JOIN product AS p ON p.id = s.product_id
              JOIN dimension AS d ON d.id = s.dimension_id
            LIMIT $11""";

    static final String SUBSCRIPTIONS =
            """
            SELECT DISTINCT p.title, a.product_id, a.account_id
            FROM agreement AS a JOIN product AS p ON p.id = a.product_id
            WHERE ($1::text IS NULL OR p.seller_account_id = $1) AND ($2::text IS NULL OR a.account_id = $2)
            ORDER BY p.title, a.product_id, a.account_id
            LIMIT $3""";

    /** In no order. One row more than allowed is how too many are noticed. */
    Future<List<UsageReport.Row>> read(
            SqlClient db,
            UsageReport.Scope scope,
            UsageReport.Query query,
            UsageWindows windows,
            Optional<String> customer) {
        Tuple values = Tuple.from(new @Nullable Object[] {
            windows.starts().stream().map(Columns::time).toArray(OffsetDateTime[]::new),
            Columns.time(query.from()),
            Columns.time(query.to()),
            scope.seller().orElse(null),
            scope.buyer().or(() -> customer).orElse(null),
            query.product().orElse(null),
            query.dimension().orElse(null),
            query.image().orElse(null),
            query.version().orElse(null),
            UsageReport.NO_VERSION,
            UsageReport.ROWS_MAX + 1,
            query.parts().contains(Part.CUSTOMER),
            query.parts().contains(Part.VERSION),
            query.parts().contains(Part.IMAGE),
            query.parts().contains(Part.INSTANCE)
        });
        return db.preparedQuery(READ).execute(values).map(rows -> {
            List<UsageReport.Row> list = new ArrayList<>();
            for (Row row : rows) {
                int window = row.getInteger("slot") - 1;
                list.add(new UsageReport.Row(
                        windows.starts().get(window),
                        windows.endOf(window),
                        row.getString("product_id"),
                        row.getString("title"),
                        row.getString("key"),
                        row.getString("unit"),
                        row.getString("customer"),
                        row.getString("version"),
                        row.getString("version_title"),
                        row.getString("image"),
                        row.getString("instance"),
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
