package io.tallystick.aggregator.usage;

import io.tallystick.aggregator.db.Database;
import io.tallystick.common.json.Fields;
import io.tallystick.common.json.Json;
import io.tallystick.common.model.EnrollmentId;
import io.tallystick.common.model.Quantity;
import io.vertx.core.Future;
import java.time.DateTimeException;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;

/** Records that were stored but not added up, for those who can mend the cause. */
public final class Quarantine {
    /** Where a record stands; also the order of pages. */
    public record Position(Instant received, UUID enrollment, int epoch, long seq, int index) {
        public static final Position START = new Position(Instant.EPOCH, new UUID(0, 0), 0, 0, 0);

        /** For the cursors of pages. */
        public String key() {
            return received + "|" + enrollment + "|" + epoch + "|" + seq + "|" + index;
        }

        /** The position of a {@link #key}; {@link IllegalArgumentException} for what is none. */
        public static Position ofKey(String key) {
            String[] parts = key.split("\\|", -1);
            if (parts.length != 5) {
                throw new IllegalArgumentException("is no position");
            }
            try {
                return new Position(
                        Fields.parseInstant(parts[0]),
                        UUID.fromString(parts[1]),
                        Integer.parseInt(parts[2]),
                        Long.parseLong(parts[3]),
                        Integer.parseInt(parts[4]));
            } catch (DateTimeException e) {
                throw new IllegalArgumentException("is no position", e);
            }
        }
    }

    /** One record with the reason of its receipt. */
    public record Quarantined(
            Position position,
            Optional<String> productCode,
            String instance,
            String dimension,
            Instant time,
            Quantity quantity,
            String code,
            String detail) {
        public Map<String, Object> toJson() {
            return Json.object(
                    "enrollment",
                    new EnrollmentId(position.enrollment()),
                    "epoch",
                    position.epoch(),
                    "seq",
                    position.seq(),
                    "index",
                    position.index(),
                    "product",
                    productCode.orElse(null),
                    "instance",
                    instance,
                    "dimension",
                    dimension,
                    "time",
                    time,
                    "quantity",
                    quantity,
                    "code",
                    code,
                    "detail",
                    detail,
                    "received",
                    position.received());
        }
    }

    private final Database database;
    private final QuarantineStore store = new QuarantineStore();

    public Quarantine(Database database) {
        this.database = database;
    }

    /**
     * Oldest first, those after {@code after}.
     *
     * @param seller only records that concern products of this seller account; empty for all
     */
    public Future<List<Quarantined>> page(Optional<String> seller, Position after, int limit) {
        return store.page(database.reads(), seller, after, limit);
    }
}
