package io.tallystick.sandbox;

import java.time.Duration;
import java.util.Optional;
import java.util.function.Supplier;

/** Waits for the world, never for time: looks again and again until something is so, or the patience ends. */
public final class Await {
    private static final long PAUSE_MILLIS = 50;

    private Await() {}

    /**
     * The first value the probe gives. Empty answers are asked again; after {@code patience} of real time the result is
     * empty. An interrupt ends the waiting with {@link IllegalStateException}.
     */
    public static <T> Optional<T> value(Duration patience, Supplier<Optional<T>> probe) {
        long deadline = System.nanoTime() + patience.toNanos();
        while (true) {
            Optional<T> value = probe.get();
            if (value.isPresent() || System.nanoTime() - deadline >= 0) {
                return value;
            }
            try {
                Thread.sleep(PAUSE_MILLIS);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new IllegalStateException("interrupted while waiting", e);
            }
        }
    }

    /** Whether it became so within the patience. */
    public static boolean until(Duration patience, Supplier<Boolean> condition) {
        return value(patience, () -> condition.get() ? Optional.of(true) : Optional.empty())
                .isPresent();
    }
}
