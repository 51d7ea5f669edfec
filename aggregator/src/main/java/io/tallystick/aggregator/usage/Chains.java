package io.tallystick.aggregator.usage;

import io.tallystick.common.model.Hash;
import io.tallystick.common.wire.Batch;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;

/**
 * How far the batches of each enrollment were followed: numbers count up by one, an epoch begins with 1, and each batch
 * names the hash of the one before it. One entry an enrollment in memory.
 */
final class Chains {
    /** The last batch of an enrollment that was followed. */
    record End(long epoch, long seq, Hash hash) {}

    private final Map<UUID, End> ends = new HashMap<>();

    /** Whether the batch is the one to come next. */
    boolean fits(UUID enrollment, Batch batch) {
        End end = ends.get(enrollment);
        boolean numbered = end == null
                ? batch.seq() == 1
                : batch.epoch() == end.epoch()
                        ? batch.seq() == end.seq() + 1
                        : batch.epoch() > end.epoch() && batch.seq() == 1;
        return numbered && batch.prev().equals(end == null ? Hash.NONE : end.hash());
    }

    /** Goes on from this batch, whether it fits or not. */
    void moveTo(UUID enrollment, long epoch, long seq, Hash hash) {
        ends.put(enrollment, new End(epoch, seq, hash));
    }

    Optional<End> end(UUID enrollment) {
        return Optional.ofNullable(ends.get(enrollment));
    }

    /** For batches that come enrollment by enrollment: forgets the others. */
    void begin(UUID enrollment, Optional<End> at) {
        ends.clear();
        at.ifPresent(end -> ends.put(enrollment, end));
    }
}
