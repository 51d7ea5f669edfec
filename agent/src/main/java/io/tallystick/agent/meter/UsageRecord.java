package io.tallystick.agent.meter;

import io.tallystick.common.error.ErrorCode;
import io.tallystick.common.error.Failure;
import io.tallystick.common.json.Fields;
import io.tallystick.common.json.Json;
import io.tallystick.common.model.Hash;
import io.tallystick.common.model.Quantity;
import io.tallystick.common.wire.MeteringRecord;
import io.tallystick.common.wire.Wire;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * One thing vendor software reports.
 *
 * @param path where it stands in the call, empty for a single object; for messages
 * @param timestamp when it was used; absent for now
 * @param allocations empty, or a split that adds up to the quantity
 * @param idempotencyKey with which the same call may be sent again for 7 days
 */
record UsageRecord(
        String path,
        String dimension,
        Quantity quantity,
        Optional<Instant> timestamp,
        List<MeteringRecord.Allocation> allocations,
        Optional<String> idempotencyKey,
        Optional<String> product) {

    /** Records in one call. */
    static final int CALL_RECORDS_MAX = 1_000;

    static final int IDEMPOTENCY_KEY_CHARS_MAX = 255;

    UsageRecord {
        allocations = List.copyOf(allocations);
    }

    /** Reads a call's body: one object, or an array of 1 to {@value #CALL_RECORDS_MAX}. */
    static List<UsageRecord> read(byte[] body) {
        Object value = Json.parse(body);
        List<UsageRecord> records = new ArrayList<>();
        if (value instanceof List<?> list) {
            if (list.isEmpty()) {
                throw Failure.of(
                        ErrorCode.INVALID_REQUEST, "the array must have 1 to " + CALL_RECORDS_MAX + " records");
            }
            // A nameless member, so that paths read [3].dimension.
            Fields root = Fields.of(Map.of("", list));
            root.objects("", CALL_RECORDS_MAX).forEach(f -> records.add(read(f)));
            root.done();
        } else {
            Fields f = Fields.of(asObject(value));
            records.add(read(f));
            f.done();
        }
        return records;
    }

    @SuppressWarnings("unchecked")
    private static Map<String, Object> asObject(@Nullable Object value) {
        if (!(value instanceof Map)) {
            throw Failure.of(ErrorCode.INVALID_JSON, "an object or an array of objects is expected");
        }
        return (Map<String, Object>) value;
    }

    private static UsageRecord read(Fields f) {
        String dimension = f.string("dimension", Wire.DIMENSION_CHARS_MAX);
        Quantity quantity = f.quantity("quantity");
        return new UsageRecord(
                f.path(),
                dimension,
                quantity,
                f.optionalInstant("timestamp"),
                MeteringRecord.readAllocations(f, quantity),
                f.optionalString("idempotencyKey", IDEMPOTENCY_KEY_CHARS_MAX),
                f.optionalString("product", Wire.PRODUCT_CODE_CHARS_MAX));
    }

    /** What must be the same when a key is used again: everything but the key, in one order. */
    Hash content() {
        List<Object> split = new ArrayList<>();
        allocations.stream()
                .map(a -> a.quantity() + " " + Json.write(a.tags().map()))
                .sorted()
                .forEach(split::add);
        return Hash.of(Json.writeBytes(Json.object(
                "dimension",
                dimension,
                "quantity",
                quantity,
                "timestamp",
                timestamp.orElse(null),
                "allocations",
                split,
                "product",
                product.orElse(null))));
    }

    String at(String field) {
        return path.isEmpty() ? field : path + "." + field;
    }
}
