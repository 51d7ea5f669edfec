package io.tallystick.common.model;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.nio.charset.StandardCharsets;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class TagsTest {
    @Test
    void the_order_of_tags_names_no_other_allocation() {
        Map<String, String> ab = new LinkedHashMap<>();
        ab.put("a", "1");
        ab.put("b", "2");
        Map<String, String> ba = new LinkedHashMap<>();
        ba.put("b", "2");
        ba.put("a", "1");
        assertEquals(Tags.of(ab), Tags.of(ba));
        assertEquals(Tags.of(ab).hash(), Tags.of(ba).hash());
        assertEquals(
                Hash.of("{\"a\":\"1\",\"b\":\"2\"}".getBytes(StandardCharsets.UTF_8)),
                Tags.of(ab).hash());
    }

    @Test
    void a_map_sorted_otherwise_does_not_change_the_hash() {
        TreeMap<String, String> reversed = new TreeMap<>(Comparator.<String>reverseOrder());
        reversed.put("a", "1");
        reversed.put("b", "2");
        assertEquals(Tags.of(Map.of("a", "1", "b", "2")).hash(), new Tags(reversed).hash());
    }

    @Test
    void the_untagged_bucket_has_no_hash() {
        assertEquals(Hash.NONE, Tags.of(Map.of()).hash());
        assertEquals(Tags.NONE, Tags.of(new TreeMap<>()));
        assertNotEquals(Hash.NONE, Tags.of(Map.of("a", "1")).hash());
    }

    @Test
    void five_tags_are_taken_and_six_refused() {
        Map<String, String> tags = new TreeMap<>();
        for (int i = 1; i <= Tags.COUNT_MAX; i++) {
            tags.put("key" + i, "v");
        }
        assertEquals(5, Tags.of(tags).map().size());
        tags.put("key6", "v");
        assertThrows(IllegalArgumentException.class, () -> Tags.of(tags));
    }

    @Test
    void keys_and_values_are_taken_at_their_limits_and_refused_beyond() {
        assertEquals(1, Tags.of(Map.of("k".repeat(100), "v".repeat(256))).map().size());
        for (Map<String, String> bad :
                List.of(Map.of("k".repeat(101), "v"), Map.of("k", "v".repeat(257)), Map.of("", "v"), Map.of("k", ""))) {
            assertThrows(IllegalArgumentException.class, () -> Tags.of(bad));
        }
    }

    /** The published pattern has a range from space to '=' in it, so more than its seeming letters is billable. */
    @ParameterizedTest
    @ValueSource(strings = {"aZ09", " ", "a b", "+-=._:/@", "(a);,&'\"", "<", "="})
    void what_the_aws_service_takes_is_taken(String text) {
        assertEquals(text, Tags.of(Map.of("k", text)).map().get("k"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"é", "a\n", "a\tb", "\0", ">", "?", "[", "~", "😀", "a|b", "\u00a0"})
    void what_it_refuses_is_refused(String text) {
        assertThrows(IllegalArgumentException.class, () -> Tags.of(Map.of("k", text)));
        assertThrows(IllegalArgumentException.class, () -> Tags.of(Map.of(text, "v")));
    }

    @Test
    void tags_cannot_be_changed_afterwards() {
        TreeMap<String, String> map = new TreeMap<>(Map.of("a", "1"));
        Tags tags = new Tags(map);
        map.put("b", "2");
        assertEquals(Map.of("a", "1"), tags.map());
        assertThrows(UnsupportedOperationException.class, () -> tags.map().put("b", "2"));
    }
}
