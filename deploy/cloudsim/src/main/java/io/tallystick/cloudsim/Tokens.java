package io.tallystick.cloudsim;

import java.nio.ByteBuffer;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.security.SecureRandom;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.Base64;
import java.util.OptionalLong;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

/**
 * Session tokens of one metadata service: their expiry and a random number, sealed with a key that only this service
 * has. So any number may coexist without being remembered, and another VM's are worthless.
 */
final class Tokens {
    static final int TTL_SECONDS_MIN = 1;
    static final int TTL_SECONDS_MAX = 21600;

    private static final String MAC = "HmacSHA256";
    private static final int KEY_BYTES = 32;
    private static final int SEALED_BYTES = 2 * Long.BYTES;
    /** With the seal 40 bytes, hence 56 characters, as AWS's tokens have. */
    private static final int SEAL_BYTES = 24;

    private final Clock clock;
    private final SecureRandom random;
    private final SecretKeySpec key;

    Tokens(Clock clock, SecureRandom random) {
        this.clock = clock;
        this.random = random;
        byte[] secret = new byte[KEY_BYTES];
        random.nextBytes(secret);
        this.key = new SecretKeySpec(secret, MAC);
    }

    String issue(Duration ttl) {
        byte[] sealed = ByteBuffer.allocate(SEALED_BYTES)
                .putLong(clock.instant().plus(ttl).toEpochMilli())
                .putLong(random.nextLong())
                .array();
        byte[] token = ByteBuffer.allocate(SEALED_BYTES + SEAL_BYTES)
                .put(sealed)
                .put(seal(sealed))
                .array();
        return Base64.getUrlEncoder().encodeToString(token);
    }

    /** Whole seconds, rounded up, for which this token is still good; empty if it is foreign, damaged or expired. */
    OptionalLong secondsLeft(String token) {
        byte[] bytes;
        try {
            bytes = Base64.getUrlDecoder().decode(token);
        } catch (IllegalArgumentException e) {
            return OptionalLong.empty();
        }
        if (bytes.length != SEALED_BYTES + SEAL_BYTES) {
            return OptionalLong.empty();
        }
        byte[] sealed = Arrays.copyOf(bytes, SEALED_BYTES);
        if (!MessageDigest.isEqual(seal(sealed), Arrays.copyOfRange(bytes, SEALED_BYTES, bytes.length))) {
            return OptionalLong.empty();
        }
        Instant expiry = Instant.ofEpochMilli(ByteBuffer.wrap(sealed).getLong());
        long millis = Duration.between(clock.instant(), expiry).toMillis();
        return millis <= 0 ? OptionalLong.empty() : OptionalLong.of((millis + 999) / 1000);
    }

    private byte[] seal(byte[] sealed) {
        try {
            Mac mac = Mac.getInstance(MAC);
            mac.init(key);
            return Arrays.copyOf(mac.doFinal(sealed), SEAL_BYTES);
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("every JDK has " + MAC, e);
        }
    }
}
