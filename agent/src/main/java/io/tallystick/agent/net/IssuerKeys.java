package io.tallystick.agent.net;

import io.tallystick.agent.store.Store;
import io.tallystick.common.error.ErrorCode;
import io.tallystick.common.error.Failure;
import io.tallystick.common.jose.Base64Url;
import io.tallystick.common.jose.Ed25519;
import io.tallystick.common.jose.Jwk;
import io.tallystick.common.jose.Jws;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * The aggregator's public keys, fetched over its TLS connection when first met and kept in the store, so that leases
 * verify while the aggregator is away. A key id never changes its key. One thread.
 */
public final class IssuerKeys {
    private static final Pattern KID = Pattern.compile("[A-Za-z0-9_-]{1,64}");

    private final Store store;
    private final Aggregator aggregator;
    private final Map<String, Jwk> known = new HashMap<>();

    public IssuerKeys(Store store, Aggregator aggregator) {
        this.store = store;
        this.aggregator = aggregator;
    }

    /** The envelope if its signature verifies; asks the aggregator for a key not met before. */
    public Jws verify(Jws jws) throws Unreachable {
        Jwk key = find(jws);
        if (key == null) {
            throw new Unreachable("the aggregator does not know the key that signed its own answer");
        }
        try {
            return jws.verified(key, Ed25519.JDK);
        } catch (Failure e) {
            throw new Unreachable("the answer's signature does not verify");
        }
    }

    /** As {@link #verify} with keys already kept; throws {@link Failure} where the key is not among them. */
    public Jws verifyOffline(Jws jws) {
        Jwk key = kept(kid(jws));
        if (key == null) {
            throw Failure.of(ErrorCode.INVALID_SIGNATURE, "the key that signed this is not known here");
        }
        return jws.verified(key, Ed25519.JDK);
    }

    private @Nullable Jwk find(Jws jws) throws Unreachable {
        String kid = kid(jws);
        Jwk key = kept(kid);
        if (key != null) {
            return key;
        }
        try {
            Map<String, Object> set = aggregator.get("/.well-known/jwks.json");
            if (set.get("keys") instanceof List<?> keys) {
                keys.forEach(this::keep);
            }
            if (!known.containsKey(kid)) {
                keep(aggregator.get("/v1/keys/" + kid));
            }
        } catch (Refused e) {
            throw new Unreachable("the aggregator's keys cannot be had: " + e.getMessage());
        }
        return known.get(kid);
    }

    private static String kid(Jws jws) {
        String kid = jws.header().kid();
        if (kid == null || !KID.matcher(kid).matches()) {
            throw Failure.of(ErrorCode.INVALID_JWS, "kid: must be 1 to 64 characters of base64url");
        }
        return kid;
    }

    private @Nullable Jwk kept(String kid) {
        Jwk key = known.get(kid);
        if (key == null) {
            Optional<String> x =
                    store.call(tx -> tx.first("SELECT x FROM issuer_key WHERE kid = ?", r -> r.getString(1), kid));
            if (x.isPresent()) {
                key = Jwk.ofBytes(Base64Url.decode(x.get()));
                known.put(kid, key);
            }
        }
        return key;
    }

    private void keep(@Nullable Object jwk) {
        if (!(jwk instanceof Map<?, ?> members)
                || !(members.get("kid") instanceof String kid)
                || !(members.get("x") instanceof String x)
                || !"OKP".equals(members.get("kty"))
                || !"Ed25519".equals(members.get("crv"))
                || !KID.matcher(kid).matches()) {
            return;
        }
        try {
            Jwk key = Jwk.ofBytes(Base64Url.decode(x));
            if (known.putIfAbsent(kid, key) == null) {
                store.call(tx -> tx.change(
                        "INSERT INTO issuer_key (kid, x) VALUES (?, ?) ON CONFLICT (kid) DO NOTHING", kid, x));
            }
        } catch (IllegalArgumentException e) {
            // A key this agent would never accept; another of the set may be the one.
            return;
        }
    }

    /** Forgets what is held in memory: the store was replaced. */
    public void reset() {
        known.clear();
    }
}
