package io.tallystick.common.wire;

import io.tallystick.common.json.Fields;
import io.tallystick.common.json.Json;
import io.tallystick.common.model.Hours;
import io.tallystick.common.model.Quantity;
import io.tallystick.common.model.Tags;
import java.math.BigDecimal;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * What an instance used of one dimension in one hour (or minute) of UTC.
 *
 * @param time the start of the hour, or of the minute where {@code minute}
 * @param minute whether {@code time} names a minute; sums are by hour either way
 * @param allocations empty, or a split whose quantities add up to {@code quantity} exactly, with distinct tags
 * @param slot for an AWS-style record the id derived from its content: write-once per (dimension, hour). Absent for an
 *     increment, which is added up.
 * @param product the product code, needed only where the instance carries several
 */
public record MeteringRecord(
        String dimension,
        Instant time,
        boolean minute,
        Quantity quantity,
        List<Allocation> allocations,
        Optional<String> slot,
        Optional<String> product) {

    private static final int SLOT_CHARS_MAX = 64;

    /** One part of a quantity. */
    public record Allocation(Quantity quantity, Tags tags) {}

    public MeteringRecord {
        allocations = List.copyOf(allocations);
    }

    /** An increment for an hour, untagged, of the instance's only product. */
    public static MeteringRecord increment(String dimension, Instant hour, Quantity quantity) {
        return new MeteringRecord(dimension, hour, false, quantity, List.of(), Optional.empty(), Optional.empty());
    }

    /** The hour this record is summed in, before any clamping. */
    public Instant hour() {
        return Hours.of(time);
    }

    /** The split to sum by: the allocations, or the whole quantity untagged. */
    public List<Allocation> parts() {
        return allocations.isEmpty() ? List.of(new Allocation(quantity, Tags.NONE)) : allocations;
    }

    Map<String, Object> toJson() {
        List<Object> parts = new ArrayList<>();
        for (Allocation a : allocations) {
            parts.add(Json.object(
                    "quantity",
                    a.quantity().toString(),
                    "tags",
                    a.tags().isEmpty() ? null : a.tags().map()));
        }
        return Json.object(
                "dimension",
                dimension,
                minute ? "minute" : "hour",
                time.toString(),
                "quantity",
                quantity.toString(),
                "allocations",
                parts.isEmpty() ? null : parts,
                "slot",
                slot.orElse(null),
                "product",
                product.orElse(null));
    }

    static MeteringRecord read(Fields f) {
        String dimension = f.string("dimension", Wire.DIMENSION_CHARS_MAX);
        Optional<Instant> hour = f.optionalInstant("hour");
        Optional<Instant> minute = f.optionalInstant("minute");
        if (f.has("hour") == f.has("minute")) {
            f.problem("hour", "exactly one of hour and minute must be given");
        }
        hour.filter(h -> !Hours.isStart(h)).ifPresent(h -> f.problem("hour", "must be the start of an hour"));
        minute.filter(m -> !m.truncatedTo(ChronoUnit.MINUTES).equals(m))
                .ifPresent(m -> f.problem("minute", "must be the start of a minute"));
        Quantity quantity = f.quantity("quantity");
        List<Allocation> allocations = readAllocations(f, quantity);
        return new MeteringRecord(
                dimension,
                hour.or(() -> minute).orElse(Instant.EPOCH),
                minute.isPresent(),
                quantity,
                allocations,
                f.optionalString("slot", SLOT_CHARS_MAX),
                f.optionalString("product", Wire.PRODUCT_CODE_CHARS_MAX));
    }

    /**
     * Reads {@code allocations} of an object that also has a quantity, as batches and the agent's local API write
     * them; an absent list is empty. Sum, distinct tags and tag limits are checked here for both.
     */
    public static List<Allocation> readAllocations(Fields f, Quantity quantity) {
        List<Allocation> result = new ArrayList<>();
        Set<Tags> seen = new HashSet<>();
        // Not a Quantity: the sum of 2,500 parts may be larger than one can be.
        BigDecimal sum = BigDecimal.ZERO;
        for (Fields a : f.optionalObjects("allocations", Wire.RECORD_ALLOCATIONS_MAX)) {
            Quantity part = a.quantity("quantity");
            Tags tags = Tags.NONE;
            try {
                tags = Tags.of(a.optionalStringMap("tags", Tags.COUNT_MAX, Tags.KEY_CHARS_MAX, Tags.VALUE_CHARS_MAX));
            } catch (IllegalArgumentException e) {
                a.problem("tags", String.valueOf(e.getMessage()));
            }
            if (!seen.add(tags)) {
                a.problem("tags", "must differ from those of every other allocation of the record");
            }
            result.add(new Allocation(part, tags));
            sum = sum.add(part.value());
        }
        if (!result.isEmpty() && sum.compareTo(quantity.value()) != 0) {
            f.problem("allocations", "must add up to the quantity " + quantity + ", add up to " + sum.toPlainString());
        }
        return result;
    }
}
