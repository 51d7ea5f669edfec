package io.tallystick.agent;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.tallystick.common.jose.Base64Url;
import io.tallystick.common.jose.Jws;
import io.tallystick.common.jose.Typ;
import io.tallystick.common.model.Hash;
import io.tallystick.common.wire.NonceProof;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CountDownLatch;
import org.jose4j.jwa.AlgorithmConstraints;
import org.jose4j.jwk.JsonWebKey;
import org.jose4j.jwt.JwtClaims;
import org.jose4j.jwt.consumer.JwtConsumer;
import org.jose4j.jwt.consumer.JwtConsumerBuilder;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Vendor software checks what the agent says without trusting the agent. */
class LeaseTest {
    @TempDir
    @SuppressWarnings("NullAway.Init")
    Path dir;

    @Test
    void anIndependentLibraryVerifiesTheLeaseAndTheNonceIsBoundToIt() throws Exception {
        try (Rig rig = new Rig(dir)) {
            Rig.Running agent = rig.agent(rig.vm(Rig.CODE), dir.resolve("state"));
            Map<String, Object> m =
                    agent.get("/v1/entitlement?wait=20s&nonce=n-42").json();
            String lease = String.valueOf(m.get("lease"));
            JsonWebKey key = JsonWebKey.Factory.newJwk(Map.of(
                    "kty",
                    "OKP",
                    "crv",
                    "Ed25519",
                    "x",
                    Base64Url.encode(rig.aggregator.jwk().bytes())));
            JwtConsumer consumer = new JwtConsumerBuilder()
                    .setExpectedIssuer(rig.aggregator.url())
                    .setExpectedAudience(Rig.CODE)
                    .setRequireExpirationTime()
                    .setVerificationKey(key.getKey())
                    .setJwsAlgorithmConstraints(AlgorithmConstraints.ConstraintType.PERMIT, "EdDSA")
                    .build();
            JwtClaims claims = consumer.processToClaims(lease);
            Object jkt = claims.getClaimValue("cnf", Map.class).get("jkt");

            Jws proof = Jws.parseCompact(String.valueOf(m.get("nonceProof")), Typ.NONCE);
            var own = Objects.requireNonNull(proof.header().jwk());
            assertEquals(jkt, own.thumbprint().toString());
            NonceProof said = NonceProof.parse(
                    proof.verified(own, io.tallystick.common.jose.Ed25519.JDK).payload());
            assertEquals("n-42", said.nonce());
            assertEquals(Hash.of(lease.getBytes(StandardCharsets.US_ASCII)), said.lease());
            assertTrue(
                    claims.getExpirationTime().getValue() > claims.getIssuedAt().getValue());
        }
    }

    @Test
    void aLeaseThatTheVmSleptOverIsRenewedByWhatIsLeftOfIt() throws Exception {
        try (Rig rig = new Rig(dir)) {
            rig.aggregator.leaseLength(Duration.ofHours(24));
            Rig.Running agent = rig.agent(rig.vm(Rig.CODE), dir.resolve("state"));
            agent.untilState("ENTITLED");
            CountDownLatch slept = new CountDownLatch(1);
            rig.aggregator.beforeNextLeaseArrives(() -> {
                rig.time.advance(Duration.ofHours(20));
                slept.countDown();
            });
            rig.time.advance(Duration.ofHours(12));
            slept.await();
            Rig.until(
                    "the lease it slept over",
                    () -> agent.get("/v1/entitlement").text("decision").equals("allow"));
            int asked = rig.aggregator.leaseRequests();
            // Two of the four hours that are left; half of the lease's length would be after its end.
            rig.time.advance(Duration.ofHours(2));
            Rig.until("its renewal", () -> rig.aggregator.leaseRequests() > asked);
        }
    }

    @Test
    void aVmThatSleptOverItsFirstQuestionGoesByTheTimeThatIs() throws Exception {
        try (Rig rig = new Rig(dir)) {
            // Less than what makes the question too old to be answered.
            rig.aggregator.beforeNextQuestionArrives(() -> rig.time.advance(Duration.ofMinutes(4)));
            Rig.Running agent = rig.agent(rig.vm(Rig.CODE), dir.resolve("state"));
            agent.untilState("ENTITLED");
            Rig.until("the time that is", () -> Math.abs(ahead(agent)) <= 1);
            assertEquals(1, rig.aggregator.leaseRequests(), "asked once more, and no more");
        }
    }

    @Test
    void aReceiptThatMovesTheTimeFarIsFollowedByAQuestion() throws Exception {
        try (Rig rig = new Rig(dir)) {
            Rig.Running agent = rig.agent(rig.vm(Rig.CODE), dir.resolve("state"));
            agent.untilState("ENTITLED");
            // As to an agent whose boot clock stood still while its VM was paused.
            rig.aggregator.behind(Duration.ofHours(-1));
            agent.meter("requests", "1");
            Rig.until("the time of the receipt", () -> ahead(agent) >= 3_590);
            Rig.until("a question", () -> rig.aggregator.leaseRequests() == 1);
            assertTrue(Math.abs(ahead(agent) - 3_600) <= 1);
        }
    }

    private static long ahead(Rig.Running agent) throws Exception {
        return -Rig.at(Rig.at(agent.status(), "time", Map.class), "wallOffsetSeconds", Long.class);
    }
}
