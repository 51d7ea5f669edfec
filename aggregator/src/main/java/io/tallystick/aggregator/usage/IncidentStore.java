package io.tallystick.aggregator.usage;

import io.tallystick.aggregator.db.Columns;
import io.tallystick.common.model.EnrollmentId;
import io.vertx.core.Future;
import io.vertx.sqlclient.Row;
import io.vertx.sqlclient.SqlClient;
import io.vertx.sqlclient.Tuple;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;

/** All SQL of {@code incident}. */
final class IncidentStore {
    static final String REPORT =
            """
            INSERT INTO incident (kind, enrollment_id, fingerprint, detail, first_at, last_at)
            VALUES ($1, $2, $3, $4, $5, $5)
            ON CONFLICT ON CONSTRAINT incident_once
            DO UPDATE SET last_at = excluded.last_at, count = incident.count + 1
            RETURNING count""";
    static final String PAGE =
            """
            SELECT incident_id, kind, enrollment_id, fingerprint, detail, first_at, last_at, count
            FROM incident WHERE incident_id > $1 ORDER BY incident_id LIMIT $2""";

    Future<Boolean> report(
            SqlClient client, String kind, EnrollmentId enrollment, String fingerprint, String detail, Instant now) {
        return client.preparedQuery(REPORT)
                .execute(Tuple.of(kind, enrollment.uuid(), fingerprint, detail, Columns.time(now)))
                .map(rows -> rows.iterator().next().getLong("count") == 1);
    }

    Future<List<Incidents.Incident>> page(SqlClient client, long after, int limit) {
        return client.preparedQuery(PAGE).execute(Tuple.of(after, limit)).map(rows -> {
            List<Incidents.Incident> list = new ArrayList<>();
            for (Row row : rows) {
                list.add(new Incidents.Incident(
                        row.getLong("incident_id"),
                        row.getString("kind"),
                        new EnrollmentId(row.getUUID("enrollment_id")),
                        row.getString("fingerprint"),
                        row.getString("detail"),
                        Columns.instant(row, "first_at"),
                        Columns.instant(row, "last_at"),
                        row.getLong("count")));
            }
            return list;
        });
    }
}
