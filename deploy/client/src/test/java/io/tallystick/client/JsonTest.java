package io.tallystick.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class JsonTest {
    private static Object read(String text) {
        return Json.read(text.getBytes(StandardCharsets.UTF_8));
    }

    @Test
    void readsWhatRfc8259Allows() {
        Map<String, Object> m = new LinkedHashMap<>();
        m.put("a", Arrays.asList(new BigDecimal("1"), new BigDecimal("-0.5"), new BigDecimal("12E+3"), null));
        m.put("b\n", Map.of());
        m.put("é", List.of(true, false, "\u00e9\ud83d\ude00\"\\/\b\f\r\t"));
        assertEquals(
                m,
                read(" {\"a\" : [1, -0.5,12E+3 , null],\r\n\t\"b\\n\":{},"
                        + "\"é\":[true,false,\"é\\uD83D\\ude00\\\"\\\\\\/\\b\\f\\r\\t\"]} "));
        assertEquals(List.of(), read("[]"));
        assertEquals("", read("\"\""));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                " ",
                "{",
                "}",
                "[1,]",
                "{\"a\":1,}",
                "{\"a\":1,\"a\":2}",
                "{\"a\":1,\"\\u0061\":2}",
                "{a:1}",
                "{1:2}",
                "01",
                "1.",
                ".5",
                "+1",
                "-",
                "1e",
                "NaN",
                "Infinity",
                "nul",
                "truE",
                "tru",
                "\"",
                "\"\\x\"",
                "\"\\u12g4\"",
                "\"\\u12",
                "\"a\nb\"",
                "'a'",
                "1 2",
                "{} x",
                "[1 2]",
                "{\"a\" 1}",
                "\uFEFF{}",
                "/**/1",
                "1e99999"
            })
    void refusesWhatTwoReadersCouldUnderstandDifferently(String text) {
        assertThrows(IllegalArgumentException.class, () -> read(text), text);
    }

    @Test
    void refusesBytesThatAreNotUtf8AndEndlessNesting() {
        assertThrows(IllegalArgumentException.class, () -> Json.read(new byte[] {'"', (byte) 0xC0, (byte) 0x80, '"'}));
        assertThrows(IllegalArgumentException.class, () -> read("[".repeat(100_000)));
        int deep = Json.DEPTH_MAX;
        read("[".repeat(deep) + "]".repeat(deep));
        read("[".repeat(deep + 1) + "]".repeat(deep + 1));
        assertThrows(IllegalArgumentException.class, () -> read("[".repeat(deep + 2) + "]".repeat(deep + 2)));
        assertThrows(IllegalArgumentException.class, () -> read("1".repeat(65)));
    }

    @Test
    void whatItWritesItReads() {
        Map<String, Object> m = new LinkedHashMap<>();
        m.put("q", "0.5\u0000\u001f\"\\\ud83d\ude00\ud800é");
        m.put("none", null);
        m.put("list", List.of(1, 2L, true, Map.of("k", "v"), List.of()));
        byte[] written = Json.write(m);
        assertEquals(
                "{\"q\":\"0.5\\u0000\\u001f\\\"\\\\\\ud83d\\ude00\\ud800é\",\"list\":[1,2,true,{\"k\":\"v\"},[]]}",
                new String(written, StandardCharsets.UTF_8));
        assertEquals(m.get("q"), Json.readObject(written).get("q"));
        assertThrows(IllegalArgumentException.class, () -> Json.write(0.5));
        assertThrows(IllegalArgumentException.class, () -> Json.readObject("[]".getBytes(StandardCharsets.UTF_8)));
    }
}
