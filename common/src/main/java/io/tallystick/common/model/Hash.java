package io.tallystick.common.model;

import io.tallystick.common.jose.Base64Url;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;

/** A SHA-256 hash; base64url without padding on the wire (43 characters). */
public final class Hash {
    public static final int BYTES = 32;

    /** Thirty-two zero bytes: what the first batch of a new enrollment names as its predecessor. */
    public static final Hash NONE = new Hash(new byte[BYTES]);

    private final byte[] bytes;

    private Hash(byte[] bytes) {
        this.bytes = bytes;
    }

    /** The hash of these bytes. */
    public static Hash of(byte[] content) {
        try {
            return new Hash(MessageDigest.getInstance("SHA-256").digest(content));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every JDK has SHA-256", e);
        }
    }

    /** Takes an existing hash. */
    public static Hash ofBytes(byte[] hash) {
        if (hash.length != BYTES) {
            throw new IllegalArgumentException("must be " + BYTES + " bytes");
        }
        return new Hash(hash.clone());
    }

    public static Hash parse(String text) {
        byte[] bytes = Base64Url.decode(text);
        if (bytes.length != BYTES) {
            throw new IllegalArgumentException("must be a SHA-256 hash as 43 base64url characters");
        }
        return new Hash(bytes);
    }

    public byte[] bytes() {
        return bytes.clone();
    }

    @Override
    public boolean equals(Object o) {
        return o instanceof Hash h && Arrays.equals(bytes, h.bytes);
    }

    @Override
    public int hashCode() {
        return Arrays.hashCode(bytes);
    }

    @Override
    public String toString() {
        return Base64Url.encode(bytes);
    }
}
