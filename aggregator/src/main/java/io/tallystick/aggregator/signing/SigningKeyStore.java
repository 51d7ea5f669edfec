package io.tallystick.aggregator.signing;

import io.tallystick.aggregator.db.Columns;
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

/** All SQL of {@code signing_key}. */
final class SigningKeyStore {
    /** Serialises key making between replicas that start at once; the number only has to differ from other locks'. */
    private static final String LOCK = "SELECT pg_advisory_xact_lock(7413001)";

    private static final byte[] PUBLIC_ONLY = {};

    private static final String ALL =
            """
            SELECT kid, public_key, wrapped_key, created_at, active_from, retired_at
            FROM signing_key ORDER BY active_from, kid""";
    private static final String BY_KID =
            """
            SELECT kid, public_key, wrapped_key, created_at, active_from, retired_at
            FROM signing_key WHERE kid = $1""";
    private static final String INSERT =
            """
            INSERT INTO signing_key (kid, public_key, wrapped_key, created_at, active_from, retired_at)
            VALUES ($1, $2, $3, $4, $5, $6)""";

    private static final String RETIRE = "UPDATE signing_key SET retired_at = $2 WHERE kid = $1 AND retired_at IS NULL";
    private static final String REWRAP = "UPDATE signing_key SET wrapped_key = $2 WHERE kid = $1";

    /** @param wrapped the private key; empty, which is no bytes in the table, if only the public one is known */
    record StoredKey(
            String kid,
            byte[] publicKey,
            Optional<byte[]> wrapped,
            Instant createdAt,
            Instant activeFrom,
            Optional<Instant> retiredAt) {}

    Future<Void> lock(SqlConnection tx) {
        return tx.query(LOCK).execute().mapEmpty();
    }

    Future<List<StoredKey>> all(SqlClient client) {
        return client.preparedQuery(ALL).execute().map(rows -> {
            List<StoredKey> keys = new ArrayList<>();
            rows.forEach(row -> keys.add(fromRow(row)));
            return keys;
        });
    }

    Future<Optional<StoredKey>> byKid(SqlClient client, String kid) {
        return client.preparedQuery(BY_KID).execute(Tuple.of(kid)).map(rows -> {
            var it = rows.iterator();
            return it.hasNext() ? Optional.of(fromRow(it.next())) : Optional.<StoredKey>empty();
        });
    }

    Future<Void> insert(SqlConnection tx, StoredKey key) {
        return tx.preparedQuery(INSERT)
                .execute(Tuple.of(
                        key.kid(),
                        Buffer.buffer(key.publicKey()),
                        Buffer.buffer(key.wrapped().orElse(PUBLIC_ONLY)),
                        Columns.time(key.createdAt()),
                        Columns.time(key.activeFrom()),
                        key.retiredAt().map(Columns::time).orElse(null)))
                .mapEmpty();
    }

    Future<Void> retire(SqlConnection tx, String kid, Instant now) {
        return tx.preparedQuery(RETIRE)
                .execute(Tuple.of(kid, Columns.time(now)))
                .mapEmpty();
    }

    Future<Void> rewrap(SqlConnection tx, String kid, byte[] wrapped) {
        return tx.preparedQuery(REWRAP)
                .execute(Tuple.of(kid, Buffer.buffer(wrapped)))
                .mapEmpty();
    }

    private static StoredKey fromRow(Row row) {
        return new StoredKey(
                row.getString("kid"),
                row.getBuffer("public_key").getBytes(),
                Optional.of(row.getBuffer("wrapped_key").getBytes()).filter(wrapped -> wrapped.length > 0),
                Columns.instant(row, "created_at"),
                Columns.instant(row, "active_from"),
                Columns.optionalInstant(row, "retired_at"));
    }
}
