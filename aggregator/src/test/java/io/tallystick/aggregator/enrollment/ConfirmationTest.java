package io.tallystick.aggregator.enrollment;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.tallystick.aggregator.app.Http;
import io.tallystick.aggregator.app.RunningAggregator;
import io.tallystick.aggregator.usage.ProtocolClient;
import io.tallystick.common.json.Json;
import io.tallystick.common.wire.Answer;
import io.tallystick.common.wire.Decision;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Claims that the cloud's API confirms, and what takes that away again. */
class ConfirmationTest {
    private static final AtomicInteger COUNT = new AtomicInteger();
    private static final OutscaleApi API = new OutscaleApi();
    private static final String SECRET = "a-secret-nobody-may-see-0123456789";

    @RegisterExtension
    static final RunningAggregator RUNNING = RunningAggregator.with(
            "images.outscale.endpoint=" + API.endpoint(),
            // Which asks the cloud on its own account.
            "images.sample-every=off");

    private String buyer = "";
    private String cloudAccount = "";
    private String accessKey = "";
    private String code = "";
    private String joinCode = "";

    @BeforeEach
    void aProductThatAsksForConfirmation() {
        String seller = RUNNING.account("seller");
        buyer = RUNNING.account("buyer");
        cloudAccount = "%012d".formatted(COUNT.incrementAndGet());
        accessKey = "ACCESSKEY%011d".formatted(COUNT.incrementAndGet());
        RUNNING.http()
                .post(
                        "/v1/accounts/" + buyer + "/cloud-accounts",
                        RUNNING.operator(),
                        Json.write(Json.object("cloud", "outscale", "accountId", cloudAccount)))
                .expect(200);
        String product = RUNNING.http()
                .post(
                        "/v1/products",
                        RUNNING.operator(),
                        Json.write(Json.object("title", "Gateway", "seller", seller, "evidenceLevel", "api-confirmed")))
                .expect(201)
                .get("id");
        RUNNING.visibility(product, "LIMITED", "PUBLIC");
        code = RUNNING.http().get("/v1/products/" + product, RUNNING.operator()).get("productCode");
        joinCode = RUNNING.http()
                .post(
                        "/v1/join-codes",
                        RUNNING.operator(),
                        Json.write(Json.object("agreement", RUNNING.agreement(product, buyer), "uses", 10)))
                .expect(201)
                .get("code");
    }

    @AfterEach
    void theApiAnswersRightly() {
        API.failing(0);
        API.held(null);
    }

    @AfterAll
    static void stop() {
        API.close();
    }

    private void lendKey() {
        API.key(accessKey, cloudAccount);
        RUNNING.http()
                .post(
                        "/v1/cloud-keys",
                        RUNNING.operator(),
                        Json.write(Json.object(
                                "cloud",
                                "outscale",
                                "cloudAccount",
                                cloudAccount,
                                "accessKey",
                                accessKey,
                                "secretKey",
                                SECRET)))
                .expect(200);
    }

    private record Machine(ProtocolClient agent, String instance) {}

    private Machine machine() {
        String instance = "i-%08x".formatted(COUNT.incrementAndGet());
        return new Machine(
                ProtocolClient.outscale(
                        RUNNING.http(), RUNNING.clock(), cloudAccount, instance, List.of(), Optional.of(joinCode)),
                instance);
    }

    private void shows(Machine m, String state, String tag) {
        API.vm(
                cloudAccount,
                m.instance(),
                state,
                List.of("0001", code),
                tag.isEmpty() ? Map.of() : Map.of("tallystick-key", tag));
    }

    private void showsTagged(Machine m) {
        shows(m, "running", m.agent().thumbprint().toString());
    }

    /** Renews once the cloud may be asked again. */
    private static Answer renewed(Machine m) {
        RUNNING.clock().advance(Duration.ofSeconds(61));
        return m.agent().lease();
    }

    private static String shown(Machine m, String member) {
        return RUNNING.http()
                .get("/v1/enrollments/" + m.agent().id(), RUNNING.operator())
                .expect(200)
                .get(member);
    }

    /** Levels and reasons, in order. */
    private static List<String> audited(Machine m) throws SQLException {
        List<String> found = new ArrayList<>();
        try (Connection db = RUNNING.database().connect();
                PreparedStatement read = db.prepareStatement(
                        "SELECT after_json FROM audit_event WHERE action = 'enrollment.level' AND subject = ? ORDER BY"
                                + " seq")) {
            read.setString(1, m.agent().id().toString());
            try (ResultSet rows = read.executeQuery()) {
                while (rows.next()) {
                    Map<String, Object> after = Json.parseObject(rows.getString(1));
                    found.add(after.get("evidenceLevel") + ": " + after.get("reason"));
                }
            }
        }
        return found;
    }

    @Test
    void aTaggedRunningVmIsConfirmedAtOnceAndItsImageAndTypeAreTheClouds() throws SQLException {
        lendKey();
        Machine m = machine();
        showsTagged(m);
        Answer answer = m.agent().enroll();
        assertEquals("api-confirmed", answer.evidenceLevel());
        assertEquals(Decision.Outcome.ALLOW, answer.decisions().get(0).outcome());
        assertEquals("ami-99999999", shown(m, "image"));
        assertEquals("tinav5.c8r16p1", shown(m, "instanceType"));
        assertEquals(List.of("api-confirmed: the cloud shows the VM running, with code and tag"), audited(m));
        // What the agent claims at its next start does not take that back.
        m.agent().enroll();
        assertEquals("tinav5.c8r16p1", shown(m, "instanceType"));
        assertEquals(1, audited(m).size());
    }

    @Test
    void aClaimIsRefusedWithTheTagAndRaisedWithinAMinuteOfIt() {
        Machine m = machine();
        Decision refused = m.agent().enroll().decisions().get(0);
        assertEquals(Optional.of("evidence-too-weak"), refused.code());
        String tag = "tallystick-key=" + m.agent().thumbprint();
        assertTrue(refused.remedy().orElse("").contains(tag), refused.toString());
        lendKey();
        shows(m, "running", "");
        assertEquals("claimed", renewed(m).evidenceLevel());
        assertTrue(shown(m, "confirmation").contains("has no tag " + tag), shown(m, "confirmation"));
        showsTagged(m);
        Answer answer = renewed(m);
        assertEquals("api-confirmed", answer.evidenceLevel());
        assertEquals(Decision.Outcome.ALLOW, answer.decisions().get(0).outcome());
    }

    @Test
    void nothingLessThanAllOfItConfirms() {
        lendKey();
        Machine m = machine();
        String thumbprint = m.agent().thumbprint().toString();
        m.agent().enroll();
        shows(m, "stopped", thumbprint);
        assertEquals("claimed", renewed(m).evidenceLevel());
        shows(m, "running", machine().agent().thumbprint().toString());
        assertEquals("claimed", renewed(m).evidenceLevel());
        API.vm(cloudAccount, m.instance(), "running", List.of("0001"), Map.of("tallystick-key", thumbprint));
        assertEquals("claimed", renewed(m).evidenceLevel());
        // A key of another account, registered for this one: it shows its own VMs, not this account's.
        API.key(accessKey, "999999999999");
        API.vm("999999999999", m.instance(), "running", List.of(code), Map.of("tallystick-key", thumbprint));
        assertEquals("claimed", renewed(m).evidenceLevel());
        assertTrue(shown(m, "confirmation").contains("belongs to account 999999999999"), shown(m, "confirmation"));
    }

    @Test
    void theCloudIsAskedAtMostOnceAMinuteForAnEnrollment() {
        lendKey();
        Machine m = machine();
        m.agent().enroll();
        int before = API.asked();
        for (int i = 0; i < 5; i++) {
            m.agent().lease();
        }
        assertEquals(before, API.asked());
        renewed(m);
        assertEquals(before + 1, API.asked());
    }

    @Test
    void aLostTagOrVmTakesTheLevelBackWithAnAuditEvent() throws SQLException {
        lendKey();
        Machine m = machine();
        showsTagged(m);
        m.agent().enroll();
        shows(m, "running", "");
        Answer answer = renewed(m);
        assertEquals("claimed", answer.evidenceLevel());
        assertEquals(Decision.Outcome.DENY, answer.decisions().get(0).outcome());
        showsTagged(m);
        assertEquals("api-confirmed", renewed(m).evidenceLevel());
        API.gone(cloudAccount, m.instance());
        assertEquals("claimed", renewed(m).evidenceLevel());
        List<String> audited = audited(m);
        assertEquals(4, audited.size(), audited.toString());
        assertTrue(audited.get(1).startsWith("claimed: the VM has no tag"), audited.get(1));
        assertTrue(audited.get(3).startsWith("claimed: the cloud shows no VM"), audited.get(3));
    }

    @Test
    void aCloudThatDoesNotAnswerChangesNothingUntilTheConfirmationLapses() throws SQLException {
        lendKey();
        Machine m = machine();
        showsTagged(m);
        m.agent().enroll();
        API.failing(503);
        assertEquals("api-confirmed", renewed(m).evidenceLevel());
        RUNNING.clock().advance(Duration.ofDays(6));
        assertEquals("api-confirmed", renewed(m).evidenceLevel());
        RUNNING.clock().advance(Duration.ofDays(1));
        assertEquals("claimed", renewed(m).evidenceLevel());
        assertTrue(
                audited(m).get(1).startsWith("claimed: not confirmed again for 7 days"),
                audited(m).get(1));
    }

    @Test
    void takingTheKeyBackEndsWhatItConfirmedInTime() {
        lendKey();
        Machine m = machine();
        showsTagged(m);
        m.agent().enroll();
        String id =
                RUNNING.http().get("/v1/cloud-keys?limit=1000", RUNNING.operator()).expect(200).list("items").stream()
                        .filter(k -> accessKey.equals(k.get("accessKey")))
                        .map(k -> String.valueOf(k.get("id")))
                        .findFirst()
                        .orElseThrow();
        RUNNING.http()
                .send("DELETE", "/v1/cloud-keys/" + id, RUNNING.operator(), null)
                .expect(200);
        assertEquals("api-confirmed", renewed(m).evidenceLevel());
        RUNNING.clock().advance(Duration.ofDays(8));
        assertEquals("claimed", renewed(m).evidenceLevel());
    }

    @Test
    void aSlowCloudHoldsNoAgentUp() {
        lendKey();
        Machine m = machine();
        showsTagged(m);
        CountDownLatch latch = new CountDownLatch(1);
        API.held(latch);
        assertEquals("claimed", m.agent().enroll().evidenceLevel());
        latch.countDown();
        API.held(null);
        assertEquals("api-confirmed", renewed(m).evidenceLevel());
    }

    @Test
    void anotherKeyThatIsApprovedIsNotTheOneTheCloudConfirmed() {
        lendKey();
        Machine m = machine();
        showsTagged(m);
        m.agent().enroll();
        Machine other = new Machine(
                ProtocolClient.outscale(
                        RUNNING.http(), RUNNING.clock(), cloudAccount, m.instance(), List.of(), Optional.of(joinCode)),
                m.instance());
        other.agent().tryEnroll().expect(409);
        RUNNING.http()
                .post(
                        "/v1/enrollments/" + m.agent().id() + "/approve",
                        RUNNING.operator(),
                        Json.write(Json.object("thumbprint", other.agent().thumbprint())))
                .expect(200);
        assertEquals("claimed", other.agent().enroll().evidenceLevel());
        showsTagged(other);
        assertEquals("api-confirmed", renewed(other).evidenceLevel());
    }

    @Test
    void theSecretIsWrappedAndNeverGivenOut() throws SQLException {
        lendKey();
        Http.Answer listed = RUNNING.http().get("/v1/cloud-keys?limit=1000", RUNNING.operator());
        assertFalse(listed.text().contains(SECRET));
        assertTrue(listed.text().contains(accessKey));
        try (Connection db = RUNNING.database().connect();
                java.sql.Statement s = db.createStatement();
                ResultSet dump =
                        s.executeQuery("SELECT string_agg(x, ' ') FROM (SELECT encode(wrapped_secret, 'escape')"
                                + " FROM cloud_key UNION ALL SELECT a::text FROM audit_event a) t(x)")) {
            dump.next();
            assertFalse(dump.getString(1).contains(SECRET));
        }
        // Set again, it is another key: the one before is gone.
        lendKey();
        assertEquals(
                1,
                RUNNING.http().get("/v1/cloud-keys?limit=1000", RUNNING.operator()).list("items").stream()
                        .filter(k -> accessKey.equals(k.get("accessKey")))
                        .count());
    }
}
