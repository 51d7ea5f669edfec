package io.tallystick.agent.store;

import io.tallystick.common.json.Json;
import io.tallystick.common.model.Tags;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What increments are summed by.
 *
 * @param product the product code, empty for the instance's only one
 * @param boot empty once the time is known; otherwise the boot whose uptime {@code bucket} counts
 * @param bucket seconds since 1970 of the start of the hour; with a {@code boot}, minutes of its uptime
 * @param tags the sorted tags as JSON, empty for none
 */
public record SumKey(String product, String dimension, String boot, long bucket, String tags) {
    // Written out, here and in HourKey: those the JDK makes for records are slow without its second compiler.
    @Override
    public boolean equals(@Nullable Object o) {
        return o instanceof SumKey k
                && bucket == k.bucket
                && dimension.equals(k.dimension)
                && tags.equals(k.tags)
                && product.equals(k.product)
                && boot.equals(k.boot);
    }

    @Override
    public int hashCode() {
        int hash = Long.hashCode(bucket);
        hash = 31 * hash + dimension.hashCode();
        hash = 31 * hash + tags.hashCode();
        hash = 31 * hash + product.hashCode();
        return 31 * hash + boot.hashCode();
    }

    /** The form of {@code tags}. */
    public static String tagText(Tags tags) {
        return tags.isEmpty() ? "" : Json.write(tags.map());
    }

    /** The tags a {@code tags} stands for. */
    public static Tags parseTags(String text) {
        if (text.isEmpty()) {
            return Tags.NONE;
        }
        Map<String, String> map = new LinkedHashMap<>();
        Json.parseObject(text).forEach((k, v) -> map.put(k, String.valueOf(v)));
        return Tags.of(map);
    }
}
