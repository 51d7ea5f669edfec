package io.tallystick.aggregator.billing;

import io.tallystick.aggregator.db.Columns;
import io.tallystick.aggregator.usage.Evidence;
import io.tallystick.common.json.Json;
import io.tallystick.common.model.EnrollmentId;
import io.vertx.core.Future;
import io.vertx.sqlclient.Row;
import io.vertx.sqlclient.SqlClient;
import io.vertx.sqlclient.Tuple;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Reads of a usage line and of those of its hour. */
final class ExplanationStore {
    static final String LINE =
            """
            SELECT l.enrollment_id, l.hour, l.product_code, l.dimension, l.allocation, l.account_id, r.finished_at
            FROM usage_line AS l JOIN posting_run AS r ON r.run = l.run AND r.finished_at IS NOT NULL
            WHERE l.run = $1 AND l.line = $2""";
    /** Over all agreements of the hour: which of them a record went to is not in the evidence. */
    static final String LINES =
            """
            SELECT o.run, o.line, o.kind, o.quantity FROM usage_line AS l JOIN usage_line AS o
              ON o.enrollment_id = l.enrollment_id AND o.hour = l.hour AND o.dimension_id = l.dimension_id
                AND o.allocation = l.allocation AND o.account_id = l.account_id AND o.run <= l.run
            WHERE l.run = $1 AND l.line = $2 ORDER BY o.run, o.line""";

    record Booked(Evidence.Hour hour, String accountId, Instant finishedAt) {}

    Future<Optional<Booked>> line(SqlClient client, UsagePull.Cursor line) {
        return client.preparedQuery(LINE)
                .execute(Tuple.of(line.run(), line.line()))
                .map(rows -> {
                    var it = rows.iterator();
                    if (!it.hasNext()) {
                        return Optional.<Booked>empty();
                    }
                    Row row = it.next();
                    Evidence.Hour hour = new Evidence.Hour(
                            new EnrollmentId(row.getUUID("enrollment_id")),
                            Columns.instant(row, "hour"),
                            row.getString("product_code"),
                            row.getString("dimension"),
                            row.getUUID("allocation"));
                    return Optional.of(
                            new Booked(hour, row.getString("account_id"), Columns.instant(row, "finished_at")));
                });
    }

    Future<List<Map<String, Object>>> linesUpTo(SqlClient client, UsagePull.Cursor line) {
        return client.preparedQuery(LINES)
                .execute(Tuple.of(line.run(), line.line()))
                .map(rows -> {
                    List<Map<String, Object>> lines = new ArrayList<>();
                    for (Row row : rows) {
                        lines.add(Json.object(
                                "run", row.getLong("run"),
                                "line", row.getLong("line"),
                                "kind", row.getString("kind"),
                                "quantity", Columns.quantity(row, "quantity")));
                    }
                    return lines;
                });
    }
}
