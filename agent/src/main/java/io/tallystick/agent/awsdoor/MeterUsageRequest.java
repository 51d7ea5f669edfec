package io.tallystick.agent.awsdoor;

import io.tallystick.agent.store.SumKey;
import io.tallystick.common.json.Json;
import io.tallystick.common.model.Hash;
import io.tallystick.common.model.Hours;
import io.tallystick.common.model.Quantity;
import io.tallystick.common.model.Tags;
import io.tallystick.common.wire.MeteringRecord;
import java.math.BigDecimal;
import java.math.RoundingMode;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.regex.Pattern;

/**
 * A request of {@code MeterUsage}, with the limits of AWS's published model and documentation. Pure.
 *
 * @param timestamp as sent; the record is for its hour
 * @param allocations empty, or a split that adds up to the quantity
 */
record MeterUsageRequest(
        String productCode,
        String dimension,
        Instant timestamp,
        long quantity,
        boolean dryRun,
        List<MeteringRecord.Allocation> allocations,
        Optional<String> clientToken) {

    /** How old a timestamp may be. */
    static final Duration LATE_LIMIT = Duration.ofHours(6);
    /** AWS documents no limit; this is the one all usage here has, so that a slot is never booked in another hour. */
    static final Duration FUTURE_LIMIT = io.tallystick.common.wire.Wire.FUTURE_TOLERANCE;

    static final int PRODUCT_CODE_CHARS_MAX = 255;
    static final Pattern PRODUCT_CODE = Pattern.compile("[-a-zA-Z0-9/=:_.@]*");
    static final int DIMENSION_CHARS_MAX = 255;
    static final long QUANTITY_MAX = Integer.MAX_VALUE;
    static final int ALLOCATIONS_MAX = 2_500;
    /** Distinct tag keys over one record. */
    static final int TAG_KEYS_MAX = 5;

    static final int CLIENT_TOKEN_CHARS_MAX = 64;
    /** Bytes of the tags of one record as JSON: a record is never split, and must fit a signed batch. */
    static final int TAG_BYTES_MAX = 440 * 1024;

    private static final BigDecimal SECONDS_MAX = BigDecimal.valueOf(253_402_300_799L);
    /** Places a number may have; a short 1e-999999999 would be long to write out. */
    private static final int PLACES_MAX = 64;

    private static final int NANO_PLACES = 9;

    static MeterUsageRequest parse(byte[] body) {
        Request r = Request.parse(body);
        String code = r.text("ProductCode", 0, PRODUCT_CODE_CHARS_MAX, PRODUCT_CODE);
        String dimension = r.text("UsageDimension", 1, DIMENSION_CHARS_MAX);
        Instant timestamp = timestamp(r);
        long quantity = r.optionalInteger("UsageQuantity", 0, QUANTITY_MAX).orElse(0L);
        boolean dryRun = r.flag("DryRun");
        Optional<String> token = r.optionalText("ClientToken", 1, CLIENT_TOKEN_CHARS_MAX);
        List<Long> parts = new ArrayList<>();
        List<Optional<List<Request>>> tags = new ArrayList<>();
        Optional<List<Request>> list = r.optionalList("UsageAllocations");
        for (Request a : list.orElse(List.of())) {
            parts.add(a.integer("AllocatedUsageQuantity", 0, QUANTITY_MAX));
            tags.add(a.optionalList("Tags"));
        }
        r.done();
        if (list.isPresent() && (parts.isEmpty() || parts.size() > ALLOCATIONS_MAX)) {
            throw invalidAllocations(
                    "there must be 1 to " + ALLOCATIONS_MAX + " allocations, there are " + parts.size());
        }
        return new MeterUsageRequest(
                code, dimension, timestamp, quantity, dryRun, allocations(r, parts, tags, quantity), token);
    }

    /** Seconds since 1970, with or without a fraction. */
    private static Instant timestamp(Request r) {
        BigDecimal seconds = r.decimal("Timestamp");
        if (Math.abs((long) seconds.scale()) > PLACES_MAX
                || seconds.signum() < 0
                || seconds.compareTo(SECONDS_MAX) > 0) {
            r.problem("Timestamp", "must be seconds since 1970, up to the year 9999");
            return Instant.EPOCH;
        }
        BigDecimal nanos = seconds.movePointRight(NANO_PLACES).setScale(0, RoundingMode.DOWN);
        BigDecimal[] parts = nanos.divideAndRemainder(BigDecimal.TEN.pow(NANO_PLACES));
        return Instant.ofEpochSecond(parts[0].longValue(), parts[1].longValue());
    }

    private static List<MeteringRecord.Allocation> allocations(
            Request r, List<Long> parts, List<Optional<List<Request>>> lists, long quantity) {
        List<MeteringRecord.Allocation> result = new ArrayList<>();
        Set<Tags> seen = new HashSet<>();
        Set<String> keys = new HashSet<>();
        long sum = 0;
        long bytes = 0;
        for (int i = 0; i < parts.size(); i++) {
            Tags tags = tags(lists.get(i));
            keys.addAll(tags.map().keySet());
            bytes += SumKey.tagText(tags).length();
            if (!seen.add(tags)) {
                throw invalidAllocations(
                        tags.isEmpty()
                                ? "at most one allocation may have no tags"
                                : "two allocations have the same tags");
            }
            sum += parts.get(i);
            result.add(new MeteringRecord.Allocation(Quantity.of(parts.get(i)), tags));
        }
        r.done();
        if (keys.size() > TAG_KEYS_MAX) {
            throw invalidTag("a record may use " + TAG_KEYS_MAX + " different tag keys, it uses " + keys.size());
        }
        if (!result.isEmpty() && sum != quantity) {
            throw invalidAllocations("the allocations add up to " + sum + ", the quantity is " + quantity);
        }
        if (bytes > TAG_BYTES_MAX) {
            throw invalidAllocations("the tags of a record may have " + TAG_BYTES_MAX + " bytes, they have " + bytes);
        }
        return result;
    }

    private static Tags tags(Optional<List<Request>> list) {
        if (list.isEmpty()) {
            return Tags.NONE;
        }
        int count = list.get().size();
        if (count < 1 || count > Tags.COUNT_MAX) {
            throw invalidTag("an allocation has 1 to " + Tags.COUNT_MAX + " tags or none at all, it has " + count);
        }
        Map<String, String> map = new HashMap<>();
        for (Request tag : list.get()) {
            // Lengths and characters are Tags' own rules; only absence is the request's.
            String key = tag.text("Key", 0, Integer.MAX_VALUE);
            String value = tag.text("Value", 0, Integer.MAX_VALUE);
            tag.done();
            if (map.put(key, value) != null) {
                throw invalidTag("the key " + key + " is given twice");
            }
        }
        try {
            return Tags.of(map);
        } catch (IllegalArgumentException e) {
            throw invalidTag(String.valueOf(e.getMessage()));
        }
    }

    /** Refuses a timestamp outside the window. */
    void checkTime(Instant now, Duration productLateLimit) {
        Duration late = productLateLimit.compareTo(LATE_LIMIT) < 0 ? productLateLimit : LATE_LIMIT;
        if (timestamp.isBefore(now.minus(late))) {
            throw AwsError.client(
                    "TimestampOutOfBoundsException",
                    "the timestamp " + timestamp + " is more than " + late + " before now, which is " + now);
        }
        if (timestamp.isAfter(now.plus(FUTURE_LIMIT))) {
            throw AwsError.client(
                    "TimestampOutOfBoundsException",
                    "the timestamp " + timestamp + " is more than " + FUTURE_LIMIT + " after now, which is " + now);
        }
    }

    Instant hour() {
        return Hours.of(timestamp);
    }

    /** The same for the same content on the same instance, in whatever order its allocations are; other otherwise. */
    String recordId(String instance) {
        List<String> split = allocations.stream()
                .map(a -> a.quantity() + " " + SumKey.tagText(a.tags()))
                .sorted()
                .toList();
        boolean plain = allocations.size() == 1 && allocations.get(0).tags().isEmpty();
        byte[] hash = Hash.of(Json.writeBytes(List.of(
                        instance,
                        productCode,
                        dimension,
                        hour().getEpochSecond(),
                        quantity,
                        plain ? List.of() : split)))
                .bytes();
        java.nio.ByteBuffer bytes = java.nio.ByteBuffer.wrap(hash);
        return new UUID(bytes.getLong(), bytes.getLong()).toString();
    }

    private static AwsError invalidTag(String message) {
        return AwsError.client("InvalidTagException", message);
    }

    private static AwsError invalidAllocations(String message) {
        return AwsError.client("InvalidUsageAllocationsException", message);
    }
}
