package io.tallystick.aggregator.account;

import io.tallystick.aggregator.db.Columns;
import io.tallystick.aggregator.db.PgErrors;
import io.tallystick.aggregator.web.PageRequest;
import io.tallystick.aggregator.web.Role;
import io.tallystick.common.error.ErrorCode;
import io.tallystick.common.error.Failure;
import io.tallystick.common.model.Hash;
import io.vertx.core.Future;
import io.vertx.core.buffer.Buffer;
import io.vertx.sqlclient.Row;
import io.vertx.sqlclient.SqlClient;
import io.vertx.sqlclient.Tuple;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** SQL of users and of the sign-in throttle. */
final class UserStore {
    private static final String COLUMNS =
            "SELECT id, email, role, account_id, password_hash, created_at, disabled_at FROM app_user ";
    static final String INSERT =
            """
            INSERT INTO app_user (id, email, role, account_id, password_hash, password_set_at, created_at)
            VALUES ($1, $2, $3, $4, $5, $6, $6)
            """;
    static final String READ_BY_EMAIL = COLUMNS + "WHERE email = $1 AND disabled_at IS NULL";
    static final String READ_FOR_UPDATE = COLUMNS + "WHERE id = $1 FOR UPDATE";
    static final String READ_PAGE = COLUMNS + "WHERE $1::text IS NULL OR id > $1 ORDER BY id LIMIT $2";
    static final String DISABLE = "UPDATE app_user SET disabled_at = $2 WHERE id = $1";
    static final String SET_PASSWORD = "UPDATE app_user SET password_hash = $2, password_set_at = $3 WHERE id = $1";
    /** Counts an attempt and answers how many there were in this window. */
    static final String COUNT_ATTEMPT =
            """
            INSERT INTO sign_in_throttle AS t (subject, began_at, attempts) VALUES ($1, $2, 1)
            ON CONFLICT ON CONSTRAINT sign_in_throttle_pk DO UPDATE SET
                began_at = CASE WHEN t.began_at <= $3 OR t.began_at > $2 THEN excluded.began_at ELSE t.began_at END,
                attempts = CASE WHEN t.began_at <= $3 OR t.began_at > $2 THEN 1 ELSE least(t.attempts + 1, 1000000) END
            RETURNING attempts, began_at
            """;

    static final String FORGET_ATTEMPTS = "DELETE FROM sign_in_throttle WHERE subject = $1";
    static final String FORGET_OLD_ATTEMPTS = "DELETE FROM sign_in_throttle WHERE began_at <= $1";

    /** A user with what signing in is checked against. */
    record Credentials(User user, String passwordHash) {}

    /** How often somebody tried since when. */
    record Attempts(int count, Instant since) {}

    Future<Void> insert(SqlClient db, User user, String passwordHash) {
        return db.preparedQuery(INSERT)
                .execute(Tuple.of(
                        user.id(),
                        user.email(),
                        user.role().wire(),
                        user.accountId().orElse(null),
                        passwordHash,
                        Columns.time(user.createdAt())))
                .<Void>mapEmpty()
                .recover(PgErrors.onConstraint(
                        "app_user_email_unique",
                        () -> Failure.of(ErrorCode.ALREADY_EXISTS, "there is a user with this e-mail address")));
    }

    Future<Optional<Credentials>> readByEmail(SqlClient db, String email) {
        return db.preparedQuery(READ_BY_EMAIL)
                .mapping(row -> new Credentials(user(row), row.getString("password_hash")))
                .execute(Tuple.of(email))
                .map(rows -> rows.stream().findFirst());
    }

    Future<Optional<User>> readForUpdate(SqlClient db, String id) {
        return db.preparedQuery(READ_FOR_UPDATE)
                .mapping(UserStore::user)
                .execute(Tuple.of(id))
                .map(rows -> rows.stream().findFirst());
    }

    Future<List<User>> readPage(SqlClient db, PageRequest page) {
        return db.preparedQuery(READ_PAGE)
                .mapping(UserStore::user)
                .execute(Tuple.of(page.after(), page.limit() + 1))
                .map(rows -> {
                    List<User> users = new ArrayList<>();
                    rows.forEach(users::add);
                    return users;
                });
    }

    Future<Void> disable(SqlClient db, String id, Instant at) {
        return db.preparedQuery(DISABLE).execute(Tuple.of(id, Columns.time(at))).mapEmpty();
    }

    Future<Void> setPassword(SqlClient db, String id, String passwordHash, Instant at) {
        return db.preparedQuery(SET_PASSWORD)
                .execute(Tuple.of(id, passwordHash, Columns.time(at)))
                .mapEmpty();
    }

    Future<Attempts> countAttempt(SqlClient db, Hash subject, Instant now, Instant windowStart) {
        return db.preparedQuery(COUNT_ATTEMPT)
                .mapping(row -> new Attempts(row.getInteger("attempts"), Columns.instant(row, "began_at")))
                .execute(Tuple.of(Buffer.buffer(subject.bytes()), Columns.time(now), Columns.time(windowStart)))
                .map(rows -> rows.iterator().next());
    }

    Future<Void> forgetAttempts(SqlClient db, Hash subject) {
        return db.preparedQuery(FORGET_ATTEMPTS)
                .execute(Tuple.of(Buffer.buffer(subject.bytes())))
                .mapEmpty();
    }

    Future<Void> forgetOldAttempts(SqlClient db, Instant windowStart) {
        return db.preparedQuery(FORGET_OLD_ATTEMPTS)
                .execute(Tuple.of(Columns.time(windowStart)))
                .mapEmpty();
    }

    private static User user(Row row) {
        return new User(
                row.getString("id"),
                row.getString("email"),
                Role.ofWire(row.getString("role")),
                Optional.ofNullable(row.getString("account_id")),
                Columns.instant(row, "created_at"),
                Columns.optionalInstant(row, "disabled_at"));
    }
}
