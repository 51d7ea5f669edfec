package io.tallystick.aggregator.account;

import io.tallystick.aggregator.db.Columns;
import io.vertx.core.Future;
import io.vertx.sqlclient.SqlClient;
import io.vertx.sqlclient.Tuple;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;

/** SQL of contacts. */
final class ContactStore {
    static final String DELETE = "DELETE FROM account_contact WHERE account_id = $1";
    static final String INSERT =
            """
            INSERT INTO account_contact (account_id, email, language, administrator, created_at)
            VALUES ($1, $2, $3, $4, $5)
            """;
    /** An address that stands at several accounts is there once, as an administrator if it is one anywhere. */
    static final String READ =
            """
            SELECT DISTINCT ON (email) email, language, administrator FROM account_contact
             WHERE account_id = ANY($1) ORDER BY email, administrator DESC, account_id
            """;

    Future<Void> replace(SqlClient db, String accountId, List<Contact> contacts, Instant at) {
        return db.preparedQuery(DELETE)
                .execute(Tuple.of(accountId))
                .compose(done -> contacts.isEmpty()
                        ? Future.succeededFuture()
                        : db.preparedQuery(INSERT)
                                .executeBatch(contacts.stream()
                                        .map(c -> Tuple.of(
                                                accountId,
                                                c.email(),
                                                c.language().wire(),
                                                c.administrator(),
                                                Columns.time(at)))
                                        .toList())
                                .mapEmpty());
    }

    /** By address. */
    Future<List<Contact>> read(SqlClient db, Collection<String> accountIds) {
        return db.preparedQuery(READ)
                .execute(Tuple.tuple().addArrayOfString(accountIds.toArray(String[]::new)))
                .map(rows -> {
                    List<Contact> contacts = new ArrayList<>();
                    rows.forEach(row -> contacts.add(new Contact(
                            row.getString("email"),
                            Contact.Language.ofWire(row.getString("language")),
                            row.getBoolean("administrator"))));
                    return contacts;
                });
    }
}
