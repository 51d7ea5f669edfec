package io.tallystick.common.json;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.tallystick.common.error.ErrorCode;
import io.tallystick.common.error.Failure;
import java.io.ByteArrayOutputStream;
import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class JsonTest {
    private static byte[] utf8(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    private static Failure refused(byte[] json) {
        Failure failure = assertThrows(Failure.class, () -> Json.parse(json));
        assertEquals(ErrorCode.INVALID_JSON, failure.code());
        return failure;
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                " ",
                "{",
                "[",
                "{\"a\":",
                "{\"a\"",
                "[1",
                "[1,",
                "\"a",
                "nul",
                "tru",
                "-",
                // duplicate keys, also spelt differently and deeper
                "{\"a\":1,\"a\":1}",
                "{\"a\":1,\"\\u0061\":2}",
                "{\"x\":[{\"a\":1,\"b\":2,\"a\":3}]}",
                // trailing data
                "{} {}",
                "{}x",
                "[1]]",
                "1 2",
                "{},",
                "{}\0",
                // what is not JSON though many parsers take it
                "NaN",
                "[Infinity]",
                "[-Infinity]",
                "{\"a\":NaN}",
                "{a:1}",
                "{'a':1}",
                "[1,]",
                "{\"a\":1,}",
                "// c\n{}",
                "/* c */{}",
                "# c\n{}",
                "[01]",
                "[+1]",
                "[.5]",
                "[1.]",
                "[1e]",
                "[1e2147483648]",
                "[1E-99999999999]",
                "[55451111E1111111111110]",
                "[0x1]",
                "[--1]",
                "[\"a\nb\"]",
                "[\"a\tb\"]",
                "[\"\\x41\"]",
                "[\"\\u12\"]",
                "[,1]",
                "[1 2]",
                "{\"a\" 1}",
                "TRUE"
            })
    void lax_json_is_refused(String json) {
        refused(utf8(json));
    }

    @Test
    void a_byte_order_mark_is_refused() {
        assertEquals(
                "a byte order mark is not allowed", refused(utf8("\uFEFF{}")).detail());
        refused(new byte[] {(byte) 0xFE, (byte) 0xFF, 0, '{', 0, '}'});
        refused("{}".getBytes(StandardCharsets.UTF_16LE));
    }

    @Test
    void malformed_utf_8_is_refused_wherever_it_stands() {
        int[][] sequences = {
            {0xff},
            {0xc3},
            {0x80},
            {0xc0, 0xaf},
            {0xe0, 0x80, 0xaf},
            {0xed, 0xa0, 0x80},
            {0xed, 0xb0, 0x80},
            {0xf4, 0x90, 0x80, 0x80},
            {0xf5, 0x80, 0x80, 0x80},
            {0xe2, 0x82}
        };
        for (int[] sequence : sequences) {
            ByteArrayOutputStream out = new ByteArrayOutputStream();
            out.writeBytes(utf8("{\"a\":\""));
            Arrays.stream(sequence).forEach(out::write);
            out.writeBytes(utf8("\"}"));
            assertEquals(
                    "the body is not valid UTF-8", refused(out.toByteArray()).detail());
        }
    }

    /** Such a string could be read, but never written, signed, logged or stored again: PostgreSQL refuses both. */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "[\"\\ud800\"]",
                "[\"\\udc00\"]",
                "[\"a\\ud83d\"]",
                "[\"\\ude00\\ud83d\"]",
                "[\"\\ud83dx\"]",
                "[\"\\ud83d\\ud83d\\ude00\"]",
                "{\"\\udfff\":1}",
                "[\"\\u0000\"]",
                "{\"a\\u0000b\":1}"
            })
    void a_string_that_cannot_be_stored_is_refused(String json) {
        refused(utf8(json));
    }

    @Test
    void other_text_is_taken_as_it_is() {
        assertEquals(List.of("😀 é \u0001 \" \\ /"), Json.parse("[\"\\ud83d\\ude00 \\u00e9 \\u0001 \\\" \\\\ \\/\"]"));
        String written = Json.write(List.of("😀 é \u0001"));
        assertEquals(List.of("😀 é \u0001"), Json.parse(utf8(written)));
    }

    @Test
    void nesting_is_taken_to_16_and_refused_at_17() {
        assertTrue(Json.parse("[".repeat(16) + "]".repeat(16)) instanceof List);
        refused(utf8("[".repeat(17) + "]".repeat(17)));
        refused(utf8("{\"a\":".repeat(17) + "1" + "}".repeat(17)));
        refused(utf8("[".repeat(100_000)));
    }

    @Test
    void strings_are_taken_to_64_ki_and_longer_ones_only_in_envelopes() {
        String longest = "x".repeat(Json.STRING_CHARS_MAX);
        assertEquals(List.of(longest), Json.parse("[\"" + longest + "\"]"));
        refused(utf8("[\"" + longest + "x\"]"));
        byte[] envelope = utf8("{\"p\":\"" + "x".repeat(2 * 1024 * 1024) + "\"}");
        assertEquals(1, Json.parseObjectWithLongStrings(envelope).size());
        byte[] more = utf8("{\"p\":\"" + "x".repeat(2 * 1024 * 1024 + 1) + "\"}");
        assertThrows(Failure.class, () -> Json.parseObjectWithLongStrings(more));
        refused(utf8("{\"" + "n".repeat(257) + "\":1}"));
    }

    @Test
    void numbers_are_exact_to_64_digits_and_refused_beyond() {
        assertEquals(
                List.of(Long.MAX_VALUE, Long.MIN_VALUE, 0L),
                Json.parse("[9223372036854775807,-9223372036854775808,-0]"));
        assertEquals(List.of(new BigDecimal("9223372036854775808")), Json.parse("[9223372036854775808]"));
        assertEquals(List.of(new BigDecimal("0.1")), Json.parse("[0.1]"));
        assertEquals(List.of(new BigDecimal("1".repeat(64))), Json.parse("[" + "1".repeat(64) + "]"));
        refused(utf8("[" + "1".repeat(65) + "]"));
        refused(utf8("[1." + "1".repeat(64) + "]"));
        refused(utf8("[1." + "1".repeat(100_000) + "]"));
    }

    @Test
    void a_short_number_is_not_written_out_to_a_gigabyte() {
        assertEquals("[1E+999999999]", Json.write(Json.parse("[1e999999999]")));
        assertEquals("[1E-999999999]", Json.write(Json.parse("[1e-999999999]")));
        assertEquals("[100,0.00000001,1.50]", Json.write(Json.parse("[1e2,0.00000001,1.50]")));
    }

    @Test
    void what_is_wrong_is_told_with_its_place_and_without_internals() {
        String detail = refused(utf8("{\n  \"a\": 1,\n  \"a\": 2}")).detail();
        assertTrue(detail.contains("Duplicate field 'a'"), detail);
        assertTrue(detail.contains("line 3, column"), detail);
        assertTrue(!detail.contains("jackson") && !detail.contains("\n"), detail);
    }

    @Test
    void only_an_object_is_an_object() {
        for (String json : List.of("[]", "\"{}\"", "1", "null", "true")) {
            Failure failure = assertThrows(Failure.class, () -> Json.parseObject(json));
            assertEquals(ErrorCode.INVALID_JSON, failure.code());
        }
        assertNull(Json.parse("null"));
        assertEquals(Map.of(), Json.parseObject("{}"));
    }

    @Test
    void writing_is_compact_in_order_and_leaves_null_members_out() {
        Map<String, Object> object = Json.object(
                "z", 1, "a", null, "list", List.of(true, "x"), "time", Instant.EPOCH, "span", Duration.ofMinutes(15));
        assertEquals(
                "{\"z\":1,\"list\":[true,\"x\"],\"time\":\"1970-01-01T00:00:00Z\",\"span\":\"PT15M\"}",
                Json.write(object));
        assertEquals("[null]", Json.write(Arrays.asList((Object) null)));
    }

    @Test
    void the_members_of_an_object_keep_their_order() {
        String json = "{\"z\":1,\"a\":{\"y\":null,\"b\":[1,2.5,\"s\",false]},\"m\":\"\"}";
        assertEquals(json, Json.write(Json.parse(json)));
    }
}
