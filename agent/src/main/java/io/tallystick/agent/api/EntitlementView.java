package io.tallystick.agent.api;

import io.tallystick.agent.enroll.AgentKey;
import io.tallystick.agent.enroll.State;
import io.tallystick.agent.enroll.Verdict;
import io.tallystick.common.jose.Jws;
import io.tallystick.common.jose.Typ;
import io.tallystick.common.json.Json;
import io.tallystick.common.model.Hash;
import io.tallystick.common.wire.NonceProof;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/** A verdict as {@code GET /v1/entitlement} writes it. */
final class EntitlementView {
    private EntitlementView() {}

    static String word(Verdict v) {
        return v.word().name().toLowerCase(Locale.ROOT);
    }

    /** With a nonce and a lease, also this agent's signature over both. */
    static Map<String, Object> document(Verdict v, Optional<String> nonce, AgentKey key, Instant now) {
        String proof = null;
        if (nonce.isPresent() && v.lease().isPresent()) {
            Hash lease = Hash.of(v.lease().get().getBytes(StandardCharsets.US_ASCII));
            proof = Jws.sign(
                            Jws.Header.local(Typ.NONCE, key.jwk()),
                            new NonceProof(nonce.get(), lease, now).toBytes(),
                            key.signer())
                    .compact();
        }
        return Json.object(
                "state",
                v.state().name(),
                "decision",
                word(v),
                "product",
                v.product().orElse(null),
                "grace",
                v.grace() ? true : null,
                "offline",
                v.state() == State.OFFLINE_GRACE ? true : null,
                "code",
                v.code().orElse(null),
                "sentence",
                v.sentence().orElse(null),
                "remedy",
                v.remedy().orElse(null),
                "thumbprint",
                v.thumbprint().orElse(null),
                "lease",
                v.lease().orElse(null),
                "expiresAt",
                v.expiresAt().orElse(null),
                "nonceProof",
                proof,
                "retryAfter",
                v.retrySeconds().orElse(null));
    }
}
