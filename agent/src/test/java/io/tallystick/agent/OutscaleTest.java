package io.tallystick.agent;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.tallystick.cloudsim.SimulatedVm;
import io.tallystick.cloudsim.VmSpec;
import io.tallystick.common.model.Quantity;
import io.tallystick.common.wire.EnrollRequest;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A VM whose cloud signs nothing: which cloud it is, and what a join code is used for. */
class OutscaleTest {
    private static final String INSTANCE = "i-0a1b2c3d";
    private static final String SECRET = "xaqN9D-fg3vtt0QvMdy3sWbThTUHbwlLhc46LgtEWPc";
    private static final String CODE = "jc-01kahxq2zs8d5n0v3m7w9k2pxb." + SECRET;

    @TempDir
    @SuppressWarnings("NullAway.Init")
    Path dir;

    @SuppressWarnings("NullAway.Init")
    private Rig rig;

    @SuppressWarnings("NullAway.Init")
    private FakeOutscale cloud;

    @BeforeEach
    void start() throws Exception {
        rig = new Rig(dir);
        cloud = new FakeOutscale(INSTANCE);
        rig.aggregator.joinCode(CODE);
    }

    @AfterEach
    void stop() throws Exception {
        rig.close();
        cloud.close();
    }

    private Rig.Running agent(String... more) throws Exception {
        return rig.agent(cloud.url(), dir.resolve("state"), more);
    }

    private static Map<?, ?> instance(Rig.Running agent) throws Exception {
        return Rig.at(agent.status(), "instance", Map.class);
    }

    @ParameterizedTest
    @ValueSource(ints = {404, 405, 501})
    void aServiceWithoutTokensIsOutscalesAndTheCodeOfTheUserDataLetsTheVmIn(int putStatus) throws Exception {
        cloud.putStatus(putStatus);
        cloud.set("placement/availability-zone", "eu-west-2a");
        cloud.userData("#!/bin/sh\n# tallystick-join-code=" + CODE + "\nsystemctl start gateway\n");
        Rig.Running agent = agent();
        Rig.Reply allowed = agent.get("/v1/entitlement?wait=20s");
        assertEquals("allow", allowed.text("decision"), new String(allowed.body(), StandardCharsets.UTF_8));
        assertEquals(Rig.CODE, allowed.text("product"));
        assertEquals("outscale", instance(agent).get("cloud"));
        assertEquals(INSTANCE, instance(agent).get("id"));
        EnrollRequest.Claims said = rig.aggregator.joins().get(0);
        assertEquals("ami-0a1b2c3d", said.image());
        assertEquals("tinav5.c2r4p2", said.instanceType());
        assertEquals(Optional.of("eu-west-2"), said.region());

        assertEquals(200, agent.meter("requests", "2.5").status());
        agent.drained();
        assertEquals(Quantity.parse("2.5"), rig.aggregator.total("requests"));
    }

    @Test
    void aSimulatedVmIsFoundAndJoinsByAFile() throws Exception {
        Path file = Files.writeString(dir.resolve("code"), CODE);
        SimulatedVm vm = rig.aws.launch(VmSpec.outscale("123456789012"));
        Rig.Running agent = rig.agent(vm.metadata(), dir.resolve("state"), "join-code.file=" + file);
        agent.untilState("ENTITLED");
        EnrollRequest.Claims said = rig.aggregator.joins().get(0);
        assertEquals(vm.info().instanceId(), said.instance());
        assertEquals(Optional.of("eu-west-2"), said.region());
        assertEquals(200, agent.meter("requests", "1").status());
        agent.drained();
        assertEquals(Quantity.ONE, rig.aggregator.total("requests"));
    }

    @Test
    void aServiceThatForbidsTokensTellsNoCloudUntilTheSettingDoes() throws Exception {
        cloud.putStatus(403);
        cloud.userData("tallystick-join-code=" + CODE);
        Rig.Running agent = agent();
        Rig.until("the trouble in the status", () -> agent.status().get("lastError") != null);
        assertTrue(String.valueOf(agent.status().get("lastError")).contains("setting cloud"));
        assertEquals("DISCOVERING", agent.state());
        assertFalse(cloud.wasAskedFor("/latest/meta-data/instance-id"));
        agent.close();
        agent("cloud=outscale").untilState("ENTITLED");
    }

    @Test
    void aFileIsPreferredToTheUserData() throws Exception {
        Path file = Files.writeString(dir.resolve("code"), CODE + "\n");
        cloud.userData("tallystick-join-code=jc-" + "0".repeat(26) + "." + SECRET);
        agent("join-code.file=" + file).untilState("ENTITLED");
        assertFalse(cloud.wasAskedFor("/latest/user-data"));
    }

    @Test
    void withoutACodeTheVmIsToldTheRemedyAndIsLetInOnceItHasOne() throws Exception {
        Path file = dir.resolve("code");
        Rig.Running agent = agent("join-code.file=" + file);
        agent.untilState("DENIED");
        Rig.Reply denied = agent.get("/v1/entitlement");
        assertEquals("invalid-evidence", denied.text("code"));
        assertEquals("Make one.", denied.text("remedy"));
        Files.writeString(file, CODE);
        rig.time.advance(java.time.Duration.ofSeconds(60));
        agent.untilState("ENTITLED");
    }

    @Test
    void theThumbprintIsShownBeforeAnybodyAnswered() throws Exception {
        rig.aggregator.away(true);
        cloud.set("tags/tallystick-key", "somebody-elses");
        Rig.Running agent = agent();
        agent.untilState("ENROLLING");
        String thumbprint = String.valueOf(agent.status().get("agentKey"));
        assertTrue(thumbprint.matches("[A-Za-z0-9_-]{43}"), thumbprint);
        assertTrue(String.valueOf(agent.status().get("notes")).contains("tallystick-key names another key"));
    }

    @Test
    void fromTheSecondStartOnTheKeyIsProofEnough() throws Exception {
        cloud.userData("tallystick-join-code=" + CODE);
        Rig.Running first = agent();
        first.untilState("ENTITLED");
        String thumbprint = String.valueOf(first.status().get("agentKey"));
        first.close();
        rig.aggregator.joinCode(null);
        Rig.Running second = agent();
        second.untilState("ENTITLED");
        assertEquals(thumbprint, second.status().get("agentKey"));
        List<EnrollRequest.Claims> joins = rig.aggregator.joins();
        assertTrue(joins.get(0).join().isPresent());
        EnrollRequest.Claims again = joins.get(joins.size() - 1);
        assertEquals(Optional.empty(), again.join());
        assertTrue(again.enrollment().isPresent());
    }

    @Test
    void anAggregatorThatForgotTheEnrollmentIsShownTheCodeAgain() throws Exception {
        cloud.userData("tallystick-join-code=" + CODE);
        Rig.Running first = agent();
        first.untilState("ENTITLED");
        first.close();
        rig.aggregator.forgetEnrollments();
        Rig.Running second = agent();
        Rig.until(
                "a second join",
                () -> rig.aggregator.joins().stream()
                                .filter(c -> c.join().isPresent())
                                .count()
                        == 2);
        second.untilState("ENTITLED");
    }

    @Test
    void usageReportedBeforeAnybodySaidWhichProductThisIsArrives() throws Exception {
        cloud.set("product-codes", "0001\n" + Rig.CODE + "\n");
        Path file = dir.resolve("code");
        rig.aggregator.away(true);
        Rig.Running agent = agent("join-code.file=" + file);
        agent.untilState("ENROLLING");
        assertEquals(202, agent.meter("requests", "4").status());
        Files.writeString(file, CODE);
        rig.aggregator.away(false);
        rig.time.advance(java.time.Duration.ofMinutes(5));
        agent.untilState("ENTITLED");
        agent.drained();
        assertEquals(Quantity.parse("4"), rig.aggregator.total("requests"));
    }

    @Test
    void theCodeIsNowhereInTheStateFolder() throws Exception {
        cloud.userData("tallystick-join-code=" + CODE);
        Rig.Running agent = agent();
        agent.untilState("ENTITLED");
        assertFalse(String.valueOf(agent.status()).contains(SECRET));
        agent.close();
        try (Stream<Path> files = Files.walk(dir.resolve("state"))) {
            for (Path file : files.filter(Files::isRegularFile).toList()) {
                assertFalse(contains(file, SECRET), file.toString());
            }
        }
    }

    @Test
    void aCopiedStateOnAnotherVmJoinsAsANewOne() throws Exception {
        cloud.userData("tallystick-join-code=" + CODE);
        Rig.Running first = agent();
        first.untilState("ENTITLED");
        Object thumbprint = first.status().get("agentKey");
        first.close();
        cloud.set("instance-id", "i-0a1b2c3e");
        Rig.Running copy = agent();
        copy.untilState("ENTITLED");
        assertFalse(java.util.Objects.equals(thumbprint, copy.status().get("agentKey")));
        EnrollRequest.Claims said =
                rig.aggregator.joins().get(rig.aggregator.joins().size() - 1);
        assertTrue(said.join().isPresent());
        assertEquals("i-0a1b2c3e", said.instance());
    }

    @Test
    void anInstanceIdOfUnknownFormIsNotSent() throws Exception {
        cloud.set("instance-id", "i-\n../../etc");
        Rig.Running agent = agent();
        Rig.until("the trouble in the status", () -> agent.status().get("lastError") != null);
        assertEquals("DISCOVERING", agent.state());
        assertEquals(List.of(), rig.aggregator.joins());
    }

    private static boolean contains(Path file, String text) throws IOException {
        return new String(Files.readAllBytes(file), StandardCharsets.ISO_8859_1).contains(text);
    }
}
