package io.tallystick.agent;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.tallystick.client.AgentClient;
import io.tallystick.client.AgentUnreachableException;
import io.tallystick.client.AnswerNotTrustedException;
import io.tallystick.client.AnswerNotTrustedException.Why;
import io.tallystick.client.Issuer;
import io.tallystick.client.Reason;
import io.tallystick.client.Usage;
import io.tallystick.common.jose.Base64Url;
import io.tallystick.common.json.Json;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Another program sits on the agent's port, with everything it could have copied: the client finds it out. */
class HostilePortTest {
    private static final String ISSUER = ScriptedAgent.ISSUER;
    private static final String CODE = ScriptedAgent.CODE;
    private static final Instant NOW = ScriptedAgent.NOW;

    private ScriptedAgent fake;
    private Function<String, byte[]> answer = nonce -> new byte[0];
    private int status = 200;

    @BeforeEach
    void listen() throws Exception {
        fake = new ScriptedAgent();
        fake.script(r -> new ScriptedAgent.Answer(status, answer.apply(r.nonce())));
    }

    @AfterEach
    void stop() {
        fake.close();
    }

    private AgentClient client(String issuerUrl, String product) {
        return AgentClient.builder()
                .address(fake.url())
                .issuer(Issuer.pinned(issuerUrl, fake.keySet()))
                .product(product)
                .build();
    }

    private void foundOut(Why why, Function<String, byte[]> answers) {
        foundOut(why, client(ISSUER, CODE), answers);
    }

    private void foundOut(Why why, AgentClient client, Function<String, byte[]> answers) {
        answer = answers;
        AnswerNotTrustedException e = assertThrows(AnswerNotTrustedException.class, () -> client.check(Duration.ZERO));
        assertEquals(why, e.why(), e::getMessage);
    }

    @Test
    void aFakeAgentOrACopiedLeaseIsFoundOut() throws Exception {
        String good = fake.lease(fake.issuer, "k1", NOW);
        answer = n -> ScriptedAgent.allow(good, ScriptedAgent.proof(fake.agent, n, good, NOW.plusSeconds(60)));
        assertTrue(client(ISSUER, CODE).check(Duration.ZERO).allowed());
        assertTrue(client(ISSUER + "/", CODE).check(Duration.ZERO).allowed());

        foundOut(Why.NO_PROOF, n -> ScriptedAgent.allow(null, null));
        foundOut(Why.NO_PROOF, n -> ScriptedAgent.allow(good, null));
        foundOut(Why.NO_PROOF, n -> ScriptedAgent.allow(null, ScriptedAgent.proof(fake.agent, n, good, NOW)));
        foundOut(Why.NO_PROOF, n -> ScriptedAgent.allow(Map.of(), List.of()));
        // A copied lease, and what the thief can sign himself.
        foundOut(Why.OTHER_KEY, n -> ScriptedAgent.allow(good, ScriptedAgent.proof(fake.thief, n, good, NOW)));
        // A whole answer of a genuine agent, recorded and played again.
        String old = ScriptedAgent.proof(fake.agent, "an-older-nonce", good, NOW);
        foundOut(Why.OTHER_NONCE, n -> ScriptedAgent.allow(good, old));
        String second = fake.lease(fake.issuer, "k1", NOW.plusSeconds(1));
        foundOut(Why.OTHER_LEASE, n -> ScriptedAgent.allow(good, ScriptedAgent.proof(fake.agent, n, second, NOW)));
        // Leases of the thief's own making.
        String forged = fake.lease(fake.thief, "k1", NOW);
        foundOut(
                Why.LEASE_SIGNATURE, n -> ScriptedAgent.allow(forged, ScriptedAgent.proof(fake.agent, n, forged, NOW)));
        String stranger = fake.lease(fake.thief, "k2", NOW);
        foundOut(
                Why.UNKNOWN_KEY, n -> ScriptedAgent.allow(stranger, ScriptedAgent.proof(fake.agent, n, stranger, NOW)));
        Function<String, byte[]> genuine =
                n -> ScriptedAgent.allow(good, ScriptedAgent.proof(fake.agent, n, good, NOW));
        foundOut(Why.OTHER_PRODUCT, client(ISSUER, "code-b"), genuine);
        foundOut(Why.OTHER_ISSUER, client("https://other.example", CODE), genuine);
        foundOut(
                Why.NOT_VALID_NOW,
                n -> ScriptedAgent.allow(
                        good, ScriptedAgent.proof(fake.agent, n, good, NOW.plus(Duration.ofHours(25)))));
        foundOut(
                Why.NOT_VALID_NOW,
                n -> ScriptedAgent.allow(
                        good, ScriptedAgent.proof(fake.agent, n, good, NOW.minus(Duration.ofHours(1)))));
    }

    @Test
    void everyChangedByteOfLeaseAndProofIsFoundOut() throws Exception {
        String good = fake.lease(fake.issuer, "k1", NOW);
        AgentClient client = client(ISSUER, CODE);
        for (int part = 0; part < 6; part++) {
            int which = part;
            answer = n -> {
                String proof = ScriptedAgent.proof(fake.agent, n, good, NOW);
                return which < 3
                        ? ScriptedAgent.allow(flip(good, which), proof)
                        : ScriptedAgent.allow(good, flip(proof, which - 3));
            };
            assertThrows(AnswerNotTrustedException.class, () -> client.check(Duration.ZERO), "part " + part);
        }
        // Another algorithm, another kind of envelope in the lease's place, and headers nobody knows.
        for (String header : List.of(
                "{\"alg\":\"none\",\"typ\":\"lease+jwt\",\"kid\":\"k1\"}",
                "{\"alg\":\"HS256\",\"typ\":\"lease+jwt\",\"kid\":\"k1\"}",
                "{\"alg\":\"EdDSA\",\"typ\":\"receipt+jws\",\"kid\":\"k1\"}",
                "{\"alg\":\"EdDSA\",\"typ\":\"lease+jwt\",\"kid\":\"k1\",\"crit\":[\"exp\"]}")) {
            String[] parts = good.split("\\.", -1);
            String head = Base64Url.encode(header.getBytes(StandardCharsets.UTF_8));
            byte[] signature = fake.issuer.signer().sign((head + "." + parts[1]).getBytes(StandardCharsets.US_ASCII));
            String changed = head + "." + parts[1] + "." + Base64Url.encode(signature);
            foundOut(
                    Why.MALFORMED, n -> ScriptedAgent.allow(changed, ScriptedAgent.proof(fake.agent, n, changed, NOW)));
        }
        foundOut(Why.MALFORMED, n -> ScriptedAgent.allow("a.b", ScriptedAgent.proof(fake.agent, n, good, NOW)));
        foundOut(
                Why.MALFORMED,
                n -> ScriptedAgent.allow(good + "=", ScriptedAgent.proof(fake.agent, n, good + "=", NOW)));
    }

    private static String flip(String compact, int part) {
        String[] parts = compact.split("\\.", -1);
        char[] chars = parts[part].toCharArray();
        int at = chars.length / 2;
        chars[at] = chars[at] == 'A' ? 'B' : 'A';
        parts[part] = new String(chars);
        return String.join(".", parts);
    }

    @Test
    void whatIsNoAgentIsSaidToBeNone() {
        Map<Integer, String> answers = new HashMap<>();
        answers.put(200, "<html>It works!</html>");
        answers.put(204, "");
        answers.put(302, "{\"decision\":\"allow\"}");
        answers.put(500, "{}");
        answers.put(404, "[]");
        answers.forEach((code, body) -> {
            status = code;
            answer = n -> body.getBytes(StandardCharsets.UTF_8);
            assertThrows(
                    AgentUnreachableException.class, () -> client(ISSUER, CODE).check(Duration.ZERO), "HTTP " + code);
            assertThrows(
                    AgentUnreachableException.class,
                    () -> client(ISSUER, CODE).report(Usage.of("requests", 1)),
                    "HTTP " + code);
        });
        status = 200;
        answer = n -> "{\"decision\":\"perhaps\"}".getBytes(StandardCharsets.UTF_8);
        assertThrows(AgentUnreachableException.class, () -> client(ISSUER, CODE).check(Duration.ZERO));
        byte[] endless = new byte[5 * 1024 * 1024];
        java.util.Arrays.fill(endless, (byte) ' ');
        answer = n -> endless;
        AgentUnreachableException long5 = assertThrows(
                AgentUnreachableException.class, () -> client(ISSUER, CODE).check(Duration.ZERO));
        assertTrue(long5.getMessage().contains("longer than"), long5::getMessage);
    }

    @Test
    void aCodeOfANewerAgentIsPassedOn() {
        answer = n -> Json.writeBytes(Json.object(
                "state", "DENIED", "decision", "deny", "code", "moon-phase", "sentence", "No.", "retryAfter", 7));
        var e = client(ISSUER, CODE).check(Duration.ZERO);
        assertEquals(Optional.of(Reason.UNRECOGNISED), e.reason());
        assertEquals(Optional.of("moon-phase"), e.code());
        assertEquals(Duration.ofSeconds(7), e.retryAfter());
        assertEquals("DENY (DENIED) moon-phase: No.", e.summary());
    }
}
