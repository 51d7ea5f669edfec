package io.tallystick.aggregator.enrollment;

import io.tallystick.aggregator.db.Columns;
import io.tallystick.common.jose.Jwk;
import io.tallystick.common.model.EnrollmentId;
import io.vertx.core.Future;
import io.vertx.core.buffer.Buffer;
import io.vertx.sqlclient.Row;
import io.vertx.sqlclient.SqlClient;
import io.vertx.sqlclient.SqlConnection;
import io.vertx.sqlclient.Tuple;
import java.time.Instant;
import java.util.List;
import java.util.Optional;

/** All SQL of {@code takeover}, and what it changes of its enrollment. */
final class TakeoverStore {
    static final String FIND =
            """
            SELECT enrollment_id, public_key, pending_time, region, image, instance_type, product_codes, jws, counter,
              agent_version, agent_state, began_at, seen_at
            FROM takeover WHERE enrollment_id = $1""";
    /** Another key begins anew; the same one, started again, goes on from when it began. */
    static final String PUT =
            """
            INSERT INTO takeover AS t (enrollment_id, public_key, pending_time, region, image, instance_type, product_codes,
              jws, agent_version, agent_state, began_at, seen_at)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $11)
            ON CONFLICT ON CONSTRAINT takeover_pk DO UPDATE SET public_key = excluded.public_key,
              pending_time = excluded.pending_time, region = excluded.region, image = excluded.image,
              instance_type = excluded.instance_type, product_codes = excluded.product_codes, jws = excluded.jws,
              counter = CASE t.public_key WHEN excluded.public_key THEN t.counter ELSE 0 END,
              agent_version = excluded.agent_version, agent_state = excluded.agent_state,
              began_at = CASE t.public_key WHEN excluded.public_key THEN t.began_at ELSE excluded.began_at END,
              seen_at = excluded.seen_at""";
    /** So that the same document cannot be used again. */
    static final String SPEND =
            "UPDATE enrollment SET pending_time = greatest(pending_time, $2) WHERE enrollment_id = $1";

    static final String COUNT_UP =
            """
            UPDATE takeover SET counter = $2, agent_state = $3, agent_version = $4, seen_at = $5
            WHERE enrollment_id = $1 AND counter < $2""";
    static final String DROP = "DELETE FROM takeover WHERE enrollment_id = $1";
    static final String TAKE_OVER =
            """
            WITH decided AS (UPDATE contested_key SET approved_at = $3
              FROM takeover AS t WHERE contested_key.enrollment_id = $1 AND t.enrollment_id = $1
                AND contested_key.thumbprint = $2)
            UPDATE enrollment AS e SET public_key = t.public_key, counter = t.counter, region = t.region, image = t.image,
              instance_type = t.instance_type, product_codes = t.product_codes,
              pending_time = greatest(e.pending_time, t.pending_time), agent_version = t.agent_version,
              agent_state = t.agent_state, seen_at = t.seen_at
            FROM takeover AS t WHERE e.enrollment_id = $1 AND t.enrollment_id = $1""";

    Future<Optional<Takeover>> find(SqlClient client, EnrollmentId id) {
        return client.preparedQuery(FIND).execute(Tuple.of(id.uuid())).map(rows -> {
            var it = rows.iterator();
            return it.hasNext() ? Optional.of(fromRow(it.next())) : Optional.<Takeover>empty();
        });
    }

    Future<Void> put(SqlConnection tx, Takeover t) {
        return tx.preparedQuery(PUT)
                .execute(Tuple.from(List.of(
                        t.id().uuid(),
                        Buffer.buffer(t.key().bytes()),
                        Columns.time(t.pendingTime()),
                        t.region(),
                        t.image(),
                        t.instanceType(),
                        t.productCodes().toArray(String[]::new),
                        t.jws(),
                        t.agentVersion(),
                        t.agentState(),
                        Columns.time(t.seenAt()))))
                .compose(
                        done -> tx.preparedQuery(SPEND).execute(Tuple.of(t.id().uuid(), Columns.time(t.pendingTime()))))
                .mapEmpty();
    }

    /** False if the counter is not above the last one. */
    Future<Boolean> countUp(
            SqlConnection tx, EnrollmentId id, long counter, String state, String version, Instant now) {
        return tx.preparedQuery(COUNT_UP)
                .execute(Tuple.of(id.uuid(), counter, state, version, Columns.time(now)))
                .map(rows -> rows.rowCount() == 1);
    }

    Future<Void> drop(SqlConnection tx, EnrollmentId id) {
        return tx.preparedQuery(DROP).execute(Tuple.of(id.uuid())).mapEmpty();
    }

    Future<Void> takeOver(SqlConnection tx, Takeover t, Instant now) {
        return tx.preparedQuery(TAKE_OVER)
                .execute(Tuple.of(
                        t.id().uuid(), Buffer.buffer(t.key().thumbprint().bytes()), Columns.time(now)))
                .compose(done -> drop(tx, t.id()));
    }

    private static Takeover fromRow(Row row) {
        return new Takeover(
                new EnrollmentId(row.getUUID("enrollment_id")),
                Jwk.ofBytes(row.getBuffer("public_key").getBytes()),
                Columns.instant(row, "pending_time"),
                row.getString("region"),
                row.getString("image"),
                row.getString("instance_type"),
                List.of(row.getArrayOfStrings("product_codes")),
                row.getString("jws"),
                row.getLong("counter"),
                row.getString("agent_version"),
                row.getString("agent_state"),
                Columns.instant(row, "began_at"),
                Columns.instant(row, "seen_at"));
    }
}
