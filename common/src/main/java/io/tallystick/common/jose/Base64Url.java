package io.tallystick.common.jose;

import java.nio.charset.StandardCharsets;
import java.util.Base64;

/** Base64url without padding, one text per value: padding, white space and non-zero spare bits are refused. */
public final class Base64Url {
    private static final Base64.Encoder ENCODER = Base64.getUrlEncoder().withoutPadding();

    private Base64Url() {}

    public static String encode(byte[] bytes) {
        return ENCODER.encodeToString(bytes);
    }

    /** Throws {@link IllegalArgumentException} for anything this class's {@link #encode} would not have written. */
    public static byte[] decode(String text) {
        byte[] bytes;
        try {
            bytes = Base64.getUrlDecoder().decode(text.getBytes(StandardCharsets.ISO_8859_1));
        } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException("is not base64url", e);
        }
        if (!encode(bytes).equals(text)) {
            throw new IllegalArgumentException("is not canonical base64url without padding");
        }
        return bytes;
    }
}
