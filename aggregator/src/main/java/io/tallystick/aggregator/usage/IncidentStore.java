package io.tallystick.aggregator.usage;

import io.tallystick.aggregator.db.Columns;
import io.tallystick.common.model.EnrollmentId;
import io.vertx.core.Future;
import io.vertx.sqlclient.Row;
import io.vertx.sqlclient.RowSet;
import io.vertx.sqlclient.SqlClient;
import io.vertx.sqlclient.Tuple;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** All SQL of {@code incident}. */
final class IncidentStore {
    static final String REPORT =
            """
            INSERT INTO incident (kind, enrollment_id, fingerprint, detail, first_at, last_at)
            VALUES ($1, $2, $3, $4, $5, $5)
            ON CONFLICT ON CONSTRAINT incident_once
            DO UPDATE SET last_at = excluded.last_at, count = incident.count + 1
            RETURNING count""";
    private static final String SELECT =
            """
            SELECT incident_id, kind, enrollment_id, fingerprint, detail, first_at, last_at, count, acknowledged_at,
              acknowledged_by, note
            FROM incident
            """;
    static final String PAGE = SELECT + "WHERE incident_id > $1 ORDER BY incident_id LIMIT $2";
    static final String PAGE_OPEN =
            SELECT + "WHERE incident_id > $1 AND acknowledged_at IS NULL ORDER BY incident_id LIMIT $2";
    static final String PAGE_ACKNOWLEDGED =
            SELECT + "WHERE incident_id > $1 AND acknowledged_at IS NOT NULL ORDER BY incident_id LIMIT $2";
    static final String READ_FOR_UPDATE = SELECT + "WHERE incident_id = $1 FOR UPDATE";
    static final String ACKNOWLEDGE =
            "UPDATE incident SET acknowledged_at = $2, acknowledged_by = $3, note = $4 WHERE incident_id = $1";

    Future<Boolean> report(
            SqlClient client, String kind, EnrollmentId enrollment, String fingerprint, String detail, Instant now) {
        return client.preparedQuery(REPORT)
                .execute(Tuple.of(kind, enrollment.uuid(), fingerprint, detail, Columns.time(now)))
                .map(rows -> rows.iterator().next().getLong("count") == 1);
    }

    Future<List<Incidents.Incident>> page(SqlClient client, Optional<Incidents.Status> status, long after, int limit) {
        String sql = status.map(s -> s == Incidents.Status.OPEN ? PAGE_OPEN : PAGE_ACKNOWLEDGED)
                .orElse(PAGE);
        return client.preparedQuery(sql).execute(Tuple.of(after, limit)).map(IncidentStore::incidents);
    }

    Future<Optional<Incidents.Incident>> readForUpdate(SqlClient client, long id) {
        return client.preparedQuery(READ_FOR_UPDATE).execute(Tuple.of(id)).map(rows -> incidents(rows).stream()
                .findFirst());
    }

    Future<Void> acknowledge(SqlClient client, long id, Optional<Incidents.Acknowledged> by) {
        return client.preparedQuery(ACKNOWLEDGE)
                .execute(Tuple.of(
                        id,
                        Columns.timeOrNull(by.map(Incidents.Acknowledged::at)),
                        by.map(Incidents.Acknowledged::by).orElse(null),
                        by.flatMap(Incidents.Acknowledged::note).orElse(null)))
                .mapEmpty();
    }

    private static List<Incidents.Incident> incidents(RowSet<Row> rows) {
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
                    row.getLong("count"),
                    Columns.optionalInstant(row, "acknowledged_at")
                            .map(at -> new Incidents.Acknowledged(
                                    at,
                                    row.getString("acknowledged_by"),
                                    Optional.ofNullable(row.getString("note"))))));
        }
        return list;
    }
}
