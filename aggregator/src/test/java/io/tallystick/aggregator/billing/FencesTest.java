package io.tallystick.aggregator.billing;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.tallystick.aggregator.app.RunningAggregator;
import io.tallystick.aggregator.db.Database;
import io.tallystick.aggregator.db.DatabaseUrl;
import io.tallystick.aggregator.db.Ids;
import io.tallystick.aggregator.usage.SimulatedRegion;
import io.tallystick.common.wire.MeteringRecord;
import io.tallystick.testkit.TestDatabase;
import io.vertx.core.Vertx;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/**
 * A run of many lines takes longer to hash than a fence lasts. Were it not held meanwhile, two processes would take it from each other
 * for ever.
 */
class FencesTest {
    private static final int LINES = 7;
    private static final int PAGE = 2;
    private static final int PAGES = LINES / PAGE;
    /** Taken, run found, four chunks and the end of them, purchases, finished (two), no other run, and the months (two). */
    private static final int CHARGING_BUT_HASHING = 13;

    @RegisterExtension
    static final RunningAggregator RUNNING = RunningAggregator.with("trust.dir=" + SimulatedRegion.trustFolder());

    /** Read once before each transaction that holds a fence, and once for when a run was finished. */
    private static final class CountedClock extends Clock {
        private final AtomicInteger reads = new AtomicInteger();

        @Override
        public Instant instant() {
            reads.incrementAndGet();
            return RUNNING.clock().instant();
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
    void aRunIsHeldAnewWithEachPageThatIsHashed() throws Exception {
        String[] dimensions = IntStream.range(0, LINES).mapToObj(i -> "d" + i).toArray(String[]::new);
        Market market = new Market(RUNNING, dimensions);
        market.accept(market.offer("EUR", "'prices':[{'dimension':'d0','unitPrice':'1'}]"));
        market.agent()
                .send(IntStream.range(0, LINES)
                        .mapToObj(i -> market.usage("d" + i, "1"))
                        .toArray(MeteringRecord[]::new));
        RUNNING.stop();
        RUNNING.clock().advance(Duration.ofDays(2));
        Vertx vertx = Vertx.vertx();
        Database database =
                Database.open(vertx, DatabaseUrl.parse(RUNNING.database().url()), TestDatabase.POOL_SIZE);
        try {
            CountedClock posting = new CountedClock();
            assertEquals(
                    LINES,
                    new PostingRuns(database, posting, PAGE)
                            .post()
                            .await(30, TimeUnit.SECONDS)
                            .orElseThrow()
                            .lines());
            int chunks = PAGES + 1;
            assertEquals(1 + chunks + PAGES + 2, posting.reads.get(), "taken, posted, hashed, finished");
            CountedClock charging = new CountedClock();
            new Charging(
                            database,
                            "Issuer",
                            Duration.ofDays(30),
                            new Ids(RUNNING.clock(), new Random(1)),
                            charging,
                            PAGE)
                    .charge()
                    .await(30, TimeUnit.SECONDS);
            assertEquals(CHARGING_BUT_HASHING + PAGES, charging.reads.get());
        } finally {
            database.close().await(30, TimeUnit.SECONDS);
            vertx.close().await(30, TimeUnit.SECONDS);
        }
    }
}
