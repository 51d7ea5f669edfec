package io.tallystick.aggregator.web;

import io.tallystick.common.json.Fields;
import java.time.Duration;
import java.util.Optional;

/**
 * How many requests within which time, for example {@code 600/PT1M}: that many at once after a pause, and over longer
 * spans that many per span.
 */
public record Quota(int count, Duration per) {
    public static final int COUNT_MAX = 10_000_000;
    public static final Duration PER_MIN = Duration.ofSeconds(1);
    public static final Duration PER_MAX = Duration.ofDays(1);

    private static final String OFF = "off";
    private static final String RULE = "must be a count and a duration such as 600/PT1M, or off";

    public Quota {
        if (count < 1 || count > COUNT_MAX) {
            throw new IllegalArgumentException("must allow 1 to " + COUNT_MAX + " requests, has " + count);
        }
        if (per.compareTo(PER_MIN) < 0 || per.compareTo(PER_MAX) > 0) {
            throw new IllegalArgumentException("must be per " + PER_MIN + " to " + PER_MAX + ", has " + per);
        }
    }

    /** {@code COUNT/DURATION}, or {@code off} for no limit. */
    public static Optional<Quota> parse(String text) {
        if (text.equals(OFF)) {
            return Optional.empty();
        }
        int slash = text.indexOf('/');
        if (slash < 1 || !text.substring(0, slash).matches("[0-9]{1,9}")) {
            throw new IllegalArgumentException(RULE);
        }
        try {
            return Optional.of(new Quota(
                    Integer.parseInt(text.substring(0, slash)), Fields.parseDuration(text.substring(slash + 1))));
        } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException(RULE + ": " + e.getMessage(), e);
        }
    }

    @Override
    public String toString() {
        return count + "/" + per;
    }
}
