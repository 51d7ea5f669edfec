package io.tallystick.agent.enroll;

import io.tallystick.agent.store.Store;

/** The counter of an enrollment's lease and resume requests, kept with its state. */
public final class Counter {
    private final Store store;

    public Counter(Store store) {
        this.store = store;
    }

    /** One that no request carried before; on disk before it is used. */
    public long next() {
        return store.call(tx -> {
            long next = tx.meta("counter").map(Long::parseLong).orElse(0L) + 1;
            tx.meta("counter", Long.toString(next));
            return next;
        });
    }

    /** Goes on behind this one, which the aggregator knows of. */
    public void adopt(long atLeast) {
        store.call(tx -> {
            long own = tx.meta("counter").map(Long::parseLong).orElse(0L);
            tx.meta("counter", Long.toString(Math.max(own, atLeast)));
            return own;
        });
    }
}
