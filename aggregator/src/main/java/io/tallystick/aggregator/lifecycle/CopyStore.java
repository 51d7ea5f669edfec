package io.tallystick.aggregator.lifecycle;

import io.tallystick.aggregator.catalog.Offer;
import io.tallystick.aggregator.catalog.Product;
import io.tallystick.aggregator.catalog.VersionCopy;
import io.tallystick.aggregator.catalog.Visibility;
import io.tallystick.aggregator.db.Columns;
import io.tallystick.aggregator.image.ImageCloud;
import io.vertx.core.Future;
import io.vertx.sqlclient.Row;
import io.vertx.sqlclient.SqlClient;
import io.vertx.sqlclient.Tuple;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.EnumSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** SQL of the marketplace's copies and of who may launch them. */
final class CopyStore {
    static final String INSERT =
            """
            INSERT INTO image_copy (token, version_id, cloud, region, source_region, source_image_id, name, status, requested_at)
            VALUES ($1, $2, $3, $4, $5, $6, $7, 'requested', $8)
            """;
    static final String READ =
            """
            SELECT c.token, c.version_id, c.cloud, c.region, c.source_region, c.source_image_id, c.name, c.image_id, c.status,
                   coalesce(s.attempts, 0) > 0 AS asked_for
              FROM image_copy c LEFT JOIN change_step s ON s.token = c.token
             WHERE c.token = $1
            """;
    static final String PENDING = "UPDATE image_copy SET status = 'pending', image_id = $2 WHERE token = $1";
    static final String AVAILABLE = "UPDATE image_copy SET status = 'available', available_at = $2 WHERE token = $1";
    static final String DELETED = "UPDATE image_copy SET status = 'deleted', deleted_at = $2 WHERE token = $1";
    static final String OF_VERSION_DELETED =
            """
            UPDATE image_copy SET status = 'deleted', deleted_at = $3
             WHERE version_id = $1 AND region = $2 AND status = 'available'
            """;
    /** What a change has made and is no version's yet. */
    static final String MADE =
            """
            SELECT c.version_id, c.region, c.image_id
              FROM image_copy c JOIN change_step s ON s.token = c.token
             WHERE s.change_set_id = $1 AND s.change_index = $2 AND c.status = 'available' AND c.published_at IS NULL
             ORDER BY c.version_id, c.region
            """;

    static final String PUBLISHED =
            """
            UPDATE image_copy SET published_at = $2 WHERE version_id = $1 AND status = 'available' AND published_at IS NULL
            """;
    /** Copies of a change set that came to nothing; those of versions it did publish stay. */
    static final String DISCARD =
            """
            UPDATE image_copy c SET status = 'discarded'
              FROM change_step s
             WHERE s.change_set_id = $1 AND s.token = c.token AND c.status IN ('requested', 'pending', 'available')
               AND c.published_at IS NULL
            RETURNING c.token
            """;

    static final String OF_SET =
            """
            SELECT c.token FROM image_copy c JOIN change_step s ON s.token = c.token
             WHERE s.change_set_id = $1 AND c.version_id = $2 AND ($3::text IS NULL OR c.region = $3)
            """;
    /** Cloud accounts of those who may launch a copy: whose agreement is open, and began before it was restricted. */
    static final String ENTITLED =
            """
            SELECT DISTINCT c.cloud_account_id
              FROM agreement a JOIN cloud_account c ON c.account_id = a.account_id
             WHERE a.product_id = $1 AND c.cloud = $2 AND (a.ended_at IS NULL OR a.ended_at > $3)
               AND ($4::timestamptz IS NULL OR a.accepted_at < $4)
             ORDER BY c.cloud_account_id
            """;

    /** What a product's public offers are that are open now, and when that changes next. */
    static final String OPEN_KINDS =
            """
            SELECT array_agg(DISTINCT kind) FILTER (WHERE opens_at <= $2) AS kinds,
                   min(CASE WHEN opens_at > $2 THEN opens_at ELSE closes_at END) AS changes_at
              FROM offer WHERE product_id = $1 AND NOT private AND (closes_at IS NULL OR closes_at > $2)
            """;

    static final String SUBSCRIBERS =
            """
            SELECT DISTINCT a.account_id FROM agreement a
             WHERE a.product_id = $1 AND (a.ended_at IS NULL OR a.ended_at > $2) ORDER BY a.account_id
            """;
    static final String PRODUCTS_OF =
            "SELECT DISTINCT product_id FROM agreement WHERE account_id = $1 AND ended_at IS NULL ORDER BY product_id";
    static final String SHARED = "SELECT cloud_account_id FROM image_share WHERE version_id = $1 AND region = $2";
    static final String SHARE =
            """
            INSERT INTO image_share (version_id, region, cloud_account_id, shared_at)
            SELECT $1, $2, a, $4 FROM unnest($3::text[]) AS a
            ON CONFLICT ON CONSTRAINT image_share_pk DO NOTHING
            """;
    static final String UNSHARE =
            "DELETE FROM image_share WHERE version_id = $1 AND region = $2 AND cloud_account_id = ANY($3)";
    static final String UNSHARE_ALL = "DELETE FROM image_share WHERE version_id = $1 AND region = $2";

    /**
     * A copy.
     *
     * @param imageId unknown until the cloud has answered
     * @param askedFor whether the cloud may ever have heard of it
     */
    record Copy(
            String token,
            String versionId,
            String cloud,
            String region,
            String sourceRegion,
            String sourceImageId,
            String name,
            Optional<String> imageId,
            String status,
            boolean askedFor) {
        /** Asks for it, for the first time or again; answers its id. */
        Future<String> ask(ImageCloud at) {
            return at.copy(region, sourceRegion, sourceImageId, name, token);
        }
    }

    Future<Void> insert(SqlClient db, Copy copy, Instant at) {
        return db.preparedQuery(INSERT)
                .execute(Tuple.from(new @Nullable Object[] {
                    copy.token(),
                    copy.versionId(),
                    copy.cloud(),
                    copy.region(),
                    copy.sourceRegion(),
                    copy.sourceImageId(),
                    copy.name(),
                    Columns.time(at)
                }))
                .mapEmpty();
    }

    Future<Optional<Copy>> read(SqlClient db, String token) {
        return db.preparedQuery(READ).execute(Tuple.of(token)).map(rows -> {
            var it = rows.iterator();
            if (!it.hasNext()) {
                return Optional.empty();
            }
            var row = it.next();
            return Optional.of(new Copy(
                    row.getString("token"),
                    row.getString("version_id"),
                    row.getString("cloud"),
                    row.getString("region"),
                    row.getString("source_region"),
                    row.getString("source_image_id"),
                    row.getString("name"),
                    Optional.ofNullable(row.getString("image_id")),
                    row.getString("status"),
                    row.getBoolean("asked_for")));
        });
    }

    /** The token of the copy that this change set makes, which a step of it is about. */
    Future<String> tokenOf(SqlClient db, String changeSetId, Step step) {
        return db.preparedQuery(OF_SET)
                .execute(Tuple.of(
                        changeSetId,
                        step.versionId().orElseThrow(),
                        step.region().orElse(null)))
                .map(rows -> rows.iterator().next().getString("token"));
    }

    Future<Void> pending(SqlClient db, String token, String imageId) {
        return db.preparedQuery(PENDING).execute(Tuple.of(token, imageId)).mapEmpty();
    }

    Future<Void> available(SqlClient db, String token, Instant at) {
        return db.preparedQuery(AVAILABLE)
                .execute(Tuple.of(token, Columns.time(at)))
                .mapEmpty();
    }

    Future<Void> deleted(SqlClient db, String token, Instant at) {
        return db.preparedQuery(DELETED)
                .execute(Tuple.of(token, Columns.time(at)))
                .mapEmpty();
    }

    /** The copy of a published version is gone in a region, and with it everybody's leave to launch it. */
    Future<Void> deletedOfVersion(SqlClient db, String versionId, String region, Instant at) {
        return db.preparedQuery(OF_VERSION_DELETED)
                .execute(Tuple.of(versionId, region, Columns.time(at)))
                .compose(done -> db.preparedQuery(UNSHARE_ALL).execute(Tuple.of(versionId, region)))
                .mapEmpty();
    }

    /** What a change has copied and is to be its versions' own, by version. */
    Future<Map<String, List<VersionCopy>>> made(SqlClient db, String changeSetId, int changeIndex) {
        return db.preparedQuery(MADE)
                .execute(Tuple.of(changeSetId, changeIndex))
                .map(rows -> {
                    Map<String, List<VersionCopy>> made = new TreeMap<>();
                    rows.forEach(row -> made.computeIfAbsent(row.getString("version_id"), id -> new ArrayList<>())
                            .add(new VersionCopy(row.getString("region"), row.getString("image_id"))));
                    return made;
                });
    }

    /** A version's copies that are there are its own from now on. */
    Future<Void> published(SqlClient db, String versionId, Instant at) {
        return db.preparedQuery(PUBLISHED)
                .execute(Tuple.of(versionId, Columns.time(at)))
                .mapEmpty();
    }

    /** Answers the tokens of what is to be thrown away. */
    Future<Set<String>> discard(SqlClient db, String changeSetId) {
        return texts(db, DISCARD, "token", Tuple.of(changeSetId));
    }

    Future<Set<String>> entitled(
            SqlClient db, String productId, String cloud, Instant now, Optional<Instant> restrictedAt) {
        return texts(
                db,
                ENTITLED,
                "cloud_account_id",
                Tuple.of(productId, cloud, Columns.time(now), Columns.timeOrNull(restrictedAt)));
    }

    /** @param changesAt when an offer opens or closes next */
    record OpenKinds(Set<Offer.Kind> kinds, Optional<Instant> changesAt) {
        /** Whether everybody may launch the product's copies at a cloud (rule N6): all that can be taken costs nothing. */
        boolean toEverybody(Product product, String cloud) {
            return product.visibility() == Visibility.PUBLIC
                    && !kinds.isEmpty()
                    && Profile.of(cloud).publicFor().containsAll(kinds);
        }
    }

    Future<OpenKinds> openKinds(SqlClient db, String productId, Instant now) {
        return db.preparedQuery(OPEN_KINDS)
                .execute(Tuple.of(productId, Columns.time(now)))
                .map(rows -> {
                    Row row = rows.iterator().next();
                    Set<Offer.Kind> kinds = EnumSet.noneOf(Offer.Kind.class);
                    String[] open = row.getArrayOfStrings("kinds");
                    if (open != null) {
                        for (String kind : open) {
                            kinds.add(Offer.Kind.ofWire(kind));
                        }
                    }
                    return new OpenKinds(kinds, Columns.optionalInstant(row, "changes_at"));
                });
    }

    /** Accounts with an open agreement. */
    Future<Set<String>> subscribers(SqlClient db, String productId, Instant now) {
        return texts(db, SUBSCRIBERS, "account_id", Tuple.of(productId, Columns.time(now)));
    }

    /** Products on which an account has an open agreement. */
    Future<Set<String>> productsOf(SqlClient db, String accountId) {
        return texts(db, PRODUCTS_OF, "product_id", Tuple.of(accountId));
    }

    Future<Set<String>> shared(SqlClient db, String versionId, String region) {
        return texts(db, SHARED, "cloud_account_id", Tuple.of(versionId, region));
    }

    Future<Void> share(SqlClient db, String versionId, String region, Collection<String> accounts, Instant at) {
        return db.preparedQuery(SHARE)
                .execute(Tuple.of(versionId, region)
                        .addArrayOfString(accounts.toArray(String[]::new))
                        .addOffsetDateTime(Columns.time(at)))
                .mapEmpty();
    }

    Future<Void> unshare(SqlClient db, String versionId, String region, Collection<String> accounts) {
        return db.preparedQuery(UNSHARE)
                .execute(Tuple.of(versionId, region).addArrayOfString(accounts.toArray(String[]::new)))
                .mapEmpty();
    }

    private static Future<Set<String>> texts(SqlClient db, String sql, String column, Tuple values) {
        return db.preparedQuery(sql).execute(values).map(rows -> {
            Set<String> texts = new LinkedHashSet<>();
            rows.forEach(row -> texts.add(row.getString(column)));
            return texts;
        });
    }
}
