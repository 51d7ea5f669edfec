package io.tallystick.aggregator.usage;

import io.tallystick.aggregator.db.Columns;
import io.tallystick.aggregator.db.Database;
import io.vertx.core.Future;
import io.vertx.sqlclient.SqlClient;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * When the service was there to take batches, as a fact of the database: all processes beat one heart, so they agree,
 * and the restart of one is no break. A pause in the beat longer than {@link #GAP_MAX}, and the time around a batch that was
 * refused because too many waited, are spans in which the service was away.
 */
public final class ServingTimes {
    /** How often each process is to call {@link #beat}. */
    public static final Duration BEAT_EVERY = Duration.ofSeconds(15);
    /** A longer pause means that nobody served; shorter ones are restarts and slow databases. */
    static final Duration GAP_MAX = Duration.ofMinutes(2);

    /** Why the service was away. */
    enum Cause {
        ABSENT("absent"),
        OVERLOADED("overloaded");

        private final String wire;

        Cause(String wire) {
            this.wire = wire;
        }

        String wire() {
            return wire;
        }
    }

    /** The heart as the database has it. */
    record Heart(Instant since, Instant beatAt) {}

    private final Database database;
    private final ServingTimesStore store = new ServingTimesStore();
    private final Clock clock;
    private final LongSupplier nanoTime;
    private final boolean played;
    private final AtomicBoolean overloaded = new AtomicBoolean();
    private volatile @Nullable OwnBeat last;

    private record OwnBeat(Instant at, long nanos) {}

    /**
     * @param nanoTime a monotonic clock
     * @param played the clock is moved by hand (a sandbox, a test): its leaps are time that was served, as long as this
     *     process itself goes on; of a real clock they are time in which it did not run
     */
    public ServingTimes(Database database, Clock clock, LongSupplier nanoTime, boolean played) {
        this.database = database;
        this.clock = clock;
        this.nanoTime = nanoTime;
        this.played = played;
    }

    /** Says that the service is there; not twice at once. The first beat of a process comes before its first request. */
    public Future<Void> beat() {
        Instant now = Columns.micros(clock.instant());
        long nanos = nanoTime.getAsLong();
        OwnBeat own = last;
        boolean wentOn = played && own != null && nanos - own.nanos() <= GAP_MAX.toNanos();
        boolean refused = overloaded.getAndSet(false);
        return database.transactor()
                .inTx(tx -> store.lock(tx, now).compose(heart -> {
                    boolean absent = !wentOn && isGap(heart.beatAt(), now);
                    Future<Void> done =
                            absent ? store.addAway(tx, heart.beatAt(), now, Cause.ABSENT) : Future.succeededFuture();
                    if (refused && own != null) {
                        done = done.compose(v -> store.addAway(tx, own.at(), now, Cause.OVERLOADED));
                    }
                    return done.compose(v -> store.beat(tx, now));
                }))
                .onSuccess(done -> last = new OwnBeat(now, nanos))
                .onFailure(e -> {
                    if (refused) {
                        overloaded.set(true);
                    }
                });
    }

    /** A batch was turned away because too many waited; counts at the next beat. Any thread. */
    void refused() {
        overloaded.set(true);
    }

    /** How much of the time from then to now the service was away. */
    public Future<Duration> awaySince(Instant from, Instant now) {
        return awaySince(database.reads(), from, now);
    }

    /** As above, on the caller's connection. */
    public Future<Duration> awaySince(SqlClient client, Instant from, Instant now) {
        return store.heart(client)
                .compose(heart -> heart.isEmpty()
                        ? Future.succeededFuture(Duration.between(from, now))
                        : store.away(client, from, now).map(spans -> spans.plus(unrecorded(heart, from, now))));
    }

    /** What no span tells: the time before the first beat of all, and a pause that nobody has ended yet. */
    private Duration unrecorded(Optional<Heart> heart, Instant from, Instant now) {
        return heart.map(h -> {
                    Duration before = h.since().isAfter(from) ? Duration.between(from, h.since()) : Duration.ZERO;
                    boolean paused = !played && isGap(h.beatAt(), now);
                    Instant pausedAt = h.beatAt().isAfter(from) ? h.beatAt() : from;
                    return paused ? before.plus(Duration.between(pausedAt, now)) : before;
                })
                .orElse(Duration.ZERO);
    }

    private static boolean isGap(Instant from, Instant to) {
        return Duration.between(from, to).compareTo(GAP_MAX) > 0;
    }
}
