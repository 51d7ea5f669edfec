package io.tallystick.aggregator.job;

import java.time.Duration;
import java.util.random.RandomGenerator;

/** How long to wait before the next attempt: doubling, capped, the upper half by chance so that failures spread out. */
public final class Backoff {
    /** Attempts before a job is given up: with these intervals, about an hour after the first. */
    public static final int ATTEMPTS_MAX = 20;

    static final Duration FIRST = Duration.ofSeconds(2);
    public static final Duration MAX = Duration.ofMinutes(5);
    private static final int DOUBLINGS_MAX = 20;

    private Backoff() {}

    /** @param attempts those made so far, at least one */
    public static Duration after(int attempts, Duration max, RandomGenerator random) {
        long ceiling = Math.min(max.toMillis(), FIRST.toMillis() << Math.min(attempts - 1, DOUBLINGS_MAX));
        return Duration.ofMillis(ceiling / 2 + random.nextLong(ceiling / 2 + 1));
    }
}
