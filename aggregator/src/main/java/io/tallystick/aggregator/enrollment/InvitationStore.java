package io.tallystick.aggregator.enrollment;

import io.tallystick.aggregator.db.Columns;
import io.tallystick.aggregator.web.PageRequest;
import io.tallystick.common.jose.Jwk;
import io.tallystick.common.model.EnrollmentId;
import io.vertx.core.Future;
import io.vertx.core.buffer.Buffer;
import io.vertx.sqlclient.Row;
import io.vertx.sqlclient.SqlClient;
import io.vertx.sqlclient.SqlConnection;
import io.vertx.sqlclient.Tuple;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** All SQL of {@code join_code} and {@code join_code_use}. */
final class InvitationStore {
    private static final String COLUMNS =
            """
            j.id, j.account_id, j.agreement_id, j.product_id, j.cloud, j.cloud_account, j.uses_max, j.uses_left,
            j.description, j.created_at, j.expires_at, j.revoked_at""";

    static final String INSERT =
            """
            INSERT INTO join_code (id, public_key, account_id, agreement_id, product_id, cloud, cloud_account, uses_max,
              uses_left, description, created_by, created_at, expires_at)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8, $9, $10, $11, $12)""";
    static final String FIND = "SELECT " + COLUMNS
            + ", j.public_key, p.product_code FROM join_code j JOIN product p ON p.id = j.product_id WHERE j.id = $1";
    /** The row lock makes the count exact: of those that come at once the last use is one's. */
    static final String SPEND =
            """
            UPDATE join_code SET uses_left = uses_left - 1
            WHERE id = $1 AND uses_left > 0 AND revoked_at IS NULL AND expires_at > $2""";

    static final String USE = "INSERT INTO join_code_use (enrollment_id, join_code_id, used_at) VALUES ($1, $2, $3)";
    static final String LOCK = "SELECT " + COLUMNS + " FROM join_code j WHERE j.id = $1 FOR UPDATE";
    static final String REVOKE = "UPDATE join_code SET revoked_at = $2 WHERE id = $1";
    static final String PAGE = "SELECT " + COLUMNS
            + """
               FROM join_code j
              WHERE ($1::text IS NULL OR j.id > $1) AND ($2::text IS NULL OR j.account_id = $2)
              ORDER BY j.id LIMIT $3""";

    /** One with what its proofs are verified by, and the code of its product. */
    record Keyed(Invitation invitation, Jwk key, String productCode) {}

    Future<Void> insert(SqlConnection tx, Invitation made, byte[] publicKey, String actor) {
        return tx.preparedQuery(INSERT)
                .execute(Tuple.of(
                        made.id(),
                        Buffer.buffer(publicKey),
                        made.account(),
                        made.agreement(),
                        made.product(),
                        made.cloud(),
                        made.cloudAccount(),
                        made.usesMax(),
                        made.description().orElse(null),
                        actor,
                        Columns.time(made.createdAt()),
                        Columns.time(made.expiresAt())))
                .mapEmpty();
    }

    Future<Optional<Keyed>> find(SqlConnection tx, String id) {
        return tx.preparedQuery(FIND).execute(Tuple.of(id)).map(rows -> {
            var it = rows.iterator();
            if (!it.hasNext()) {
                return Optional.empty();
            }
            Row row = it.next();
            return Optional.of(new Keyed(
                    fromRow(row), Jwk.ofBytes(row.getBuffer("public_key").getBytes()), row.getString("product_code")));
        });
    }

    /** False if it is spent, expired or revoked by now. */
    Future<Boolean> spend(SqlConnection tx, String id, Instant now) {
        return tx.preparedQuery(SPEND).execute(Tuple.of(id, Columns.time(now))).map(rows -> rows.rowCount() == 1);
    }

    Future<Void> use(SqlConnection tx, EnrollmentId enrollment, String id, Instant now) {
        return tx.preparedQuery(USE)
                .execute(Tuple.of(enrollment.uuid(), id, Columns.time(now)))
                .mapEmpty();
    }

    Future<Optional<Invitation>> lock(SqlConnection tx, String id) {
        return tx.preparedQuery(LOCK).execute(Tuple.of(id)).map(rows -> {
            var it = rows.iterator();
            return it.hasNext() ? Optional.of(fromRow(it.next())) : Optional.empty();
        });
    }

    Future<Void> revoke(SqlConnection tx, String id, Instant at) {
        return tx.preparedQuery(REVOKE).execute(Tuple.of(id, Columns.time(at))).mapEmpty();
    }

    Future<List<Invitation>> page(SqlClient db, PageRequest page, Optional<String> account) {
        return db.preparedQuery(PAGE)
                .execute(Tuple.of(page.after(), account.orElse(null), page.limit() + 1))
                .map(rows -> {
                    List<Invitation> found = new ArrayList<>();
                    rows.forEach(row -> found.add(fromRow(row)));
                    return found;
                });
    }

    private static Invitation fromRow(Row row) {
        return new Invitation(
                row.getString("id"),
                row.getString("account_id"),
                row.getString("agreement_id"),
                row.getString("product_id"),
                row.getString("cloud"),
                row.getString("cloud_account"),
                row.getInteger("uses_max"),
                row.getInteger("uses_left"),
                Optional.ofNullable(row.getString("description")),
                Columns.instant(row, "created_at"),
                Columns.instant(row, "expires_at"),
                Columns.optionalInstant(row, "revoked_at"));
    }
}
