package io.tallystick.agent.ship;

import io.tallystick.agent.clock.TimeSource;
import io.tallystick.agent.clock.TrustedTime;
import io.tallystick.agent.enroll.AgentKey;
import io.tallystick.agent.store.SlotRecord;
import io.tallystick.agent.store.SumKey;
import io.tallystick.agent.store.Tx;
import io.tallystick.common.jose.Jws;
import io.tallystick.common.jose.Typ;
import io.tallystick.common.model.EnrollmentId;
import io.tallystick.common.model.Hours;
import io.tallystick.common.model.Quantity;
import io.tallystick.common.wire.Batch;
import io.tallystick.common.wire.MeteringPlan;
import io.tallystick.common.wire.Watermark;
import io.tallystick.common.wire.Wire;
import java.sql.SQLException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Turns pending sums and slot records into a signed batch: deleting them and writing the batch is one transaction, so a crash leaves
 * either them or the batch.
 */
final class Cutter {
    /** Rows of pending sums looked at for one batch; the rest waits for the next. */
    private static final int ROWS_MAX = 2_000;

    private static final long MINUTE_MILLIS = 60_000;

    private final TrustedTime time;
    private final TimeSource source;
    private final String issuer;

    /**
     * What is known of the products that are metered.
     *
     * @param codes of the instance; empty where nobody knows
     */
    record Terms(List<String> codes, Optional<MeteringPlan> plan) {
        static final Terms NONE = new Terms(List.of(), Optional.empty());

        Terms {
            codes = List.copyOf(codes);
        }

        /** The code that need not be named, as there is no other; empty where there are several, or nobody knows. */
        String only() {
            return codes.size() == 1 ? codes.get(0) : "";
        }
    }

    private record Pending(SumKey key, Quantity quantity, String run) {}

    Cutter(TrustedTime time, TimeSource source, String issuer) {
        this.time = time;
        this.source = source;
        this.issuer = issuer;
    }

    /**
     * Cuts the next batch; an empty one only where {@code evenEmpty}. Needs a trusted time. Answers whether one was cut.
     */
    boolean cut(Tx tx, AgentKey key, EnrollmentId enrollment, Terms terms, boolean evenEmpty) throws SQLException {
        Instant now = time.now().orElseThrow();
        rekey(tx, terms);
        Map<SumKey, Quantity> sums = new LinkedHashMap<>();
        Map<SumKey, List<String>> runs = new LinkedHashMap<>();
        for (Pending p : rows(tx, "WHERE boot = '' ORDER BY bucket, product, dimension, tags LIMIT " + ROWS_MAX)) {
            sums.merge(p.key(), p.quantity(), Quantity::plus);
            runs.computeIfAbsent(p.key(), k -> new ArrayList<>()).add(p.run());
        }
        List<SlotRecord> slots = SlotRecord.pending(tx, Wire.BATCH_RECORDS_MAX);
        if (sums.isEmpty() && slots.isEmpty() && !evenEmpty) {
            return false;
        }
        Packer.Packed packed = Packer.pack(slots, sums, (product, dimension) -> max(terms, product, dimension));
        for (SlotRecord slot : slots.subList(0, packed.slots())) {
            slot.cut(tx);
        }
        for (Map.Entry<SumKey, Quantity> e : packed.taken().entrySet()) {
            SumKey k = e.getKey();
            Quantity rest = sums.getOrDefault(k, Quantity.ZERO).minusOrZero(e.getValue());
            // Only what was read: the limit may have left another run's row of this key for the next batch.
            for (String run : runs.getOrDefault(k, List.of())) {
                delete(tx, run, k);
            }
            if (!rest.isZero()) {
                tx.add(k, rest);
            }
        }
        seal(tx, key, enrollment, packed, now);
        tx.meta("time", time.toKeep().map(TrustedTime.Anchor::toText).orElse(null));
        return true;
    }

    private void seal(Tx tx, AgentKey key, EnrollmentId enrollment, Packer.Packed packed, Instant now)
            throws SQLException {
        Watermark last = Chain.last(tx);
        Batch batch = new Batch(last.epoch(), last.seq() + 1, last.hash(), packed.records());
        String path = Wire.batchesPath(enrollment.toString());
        Jws jws = Jws.sign(
                Jws.Header.enrollment(Typ.BATCH, issuer + path, enrollment.toString(), now),
                batch.toBytes(),
                key.signer());
        Chain.Sealed sealed = new Chain.Sealed(batch.epoch(), batch.seq(), jws.hash(), last.hash(), jws.compact());
        Chain.insert(tx, sealed, batch.records().size(), now.toEpochMilli(), false);
        Chain.last(tx, sealed.mark());
    }

    /**
     * Books what was kept by uptime in its hour, and what named the only product by its code under no code, so that one
     * (product, dimension, hour) is one record. What each start kept stays apart.
     */
    void rekey(Tx tx, Terms terms) throws SQLException {
        String only = terms.only();
        for (Pending p : rows(tx, "WHERE boot <> '' OR product <> '' AND product = ?", only)) {
            SumKey k = p.key();
            long bucket = k.boot().isEmpty() ? k.bucket() : hour(tx, k.boot(), k.bucket());
            String product = k.product().equals(only) ? "" : k.product();
            delete(tx, p.run(), k);
            SumKey booked = new SumKey(product, k.dimension(), "", bucket, k.tags());
            if (p.run().equals(tx.run())) {
                tx.add(booked, p.quantity());
            } else {
                PastSums.add(tx, p.run(), booked, p.quantity());
            }
        }
        // The rows read next must hold what was just moved.
        tx.flush();
    }

    private static void delete(Tx tx, String run, SumKey k) throws SQLException {
        tx.change(
                "DELETE FROM pending WHERE run = ? AND product = ? AND dimension = ? AND boot = ? AND bucket = ?"
                        + " AND tags = ?",
                run,
                k.product(),
                k.dimension(),
                k.boot(),
                k.bucket(),
                k.tags());
    }

    private long hour(Tx tx, String boot, long minute) throws SQLException {
        long passed = source.bootMillis();
        Instant now = time.at(passed).orElseThrow();
        Instant at;
        if (boot.equals(source.bootId())) {
            at = now.minusMillis(passed - minute * MINUTE_MILLIS);
        } else {
            // Another boot, which ended before anyone knew the time: its wall clock is all there is.
            long wall0 = tx.number("SELECT wall0 FROM boot WHERE id = ?", boot);
            at = Instant.ofEpochMilli(wall0 + minute * MINUTE_MILLIS);
        }
        return Hours.of(at.isAfter(now) ? now : at).getEpochSecond();
    }

    private static List<Pending> rows(Tx tx, String where, Object... args) throws SQLException {
        return tx.list(
                "SELECT product, dimension, boot, bucket, tags, quantity, run FROM pending " + where,
                r -> new Pending(
                        new SumKey(r.getString(1), r.getString(2), r.getString(3), r.getLong(4), r.getString(5)),
                        Quantity.parse(r.getString(6)),
                        r.getString(7)),
                args);
    }

    private static Optional<Quantity> max(Terms terms, String product, String dimension) {
        String code =
                product.isEmpty() && terms.codes().size() == 1 ? terms.codes().get(0) : product;
        return terms.plan()
                .flatMap(p -> p.product(code))
                .flatMap(p -> p.dimension(dimension))
                .flatMap(MeteringPlan.Dimension::max);
    }
}
