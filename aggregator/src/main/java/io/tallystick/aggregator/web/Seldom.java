package io.tallystick.aggregator.web;

import java.time.Duration;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongSupplier;

/** Says yes once in a while, at first at once: for lines of the log that a flood must not multiply. Any thread. */
final class Seldom {
    private final long everyNanos;
    private final LongSupplier nanoTime;
    private final AtomicLong next;

    /** @param nanoTime a monotonic clock */
    Seldom(Duration every, LongSupplier nanoTime) {
        this.everyNanos = every.toNanos();
        this.nanoTime = nanoTime;
        this.next = new AtomicLong(nanoTime.getAsLong());
    }

    /** Whether it is time again; whoever hears yes is the only one. */
    boolean isTime() {
        long now = nanoTime.getAsLong();
        long due = next.get();
        return now - due >= 0 && next.compareAndSet(due, now + everyNanos);
    }
}
