package io.tallystick.agent.ship;

import io.tallystick.agent.store.SlotRecord;
import io.tallystick.agent.store.SumKey;
import io.tallystick.common.model.Quantity;
import io.tallystick.common.wire.MeteringRecord;
import io.tallystick.common.wire.Wire;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.BiFunction;

/**
 * Packs pending sums into the records of one batch, pure. One record per (product, dimension, hour) where the limits
 * allow; a sum above the plan's maximum, with more allocations than a record may have, or more bytes than a batch may
 * have, becomes several, which add up to the same.
 */
final class Packer {
    /** Bytes of payload in one batch: base64 makes 880 KiB of it, the body limit is 1 MiB. */
    static final int PAYLOAD_BYTES_MAX = 660 * 1024;

    private static final int RECORD_BYTES = 160;
    private static final int PART_BYTES = 80;

    /** The records, how much of each key they carry, and how many of the slot records. */
    record Packed(List<MeteringRecord> records, Map<SumKey, Quantity> taken, int slots) {}

    private final BiFunction<String, String, Optional<Quantity>> max;
    private final List<MeteringRecord> records = new ArrayList<>();
    private final Map<SumKey, Quantity> taken = new LinkedHashMap<>();
    private int bytes = 200;

    private List<MeteringRecord.Allocation> parts = new ArrayList<>();
    private Quantity sum = Quantity.ZERO;

    private Packer(BiFunction<String, String, Optional<Quantity>> max) {
        this.max = max;
    }

    /**
     * @param slots first, so that sums never keep them waiting; each whole or, where there is no room, not at all
     * @param sums by key with the time known, keys of one (product, dimension, hour) next to each other
     * @param max the most one record of (product, dimension) may carry
     */
    static Packed pack(
            List<SlotRecord> slots, Map<SumKey, Quantity> sums, BiFunction<String, String, Optional<Quantity>> max) {
        Packer p = new Packer(max);
        int whole = 0;
        while (whole < slots.size() && p.add(slots.get(whole))) {
            whole++;
        }
        SumKey previous = null;
        for (Map.Entry<SumKey, Quantity> e : sums.entrySet()) {
            if (previous != null && !sameRecord(previous, e.getKey())) {
                p.end(previous);
            }
            previous = e.getKey();
            if (!p.add(e.getKey(), e.getValue())) {
                break;
            }
        }
        if (previous != null) {
            p.end(previous);
        }
        return new Packed(p.records, p.taken, whole);
    }

    /** Whether it went in; a write-once record cannot be two. */
    private boolean add(SlotRecord slot) {
        int more = RECORD_BYTES
                + slot.hour().dimension().length()
                + slot.hour().product().length()
                + slot.id().length();
        for (MeteringRecord.Allocation a : slot.allocations()) {
            more += SumKey.tagText(a.tags()).length() + PART_BYTES;
        }
        if (!records.isEmpty() && (bytes + more > PAYLOAD_BYTES_MAX || records.size() == Wire.BATCH_RECORDS_MAX)) {
            return false;
        }
        records.add(slot.toWire());
        bytes += more;
        return true;
    }

    private static boolean sameRecord(SumKey a, SumKey b) {
        return a.bucket() == b.bucket()
                && a.product().equals(b.product())
                && a.dimension().equals(b.dimension());
    }

    /** Whether the whole quantity went in; otherwise the batch is full. */
    private boolean add(SumKey key, Quantity quantity) {
        // A maximum of zero would never let anything through; the aggregator refuses and says why.
        Optional<Quantity> limit = max.apply(key.product(), key.dimension()).filter(m -> !m.isZero());
        Quantity left = quantity;
        int cost = key.tags().length() + PART_BYTES;
        do {
            if (parts.size() == Wire.RECORD_ALLOCATIONS_MAX
                    || limit.isPresent() && !parts.isEmpty() && sum.compareTo(limit.get()) >= 0) {
                end(key);
            }
            int more = cost
                    + (parts.isEmpty()
                            ? RECORD_BYTES
                                    + key.dimension().length()
                                    + key.product().length()
                            : 0);
            boolean first = records.isEmpty() && parts.isEmpty();
            if (!first
                    && (bytes + more > PAYLOAD_BYTES_MAX
                            || parts.isEmpty() && records.size() == Wire.BATCH_RECORDS_MAX)) {
                return false;
            }
            Quantity room = limit.map(m -> m.minusOrZero(sum)).orElse(left);
            Quantity take = left.compareTo(room) <= 0 ? left : room;
            parts.add(new MeteringRecord.Allocation(take, SumKey.parseTags(key.tags())));
            sum = sum.plus(take);
            bytes += more;
            taken.merge(key, take, Quantity::plus);
            left = left.minusOrZero(take);
            if (!left.isZero()) {
                end(key);
            }
        } while (!left.isZero());
        return true;
    }

    private void end(SumKey key) {
        if (parts.isEmpty()) {
            return;
        }
        boolean untagged = parts.size() == 1 && parts.get(0).tags().isEmpty();
        records.add(new MeteringRecord(
                key.dimension(),
                Instant.ofEpochSecond(key.bucket()),
                false,
                sum,
                untagged ? List.of() : parts,
                Optional.empty(),
                key.product().isEmpty() ? Optional.empty() : Optional.of(key.product())));
        parts = new ArrayList<>();
        sum = Quantity.ZERO;
    }

    /** The sums a batch carries, by key: what {@link #pack} made it from. */
    static Map<SumKey, Quantity> sums(List<MeteringRecord> records) {
        Map<SumKey, Quantity> sums = new LinkedHashMap<>();
        for (MeteringRecord r : records) {
            if (r.slot().isPresent()) {
                continue;
            }
            for (MeteringRecord.Allocation a : r.parts()) {
                SumKey key = new SumKey(
                        r.product().orElse(""), r.dimension(), "", r.hour().getEpochSecond(), SumKey.tagText(a.tags()));
                sums.merge(key, a.quantity(), Quantity::plus);
            }
        }
        return sums;
    }
}
