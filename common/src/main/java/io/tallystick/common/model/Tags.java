package io.tallystick.common.model;

import io.tallystick.common.json.Json;
import java.nio.charset.StandardCharsets;
import java.util.Collections;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.regex.Pattern;

/**
 * The tags of one allocation, sorted by key; empty for the untagged bucket. Limits are those of the AWS metering
 * service (at most five tags; keys of 100 and values of 256 characters from a fixed set), so that what one door takes
 * the other can bill.
 */
public record Tags(SortedMap<String, String> map) {
    public static final int COUNT_MAX = 5;
    public static final int KEY_CHARS_MAX = 100;
    public static final int VALUE_CHARS_MAX = 256;
    // The published pattern contains " -=", which is a range (0x20 to 0x3D), not three characters.
    private static final Pattern CHARS = Pattern.compile("[a-zA-Z0-9+ -=._:/@]+");

    public static final Tags NONE = new Tags(new TreeMap<>());

    public Tags {
        if (map.size() > COUNT_MAX) {
            throw new IllegalArgumentException("at most " + COUNT_MAX + " tags, has " + map.size());
        }
        map.forEach((key, value) -> {
            check("tag key", key, KEY_CHARS_MAX);
            check("value of tag " + key, value, VALUE_CHARS_MAX);
        });
        // As a plain map, or the copy would take over another order than that of the hash.
        map = Collections.unmodifiableSortedMap(new TreeMap<>((Map<String, String>) map));
    }

    public static Tags of(Map<String, String> map) {
        return map.isEmpty() ? NONE : new Tags(new TreeMap<>(map));
    }

    private static void check(String what, String text, int charsMax) {
        if (text.isEmpty() || text.length() > charsMax || !CHARS.matcher(text).matches()) {
            throw new IllegalArgumentException(
                    what + " must have 1 to " + charsMax + " characters from letters, digits, space and +-=._:/@");
        }
    }

    public boolean isEmpty() {
        return map.isEmpty();
    }

    /** The hash of the sorted tags, which names the allocation; {@link Hash#NONE} for the untagged bucket. */
    public Hash hash() {
        return map.isEmpty() ? Hash.NONE : Hash.of(Json.write(map).getBytes(StandardCharsets.UTF_8));
    }
}
