package io.tallystick.aggregator.usage;

import java.time.Duration;

/**
 * How fast a lane works off what waits, as its last transactions showed, and so whether one more batch would wait too
 * long. A count alone cannot tell: four thousand batches are a second's work on one machine and a minute's on another.
 * Any thread.
 */
final class Pace {
    /** What waits may take about so long; the transaction before it, which gathered under the same rule, as long again. */
    static final Duration WAIT_MAX = Duration.ofMillis(200);
    /** So many batches may always wait: after quiet times the pace that was seen is that of nearly empty transactions. */
    static final int ALWAYS_BATCHES = 16;
    /** A queue that is younger is the arrivals of a moment, however many: a fleet that comes back at once. */
    static final Duration STANDING = Duration.ofMillis(10);

    /** How much the newest transaction counts. */
    private static final double WEIGHT = 0.25;

    private volatile double bytesPerNano;

    /** A transaction over so many bytes of batches took this long. Called by one thread at a time. */
    void worked(long bytes, long nanos) {
        double now = (double) bytes / Math.max(1, nanos);
        double before = bytesPerNano;
        bytesPerNano = before == 0 ? now : before + (now - before) * WEIGHT;
    }

    /** Whether these, the oldest of which has waited {@code oldest}, are more than can be stored soon. */
    boolean isTooMuch(int batches, long bytes, Duration oldest) {
        double pace = bytesPerNano;
        return batches >= ALWAYS_BATCHES
                && oldest.compareTo(STANDING) >= 0
                && pace > 0
                && bytes > pace * WAIT_MAX.toNanos();
    }
}
