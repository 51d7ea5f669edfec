package io.tallystick.agent.net;

import io.github.resilience4j.core.IntervalFunction;
import java.time.Duration;
import java.util.Optional;
import java.util.random.RandomGenerator;

/** When to try again, in boot time: exponential with full jitter, or what the server asked for. One thread. */
public final class Backoff {
    private static final Duration FIRST = Duration.ofMillis(500);
    private static final Duration MAX = Duration.ofMinutes(1);
    private static final int ATTEMPTS_COUNTED = 20;

    private final IntervalFunction ceiling = IntervalFunction.ofExponentialBackoff(FIRST, 2, MAX);
    private final RandomGenerator random;
    private int failures;
    private long notBefore = Long.MIN_VALUE;

    public Backoff(RandomGenerator random) {
        this.random = random;
    }

    public boolean due(long bootMillis) {
        return bootMillis >= notBefore;
    }

    public void failed(long bootMillis, Optional<Duration> asked) {
        failures = Math.min(failures + 1, ATTEMPTS_COUNTED);
        long ceil = ceiling.apply(failures);
        // A server's wish is kept, with jitter above it so that a fleet does not come back as one.
        long wait = asked.map(a -> a.toMillis() + random.nextLong(Math.max(1, a.toMillis() / 5)))
                .orElseGet(() -> random.nextLong(ceil) + 1);
        notBefore = bootMillis + wait;
    }

    public void succeeded() {
        failures = 0;
        notBefore = Long.MIN_VALUE;
    }

    public int failures() {
        return failures;
    }

    /** Milliseconds until the next attempt, zero if it is due. */
    public long waitMillis(long bootMillis) {
        return notBefore <= bootMillis ? 0 : notBefore - bootMillis;
    }
}
