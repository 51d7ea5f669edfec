package io.tallystick.agent.ship;

import io.tallystick.agent.store.HourKey;
import io.tallystick.agent.store.SlotRecord;
import io.tallystick.agent.store.SumKey;
import io.tallystick.agent.store.Tx;
import io.tallystick.common.model.Quantity;
import java.sql.SQLException;

/** Pending sums of starts before this one, by keys that have their hour. */
final class PastSums {
    /** In a start's place: sums of batches that are batches no more. When these were taken nobody knows. */
    static final String SEALED = "sealed";

    private static final String OF_KEY =
            " WHERE run = ? AND product = ? AND dimension = ? AND boot = '' AND bucket = ? AND tags = ?";

    private PastSums() {}

    /** Adds to what a start before this one left; the hour belongs to increments then, unless it holds a slot record. */
    static void add(Tx tx, String run, SumKey k, Quantity quantity) throws SQLException {
        Quantity before = tx.first(
                        "SELECT quantity FROM pending" + OF_KEY,
                        r -> Quantity.parse(r.getString(1)),
                        run,
                        k.product(),
                        k.dimension(),
                        k.bucket(),
                        k.tags())
                .orElse(Quantity.ZERO);
        set(tx, run, k, before.plus(quantity));
        SlotRecord.note(tx, HourKey.of(k), "");
    }

    /** Leaves this much of it; nothing of it for zero. */
    static void set(Tx tx, String run, SumKey k, Quantity quantity) throws SQLException {
        tx.change("DELETE FROM pending" + OF_KEY, run, k.product(), k.dimension(), k.bucket(), k.tags());
        if (!quantity.isZero()) {
            tx.change(
                    "INSERT INTO pending (run, product, dimension, boot, bucket, tags, quantity)"
                            + " VALUES (?, ?, ?, '', ?, ?, ?)",
                    run,
                    k.product(),
                    k.dimension(),
                    k.bucket(),
                    k.tags(),
                    quantity);
        }
    }
}
