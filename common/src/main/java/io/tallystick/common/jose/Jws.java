package io.tallystick.common.jose;

import io.tallystick.common.error.ErrorCode;
import io.tallystick.common.error.Failure;
import io.tallystick.common.json.Fields;
import io.tallystick.common.json.Json;
import io.tallystick.common.model.Hash;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A parsed JSON Web Signature that is well formed but NOT yet verified: nothing in {@link #payload()} may be believed
 * before {@link #verified}. Kept exactly as received, because a hash of it is evidence: {@link #hash()} is SHA-256 of
 * the signing input ({@code protected.payload} in ASCII).
 *
 * <p>Strict where RFC 7515 is lenient: flattened JSON has exactly {@code protected}, {@code payload} and {@code
 * signature}; the header has exactly the members its {@link Typ} names (so no {@code crit}, {@code b64}, {@code x5c},
 * {@code jku}); base64url has one form; {@code alg} is EdDSA over Ed25519 and nothing else.
 */
public final class Jws {
    /** How far an {@code iat} may be from the receiver's clock, either way; not applied to batches. */
    public static final Duration IAT_TOLERANCE = Duration.ofMinutes(5);

    private static final int URL_CHARS_MAX = 2048;
    private static final int KID_CHARS_MAX = 64;
    private static final String ALG = "EdDSA";

    /** The protected header; which members are present is decided by {@link #typ()}, see {@link Typ.Signatory}. */
    public record Header(
            Typ typ, @Nullable String url, @Nullable Jwk jwk, @Nullable String kid, @Nullable Instant iat) {
        /** Of {@link Typ.Signatory#OWN_KEY}. */
        public static Header ownKey(Typ typ, String url, Jwk jwk, Instant iat) {
            return new Header(typ, url, jwk, null, iat);
        }

        /** Of {@link Typ.Signatory#ENROLLMENT}. */
        public static Header enrollment(Typ typ, String url, String kid, Instant iat) {
            return new Header(typ, url, null, kid, iat);
        }

        /** Of {@link Typ.Signatory#ISSUER}. */
        public static Header issuer(Typ typ, String kid) {
            return new Header(typ, null, null, kid, null);
        }

        /** Of {@link Typ.Signatory#LOCAL}. */
        public static Header local(Typ typ, Jwk jwk) {
            return new Header(typ, null, jwk, null, null);
        }

        private byte[] toBytes() {
            return Json.writeBytes(Json.object(
                    "alg",
                    ALG,
                    "typ",
                    typ.wire(),
                    "url",
                    url,
                    "jwk",
                    jwk == null ? null : jwk.toJson(),
                    "kid",
                    kid,
                    "iat",
                    iat == null ? null : iat.getEpochSecond()));
        }
    }

    private final String protectedPart;
    private final String payloadPart;
    private final byte[] signature;
    private final Header header;
    private final byte[] payload;

    private Jws(String protectedPart, String payloadPart, byte[] signature, Header header, byte[] payload) {
        this.protectedPart = protectedPart;
        this.payloadPart = payloadPart;
        this.signature = signature;
        this.header = header;
        this.payload = payload;
    }

    /** Signs a payload. */
    public static Jws sign(Header header, byte[] payload, Ed25519.Signer signer) {
        String protectedPart = Base64Url.encode(header.toBytes());
        String payloadPart = Base64Url.encode(payload);
        byte[] input = (protectedPart + "." + payloadPart).getBytes(StandardCharsets.US_ASCII);
        return new Jws(protectedPart, payloadPart, signer.sign(input), header, payload);
    }

    /** Reads the flattened JSON form. Throws {@link Failure} {@code invalid-json} or {@code invalid-jws}. */
    public static Jws parseFlattened(byte[] body, Typ expected) {
        Map<String, Object> map = Json.parseObjectWithLongStrings(body);
        Fields fields = Fields.of(map);
        String protectedPart = fields.string("protected", Integer.MAX_VALUE);
        String payloadPart = fields.string("payload", Integer.MAX_VALUE);
        String signature = fields.string("signature", Integer.MAX_VALUE);
        fields.done(ErrorCode.INVALID_JWS);
        return parse(protectedPart, payloadPart, signature, expected);
    }

    /** Reads the compact form: the form of leases, receipts in store, and evidence. */
    public static Jws parseCompact(String text, Typ expected) {
        String[] parts = text.split("\\.", -1);
        if (parts.length != 3) {
            throw Failure.of(ErrorCode.INVALID_JWS, "the compact form has three parts, this has " + parts.length);
        }
        return parse(parts[0], parts[1], parts[2], expected);
    }

    private static Jws parse(String protectedPart, String payloadPart, String signaturePart, Typ expected) {
        byte[] headerBytes = decode("protected", protectedPart);
        byte[] payload = decode("payload", payloadPart);
        byte[] signature = decode("signature", signaturePart);
        Header header = readHeader(headerBytes, expected);
        if (!Ed25519.isCanonicalSignature(signature)) {
            throw Failure.of(ErrorCode.INVALID_JWS, "signature: must be 64 bytes in canonical form");
        }
        return new Jws(protectedPart, payloadPart, signature, header, payload);
    }

    private static Header readHeader(byte[] bytes, Typ expected) {
        Fields fields = Fields.parse(bytes);
        String alg = fields.string("alg", 16);
        if (!alg.equals(ALG) && !alg.isEmpty()) {
            fields.problem("alg", "must be EdDSA");
        }
        String typ = fields.string("typ", 32);
        if (!typ.equals(expected.wire()) && !typ.isEmpty()) {
            fields.problem("typ", "must be " + expected.wire() + " here");
        }
        Typ.Signatory signatory = expected.signatory();
        boolean own = signatory == Typ.Signatory.OWN_KEY || signatory == Typ.Signatory.LOCAL;
        boolean request = signatory == Typ.Signatory.OWN_KEY || signatory == Typ.Signatory.ENROLLMENT;
        String url = request ? fields.string("url", URL_CHARS_MAX) : null;
        Jwk jwk = own ? Jwk.read(fields.object("jwk")) : null;
        String kid = own ? null : fields.string("kid", KID_CHARS_MAX);
        Instant iat = request ? Instant.ofEpochSecond(fields.number("iat", 0, 253_402_300_799L)) : null;
        fields.done(ErrorCode.INVALID_JWS);
        return new Header(expected, url, jwk, kid, iat);
    }

    private static byte[] decode(String what, String text) {
        try {
            return Base64Url.decode(text);
        } catch (IllegalArgumentException e) {
            throw Failure.of(ErrorCode.INVALID_JWS, what + ": " + e.getMessage());
        }
    }

    /** This envelope if its signature verifies under the key; otherwise {@link Failure} {@code invalid-signature}. */
    public Jws verified(Jwk key, Ed25519.SignatureVerifier verifier) {
        if (!verifier.verify(key.bytes(), signingInput(), signature)) {
            throw Failure.of(ErrorCode.INVALID_SIGNATURE, "the signature does not verify under the key");
        }
        return this;
    }

    /** Refuses a request signed more than {@link #IAT_TOLERANCE} before or after now; not for batches. */
    public Jws fresh(Instant now) {
        Instant iat = header.iat();
        if (iat != null && Duration.between(iat, now).abs().compareTo(IAT_TOLERANCE) > 0) {
            throw Failure.of(
                            ErrorCode.STALE_REQUEST,
                            "iat: must be within " + IAT_TOLERANCE.toMinutes() + " minutes of the receiver's time")
                    .with("serverTime", now.toString());
        }
        return this;
    }

    public Header header() {
        return header;
    }

    public byte[] payload() {
        return payload.clone();
    }

    /** SHA-256 of the signing input. */
    public Hash hash() {
        return Hash.of(signingInput());
    }

    /** The compact form, as kept for evidence. */
    public String compact() {
        return protectedPart + "." + payloadPart + "." + Base64Url.encode(signature);
    }

    /** The flattened JSON form, as sent. */
    public byte[] flattened() {
        return Json.writeBytes(Json.object(
                "protected", protectedPart, "payload", payloadPart, "signature", Base64Url.encode(signature)));
    }

    private byte[] signingInput() {
        return (protectedPart + "." + payloadPart).getBytes(StandardCharsets.US_ASCII);
    }
}
