package io.tallystick.common.wire;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.tallystick.common.error.Failure;
import io.tallystick.common.model.Hash;
import io.tallystick.common.model.Quantity;
import io.tallystick.common.model.Tags;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class BatchTest {
    private static final Instant HOUR = Instant.parse("2026-11-21T19:00:00Z");
    private static final MeteringRecord RECORD = MeteringRecord.increment("requests", HOUR, Quantity.ONE);

    private static Batch parse(String records) {
        return Batch.parse(("{\"epoch\":1,\"seq\":1,\"prev\":\"" + Hash.NONE + "\",\"records\":[" + records + "]}")
                .getBytes(StandardCharsets.UTF_8));
    }

    private static List<String> problems(String records) {
        return assertThrows(Failure.class, () -> parse(records)).problems().stream()
                .map(Failure.Problem::toString)
                .collect(Collectors.toList());
    }

    private static String record(String members) {
        return "{\"dimension\":\"requests\"," + members + "}";
    }

    @Test
    void a_thousand_records_are_taken_and_one_more_refused() {
        Batch full = new Batch(1, 1, Hash.NONE, Collections.nCopies(1000, RECORD));
        assertEquals(full, Batch.parse(full.toBytes()));
        Batch more = new Batch(1, 1, Hash.NONE, Collections.nCopies(1001, RECORD));
        Failure failure = assertThrows(Failure.class, () -> Batch.parse(more.toBytes()));
        assertEquals("records: must have at most 1000 elements, has 1001", failure.detail());
    }

    @ParameterizedTest
    @CsvSource({
        "0,1,'epoch: must be from 1 to 2147483647, is 0'",
        "2147483648,1,'epoch: must be from 1 to 2147483647, is 2147483648'",
        "1,0,'seq: must be from 1 to 9223372036854775807, is 0'",
        "1,-1,'seq: must be from 1 to 9223372036854775807, is -1'",
        "1,9223372036854775808,seq: must be a whole number",
        "1,1.0,seq: must be a whole number"
    })
    void numbers_outside_their_range_are_refused(String epoch, String seq, String problem) {
        String json = "{\"epoch\":" + epoch + ",\"seq\":" + seq + ",\"prev\":\"" + Hash.NONE + "\",\"records\":[]}";
        Failure failure = assertThrows(Failure.class, () -> Batch.parse(json.getBytes(StandardCharsets.UTF_8)));
        assertEquals(problem, failure.detail());
    }

    @Test
    void the_problems_of_all_records_are_told_at_once() {
        assertEquals(
                List.of(
                        "records[0].quantity: must be a decimal string such as 12 or 0.5, not negative, at most 29 digits"
                                + " before and 9 after the point",
                        "records[2].hour: must be the start of an hour",
                        "records[3].dimension: is missing",
                        "records[3].quantity: must be a decimal string",
                        "records[1].extra: is not a known field"),
                problems(record("\"hour\":\"2026-11-21T19:00:00Z\",\"quantity\":\"-1\"") + ","
                        + record("\"hour\":\"2026-11-21T19:00:00Z\",\"quantity\":\"1\",\"extra\":1") + ","
                        + record("\"hour\":\"2026-11-21T19:30:00Z\",\"quantity\":\"1\"") + ","
                        + "{\"hour\":\"2026-11-21T19:00:00Z\",\"quantity\":1}"));
    }

    @Test
    void a_record_has_exactly_one_of_hour_and_minute() {
        String q = ",\"quantity\":\"1\"";
        List<String> told = List.of("records[0].hour: exactly one of hour and minute must be given");
        assertEquals(told, problems(record("\"quantity\":\"1\"")));
        assertEquals(
                told, problems(record("\"hour\":\"2026-11-21T19:00:00Z\",\"minute\":\"2026-11-21T19:00:00Z\"" + q)));
        assertEquals(told, problems(record("\"hour\":null" + q)));
        // A time that is wrong is there: only what is wrong with it is told.
        assertEquals(
                List.of("records[0].hour: must be a UTC time ending in Z"),
                problems(record("\"hour\":\"yesterday\"" + q)));
        assertEquals(
                List.of("records[0].minute: must be a UTC time such as 2026-11-21T20:00:00Z"),
                problems(record("\"minute\":\"19:00Z\"" + q)));
    }

    @ParameterizedTest
    @CsvSource({
        "hour,2026-11-21T19:00:01Z,must be the start of an hour",
        "hour,2026-11-21T19:00:00.000000001Z,must be the start of an hour",
        "minute,2026-11-21T19:42:01Z,must be the start of a minute",
        "minute,2026-11-21T19:42:00.5Z,must be the start of a minute",
        "hour,2026-11-21T19:00:00+00:00,must be a UTC time ending in Z",
        "hour,+1000000000-12-31T23:00:00Z,must be a UTC time such as 2026-11-21T20:00:00Z"
    })
    void a_time_is_the_start_of_an_hour_or_minute_of_utc(String member, String time, String problem) {
        assertEquals(
                List.of("records[0]." + member + ": " + problem),
                problems(record("\"" + member + "\":\"" + time + "\",\"quantity\":\"1\"")));
    }

    @Test
    void a_minute_is_summed_in_its_hour() {
        MeteringRecord r = parse(record("\"minute\":\"2026-11-21T19:59:00Z\",\"quantity\":\"1\""))
                .records()
                .get(0);
        assertEquals(HOUR, r.hour());
        assertEquals(List.of(new MeteringRecord.Allocation(Quantity.ONE, Tags.NONE)), r.parts());
    }

    @Test
    void texts_are_taken_at_their_limits_and_refused_beyond() {
        String rest = "\"hour\":\"2026-11-21T19:00:00Z\",\"quantity\":\"1\"";
        parse("{\"dimension\":\"" + "d".repeat(100) + "\"," + rest + "}");
        parse(record(rest + ",\"slot\":\"" + "s".repeat(64) + "\",\"product\":\"" + "p".repeat(255) + "\""));
        assertEquals(
                List.of("records[0].dimension: must have 1 to 100 characters, has 101"),
                problems("{\"dimension\":\"" + "d".repeat(101) + "\"," + rest + "}"));
        assertEquals(
                List.of(
                        "records[0].slot: must have 1 to 64 characters, has 65",
                        "records[0].product: must have 1 to 255 characters, has 256"),
                problems(
                        record(rest + ",\"slot\":\"" + "s".repeat(65) + "\",\"product\":\"" + "p".repeat(256) + "\"")));
    }

    private static String split(String quantity, String... partsAndTags) {
        String parts = IntStream.range(0, partsAndTags.length / 2)
                .mapToObj(
                        i -> "{\"quantity\":\"" + partsAndTags[2 * i] + "\",\"tags\":" + partsAndTags[2 * i + 1] + "}")
                .collect(Collectors.joining(",", "[", "]"));
        return record("\"hour\":\"2026-11-21T19:00:00Z\",\"quantity\":\"" + quantity + "\",\"allocations\":" + parts);
    }

    @Test
    void allocations_add_up_to_the_quantity_exactly() {
        MeteringRecord r = parse(split("0.3", "0.1", "{\"a\":\"1\"}", "0.200", "{}"))
                .records()
                .get(0);
        assertEquals(
                List.of(
                        new MeteringRecord.Allocation(Quantity.parse("0.1"), Tags.of(Map.of("a", "1"))),
                        new MeteringRecord.Allocation(Quantity.parse("0.2"), Tags.NONE)),
                r.parts());
        assertEquals(
                List.of("records[0].allocations: must add up to the quantity 1, add up to 0.999999999"),
                problems(split("1", "0.999999999", "{}")));
        assertEquals(
                List.of("records[0].allocations: must add up to the quantity 1, add up to 2"),
                problems(split("1", "1", "{}", "1", "{\"a\":\"1\"}")));
    }

    /** Once the sum was held down to the largest whole number, which made it equal to that number. */
    @Test
    void allocations_that_overflow_do_not_add_up_to_the_largest_quantity() {
        String large = "9".repeat(29);
        assertEquals(
                List.of("records[0].allocations: must add up to the quantity " + large + ", add up to 1"
                        + "9".repeat(28) + "8"),
                problems(split(large, large, "{}", large, "{\"a\":\"1\"}")));
        parse(split(large, large, "{}"));
        parse(split(large + ".9", large, "{}", "0.9", "{\"a\":\"1\"}"));
    }

    @Test
    void two_allocations_never_have_the_same_tags() {
        String same = "must differ from those of every other allocation of the record";
        assertEquals(
                List.of("records[0].allocations[1].tags: " + same),
                problems(split("2", "1", "{\"a\":\"1\",\"b\":\"2\"}", "1", "{\"b\":\"2\",\"a\":\"1\"}")));
        assertEquals(List.of("records[0].allocations[1].tags: " + same), problems(split("2", "1", "{}", "1", "null")));
    }

    @Test
    void tags_break_no_rule_of_tags() {
        assertEquals(
                List.of("records[0].allocations[0].tags: tag key must have 1 to 100 characters from letters, digits,"
                        + " space and +-=._:/@"),
                problems(split("1", "1", "{\"é\":\"1\"}")));
        assertEquals(
                List.of("records[0].allocations[0].tags: must have at most 5 members, has 6"),
                problems(split("1", "1", "{\"a\":\"1\",\"b\":\"1\",\"c\":\"1\",\"d\":\"1\",\"e\":\"1\",\"f\":\"1\"}")));
    }

    @Test
    void two_thousand_five_hundred_allocations_are_taken_and_one_more_refused() {
        String[] parts = IntStream.range(0, 2501)
                .boxed()
                .flatMap(i -> java.util.stream.Stream.of("1", "{\"n\":\"" + i + "\"}"))
                .toArray(String[]::new);
        assertEquals(
                2500,
                parse(split("2500", java.util.Arrays.copyOf(parts, 5000)))
                        .records()
                        .get(0)
                        .allocations()
                        .size());
        assertEquals(
                List.of("records[0].allocations: must have at most 2500 elements, has 2501"),
                problems(split("2501", parts)));
    }
}
