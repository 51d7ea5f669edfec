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

/** SQL of API tokens. */
final class TokenStore {
    private static final String COLUMNS =
            "SELECT id, role, account_id, description, created_at, expires_at, revoked_at FROM api_token ";
    static final String INSERT =
            """
            INSERT INTO api_token (id, secret_sha256, role, account_id, description, created_at, expires_at)
            VALUES ($1, $2, $3, $4, $5, $6, $7)
            """;
    static final String READ_LIVE =
            COLUMNS + "WHERE secret_sha256 = $1 AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > $2)";
    static final String READ_FOR_UPDATE = COLUMNS + "WHERE id = $1 FOR UPDATE";
    static final String READ_PAGE = COLUMNS + "WHERE $1::text IS NULL OR id > $1 ORDER BY id LIMIT $2";
    static final String REVOKE = "UPDATE api_token SET revoked_at = $2 WHERE id = $1";

    Future<Void> insert(SqlClient db, Token token, Hash secret) {
        Tuple values = Tuple.of(
                token.id(),
                Buffer.buffer(secret.bytes()),
                token.role().wire(),
                token.accountId().orElse(null),
                token.description().orElse(null),
                Columns.time(token.createdAt()),
                Columns.timeOrNull(token.expiresAt()));
        return db.preparedQuery(INSERT)
                .execute(values)
                .<Void>mapEmpty()
                .recover(PgErrors.onConstraint(
                        "api_token_account_fk", () -> Failure.of(ErrorCode.NOT_FOUND, "there is no such account")));
    }

    /** The token with this secret, unless it is revoked or expired at {@code now}. */
    Future<Optional<Token>> readLive(SqlClient db, Hash secret, Instant now) {
        return db.preparedQuery(READ_LIVE)
                .mapping(TokenStore::token)
                .execute(Tuple.of(Buffer.buffer(secret.bytes()), Columns.time(now)))
                .map(rows -> rows.stream().findFirst());
    }

    Future<Optional<Token>> readForUpdate(SqlClient db, String id) {
        return db.preparedQuery(READ_FOR_UPDATE)
                .mapping(TokenStore::token)
                .execute(Tuple.of(id))
                .map(rows -> rows.stream().findFirst());
    }

    Future<List<Token>> readPage(SqlClient db, PageRequest page) {
        return db.preparedQuery(READ_PAGE)
                .mapping(TokenStore::token)
                .execute(Tuple.of(page.after(), page.limit() + 1))
                .map(rows -> {
                    List<Token> tokens = new ArrayList<>();
                    rows.forEach(tokens::add);
                    return tokens;
                });
    }

    Future<Void> revoke(SqlClient db, String id, Instant at) {
        return db.preparedQuery(REVOKE).execute(Tuple.of(id, Columns.time(at))).mapEmpty();
    }

    private static Token token(Row row) {
        return new Token(
                row.getString("id"),
                Role.ofWire(row.getString("role")),
                Optional.ofNullable(row.getString("account_id")),
                Optional.ofNullable(row.getString("description")),
                Columns.instant(row, "created_at"),
                Columns.optionalInstant(row, "expires_at"),
                Columns.optionalInstant(row, "revoked_at"));
    }
}
