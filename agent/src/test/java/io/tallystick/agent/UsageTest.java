package io.tallystick.agent;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.tallystick.cloudsim.SimulatedVm;
import io.tallystick.common.json.Json;
import io.tallystick.common.model.Quantity;
import io.tallystick.common.wire.Decision;
import io.tallystick.common.wire.MeteringPlan;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What is taken, what is refused, and in which hour it is booked. */
class UsageTest {
    @TempDir
    @SuppressWarnings("NullAway.Init")
    Path dir;

    @Test
    void anArrayIsTakenWholeOrNotAtAllAndNamesEveryProblem() throws Exception {
        try (Rig rig = new Rig(dir)) {
            Rig.Running agent = rig.agent(rig.vm(Rig.CODE), dir.resolve("state"));
            agent.untilState("ENTITLED");
            Rig.Reply refused = agent.post(
                    "/v1/usage",
                    List.of(
                            Json.object("dimension", "requests", "quantity", "1"),
                            Json.object("dimension", "nonsense", "quantity", "1"),
                            Json.object("dimension", "requests", "quantity", "1"),
                            Json.object("dimension", "other", "quantity", "1")));
            assertEquals(400, refused.status());
            assertEquals("unknown-dimension", refused.text("code"));
            List<?> errors = Rig.at(refused.json(), "errors", List.class);
            assertEquals("[1].dimension", ((Map<?, ?>) errors.get(0)).get("path"));
            assertEquals("[3].dimension", ((Map<?, ?>) errors.get(1)).get("path"));
            Rig.Reply malformed = agent.post(
                    "/v1/usage",
                    List.of(Json.object("dimension", "requests", "quantity", "-1"), Json.object("quantity", 5L)));
            assertEquals(3, Rig.at(malformed.json(), "errors", List.class).size());
            agent.drained();
            assertEquals(Quantity.ZERO, rig.aggregator.total("requests"));
        }
    }

    @Test
    void anIdempotencyKeyCountsOnceAndRefusesOtherContent() throws Exception {
        try (Rig rig = new Rig(dir)) {
            Rig.Running agent = rig.agent(rig.vm(Rig.CODE), dir.resolve("state"));
            agent.untilState("ENTITLED");
            Object call = Json.object("dimension", "requests", "quantity", "2", "idempotencyKey", "a");
            for (int i = 0; i < 3; i++) {
                Rig.Reply r = agent.post("/v1/usage", call);
                assertEquals(200, r.status());
                assertEquals(1L, r.json().get("accepted"));
            }
            Object other = Json.object("dimension", "requests", "quantity", "3", "idempotencyKey", "a");
            Rig.Reply conflict =
                    agent.post("/v1/usage", List.of(Json.object("dimension", "requests", "quantity", "1"), other));
            assertEquals(409, conflict.status());
            assertEquals("idempotency-conflict", conflict.text("code"));
            assertEquals(
                    "[1].idempotencyKey",
                    ((Map<?, ?>) Rig.at(conflict.json(), "errors", List.class).get(0)).get("path"));
            agent.drained();
            assertEquals(Quantity.of(2), rig.aggregator.total("requests"));
        }
    }

    @Test
    void timestampsOutsideTheWindowAreRefused() throws Exception {
        try (Rig rig = new Rig(dir)) {
            Rig.Running agent = rig.agent(rig.vm(Rig.CODE), dir.resolve("state"));
            agent.untilState("ENTITLED");
            Instant now = rig.time.instant();
            assertEquals(
                    "out-of-range",
                    at(agent, now.plus(Duration.ofMinutes(6)), null).text("code"));
            assertEquals(
                    "too-late", at(agent, now.minus(Duration.ofDays(32)), null).text("code"));
            assertEquals(
                    "too-late", at(agent, now.minus(Duration.ofDays(8)), "k").text("code"));
            assertEquals(200, at(agent, now.minus(Duration.ofDays(8)), null).status());
            assertEquals(200, at(agent, now.minus(Duration.ofDays(6)), "k").status());
        }
    }

    private static Rig.Reply at(Rig.Running agent, Instant at, @org.jspecify.annotations.Nullable String key)
            throws Exception {
        return agent.post(
                "/v1/usage",
                Json.object("dimension", "requests", "quantity", "1", "timestamp", at, "idempotencyKey", key));
    }

    @Test
    void usageBeforeAnyTrustedTimeIsBookedInTheHourItHappened() throws Exception {
        try (Rig rig = new Rig(dir)) {
            rig.aggregator.away(true);
            rig.time.wallError(Duration.ofDays(-4000));
            Rig.Running agent = rig.agent(rig.vm(Rig.CODE), dir.resolve("state"));
            agent.untilState("ENROLLING");
            Instant first = rig.time.instant();
            assertEquals(202, agent.meter("requests", "1").status());
            rig.time.advance(Duration.ofHours(3));
            Instant second = rig.time.instant();
            assertEquals(202, agent.meter("requests", "2").status());
            rig.aggregator.away(false);
            rig.time.advance(Duration.ofMinutes(2));
            agent.untilState("ENTITLED");
            agent.drained();
            assertEquals(2, rig.aggregator.sums().size());
            rig.aggregator.sums().forEach((k, q) -> {
                Instant happened = q.equals(Quantity.ONE) ? first : second;
                // Kept by the minute, so an hour's edge may lie between.
                assertTrue(Duration.between(k.hour(), happened).toMinutes() <= 61, k + " " + q + " " + happened);
                assertTrue(!k.hour().isAfter(happened), k + " " + q + " " + happened);
            });
        }
    }

    @Test
    void uptimeIsExactAndInItsHours() throws Exception {
        try (Rig rig = new Rig(dir)) {
            rig.aggregator.dimension(MeteringPlan.UPTIME_DIMENSION, Optional.empty());
            rig.aggregator.leaseLength(Duration.ofDays(10));
            Rig.Running agent = rig.agent(rig.vm(Rig.CODE), dir.resolve("state"));
            agent.untilState("ENTITLED");
            rig.time.advance(Duration.ofHours(5));
            agent.close();
            List<Quantity> hours = new ArrayList<>();
            rig.aggregator.sums().forEach((k, q) -> {
                assertTrue(q.compareTo(Quantity.ONE) <= 0, k + " " + q);
                hours.add(q);
            });
            assertEquals(4, hours.stream().filter(Quantity.ONE::equals).count(), "whole hours in the middle");
            Quantity total = rig.aggregator.total(MeteringPlan.UPTIME_DIMENSION);
            assertTrue(total.compareTo(Quantity.of(5)) >= 0 && total.compareTo(Quantity.parse("5.02")) < 0, total + "");
        }
    }

    /** A started hour is paid whole: a hundredth of a second too much would be another hour's price. */
    @Test
    void anHourHasNoMoreUptimeThanItsLengthWhereTheTimeIsSetBack() throws Exception {
        try (Rig rig = new Rig(dir)) {
            rig.aggregator.dimension(MeteringPlan.UPTIME_DIMENSION, Optional.empty());
            rig.aggregator.leaseLength(Duration.ofHours(3));
            Rig.Running agent = rig.agent(rig.vm(Rig.CODE), dir.resolve("state"));
            agent.untilState("ENTITLED");
            rig.aggregator.behind(Duration.ofSeconds(50));
            // Past the half of the lease, so that the time is asked for again.
            rig.time.advance(Duration.ofMinutes(100));
            Rig.until("a lease under the time that was set back", () -> rig.aggregator.leaseRequests() > 0);
            agent.drained();
            rig.time.advance(Duration.ofMinutes(80));
            agent.close();
            List<Quantity> hours = List.copyOf(rig.aggregator.sums().values());
            assertTrue(hours.stream().allMatch(q -> q.compareTo(Quantity.ONE) <= 0), hours::toString);
            assertTrue(hours.stream().filter(Quantity.ONE::equals).count() >= 2, hours::toString);
        }
    }

    @Test
    void uptimeStopsWithTheLease() throws Exception {
        try (Rig rig = new Rig(dir)) {
            rig.aggregator.dimension(MeteringPlan.UPTIME_DIMENSION, Optional.empty());
            rig.aggregator.leaseLength(Duration.ofHours(2));
            Rig.Running agent = rig.agent(rig.vm(Rig.CODE), dir.resolve("state"));
            agent.untilState("ENTITLED");
            agent.drained();
            rig.aggregator.away(true);
            rig.time.advance(Duration.ofHours(7));
            agent.untilState("ENROLLING");
            rig.aggregator.outcome(io.tallystick.common.wire.Decision.Outcome.DENY);
            rig.aggregator.away(false);
            rig.time.advance(Duration.ofMinutes(2));
            agent.untilState("DENIED");
            agent.close();
            Quantity total = rig.aggregator.total(MeteringPlan.UPTIME_DIMENSION);
            assertTrue(
                    total.compareTo(Quantity.parse("1.99")) >= 0 && total.compareTo(Quantity.parse("2")) <= 0,
                    total + "");
        }
    }

    @Test
    void uptimeOfADeniedSpanIsNotBookedHoweverOftenTheAgentRestarts() throws Exception {
        try (Rig rig = new Rig(dir)) {
            rig.aggregator.dimension(MeteringPlan.UPTIME_DIMENSION, Optional.empty());
            rig.aggregator.leaseLength(Duration.ofDays(10));
            SimulatedVm vm = rig.vm(Rig.CODE);
            Rig.Running first = rig.agent(vm, dir.resolve("state"));
            first.untilState("ENTITLED");
            rig.time.advance(Duration.ofHours(1));
            first.close();

            rig.aggregator.outcome(Decision.Outcome.DENY);
            Rig.Running denied = rig.agent(vm, dir.resolve("state"));
            denied.untilState("DENIED");
            rig.aggregator.outcome(Decision.Outcome.ALLOW);
            rig.time.advance(Duration.ofHours(5));
            denied.untilState("ENTITLED");
            rig.aggregator.outcome(Decision.Outcome.DENY);
            denied.close();

            Rig.Running again = rig.agent(vm, dir.resolve("state"));
            again.untilState("DENIED");
            again.close();
            rig.time.advance(Duration.ofHours(5));
            rig.aggregator.outcome(Decision.Outcome.ALLOW);
            Rig.Running last = rig.agent(vm, dir.resolve("state"));
            last.untilState("ENTITLED");
            last.close();
            Quantity total = rig.aggregator.total(MeteringPlan.UPTIME_DIMENSION);
            assertTrue(total.compareTo(Quantity.ONE) >= 0 && total.compareTo(Quantity.parse("1.05")) < 0, total + "");
        }
    }

    @Test
    void uptimeGoesOnWithoutAHoleAcrossARestartWithAValidLease() throws Exception {
        try (Rig rig = new Rig(dir)) {
            rig.aggregator.dimension(MeteringPlan.UPTIME_DIMENSION, Optional.empty());
            rig.aggregator.leaseLength(Duration.ofDays(10));
            SimulatedVm vm = rig.vm(Rig.CODE);
            Rig.Running first = rig.agent(vm, dir.resolve("state"));
            first.untilState("ENTITLED");
            rig.time.advance(Duration.ofHours(1));
            first.close();
            rig.aggregator.away(true);
            rig.time.advance(Duration.ofHours(2));
            Rig.Running second = rig.agent(vm, dir.resolve("state"));
            second.untilState("OFFLINE_GRACE");
            rig.aggregator.away(false);
            rig.time.advance(Duration.ofHours(1));
            second.untilState("ENTITLED");
            second.close();
            Quantity total = rig.aggregator.total(MeteringPlan.UPTIME_DIMENSION);
            assertTrue(total.compareTo(Quantity.of(4)) >= 0 && total.compareTo(Quantity.parse("4.05")) < 0, total + "");
        }
    }

    @Test
    void aFullStoreRefusesLoudlyLosesNothingAndRecoversByItself() throws Exception {
        try (Rig rig = new Rig(dir)) {
            Rig.Running agent = rig.agent(rig.vm(Rig.CODE), dir.resolve("state"), "store.max-mib=8");
            agent.untilState("ENTITLED");
            rig.aggregator.away(true);
            int taken = 0;
            Rig.Reply last;
            do {
                List<Object> call = new ArrayList<>();
                for (int i = 0; i < 400; i++) {
                    String value = "v".repeat(240) + taken + "-" + i;
                    call.add(Json.object(
                            "dimension",
                            "requests",
                            "quantity",
                            "1",
                            "allocations",
                            List.of(Json.object("quantity", "1", "tags", Map.of("a", value)))));
                }
                last = agent.post("/v1/usage", call);
                taken += last.status() == 200 ? call.size() : 0;
            } while (last.status() == 200);
            assertEquals(503, last.status());
            assertEquals("storage-full", last.text("code"));
            assertTrue(taken > 0);
            assertEquals(200, agent.get("/healthz").status());
            rig.aggregator.away(false);
            rig.time.advance(Duration.ofMinutes(2));
            agent.drained();
            assertEquals(Quantity.of(taken), rig.aggregator.total("requests"));
            Rig.Reply after = agent.meter("requests", "1");
            assertEquals(200, after.status(), () -> new String(after.body(), java.nio.charset.StandardCharsets.UTF_8));
        }
    }
}
