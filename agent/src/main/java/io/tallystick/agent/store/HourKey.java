package io.tallystick.agent.store;

import java.time.Instant;

/**
 * What belongs to one kind of record: slots, written once, or increments, added up.
 *
 * @param product the product code, empty for the instance's only one
 * @param second seconds since 1970 of the start of the hour
 */
public record HourKey(String product, String dimension, long second) {
    static HourKey of(SumKey key) {
        return new HourKey(key.product(), key.dimension(), key.bucket());
    }

    /** The start of the hour. */
    public Instant start() {
        return Instant.ofEpochSecond(second);
    }
}
