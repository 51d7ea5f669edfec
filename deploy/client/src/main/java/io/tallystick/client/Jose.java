package io.tallystick.client;

import io.tallystick.client.AnswerNotTrustedException.Why;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.security.PublicKey;
import java.security.Signature;
import java.security.spec.X509EncodedKeySpec;
import java.util.Arrays;
import java.util.Base64;
import java.util.HexFormat;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Compact JWS (RFC 7515) over Ed25519 (RFC 8037), and nothing else of either. */
record Jose(Map<String, @Nullable Object> header, byte[] payload, byte[] signed, byte[] signature) {
    private static final byte[] SPKI_PREFIX = HexFormat.of().parseHex("302a300506032b6570032100");
    private static final int KEY_BYTES = 32;

    /** Reads the form; what it says is not to be believed before {@link #verify}. */
    static Jose parse(String compact, String typ) {
        String[] parts = compact.split("\\.", -1);
        if (parts.length != 3) {
            throw new AnswerNotTrustedException(Why.MALFORMED, "the " + typ + " does not have three parts");
        }
        try {
            Map<String, @Nullable Object> header = Json.readObject(decode(parts[0]));
            // "crit" names rules that this code does not know; alg and typ are fixed, so that nothing is taken for
            // another.
            if (!"EdDSA".equals(header.get("alg")) || !typ.equals(header.get("typ")) || header.containsKey("crit")) {
                throw new AnswerNotTrustedException(Why.MALFORMED, "not a " + typ + " signed with EdDSA");
            }
            byte[] signed = (parts[0] + "." + parts[1]).getBytes(StandardCharsets.US_ASCII);
            return new Jose(header, decode(parts[1]), signed, decode(parts[2]));
        } catch (IllegalArgumentException e) {
            throw new AnswerNotTrustedException(Why.MALFORMED, "the " + typ + ": " + e.getMessage(), e);
        }
    }

    boolean verify(byte[] publicKey) {
        if (publicKey.length != KEY_BYTES) {
            return false;
        }
        try {
            byte[] spki = Arrays.copyOf(SPKI_PREFIX, SPKI_PREFIX.length + KEY_BYTES);
            System.arraycopy(publicKey, 0, spki, SPKI_PREFIX.length, KEY_BYTES);
            PublicKey key = KeyFactory.getInstance("Ed25519").generatePublic(new X509EncodedKeySpec(spki));
            Signature s = Signature.getInstance("Ed25519");
            s.initVerify(key);
            s.update(signed);
            return s.verify(signature);
        } catch (GeneralSecurityException e) {
            // Not a point of the curve, or not a signature: neither verifies.
            return false;
        }
    }

    /** RFC 7638 for an Ed25519 key; {@code x} was decoded before, so it holds nothing that JSON would escape. */
    static String thumbprint(String x) {
        return hash("{\"crv\":\"Ed25519\",\"kty\":\"OKP\",\"x\":\"" + x + "\"}");
    }

    static String hash(String text) {
        try {
            return encode(MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8)));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every JDK has SHA-256", e);
        }
    }

    static String encode(byte[] bytes) {
        return Base64.getUrlEncoder().withoutPadding().encodeToString(bytes);
    }

    /** One text for one value: no padding, no unused bits. */
    static byte[] decode(String text) {
        byte[] bytes = Base64.getUrlDecoder().decode(text);
        if (!encode(bytes).equals(text)) {
            throw new IllegalArgumentException("not canonical base64url");
        }
        return bytes;
    }
}
