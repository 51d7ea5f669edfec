package io.tallystick.agent;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;

import io.tallystick.cloudsim.SimulatedVm;
import io.tallystick.common.json.Json;
import io.tallystick.common.model.Quantity;
import io.tallystick.common.wire.Decision;
import io.tallystick.common.wire.MeteringRecord;
import java.math.BigDecimal;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** MeterUsage at the agent's own port: what is kept once, what is refused, and by which name. */
class AwsDoorTest {
    @TempDir
    @SuppressWarnings("NullAway.Init")
    Path dir;

    private static Rig.Reply call(Rig.Running agent, String operation, byte[] body) throws Exception {
        return agent.send(
                "POST",
                "/",
                body,
                Map.of(
                        "Content-Type",
                        "application/x-amz-json-1.1",
                        "X-Amz-Target",
                        "AWSMPMeteringService." + operation));
    }

    /** A request for requests now, with members changed; a null leaves one out. */
    private static Rig.Reply meter(Rig rig, Rig.Running agent, Object... changes) throws Exception {
        Map<String, Object> body = new LinkedHashMap<>(Json.object(
                "ProductCode",
                Rig.CODE,
                "Timestamp",
                seconds(rig.time.instant()),
                "UsageDimension",
                "requests",
                "UsageQuantity",
                3L));
        for (int i = 0; i < changes.length; i += 2) {
            body.put(String.valueOf(changes[i]), changes[i + 1]);
        }
        return call(agent, "MeterUsage", Json.writeBytes(body));
    }

    /** Calls a moment apart are of one hour. */
    static void midHour(Rig rig) {
        Instant next = rig.time.instant().plus(Duration.ofHours(1)).truncatedTo(ChronoUnit.HOURS);
        rig.time.advance(Duration.between(rig.time.instant(), next.plus(Duration.ofMinutes(30))));
    }

    /** A record of requests in an hour before now. */
    static Rig.Reply meterHoursAgo(Rig rig, Rig.Running agent, int hours, long quantity) throws Exception {
        Instant at = rig.time.instant().minus(Duration.ofHours(hours));
        return meter(rig, agent, "Timestamp", seconds(at), "UsageQuantity", quantity);
    }

    private static BigDecimal seconds(Instant at) {
        return BigDecimal.valueOf(at.toEpochMilli()).movePointLeft(3);
    }

    private static String refused(int status, Rig.Reply reply) {
        assertEquals(status, reply.status(), () -> new String(reply.body(), java.nio.charset.StandardCharsets.UTF_8));
        return reply.text("__type");
    }

    @Test
    void anHourIsWrittenOnceAndTheSameContentHasTheSameId() throws Exception {
        try (Rig rig = new Rig(dir)) {
            midHour(rig);
            SimulatedVm vm = rig.vm(Rig.CODE);
            Rig.Running agent = rig.agent(vm, dir.resolve("state"));
            agent.untilState("ENTITLED");
            Instant hour = rig.time.instant().minus(Duration.ofHours(2)).truncatedTo(ChronoUnit.HOURS);
            Rig.Reply first = meter(rig, agent, "Timestamp", seconds(hour.plusSeconds(17)), "ClientToken", "a");
            assertEquals(200, first.status(), first::toString);
            String id = first.text("MeteringRecordId");
            assertEquals(
                    id,
                    meter(rig, agent, "Timestamp", hour.plusSeconds(3599).getEpochSecond(), "ClientToken", "b")
                            .text("MeteringRecordId"));
            assertEquals(
                    "DuplicateRequestException",
                    refused(400, meter(rig, agent, "Timestamp", seconds(hour), "UsageQuantity", 4L)));
            assertEquals(
                    "IdempotencyConflictException",
                    refused(409, meter(rig, agent, "Timestamp", seconds(hour.plusSeconds(3600)), "ClientToken", "a")));
            String other = meter(rig, agent, "Timestamp", seconds(hour.plusSeconds(3600)))
                    .text("MeteringRecordId");
            assertNotEquals(id, other);
            agent.drained();
            assertEquals(
                    List.of(id + " requests " + hour + " 3", other + " requests " + hour.plusSeconds(3600) + " 3"),
                    sent(rig));
            agent.close();
            // The memory of hours is durable, and longer than the record waits.
            Rig.Running again = rig.agent(vm, dir.resolve("state"));
            again.untilState("ENTITLED");
            assertEquals(
                    "DuplicateRequestException",
                    refused(400, meter(rig, again, "Timestamp", seconds(hour), "UsageQuantity", 0L)));
            assertEquals(id, meter(rig, again, "Timestamp", seconds(hour)).text("MeteringRecordId"));
            again.drained();
            assertEquals(Quantity.of(6), rig.aggregator.total("requests"));
        }
    }

    private static List<String> sent(Rig rig) {
        return rig.aggregator.slots().stream()
                .map(r -> r.slot().orElseThrow() + " " + r.dimension() + " " + r.hour() + " " + r.quantity())
                .toList();
    }

    @Test
    void anHourBelongsToTheKindThatWroteFirst() throws Exception {
        try (Rig rig = new Rig(dir)) {
            midHour(rig);
            rig.aggregator.dimension("users", Optional.empty());
            Rig.Running agent = rig.agent(rig.vm(Rig.CODE), dir.resolve("state"));
            agent.untilState("ENTITLED");
            assertEquals(200, meter(rig, agent).status());
            Rig.Reply increment = agent.meter("requests", "1");
            assertEquals(409, increment.status());
            assertEquals("kind-taken", increment.text("code"));
            assertEquals(200, agent.meter("users", "1").status());
            agent.drained();
            assertEquals(
                    "DuplicateRequestException",
                    refused(400, meter(rig, agent, "UsageDimension", "users", "UsageQuantity", 1L)));
            assertEquals(Quantity.of(3), rig.aggregator.total("requests"));
            assertEquals(Quantity.ONE, rig.aggregator.total("users"));
        }
    }

    @Test
    void allocationsAndZeroesReachTheAggregatorAsTheyWereSent() throws Exception {
        try (Rig rig = new Rig(dir)) {
            midHour(rig);
            rig.aggregator.dimension("users", Optional.empty());
            Rig.Running agent = rig.agent(rig.vm(Rig.CODE), dir.resolve("state"));
            agent.untilState("ENTITLED");
            Object ab = List.of(allocation(2, "team", "a"), allocation(1, "team", "b"));
            Object ba = List.of(allocation(1, "team", "b"), allocation(2, "team", "a"));
            String id = meter(rig, agent, "UsageAllocations", ab).text("MeteringRecordId");
            assertEquals(id, meter(rig, agent, "UsageAllocations", ba).text("MeteringRecordId"));
            assertEquals(
                    "DuplicateRequestException",
                    refused(400, meter(rig, agent)),
                    "the same quantity without its split is other content");
            assertEquals(
                    200,
                    meter(rig, agent, "UsageDimension", "users", "UsageQuantity", null)
                            .status());
            agent.drained();
            MeteringRecord record = rig.aggregator.slots().stream()
                    .filter(r -> r.dimension().equals("requests"))
                    .findAny()
                    .orElseThrow();
            assertEquals(
                    Map.of("{team=a}", Quantity.of(2), "{team=b}", Quantity.ONE),
                    record.allocations().stream()
                            .collect(java.util.stream.Collectors.toMap(
                                    a -> a.tags().map().toString(), MeteringRecord.Allocation::quantity)));
            assertEquals(2, rig.aggregator.slots().size());
            assertEquals(Quantity.ZERO, rig.aggregator.total("users"));
        }
    }

    private static Map<String, Object> allocation(long quantity, String key, String value) {
        return Json.object(
                "AllocatedUsageQuantity", quantity, "Tags", List.of(Json.object("Key", key, "Value", value)));
    }

    @Test
    void whatTheVmMayDoDecidesTheAnswer() throws Exception {
        try (Rig rig = new Rig(dir)) {
            midHour(rig);
            rig.aggregator.away(true);
            Rig.Running agent = rig.agent(rig.vm(Rig.CODE), dir.resolve("state"));
            agent.untilState("ENROLLING");
            assertEquals(
                    "InternalServiceErrorException", refused(500, meter(rig, agent)), "no plan: clients try again");
            rig.aggregator.away(false);
            rig.time.advance(Duration.ofMinutes(2));
            agent.untilState("ENTITLED");
            assertEquals("InvalidProductCodeException", refused(400, meter(rig, agent, "ProductCode", "other")));
            assertEquals(
                    "InvalidUsageDimensionException", refused(400, meter(rig, agent, "UsageDimension", "nonsense")));
            assertEquals("DryRunOperation", refused(400, meter(rig, agent, "DryRun", true)));
            Rig.Reply taken = meter(rig, agent, "DryRun", false);
            assertEquals(200, taken.status());
            rig.aggregator.outcome(Decision.Outcome.DENY);
            rig.time.advance(Duration.ofHours(13));
            agent.untilState("DENIED");
            assertEquals("CustomerNotEntitledException", refused(400, meter(rig, agent)));
            assertEquals("UnauthorizedException", refused(400, meter(rig, agent, "DryRun", true)));
            agent.drained();
            assertEquals(1, rig.aggregator.slots().size(), "a dry run records nothing");
        }
    }

    @Test
    void aRecordRefusedForAnotherReasonThanItsHourMayComeAgain() throws Exception {
        try (Rig rig = new Rig(dir)) {
            midHour(rig);
            Rig.Running agent = rig.agent(rig.vm(Rig.CODE), dir.resolve("state"));
            agent.untilState("ENTITLED");
            rig.aggregator.refuse("requests");
            String id = meter(rig, agent).text("MeteringRecordId");
            Rig.until("the quarantine", () -> Long.valueOf(1)
                    .equals(Rig.at(agent.status(), "quarantine", Map.class).get("count")));
            rig.aggregator.refuse();
            assertEquals(id, meter(rig, agent).text("MeteringRecordId"));
            agent.drained();
            assertEquals(Quantity.of(3), rig.aggregator.total("requests"));
            assertEquals(
                    "DuplicateRequestException", refused(400, meter(rig, agent, "UsageQuantity", 4L)), "now it counts");
        }
    }

    @Test
    void whatIsNoRequestOfTheServiceIsRefusedInItsOwnWords() throws Exception {
        try (Rig rig = new Rig(dir)) {
            midHour(rig);
            Rig.Running agent = rig.agent(rig.vm(Rig.CODE), dir.resolve("state"));
            agent.untilState("ENTITLED");
            assertEquals("UnknownOperationException", refused(400, call(agent, "BatchMeterUsage", new byte[0])));
            assertEquals("SerializationException", refused(400, call(agent, "MeterUsage", new byte[0])));
            Rig.Reply compressed = agent.send(
                    "POST",
                    "/",
                    new byte[0],
                    Map.of("Content-Type", "application/x-amz-json-1.1", "Content-Encoding", "gzip"));
            assertEquals("SerializationException", refused(400, compressed), "not 500, which clients send again");
            Rig.Reply foreign = agent.send(
                    "POST",
                    "/",
                    new byte[0],
                    Map.of("Content-Type", "application/x-amz-json-1.1", "Origin", "https://page.example"));
            assertEquals("AccessDeniedException", refused(403, foreign));
        }
    }
}
