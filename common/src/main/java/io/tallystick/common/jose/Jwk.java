package io.tallystick.common.jose;

import io.tallystick.common.json.Fields;
import io.tallystick.common.json.Json;
import io.tallystick.common.model.Hash;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Map;

/**
 * An Ed25519 public key (RFC 8037). Refuses encodings that are not canonical and points of low order, with {@link
 * IllegalArgumentException}.
 */
public final class Jwk {
    /** The base point: a valid key that stands in while problems are collected, and never escapes. */
    private static final Jwk PLACEHOLDER = new Jwk(placeholder());

    private final byte[] x;

    private Jwk(byte[] x) {
        if (!Ed25519.isAcceptableKey(x)) {
            throw new IllegalArgumentException("must be a canonical Ed25519 public key that is not of low order");
        }
        this.x = x;
    }

    /** A key by its 32-byte encoding. */
    public static Jwk ofBytes(byte[] x) {
        return new Jwk(x.clone());
    }

    /** Reads exactly {@code kty}, {@code crv} and {@code x}; problems go to the reader, which answers later. */
    public static Jwk read(Fields fields) {
        String kty = fields.string("kty", 8);
        String crv = fields.string("crv", 16);
        if (!kty.equals("OKP") && !kty.isEmpty()) {
            fields.problem("kty", "must be OKP");
        }
        if (!crv.equals("Ed25519") && !crv.isEmpty()) {
            fields.problem("crv", "must be Ed25519");
        }
        return fields.parsed("x", text -> new Jwk(Base64Url.decode(text)), PLACEHOLDER);
    }

    private static byte[] placeholder() {
        byte[] basePoint = new byte[Ed25519.KEY_BYTES];
        java.util.Arrays.fill(basePoint, (byte) 0x66);
        basePoint[0] = 0x58;
        return basePoint;
    }

    /** As a JSON object {@code {"kty":"OKP","crv":"Ed25519","x":…}}. */
    public Map<String, Object> toJson() {
        return Json.object("kty", "OKP", "crv", "Ed25519", "x", Base64Url.encode(x));
    }

    /** The RFC 7638 thumbprint (RFC 8037 section 2 for the members): what {@code cnf.jkt} and key ids are made of. */
    public Hash thumbprint() {
        String canonical = "{\"crv\":\"Ed25519\",\"kty\":\"OKP\",\"x\":\"" + Base64Url.encode(x) + "\"}";
        return Hash.of(canonical.getBytes(StandardCharsets.UTF_8));
    }

    public byte[] bytes() {
        return x.clone();
    }

    @Override
    public boolean equals(Object o) {
        return o instanceof Jwk j && Arrays.equals(x, j.x);
    }

    @Override
    public int hashCode() {
        return Arrays.hashCode(x);
    }

    @Override
    public String toString() {
        return "Jwk[" + thumbprint() + "]";
    }
}
