package io.tallystick.agent;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.tallystick.agent.meter.UsageIntake;
import io.tallystick.cloudsim.SimulatedVm;
import io.tallystick.common.json.Json;
import io.tallystick.common.model.Hours;
import io.tallystick.common.model.Quantity;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A clock that jumps by hours or years, either way, moves no usage, lengthens no lease, and floods nobody with batches. */
class ClockJumpTest {
    private static final Duration YEAR = Duration.ofDays(365);
    private static final List<Duration> JUMPS = List.of(
            Duration.ofHours(1),
            Duration.ofHours(-1),
            Duration.ofHours(30),
            Duration.ofHours(-30),
            YEAR,
            YEAR.negated(),
            YEAR.multipliedBy(24),
            YEAR.multipliedBy(-56),
            Duration.ZERO);
    private static final long SEED = Long.getLong("tallystick.clock.seed", 1);
    private static final int STEPS = Integer.getInteger("tallystick.clock.steps", 24);

    @TempDir
    @SuppressWarnings("NullAway.Init")
    Path dir;

    /** Where an hour's edge is this near, a step may fall on either side of it. */
    private static void awayFromTheEdge(Rig rig) {
        Instant now = rig.time.instant();
        Duration left = Duration.between(now, Hours.of(now).plus(Duration.ofHours(1)));
        if (left.compareTo(Duration.ofSeconds(20)) < 0) {
            rig.time.advance(left.plusSeconds(1));
        }
    }

    private static long hoursLeft(Rig.Running agent) throws Exception {
        Map<?, ?> product =
                (Map<?, ?>) Rig.at(agent.status(), "products", List.class).get(0);
        return product.get("secondsLeft") instanceof Long seconds ? seconds / 3600 : 0;
    }

    @Test
    void theWallClockJumpsWhileMeteringAndAtHourEdgesAndMovesNothing() throws Exception {
        System.out.println("clock jumps: seed " + SEED + ", " + STEPS + " steps");
        Random random = new Random(SEED);
        try (Rig rig = new Rig(dir)) {
            rig.aggregator.flush(Duration.ofMinutes(15));
            rig.aggregator.leaseLength(Duration.ofHours(24));
            Rig.Running agent = rig.agent(rig.vm(Rig.CODE), dir.resolve("state"));
            agent.untilState("ENTITLED");
            Map<Instant, Quantity> expected = new HashMap<>();
            for (int step = 0; step < STEPS; step++) {
                rig.time.wallError(JUMPS.get(random.nextInt(JUMPS.size())));
                if (random.nextBoolean()) {
                    // To the first second of the next hour.
                    Instant now = rig.time.instant();
                    rig.time.advance(Duration.between(now, Hours.of(now).plus(Duration.ofSeconds(3601))));
                } else {
                    rig.time.advance(Duration.ofSeconds(random.nextInt(4_000)));
                    awayFromTheEdge(rig);
                }
                // Leases are renewed at half of their day; a step takes an hour of it in no time.
                Rig.until("a lease for hours", () -> hoursLeft(agent) > 10);
                Quantity quantity = Quantity.of(1 + random.nextInt(9));
                Instant hour = Hours.of(rig.time.instant());
                assertEquals(200, agent.meter("requests", quantity.toString()).status(), "step " + step);
                expected.merge(hour, quantity, Quantity::plus);
                assertEquals("allow", agent.get("/v1/entitlement").text("decision"), "within a valid lease");
            }
            rig.time.advance(Duration.ofHours(1));
            agent.drained();
            Map<Instant, Quantity> booked = new HashMap<>();
            rig.aggregator.sums().forEach((k, q) -> booked.merge(k.hour(), q, Quantity::plus));
            assertEquals(expected, booked);

            // And no jump brings back a lease that has ended.
            rig.aggregator.away(true);
            rig.time.advance(Duration.ofHours(25));
            for (Duration jump : JUMPS) {
                rig.time.wallError(jump);
                assertNotEquals("allow", agent.get("/v1/entitlement").text("decision"), "after its end, " + jump);
            }
        }
    }

    @Test
    void aJumpOfTheMachineMakesAtMostTwoFlushes() throws Exception {
        try (Rig rig = new Rig(dir)) {
            rig.aggregator.flush(Duration.ofMinutes(15));
            rig.aggregator.leaseLength(YEAR.multipliedBy(10));
            Rig.Running agent = rig.agent(rig.vm(Rig.CODE), dir.resolve("state"));
            agent.untilState("ENTITLED");
            agent.meter("requests", "1");
            rig.time.advance(Duration.ofMinutes(16));
            agent.drained();
            for (Duration jump : List.of(Duration.ofHours(1), Duration.ofHours(50), YEAR, YEAR.multipliedBy(3))) {
                agent.meter("requests", "1");
                int before = rig.aggregator.batchCount();
                rig.time.advance(jump);
                Rig.until("a flush", () -> rig.aggregator.batchCount() > before);
                // Many turns of the loop later.
                for (int turn = 0; turn < 5; turn++) {
                    java.util.concurrent.locks.LockSupport.parkNanos(200_000_000);
                }
                int flushes = rig.aggregator.batchCount() - before;
                assertTrue(flushes <= 2, flushes + " batches after " + jump);
            }
            assertEquals(Quantity.of(5), rig.aggregator.total("requests"));
        }
    }

    /** The clock of a VM that boots without contact to anybody. */
    @ParameterizedTest
    @ValueSource(strings = {"1970-01-01T00:00:00Z", "2050-01-01T00:00:00Z"})
    void aWrongClockAtABootOfflineLosesNothingAndLengthensNoLease(String wall) throws Exception {
        try (Rig rig = new Rig(dir)) {
            rig.aggregator.flush(Duration.ofMinutes(15));
            rig.aggregator.leaseLength(Duration.ofHours(24));
            SimulatedVm vm = rig.vm(Rig.CODE);
            Rig.Running agent = rig.agent(vm, dir.resolve("state"));
            agent.untilState("ENTITLED");
            agent.meter("requests", "1");
            agent.close();
            rig.aggregator.away(true);
            rig.time.reboot();
            rig.time.wallError(Duration.between(rig.time.instant(), Instant.parse(wall)));
            Rig.Running offline = rig.agent(vm, dir.resolve("state"));
            boolean late = Instant.parse(wall).isAfter(rig.time.instant());
            // Of a clock that is behind, the last trusted time is what is believed; one that is ahead ends the lease
            // early.
            offline.untilState(late ? "ENROLLING" : "OFFLINE_GRACE");
            assertEquals(late ? 202 : 200, offline.meter("requests", "2").status());
            rig.time.advance(Duration.ofHours(25));
            assertNotEquals("allow", offline.get("/v1/entitlement").text("decision"), "beyond the lease");
            assertEquals(202, offline.meter("requests", "4").status());
            int before = rig.aggregator.batchCount();
            rig.aggregator.away(false);
            rig.time.advance(Duration.ofMinutes(3));
            offline.untilState("ENTITLED");
            rig.time.wallError(Duration.ZERO);
            offline.drained();
            assertEquals(Quantity.of(7), rig.aggregator.total("requests"));
            assertTrue(rig.aggregator.batchCount() - before <= 2, rig.aggregator.batchCount() - before + " batches");
            assertEquals(200, offline.meter("requests", "8").status());
            rig.time.advance(Duration.ofMinutes(16));
            offline.drained();
            assertEquals(Quantity.of(15), rig.aggregator.total("requests"));
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"1970-01-01T00:00:00Z", "2050-01-01T00:00:00Z"})
    void aKeyThatWasUsedBeforeTheTimeWasKnownIsKnownForSevenDays(String wall) throws Exception {
        try (Rig rig = new Rig(dir)) {
            rig.aggregator.leaseLength(YEAR);
            SimulatedVm vm = rig.vm(Rig.CODE);
            Object call = Json.object("dimension", "requests", "quantity", "5", "idempotencyKey", "order-1");
            rig.aggregator.away(true);
            rig.time.wallError(Duration.between(rig.time.instant(), Instant.parse(wall)));
            Rig.Running agent = rig.agent(vm, dir.resolve("state"));
            assertEquals(202, agent.post("/v1/usage", call).status());
            rig.aggregator.away(false);
            rig.time.wallError(Duration.ZERO);
            rig.time.advance(Duration.ofMinutes(3));
            agent.untilState("ENTITLED");
            // Keys are forgotten by the hour, and after a start.
            for (int start = 0; start < 2; start++) {
                agent.drained();
                rig.time.advance(Duration.ofHours(2));
                agent.close();
                agent = rig.agent(vm, dir.resolve("state"));
                agent.untilState("ENTITLED");
                assertEquals(200, agent.post("/v1/usage", call).status());
            }
            rig.time.advance(Duration.ofHours(1));
            agent.drained();
            assertEquals(Quantity.of(5), rig.aggregator.total("requests"));

            rig.time.advance(UsageIntake.KEYS_KEPT);
            Rig.Running last = agent;
            Rig.until("forgotten, and counted anew", () -> {
                assertEquals(200, last.post("/v1/usage", call).status());
                rig.time.advance(Duration.ofHours(1));
                last.drained();
                return rig.aggregator.total("requests").equals(Quantity.of(10));
            });
        }
    }
}
