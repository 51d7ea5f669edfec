package io.tallystick.aggregator.enrollment;

import io.tallystick.aggregator.db.Columns;
import io.tallystick.common.jose.Jwk;
import io.tallystick.common.model.EnrollmentId;
import io.tallystick.common.model.EvidenceLevel;
import io.tallystick.common.model.Hash;
import io.vertx.core.Future;
import io.vertx.core.buffer.Buffer;
import io.vertx.sqlclient.Row;
import io.vertx.sqlclient.RowSet;
import io.vertx.sqlclient.SqlClient;
import io.vertx.sqlclient.SqlConnection;
import io.vertx.sqlclient.Tuple;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.UUID;

/** All SQL of {@code enrollment}, {@code enrollment_evidence}, {@code vm_start} and {@code contested_key}. */
final class EnrollmentStore {
    private static final String COLUMNS =
            """
            enrollment_id, cloud, cloud_account, instance, region, image, instance_type, product_codes,
            evidence_level, public_key, first_pending_time, pending_time, counter, agent_version, agent_state,
            enrolled_at, seen_at, copied_from,
            EXISTS (SELECT FROM takeover WHERE takeover.enrollment_id = enrollment.enrollment_id) AS contended""";

    /**
     * One row an instance, whichever of the two unique keys a row of the same moment is met by: the id is made of the
     * instance, and PostgreSQL may see either first.
     */
    static final String INSERT =
            """
            INSERT INTO enrollment (enrollment_id, cloud, cloud_account, instance, region, image, instance_type,
              product_codes, evidence_level, public_key, first_pending_time, pending_time, agent_version, agent_state,
              enrolled_at, seen_at)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $11, $12, 'ENROLLING', $13, $13)
            ON CONFLICT DO NOTHING""";

    static final String INSERT_WATERMARK =
            """
            INSERT INTO watermark (enrollment_id, hash, key, progressed_at) VALUES ($1, $2, $3, $4)
            ON CONFLICT ON CONSTRAINT watermark_pk DO NOTHING""";
    static final String LOCK = "SELECT " + COLUMNS + " FROM enrollment WHERE enrollment_id = $1 FOR UPDATE";
    static final String FIND = "SELECT " + COLUMNS + " FROM enrollment WHERE enrollment_id = $1";
    /** Those of the accounts at clouds that belong to an account, or all for null. */
    private static final String OF_ACCOUNT = " AND ($2::text IS NULL OR EXISTS (SELECT FROM cloud_account AS c"
            + " WHERE c.cloud = enrollment.cloud AND c.cloud_account_id = enrollment.cloud_account"
            + " AND c.account_id = $2))";

    static final String FIND_OF = FIND + OF_ACCOUNT;
    static final String PAGE = "SELECT " + COLUMNS + " FROM enrollment WHERE enrollment_id > $1" + OF_ACCOUNT
            + " AND ($3::text IS NULL OR instance = $3) ORDER BY enrollment_id LIMIT $4";
    /** What the VM is, by its newest start: the document of an older one, shown again, changes nothing. */
    static final String RESTART =
            """
            UPDATE enrollment SET region = CASE WHEN $6 >= pending_time THEN $2 ELSE region END,
              image = CASE WHEN $6 >= pending_time THEN $3 ELSE image END,
              instance_type = CASE WHEN $6 >= pending_time THEN $4 ELSE instance_type END,
              product_codes = CASE WHEN $6 >= pending_time THEN $5 ELSE product_codes END,
              first_pending_time = least(first_pending_time, $6), pending_time = greatest(pending_time, $6),
              agent_version = $7, seen_at = $8
            WHERE enrollment_id = $1""";

    static final String EVIDENCE =
            """
            INSERT INTO enrollment_evidence (enrollment_id, pending_time, thumbprint, jws, received)
            VALUES ($1, $2, $3, $4, $5) ON CONFLICT ON CONSTRAINT enrollment_evidence_pk DO NOTHING""";
    /**
     * A start nobody has shown before, from its own time on; what differs from the newest start under the same time
     * (evidence without a time for each start) from now on. A document of an older start, shown again, changes nothing.
     */
    static final String START =
            """
            INSERT INTO vm_start (enrollment_id, since, pending_time, instance_type, image, region)
            SELECT $1, CASE WHEN last.pending_time = $2::timestamptz
                AND (last.instance_type, last.image, last.region) IS DISTINCT FROM ($3::text, $4::text, $5::text)
              THEN greatest($6::timestamptz, last.since + interval '1 microsecond') ELSE $2::timestamptz END, $2, $3, $4, $5
            FROM (SELECT 1) AS one
            LEFT JOIN (SELECT * FROM vm_start WHERE enrollment_id = $1 ORDER BY since DESC LIMIT 1) AS last ON true
            ON CONFLICT ON CONSTRAINT vm_start_pk DO NOTHING""";

    static final String CONTEST =
            """
            INSERT INTO contested_key (enrollment_id, thumbprint, public_key, first_seen, last_seen)
            VALUES ($1, $2, $3, $4, $4)
            ON CONFLICT ON CONSTRAINT contested_key_pk DO UPDATE SET last_seen = excluded.last_seen, approved_at = NULL""";
    static final String COUNT_UP =
            """
            UPDATE enrollment SET counter = $2, agent_state = $3, agent_version = $4, seen_at = $5
            WHERE enrollment_id = $1 AND counter < $2""";
    static final String COUNT_UP_UNHEARD =
            "UPDATE enrollment SET counter = $2 WHERE enrollment_id = $1 AND counter < $2";
    static final String COPIED =
            "UPDATE enrollment SET copied_from = $2 WHERE enrollment_id = $1 AND copied_from IS NULL";
    static final String CONTESTED_KEY =
            "SELECT public_key FROM contested_key WHERE enrollment_id = $1 AND thumbprint = $2 FOR UPDATE";
    /** The cloud confirmed the key before, not this one. */
    static final String APPROVE =
            """
            WITH approved AS (UPDATE contested_key SET approved_at = $4 WHERE enrollment_id = $1 AND thumbprint = $2)
            UPDATE enrollment SET public_key = $3, counter = 0,
              evidence_level = CASE evidence_level WHEN 'api-confirmed' THEN 'claimed' ELSE evidence_level END
            WHERE enrollment_id = $1""";

    static final String SPOKE_BEFORE =
            "SELECT FROM enrollment_evidence WHERE enrollment_id = $1 AND thumbprint = $2 LIMIT 1";
    static final String CONTESTED_KEYS =
            """
            SELECT thumbprint, first_seen, last_seen FROM contested_key
            WHERE enrollment_id = $1 AND approved_at IS NULL ORDER BY first_seen, thumbprint LIMIT 100""";

    Future<Boolean> insert(SqlConnection tx, EnrollmentId id, Identity who, Jwk key, String version, Instant now) {
        return tx.preparedQuery(INSERT)
                .execute(Tuple.from(List.of(
                        id.uuid(),
                        who.cloud(),
                        who.account(),
                        who.instance(),
                        who.region(),
                        who.image(),
                        who.instanceType(),
                        who.productCodes().toArray(String[]::new),
                        who.level().wire(),
                        Buffer.buffer(key.bytes()),
                        Columns.time(who.pendingTime()),
                        version,
                        Columns.time(now))))
                .map(rows -> rows.rowCount() == 1);
    }

    Future<Void> insertWatermark(SqlConnection tx, EnrollmentId id, Jwk key, Instant now) {
        return tx.preparedQuery(INSERT_WATERMARK)
                .execute(Tuple.of(
                        id.uuid(),
                        Buffer.buffer(Hash.NONE.bytes()),
                        Buffer.buffer(key.thumbprint().bytes()),
                        Columns.time(now)))
                .mapEmpty();
    }

    Future<Optional<Enrollment>> lock(SqlConnection tx, EnrollmentId id) {
        return tx.preparedQuery(LOCK).execute(Tuple.of(id.uuid())).map(EnrollmentStore::first);
    }

    Future<Optional<Enrollment>> find(SqlClient client, EnrollmentId id) {
        return client.preparedQuery(FIND).execute(Tuple.of(id.uuid())).map(EnrollmentStore::first);
    }

    Future<Optional<Enrollment>> find(SqlClient client, EnrollmentId id, Optional<String> account) {
        return client.preparedQuery(FIND_OF)
                .execute(Tuple.of(id.uuid(), account.orElse(null)))
                .map(EnrollmentStore::first);
    }

    Future<List<Enrollment>> page(
            SqlClient client, UUID after, Optional<String> account, Optional<String> instance, int limit) {
        return client.preparedQuery(PAGE)
                .execute(Tuple.of(after, account.orElse(null), instance.orElse(null), limit))
                .map(rows -> {
                    List<Enrollment> page = new ArrayList<>();
                    rows.forEach(row -> page.add(fromRow(row)));
                    return page;
                });
    }

    Future<Void> restart(SqlConnection tx, EnrollmentId id, Identity who, String version, Instant now) {
        return tx.preparedQuery(RESTART)
                .execute(Tuple.of(
                        id.uuid(),
                        who.region(),
                        who.image(),
                        who.instanceType(),
                        who.productCodes().toArray(String[]::new),
                        Columns.time(who.pendingTime()),
                        version,
                        Columns.time(now)))
                .mapEmpty();
    }

    Future<Void> keepEvidence(
            SqlConnection tx, EnrollmentId id, Instant pendingTime, Hash thumbprint, String jws, Instant now) {
        return tx.preparedQuery(EVIDENCE)
                .execute(Tuple.of(
                        id.uuid(),
                        Columns.time(pendingTime),
                        Buffer.buffer(thumbprint.bytes()),
                        jws,
                        Columns.time(now)))
                .mapEmpty();
    }

    Future<Void> keepStart(SqlConnection tx, EnrollmentId id, Identity who, Instant now) {
        return tx.preparedQuery(START)
                .execute(Tuple.of(
                        id.uuid(),
                        Columns.time(who.pendingTime()),
                        who.instanceType(),
                        who.image(),
                        who.region(),
                        Columns.time(now)))
                .mapEmpty();
    }

    /** Whether this key once spoke for the enrollment. */
    Future<Boolean> spokeBefore(SqlConnection tx, EnrollmentId id, Hash thumbprint) {
        return tx.preparedQuery(SPOKE_BEFORE)
                .execute(Tuple.of(id.uuid(), Buffer.buffer(thumbprint.bytes())))
                .map(rows -> rows.size() > 0);
    }

    Future<Void> contest(SqlConnection tx, EnrollmentId id, Jwk key, Instant now) {
        return tx.preparedQuery(CONTEST)
                .execute(Tuple.of(
                        id.uuid(),
                        Buffer.buffer(key.thumbprint().bytes()),
                        Buffer.buffer(key.bytes()),
                        Columns.time(now)))
                .mapEmpty();
    }

    /** False if the counter is not above the last one. */
    Future<Boolean> countUp(
            SqlConnection tx, EnrollmentId id, long counter, String state, String version, Instant now) {
        return tx.preparedQuery(COUNT_UP)
                .execute(Tuple.of(id.uuid(), counter, state, version, Columns.time(now)))
                .map(rows -> rows.rowCount() == 1);
    }

    Future<Boolean> countUpUnheard(SqlConnection tx, EnrollmentId id, long counter) {
        return tx.preparedQuery(COUNT_UP_UNHEARD)
                .execute(Tuple.of(id.uuid(), counter))
                .map(rows -> rows.rowCount() == 1);
    }

    Future<Boolean> copied(SqlConnection tx, EnrollmentId id, String instance) {
        return tx.preparedQuery(COPIED).execute(Tuple.of(id.uuid(), instance)).map(rows -> rows.rowCount() == 1);
    }

    Future<Optional<Jwk>> contestedKey(SqlConnection tx, EnrollmentId id, Hash thumbprint) {
        return tx.preparedQuery(CONTESTED_KEY)
                .execute(Tuple.of(id.uuid(), Buffer.buffer(thumbprint.bytes())))
                .map(rows -> {
                    var it = rows.iterator();
                    return it.hasNext()
                            ? Optional.of(Jwk.ofBytes(
                                    it.next().getBuffer("public_key").getBytes()))
                            : Optional.<Jwk>empty();
                });
    }

    Future<Void> approve(SqlConnection tx, EnrollmentId id, Jwk key, Instant now) {
        return tx.preparedQuery(APPROVE)
                .execute(Tuple.of(
                        id.uuid(),
                        Buffer.buffer(key.thumbprint().bytes()),
                        Buffer.buffer(key.bytes()),
                        Columns.time(now)))
                .mapEmpty();
    }

    Future<List<Enrollments.ContestedKey>> contestedKeys(SqlClient client, EnrollmentId id) {
        return client.preparedQuery(CONTESTED_KEYS).execute(Tuple.of(id.uuid())).map(rows -> {
            List<Enrollments.ContestedKey> keys = new ArrayList<>();
            rows.forEach(row -> keys.add(new Enrollments.ContestedKey(
                    Hash.ofBytes(row.getBuffer("thumbprint").getBytes()),
                    Columns.instant(row, "first_seen"),
                    Columns.instant(row, "last_seen"))));
            return keys;
        });
    }

    private static Optional<Enrollment> first(RowSet<Row> rows) {
        var it = rows.iterator();
        return it.hasNext() ? Optional.of(fromRow(it.next())) : Optional.empty();
    }

    private static Enrollment fromRow(Row row) {
        return new Enrollment(
                new EnrollmentId(row.getUUID("enrollment_id")),
                row.getString("cloud"),
                row.getString("cloud_account"),
                row.getString("instance"),
                row.getString("region"),
                row.getString("image"),
                row.getString("instance_type"),
                List.of(row.getArrayOfStrings("product_codes")),
                EvidenceLevel.ofWire(row.getString("evidence_level")),
                Jwk.ofBytes(row.getBuffer("public_key").getBytes()),
                Columns.instant(row, "first_pending_time"),
                Columns.instant(row, "pending_time"),
                row.getLong("counter"),
                row.getString("agent_version"),
                row.getString("agent_state"),
                Columns.instant(row, "enrolled_at"),
                Columns.instant(row, "seen_at"),
                row.getBoolean("contended"),
                Optional.ofNullable(row.getString("copied_from")));
    }
}
