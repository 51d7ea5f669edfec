package io.tallystick.aggregator.catalog;

import io.tallystick.aggregator.db.Columns;
import io.tallystick.aggregator.db.PgErrors;
import io.tallystick.aggregator.web.PageRequest;
import io.tallystick.common.error.ErrorCode;
import io.tallystick.common.error.Failure;
import io.tallystick.common.model.EvidenceLevel;
import io.vertx.core.Future;
import io.vertx.sqlclient.Row;
import io.vertx.sqlclient.RowSet;
import io.vertx.sqlclient.SqlClient;
import io.vertx.sqlclient.Tuple;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** SQL of products and their visibility. A product is always read with its dimensions. */
final class ProductStore {
    static final String INSERT =
            """
            INSERT INTO product (id, product_code, title, seller_account_id, visibility, visibility_set_at,
                evidence_level, late_limit_seconds, close_delay_seconds, flush_interval_seconds, created_at, modified_at)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $11)
            """;
    static final String SET_VISIBILITY =
            "UPDATE product SET visibility = $2, visibility_set_at = $3, modified_at = $3 WHERE id = $1";
    static final String TOUCH = "UPDATE product SET modified_at = $2 WHERE id = $1";
    static final String LOCK = "SELECT id FROM product WHERE id = $1 FOR UPDATE";
    static final String LOCK_SHARED = "SELECT id FROM product WHERE id = $1 FOR SHARE";
    static final String READ = select("WHERE p.id = ANY($1)");
    static final String READ_BY_CODE = select("WHERE p.product_code = ANY($1)");
    static final String READ_PAGE = select(
            """
            WHERE p.id IN (
                SELECT q.id FROM product q
                 WHERE ($1::text IS NULL OR q.id > $1) AND ($2::text IS NULL OR q.seller_account_id = $2)
                 ORDER BY q.id LIMIT $3)
            """);
    static final String READ_PAGE_FOR_BUYER = select(
            """
            WHERE p.id IN (
                SELECT q.id FROM product q
                 WHERE ($1::text IS NULL OR q.id > $1)
                   AND (q.visibility = 'PUBLIC' OR q.visibility = 'LIMITED' AND (q.seller_account_id = $2
                        OR EXISTS (SELECT 1 FROM visibility_grant g WHERE g.product_id = q.id AND g.account_id = $2)))
                 ORDER BY q.id LIMIT $3)
            """);

    private static String select(String where) {
        return """
               SELECT p.id, p.product_code, p.title, p.seller_account_id, p.visibility, p.visibility_set_at,
                      p.evidence_level, p.late_limit_seconds, p.close_delay_seconds, p.flush_interval_seconds,
                      p.created_at, p.modified_at, d.id AS dimension_id, d.key, d.title AS dimension_title, d.unit, d.quantity_max
                 FROM product p LEFT JOIN dimension d ON d.product_id = p.id
               """
                + where + " ORDER BY p.id, d.id";
    }

    Future<Void> insert(SqlClient db, Product product) {
        Tuple values = Tuple.from(new @Nullable Object[] {
            product.id(),
            product.code(),
            product.title(),
            product.sellerAccountId(),
            product.visibility().name(),
            Columns.time(product.visibilitySetAt()),
            product.terms().evidenceLevel().wire(),
            (int) product.terms().lateLimit().toSeconds(),
            (int) product.terms().closeDelay().toSeconds(),
            (int) product.terms().flushInterval().toSeconds(),
            Columns.time(product.createdAt())
        });
        return db.preparedQuery(INSERT)
                .execute(values)
                .<Void>mapEmpty()
                .recover(PgErrors.onConstraint(
                        "product_code_unique",
                        () -> Failure.of(ErrorCode.ALREADY_EXISTS, "the product code is taken")));
    }

    Future<Void> setVisibility(SqlClient db, Product product) {
        return db.preparedQuery(SET_VISIBILITY)
                .execute(Tuple.of(product.id(), product.visibility().name(), Columns.time(product.visibilitySetAt())))
                .mapEmpty();
    }

    Future<Void> touch(SqlClient db, String id, Instant at) {
        return db.preparedQuery(TOUCH).execute(Tuple.of(id, Columns.time(at))).mapEmpty();
    }

    /** Reads a product that cannot change before the transaction ends. */
    Future<Optional<Product>> readForUpdate(SqlClient db, String id) {
        return db.preparedQuery(LOCK).execute(Tuple.of(id)).compose(locked -> read(db, id));
    }

    /** Reads a product whose visibility cannot change before the transaction ends; others may read it so, too. */
    Future<Optional<Product>> readShared(SqlClient db, String id) {
        return db.preparedQuery(LOCK_SHARED).execute(Tuple.of(id)).compose(locked -> read(db, id));
    }

    Future<Optional<Product>> read(SqlClient db, String id) {
        return readAll(db, List.of(id)).map(found -> found.stream().findFirst());
    }

    Future<List<Product>> readAll(SqlClient db, Collection<String> ids) {
        return db.preparedQuery(READ).execute(texts(ids)).map(ProductStore::products);
    }

    Future<List<Product>> readByCode(SqlClient db, Collection<String> codes) {
        return db.preparedQuery(READ_BY_CODE).execute(texts(codes)).map(ProductStore::products);
    }

    /** All products, or one seller's. */
    Future<List<Product>> readPage(SqlClient db, PageRequest page, Optional<String> sellerAccountId) {
        return db.preparedQuery(READ_PAGE)
                .execute(Tuple.of(page.after(), sellerAccountId.orElse(null), page.limit() + 1))
                .map(ProductStore::products);
    }

    /** What a buyer may see. */
    Future<List<Product>> readPageForBuyer(SqlClient db, PageRequest page, String accountId) {
        return db.preparedQuery(READ_PAGE_FOR_BUYER)
                .execute(Tuple.of(page.after(), accountId, page.limit() + 1))
                .map(ProductStore::products);
    }

    private static Tuple texts(Collection<String> texts) {
        return Tuple.of(texts.toArray(String[]::new));
    }

    /** Rows come one per dimension, and one with nulls for a product without any. */
    private static List<Product> products(RowSet<Row> rows) {
        Map<String, Product> products = new LinkedHashMap<>();
        Map<String, List<Dimension>> dimensions = new LinkedHashMap<>();
        for (Row row : rows) {
            String id = row.getString("id");
            products.computeIfAbsent(id, key -> product(row));
            List<Dimension> of = dimensions.computeIfAbsent(id, key -> new ArrayList<>());
            if (row.getInteger("dimension_id") != null) {
                of.add(dimension(row));
            }
        }
        return products.values().stream()
                .map(p -> p.withDimensions(dimensions.getOrDefault(p.id(), List.of())))
                .toList();
    }

    private static Product product(Row row) {
        Instant visibilitySetAt = Columns.instant(row, "visibility_set_at");
        return new Product(
                row.getString("id"),
                row.getString("product_code"),
                row.getString("title"),
                row.getString("seller_account_id"),
                Visibility.ofWire(row.getString("visibility")),
                visibilitySetAt,
                new Terms(
                        EvidenceLevel.ofWire(row.getString("evidence_level")),
                        Duration.ofSeconds(row.getInteger("late_limit_seconds")),
                        Duration.ofSeconds(row.getInteger("close_delay_seconds")),
                        Duration.ofSeconds(row.getInteger("flush_interval_seconds"))),
                Columns.instant(row, "created_at"),
                Columns.instant(row, "modified_at"),
                List.of());
    }

    private static Dimension dimension(Row row) {
        return new Dimension(
                row.getInteger("dimension_id"),
                row.getString("key"),
                row.getString("dimension_title"),
                row.getString("unit"),
                Columns.optionalQuantity(row, "quantity_max"));
    }
}
