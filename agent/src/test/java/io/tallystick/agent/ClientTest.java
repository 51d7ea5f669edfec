package io.tallystick.agent;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.tallystick.client.AgentClient;
import io.tallystick.client.AgentRefusedException;
import io.tallystick.client.AgentUnreachableException;
import io.tallystick.client.Entitlement;
import io.tallystick.client.Issuer;
import io.tallystick.client.Lease;
import io.tallystick.client.Reason;
import io.tallystick.client.Usage;
import io.tallystick.common.error.ErrorCode;
import io.tallystick.common.model.Quantity;
import io.tallystick.common.wire.Decision;
import java.math.BigDecimal;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The vendors' client against a running agent. */
class ClientTest {
    private static final Duration WAIT = Duration.ofMinutes(1);

    @TempDir
    @SuppressWarnings("NullAway.Init")
    Path dir;

    private static AgentClient.Builder client(Rig rig, Rig.Running agent) {
        return AgentClient.builder()
                .address(agent.agent.endpoint())
                .issuer(Issuer.online(rig.aggregator.url()))
                .product(Rig.CODE);
    }

    @Test
    void anEntitledProgramChecksAndMetersAndNothingCountsTwice() throws Exception {
        try (Rig rig = new Rig(dir)) {
            Rig.Running agent = rig.agent(rig.vm(Rig.CODE), dir.resolve("state"));
            AgentClient client = client(rig, agent).build();
            Entitlement e = client.check(WAIT);
            assertEquals(Entitlement.Decision.ALLOW, e.decision());
            assertEquals("ENTITLED", e.state());
            assertFalse(e.offline());
            Lease lease = e.lease().orElseThrow();
            assertEquals(Rig.CODE, lease.productCode());
            assertEquals(Rig.ACCOUNT, lease.account());
            assertEquals(rig.aggregator.url(), lease.issuer());
            assertTrue(lease.expiresAt().isAfter(lease.provedAt()));
            Duration left = Duration.between(lease.provedAt(), lease.expiresAt());
            assertEquals(left.dividedBy(2), e.retryAfter());

            assertEquals(
                    1,
                    client.report(Usage.of("requests", new BigDecimal("1.5"))).records());
            Usage keyed = Usage.of("requests", 2).withKey("k1");
            assertTrue(client.report(keyed).entitled());
            client.report(keyed);
            List<Usage.Allocation> parts = List.of(
                    new Usage.Allocation(BigDecimal.ONE, Map.of("team", "a=b:c")),
                    new Usage.Allocation(new BigDecimal("2.000000001"), Map.of("team", "b")));
            assertEquals(
                    2,
                    client.report(List.of(
                                    Usage.of("requests", new BigDecimal("3.000000001"))
                                            .split(parts)
                                            .withKey("k2"),
                                    keyed))
                            .records());
            agent.drained();
            assertEquals(Quantity.parse("6.500000001"), rig.aggregator.total("requests"));
            assertEquals("ENTITLED", client.status().get("state"));
        }
    }

    @Test
    void whatIsRefusedSaysWhyAndWhatToDo() throws Exception {
        try (Rig rig = new Rig(dir)) {
            Rig.Running agent = rig.agent(rig.vm(Rig.CODE), dir.resolve("state"));
            AgentClient client = client(rig, agent).build();
            client.check(WAIT);
            AgentRefusedException unknown = assertThrows(
                    AgentRefusedException.class,
                    () -> client.report(List.of(Usage.of("requests", 1), Usage.of("nonsense", 1))));
            assertEquals(Reason.UNKNOWN_DIMENSION, unknown.reason());
            assertEquals(Reason.Action.MEND_CALL, unknown.reason().action());
            assertTrue(unknown.problems().get(0).contains("[1].dimension"), unknown::getMessage);
            client.report(Usage.of("requests", 1).withKey("k"));
            AgentRefusedException conflict = assertThrows(
                    AgentRefusedException.class,
                    () -> client.report(Usage.of("requests", 2).withKey("k")));
            assertEquals(Reason.IDEMPOTENCY_CONFLICT, conflict.reason());

            rig.aggregator.outcome(Decision.Outcome.DENY);
            rig.time.advance(Duration.ofHours(13));
            agent.untilState("DENIED");
            Entitlement denied = client.check(Duration.ZERO);
            assertEquals(Entitlement.Decision.DENY, denied.decision());
            assertTrue(denied.code().isPresent()
                    && denied.sentence().isPresent()
                    && denied.remedy().isPresent());
            assertEquals(denied.reason().orElseThrow().wire(), denied.code().get());
            AgentRefusedException no =
                    assertThrows(AgentRefusedException.class, () -> client.report(Usage.of("requests", 1)));
            assertEquals(403, no.status());
            assertEquals(denied.reason().get(), no.reason());
            assertEquals(denied.remedy(), no.remedy());
            assertEquals(
                    Reason.UNKNOWN_PRODUCT,
                    client(rig, agent)
                            .product("other")
                            .build()
                            .check(Duration.ZERO)
                            .reason()
                            .orElseThrow());
        }
    }

    @Test
    void anAgentThatIsStillStartingIsWaitedForAndAnOldLeaseWorksOffline() throws Exception {
        try (Rig rig = new Rig(dir)) {
            rig.aggregator.away(true);
            Rig.Running agent = rig.agent(rig.vm(Rig.CODE), dir.resolve("state"));
            AgentClient client = client(rig, agent).build();
            Entitlement unknown = client.check(Duration.ZERO);
            assertEquals(Entitlement.Decision.UNKNOWN, unknown.decision());
            assertEquals(Optional.of(Reason.UNKNOWN), unknown.reason());
            assertFalse(client.report(Usage.of("requests", 1)).entitled());
            rig.aggregator.away(false);
            assertTrue(client.check(WAIT).allowed());

            // Only what this program has met before is needed offline.
            rig.aggregator.away(true);
            rig.time.advance(Duration.ofHours(13));
            agent.untilState("OFFLINE_GRACE");
            Entitlement offline = client.check(Duration.ZERO);
            assertTrue(offline.allowed() && offline.offline());
            // The wall clock of the VM is years off; the agent's time is not.
            assertEquals(Rig.CODE, offline.lease().orElseThrow().productCode());
            agent.close();
            assertThrows(AgentUnreachableException.class, () -> client.check(Duration.ZERO));
            assertThrows(AgentUnreachableException.class, () -> client.report(Usage.of("requests", 1)));
        }
    }

    @Test
    void aTokenIsSentWhereTheAgentAsksForOne() throws Exception {
        Path token = dir.resolve("token");
        Files.writeString(token, "0123456789abcdef0123456789abcdef\n");
        try (Rig rig = new Rig(dir)) {
            Rig.Running agent = rig.agent(rig.vm(Rig.CODE), dir.resolve("state"), "token.file=" + token);
            AgentRefusedException without = assertThrows(
                    AgentRefusedException.class,
                    () -> client(rig, agent).build().check(Duration.ZERO));
            assertEquals(Reason.UNAUTHENTICATED, without.reason());
            assertEquals(Reason.Action.MEND_SETUP, without.reason().action());
            assertTrue(client(rig, agent).tokenFile(token).build().check(WAIT).allowed());
        }
    }

    @Test
    void everyReasonCodeIsAConstantOfTheClient() {
        Set<String> common =
                Arrays.stream(ErrorCode.values()).map(ErrorCode::wire).collect(Collectors.toCollection(TreeSet::new));
        Set<String> client = Arrays.stream(Reason.values())
                .filter(r -> r != Reason.UNRECOGNISED)
                .map(Reason::wire)
                .collect(Collectors.toCollection(TreeSet::new));
        assertEquals(common, client);
        assertEquals(Reason.UNRECOGNISED, Reason.of("made-up"));
        assertEquals(Reason.UNRECOGNISED, Reason.of("unrecognised"));
    }
}
