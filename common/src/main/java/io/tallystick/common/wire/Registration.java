package io.tallystick.common.wire;

import io.tallystick.common.json.Fields;
import io.tallystick.common.json.Json;
import java.time.Instant;
import java.util.Optional;

/**
 * The exchange behind AWS's {@code RegisterUsage}: a copy of a product asks for the aggregator's word that it runs where
 * it may, signed with a key of the product, so that the seller's software needs no key of ours.
 */
public final class Registration {
    /** Versions count from 1. */
    public static final int VERSION_MIN = 1;

    private static final int SIGNATURE_CHARS_MAX = 8 * 1024;

    private Registration() {}

    /**
     * Payload of a {@code registration+jws}. Repeating one changes nothing, so it has no counter.
     *
     * @param publicKeyVersion of the product's key that the software verifies with
     * @param nonce what the software made up; comes back in the signature
     */
    public record Request(String product, int publicKeyVersion, Optional<String> nonce) {
        public byte[] toBytes() {
            return Json.writeBytes(
                    Json.object("product", product, "publicKeyVersion", publicKeyVersion, "nonce", nonce.orElse(null)));
        }

        public static Request parse(byte[] payload) {
            Fields f = Fields.parse(payload);
            Request r = new Request(
                    f.string("product", Wire.PRODUCT_CODE_CHARS_MAX),
                    (int) f.number("publicKeyVersion", VERSION_MIN, Integer.MAX_VALUE),
                    f.optionalString("nonce", Wire.NONCE_CHARS_MAX));
            f.done();
            return r;
        }
    }

    /**
     * Payload of the {@code answer+jws} to it.
     *
     * @param request the hash of the request
     * @param signature a JWT, PS256, with a key that is the product's alone
     * @param rotatedAt when a newer version replaced the key, if one did
     */
    public record Answer(String request, String signature, Optional<Instant> rotatedAt) {
        public byte[] toBytes() {
            return Json.writeBytes(
                    Json.object("request", request, "signature", signature, "rotatedAt", rotatedAt.orElse(null)));
        }

        public static Answer parse(byte[] payload) {
            Fields f = Fields.parse(payload);
            Answer a = new Answer(
                    f.string("request", 64),
                    f.string("signature", SIGNATURE_CHARS_MAX),
                    f.optionalInstant("rotatedAt"));
            f.done();
            return a;
        }
    }
}
