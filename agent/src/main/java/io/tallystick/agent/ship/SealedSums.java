package io.tallystick.agent.ship;

import io.tallystick.agent.store.HourKey;
import io.tallystick.agent.store.SlotRecord;
import io.tallystick.agent.store.SumKey;
import io.tallystick.agent.store.Tx;
import io.tallystick.common.model.Quantity;
import java.sql.SQLException;

/** Pending sums of starts before this one, of which another timeline may have sent some. */
final class SealedSums {
    private SealedSums() {}

    /** Adds to what is sealed of a key that has its hour; the hour belongs to increments then, unless it holds a slot record. */
    static void add(Tx tx, SumKey k, Quantity quantity) throws SQLException {
        Quantity before = tx.first(
                        "SELECT quantity FROM pending WHERE run = 'sealed' AND product = ? AND dimension = ?"
                                + " AND boot = '' AND bucket = ? AND tags = ?",
                        r -> Quantity.parse(r.getString(1)),
                        k.product(),
                        k.dimension(),
                        k.bucket(),
                        k.tags())
                .orElse(Quantity.ZERO);
        tx.change(
                "INSERT INTO pending (run, product, dimension, boot, bucket, tags, quantity)"
                        + " VALUES ('sealed', ?, ?, '', ?, ?, ?)"
                        + " ON CONFLICT (run, product, dimension, boot, bucket, tags)"
                        + " DO UPDATE SET quantity = excluded.quantity",
                k.product(),
                k.dimension(),
                k.bucket(),
                k.tags(),
                before.plus(quantity));
        SlotRecord.note(tx, HourKey.of(k), "");
    }
}
