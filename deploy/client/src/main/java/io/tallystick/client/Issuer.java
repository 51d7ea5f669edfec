package io.tallystick.client;

import io.tallystick.client.AnswerNotTrustedException.Why;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpRequest;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * The marketplace whose leases a program believes: its public URL and its keys. Build both into the program: what is read
 * from the VM is chosen by the VM's owner. Thread-safe.
 */
public final class Issuer {
    private static final Duration FETCH = Duration.ofSeconds(10);
    private static final int STATUS_OK = 200;

    private final String url;
    private final Map<String, byte[]> keys = new ConcurrentHashMap<>();
    private final boolean online;
    private final Http http = new Http();

    private Issuer(String url, boolean online) {
        this.url = url.endsWith("/") ? url.substring(0, url.length() - 1) : url;
        this.online = online;
        URI uri = URI.create(this.url);
        String host = String.valueOf(uri.getHost());
        boolean loopback = host.equals("127.0.0.1") || host.equals("localhost") || host.equals("[::1]");
        if (!"https".equals(uri.getScheme()) && !("http".equals(uri.getScheme()) && loopback)) {
            throw new IllegalArgumentException("an issuer is an https URL (http only on loopback): " + url);
        }
    }

    /**
     * Believes these keys only, and never asks the network. New keys of the marketplace, published a day before their first
     * use, need a new release of the program.
     *
     * @param jwks the content of the marketplace's {@code /.well-known/jwks.json}
     */
    public static Issuer pinned(String url, String jwks) {
        Issuer i = new Issuer(url, false);
        i.read(jwks.getBytes(StandardCharsets.UTF_8));
        return i;
    }

    /** Fetches the keys from the marketplace by https when a lease is signed by one not met before. */
    public static Issuer online(String url) {
        return new Issuer(url, true);
    }

    /** {@link #pinned} for the keys known when the program was made, {@link #online} for later ones. */
    public static Issuer pinnedThenOnline(String url, String jwks) {
        Issuer i = new Issuer(url, true);
        i.read(jwks.getBytes(StandardCharsets.UTF_8));
        return i;
    }

    public String url() {
        return url;
    }

    byte[] key(String kid) {
        byte[] key = keys.get(kid);
        if (key == null && online) {
            fetch();
            key = keys.get(kid);
        }
        if (key == null) {
            throw new AnswerNotTrustedException(
                    Why.UNKNOWN_KEY, "the lease is signed by a key that is not known to be one of " + url);
        }
        return key;
    }

    private void fetch() {
        try {
            HttpRequest request = HttpRequest.newBuilder(URI.create(url + "/.well-known/jwks.json"))
                    .GET()
                    .build();
            Http.Answer answer = http.send(request, FETCH);
            if (answer.status() != STATUS_OK) {
                throw new IOException("HTTP " + answer.status());
            }
            read(answer.body());
        } catch (IOException | IllegalArgumentException e) {
            throw new AnswerNotTrustedException(
                    Why.UNKNOWN_KEY, "the keys of " + url + " cannot be had: " + e.getMessage(), e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new AnswerNotTrustedException(Why.UNKNOWN_KEY, "interrupted while fetching keys", e);
        }
    }

    /** Keys of other kinds are passed over: they are not for leases. A key id never changes its key. */
    private void read(byte[] jwks) {
        List<?> list = Json.readObject(jwks).get("keys") instanceof List<?> l ? l : List.of();
        int found = 0;
        for (Object each : list) {
            if (each instanceof Map<?, ?> m
                    && "OKP".equals(m.get("kty"))
                    && "Ed25519".equals(m.get("crv"))
                    && m.get("kid") instanceof String kid
                    && m.get("x") instanceof String x) {
                keys.putIfAbsent(kid, Jose.decode(x));
                found++;
            }
        }
        if (found == 0) {
            throw new IllegalArgumentException("the key set has no Ed25519 key");
        }
    }

    /** The claims of a genuine lease and the signer of the proof; throws {@link AnswerNotTrustedException} otherwise. */
    Lease verify(@Nullable Object lease, @Nullable Object proof, String nonce, Optional<String> product) {
        if (!(lease instanceof String compact) || !(proof instanceof String proofText)) {
            throw new AnswerNotTrustedException(Why.NO_PROOF, "the answer allows without a lease and a signed nonce");
        }
        Jose jwt = Jose.parse(compact, "lease+jwt");
        if (!(jwt.header().get("kid") instanceof String kid)) {
            throw new AnswerNotTrustedException(Why.MALFORMED, "the lease names no key");
        }
        if (!jwt.verify(key(kid))) {
            throw new AnswerNotTrustedException(Why.LEASE_SIGNATURE, "the lease's signature does not verify");
        }
        Claims claims = new Claims(jwt.payload());
        if (!claims.text("iss").equals(url)) {
            throw new AnswerNotTrustedException(Why.OTHER_ISSUER, "the lease is of " + claims.text("iss"));
        }
        if (product.isPresent() && !claims.text("aud").equals(product.get())) {
            throw new AnswerNotTrustedException(Why.OTHER_PRODUCT, "the lease is for " + claims.text("aud"));
        }
        Claims said = proof(proofText, claims.confirmation());
        if (!said.text("nonce").equals(nonce)) {
            throw new AnswerNotTrustedException(Why.OTHER_NONCE, "the proof is for another nonce");
        }
        if (!said.text("lease").equals(Jose.hash(compact))) {
            throw new AnswerNotTrustedException(Why.OTHER_LEASE, "the proof is for another lease");
        }
        return claims.lease(said.instant("time"), compact);
    }

    private static Claims proof(String compact, String thumbprint) {
        Jose proof = Jose.parse(compact, "nonce+jws");
        if (!(proof.header().get("jwk") instanceof Map<?, ?> jwk)
                || !"OKP".equals(jwk.get("kty"))
                || !"Ed25519".equals(jwk.get("crv"))
                || !(jwk.get("x") instanceof String x)) {
            throw new AnswerNotTrustedException(Why.MALFORMED, "the proof names no Ed25519 key");
        }
        byte[] key;
        try {
            key = Jose.decode(x);
        } catch (IllegalArgumentException e) {
            throw new AnswerNotTrustedException(Why.MALFORMED, "the proof's key: " + e.getMessage(), e);
        }
        if (!Jose.thumbprint(x).equals(thumbprint)) {
            throw new AnswerNotTrustedException(Why.OTHER_KEY, "the lease was given to another agent's key");
        }
        if (!proof.verify(key)) {
            throw new AnswerNotTrustedException(Why.PROOF_SIGNATURE, "the proof's signature does not verify");
        }
        return new Claims(proof.payload());
    }
}
