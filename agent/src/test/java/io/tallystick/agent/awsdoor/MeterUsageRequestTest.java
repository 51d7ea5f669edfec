package io.tallystick.agent.awsdoor;

import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.tallystick.common.json.Json;
import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;

/** Every limit of MeterUsage, at the limit and one beyond. */
class MeterUsageRequestTest {
    private static final Instant NOW = Instant.parse("2026-01-15T12:34:56.789Z");
    private static final long INT_MAX = 2_147_483_647L;

    private static byte[] body(Object... changes) {
        Map<String, Object> body = new LinkedHashMap<>(Json.object(
                "ProductCode", "pc", "Timestamp", 1_768_480_496L, "UsageDimension", "users", "UsageQuantity", 3L));
        for (int i = 0; i < changes.length; i += 2) {
            body.put(String.valueOf(changes[i]), changes[i + 1]);
        }
        return Json.writeBytes(body);
    }

    private static MeterUsageRequest read(Object... changes) {
        return MeterUsageRequest.parse(body(changes));
    }

    private static String error(Executable call) {
        return assertThrows(AwsError.class, call).type();
    }

    private static void taken(Object... changes) {
        assertDoesNotThrow(() -> read(changes));
    }

    private static void refused(String type, Object... changes) {
        assertEquals(type, error(() -> read(changes)));
    }

    @Test
    void theRequestAnSdkSendsIsRead() {
        MeterUsageRequest r = MeterUsageRequest.parse(
                """
                {"ProductCode": "pc", "Timestamp": 1768480496.789, "UsageDimension": "u", "UsageQuantity": 3,
                 "UsageAllocations": [{"AllocatedUsageQuantity": 3, "Tags": [{"Key": "a", "Value": "b"}]}],
                 "ClientToken": "8a9f3c4e-0000-4000-8000-000000000000", "DryRun": null, "Newer": {"a": [1]}}"""
                        .getBytes(StandardCharsets.UTF_8));
        assertEquals("pc", r.productCode());
        assertEquals("u", r.dimension());
        assertEquals(Instant.ofEpochMilli(1_768_480_496_789L), r.timestamp());
        assertEquals(Instant.parse("2026-01-15T12:00:00Z"), r.hour());
        assertEquals(3, r.quantity());
        assertEquals("{a=b}", r.allocations().get(0).tags().map().toString());
        assertEquals(0, read("UsageQuantity", null).quantity());
        assertEquals(
                Instant.ofEpochSecond(1_768_480_000L),
                MeterUsageRequest.parse("{\"ProductCode\":\"p\",\"Timestamp\":1.76848E9,\"UsageDimension\":\"u\"}"
                                .getBytes(StandardCharsets.UTF_8))
                        .timestamp());
    }

    @Test
    void textsHaveTheirLengthsAndCharacters() {
        taken("ProductCode", "c".repeat(255));
        refused("ValidationException", "ProductCode", "c".repeat(256));
        taken("ProductCode", "-aZ9/=:_.@");
        refused("ValidationException", "ProductCode", "a b");
        refused("ValidationException", "ProductCode", null);
        taken("UsageDimension", "d".repeat(255));
        refused("ValidationException", "UsageDimension", "d".repeat(256));
        refused("ValidationException", "UsageDimension", "");
        taken("ClientToken", "t".repeat(64));
        refused("ValidationException", "ClientToken", "t".repeat(65));
        refused("ValidationException", "ClientToken", "");
        refused("ValidationException", "UsageDimension", null);
        String all = assertThrows(AwsError.class, () -> read("ProductCode", "a b", "UsageDimension", ""))
                .getMessage();
        assertTrue(String.valueOf(all).startsWith("2 validation errors detected"), all);
    }

    @Test
    void quantitiesAreIntegersOf31Bits() {
        taken("UsageQuantity", 0L);
        taken("UsageQuantity", INT_MAX);
        refused("ValidationException", "UsageQuantity", INT_MAX + 1);
        refused("ValidationException", "UsageQuantity", -1L);
        refused("ValidationException", "UsageQuantity", new BigDecimal("1e400"));
        refused("SerializationException", "UsageQuantity", new BigDecimal("1.5"));
        refused("SerializationException", "UsageQuantity", "3");
    }

    @Test
    void theTimestampIsSecondsSince1970() {
        refused("ValidationException", "Timestamp", null);
        refused("ValidationException", "Timestamp", -1L);
        taken("Timestamp", 253_402_300_799L);
        refused("ValidationException", "Timestamp", 253_402_300_800L);
        refused("ValidationException", "Timestamp", new BigDecimal("1e-999999999"));
        refused("ValidationException", "Timestamp", new BigDecimal("1e999999999"));
        refused("SerializationException", "Timestamp", "2026-01-15T12:00:00Z");
        refused("SerializationException", "DryRun", "true");
        refused("SerializationException", "UsageAllocations", Map.of());
        refused("SerializationException", "UsageAllocations", List.of(1L));
        assertEquals(
                "SerializationException",
                error(() -> MeterUsageRequest.parse("{\"a\":1,\"a\":2}".getBytes(StandardCharsets.UTF_8))));
    }

    private static Map<String, Object> part(long quantity, String... tags) {
        List<Object> list = new ArrayList<>();
        for (int i = 0; i < tags.length; i += 2) {
            list.add(Json.object("Key", tags[i], "Value", tags[i + 1]));
        }
        return Json.object("AllocatedUsageQuantity", quantity, "Tags", list.isEmpty() ? null : list);
    }

    private static List<Object> parts(int count) {
        List<Object> list = new ArrayList<>();
        IntStream.range(0, count).forEach(i -> list.add(part(0, "k", "v" + i)));
        return list;
    }

    @Test
    void allocationsAddUpAndDiffer() {
        taken("UsageAllocations", List.of(part(2, "a", "x"), part(1, "a", "y")));
        refused("InvalidUsageAllocationsException", "UsageAllocations", List.of(part(2, "a", "x"), part(2, "a", "y")));
        refused("InvalidUsageAllocationsException", "UsageAllocations", List.of(part(2, "a", "x")));
        refused("InvalidUsageAllocationsException", "UsageAllocations", List.of(part(2, "a", "x"), part(1, "a", "x")));
        refused(
                "InvalidUsageAllocationsException",
                "UsageAllocations",
                List.of(part(2, "a", "x", "b", "y"), part(1, "b", "y", "a", "x")));
        taken("UsageAllocations", List.of(part(2), part(1, "a", "x")));
        refused("InvalidUsageAllocationsException", "UsageAllocations", List.of(part(2), part(1)));
        refused("InvalidUsageAllocationsException", "UsageAllocations", List.of());
        taken("UsageQuantity", 0L, "UsageAllocations", parts(2_500));
        refused("InvalidUsageAllocationsException", "UsageQuantity", 0L, "UsageAllocations", parts(2_501));
        taken("UsageQuantity", INT_MAX, "UsageAllocations", List.of(part(INT_MAX)));
        refused("ValidationException", "UsageAllocations", List.of(part(INT_MAX + 1)));
        refused("ValidationException", "UsageAllocations", List.of(Map.of()));
    }

    @Test
    void tagsAreFewShortAndPlain() {
        taken("UsageAllocations", List.of(part(3, "a", "1", "b", "1", "c", "1", "d", "1", "e", "1")));
        refused(
                "InvalidTagException",
                "UsageAllocations",
                List.of(part(3, "a", "1", "b", "1", "c", "1", "d", "1", "e", "1", "f", "1")));
        refused(
                "InvalidTagException",
                "UsageAllocations",
                List.of(part(2, "a", "1", "b", "1", "c", "1", "d", "1", "e", "1"), part(1, "f", "1")));
        refused("InvalidTagException", "UsageAllocations", List.of(part(3, "a", "1", "a", "2")));
        taken("UsageAllocations", List.of(part(3, "k".repeat(100), "v".repeat(256))));
        refused("InvalidTagException", "UsageAllocations", List.of(part(3, "k".repeat(101), "v")));
        refused("InvalidTagException", "UsageAllocations", List.of(part(3, "k", "v".repeat(257))));
        refused("InvalidTagException", "UsageAllocations", List.of(part(3, "", "v")));
        refused("InvalidTagException", "UsageAllocations", List.of(part(3, "k", "")));
        taken("UsageAllocations", List.of(part(3, " !\"#$%&'()*+,-./0123456789:;<=", "a_b.c:d/e@f")));
        refused("InvalidTagException", "UsageAllocations", List.of(part(3, "k", "a?b")));
        refused(
                "InvalidTagException",
                "UsageAllocations",
                List.of(Json.object("AllocatedUsageQuantity", 3L, "Tags", List.of())));
        refused(
                "ValidationException",
                "UsageAllocations",
                List.of(Json.object("AllocatedUsageQuantity", 3L, "Tags", List.of(Map.of("Key", "k")))));
    }

    @Test
    void theTagsOfARecordFitABatch() {
        List<Object> list = new ArrayList<>();
        // {"k":"…"} around each value; the quotes of a value are escaped, which counts.
        int each = 256 + 8;
        int count = MeterUsageRequest.TAG_BYTES_MAX / each;
        for (int i = 0; i < count; i++) {
            list.add(part(0, "k", String.format("%04d", i) + "v".repeat(252)));
        }
        int left = MeterUsageRequest.TAG_BYTES_MAX - count * each - 8;
        List<Object> full = new ArrayList<>(list);
        full.add(part(0, "k", "w".repeat(left)));
        taken("UsageQuantity", 0L, "UsageAllocations", full);
        list.add(part(0, "k", "w".repeat(left + 1)));
        refused("InvalidUsageAllocationsException", "UsageQuantity", 0L, "UsageAllocations", list);
    }

    @Test
    void theWindowIsSixHoursBackAndFiveMinutesAhead() {
        Duration month = Duration.ofDays(31);
        Instant oldest = NOW.minus(Duration.ofHours(6));
        Instant newest = NOW.plus(Duration.ofMinutes(5));
        assertDoesNotThrow(() -> at(oldest).checkTime(NOW, month));
        assertEquals("TimestampOutOfBoundsException", error(() -> at(oldest.minusMillis(1))
                .checkTime(NOW, month)));
        assertDoesNotThrow(() -> at(newest).checkTime(NOW, month));
        assertEquals("TimestampOutOfBoundsException", error(() -> at(newest.plusMillis(1))
                .checkTime(NOW, month)));
        Duration hour = Duration.ofHours(1);
        assertDoesNotThrow(() -> at(NOW.minus(hour)).checkTime(NOW, hour));
        assertEquals(
                "TimestampOutOfBoundsException",
                error(() -> at(NOW.minus(hour).minusMillis(1)).checkTime(NOW, hour)),
                "a product's own limit may be shorter");
    }

    private static MeterUsageRequest at(Instant time) {
        return read("Timestamp", BigDecimal.valueOf(time.toEpochMilli()).movePointLeft(3));
    }

    @Test
    void theRecordIdIsOfTheContentAlone() {
        String id = read().recordId("i-1");
        assertEquals(id, read("ClientToken", "x", "Timestamp", 1_768_478_400L).recordId("i-1"));
        assertEquals(id, read("UsageAllocations", List.of(part(3))).recordId("i-1"));
        assertEquals(
                7,
                List.of(
                                read(),
                                read("UsageQuantity", 4L),
                                read("UsageDimension", "u"),
                                read("ProductCode", "p"),
                                read("Timestamp", 1_768_482_000L),
                                read("UsageAllocations", List.of(part(3, "a", "b"))),
                                read("UsageAllocations", List.of(part(2, "a", "b"), part(1))))
                        .stream()
                        .map(r -> r.recordId("i-1"))
                        .distinct()
                        .count());
        assertTrue(!id.equals(read().recordId("i-2")));
    }
}
