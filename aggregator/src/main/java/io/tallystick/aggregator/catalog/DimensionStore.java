package io.tallystick.aggregator.catalog;

import io.tallystick.aggregator.db.Columns;
import io.tallystick.aggregator.db.PgErrors;
import io.tallystick.common.error.ErrorCode;
import io.tallystick.common.error.Failure;
import io.tallystick.common.model.Quantity;
import io.vertx.core.Future;
import io.vertx.sqlclient.SqlClient;
import io.vertx.sqlclient.Tuple;
import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** SQL that adds dimensions and changes them; they are read with their product. */
final class DimensionStore {
    static final String INSERT =
            """
            INSERT INTO dimension (product_id, key, title, unit, quantity_max, created_at)
            SELECT $1, t.key, t.title, t.unit, t.quantity_max::numeric, $2
              FROM unnest($3::text[], $4::text[], $5::text[], $6::text[]) WITH ORDINALITY
                   AS t(key, title, unit, quantity_max, n)
             ORDER BY t.n
            """;

    static final String RESTRICT =
            "UPDATE dimension SET restricted_at = $3 WHERE product_id = $1 AND key = ANY($2) AND restricted_at IS NULL";
    /** Those again that were restricted. */
    static final String REOPEN =
            """
            UPDATE dimension AS d SET restricted_at = NULL, title = t.title
              FROM unnest($2::text[], $3::text[]) AS t(key, title)
             WHERE d.product_id = $1 AND d.key = t.key
            """;

    static final String RENAME =
            """
            UPDATE dimension AS d SET title = t.title FROM unnest($2::text[], $3::text[]) AS t(key, title)
             WHERE d.product_id = $1 AND d.key = t.key
            """;

    Future<Void> restrict(SqlClient db, String productId, List<String> keys, Instant at) {
        return db.preparedQuery(RESTRICT)
                .execute(Tuple.from(List.of(productId, keys.toArray(String[]::new), Columns.time(at))))
                .mapEmpty();
    }

    Future<Void> reopen(SqlClient db, String productId, List<Dimension.New> again) {
        return again.isEmpty()
                ? Future.succeededFuture()
                : titles(
                        db,
                        REOPEN,
                        productId,
                        again.stream()
                                .map(d -> new Dimension.Renamed(d.key(), d.title()))
                                .toList());
    }

    Future<Void> rename(SqlClient db, String productId, List<Dimension.Renamed> renamed) {
        return titles(db, RENAME, productId, renamed);
    }

    private static Future<Void> titles(SqlClient db, String sql, String productId, List<Dimension.Renamed> renamed) {
        return db.preparedQuery(sql)
                .execute(Tuple.from(List.of(
                        productId,
                        renamed.stream().map(Dimension.Renamed::key).toArray(String[]::new),
                        renamed.stream().map(Dimension.Renamed::title).toArray(String[]::new))))
                .mapEmpty();
    }

    Future<Void> insert(SqlClient db, String productId, List<Dimension.New> added, Instant at) {
        if (added.isEmpty()) {
            return Future.succeededFuture();
        }
        Tuple values = Tuple.of(
                productId,
                Columns.time(at),
                added.stream().map(Dimension.New::key).toArray(String[]::new),
                added.stream().map(Dimension.New::title).toArray(String[]::new),
                added.stream().map(Dimension.New::unit).toArray(String[]::new),
                added.stream().map(DimensionStore::quantityMax).toArray(String[]::new));
        return db.preparedQuery(INSERT)
                .execute(values)
                .<Void>mapEmpty()
                .recover(PgErrors.onConstraint(
                        "dimension_key_unique",
                        () -> Failure.of(
                                ErrorCode.ALREADY_EXISTS, "the product already has a dimension with this key")));
    }

    /** As text: the driver cannot send an array of NUMERIC with a null in it, and loses the connection trying. */
    private static @Nullable String quantityMax(Dimension.New dimension) {
        return dimension.quantityMax().map(Quantity::toString).orElse(null);
    }
}
