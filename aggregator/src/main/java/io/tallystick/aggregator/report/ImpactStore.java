package io.tallystick.aggregator.report;

import io.tallystick.aggregator.catalog.Product;
import io.tallystick.aggregator.db.Columns;
import io.vertx.core.Future;
import io.vertx.sqlclient.SqlClient;
import io.vertx.sqlclient.Tuple;
import io.vertx.sqlclient.data.Numeric;
import java.math.BigDecimal;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** SQL of what a restriction would touch; reads only. Images are null for a whole product. */
final class ImpactStore {
    static final String INSTANCES =
            """
            SELECT e.cloud || ' ' || e.region AS place, count(*) AS instances FROM enrollment e
             WHERE $1 = ANY(e.product_codes) AND e.seen_at >= $3 AND ($2::text[] IS NULL OR e.image = ANY($2))
             GROUP BY e.cloud, e.region ORDER BY e.cloud, e.region
            """;
    static final String AGREEMENTS =
            """
            SELECT count(*) AS agreements FROM agreement a
             WHERE a.product_id = $1 AND (a.ended_at IS NULL OR a.ended_at > $4)
               AND ($3::text[] IS NULL OR EXISTS (
                   SELECT 1 FROM cloud_account c
                     JOIN enrollment e ON e.cloud = c.cloud AND e.cloud_account = c.cloud_account_id
                    WHERE c.account_id = a.account_id AND $2 = ANY(e.product_codes) AND e.image = ANY($3)))
            """;
    /** An hour is booked after it has ended: older runs need not be looked at. */
    static final String AMOUNTS =
            """
            SELECT c.currency, sum(c.amount) AS amount FROM charge c LEFT JOIN usage_line l ON l.run = c.run AND l.line = c.usage_line
             WHERE c.product_id = $1 AND c.hour >= $3
               AND c.run >= (SELECT min(r.run) FROM posting_run r WHERE r.booked_at >= $3)
               AND ($2::text[] IS NULL OR l.image = ANY($2))
             GROUP BY c.currency ORDER BY c.currency
            """;

    private static String @Nullable [] array(Optional<List<String>> images) {
        return images.map(i -> i.toArray(String[]::new)).orElse(null);
    }

    Future<Map<String, Long>> instances(SqlClient db, String code, Optional<List<String>> images, Instant since) {
        return db.preparedQuery(INSTANCES)
                .execute(Tuple.from(new @Nullable Object[] {code, array(images), Columns.time(since)}))
                .map(rows -> {
                    Map<String, Long> found = new TreeMap<>();
                    rows.forEach(row -> found.put(row.getString("place"), row.getLong("instances")));
                    return found;
                });
    }

    Future<Long> agreements(SqlClient db, Product product, Optional<List<String>> images, Instant now) {
        return db.preparedQuery(AGREEMENTS)
                .execute(Tuple.from(
                        new @Nullable Object[] {product.id(), product.code(), array(images), Columns.time(now)}))
                .map(rows -> rows.iterator().next().getLong("agreements"));
    }

    Future<Map<String, BigDecimal>> amounts(
            SqlClient db, String productId, Optional<List<String>> images, Instant since) {
        return db.preparedQuery(AMOUNTS)
                .execute(Tuple.from(new @Nullable Object[] {productId, array(images), Columns.time(since)}))
                .map(rows -> {
                    Map<String, BigDecimal> sums = new TreeMap<>();
                    rows.forEach(row -> sums.put(
                            row.getString("currency"),
                            row.get(Numeric.class, "amount").bigDecimalValue()));
                    return sums;
                });
    }
}
