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

/** Reads of stored batches by the time they came. */
final class EvidenceStore {
    static final String BATCHES =
            """
            SELECT epoch, seq, received, jws, receipt FROM usage_batch
            WHERE enrollment_id = $1 AND (epoch, seq) > ($2, $3) AND received BETWEEN $4 AND $5
            ORDER BY epoch, seq LIMIT $6""";

    record Stored(Evidence.Place place, Instant received, String jws, String receipt) {}

    Future<List<Stored>> batches(
            SqlClient client, EnrollmentId id, Instant from, Instant until, Evidence.Place after, int limit) {
        return client.preparedQuery(BATCHES)
                .execute(Tuple.of(
                        id.uuid(), (int) after.epoch(), after.seq(), Columns.time(from), Columns.time(until), limit))
                .map(rows -> {
                    List<Stored> batches = new ArrayList<>();
                    for (Row row : rows) {
                        batches.add(new Stored(
                                new Evidence.Place(row.getInteger("epoch"), row.getLong("seq")),
                                Columns.instant(row, "received"),
                                row.getString("jws"),
                                row.getString("receipt")));
                    }
                    return batches;
                });
    }
}
