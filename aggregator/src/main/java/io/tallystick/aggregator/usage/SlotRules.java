package io.tallystick.aggregator.usage;

import io.tallystick.aggregator.usage.UsageStore.SlotKey;
import io.tallystick.common.error.ErrorCode;
import io.tallystick.common.wire.Receipt.Refused;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.stream.Collectors;

/**
 * An hour of a dimension belongs to the kind of record that wrote first: slots (write-once) or increments (added up).
 * Decides by what the ledger holds, and within a batch by order. Pure.
 */
final class SlotRules {
    private SlotRules() {}

    /** The (dimension, hour) pairs a plan touches. */
    static Set<SlotKey> keys(UUID enrollment, BatchRules.Plan plan) {
        Set<SlotKey> keys = new HashSet<>();
        plan.parts().forEach(p -> keys.add(new SlotKey(enrollment, p.dimensionId(), p.hour())));
        return keys;
    }

    /** The plan without the records that lost their hour, and with the reasons. */
    static BatchRules.Plan apply(UUID enrollment, BatchRules.Plan plan, Map<SlotKey, String> slots, Set<SlotKey> used) {
        Map<SlotKey, String> taken = new HashMap<>(slots);
        // Hours with usage and no slot belong to increments.
        Set<SlotKey> increments = new HashSet<>(used);
        increments.removeAll(slots.keySet());

        Map<Integer, String> slotOf =
                plan.slots().stream().collect(Collectors.toMap(BatchRules.Slot::index, BatchRules.Slot::slot));
        Map<Integer, Refused> refused = new HashMap<>();
        Set<Integer> seen = new HashSet<>();
        for (BatchRules.Part part : plan.parts()) {
            if (!seen.add(part.index())) {
                continue;
            }
            SlotKey key = new SlotKey(enrollment, part.dimensionId(), part.hour());
            String slot = slotOf.get(part.index());
            if (slot == null) {
                if (taken.containsKey(key)) {
                    refuse(refused, part, ErrorCode.KIND_TAKEN, "holds a slot record, so it takes no increments");
                } else {
                    increments.add(key);
                }
            } else if (increments.contains(key)) {
                refuse(refused, part, ErrorCode.KIND_TAKEN, "holds increments, so it takes no slot record");
            } else if (taken.containsKey(key)) {
                refuse(
                        refused,
                        part,
                        ErrorCode.SLOT_TAKEN,
                        slot.equals(taken.get(key))
                                ? "already holds this very record"
                                : "already holds another slot record");
            } else {
                taken.put(key, slot);
            }
        }
        if (refused.isEmpty()) {
            return plan;
        }
        List<Refused> all = new ArrayList<>(plan.refused());
        all.addAll(refused.values());
        all.sort(java.util.Comparator.comparingInt(Refused::index));
        return new BatchRules.Plan(
                plan.parts().stream()
                        .filter(p -> !refused.containsKey(p.index()))
                        .toList(),
                plan.slots().stream()
                        .filter(s -> !refused.containsKey(s.index()))
                        .toList(),
                all,
                plan.clamped().stream()
                        .filter(c -> !refused.containsKey(c.index()))
                        .toList());
    }

    private static void refuse(Map<Integer, Refused> refused, BatchRules.Part part, ErrorCode code, String why) {
        refused.put(part.index(), new Refused(part.index(), code.wire(), "hour " + part.hour() + " " + why));
    }
}
