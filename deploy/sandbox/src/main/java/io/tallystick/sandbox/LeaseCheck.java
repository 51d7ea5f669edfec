package io.tallystick.sandbox;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Clock;
import java.util.Base64;
import java.util.Map;
import org.jose4j.jwa.AlgorithmConstraints;
import org.jose4j.jwk.JsonWebKeySet;
import org.jose4j.jwk.PublicJsonWebKey;
import org.jose4j.jws.JsonWebSignature;
import org.jose4j.jwt.JwtClaims;
import org.jose4j.jwt.MalformedClaimException;
import org.jose4j.jwt.NumericDate;
import org.jose4j.jwt.consumer.InvalidJwtException;
import org.jose4j.jwt.consumer.JwtConsumerBuilder;
import org.jose4j.keys.resolvers.JwksVerificationKeyResolver;
import org.jose4j.lang.JoseException;

/**
 * What a vendor's program does with a lease, with a JWT library that has nothing to do with this project: verifies it
 * offline under keys fetched before, pins issuer and audience, and believes the agent only with a fresh signature by
 * the key the lease names.
 */
final class LeaseCheck {
    private static final AlgorithmConstraints EDDSA_ONLY =
            new AlgorithmConstraints(AlgorithmConstraints.ConstraintType.PERMIT, "EdDSA");

    private final JsonWebKeySet keys;
    private final String issuer;
    private final Clock clock;

    /** {@code jwks} is the text of the aggregator's {@code /.well-known/jwks.json}. */
    LeaseCheck(String jwks, String issuer, Clock clock) {
        try {
            this.keys = new JsonWebKeySet(jwks);
        } catch (JoseException e) {
            throw new StepFailure("a JSON Web Key Set", jwks);
        }
        this.issuer = issuer;
        this.clock = clock;
    }

    /** The claims of a lease that holds for this product now; otherwise {@link StepFailure}. */
    JwtClaims verify(String lease, String productCode) {
        try {
            return new JwtConsumerBuilder()
                    .setExpectedIssuer(true, issuer)
                    .setExpectedAudience(true, productCode)
                    .setExpectedType(true, "lease+jwt")
                    .setRequireExpirationTime()
                    .setRequireNotBefore()
                    .setRequireIssuedAt()
                    .setRequireSubject()
                    .setJwsAlgorithmConstraints(EDDSA_ONLY)
                    .setVerificationKeyResolver(new JwksVerificationKeyResolver(keys.getJsonWebKeys()))
                    .setEvaluationTime(NumericDate.fromMilliseconds(clock.millis()))
                    .build()
                    .processToClaims(lease);
        } catch (InvalidJwtException e) {
            throw new StepFailure("a lease that verifies offline for " + productCode, e.toString());
        }
    }

    /** Whether the library refuses this lease for that product. */
    boolean refuses(String lease, String productCode) {
        try {
            verify(lease, productCode);
            return false;
        } catch (StepFailure e) {
            return true;
        }
    }

    /** Checks that the holder of the key named in the lease signed this nonce and this very lease. */
    void verifyNonce(String proof, String nonce, String lease, JwtClaims claims) {
        try {
            JsonWebSignature jws = new JsonWebSignature();
            jws.setAlgorithmConstraints(EDDSA_ONLY);
            jws.setCompactSerialization(proof);
            PublicJsonWebKey key = jws.getJwkHeader();
            jws.setKey(key.getPublicKey());
            if (!jws.verifySignature()) {
                throw new StepFailure("a nonce proof whose signature verifies", proof);
            }
            equal("thumbprint of the nonce proof's key, as cnf.jkt of the lease", jkt(claims), thumbprint(key));
            equal("type of the nonce proof", "nonce+jws", jws.getHeader("typ"));
            Doc payload = Doc.parse(jws.getPayload());
            equal("nonce of the nonce proof", nonce, payload.text("nonce"));
            equal("lease hash of the nonce proof", sha256(lease), payload.text("lease"));
        } catch (JoseException e) {
            throw new StepFailure("a nonce proof of the agent", e.getMessage() + ": " + proof);
        }
    }

    /** {@code cnf.jkt}. */
    static String jkt(JwtClaims claims) {
        try {
            Map<?, ?> cnf = claims.getClaimValue("cnf", Map.class);
            return String.valueOf(cnf.get("jkt"));
        } catch (MalformedClaimException e) {
            throw new StepFailure("a lease with cnf.jkt", claims.toString());
        }
    }

    private static String thumbprint(PublicJsonWebKey key) {
        return key.calculateBase64urlEncodedThumbprint("SHA-256");
    }

    private static String sha256(String text) {
        try {
            byte[] hash = MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.US_ASCII));
            return Base64.getUrlEncoder().withoutPadding().encodeToString(hash);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every JDK has SHA-256", e);
        }
    }

    private static void equal(String what, String expected, String got) {
        if (!expected.equals(got)) {
            throw new StepFailure(what + ": " + expected, got);
        }
    }
}
