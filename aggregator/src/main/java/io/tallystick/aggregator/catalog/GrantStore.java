package io.tallystick.aggregator.catalog;

import io.tallystick.aggregator.db.Columns;
import io.tallystick.aggregator.db.PgErrors;
import io.tallystick.aggregator.web.Requests;
import io.vertx.core.Future;
import io.vertx.sqlclient.SqlClient;
import io.vertx.sqlclient.Tuple;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;

/** SQL of the allow-lists of limited products. */
final class GrantStore {
    static final String DELETE_OTHERS = "DELETE FROM visibility_grant WHERE product_id = $1 AND account_id <> ALL($2)";
    static final String INSERT =
            """
            INSERT INTO visibility_grant (product_id, account_id, created_at)
            SELECT $1, t.id, $3 FROM unnest($2::text[]) AS t(id)
            ON CONFLICT ON CONSTRAINT visibility_grant_pk DO NOTHING
            """;
    static final String READ = "SELECT account_id FROM visibility_grant WHERE product_id = $1 ORDER BY account_id";
    static final String EXISTS = "SELECT 1 AS one FROM visibility_grant WHERE product_id = $1 AND account_id = $2";

    /** Makes the list exactly this; grants that stay keep their date. */
    Future<Void> replace(SqlClient db, String productId, Collection<String> accountIds, Instant at) {
        String[] ids = accountIds.stream().sorted().toArray(String[]::new);
        return db.preparedQuery(DELETE_OTHERS)
                .execute(Tuple.of(productId).addArrayOfString(ids))
                .compose(done -> db.preparedQuery(INSERT).execute(Tuple.of(productId, ids, Columns.time(at))))
                .<Void>mapEmpty()
                .recover(PgErrors.onConstraint(
                        "visibility_grant_account_fk",
                        () -> Requests.invalid("accounts", "names an account that does not exist")));
    }

    Future<List<String>> read(SqlClient db, String productId) {
        return db.preparedQuery(READ).execute(Tuple.of(productId)).map(rows -> {
            List<String> ids = new ArrayList<>();
            rows.forEach(row -> ids.add(row.getString("account_id")));
            return ids;
        });
    }

    Future<Boolean> exists(SqlClient db, String productId, String accountId) {
        return db.preparedQuery(EXISTS).execute(Tuple.of(productId, accountId)).map(rows -> rows.size() > 0);
    }
}
