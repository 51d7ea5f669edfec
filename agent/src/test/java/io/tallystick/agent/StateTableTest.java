package io.tallystick.agent;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.tallystick.common.wire.Decision;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HexFormat;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The state table: what callers hear and whether their usage is kept. */
class StateTableTest {
    @TempDir
    @SuppressWarnings("NullAway.Init")
    Path dir;

    @Test
    void beforeAnyAnswerUsageIsKeptAndShippedLater() throws Exception {
        try (Rig rig = new Rig(dir)) {
            rig.aggregator.away(true);
            Rig.Running agent = rig.agent(rig.vm(Rig.CODE), dir.resolve("state"));
            agent.untilState("ENROLLING");
            assertEquals("unknown", agent.get("/v1/entitlement").text("decision"));
            assertEquals(202, agent.meter("requests", "3").status());
            rig.aggregator.away(false);
            rig.time.advance(Duration.ofMinutes(2));
            agent.untilState("ENTITLED");
            agent.drained();
            assertEquals("3", rig.aggregator.total("requests").toString());
        }
    }

    @Test
    void deniedKeepsNothingNewButShipsWhatWasTaken() throws Exception {
        try (Rig rig = new Rig(dir)) {
            rig.aggregator.outcome(Decision.Outcome.DENY);
            Rig.Running agent = rig.agent(rig.vm(Rig.CODE), dir.resolve("state"));
            agent.untilState("DENIED");
            Rig.Reply deny = agent.get("/v1/entitlement?wait=10s");
            assertEquals("deny", deny.text("decision"));
            assertEquals("no-agreement", deny.text("code"));
            assertEquals("No subscription covers this VM.", deny.text("sentence"));
            Rig.Reply usage = agent.meter("requests", "1");
            assertEquals(403, usage.status());
            assertEquals("no-agreement", usage.text("code"));
            assertEquals("Subscribe.", usage.text("remedy"));
            rig.aggregator.outcome(Decision.Outcome.ALLOW);
            rig.time.advance(Duration.ofSeconds(36));
            agent.untilState("ENTITLED");
            agent.drained();
            assertEquals("0", rig.aggregator.total("requests").toString());
        }
    }

    @Test
    void aKeyedCallTakenBeforeADenialGetsItsAnswerAgain() throws Exception {
        try (Rig rig = new Rig(dir)) {
            Rig.Running agent = rig.agent(rig.vm(Rig.CODE), dir.resolve("state"));
            agent.untilState("ENTITLED");
            Object call = io.tallystick.common.json.Json.object(
                    "dimension", "requests", "quantity", "1", "idempotencyKey", "once");
            assertEquals(200, agent.post("/v1/usage", call).status());
            rig.aggregator.outcome(Decision.Outcome.DENY);
            rig.time.advance(Duration.ofHours(13));
            agent.untilState("DENIED");
            assertEquals(1L, agent.post("/v1/usage", call).json().get("accepted"));
            assertEquals(403, agent.meter("requests", "1").status());
            agent.drained();
            assertEquals("1", rig.aggregator.total("requests").toString());
        }
    }

    @Test
    void contestedDeniesWithThumbprintAndRemedyAndHoldsUsage() throws Exception {
        try (Rig rig = new Rig(dir)) {
            rig.aggregator.contested(true);
            Rig.Running agent = rig.agent(rig.vm(Rig.CODE), dir.resolve("state"));
            agent.untilState("CONTESTED");
            Rig.Reply deny = agent.get("/v1/entitlement");
            assertEquals("deny", deny.text("decision"));
            assertEquals("contested", deny.text("code"));
            assertEquals("Approve the thumbprint in the portal.", deny.text("remedy"));
            assertEquals(43, deny.text("thumbprint").length());
            assertEquals(200, agent.meter("requests", "5").status());
            assertEquals("0", rig.aggregator.total("requests").toString());
            rig.aggregator.contested(false);
            rig.time.advance(Duration.ofSeconds(61));
            agent.untilState("ENTITLED");
            agent.drained();
            assertEquals("5", rig.aggregator.total("requests").toString());
        }
    }

    @Test
    void aValidLeaseIsHonouredOfflineAlsoAfterARestartAndNeverBeyondItsEnd() throws Exception {
        try (Rig rig = new Rig(dir)) {
            var vm = rig.vm(Rig.CODE);
            rig.aggregator.leaseLength(Duration.ofHours(6));
            Rig.Running agent = rig.agent(vm, dir.resolve("state"));
            agent.untilState("ENTITLED");
            rig.aggregator.away(true);
            agent.close();
            Rig.Running again = rig.agent(vm, dir.resolve("state"));
            again.untilState("OFFLINE_GRACE");
            Rig.Reply allow = again.get("/v1/entitlement?nonce=n1");
            assertEquals("allow", allow.text("decision"));
            assertEquals("true", allow.text("offline"));
            assertEquals(200, again.meter("requests", "1").status());
            rig.time.advance(Duration.ofHours(6));
            assertEquals("unknown", again.get("/v1/entitlement").text("decision"));
            assertEquals(202, again.meter("requests", "1").status());
            // A wall clock turned back does not bring the lease back.
            rig.time.wallError(Duration.ofDays(-2));
            assertEquals("unknown", again.get("/v1/entitlement").text("decision"));
            rig.time.wallError(Duration.ZERO);
            rig.aggregator.away(false);
            rig.time.advance(Duration.ofMinutes(2));
            again.untilState("ENTITLED");
            again.drained();
            assertEquals("2", rig.aggregator.total("requests").toString());
        }
    }

    @Test
    void afterARebootOfflineTheClockMayBeWrongButNotEarlierThanTheLastTrustedTime() throws Exception {
        try (Rig rig = new Rig(dir)) {
            var vm = rig.vm(Rig.CODE);
            rig.aggregator.leaseLength(Duration.ofHours(6));
            Rig.Running agent = rig.agent(vm, dir.resolve("state"));
            agent.untilState("ENTITLED");
            agent.close();
            rig.aggregator.away(true);
            rig.time.reboot();
            rig.time.wallError(Duration.ofDays(-400));
            Rig.Running again = rig.agent(vm, dir.resolve("state"));
            again.untilState("OFFLINE_GRACE");
            rig.time.wallError(Duration.ofHours(7));
            assertEquals("unknown", again.get("/v1/entitlement").text("decision"));
        }
    }

    @Test
    void aLeaseOfAnotherIssuerIsNotTaken() throws Exception {
        try (Rig rig = new Rig(dir)) {
            rig.aggregator.leaseIssuer("https://elsewhere.example.com");
            Rig.Running agent = rig.agent(rig.vm(Rig.CODE), dir.resolve("state"));
            Rig.until("a refusal", () -> agent.status().toString().contains("iss is https://elsewhere"));
            assertEquals("unknown", agent.get("/v1/entitlement").text("decision"));
        }
    }

    /** The neutral point, a point of order two, and a second encoding of the neutral point. */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "0100000000000000000000000000000000000000000000000000000000000000",
                "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
                "0100000000000000000000000000000000000000000000000000000000000080"
            })
    void anAnswerUnderAKeyThatAnybodyCanSignForIsNotTaken(String key) throws Exception {
        try (Rig rig = new Rig(dir)) {
            rig.aggregator.weakKey(HexFormat.of().parseHex(key));
            Rig.Running agent = rig.agent(rig.vm(Rig.CODE), dir.resolve("state"));
            Rig.until(
                    "a refusal",
                    () -> agent.status().toString().contains("does not know the key that signed its own answer"));
            assertEquals("unknown", agent.get("/v1/entitlement").text("decision"));
        }
    }

    @Test
    void severalProductsMustBeNamed() throws Exception {
        try (Rig rig = new Rig(dir)) {
            Rig.Running agent = rig.agent(rig.vm("code-a", "code-b"), dir.resolve("state"));
            agent.untilState("ENTITLED");
            assertEquals(400, agent.get("/v1/entitlement").status());
            assertEquals("allow", agent.get("/v1/entitlement?product=code-b").text("decision"));
            Rig.Reply other = agent.get("/v1/entitlement?product=code-z");
            assertEquals("unknown-product", other.text("code"));
            assertEquals(400, agent.meter("requests", "1").status());
            Object named = io.tallystick.common.json.Json.object(
                    "dimension", "requests", "quantity", "1", "product", "code-b");
            assertEquals(200, agent.post("/v1/usage", named).status());
            agent.drained();
            assertTrue(rig.aggregator.batches().stream()
                    .flatMap(b -> b.records().stream())
                    .allMatch(r -> r.product().equals(java.util.Optional.of("code-b"))));
        }
    }

    @Test
    void anInstanceWithoutAProductCodeIsDeniedWithItsReason() throws Exception {
        try (Rig rig = new Rig(dir)) {
            Rig.Running agent = rig.agent(rig.vm(), dir.resolve("state"));
            agent.untilState("DENIED");
            assertEquals("no-product-code", agent.get("/v1/entitlement").text("code"));
        }
    }
}
