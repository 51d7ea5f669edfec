package io.tallystick.aggregator.awsapi;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.tallystick.aggregator.app.Http;
import io.tallystick.aggregator.app.RunningAggregator;
import io.tallystick.aggregator.usage.ProtocolClient;
import io.tallystick.aggregator.usage.SimulatedRegion;
import io.tallystick.aggregator.web.Role;
import io.tallystick.common.jose.Jws;
import io.tallystick.common.jose.Typ;
import io.tallystick.common.json.Json;
import io.tallystick.common.wire.Registration;
import io.tallystick.common.wire.Wire;
import java.nio.charset.StandardCharsets;
import java.security.KeyFactory;
import java.security.PublicKey;
import java.security.Signature;
import java.security.interfaces.RSAPublicKey;
import java.security.spec.MGF1ParameterSpec;
import java.security.spec.PSSParameterSpec;
import java.security.spec.X509EncodedKeySpec;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.Statement;
import java.time.Instant;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** RegisterUsage's signature: exactly AWS's form, with the product's own key, only where the VM is entitled. */
class RegistrationTest {
    @RegisterExtension
    static final RunningAggregator RUNNING = RunningAggregator.with("trust.dir=" + SimulatedRegion.trustFolder());

    private static final AtomicInteger ACCOUNTS = new AtomicInteger(700);

    private String seller = "";
    private String buyer = "";
    private String product = "";
    private String code = "";
    private String cloudAccount = "";

    @BeforeEach
    void aProductAndABuyer() {
        seller = RUNNING.account("seller");
        buyer = RUNNING.account("buyer");
        cloudAccount = "%012d".formatted(ACCOUNTS.incrementAndGet());
        RUNNING.cloudAccount(buyer, "aws", cloudAccount);
        product = RUNNING.product(seller, "requests");
        code = RUNNING.code(product);
        RUNNING.visibility(product, "LIMITED", "PUBLIC");
    }

    private ProtocolClient agent() {
        ProtocolClient agent = SimulatedRegion.client(
                RUNNING,
                SimulatedRegion.vm(cloudAccount, RUNNING.clock().instant().minusSeconds(300), List.of(code)));
        agent.enroll();
        return agent;
    }

    private Map<String, Object> makeKey() {
        return Json.parseObject(RUNNING.http()
                .send(
                        "POST",
                        "/v1/products/" + product + "/registration-keys",
                        RUNNING.token(Role.SELLER, seller),
                        null)
                .expect(201)
                .text());
    }

    private static PublicKey key(Object pem) throws Exception {
        String base64 = String.valueOf(pem)
                .replace("-----BEGIN PUBLIC KEY-----", "")
                .replace("-----END PUBLIC KEY-----", "")
                .replace("\n", "");
        return KeyFactory.getInstance("RSA")
                .generatePublic(new X509EncodedKeySpec(Base64.getDecoder().decode(base64)));
    }

    private static boolean verifies(PublicKey key, String jwt) throws Exception {
        int dot = jwt.lastIndexOf('.');
        Signature s = Signature.getInstance("RSASSA-PSS");
        s.setParameter(new PSSParameterSpec("SHA-256", "MGF1", MGF1ParameterSpec.SHA256, 32, 1));
        s.initVerify(key);
        s.update(jwt.substring(0, dot).getBytes(StandardCharsets.US_ASCII));
        return s.verify(Base64.getUrlDecoder().decode(jwt.substring(dot + 1)));
    }

    private static String part(String jwt, int index) {
        return new String(Base64.getUrlDecoder().decode(jwt.split("\\.", -1)[index]), StandardCharsets.UTF_8);
    }

    private Registration.Request request(int version) {
        return new Registration.Request(code, version, Optional.of("n-1"));
    }

    @Test
    void theSignatureHasAwssFormAndVerifiesWithTheKeyOfItsVersion() throws Exception {
        RUNNING.agreement(product, buyer);
        ProtocolClient agent = agent();
        Map<String, Object> made = makeKey();
        assertEquals(1L, made.get("version"));
        Registration.Answer first = agent.register(request(1));
        assertEquals("{\"alg\":\"PS256\",\"typ\":\"JWT\"}", part(first.signature(), 0));
        assertEquals(
                "{\"ProductCode\":\"" + code + "\",\"PublicKeyVersion\":1,\"Nonce\":\"n-1\",\"iat\":"
                        + RUNNING.clock().instant().getEpochSecond() + "}",
                part(first.signature(), 1));
        PublicKey one = key(made.get("publicKey"));
        assertTrue(verifies(one, first.signature()));
        assertEquals(3072, ((RSAPublicKey) one).getModulus().bitLength());
        assertEquals(Optional.empty(), first.rotatedAt());

        Instant rotated = RUNNING.clock().instant();
        PublicKey two = key(makeKey().get("publicKey"));
        Registration.Answer old = agent.register(request(1));
        assertTrue(verifies(one, old.signature()), "software built with the old key goes on");
        assertEquals(Optional.of(rotated), old.rotatedAt());
        Registration.Answer next = agent.register(request(2));
        assertTrue(verifies(two, next.signature()));
        assertFalse(verifies(one, next.signature()));
        assertEquals(Optional.empty(), next.rotatedAt());
        assertEquals(
                List.of(2L, 1L),
                ((List<?>) Json.parseObject(RUNNING.http()
                                        .get(
                                                "/v1/products/" + product + "/registration-keys",
                                                RUNNING.token(Role.SELLER, seller))
                                        .text())
                                .get("items"))
                        .stream().map(k -> ((Map<?, ?>) k).get("version")).toList());
        assertEquals(
                "{\"ProductCode\":\"" + code + "\",\"PublicKeyVersion\":2,\"iat\":"
                        + RUNNING.clock().instant().getEpochSecond() + "}",
                part(
                        agent.register(new Registration.Request(code, 2, Optional.empty()))
                                .signature(),
                        1));
    }

    @Test
    void onlyAnEntitledVmIsSignedForAndOnlyItsOwnProduct() {
        makeKey();
        ProtocolClient agent = agent();
        Http.Answer denied = agent.tryRegister(request(1)).expect(403);
        assertEquals("denied", denied.get("code"));
        assertEquals("no-agreement", denied.get("reason"));
        RUNNING.agreement(product, buyer);
        agent.tryRegister(request(1)).expect(200);
        assertEquals(
                "unknown-key-version", agent.tryRegister(request(2)).expect(400).get("code"));
        assertEquals(
                "unknown-product",
                agent.tryRegister(new Registration.Request("other", 1, Optional.empty()))
                        .expect(400)
                        .get("code"));
        String path = Wire.registrationsPath(agent.id().toString());
        Jws.Header old = Jws.Header.enrollment(
                Typ.REGISTRATION,
                ProtocolClient.ISSUER + path,
                agent.id().toString(),
                RUNNING.clock().instant().minusSeconds(301));
        assertEquals(
                "stale-request",
                agent.post(path, old, request(1).toBytes()).expect(401).get("code"));
        ProtocolClient stranger = SimulatedRegion.client(RUNNING, agent.vm());
        assertEquals(
                "invalid-signature",
                stranger.tryRegister(request(1)).expect(401).get("code"));
    }

    @Test
    void theDatabaseAloneSignsNothing() throws Exception {
        makeKey();
        // PKCS#8 starts with a SEQUENCE and a version of 0, which is what the row would hold were it not wrapped.
        try (Connection c = RUNNING.database().connect();
                Statement st = c.createStatement();
                ResultSet r = st.executeQuery("SELECT get_byte(wrapped_key, 0) = 48 AND get_byte(wrapped_key, 4) = 2,"
                        + " octet_length(wrapped_key) FROM registration_key WHERE product_id = '" + product + "'")) {
            assertTrue(r.next());
            assertFalse(r.getBoolean(1));
            assertTrue(r.getInt(2) > 1_000);
        }
    }
}
