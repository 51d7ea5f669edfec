package io.tallystick.agent.store;

import io.tallystick.common.json.Json;
import io.tallystick.common.model.Tags;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * What increments are summed by.
 *
 * @param product the product code, empty for the instance's only one
 * @param boot empty once the time is known; otherwise the boot whose uptime {@code bucket} counts
 * @param bucket seconds since 1970 of the start of the hour; with a {@code boot}, minutes of its uptime
 * @param tags the sorted tags as JSON, empty for none
 */
public record SumKey(String product, String dimension, String boot, long bucket, String tags) {
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
