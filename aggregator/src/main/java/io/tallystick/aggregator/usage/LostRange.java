package io.tallystick.aggregator.usage;

import io.tallystick.common.json.Json;
import io.tallystick.common.model.EnrollmentId;
import io.tallystick.common.wire.Watermark;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;

/**
 * Batches of an enrollment that a restored database forgot and that nobody can send again.
 *
 * @param after the last batch that is there
 * @param upTo the last one that is lost; what follows is there again
 * @param receipt of that one, compact: proof that it was stored once
 */
public record LostRange(UUID enrollment, Watermark after, Watermark upTo, String receipt, Instant notedAt) {
    /** Where a range stands in lists: by its enrollment and the batch before it. */
    public record Position(UUID enrollment, int epoch, long seq) {
        public static final Position START = new Position(new UUID(0, 0), 0, 0);

        /** For the cursors of pages. */
        public String key() {
            return enrollment + "|" + epoch + "|" + seq;
        }

        /** The position of a {@link #key}; {@link IllegalArgumentException} for what is none. */
        public static Position ofKey(String key) {
            String[] parts = key.split("\\|", -1);
            if (parts.length != 3) {
                throw new IllegalArgumentException("is no position");
            }
            return new Position(UUID.fromString(parts[0]), Integer.parseInt(parts[1]), Long.parseLong(parts[2]));
        }
    }

    /**
     * A range, for one of those who look at it.
     *
     * @param productCodes of the VM, as far as they concern who looks
     */
    public record Of(LostRange range, String instance, List<String> productCodes) {
        public Of {
            productCodes = List.copyOf(productCodes);
        }

        public Map<String, Object> json() {
            Map<String, Object> json = new LinkedHashMap<>(Json.object(
                    "enrollment",
                    new EnrollmentId(range.enrollment()),
                    "instance",
                    instance,
                    "productCodes",
                    productCodes));
            json.putAll(range.json());
            return json;
        }
    }

    public Position position() {
        return new Position(enrollment, (int) after.epoch(), after.seq());
    }

    /** As those see it whose usage it was. */
    public Map<String, Object> json() {
        return Json.object("after", place(after), "upTo", place(upTo), "notedAt", notedAt);
    }

    /** {@code epoch.seq}, as incidents name batches. */
    static String place(Watermark mark) {
        return mark.epoch() + "." + mark.seq();
    }
}
