package io.tallystick.common.json;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.tallystick.common.error.ErrorCode;
import io.tallystick.common.error.Failure;
import io.tallystick.common.model.Hash;
import io.tallystick.common.model.Quantity;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class FieldsTest {
    private static Fields fields(String json) {
        return Fields.parse(json.getBytes(StandardCharsets.UTF_8));
    }

    private static List<String> problems(Fields f) {
        Failure failure = assertThrows(Failure.class, f::done);
        assertEquals(ErrorCode.INVALID_REQUEST, failure.code());
        return failure.problems().stream().map(Failure.Problem::toString).collect(Collectors.toList());
    }

    @Test
    void every_problem_is_told_at_once_with_its_path() {
        Fields f = fields(
                """
                {"name": 5, "count": "7", "big": 11, "half": 0.5, "on": "yes", "q": "-1", "t": "2026-11-21T20:00:00+01:00",
                 "d": "15m", "hash": "zz", "inner": {"a": "", "extra": 1}, "list": [{"n": 1}, 2, {"n": "x"}],
                 "strings": ["ok", "", 3], "map": {"k": 1}, "unknown": null}""");
        f.string("name", 10);
        f.number("count", 0, 10);
        f.number("big", 0, 10);
        f.number("half", 0, 10);
        f.optionalBool("on");
        f.quantity("q");
        f.instant("t");
        f.duration("d");
        f.parsed("hash", Hash::parse, Hash.NONE);
        f.object("inner").string("a", 3);
        f.objects("list", 3).forEach(e -> e.number("n", 0, 9));
        f.optionalStrings("strings", 3, 9);
        f.optionalStringMap("map", 3, 9, 9);
        f.string("absent", 3);
        assertEquals(
                List.of(
                        "name: must be a string",
                        "count: must be a whole number",
                        "big: must be from 0 to 10, is 11",
                        "half: must be a whole number",
                        "on: must be true or false",
                        "q: must be a decimal string such as 12 or 0.5, not negative, at most 29 digits before and 9"
                                + " after the point",
                        "t: must be a UTC time ending in Z",
                        "d: must be a duration such as PT15M",
                        "hash: is not canonical base64url without padding",
                        "inner.a: must have 1 to 3 characters, has 0",
                        "list[1]: must be an object",
                        "list[2].n: must be a whole number",
                        "strings[1]: must be a string of 1 to 9 characters",
                        "strings[2]: must be a string of 1 to 9 characters",
                        "map.k: must be a string of at most 9 characters",
                        "absent: is missing",
                        "unknown: is not a known field",
                        "inner.extra: is not a known field"),
                problems(f));
    }

    @Test
    void a_missing_field_of_every_kind_is_named_once() {
        Fields f = fields("{\"nulled\": null}");
        assertEquals("", f.string("nulled", 1));
        assertEquals(3, f.number("n", 3, 9));
        assertEquals(Quantity.ZERO, f.quantity("q"));
        assertEquals(Instant.EPOCH, f.instant("t"));
        assertEquals(Duration.ZERO, f.duration("d"));
        assertEquals(Hash.NONE, f.parsed("h", Hash::parse, Hash.NONE));
        assertEquals(List.of(), f.objects("l", 1));
        f.object("o").string("inside", 1);
        assertEquals(
                List.of(
                        "nulled: is missing",
                        "n: is missing",
                        "q: is missing",
                        "t: is missing",
                        "d: is missing",
                        "h: is missing",
                        "l: is missing",
                        "o: is missing"),
                problems(f));
    }

    /** A codec that ends with done() can only give what the document said: placeholders stay inside. */
    @Test
    void a_placeholder_never_escapes_done() {
        for (String json :
                List.of("{}", "{\"n\":null}", "{\"n\":\"1\"}", "{\"n\":100}", "{\"n\":1e0}", "{\"n\":true}")) {
            Fields f = fields(json);
            assertEquals(1, f.number("n", 1, 99));
            assertThrows(Failure.class, f::done);
            assertThrows(Failure.class, f::done);
        }
    }

    @Test
    void an_absent_or_null_optional_field_is_empty() {
        Fields f = fields("{\"a\": null}");
        assertEquals(Optional.empty(), f.optionalString("a", 1));
        assertEquals(Optional.empty(), f.optionalNumber("b", 0, 1));
        assertEquals(Optional.empty(), f.optionalBool("c"));
        assertEquals(Optional.empty(), f.optionalQuantity("d"));
        assertEquals(Optional.empty(), f.optionalInstant("e"));
        assertEquals(Optional.empty(), f.optionalDuration("f"));
        assertEquals(Optional.empty(), f.optionalParsed("g", Hash::parse));
        assertTrue(f.optionalObject("h").isEmpty());
        assertEquals(List.of(), f.optionalObjects("i", 1));
        assertEquals(List.of(), f.optionalStrings("j", 1, 1));
        assertEquals(Map.of(), f.optionalStringMap("k", 1, 1, 1));
        f.done();
    }

    @Test
    void counts_and_lengths_are_taken_at_their_limit_and_refused_beyond() {
        Fields at = fields("{\"s\":\"abc\",\"n\":9,\"m\":-9,\"l\":[{},{}],\"x\":[\"ab\"],\"o\":{\"ab\":\"cd\"}}");
        assertEquals("abc", at.string("s", 3));
        assertEquals(9, at.number("n", -9, 9));
        assertEquals(-9, at.number("m", -9, 9));
        assertEquals(2, at.objects("l", 2).size());
        assertEquals(List.of("ab"), at.optionalStrings("x", 1, 2));
        assertEquals(Map.of("ab", "cd"), at.optionalStringMap("o", 1, 2, 2));
        at.done();
        Fields beyond = fields("{\"s\":\"abc\",\"n\":9,\"m\":-9,\"l\":[{},{}],\"x\":[\"ab\"],\"o\":{\"ab\":\"cd\"}}");
        beyond.string("s", 2);
        beyond.number("n", -9, 8);
        beyond.number("m", -8, 9);
        beyond.objects("l", 1);
        beyond.optionalStrings("x", 1, 1);
        beyond.optionalStringMap("o", 1, 1, 2);
        assertEquals(6, problems(beyond).size());
    }

    @ParameterizedTest
    @CsvSource({
        "2026-11-21T20:00:00Z,2026-11-21T20:00:00Z",
        "2026-11-21T20:00:00.5Z,2026-11-21T20:00:00.500Z",
        "2026-11-21T20:00:00.000000001Z,2026-11-21T20:00:00.000000001Z",
        "0000-01-01T00:00:00Z,0000-01-01T00:00:00Z",
        "9999-12-31T23:59:59.999Z,9999-12-31T23:59:59.999Z",
        "2016-12-31T23:59:60Z,2016-12-31T23:59:59Z"
    })
    void a_utc_time_of_rfc_3339_is_taken(String text, String instant) {
        assertEquals(instant, Fields.parseInstant(text).toString());
    }

    @Test
    void every_time_in_whole_seconds_is_what_the_jdk_says() {
        Random random = new Random(20_260_310L);
        for (int i = 0; i < 5_000; i++) {
            Instant at = Instant.ofEpochSecond(random.nextLong(-62_135_596_800L, 253_402_300_800L));
            assertEquals(at, Fields.parseInstant(at.toString()));
        }
        for (String edge : List.of("2024-02-29T00:00:00Z", "2026-12-31T23:59:59Z", "0000-01-01T00:00:00Z")) {
            assertEquals(Instant.parse(edge), Fields.parseInstant(edge));
        }
        for (String no : List.of("2025-02-29T00:00:00Z", "2026-04-31T00:00:00Z", "2026-01-01T25:00:00Z")) {
            assertThrows(IllegalArgumentException.class, () -> Fields.parseInstant(no), no);
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "2026-11-21T20:00:00",
                "2026-11-21T20:00:00+00:00",
                "2026-11-21T20:00:00z",
                "2026-11-21t20:00:00Z",
                "2026-11-21 20:00:00Z",
                "2026-11-21T20:00Z",
                "2026-11-21Z",
                "2026-02-29T00:00:00Z",
                "2026-13-01T00:00:00Z",
                "2026-11-21T24:00:00Z",
                "2026-11-21T20:60:00Z",
                "2026-11-21T20:00:60Z",
                "2026-11-21T20:00:00.Z",
                "2026-11-21T20:00:00.0000000001Z",
                "+1000000000-12-31T23:00:00Z",
                "-1000000000-01-01T00:00:00Z",
                "-0001-01-01T00:00:00Z",
                "+12026-11-21T20:00:00Z",
                "1764000000",
                "",
                "Z"
            })
    void any_other_form_of_time_is_refused(String text) {
        IllegalArgumentException e = assertThrows(IllegalArgumentException.class, () -> Fields.parseInstant(text));
        assertTrue(String.valueOf(e.getMessage()).startsWith("must be a UTC time"), e.getMessage());
    }

    @Test
    void a_duration_is_iso_8601_and_not_negative() {
        assertEquals(Duration.ofMinutes(15), Fields.parseDuration("PT15M"));
        assertEquals(Duration.ofDays(31), Fields.parseDuration("P31D"));
        assertEquals(Duration.ZERO, Fields.parseDuration("PT0S"));
        for (String bad : List.of("15m", "PT-1S", "-PT1S", "P1M", "P1Y", "", "PT", "PT99999999999999999999S")) {
            assertThrows(IllegalArgumentException.class, () -> Fields.parseDuration(bad));
        }
    }

    @Test
    void fields_of_nested_objects_nobody_reads_are_problems_too() {
        Fields f = fields("{\"a\":{\"b\":{\"c\":1}}}");
        f.object("a").object("b");
        assertEquals(List.of("a.b.c: is not a known field"), problems(f));
    }

    @Test
    void a_codec_names_problems_of_its_own_at_the_path() {
        Fields f = fields("{\"a\":[{\"n\":1}]}");
        Fields inner = f.objects("a", 1).get(0);
        inner.number("n", 0, 9);
        inner.problem("n", "must be even");
        assertEquals("a[0]", inner.path());
        assertEquals(List.of("a[0].n: must be even"), problems(f));
    }

    /** A header of 100,000 unknown members must not become an answer and a log line ten times its size. */
    @Test
    void a_document_made_of_problems_gets_a_bounded_answer() {
        String json =
                IntStream.range(0, 101).mapToObj(i -> "\"x" + i + "\":1").collect(Collectors.joining(",", "{", "}"));
        List<String> problems = problems(fields(json));
        assertEquals(Fields.PROBLEMS_MAX + 1, problems.size());
        assertEquals("x99: is not a known field", problems.get(99));
        assertEquals("and 1 problems more", problems.get(100));
        String fewer =
                IntStream.range(0, 100).mapToObj(i -> "\"x" + i + "\":1").collect(Collectors.joining(",", "{", "}"));
        assertEquals(100, problems(fields(fewer)).size());
    }
}
