package io.tallystick.aggregator.catalog;

import io.vertx.core.Future;
import io.vertx.sqlclient.SqlClient;
import io.vertx.sqlclient.Tuple;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.Map;

/** SQL of the products that open change sets hold. */
final class HoldStore {
    static final String INSERT =
            "INSERT INTO change_lock (product_id, change_set_id) SELECT p, $1 FROM unnest($2::text[]) AS p";
    static final String READ =
            "SELECT product_id, change_set_id FROM change_lock WHERE product_id = ANY($1) ORDER BY product_id";
    static final String DELETE = "DELETE FROM change_lock WHERE change_set_id = $1";

    Future<Void> insert(SqlClient db, String changeSetId, Collection<String> productIds) {
        return db.preparedQuery(INSERT)
                .execute(Tuple.of(changeSetId).addArrayOfString(productIds.toArray(String[]::new)))
                .mapEmpty();
    }

    /** The change set that holds each of these products that is held. */
    Future<Map<String, String>> read(SqlClient db, Collection<String> productIds) {
        return db.preparedQuery(READ)
                .execute(Tuple.tuple().addArrayOfString(productIds.toArray(String[]::new)))
                .map(rows -> {
                    Map<String, String> holders = new LinkedHashMap<>();
                    rows.forEach(row -> holders.put(row.getString("product_id"), row.getString("change_set_id")));
                    return holders;
                });
    }

    Future<Void> delete(SqlClient db, String changeSetId) {
        return db.preparedQuery(DELETE).execute(Tuple.of(changeSetId)).mapEmpty();
    }
}
