package io.tallystick.aggregator.job;

import io.tallystick.aggregator.db.Columns;
import io.vertx.core.Future;
import io.vertx.sqlclient.SqlClient;
import io.vertx.sqlclient.SqlConnection;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;

/** Asks for jobs and tells how they are. {@link JobRunner} does them. */
public final class Jobs {
    /** How long a job stays with its taker without a sign of life. */
    public static final Duration LEASE = Duration.ofMinutes(2);

    final JobStore store = new JobStore();
    private final Clock clock;

    public Jobs(Clock clock) {
        this.clock = clock;
    }

    /** Somebody else has the job by now: what we were about to record is theirs to do. */
    public static final class StaleFence extends RuntimeException {
        private static final long serialVersionUID = 1;

        StaleFence(Job job) {
            super(job.kind() + " " + job.key() + " was taken by another worker", null, false, false);
        }
    }

    /**
     * Asks for a job now, in the transaction that makes it needed. One that is there already is made due; one that is
     * running runs once more afterwards.
     */
    public Future<Void> add(SqlConnection tx, String kind, String key) {
        Instant now = Columns.micros(clock.instant());
        return store.add(tx, kind, key, now, now);
    }

    /** Locks the job's row until the transaction ends and renews our lease; fails with {@link StaleFence}. */
    public Future<Void> hold(SqlConnection tx, Job job) {
        return store.hold(tx, job, Columns.micros(clock.instant()).plus(LEASE)).map(held -> {
            if (!held) {
                throw new StaleFence(job);
            }
            return null;
        });
    }

    /** The job got on: attempts are counted anew. In the transaction that recorded the progress. */
    public Future<Void> progressed(SqlConnection tx, Job job) {
        return store.progress(tx, job);
    }

    /** Since when the longest waiting job has been due; empty if none is. */
    public Future<Optional<Instant>> oldestDue(SqlClient db) {
        return store.oldestDue(db, Columns.micros(clock.instant()));
    }

    /** How many jobs were given up. */
    public Future<Long> poisoned(SqlClient db) {
        return store.poisoned(db);
    }
}
