package io.tallystick.client;

import java.math.BigDecimal;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Something that was used. Immutable; each {@code with…} answers a changed copy.
 *
 * @param quantity zero or more, at most nine decimal places
 * @param timestamp when; empty for now. The agent's clock is better than the VM's, so leave it out where it is now
 * @param idempotencyKey makes it safe to send the same again for 7 days; without one a repeated call counts twice
 * @param allocations a split of the quantity by tags; empty for none. The parts must add up to the quantity
 * @param product needed only on a VM with several product codes
 */
public record Usage(
        String dimension,
        BigDecimal quantity,
        Optional<Instant> timestamp,
        Optional<String> idempotencyKey,
        List<Allocation> allocations,
        Optional<String> product) {

    /** A part of a quantity, booked under tags. */
    public record Allocation(BigDecimal quantity, Map<String, String> tags) {
        public Allocation {
            tags = java.util.Collections.unmodifiableMap(new LinkedHashMap<>(tags));
        }
    }

    public Usage {
        allocations = List.copyOf(allocations);
    }

    public static Usage of(String dimension, BigDecimal quantity) {
        return new Usage(dimension, quantity, Optional.empty(), Optional.empty(), List.of(), Optional.empty());
    }

    public static Usage of(String dimension, long quantity) {
        return of(dimension, BigDecimal.valueOf(quantity));
    }

    public Usage withKey(String key) {
        return new Usage(dimension, quantity, timestamp, Optional.of(key), allocations, product);
    }

    public Usage at(Instant when) {
        return new Usage(dimension, quantity, Optional.of(when), idempotencyKey, allocations, product);
    }

    public Usage split(List<Allocation> parts) {
        return new Usage(dimension, quantity, timestamp, idempotencyKey, parts, product);
    }

    public Usage forProduct(String code) {
        return new Usage(dimension, quantity, timestamp, idempotencyKey, allocations, Optional.of(code));
    }

    Map<String, @Nullable Object> toJson() {
        Map<String, @Nullable Object> m = new LinkedHashMap<>();
        m.put("dimension", dimension);
        m.put("quantity", quantity.toPlainString());
        m.put("timestamp", timestamp.map(Instant::toString).orElse(null));
        m.put("idempotencyKey", idempotencyKey.orElse(null));
        m.put("product", product.orElse(null));
        if (!allocations.isEmpty()) {
            List<Object> parts = new ArrayList<>();
            for (Allocation a : allocations) {
                parts.add(Map.of("quantity", a.quantity().toPlainString(), "tags", a.tags()));
            }
            m.put("allocations", parts);
        }
        return m;
    }
}
