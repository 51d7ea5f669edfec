package io.tallystick.agent.ship;

import io.tallystick.agent.store.Tx;
import io.tallystick.common.jose.Jws;
import io.tallystick.common.jose.Typ;
import io.tallystick.common.model.Hash;
import io.tallystick.common.wire.Receipt;
import io.tallystick.common.wire.Watermark;
import java.sql.SQLException;
import java.util.Optional;

/** The numbered chain of this agent's batches, as rows. All methods run inside a transaction. */
final class Chain {
    /** A batch as it was signed. */
    record Sealed(long epoch, long seq, Hash hash, Hash prev, String jws) {
        Watermark mark() {
            return new Watermark(epoch, seq, hash);
        }
    }

    private static final String COLUMNS = "SELECT epoch, seq, hash, prev, jws FROM batch ";

    private Chain() {}

    /** The last batch that was cut, or what was adopted from the aggregator since. */
    static Watermark last(Tx tx) throws SQLException {
        Optional<String> text = tx.meta("chain");
        return text.map(Chain::parse).orElse(Watermark.START);
    }

    static void last(Tx tx, Watermark mark) throws SQLException {
        tx.meta("chain", mark.epoch() + " " + mark.seq() + " " + mark.hash());
    }

    private static Watermark parse(String text) {
        String[] p = text.split(" ", 3);
        return new Watermark(Long.parseLong(p[0]), Long.parseLong(p[1]), Hash.parse(p[2]));
    }

    /** The oldest batch that is not acknowledged. */
    static Optional<Sealed> unsent(Tx tx) throws SQLException {
        return tx.first(COLUMNS + "WHERE acked IS NULL ORDER BY epoch, seq LIMIT 1", Chain::row);
    }

    static Optional<Sealed> get(Tx tx, long epoch, long seq) throws SQLException {
        return tx.first(COLUMNS + "WHERE epoch = ? AND seq = ?", Chain::row, epoch, seq);
    }

    /** The oldest batch after this place in the chain. */
    static Optional<Sealed> after(Tx tx, Watermark mark) throws SQLException {
        return tx.first(
                COLUMNS + "WHERE (epoch, seq) > (?, ?) ORDER BY epoch, seq LIMIT 1",
                Chain::row,
                mark.epoch(),
                mark.seq());
    }

    /** The last batch the aggregator acknowledged, which is where its knowledge and ours surely meet. */
    static Watermark lastAcknowledged(Tx tx) throws SQLException {
        Optional<Sealed> first = unsent(tx);
        if (first.isEmpty()) {
            return last(tx);
        }
        Optional<Sealed> before = tx.first(
                COLUMNS + "WHERE (epoch, seq) < (?, ?) ORDER BY epoch DESC, seq DESC LIMIT 1",
                Chain::row,
                first.get().epoch(),
                first.get().seq());
        if (before.isPresent()) {
            return before.get().mark();
        }
        // Pruned: the unsent batch itself names its predecessor.
        return new Watermark(
                first.get().epoch(), first.get().seq() - 1, first.get().prev());
    }

    /**
     * The receipt of the last batch that is not kept any more, compact: what is kept, or will be cut, follows it. Empty where
     * it is not there, or where that batch is not after this place.
     */
    static Optional<String> receiptBehind(Tx tx, Watermark server) throws SQLException {
        Optional<Sealed> next = after(tx, server);
        Hash last = next.isPresent() ? next.get().prev() : last(tx).hash();
        long epoch = next.map(Sealed::epoch).orElse(Long.MAX_VALUE);
        long seq = next.map(Sealed::seq).orElse(Long.MAX_VALUE);
        return tx.first(
                        "SELECT jws FROM receipt WHERE (epoch, seq) < (?, ?) AND (epoch, seq) > (?, ?)"
                                + " ORDER BY epoch DESC, seq DESC LIMIT 1",
                        r -> r.getString(1),
                        epoch,
                        seq,
                        server.epoch(),
                        server.seq())
                .filter(jws -> Receipt.parse(Jws.parseCompact(jws, Typ.RECEIPT).payload())
                        .sha256()
                        .equals(last));
    }

    /** Marks everything after this place as not acknowledged: the aggregator lost it. */
    static int unacknowledge(Tx tx, Watermark mark) throws SQLException {
        return tx.change(
                "UPDATE batch SET acked = NULL WHERE (epoch, seq) > (?, ?) AND acked IS NOT NULL",
                mark.epoch(),
                mark.seq());
    }

    static void insert(Tx tx, Sealed b, int records, long cutMillis, boolean fetched) throws SQLException {
        tx.change(
                "INSERT INTO batch (epoch, seq, hash, prev, records, cut, origin, jws) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                b.epoch(),
                b.seq(),
                b.hash(),
                b.prev(),
                records,
                cutMillis,
                fetched ? "fetched" : "own",
                b.jws());
        if (fetched) {
            acknowledge(tx, b, cutMillis);
        }
    }

    static void acknowledge(Tx tx, Sealed b, long atMillis) throws SQLException {
        tx.change("UPDATE batch SET acked = ? WHERE epoch = ? AND seq = ?", atMillis, b.epoch(), b.seq());
    }

    private static Sealed row(java.sql.ResultSet r) throws SQLException {
        return new Sealed(
                r.getLong(1), r.getLong(2), Hash.parse(r.getString(3)), Hash.parse(r.getString(4)), r.getString(5));
    }
}
