package io.tallystick.aggregator.usage;

import io.tallystick.common.model.Hash;
import io.tallystick.common.wire.Batch;
import java.util.HashMap;
import java.util.List;
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

    private static final End START = new End(0, 0, Hash.NONE);

    private final Map<UUID, End> ends = new HashMap<>();
    private final Map<UUID, Map<Hash, LostRange>> lost = new HashMap<>();

    /** What is known to be lost: the chain goes on behind it. */
    void lose(List<LostRange> ranges) {
        for (LostRange range : ranges) {
            lost.computeIfAbsent(range.enrollment(), id -> new HashMap<>())
                    .put(range.after().hash(), range);
        }
    }

    /** Whether the batch is the one to come next, directly or behind what is lost. */
    boolean fits(UUID enrollment, Batch batch) {
        End end = ends.getOrDefault(enrollment, START);
        while (true) {
            boolean numbered = batch.epoch() == end.epoch()
                    ? batch.seq() == end.seq() + 1
                    : batch.epoch() > end.epoch() && batch.seq() == 1;
            if (numbered && batch.prev().equals(end.hash())) {
                return true;
            }
            Optional<End> behind = behind(enrollment, end);
            if (behind.isEmpty()) {
                return false;
            }
            end = behind.get();
        }
    }

    private Optional<End> behind(UUID enrollment, End end) {
        return Optional.ofNullable(lost.getOrDefault(enrollment, Map.of()).get(end.hash()))
                .map(LostRange::upTo)
                .map(mark -> new End(mark.epoch(), mark.seq(), mark.hash()));
    }

    /** How far the enrollment is: its last batch, or what is lost behind that. */
    Optional<End> reached(UUID enrollment) {
        End end = ends.getOrDefault(enrollment, START);
        Optional<End> behind = behind(enrollment, end);
        while (behind.isPresent()) {
            end = behind.get();
            behind = behind(enrollment, end);
        }
        return end.equals(START) ? Optional.empty() : Optional.of(end);
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
