package io.tallystick.aggregator.usage;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.tallystick.aggregator.app.ManualClock;
import io.tallystick.aggregator.db.Database;
import io.tallystick.aggregator.db.DatabaseUrl;
import io.tallystick.aggregator.db.Migrations;
import io.tallystick.testkit.TestDatabase;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.time.Instant;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** When the service was away, as all its processes agree. */
class ServingTimesTest {
    private static final Instant START = Instant.parse("2026-03-10T09:30:00Z");

    @RegisterExtension
    static final TestDatabase DB = TestDatabase.migratedBy(url -> new Migrations(DatabaseUrl.parse(url)).migrate());

    private final Vertx vertx = Vertx.vertx();
    private final ManualClock clock = new ManualClock(START);
    /** Moves with the clock unless a test says otherwise: a real clock, or one that leaps. */
    private final AtomicLong nanos = new AtomicLong();

    private Database database = Database.open(vertx, DatabaseUrl.parse("postgresql://u@h/d"), 2);

    @BeforeEach
    void open() {
        DB.execute("TRUNCATE service_heartbeat, service_away");
        database = Database.open(vertx, DatabaseUrl.parse(DB.url()), 2);
    }

    @AfterEach
    void close() throws TimeoutException {
        await(database.close());
        await(vertx.close());
    }

    private static <T> T await(Future<T> future) throws TimeoutException {
        return future.await(10, TimeUnit.SECONDS);
    }

    private ServingTimes process() {
        return new ServingTimes(database, clock, nanos::get, false);
    }

    private void pass(Duration time) {
        clock.advance(time);
        nanos.addAndGet(time.toNanos());
    }

    private Duration away(ServingTimes told, Instant from) throws TimeoutException {
        return await(told.awaySince(from, clock.instant()));
    }

    private static int spans() throws SQLException {
        try (Connection connection = DB.connect();
                Statement statement = connection.createStatement();
                ResultSet rows = statement.executeQuery("SELECT count(*) FROM service_away")) {
            rows.next();
            return rows.getInt(1);
        }
    }

    @Test
    void aPauseOfAllProcessesCountsAndARestartDoesNot() throws Exception {
        ServingTimes first = process();
        await(first.beat());
        pass(Duration.ofHours(30));
        // Nobody has beaten since: known at once, whoever is asked.
        assertEquals(Duration.ofHours(30), away(first, START));
        ServingTimes restarted = process();
        await(restarted.beat());
        assertEquals(Duration.ofHours(30), away(restarted, START));
        // Another replica agrees and adds nothing.
        ServingTimes replica = process();
        await(replica.beat());
        assertEquals(Duration.ofHours(30), away(replica, START));
        // A rolling restart.
        pass(Duration.ofSeconds(110));
        await(process().beat());
        assertEquals(Duration.ofHours(30), away(replica, START));
        assertEquals(Duration.ZERO, away(replica, START.plus(Duration.ofHours(30))));
        assertEquals(Duration.ofHours(10), away(replica, START.plus(Duration.ofHours(20))));
    }

    @Test
    void asLongAsOneReplicaServesNobodyIsAway() throws Exception {
        ServingTimes one = process();
        ServingTimes other = process();
        await(one.beat());
        await(other.beat());
        for (int i = 0; i < 40; i++) {
            pass(ServingTimes.BEAT_EVERY);
            await(one.beat());
        }
        await(other.beat());
        assertEquals(Duration.ZERO, away(other, START));
    }

    @Test
    void refusingForLoadIsBeingAwayOnceForAllReplicas() throws Exception {
        ServingTimes one = process();
        ServingTimes other = process();
        await(one.beat());
        await(other.beat());
        for (int i = 0; i < 8; i++) {
            pass(ServingTimes.BEAT_EVERY);
            one.refused();
            other.refused();
            await(one.beat());
            await(other.beat());
        }
        assertEquals(ServingTimes.BEAT_EVERY.multipliedBy(8), away(one, START));
        assertEquals(1, spans());
        pass(ServingTimes.BEAT_EVERY);
        await(one.beat());
        assertEquals(ServingTimes.BEAT_EVERY.multipliedBy(8), away(other, START));
    }

    @Test
    void theTimeBeforeTheFirstBeatOfAllIsNoTimeOfService() throws Exception {
        assertEquals(Duration.ofDays(4), await(process().awaySince(START.minus(Duration.ofDays(4)), START)));
        ServingTimes first = process();
        await(first.beat());
        pass(Duration.ofMinutes(1));
        assertEquals(Duration.ofDays(4), away(first, START.minus(Duration.ofDays(4))));
    }

    @Test
    void aPlayedClocksLeapIsServedByTheProcessThatGoesOnOnly() throws Exception {
        ServingTimes sandbox = new ServingTimes(database, clock, nanos::get, true);
        await(sandbox.beat());
        clock.advance(Duration.ofHours(80));
        assertEquals(Duration.ZERO, away(sandbox, START));
        await(sandbox.beat());
        assertEquals(Duration.ZERO, away(sandbox, START));
        clock.advance(Duration.ofHours(5));
        ServingTimes restarted = new ServingTimes(database, clock, nanos::get, true);
        await(restarted.beat());
        assertEquals(Duration.ofHours(5), away(restarted, START));
    }

    @Test
    void aClockBehindTheOthersTurnsNothingBack() throws Exception {
        ServingTimes ahead = process();
        await(ahead.beat());
        pass(Duration.ofMinutes(1));
        await(ahead.beat());
        ManualClock late = new ManualClock(START.minusSeconds(30));
        await(new ServingTimes(database, late, nanos::get, false).beat());
        pass(Duration.ofMinutes(1));
        await(ahead.beat());
        assertEquals(Duration.ZERO, away(ahead, START));
    }
}
