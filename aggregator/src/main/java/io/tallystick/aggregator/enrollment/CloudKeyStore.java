package io.tallystick.aggregator.enrollment;

import io.tallystick.aggregator.db.Columns;
import io.tallystick.aggregator.web.PageRequest;
import io.vertx.core.Future;
import io.vertx.core.buffer.Buffer;
import io.vertx.sqlclient.Row;
import io.vertx.sqlclient.SqlClient;
import io.vertx.sqlclient.SqlConnection;
import io.vertx.sqlclient.Tuple;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** All SQL of {@code cloud_key}. */
final class CloudKeyStore {
    private static final String COLUMNS = "k.id, k.cloud, k.cloud_account, k.access_key, k.set_by, k.set_at";
    private static final String OWNER =
            " JOIN cloud_account c ON c.cloud = k.cloud AND c.cloud_account_id = k.cloud_account";

    static final String DELETE_OF = "DELETE FROM cloud_key WHERE cloud = $1 AND cloud_account = $2";
    static final String INSERT =
            """
            INSERT INTO cloud_key (id, cloud, cloud_account, access_key, wrapped_secret, set_by, set_at)
            VALUES ($1, $2, $3, $4, $5, $6, $7)""";
    static final String OF =
            "SELECT " + COLUMNS + ", k.wrapped_secret FROM cloud_key k WHERE k.cloud = $1 AND k.cloud_account = $2";
    static final String LOCK =
            "SELECT " + COLUMNS + ", c.account_id FROM cloud_key k" + OWNER + " WHERE k.id = $1 FOR UPDATE OF k";
    static final String DELETE = "DELETE FROM cloud_key WHERE id = $1";
    static final String PAGE = "SELECT " + COLUMNS + " FROM cloud_key k" + OWNER
            + " WHERE ($1::text IS NULL OR k.id > $1) AND ($2::text IS NULL OR c.account_id = $2) ORDER BY k.id LIMIT"
            + " $3";

    static final String SECRETS = "SELECT id, wrapped_secret FROM cloud_key ORDER BY id FOR UPDATE";
    static final String REWRAP = "UPDATE cloud_key SET wrapped_secret = $2 WHERE id = $1";

    /** One with its secret as it is kept. */
    record Wrapped(CloudKeyEntry entry, byte[] secret) {}

    /** One with the account it is of. */
    record Owned(CloudKeyEntry entry, String account) {}

    /** A key set again is a new one: its id is bound into the wrapped secret. */
    Future<Void> replace(SqlConnection tx, CloudKeyEntry entry, byte[] wrapped) {
        return tx.preparedQuery(DELETE_OF)
                .execute(Tuple.of(entry.cloud(), entry.cloudAccount()))
                .compose(done -> tx.preparedQuery(INSERT)
                        .execute(Tuple.of(
                                entry.id(),
                                entry.cloud(),
                                entry.cloudAccount(),
                                entry.accessKey(),
                                Buffer.buffer(wrapped),
                                entry.setBy(),
                                Columns.time(entry.setAt()))))
                .mapEmpty();
    }

    /** All wrapped secrets by id, held until the transaction ends. */
    Future<Map<String, byte[]>> secrets(SqlConnection tx) {
        return tx.preparedQuery(SECRETS).execute().map(rows -> {
            Map<String, byte[]> secrets = new LinkedHashMap<>();
            rows.forEach(row -> secrets.put(
                    row.getString("id"), row.getBuffer("wrapped_secret").getBytes()));
            return secrets;
        });
    }

    Future<Void> rewrap(SqlConnection tx, String id, byte[] wrapped) {
        return tx.preparedQuery(REWRAP)
                .execute(Tuple.of(id, Buffer.buffer(wrapped)))
                .mapEmpty();
    }

    Future<Optional<Wrapped>> of(SqlClient db, String cloud, String cloudAccount) {
        return db.preparedQuery(OF).execute(Tuple.of(cloud, cloudAccount)).map(rows -> {
            var it = rows.iterator();
            if (!it.hasNext()) {
                return Optional.empty();
            }
            Row row = it.next();
            return Optional.of(
                    new Wrapped(fromRow(row), row.getBuffer("wrapped_secret").getBytes()));
        });
    }

    Future<Optional<Owned>> lock(SqlConnection tx, String id) {
        return tx.preparedQuery(LOCK).execute(Tuple.of(id)).map(rows -> {
            var it = rows.iterator();
            if (!it.hasNext()) {
                return Optional.empty();
            }
            Row row = it.next();
            return Optional.of(new Owned(fromRow(row), row.getString("account_id")));
        });
    }

    Future<Void> delete(SqlConnection tx, String id) {
        return tx.preparedQuery(DELETE).execute(Tuple.of(id)).mapEmpty();
    }

    Future<List<CloudKeyEntry>> page(SqlClient db, PageRequest page, Optional<String> account) {
        return db.preparedQuery(PAGE)
                .execute(Tuple.of(page.after(), account.orElse(null), page.limit() + 1))
                .map(rows -> {
                    List<CloudKeyEntry> found = new ArrayList<>();
                    rows.forEach(row -> found.add(fromRow(row)));
                    return found;
                });
    }

    private static CloudKeyEntry fromRow(Row row) {
        return new CloudKeyEntry(
                row.getString("id"),
                row.getString("cloud"),
                row.getString("cloud_account"),
                row.getString("access_key"),
                row.getString("set_by"),
                Columns.instant(row, "set_at"));
    }
}
