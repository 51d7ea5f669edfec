package io.tallystick.aggregator.usage;

import io.tallystick.common.json.Json;
import io.tallystick.common.wire.Watermark;
import java.time.Instant;
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
    /** As those see it whose usage it was. */
    public Map<String, Object> json() {
        return Json.object("after", place(after), "upTo", place(upTo), "notedAt", notedAt);
    }

    /** {@code epoch.seq}, as incidents name batches. */
    static String place(Watermark mark) {
        return mark.epoch() + "." + mark.seq();
    }
}
