package io.tallystick.aggregator.billing;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.tallystick.aggregator.app.RunningAggregator;
import io.tallystick.aggregator.db.Database;
import io.tallystick.aggregator.db.DatabaseUrl;
import io.tallystick.aggregator.db.Ids;
import io.tallystick.aggregator.usage.SimulatedRegion;
import io.tallystick.common.wire.MeteringRecord;
import io.tallystick.testkit.TestDatabase;
import io.vertx.core.Vertx;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.Arrays;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** A process that dies between any two transactions of rating and closing leaves nothing half visible or doubled. */
class ChargingKilledTest {
    private static final int LINES = 7;
    private static final int CHUNK = 2;
    /** Of a buyer: a charge for each of two types bought by the year, and one for each amendment. */
    private static final int PURCHASES = 4;

    private static final int PURCHASED = 10 + 20 + 10 + 10;
    private static final String BY_THE_YEAR = "'hourly':[{'instanceType':'a','unitPrice':'1'},"
            + "{'instanceType':'b','unitPrice':'1'}],'yearly':[{'instanceType':'a','unitPrice':'10'},"
            + "{'instanceType':'b','unitPrice':'20'}]";
    private static final String ONE = "'add':[{'instanceType':'a','count':1}";
    private static final int CHUNKS = 2 * LINES / CHUNK;
    /** Reads of the clock: to take the fence, to find the run, to rate a chunk. */
    private static final int ONE_CHUNK = 3;

    private static final int DEATHS_MAX = 200;
    private static final Duration DELAY = Duration.ofDays(3);

    @RegisterExtension
    static final RunningAggregator RUNNING = RunningAggregator.with("trust.dir=" + SimulatedRegion.trustFolder());

    /** Reads of this clock are what the process does before each transaction: it dies at one of them. */
    private static final class DyingClock extends Clock {
        private final Clock real;
        private final AtomicInteger left;

        DyingClock(Clock real, int reads) {
            this.real = real;
            this.left = new AtomicInteger(reads);
        }

        @Override
        public Instant instant() {
            if (left.decrementAndGet() < 0) {
                throw new IllegalStateException("killed");
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
    void killedBetweenAnyTwoStepsItEndsTheSame() throws Exception {
        String[] dimensions = IntStream.range(0, LINES).mapToObj(i -> "d" + i).toArray(String[]::new);
        String[] all = Stream.concat(Arrays.stream(dimensions), Stream.of("uptime-hours"))
                .toArray(String[]::new);
        String prices = Arrays.stream(dimensions)
                .map(d -> "{'dimension':'" + d + "','unitPrice':'1'}")
                .collect(Collectors.joining(","));
        for (int buyer = 0; buyer < 2; buyer++) {
            Market market = new Market(RUNNING, all);
            String agreement = market.accept(market.offer("EUR", "'prices':[" + prices + "]," + BY_THE_YEAR));
            market.years(agreement, ONE + ",{'instanceType':'b','count':1}]").expect(201);
            for (int amendment = 0; amendment < 2; amendment++) {
                market.amend(agreement, ONE + "]").expect(201);
            }
            market.agent()
                    .send(Arrays.stream(dimensions)
                            .map(d -> market.usage(d, "1"))
                            .toArray(MeteringRecord[]::new));
        }
        RUNNING.stop();
        RUNNING.clock().advance(Duration.ofDays(40));
        Vertx vertx = Vertx.vertx();
        Database database =
                Database.open(vertx, DatabaseUrl.parse(RUNNING.database().url()), TestDatabase.POOL_SIZE);
        try {
            new PostingRuns(database, RUNNING.clock()).post().await(30, TimeUnit.SECONDS);
            int deaths = 0;
            while (!ended(database, deaths)) {
                deaths++;
                long visible = count("charge AS c JOIN rating_run AS r ON r.run = c.run AND r.finished_at IS NOT NULL");
                assertTrue(
                        visible == 0 || visible == 2 * (LINES + PURCHASES),
                        "a run's charges are seen together: " + visible);
                long statements = count(
                        "statement AS s JOIN statement_month AS m ON m.month = s.month AND m.closed_at IS NOT NULL");
                assertTrue(statements == 0 || statements == 2, "a month's statements are seen together");
                try (Connection connection = RUNNING.database().connect()) {
                    MoneyConservation.check(connection);
                }
                assertTrue(deaths < DEATHS_MAX, "it never ends");
                // The fence of the dead one runs out.
                RUNNING.clock().advance(Charging.FENCE_LENGTH);
            }
            assertTrue(deaths > CHUNKS, "it died in the middle often enough: " + deaths);
            assertEquals(2 * (LINES + PURCHASES), total());
            assertEquals(2, count("statement WHERE amount = " + (LINES + PURCHASED)));
            assertEquals(2 * (LINES + PURCHASES), count("statement_charge"));
        } finally {
            database.close().await(30, TimeUnit.SECONDS);
            vertx.close().await(30, TimeUnit.SECONDS);
        }
    }

    /** One life of a few steps; whether it got to the end. */
    private static boolean ended(Database database, int deaths) throws Exception {
        // First so short that each life gets one chunk done, then each lives a step longer than the one before.
        Clock clock = new DyingClock(RUNNING.clock(), ONE_CHUNK + Math.max(0, deaths - CHUNKS));
        Charging charging =
                new Charging(database, "Issuer", DELAY, new Ids(RUNNING.clock(), new Random(deaths)), clock, CHUNK);
        try {
            Optional<Charging.Done> done = charging.charge().await(30, TimeUnit.SECONDS);
            return done.isPresent();
        } catch (IllegalStateException e) {
            assertEquals("killed", e.getMessage());
            return false;
        }
    }

    private static long total() throws SQLException {
        return count("charge");
    }

    private static long count(String from) throws SQLException {
        try (Connection connection = RUNNING.database().connect();
                ResultSet rows = connection.createStatement().executeQuery("SELECT count(*) FROM " + from)) {
            rows.next();
            return rows.getLong(1);
        }
    }
}
