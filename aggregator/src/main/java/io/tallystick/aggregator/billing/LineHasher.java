package io.tallystick.aggregator.billing;

import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;

/** Counts lines (or charges) and hashes their NDJSON bytes, in order: what a run and a page are checked by. Not thread-safe. */
final class LineHasher {
    private final MessageDigest sha256;
    private long count;

    LineHasher() {
        try {
            sha256 = MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every JDK has SHA-256", e);
        }
    }

    void add(byte[] ndjson) {
        sha256.update(ndjson);
        count++;
    }

    long count() {
        return count;
    }

    /** Ends the hash; call once. */
    byte[] digest() {
        return sha256.digest();
    }
}
