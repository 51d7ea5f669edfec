package io.tallystick.aggregator.db;

import io.tallystick.common.error.ErrorCode;
import io.tallystick.common.error.Failure;
import io.vertx.core.Future;
import io.vertx.sqlclient.Row;
import io.vertx.sqlclient.SqlClient;
import java.util.ArrayList;
import java.util.List;

/** A receipt promises that a batch survives a crash; a database that does not keep commits makes it a lie. */
public final class Durability {
    private static final String SELECT =
            """
            SELECT name, setting FROM pg_catalog.pg_settings
             WHERE name IN ('fsync', 'full_page_writes', 'synchronous_commit') ORDER BY name
            """;

    private Durability() {}

    /** Fails with every setting that is off, as this session sees it (role and database settings included). */
    public static Future<Void> check(SqlClient client) {
        return client.query(SELECT).execute().map(rows -> {
            List<Failure.Problem> problems = new ArrayList<>();
            for (Row row : rows) {
                if ("off".equals(row.getString("setting"))) {
                    problems.add(
                            new Failure.Problem(
                                    row.getString("name"),
                                    "is off in PostgreSQL; receipts promise that acknowledged usage survives a crash, so it must be on"));
                }
            }
            if (!problems.isEmpty()) {
                throw Failure.of(ErrorCode.UNAVAILABLE, problems);
            }
            return null;
        });
    }
}
