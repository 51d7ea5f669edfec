package io.tallystick.aggregator.catalog;

import io.tallystick.common.json.Fields;
import io.tallystick.common.model.EvidenceLevel;
import java.time.Duration;

/**
 * How a product's usage is taken and closed.
 *
 * @param evidenceLevel the weakest evidence an instance may enroll with
 * @param lateLimit how old a record may be when it arrives; what comes after its hour is posted becomes an adjustment
 * @param closeDelay how long after its end an hour may be posted
 * @param flushInterval how often an agent cuts a batch
 */
public record Terms(EvidenceLevel evidenceLevel, Duration lateLimit, Duration closeDelay, Duration flushInterval) {
    public static final Terms DEFAULT =
            new Terms(EvidenceLevel.ATTESTED, Duration.ofDays(31), Duration.ofHours(1), Duration.ofMinutes(15));

    /** Reads the fields that are there; the rest keep their defaults. */
    public static Terms read(Fields in) {
        return new Terms(
                in.optionalParsed("evidenceLevel", EvidenceLevel::ofWire).orElse(DEFAULT.evidenceLevel),
                duration(in, "lateLimit", DEFAULT.lateLimit, Duration.ofHours(1), Duration.ofDays(400)),
                duration(in, "closeDelay", DEFAULT.closeDelay, Duration.ZERO, Duration.ofDays(7)),
                duration(in, "flushInterval", DEFAULT.flushInterval, Duration.ofSeconds(10), Duration.ofHours(1)));
    }

    private static Duration duration(Fields in, String name, Duration otherwise, Duration min, Duration max) {
        Duration value = in.optionalDuration(name).orElse(otherwise);
        if (value.compareTo(min) < 0 || value.compareTo(max) > 0 || value.getNano() != 0) {
            in.problem(name, "must be whole seconds from " + min + " to " + max);
            return otherwise;
        }
        return value;
    }
}
