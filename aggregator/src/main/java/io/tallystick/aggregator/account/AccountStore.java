package io.tallystick.aggregator.account;

import io.tallystick.aggregator.db.Columns;
import io.tallystick.aggregator.db.PgErrors;
import io.tallystick.aggregator.web.PageRequest;
import io.tallystick.common.error.ErrorCode;
import io.tallystick.common.error.Failure;
import io.vertx.core.Future;
import io.vertx.core.buffer.Buffer;
import io.vertx.sqlclient.Row;
import io.vertx.sqlclient.RowSet;
import io.vertx.sqlclient.SqlClient;
import io.vertx.sqlclient.Tuple;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** SQL of accounts and their cloud accounts. */
final class AccountStore {
    static final String INSERT =
            "INSERT INTO account (id, kind, name, pseudonym_key, created_at) VALUES ($1, $2, $3, $4, $5)";
    static final String INSERT_CLOUD =
            """
            INSERT INTO cloud_account (cloud, cloud_account_id, account_id, created_at)
            SELECT t.cloud, t.cloud_account_id, $1, $2 FROM unnest($3::text[], $4::text[]) AS t(cloud, cloud_account_id)
            """;
    static final String LOCK = "SELECT id FROM account WHERE id = $1 FOR UPDATE";
    static final String READ = select("WHERE a.id = ANY($1)");
    static final String READ_PAGE = select(
            "WHERE a.id IN (SELECT p.id FROM account p WHERE $1::text IS NULL OR p.id > $1 ORDER BY p.id LIMIT $2)");
    static final String READ_BY_CLOUD = select(
            "WHERE a.id = (SELECT o.account_id FROM cloud_account o WHERE o.cloud = $1 AND o.cloud_account_id = $2)");
    static final String READ_PSEUDONYM_KEYS =
            "SELECT id, pseudonym_key FROM account WHERE id = ANY($1) AND pseudonym_key IS NOT NULL";

    private static String select(String where) {
        return """
               SELECT a.id, a.kind, a.name, a.created_at, c.cloud, c.cloud_account_id
                 FROM account a LEFT JOIN cloud_account c ON c.account_id = a.id
               """
                + where + " ORDER BY a.id, c.cloud, c.cloud_account_id";
    }

    Future<Void> insert(SqlClient db, Account account, Optional<byte[]> pseudonymKey) {
        Tuple values = Tuple.of(
                account.id(),
                account.kind().wire(),
                account.name(),
                pseudonymKey.map(Buffer::buffer).orElse(null),
                Columns.time(account.createdAt()));
        return db.preparedQuery(INSERT).execute(values).mapEmpty();
    }

    Future<Void> insertCloudAccounts(SqlClient db, String accountId, List<CloudAccount> added, Instant at) {
        if (added.isEmpty()) {
            return Future.succeededFuture();
        }
        // Sorted, so that two requests naming the same accounts wait for rather than deadlock each other.
        List<CloudAccount> sorted = added.stream().sorted().toList();
        Tuple values = Tuple.of(
                accountId,
                Columns.time(at),
                sorted.stream().map(CloudAccount::cloud).toArray(String[]::new),
                sorted.stream().map(CloudAccount::accountId).toArray(String[]::new));
        return db.preparedQuery(INSERT_CLOUD)
                .execute(values)
                .<Void>mapEmpty()
                .recover(PgErrors.onConstraint(
                        "cloud_account_pk",
                        () -> Failure.of(
                                ErrorCode.ALREADY_EXISTS,
                                "one of these cloud accounts already belongs to an account")));
    }

    /** Locks an account so that concurrent changes to it line up; answers whether it is there. */
    Future<Boolean> lock(SqlClient db, String id) {
        return db.preparedQuery(LOCK).execute(Tuple.of(id)).map(rows -> rows.size() > 0);
    }

    Future<Optional<Account>> read(SqlClient db, String id) {
        return db.preparedQuery(READ)
                .execute(Tuple.of(new String[] {id}))
                .map(AccountStore::accounts)
                .map(AccountStore::single);
    }

    Future<List<Account>> readAll(SqlClient db, Collection<String> ids) {
        return db.preparedQuery(READ)
                .execute(Tuple.of(ids.toArray(String[]::new)))
                .map(AccountStore::accounts);
    }

    Future<List<Account>> readPage(SqlClient db, PageRequest page) {
        return db.preparedQuery(READ_PAGE)
                .execute(Tuple.of(page.after(), page.limit() + 1))
                .map(AccountStore::accounts);
    }

    Future<Optional<Account>> readByCloud(SqlClient db, String cloud, String cloudAccountId) {
        return db.preparedQuery(READ_BY_CLOUD)
                .execute(Tuple.of(cloud, cloudAccountId))
                .map(AccountStore::accounts)
                .map(AccountStore::single);
    }

    Future<Map<String, byte[]>> readPseudonymKeys(SqlClient db, Collection<String> sellerIds) {
        return db.preparedQuery(READ_PSEUDONYM_KEYS)
                .execute(Tuple.of(sellerIds.toArray(String[]::new)))
                .map(rows -> {
                    Map<String, byte[]> keys = new HashMap<>();
                    rows.forEach(row -> keys.put(
                            row.getString("id"), row.getBuffer("pseudonym_key").getBytes()));
                    return keys;
                });
    }

    private static Optional<Account> single(List<Account> accounts) {
        return accounts.stream().findFirst();
    }

    /** Rows come one per cloud account, and one with nulls for an account without any. */
    private static List<Account> accounts(RowSet<Row> rows) {
        Map<String, Account> accounts = new LinkedHashMap<>();
        for (Row row : rows) {
            Account account = accounts.computeIfAbsent(row.getString("id"), id -> account(row));
            @Nullable String cloud = row.getString("cloud");
            if (cloud != null) {
                account.cloudAccounts().add(new CloudAccount(cloud, row.getString("cloud_account_id")));
            }
        }
        return accounts.values().stream()
                .map(a -> new Account(a.id(), a.kind(), a.name(), a.createdAt(), List.copyOf(a.cloudAccounts())))
                .toList();
    }

    private static Account account(Row row) {
        return new Account(
                row.getString("id"),
                Account.Kind.ofWire(row.getString("kind")),
                row.getString("name"),
                Columns.instant(row, "created_at"),
                new ArrayList<>());
    }
}
