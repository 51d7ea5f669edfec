package io.tallystick.aggregator.billing;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.tallystick.aggregator.app.RunningAggregator;
import io.tallystick.aggregator.db.Database;
import io.tallystick.aggregator.db.DatabaseUrl;
import io.tallystick.aggregator.db.Ids;
import io.tallystick.aggregator.usage.SimulatedRegion;
import io.tallystick.testkit.TestDatabase;
import io.vertx.core.Vertx;
import java.sql.Connection;
import java.sql.ResultSet;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** A posting run that ends while months are about to be closed, as after a time in which no process ran. */
class ClosingRaceTest {
    private static final Duration DELAY = Duration.ofDays(3);
    /** The fence is taken, what is to be rated is looked for, and what is to be closed. */
    private static final int BEFORE_CLOSING = 3;

    @RegisterExtension
    static final RunningAggregator RUNNING = RunningAggregator.with("trust.dir=" + SimulatedRegion.trustFolder());

    /** Does something at one of its readings, before it answers. */
    private static final class EventfulClock extends Clock {
        private final Clock real;
        private final AtomicInteger left = new AtomicInteger(BEFORE_CLOSING);
        private final Runnable event;

        EventfulClock(Clock real, Runnable event) {
            this.real = real;
            this.event = event;
        }

        @Override
        public Instant instant() {
            if (left.decrementAndGet() == 0) {
                event.run();
            }
            return real.instant();
        }

        @Override
        public ZoneId getZone() {
            return ZoneOffset.UTC;
        }

        @Override
        public Clock withZone(ZoneId zone) {
            return this;
        }
    }

    @Test
    void aMonthIsNotClosedWithoutTheChargesOfARunThatIsPostedAndNotRated() throws Exception {
        Market market = new Market(RUNNING, "requests", "uptime-hours");
        market.accept(market.offer("EUR", "'prices':[{'dimension':'requests','unitPrice':'1'}]"));
        var agent = market.agent();
        agent.send(market.usage("requests", "1"));
        Instant month = RUNNING.clock().instant();
        // So that the month before is closed, and the next one is all there is to close.
        RUNNING.clock().advance(Duration.ofDays(40));
        RUNNING.post();
        Instant second = RUNNING.clock().instant();
        agent.send(market.usage("requests", "2"));
        RUNNING.stop();
        RUNNING.clock().advance(Duration.ofDays(70));
        Vertx vertx = Vertx.vertx();
        Vertx other = Vertx.vertx();
        Database mine = Database.open(vertx, url(), TestDatabase.POOL_SIZE);
        Database its = Database.open(other, url(), TestDatabase.POOL_SIZE);
        try {
            Clock clock = new EventfulClock(RUNNING.clock(), () -> post(its));
            Charging charging = new Charging(mine, "Issuer", DELAY, new Ids(RUNNING.clock(), new Random(1)), clock);
            for (int turn = 0; turn < 2; turn++) {
                assertTrue(charging.charge().await(30, TimeUnit.SECONDS).isPresent());
            }
            assertEquals(
                    List.of(monthOf(month) + " 1", monthOf(second) + " 2"),
                    rows(
                            "SELECT to_char(month, 'YYYY-MM') || ' ' || trim_scale(amount) FROM statement ORDER BY month"));
        } finally {
            mine.close().await(30, TimeUnit.SECONDS);
            its.close().await(30, TimeUnit.SECONDS);
            vertx.close().await(30, TimeUnit.SECONDS);
            other.close().await(30, TimeUnit.SECONDS);
        }
    }

    private static DatabaseUrl url() {
        return DatabaseUrl.parse(RUNNING.database().url());
    }

    private static void post(Database database) {
        try {
            new PostingRuns(database, RUNNING.clock())
                    .post()
                    .toCompletionStage()
                    .toCompletableFuture()
                    .get(30, TimeUnit.SECONDS);
        } catch (Exception e) {
            throw new IllegalStateException(e);
        }
    }

    private static String monthOf(Instant time) {
        return time.toString().substring(0, 7);
    }

    private static List<String> rows(String sql) throws Exception {
        List<String> rows = new ArrayList<>();
        try (Connection connection = RUNNING.database().connect();
                ResultSet found = connection.createStatement().executeQuery(sql)) {
            while (found.next()) {
                rows.add(found.getString(1));
            }
        }
        return rows;
    }
}
