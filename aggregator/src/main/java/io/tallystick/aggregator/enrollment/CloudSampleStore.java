package io.tallystick.aggregator.enrollment;

import io.tallystick.aggregator.db.Columns;
import io.tallystick.aggregator.image.CloudVm;
import io.tallystick.aggregator.web.PageRequest;
import io.tallystick.common.model.EnrollmentId;
import io.vertx.core.Future;
import io.vertx.sqlclient.Row;
import io.vertx.sqlclient.SqlClient;
import io.vertx.sqlclient.SqlConnection;
import io.vertx.sqlclient.Tuple;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** All SQL of {@code cloud_sample} and {@code cloud_instance}. */
final class CloudSampleStore {
    private static final int ERROR_CHARS_MAX = 500;

    /** Where versions were published, and where VMs run whose region is proved: an agent's word is no address. */
    static final String REGIONS =
            """
            SELECT DISTINCT region FROM image_copy WHERE cloud = $1 AND published_at IS NOT NULL
            UNION
            SELECT DISTINCT region FROM enrollment
             WHERE cloud = $1 AND seen_at >= $2 AND evidence_level IN ('attested', 'api-confirmed')
            ORDER BY region""";

    static final String CODES = "SELECT product_code FROM product WHERE visibility <> 'STAGING' ORDER BY product_code";
    static final String LENT = "SELECT cloud, cloud_account FROM cloud_key ORDER BY cloud, cloud_account";
    /** Whoever moves the time asks; also when a clock was set back. */
    static final String BEGIN =
            """
            INSERT INTO cloud_sample (cloud, cloud_account, region, asked_at) VALUES ($1, $2, $3, $4)
            ON CONFLICT ON CONSTRAINT cloud_sample_pk DO UPDATE SET asked_at = excluded.asked_at
            WHERE cloud_sample.asked_at <= $5 OR cloud_sample.asked_at > $4""";
    /** Nobody has asked again meanwhile. */
    static final String COMPLETE =
            """
            UPDATE cloud_sample SET complete_at = $4, first_complete_at = coalesce(first_complete_at, $4), error = NULL
            WHERE cloud = $1 AND cloud_account = $2 AND region = $3 AND asked_at = $4""";

    static final String FAILED =
            "UPDATE cloud_sample SET error = $5 WHERE cloud = $1 AND cloud_account = $2 AND region = $3 AND asked_at ="
                    + " $4";
    static final String SEEN =
            """
            INSERT INTO cloud_instance (enrollment_id, cloud, cloud_account, region, instance, image, instance_type,
              product_codes, first_seen_at, last_seen_at)
            SELECT t.id, $1, $2, $3, t.instance, t.image, t.type, string_to_array(t.codes, ' '), $4, $4
              FROM unnest($5::uuid[], $6::text[], $7::text[], $8::text[], $9::text[]) AS t (id, instance, image, type, codes)
             ORDER BY t.id
            ON CONFLICT ON CONSTRAINT cloud_instance_pk DO UPDATE SET region = excluded.region, image = excluded.image,
              instance_type = excluded.instance_type, product_codes = excluded.product_codes,
              last_seen_at = excluded.last_seen_at, gone_at = NULL""";
    static final String GONE =
            """
            UPDATE cloud_instance SET gone_at = $4
            WHERE cloud = $1 AND cloud_account = $2 AND region = $3 AND gone_at IS NULL AND last_seen_at < $4""";

    static final String GONE_AT = "SELECT gone_at FROM cloud_instance WHERE enrollment_id = $1 AND gone_at IS NOT NULL";
    static final String FORGET = "DELETE FROM cloud_instance WHERE gone_at < $1";

    /**
     * What clouds and agents say, side by side: $1 since when an agent counts as heard of, $2 since when a cloud's answer
     * counts. A VM that a cloud does not show is a finding only if its agent was heard of an hour after the cloud last
     * showed it, since a cloud's lists lag behind and VMs stop.
     */
    private static final String SHOWN =
            """
            SELECT i.enrollment_id, i.cloud, i.cloud_account, i.region, i.instance, i.image, i.instance_type,
                   i.product_codes, i.first_seen_at, i.last_seen_at, e.seen_at AS heard_at,
                   CASE WHEN e.enrollment_id IS NULL THEN 'unenrolled' WHEN e.seen_at >= $1 THEN 'matched'
                        ELSE 'silent' END AS state
              FROM cloud_instance i LEFT JOIN enrollment e ON e.enrollment_id = i.enrollment_id
             WHERE i.gone_at IS NULL AND i.last_seen_at >= $2
            """;

    private static final String NOT_SHOWN =
            """
            SELECT e.enrollment_id, e.cloud, e.cloud_account, e.region, e.instance, e.image, e.instance_type,
                   e.product_codes, i.first_seen_at, i.last_seen_at, greatest(e.seen_at, w.progressed_at) AS heard_at,
                   'not-running' AS state
              FROM cloud_sample s
              JOIN enrollment e ON e.cloud = s.cloud AND e.cloud_account = s.cloud_account AND e.region = s.region
              JOIN watermark w ON w.enrollment_id = e.enrollment_id
              LEFT JOIN cloud_instance i ON i.enrollment_id = e.enrollment_id
             WHERE s.complete_at >= $2 AND (i.enrollment_id IS NULL OR i.gone_at IS NOT NULL)
               AND greatest(e.seen_at, w.progressed_at) >= $1
               AND greatest(e.seen_at, w.progressed_at)
                   > coalesce(i.last_seen_at, greatest(s.first_complete_at, e.enrolled_at)) + interval '1 hour'
            """;

    /** Each half ends with the page, so that neither is made for the whole fleet. */
    static final String PAGE = "SELECT c.* FROM (" + half(SHOWN) + " UNION ALL " + half(NOT_SHOWN)
            + ") AS c ORDER BY c.enrollment_id LIMIT $6";

    private static String half(String compared) {
        return "(SELECT h.* FROM (" + compared + ") AS h"
                + " WHERE h.enrollment_id > coalesce($3::uuid, '00000000-0000-0000-0000-000000000000')"
                + " AND ($4::text IS NULL OR h.state = $4) AND ($5::text IS NULL OR $5 = ANY(h.product_codes))"
                + " ORDER BY h.enrollment_id LIMIT $6)";
    }

    static final String COUNTS = "SELECT c.state, c.cloud, c.region, count(*) AS instances FROM (" + SHOWN
            + " UNION ALL " + NOT_SHOWN
            + ") AS c WHERE ($3::text IS NULL OR $3 = ANY(c.product_codes)) AND ($4::text[] IS NULL OR c.image ="
            + " ANY($4)) GROUP BY c.state, c.cloud, c.region ORDER BY c.cloud, c.region, c.state";
    static final String ASKED_AT = "SELECT cloud, cloud_account, region, asked_at FROM cloud_sample";
    static final String ASKED =
            """
            SELECT min(complete_at) FILTER (WHERE complete_at >= $1) AS oldest,
                   count(DISTINCT (cloud, cloud_account)) FILTER (WHERE complete_at >= $1) AS accounts,
                   count(*) FILTER (WHERE error IS NOT NULL AND asked_at >= $1) AS failing,
                   max(complete_at) AS newest
              FROM cloud_sample""";

    Future<List<String>> regions(SqlClient db, String cloud, Instant seenSince) {
        return texts(db, REGIONS, Tuple.of(cloud, Columns.time(seenSince)), row -> row.getString("region"));
    }

    Future<List<String>> codes(SqlClient db) {
        return texts(db, CODES, Tuple.tuple(), row -> row.getString("product_code"));
    }

    private static <T> Future<List<T>> texts(SqlClient db, String sql, Tuple values, Function<Row, T> of) {
        return db.preparedQuery(sql).execute(values).map(rows -> {
            List<T> all = new ArrayList<>();
            rows.forEach(row -> all.add(of.apply(row)));
            return all;
        });
    }

    /** An account at a cloud whose key there is. */
    record Lent(String cloud, String cloudAccount) {}

    Future<List<Lent>> lent(SqlClient db) {
        return texts(db, LENT, Tuple.tuple(), row -> new Lent(row.getString("cloud"), row.getString("cloud_account")));
    }

    /** When each site was asked last. */
    Future<Map<CloudSamples.Site, Instant>> askedAt(SqlClient db) {
        return db.preparedQuery(ASKED_AT).execute().map(rows -> {
            Map<CloudSamples.Site, Instant> asked = new HashMap<>();
            rows.forEach(row -> asked.put(
                    new CloudSamples.Site(
                            row.getString("cloud"), row.getString("cloud_account"), row.getString("region")),
                    Columns.instant(row, "asked_at")));
            return asked;
        });
    }

    /** Whether the caller is to ask now; at most one is within {@code every}. */
    Future<Boolean> begin(SqlClient db, CloudSamples.Site site, Instant now, Duration every) {
        return db.preparedQuery(BEGIN)
                .execute(Tuple.of(
                        site.cloud(),
                        site.cloudAccount(),
                        site.region(),
                        Columns.time(now),
                        Columns.time(now.minus(every))))
                .map(rows -> rows.rowCount() == 1);
    }

    /** Keeps a whole answer, unless somebody has asked since. */
    Future<Void> complete(
            SqlConnection tx, CloudSamples.Site site, Instant asked, List<CloudVm> running, Set<String> codes) {
        Tuple of = Tuple.of(site.cloud(), site.cloudAccount(), site.region(), Columns.time(asked));
        return tx.preparedQuery(COMPLETE)
                .execute(of)
                .compose(rows -> rows.rowCount() == 0
                        ? Future.succeededFuture()
                        : tx.preparedQuery(SEEN)
                                .execute(seen(site, asked, running, codes))
                                .compose(done -> tx.preparedQuery(GONE).execute(of))
                                .mapEmpty());
    }

    private static Tuple seen(CloudSamples.Site site, Instant asked, List<CloudVm> running, Set<String> codes) {
        UUID[] ids = running.stream()
                .map(vm -> EnrollmentId.of(site.cloud(), site.cloudAccount(), vm.instanceId())
                        .uuid())
                .toArray(UUID[]::new);
        return Tuple.from(new Object[] {
            site.cloud(),
            site.cloudAccount(),
            site.region(),
            Columns.time(asked),
            ids,
            running.stream().map(CloudVm::instanceId).toArray(String[]::new),
            running.stream().map(CloudVm::imageId).toArray(String[]::new),
            running.stream().map(CloudVm::instanceType).toArray(String[]::new),
            running.stream().map(vm -> known(vm, codes)).toArray(String[]::new)
        });
    }

    /** Our codes have no spaces; what others there are is none of our business. */
    private static String known(CloudVm vm, Set<String> codes) {
        Set<String> known = new LinkedHashSet<>(vm.productCodes());
        known.retainAll(codes);
        return String.join(" ", known);
    }

    Future<Void> failed(SqlClient db, CloudSamples.Site site, Instant asked, String error) {
        return db.preparedQuery(FAILED)
                .execute(Tuple.of(
                        site.cloud(),
                        site.cloudAccount(),
                        site.region(),
                        Columns.time(asked),
                        error.length() > ERROR_CHARS_MAX ? error.substring(0, ERROR_CHARS_MAX) : error))
                .mapEmpty();
    }

    Future<Optional<Instant>> goneAt(SqlClient db, EnrollmentId id) {
        return db.preparedQuery(GONE_AT).execute(Tuple.of(id.uuid())).map(rows -> {
            var it = rows.iterator();
            return it.hasNext() ? Optional.of(Columns.instant(it.next(), "gone_at")) : Optional.<Instant>empty();
        });
    }

    Future<Void> forget(SqlClient db, Instant goneBefore) {
        return db.preparedQuery(FORGET)
                .execute(Tuple.of(Columns.time(goneBefore)))
                .mapEmpty();
    }

    Future<List<CloudInstance>> page(
            SqlClient db,
            PageRequest page,
            CloudSamples.Since since,
            Optional<EnrollmentId> after,
            Optional<CloudInstance.State> state,
            Optional<String> code) {
        return db.preparedQuery(PAGE)
                .execute(Tuple.from(new @Nullable Object[] {
                    Columns.time(since.heard()),
                    Columns.time(since.current()),
                    after.map(EnrollmentId::uuid).orElse(null),
                    state.map(CloudInstance.State::wire).orElse(null),
                    code.orElse(null),
                    page.limit() + 1
                }))
                .map(rows -> {
                    List<CloudInstance> found = new ArrayList<>();
                    rows.forEach(row -> found.add(fromRow(row)));
                    return found;
                });
    }

    private static CloudInstance fromRow(Row row) {
        return new CloudInstance(
                new EnrollmentId(row.getUUID("enrollment_id")),
                row.getString("cloud"),
                row.getString("cloud_account"),
                row.getString("region"),
                row.getString("instance"),
                row.getString("image"),
                row.getString("instance_type"),
                List.of(row.getArrayOfStrings("product_codes")),
                CloudInstance.State.ofWire(row.getString("state")),
                Columns.optionalInstant(row, "first_seen_at"),
                Columns.optionalInstant(row, "last_seen_at"),
                Columns.optionalInstant(row, "heard_at"));
    }

    Future<List<CloudSamples.Count>> counts(
            SqlClient db, CloudSamples.Since since, Optional<String> code, Optional<List<String>> images) {
        return db.preparedQuery(COUNTS)
                .execute(Tuple.from(new @Nullable Object[] {
                    Columns.time(since.heard()),
                    Columns.time(since.current()),
                    code.orElse(null),
                    images.map(i -> i.toArray(String[]::new)).orElse(null)
                }))
                .map(rows -> {
                    List<CloudSamples.Count> counts = new ArrayList<>();
                    rows.forEach(row -> counts.add(new CloudSamples.Count(
                            CloudInstance.State.ofWire(row.getString("state")),
                            row.getString("cloud"),
                            row.getString("region"),
                            row.getLong("instances"))));
                    return counts;
                });
    }

    /**
     * @param oldest of the answers that count; empty if there is none
     * @param newest of all answers; empty if none ever came
     */
    record Asked(Optional<Instant> oldest, long accounts, long failing, Optional<Instant> newest) {}

    Future<Asked> asked(SqlClient db, Instant current) {
        return db.preparedQuery(ASKED).execute(Tuple.of(Columns.time(current))).map(rows -> {
            Row row = rows.iterator().next();
            return new Asked(
                    Columns.optionalInstant(row, "oldest"),
                    row.getLong("accounts"),
                    row.getLong("failing"),
                    Columns.optionalInstant(row, "newest"));
        });
    }
}
