package io.tallystick.aggregator.catalog;

import io.tallystick.aggregator.db.Columns;
import io.tallystick.aggregator.db.PgErrors;
import io.tallystick.aggregator.web.PageRequest;
import io.tallystick.common.error.ErrorCode;
import io.tallystick.common.error.Failure;
import io.tallystick.common.json.Fields;
import io.tallystick.common.json.Json;
import io.tallystick.common.model.EvidenceLevel;
import io.vertx.core.Future;
import io.vertx.sqlclient.Row;
import io.vertx.sqlclient.RowSet;
import io.vertx.sqlclient.SqlClient;
import io.vertx.sqlclient.Tuple;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** SQL of products and their visibility. A product is always read with its dimensions. */
final class ProductStore {
    static final String INSERT =
            """
            INSERT INTO product (id, product_code, title, seller_account_id, visibility, visibility_set_at,
                evidence_level, late_limit_seconds, close_delay_seconds, flush_interval_seconds, created_at, modified_at,
                page_json, categories, search_text, type)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $11, $12, $13, $14, $15)
            """;
    static final String INFORM =
            """
            UPDATE product SET title = $2, page_json = $3, categories = $4, search_text = $5, modified_at = $6 WHERE id = $1
            """;
    static final String ADD_PLACES =
            """
            INSERT INTO product_place (product_id, kind, cloud, name, added_at) SELECT $1, $2, $3, n, $5 FROM unnest($4::text[]) AS n
            ON CONFLICT ON CONSTRAINT product_place_pk DO UPDATE SET added_at = $5, restricted_at = NULL
            """;
    static final String RESTRICT_PLACES =
            """
            UPDATE product_place SET restricted_at = $5
             WHERE product_id = $1 AND kind = $2 AND cloud = $3 AND name = ANY($4) AND restricted_at IS NULL
            """;
    static final String REMOVE = "UPDATE product SET removal_json = $2 WHERE id = $1";
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

    /** The catalogue: what is offered to everybody, and what is LIMITED to those who may use it. Nothing else is found. */
    static final String SEARCH = select(
            """
            WHERE p.id IN (
                SELECT q.id FROM product q
                 WHERE ($1::text IS NULL OR q.id > $1)
                   AND (q.visibility = 'PUBLIC' OR q.visibility = 'LIMITED' AND (q.seller_account_id = $2
                        OR EXISTS (SELECT 1 FROM visibility_grant g WHERE g.product_id = q.id AND g.account_id = $2)))
                   AND NOT EXISTS (SELECT 1 FROM unnest($3::text[]) AS w WHERE strpos(q.search_text, w) = 0)
                   AND ($4::text IS NULL OR $4 = ANY(q.categories))
                   AND ($5::text IS NULL AND $6::text IS NULL OR EXISTS (
                       SELECT 1 FROM product_version v
                        WHERE v.product_id = q.id AND v.status = 'published' AND ($5 IS NULL OR v.cloud = $5)
                          AND ($6 IS NULL OR EXISTS (
                              SELECT 1 FROM image_copy c
                               WHERE c.version_id = v.id AND c.region = $6 AND c.published_at IS NOT NULL)
                            AND NOT EXISTS (
                              SELECT 1 FROM product_place l
                               WHERE l.product_id = q.id AND l.kind = 'region' AND l.cloud = v.cloud AND l.name = $6
                                 AND l.restricted_at IS NOT NULL))))
                   AND ($7::text IS NULL OR q.type = $7)
                 ORDER BY q.id LIMIT $8)
            """);

    private static String select(String where) {
        return """
               SELECT p.id, p.product_code, p.type, p.title, p.seller_account_id, p.visibility, p.visibility_set_at,
                      p.evidence_level, p.late_limit_seconds, p.close_delay_seconds, p.flush_interval_seconds,
                      p.created_at, p.modified_at, d.id AS dimension_id, d.key, d.title AS dimension_title, d.unit, d.quantity_max, d.restricted_at,
                      p.page_json, p.removal_json,
                      ARRAY(SELECT concat_ws(' ', l.kind, l.cloud, l.name, (extract(epoch FROM l.restricted_at) * 1000000)::bigint)
                              FROM product_place l WHERE l.product_id = p.id ORDER BY l.cloud, l.name) AS places
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
            Columns.time(product.createdAt()),
            Json.write(product.page().json()),
            product.page().categories().toArray(String[]::new),
            product.page().searchText(product.title()),
            product.type().wire()
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

    Future<Void> inform(SqlClient db, Product product) {
        return db.preparedQuery(INFORM)
                .execute(Tuple.from(new @Nullable Object[] {
                    product.id(),
                    product.title(),
                    Json.write(product.page().json()),
                    product.page().categories().toArray(String[]::new),
                    product.page().searchText(product.title()),
                    Columns.time(product.modifiedAt())
                }))
                .mapEmpty();
    }

    Future<Void> addPlaces(
            SqlClient db, String id, Place.Kind kind, String cloud, Collection<String> names, Instant at) {
        return places(db, ADD_PLACES, id, kind, cloud, names, at);
    }

    Future<Void> restrictPlaces(
            SqlClient db, String id, Place.Kind kind, String cloud, Collection<String> names, Instant at) {
        return places(db, RESTRICT_PLACES, id, kind, cloud, names, at);
    }

    private static Future<Void> places(
            SqlClient db, String sql, String id, Place.Kind kind, String cloud, Collection<String> names, Instant at) {
        return db.preparedQuery(sql)
                .execute(Tuple.from(
                        new @Nullable Object[] {id, kind.wire(), cloud, names.toArray(String[]::new), Columns.time(at)
                        }))
                .mapEmpty();
    }

    Future<Void> remove(SqlClient db, String id, Removal removal) {
        return db.preparedQuery(REMOVE)
                .execute(Tuple.of(id, Json.write(removal.json())))
                .mapEmpty();
    }

    Future<List<Product>> search(SqlClient db, PageRequest page, Catalog.Search wanted, Optional<String> accountId) {
        return db.preparedQuery(SEARCH)
                .execute(Tuple.from(new @Nullable Object[] {
                    page.after(),
                    accountId.orElse(null),
                    wanted.words().toArray(String[]::new),
                    wanted.category().orElse(null),
                    wanted.cloud().orElse(null),
                    wanted.region().orElse(null),
                    wanted.type().map(Delivery.Kind::wire).orElse(null),
                    page.limit() + 1
                }))
                .map(ProductStore::products);
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
                Delivery.Kind.ofWire(row.getString("type")),
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
                List.of(),
                ProductPage.read(Fields.of(Json.parseObject(row.getString("page_json")))),
                Stream.of(row.getArrayOfStrings("places"))
                        .map(ProductStore::place)
                        .toList(),
                Optional.ofNullable(row.getString("removal_json"))
                        .map(json -> Removal.read(Fields.of(Json.parseObject(json)))));
    }

    /** Kind, cloud and name, and when it was restricted, if it was. */
    private static Place place(String text) {
        List<String> parts = List.of(text.split(" ", -1));
        return new Place(
                Place.Kind.ofWire(parts.get(0)),
                parts.get(1),
                parts.get(2),
                parts.size() > 3
                        ? Optional.of(Instant.EPOCH.plus(Long.parseLong(parts.get(3)), ChronoUnit.MICROS))
                        : Optional.empty());
    }

    private static Dimension dimension(Row row) {
        return new Dimension(
                row.getInteger("dimension_id"),
                row.getString("key"),
                row.getString("dimension_title"),
                row.getString("unit"),
                Columns.optionalQuantity(row, "quantity_max"),
                Columns.optionalInstant(row, "restricted_at"));
    }
}
