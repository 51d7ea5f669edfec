package io.tallystick.aggregator.db;

import io.vertx.core.Future;
import io.vertx.sqlclient.Row;
import io.vertx.sqlclient.SqlClient;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/** Asks a running database, without Flyway, whether its schema still has all this process started on. */
public final class SchemaCheck {
    private static final String SELECT =
            "SELECT version FROM " + Migrations.HISTORY + " WHERE success AND version IS NOT NULL";

    private final Set<String> expected;

    public SchemaCheck(List<String> expected) {
        this.expected = Set.copyOf(expected);
    }

    public Future<Boolean> isCurrent(SqlClient client) {
        return client.query(SELECT).execute().map(rows -> {
            Set<String> applied = new HashSet<>();
            for (Row row : rows) {
                applied.add(row.getString("version"));
            }
            // More than expected is a newer program's migration, which only adds: this one goes on serving.
            return applied.containsAll(expected);
        });
    }
}
