package io.tallystick.agent.store;

import io.tallystick.common.error.ErrorCode;
import io.tallystick.common.error.Failure;
import io.tallystick.common.json.Fields;
import io.tallystick.common.json.Json;
import io.tallystick.common.model.Quantity;
import io.tallystick.common.wire.MeteringRecord;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * A checked write-once record of an hour, as it is kept until it is cut.
 *
 * @param hour under the product's empty name where the instance carries one product
 * @param code the product's code; usage taken before the agent knew that it is the only one stands under it
 * @param id derived from the content: the same content has the same id
 * @param allocations empty, or a split that adds up to the quantity
 */
public record SlotRecord(
        HourKey hour, String code, String id, Quantity quantity, List<MeteringRecord.Allocation> allocations) {
    /** How long a caller's token is remembered; what it protects is the hour, which is remembered longer. */
    public static final Duration TOKENS_KEPT = Duration.ofDays(1);

    private static final String COLUMNS = "SELECT product, dimension, hour, slot, quantity, parts FROM slot_pending ";

    public SlotRecord {
        allocations = List.copyOf(allocations);
    }

    /** The slot record of a batch, or empty for an increment. */
    public static Optional<SlotRecord> of(MeteringRecord r) {
        String product = r.product().orElse("");
        return r.slot()
                .map(id -> new SlotRecord(
                        new HourKey(product, r.dimension(), r.hour().getEpochSecond()),
                        product,
                        id,
                        r.quantity(),
                        r.allocations()));
    }

    /** As a batch carries it. */
    public MeteringRecord toWire() {
        return new MeteringRecord(
                hour.dimension(),
                hour.start(),
                false,
                quantity,
                allocations,
                Optional.of(id),
                hour.product().isEmpty() ? Optional.empty() : Optional.of(hour.product()));
    }

    /**
     * Gives the hour to this record, unless it is taken: {@code slot-taken} by other content, {@code kind-taken} by
     * increments. The same content again counts as done. Checks everything before it changes anything.
     *
     * @param token names the call: used for another record before, it is {@code idempotency-conflict}
     * @param refusal thrown unless the record was already taken
     * @param nowSecond seconds since 1970, for forgetting tokens
     */
    public void take(Tx tx, Optional<String> token, Optional<Failure> refusal, long nowSecond) throws SQLException {
        Optional<String> before = token.isEmpty()
                ? Optional.empty()
                : tx.first("SELECT slot FROM client_token WHERE token = ?", r -> r.getString(1), token.get());
        if (before.isPresent() && !before.get().equals(id)) {
            throw Failure.of(ErrorCode.IDEMPOTENCY_CONFLICT, "the token was used with other parameters");
        }
        Optional<String> holder = tx.kind(hour);
        if (holder.isEmpty()) {
            holder = tx.kind(new HourKey(code, hour.dimension(), hour.second()));
        }
        if (holder.isPresent() && !holder.get().equals(id)) {
            boolean increments = holder.get().equals(Tx.INCREMENTS);
            throw Failure.of(
                    increments ? ErrorCode.KIND_TAKEN : ErrorCode.SLOT_TAKEN,
                    "the hour " + hour.start() + " of " + hour.dimension()
                            + (increments
                                    ? " holds increments of POST /v1/usage, so it takes no write-once record"
                                    : " already holds the record " + holder.get() + " with other content"));
        }
        if (holder.isEmpty()) {
            refusal.ifPresent(f -> {
                throw f;
            });
            if (tx.number("SELECT EXISTS (SELECT 1 FROM pending WHERE dimension = ? AND boot <> '')", hour.dimension())
                    == 1) {
                throw Failure.of(
                        ErrorCode.UNAVAILABLE,
                        "usage taken before the time was known is being booked first; send the record again");
            }
            tx.slot(hour, id);
            keep(tx);
        }
        if (token.isPresent() && before.isEmpty()) {
            tx.change(
                    "INSERT INTO client_token (token, slot, at, run) VALUES (?, ?, ?, ?)",
                    token.get(),
                    id,
                    nowSecond,
                    tx.run());
        }
    }

    /** The records that wait to be cut, oldest hour first. */
    public static List<SlotRecord> pending(Tx tx, int most) throws SQLException {
        return tx.list(COLUMNS + "ORDER BY hour, product, dimension LIMIT ?", SlotRecord::row, most);
    }

    /** Removes a record that was cut, or that the aggregator has. */
    public void cut(Tx tx) throws SQLException {
        tx.change(
                "DELETE FROM slot_pending WHERE product = ? AND dimension = ? AND hour = ? AND slot = ?",
                hour.product(),
                hour.dimension(),
                hour.second(),
                id);
    }

    /** Puts a record whose batch is no more back to those that wait. */
    public void restore(Tx tx) throws SQLException {
        note(tx, hour, id);
        keep(tx);
    }

    /** Notes what the aggregator holds of an hour, unless this state knows better. */
    public static void note(Tx tx, HourKey hour, String slot) throws SQLException {
        tx.change(
                "INSERT OR IGNORE INTO hour_kind (product, dimension, hour, slot, run) VALUES (?, ?, ?, ?, '')",
                hour.product(),
                hour.dimension(),
                hour.second(),
                slot);
        tx.forgetKinds();
    }

    /** Frees the hour of a record that the aggregator refused for another reason than the hour: it may come again. */
    public void release(Tx tx) throws SQLException {
        tx.change(
                "DELETE FROM hour_kind WHERE product = ? AND dimension = ? AND hour = ? AND slot = ?",
                hour.product(),
                hour.dimension(),
                hour.second(),
                id);
        tx.change("DELETE FROM client_token WHERE slot = ?", id);
        tx.forgetKinds();
    }

    private void keep(Tx tx) throws SQLException {
        List<Object> parts = new ArrayList<>();
        for (MeteringRecord.Allocation a : allocations) {
            parts.add(Json.object(
                    "quantity",
                    a.quantity(),
                    "tags",
                    a.tags().isEmpty() ? null : a.tags().map()));
        }
        tx.change(
                "INSERT OR IGNORE INTO slot_pending (product, dimension, hour, slot, quantity, parts, run)"
                        + " VALUES (?, ?, ?, ?, ?, ?, ?)",
                hour.product(),
                hour.dimension(),
                hour.second(),
                id,
                quantity,
                Json.write(parts),
                tx.run());
    }

    private static SlotRecord row(ResultSet r) throws SQLException {
        Quantity quantity = Quantity.parse(r.getString(5));
        Object parts = Json.parse(r.getString(6));
        Fields f = Fields.of(Map.of("allocations", parts == null ? List.of() : parts));
        List<MeteringRecord.Allocation> allocations = MeteringRecord.readAllocations(f, quantity);
        f.done();
        return new SlotRecord(
                new HourKey(r.getString(1), r.getString(2), r.getLong(3)),
                r.getString(1),
                r.getString(4),
                quantity,
                allocations);
    }
}
