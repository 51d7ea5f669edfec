package io.tallystick.common.jose;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.tallystick.common.error.Failure;
import io.tallystick.common.json.Json;
import io.tallystick.common.model.EnrollmentId;
import io.tallystick.common.wire.Decision;
import io.tallystick.common.wire.Lease;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.HexFormat;
import java.util.Map;
import java.util.Optional;
import org.jose4j.jwa.AlgorithmConstraints;
import org.jose4j.jwk.OctetKeyPairJsonWebKey;
import org.jose4j.jwk.PublicJsonWebKey;
import org.jose4j.jws.JsonWebSignature;
import org.jose4j.jwt.JwtClaims;
import org.jose4j.jwt.NumericDate;
import org.jose4j.jwt.consumer.InvalidJwtException;
import org.jose4j.jwt.consumer.JwtConsumer;
import org.jose4j.jwt.consumer.JwtConsumerBuilder;
import org.jose4j.lang.JoseException;
import org.junit.jupiter.api.Test;

/** Vendors verify leases with a library of their choice, so one that knows nothing of us has to agree with us. */
class JoseInteropTest {
    private static final String ISSUER = "https://tally.example";
    private static final Instant ISSUED = Instant.parse("2026-11-21T20:00:00Z");
    private static final Instant EXPIRES = ISSUED.plus(Lease.DEFAULT_LENGTH);

    private static Lease lease() {
        return new Lease(
                ISSUER,
                EnrollmentId.of("aws", "123456789012", "i-0123456789abcdef0"),
                "4b9oexample",
                ISSUED,
                EXPIRES,
                TestKeys.AGENT_KEY.thumbprint(),
                "123456789012",
                "i-0123456789abcdef0",
                "prod-1",
                Decision.Outcome.ALLOW,
                Optional.of("1.2.3"),
                Optional.empty(),
                Optional.empty());
    }

    private static String signedLease() {
        return Jws.sign(Jws.Header.issuer(Typ.LEASE, "key-1"), lease().toBytes(), TestKeys.ISSUER)
                .compact();
    }

    private static JwtConsumerBuilder vendor(Instant now) throws JoseException {
        PublicJsonWebKey key = PublicJsonWebKey.Factory.newPublicJwk(Json.write(TestKeys.ISSUER_KEY.toJson()));
        return new JwtConsumerBuilder()
                .setVerificationKey(key.getPublicKey())
                .setJwsAlgorithmConstraints(AlgorithmConstraints.ConstraintType.PERMIT, "EdDSA")
                .setExpectedIssuer(ISSUER)
                .setExpectedAudience("4b9oexample")
                .setExpectedType(true, "lease+jwt")
                .setRequireExpirationTime()
                .setRequireIssuedAt()
                .setRequireNotBefore()
                .setRequireSubject()
                .setEvaluationTime(NumericDate.fromSeconds(now.getEpochSecond()));
    }

    @Test
    void an_independent_library_verifies_a_lease_and_reads_its_claims() throws Exception {
        JwtClaims claims = vendor(ISSUED).build().processToClaims(signedLease());
        assertEquals("enr-11437dd50bf5918c2aa4c34541ff8f3b", claims.getSubject());
        assertEquals(EXPIRES.getEpochSecond(), claims.getExpirationTime().getValue());
        assertEquals(ISSUED.getEpochSecond() - 300, claims.getNotBefore().getValue());
        assertEquals(Map.of("jkt", TestKeys.AGENT_KEY.thumbprint().toString()), claims.getClaimValue("cnf", Map.class));
        assertEquals("ALLOW", claims.getStringClaimValue("decision"));
    }

    @Test
    void it_refuses_the_lease_outside_its_time_and_for_other_issuers_and_products() throws Exception {
        String lease = signedLease();
        vendor(EXPIRES.minusSeconds(1)).build().processToClaims(lease);
        vendor(ISSUED.minusSeconds(300)).build().processToClaims(lease);
        for (JwtConsumer consumer : new JwtConsumer[] {
            vendor(EXPIRES).build(),
            vendor(ISSUED.minusSeconds(301)).build(),
            vendor(ISSUED).setExpectedIssuer("https://evil.example").build(),
            vendor(ISSUED).setExpectedAudience("other").build(),
            vendor(ISSUED).setExpectedType(true, "receipt+jws").build()
        }) {
            assertThrows(InvalidJwtException.class, () -> consumer.processToClaims(lease));
        }
    }

    @Test
    void it_refuses_a_lease_whose_payload_was_changed() throws Exception {
        String[] parts = signedLease().split("\\.");
        String forged =
                new String(Base64Url.decode(parts[1]), StandardCharsets.UTF_8).replace("4b9oexample", "5b9oexample");
        String changed = parts[0] + "." + Base64Url.encode(forged.getBytes(StandardCharsets.UTF_8)) + "." + parts[2];
        JwtConsumer consumer = vendor(ISSUED).setExpectedAudience("5b9oexample").build();
        assertThrows(InvalidJwtException.class, () -> consumer.processToClaims(changed));
    }

    private static JsonWebSignature theirs(Typ typ) throws JoseException {
        Map<String, Object> key = Json.object(
                "kty",
                "OKP",
                "crv",
                "Ed25519",
                "x",
                TestKeys.AGENT_X,
                "d",
                Base64Url.encode(
                        HexFormat.of().parseHex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")));
        JsonWebSignature jws = new JsonWebSignature();
        jws.setAlgorithmHeaderValue("EdDSA");
        jws.setHeader("typ", typ.wire());
        jws.setPayload("{\"a\":1}");
        jws.setKey(((OctetKeyPairJsonWebKey) PublicJsonWebKey.Factory.newPublicJwk(key)).getPrivateKey());
        return jws;
    }

    @Test
    void what_it_signs_by_the_rules_is_accepted_here() throws Exception {
        JsonWebSignature jws = theirs(Typ.BATCH);
        jws.setHeader("iat", 1795291200L);
        jws.setHeader("url", "https://tally.example/v1/enrollments/enr-1/batches");
        jws.setKeyIdHeaderValue("enr-1");
        Jws read = Jws.parseCompact(jws.getCompactSerialization(), Typ.BATCH).verified(TestKeys.AGENT_KEY, Ed25519.JDK);
        assertArrayEquals("{\"a\":1}".getBytes(StandardCharsets.UTF_8), read.payload());
        assertEquals("enr-1", read.header().kid());
        assertEquals(ISSUED, read.header().iat());
    }

    @Test
    void what_it_signs_against_the_rules_is_refused_here() throws Exception {
        JsonWebSignature jws = theirs(Typ.RECEIPT);
        String withoutKid = jws.getCompactSerialization();
        assertThrows(Failure.class, () -> Jws.parseCompact(withoutKid, Typ.RECEIPT));
        JsonWebSignature more = theirs(Typ.RECEIPT);
        more.setKeyIdHeaderValue("k");
        Jws.parseCompact(more.getCompactSerialization(), Typ.RECEIPT);
        JsonWebSignature crit = theirs(Typ.RECEIPT);
        crit.setKeyIdHeaderValue("k");
        crit.setCriticalHeaderNames("exp");
        crit.setHeader("exp", 1L);
        String withCrit = crit.getCompactSerialization();
        assertThrows(Failure.class, () -> Jws.parseCompact(withCrit, Typ.RECEIPT));
    }
}
