package io.tallystick.aggregator.enrollment;

import io.tallystick.aggregator.db.Columns;
import io.tallystick.aggregator.image.CloudVm;
import io.tallystick.common.model.EnrollmentId;
import io.vertx.core.Future;
import io.vertx.sqlclient.SqlClient;
import io.vertx.sqlclient.SqlConnection;
import io.vertx.sqlclient.Tuple;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;

/** All SQL of {@code confirmation}, and of the evidence level it changes. */
final class ConfirmationStore {
    /** Whoever moves the time asks; also when a clock was set back, as a time ahead of now is no reason to wait. */
    static final String BEGIN =
            """
            INSERT INTO confirmation (enrollment_id, asked_at, finding) VALUES ($1, $2, 'asked')
            ON CONFLICT ON CONSTRAINT confirmation_pk DO UPDATE SET asked_at = excluded.asked_at
            WHERE confirmation.asked_at <= $3 OR confirmation.asked_at > $2""";

    static final String FOUND =
            "UPDATE confirmation SET finding = $2, confirmed_at = coalesce($3, confirmed_at) WHERE enrollment_id = $1";
    static final String STATE = "SELECT asked_at, confirmed_at, finding FROM confirmation WHERE enrollment_id = $1";
    static final String RAISE =
            """
            UPDATE enrollment SET evidence_level = 'api-confirmed', region = $2, image = $3, instance_type = $4
            WHERE enrollment_id = $1""";
    static final String LOWER = "UPDATE enrollment SET evidence_level = 'claimed' WHERE enrollment_id = $1";

    /** Whether the caller is to ask now; at most one is within {@code every}. */
    Future<Boolean> begin(SqlClient db, EnrollmentId id, Instant now, Duration every) {
        return db.preparedQuery(BEGIN)
                .execute(Tuple.of(id.uuid(), Columns.time(now), Columns.time(now.minus(every))))
                .map(rows -> rows.rowCount() == 1);
    }

    Future<Void> found(SqlConnection tx, EnrollmentId id, String finding, Optional<Instant> confirmedAt) {
        return tx.preparedQuery(FOUND)
                .execute(Tuple.of(id.uuid(), finding, Columns.timeOrNull(confirmedAt)))
                .mapEmpty();
    }

    Future<Optional<Confirmations.State>> state(SqlClient db, EnrollmentId id) {
        return db.preparedQuery(STATE).execute(Tuple.of(id.uuid())).map(rows -> {
            var it = rows.iterator();
            if (!it.hasNext()) {
                return Optional.empty();
            }
            var row = it.next();
            return Optional.of(new Confirmations.State(
                    Columns.instant(row, "asked_at"),
                    Columns.optionalInstant(row, "confirmed_at"),
                    row.getString("finding")));
        });
    }

    Future<Void> raise(SqlConnection tx, EnrollmentId id, CloudVm vm) {
        return tx.preparedQuery(RAISE)
                .execute(Tuple.of(id.uuid(), vm.region(), vm.imageId(), vm.instanceType()))
                .mapEmpty();
    }

    Future<Void> lower(SqlConnection tx, EnrollmentId id) {
        return tx.preparedQuery(LOWER).execute(Tuple.of(id.uuid())).mapEmpty();
    }
}
