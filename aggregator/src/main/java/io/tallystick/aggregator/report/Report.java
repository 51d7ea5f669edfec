package io.tallystick.aggregator.report;

import io.tallystick.common.json.Json;
import io.tallystick.common.model.Hash;
import java.time.Instant;
import java.time.LocalDate;
import java.util.Map;

/**
 * A report that was made, without its bytes.
 *
 * @param day in UTC
 * @param lines usage lines it adds up; none in a report on agreements
 * @param rows rows beside the header
 * @param sha256 of the bytes
 */
public record Report(
        String id,
        Kind kind,
        String sellerId,
        LocalDate day,
        long lines,
        int rows,
        Instant madeAt,
        int size,
        Hash sha256) {

    /** What is reported. */
    public enum Kind {
        /** "Daily business: usage by instance type" of the reference marketplace. */
        USAGE_BY_INSTANCE_TYPE("daily-business-usage-by-instance-type"),
        /** "Agreements and renewals" of the reference marketplace: what began, was bought, amended or ended on a day. */
        AGREEMENTS_AND_RENEWALS("agreements-and-renewals");

        private final String wire;

        Kind(String wire) {
            this.wire = wire;
        }

        public String wire() {
            return wire;
        }

        public static Kind ofWire(String text) {
            for (Kind kind : values()) {
                if (kind.wire.equals(text)) {
                    return kind;
                }
            }
            throw new IllegalArgumentException(
                    "must be " + USAGE_BY_INSTANCE_TYPE.wire + " or " + AGREEMENTS_AND_RENEWALS.wire);
        }
    }

    /** As the reference marketplace names its files. */
    public String fileName() {
        return kind.wire().replace('-', '_') + "_" + day + ".csv";
    }

    public Map<String, Object> json() {
        return Json.object(
                "id",
                id,
                "kind",
                kind.wire(),
                "seller",
                sellerId,
                "day",
                day.toString(),
                "lines",
                lines,
                "rows",
                rows,
                "madeAt",
                madeAt,
                "fileName",
                fileName(),
                "size",
                size,
                "sha256",
                sha256);
    }
}
