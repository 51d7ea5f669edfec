package io.tallystick.agent.app;

import io.tallystick.common.error.ErrorCode;
import io.tallystick.common.error.Failure;
import io.tallystick.common.jose.Base64Url;
import io.tallystick.common.jose.Ed25519;
import io.tallystick.common.jose.Jwk;
import io.tallystick.common.jose.Jws;
import io.tallystick.common.jose.Typ;
import io.tallystick.common.json.Json;
import io.tallystick.common.model.Hash;
import io.tallystick.common.wire.Lease;
import io.tallystick.common.wire.NonceProof;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Whether an answer that allows was made by an agent with a lease of the issuer: for scripts that pin the issuer. */
final class ProofCheck {
    /** A lease may end between the agent's decision and its signature. */
    private static final Duration LEEWAY = Duration.ofSeconds(5);

    private final String issuer;
    private final Map<String, Jwk> keys = new HashMap<>();

    /** @param jwks the content of the issuer's {@code /.well-known/jwks.json}; {@link Failure} if it holds no key */
    ProofCheck(String issuer, byte[] jwks) {
        this.issuer = issuer.endsWith("/") ? issuer.substring(0, issuer.length() - 1) : issuer;
        List<?> list = Json.parseObject(jwks).get("keys") instanceof List<?> l ? l : List.of();
        for (Object each : list) {
            if (each instanceof Map<?, ?> m
                    && "OKP".equals(m.get("kty"))
                    && "Ed25519".equals(m.get("crv"))
                    && m.get("kid") instanceof String kid
                    && m.get("x") instanceof String x) {
                keys.put(kid, Jwk.ofBytes(Base64Url.decode(x)));
            }
        }
        if (keys.isEmpty()) {
            throw Failure.of(ErrorCode.INVALID_REQUEST, "--issuer-keys: the file holds no Ed25519 key");
        }
    }

    /** What is wrong with the proof; empty for a genuine one. */
    Optional<String> problem(@Nullable Object lease, @Nullable Object proof, String nonce, @Nullable String product) {
        if (!(lease instanceof String compact) || !(proof instanceof String proofText)) {
            return Optional.of("the answer allows without a lease and a signed nonce");
        }
        try {
            Jws jws = Jws.parseCompact(compact, Typ.LEASE);
            Jwk key = keys.get(String.valueOf(jws.header().kid()));
            if (key == null) {
                return Optional.of("the lease is signed by a key that is not in --issuer-keys");
            }
            Lease said = Lease.parse(jws.verified(key, Ed25519.JDK).payload());
            Jws local = Jws.parseCompact(proofText, Typ.NONCE);
            Jwk own = local.header().jwk();
            if (own == null || !own.thumbprint().equals(said.agentKey())) {
                return Optional.of("the lease was given to another agent's key");
            }
            NonceProof proved =
                    NonceProof.parse(local.verified(own, Ed25519.JDK).payload());
            return wrong(said, proved, nonce, product, compact);
        } catch (Failure e) {
            return Optional.of(String.valueOf(e.getMessage()));
        }
    }

    private Optional<String> wrong(
            Lease said, NonceProof proved, String nonce, @Nullable String product, String compact) {
        // The agent's time comes from the aggregator; the VM's own clock may be wrong.
        Instant now = proved.time();
        if (!said.issuer().equals(issuer)) {
            return Optional.of("the lease is of another issuer, " + said.issuer());
        }
        if (product != null && !said.productCode().equals(product)) {
            return Optional.of("the lease is for another product, " + said.productCode());
        }
        if (!proved.nonce().equals(nonce)) {
            return Optional.of("the proof is for another nonce");
        }
        if (!proved.lease().equals(Hash.of(compact.getBytes(StandardCharsets.US_ASCII)))) {
            return Optional.of("the proof is for another lease");
        }
        if (now.isBefore(said.issuedAt().minus(Lease.NBF_LEEWAY))
                || !now.isBefore(said.expiresAt().plus(LEEWAY))) {
            return Optional.of("the lease has ended or not begun");
        }
        return Optional.empty();
    }
}
