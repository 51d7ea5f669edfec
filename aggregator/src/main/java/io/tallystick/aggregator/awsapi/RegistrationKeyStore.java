package io.tallystick.aggregator.awsapi;

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

/** All SQL of {@code registration_key}. */
final class RegistrationKeyStore {
    private static final String OF_PRODUCT =
            """
            SELECT product_id, version, public_key, wrapped_key, created_at, rotated_at
            FROM registration_key WHERE product_id = $1 ORDER BY version DESC""";
    private static final String BY_CODE =
            """
            SELECT k.product_id, k.version, k.public_key, k.wrapped_key, k.created_at, k.rotated_at
            FROM registration_key AS k JOIN product AS p ON p.id = k.product_id
            WHERE p.product_code = $1 AND k.version = $2""";
    private static final String ROTATE =
            "UPDATE registration_key SET rotated_at = $2 WHERE product_id = $1 AND rotated_at IS NULL";
    private static final String INSERT =
            """
            INSERT INTO registration_key (product_id, version, public_key, wrapped_key, created_at)
            VALUES ($1, $2, $3, $4, $5)""";

    private static final String ALL =
            """
            SELECT product_id, version, public_key, wrapped_key, created_at, rotated_at
            FROM registration_key ORDER BY product_id, version FOR UPDATE""";
    private static final String REWRAP =
            "UPDATE registration_key SET wrapped_key = $3 WHERE product_id = $1 AND version = $2";

    record Stored(RegistrationKey key, byte[] wrapped) {
        /** What the private key is wrapped under. */
        static String kid(String productId, int version) {
            return "registration " + productId + " " + version;
        }

        String kid() {
            return kid(key.productId(), key.version());
        }
    }

    Future<List<Stored>> ofProduct(SqlClient client, String productId) {
        return client.preparedQuery(OF_PRODUCT).execute(Tuple.of(productId)).map(rows -> {
            List<Stored> keys = new ArrayList<>();
            rows.forEach(row -> keys.add(fromRow(row)));
            return keys;
        });
    }

    /** All of them, held until the transaction ends. */
    Future<List<Stored>> all(SqlConnection tx) {
        return tx.preparedQuery(ALL).execute().map(rows -> {
            List<Stored> keys = new ArrayList<>();
            rows.forEach(row -> keys.add(fromRow(row)));
            return keys;
        });
    }

    Future<Void> rewrap(SqlConnection tx, RegistrationKey key, byte[] wrapped) {
        return tx.preparedQuery(REWRAP)
                .execute(Tuple.of(key.productId(), key.version(), Buffer.buffer(wrapped)))
                .mapEmpty();
    }

    Future<Optional<Stored>> byCode(SqlClient client, String productCode, int version) {
        return client.preparedQuery(BY_CODE)
                .execute(Tuple.of(productCode, version))
                .map(rows -> {
                    var it = rows.iterator();
                    return it.hasNext() ? Optional.of(fromRow(it.next())) : Optional.<Stored>empty();
                });
    }

    /** Makes a key the product's current one. */
    Future<Void> insert(
            SqlConnection tx, String productId, int version, byte[] publicKey, byte[] wrapped, Instant now) {
        return tx.preparedQuery(ROTATE)
                .execute(Tuple.of(productId, Columns.time(now)))
                .compose(done -> tx.preparedQuery(INSERT)
                        .execute(Tuple.of(
                                productId,
                                version,
                                Buffer.buffer(publicKey),
                                Buffer.buffer(wrapped),
                                Columns.time(now))))
                .mapEmpty();
    }

    private static Stored fromRow(Row row) {
        return new Stored(
                new RegistrationKey(
                        row.getString("product_id"),
                        row.getInteger("version"),
                        RegistrationKey.pem(row.getBuffer("public_key").getBytes()),
                        Columns.instant(row, "created_at"),
                        Columns.optionalInstant(row, "rotated_at")),
                row.getBuffer("wrapped_key").getBytes());
    }
}
