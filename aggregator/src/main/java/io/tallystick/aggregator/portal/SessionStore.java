package io.tallystick.aggregator.portal;

import io.tallystick.aggregator.account.User;
import io.tallystick.aggregator.db.Columns;
import io.tallystick.aggregator.web.Role;
import io.tallystick.common.model.Hash;
import io.vertx.core.Future;
import io.vertx.core.buffer.Buffer;
import io.vertx.sqlclient.Row;
import io.vertx.sqlclient.SqlClient;
import io.vertx.sqlclient.Tuple;
import java.time.Instant;
import java.util.Optional;

/** SQL of sessions. */
final class SessionStore {
    static final String INSERT =
            "INSERT INTO portal_session (secret_sha256, user_id, created_at, seen_at) VALUES ($1, $2, $3, $3)";
    /** A session is over with its user, and with the password it was opened with. */
    static final String READ_LIVE =
            """
            SELECT u.id, u.email, u.role, u.account_id, u.created_at, s.seen_at, a.name AS account_name
            FROM portal_session AS s JOIN app_user AS u ON u.id = s.user_id LEFT JOIN account AS a ON a.id = u.account_id
            WHERE s.secret_sha256 = $1 AND s.seen_at > $2 AND s.created_at > $3
              AND u.disabled_at IS NULL AND s.created_at >= u.password_set_at""";

    static final String TOUCH = "UPDATE portal_session SET seen_at = $2 WHERE secret_sha256 = $1 AND seen_at < $2";
    static final String DELETE = "DELETE FROM portal_session WHERE secret_sha256 = $1";
    static final String DELETE_OVER = "DELETE FROM portal_session WHERE seen_at <= $1 OR created_at <= $2";

    /** Who a session speaks for, and when it was last noted that it did. */
    record Live(User user, Optional<String> accountName, Instant seenAt) {}

    Future<Void> insert(SqlClient db, Hash secret, String userId, Instant now) {
        return db.preparedQuery(INSERT)
                .execute(Tuple.of(bytes(secret), userId, Columns.time(now)))
                .mapEmpty();
    }

    Future<Optional<Live>> readLive(SqlClient db, Hash secret, Instant seenAfter, Instant createdAfter) {
        return db.preparedQuery(READ_LIVE)
                .mapping(SessionStore::live)
                .execute(Tuple.of(bytes(secret), Columns.time(seenAfter), Columns.time(createdAfter)))
                .map(rows -> rows.stream().findFirst());
    }

    Future<Void> touch(SqlClient db, Hash secret, Instant now) {
        return db.preparedQuery(TOUCH)
                .execute(Tuple.of(bytes(secret), Columns.time(now)))
                .mapEmpty();
    }

    Future<Void> delete(SqlClient db, Hash secret) {
        return db.preparedQuery(DELETE).execute(Tuple.of(bytes(secret))).mapEmpty();
    }

    Future<Void> deleteOver(SqlClient db, Instant seenUntil, Instant createdUntil) {
        return db.preparedQuery(DELETE_OVER)
                .execute(Tuple.of(Columns.time(seenUntil), Columns.time(createdUntil)))
                .mapEmpty();
    }

    private static Buffer bytes(Hash hash) {
        return Buffer.buffer(hash.bytes());
    }

    private static Live live(Row row) {
        User user = new User(
                row.getString("id"),
                row.getString("email"),
                Role.ofWire(row.getString("role")),
                Optional.ofNullable(row.getString("account_id")),
                Columns.instant(row, "created_at"),
                Optional.empty());
        return new Live(user, Optional.ofNullable(row.getString("account_name")), Columns.instant(row, "seen_at"));
    }
}
