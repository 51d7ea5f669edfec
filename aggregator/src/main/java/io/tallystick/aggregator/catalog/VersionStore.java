package io.tallystick.aggregator.catalog;

import io.tallystick.aggregator.db.Columns;
import io.tallystick.aggregator.db.PgErrors;
import io.tallystick.common.error.ErrorCode;
import io.tallystick.common.error.Failure;
import io.vertx.core.Future;
import io.vertx.sqlclient.Row;
import io.vertx.sqlclient.RowSet;
import io.vertx.sqlclient.SqlClient;
import io.vertx.sqlclient.Tuple;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** SQL of versions. "Latest" is found by looking, so that it cannot be out of date. */
final class VersionStore {
    private static final String SELECT =
            """
            SELECT v.id, v.product_id, v.title, v.software_version, v.operating_system, v.software_base,
                   v.release_notes, v.usage_instructions, v.cloud, v.region, v.source_image_id, v.source_image_name,
                   v.status, v.created_at, v.modified_at, v.published_at, v.restricted_at,
                   v.unpublished_at, v.recommended_instance_type, v.delivery, v.template_json, v.package_url, v.package_sha256,
                   coalesce(k.regions, '{}') AS copy_regions, coalesce(k.images, '{}') AS copy_images,
                   v.status = 'published' AND NOT EXISTS (
                       SELECT 1 FROM product_version n
                        WHERE n.product_id = v.product_id AND n.cloud = v.cloud AND n.status = 'published'
                          AND (n.published_at, n.id) > (v.published_at, v.id)) AS latest
              FROM product_version v
              CROSS JOIN LATERAL (
                   SELECT array_agg(c.region ORDER BY c.region) AS regions, array_agg(c.image_id ORDER BY c.region) AS images
                     FROM image_copy c WHERE c.version_id = v.id AND c.published_at IS NOT NULL) k
            """;
    static final String INSERT =
            """
            INSERT INTO product_version (id, product_id, title, software_version, operating_system, software_base,
                release_notes, usage_instructions, cloud, region, source_image_id, source_image_name,
                status, created_at, modified_at, published_at, restricted_at, unpublished_at, recommended_instance_type,
                delivery, template_json, package_url, package_sha256)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23)
            """;
    static final String UPDATE =
            """
            UPDATE product_version SET product_id = $2, title = $3, software_version = $4, operating_system = $5,
                software_base = $6, release_notes = $7, usage_instructions = $8, cloud = $9, region = $10,
                source_image_id = $11, source_image_name = $12, status = $13, created_at = $14,
                modified_at = $15, published_at = $16, restricted_at = $17, unpublished_at = $18,
                recommended_instance_type = $19, delivery = $20, template_json = $21, package_url = $22,
                package_sha256 = $23
             WHERE id = $1
            """;
    static final String SUPPORT_ENDED =
            """
            UPDATE product_version SET support_told_at = $2
             WHERE id IN (SELECT id FROM product_version
                           WHERE status = 'restricted' AND restricted_at <= $1 AND support_told_at IS NULL
                           ORDER BY restricted_at, id LIMIT $3 FOR UPDATE)
            RETURNING id
            """;
    static final String LOCK = "SELECT id FROM product_version WHERE id = $1 FOR UPDATE";
    static final String READ = SELECT + "WHERE v.id = $1";
    static final String READ_ALL = SELECT + "WHERE v.id = ANY($1) ORDER BY v.id";
    static final String READ_PRODUCTS = SELECT + "WHERE v.product_id = ANY($1) ORDER BY v.created_at DESC, v.id DESC";
    static final String READ_IMAGE = SELECT
            + """
              WHERE v.product_id = ANY($1) AND v.cloud = $2 AND (v.source_image_id = $3 OR v.id IN (
                    SELECT c.version_id FROM image_copy c
                     WHERE c.cloud = $2 AND c.image_id = $3 AND c.published_at IS NOT NULL))
              ORDER BY v.created_at DESC, v.id DESC
              """;

    /** Versions of one answer; nobody chooses among more. */
    static final int LAUNCHABLE_MAX = 50;

    static final String READ_LAUNCHABLE = SELECT
            + """
              WHERE v.product_id = ANY($1) AND v.cloud = $2 AND v.status IN ('published', 'restricted')
              ORDER BY v.published_at DESC, v.id DESC LIMIT $3
              """;

    Future<List<ProductVersion>> readLaunchable(SqlClient db, Collection<String> productIds, String cloud) {
        return db.preparedQuery(READ_LAUNCHABLE)
                .execute(Tuple.tuple()
                        .addArrayOfString(productIds.toArray(String[]::new))
                        .addString(cloud)
                        .addInteger(LAUNCHABLE_MAX))
                .map(VersionStore::versions);
    }

    /** Marks those whose support has ended and whose sellers were not told yet, the earliest first. */
    Future<List<ProductVersion>> supportEnded(SqlClient db, Instant restrictedUntil, Instant now, int max) {
        return db.preparedQuery(SUPPORT_ENDED)
                .execute(Tuple.of(Columns.time(restrictedUntil), Columns.time(now), max))
                .compose(rows -> db.preparedQuery(READ_ALL)
                        .execute(Tuple.of(
                                rows.stream().map(row -> row.getString("id")).toArray(String[]::new))))
                .map(VersionStore::versions);
    }

    Future<Void> insert(SqlClient db, ProductVersion version) {
        return write(db, INSERT, version);
    }

    Future<Void> update(SqlClient db, ProductVersion version) {
        return write(db, UPDATE, version);
    }

    private static Future<Void> write(SqlClient db, String sql, ProductVersion v) {
        Tuple values = Tuple.from(new @Nullable Object[] {
            v.id(),
            v.productId(),
            v.title(),
            v.text().softwareVersion().orElse(null),
            v.text().operatingSystem().orElse(null),
            v.text().softwareBase().orElse(null),
            v.text().releaseNotes(),
            v.text().usageInstructions().orElse(null),
            v.cloud(),
            v.region(),
            v.sourceImageId(),
            v.sourceImageName(),
            v.status().wire(),
            Columns.time(v.createdAt()),
            Columns.time(v.modifiedAt()),
            Columns.timeOrNull(v.publishedAt()),
            Columns.timeOrNull(v.restrictedAt()),
            Columns.timeOrNull(v.unpublishedAt()),
            v.recommendedInstanceType().orElse(null),
            v.delivery().kind().wire(),
            v.delivery().template().orElse(null),
            v.delivery().software().map(Delivery.Package::url).orElse(null),
            v.delivery().software().map(Delivery.Package::sha256).orElse(null)
        });
        return db.preparedQuery(sql)
                .execute(values)
                .<Void>mapEmpty()
                .recover(PgErrors.onConstraint(
                        "product_version_title_unique",
                        () -> Failure.of(
                                ErrorCode.ALREADY_EXISTS, "the product already has a version with this title")));
    }

    Future<Optional<ProductVersion>> readForUpdate(SqlClient db, String id) {
        return db.preparedQuery(LOCK).execute(Tuple.of(id)).compose(locked -> read(db, id));
    }

    Future<Optional<ProductVersion>> read(SqlClient db, String id) {
        return db.preparedQuery(READ).execute(Tuple.of(id)).map(rows -> versions(rows).stream()
                .findFirst());
    }

    /** Newest first. */
    Future<List<ProductVersion>> readProducts(SqlClient db, Collection<String> productIds) {
        return db.preparedQuery(READ_PRODUCTS)
                .execute(Tuple.tuple().addArrayOfString(productIds.toArray(String[]::new)))
                .map(VersionStore::versions);
    }

    /** Those that it is a copy of, and those it is the source of. */
    Future<List<ProductVersion>> readImage(SqlClient db, Collection<String> productIds, String cloud, String image) {
        return db.preparedQuery(READ_IMAGE)
                .execute(Tuple.tuple()
                        .addArrayOfString(productIds.toArray(String[]::new))
                        .addString(cloud)
                        .addString(image))
                .map(VersionStore::versions);
    }

    private static List<ProductVersion> versions(RowSet<Row> rows) {
        List<ProductVersion> versions = new ArrayList<>();
        rows.forEach(row -> versions.add(new ProductVersion(
                row.getString("id"),
                row.getString("product_id"),
                row.getString("title"),
                new VersionText(
                        text(row, "software_version"),
                        text(row, "operating_system"),
                        text(row, "software_base"),
                        row.getString("release_notes"),
                        text(row, "usage_instructions"),
                        text(row, "recommended_instance_type")),
                row.getString("cloud"),
                row.getString("region"),
                row.getString("source_image_id"),
                row.getString("source_image_name"),
                copies(row),
                VersionStatus.ofWire(row.getString("status")),
                Columns.instant(row, "created_at"),
                Columns.instant(row, "modified_at"),
                Columns.optionalInstant(row, "published_at"),
                Columns.optionalInstant(row, "restricted_at"),
                Columns.optionalInstant(row, "unpublished_at"),
                row.getBoolean("latest"),
                delivery(row))));
        return versions;
    }

    private static List<VersionCopy> copies(Row row) {
        String[] regions = row.getArrayOfStrings("copy_regions");
        String[] images = row.getArrayOfStrings("copy_images");
        List<VersionCopy> copies = new ArrayList<>();
        for (int i = 0; i < regions.length; i++) {
            copies.add(new VersionCopy(regions[i], images[i]));
        }
        return copies;
    }

    private static Delivery delivery(Row row) {
        return new Delivery(
                Delivery.Kind.ofWire(row.getString("delivery")),
                text(row, "template_json"),
                text(row, "package_url").map(url -> new Delivery.Package(url, row.getString("package_sha256"))));
    }

    private static Optional<String> text(Row row, String column) {
        return Optional.ofNullable(row.getString(column));
    }
}
