package io.tallystick.aggregator.usage;

import io.tallystick.aggregator.db.Columns;
import io.vertx.core.Future;
import io.vertx.sqlclient.Row;
import io.vertx.sqlclient.RowSet;
import io.vertx.sqlclient.SqlClient;
import io.vertx.sqlclient.SqlConnection;
import io.vertx.sqlclient.Tuple;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;

/** All SQL of {@code service_heartbeat} and {@code service_away}. */
final class ServingTimesStore {
    static final String FIRST =
            """
            INSERT INTO service_heartbeat (since, beat_at) VALUES ($1, $1)
            ON CONFLICT ON CONSTRAINT service_heartbeat_pk DO NOTHING""";
    static final String LOCK = "SELECT since, beat_at FROM service_heartbeat FOR UPDATE";
    static final String HEART = "SELECT since, beat_at FROM service_heartbeat";
    /** A clock behind the others' does not turn the heart back. */
    static final String BEAT = "UPDATE service_heartbeat SET beat_at = greatest(beat_at, $1)";
    /** Hours under load are one span, not one a beat. */
    static final String EXTEND = "UPDATE service_away SET to_at = $2 WHERE to_at = $1 AND cause = $3 AND to_at < $2";
    /** What another process has said already is not said twice. */
    static final String ADD =
            """
            INSERT INTO service_away (from_at, to_at, cause)
            SELECT greatest($1::timestamptz, max(to_at)), $2::timestamptz, $3 FROM service_away
            HAVING greatest($1::timestamptz, max(to_at)) < $2::timestamptz""";

    static final String AWAY =
            """
            SELECT coalesce(extract(epoch FROM sum(least(to_at, $2) - greatest(from_at, $1))), 0)::bigint AS seconds
            FROM service_away WHERE to_at > $1 AND from_at < $2""";

    /** The heart, locked; made if this is the first beat of all. */
    Future<ServingTimes.Heart> lock(SqlConnection tx, Instant now) {
        return tx.preparedQuery(FIRST)
                .execute(Tuple.of(Columns.time(now)))
                .compose(done -> tx.preparedQuery(LOCK).execute())
                .map(rows -> heart(rows).orElseThrow());
    }

    Future<Optional<ServingTimes.Heart>> heart(SqlClient client) {
        return client.preparedQuery(HEART).execute().map(ServingTimesStore::heart);
    }

    Future<Void> beat(SqlConnection tx, Instant now) {
        return tx.preparedQuery(BEAT).execute(Tuple.of(Columns.time(now))).mapEmpty();
    }

    /** Only with the heart locked: spans are made one after the other. */
    Future<Void> addAway(SqlConnection tx, Instant from, Instant to, ServingTimes.Cause cause) {
        Tuple span = Tuple.of(Columns.time(from), Columns.time(to), cause.wire());
        return tx.preparedQuery(EXTEND)
                .execute(span)
                .compose(rows -> rows.rowCount() > 0
                        ? Future.succeededFuture()
                        : tx.preparedQuery(ADD).execute(span).mapEmpty());
    }

    Future<Duration> away(SqlClient client, Instant from, Instant to) {
        return client.preparedQuery(AWAY)
                .execute(Tuple.of(Columns.time(from), Columns.time(to)))
                .map(rows -> Duration.ofSeconds(rows.iterator().next().getLong("seconds")));
    }

    private static Optional<ServingTimes.Heart> heart(RowSet<Row> rows) {
        var it = rows.iterator();
        if (!it.hasNext()) {
            return Optional.empty();
        }
        Row row = it.next();
        return Optional.of(new ServingTimes.Heart(Columns.instant(row, "since"), Columns.instant(row, "beat_at")));
    }
}
