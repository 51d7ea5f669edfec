package io.tallystick.aggregator.db;

import java.time.Clock;
import java.util.random.RandomGenerator;

/**
 * Makes ids and secrets. An id is a prefix, ten digits of time and sixteen of chance (80 bits) in base 32 of lower-case
 * letters and digits, so ids sort roughly by age and cannot be guessed. In production the generator is a {@link
 * java.security.SecureRandom}; give it nothing weaker, secrets come from it too.
 */
public final class Ids {
    /** Crockford's alphabet: no i, l, o, u. */
    private static final String ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz";

    private static final int TIME_CHARS = 10;
    private static final int RANDOM_CHARS = 16;

    private final Clock clock;
    private final RandomGenerator random;

    public Ids(Clock clock, RandomGenerator random) {
        this.clock = clock;
        this.random = random;
    }

    /** A new id, for example {@code acc-01kahxq2zs8d5n0v3m7w9k2pxb} for the prefix {@code acc}. */
    public String next(String prefix) {
        StringBuilder id = new StringBuilder(prefix.length() + 1 + TIME_CHARS + RANDOM_CHARS);
        id.append(prefix).append('-');
        long millis = clock.millis();
        for (int i = TIME_CHARS - 1; i >= 0; i--) {
            id.append(ALPHABET.charAt((int) ((millis >>> (5 * i)) & 31)));
        }
        return id.append(text(ALPHABET, RANDOM_CHARS)).toString();
    }

    /** Characters drawn evenly from the alphabet. */
    public String text(String alphabet, int chars) {
        StringBuilder text = new StringBuilder(chars);
        for (int i = 0; i < chars; i++) {
            text.append(alphabet.charAt(random.nextInt(alphabet.length())));
        }
        return text.toString();
    }

    public byte[] bytes(int count) {
        byte[] bytes = new byte[count];
        random.nextBytes(bytes);
        return bytes;
    }
}
