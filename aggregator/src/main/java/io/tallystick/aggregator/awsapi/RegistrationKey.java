package io.tallystick.aggregator.awsapi;

import io.tallystick.common.json.Json;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.Base64;
import java.util.Map;
import java.util.Optional;

/**
 * A version of a product's key, as its seller sees it.
 *
 * @param pem the public key, X.509 SubjectPublicKeyInfo
 * @param rotatedAt when the next version was made; its answers say so from then on
 */
public record RegistrationKey(
        String productId, int version, String pem, Instant createdAt, Optional<Instant> rotatedAt) {
    private static final int PEM_LINE_CHARS = 64;

    static String pem(byte[] spki) {
        return "-----BEGIN PUBLIC KEY-----\n"
                + Base64.getMimeEncoder(PEM_LINE_CHARS, "\n".getBytes(StandardCharsets.US_ASCII))
                        .encodeToString(spki)
                + "\n-----END PUBLIC KEY-----\n";
    }

    public Map<String, Object> json() {
        return Json.object(
                "product",
                productId,
                "version",
                version,
                "publicKey",
                pem,
                "createdAt",
                createdAt,
                "rotatedAt",
                rotatedAt.orElse(null));
    }
}
