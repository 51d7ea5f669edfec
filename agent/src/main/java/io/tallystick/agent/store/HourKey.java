package io.tallystick.agent.store;

import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * What belongs to one kind of record: slots, written once, or increments, added up.
 *
 * @param product the product code, empty for the instance's only one
 * @param second seconds since 1970 of the start of the hour
 */
public record HourKey(String product, String dimension, long second) {
    @Override
    public boolean equals(@Nullable Object o) {
        return o instanceof HourKey k
                && second == k.second
                && dimension.equals(k.dimension)
                && product.equals(k.product);
    }

    @Override
    public int hashCode() {
        return 31 * (31 * Long.hashCode(second) + dimension.hashCode()) + product.hashCode();
    }

    public static HourKey of(SumKey key) {
        return new HourKey(key.product(), key.dimension(), key.bucket());
    }

    /** The start of the hour. */
    public Instant start() {
        return Instant.ofEpochSecond(second);
    }
}
