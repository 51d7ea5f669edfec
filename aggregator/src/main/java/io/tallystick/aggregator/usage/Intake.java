package io.tallystick.aggregator.usage;

import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.LongSupplier;

/** Whether a batch is taken on, decided before anything of it is checked. Any thread. */
final class Intake {
    /** Batches whose context is being read: where many VMs are new to this process, each costs queries one after the other. */
    static final int CHECKING_MAX = 32;

    /** Why a batch is turned away. */
    enum Refusal {
        /** Too many wait to be stored. */
        QUEUE_FULL,
        /** Its enrollment has more waiting than an agent ever sends at once. */
        ENROLLMENT_FULL,
        /** More arrive than can be checked. */
        TOO_MANY_UNCHECKED;

        /**
         * Whether the service counts as away, so that enrollments may be silent without blame. Only batches with good
         * signatures fill a queue; the others can be brought about by whoever wants a silence excused.
         */
        boolean excusesSilence() {
            return this == QUEUE_FULL;
        }
    }

    private final AtomicInteger checking = new AtomicInteger();
    private final Turns turns;

    /** @param nanoTime a monotonic clock */
    Intake(LongSupplier nanoTime) {
        this.turns = new Turns(nanoTime);
    }

    /** Empty where the batch is taken on. */
    Optional<Refusal> refusal(boolean queueFull, boolean enrollmentFull) {
        Optional<Refusal> refusal = foreseen(queueFull, enrollmentFull);
        return refusal.isEmpty() && !turns.takeOn() ? Optional.of(Refusal.TOO_MANY_UNCHECKED) : refusal;
    }

    /** What {@link #refusal} would say now, of a batch of which only the head was read. Takes nothing on. */
    Optional<Refusal> foreseen(boolean queueFull, boolean enrollmentFull) {
        if (queueFull) {
            return Optional.of(Refusal.QUEUE_FULL);
        }
        if (enrollmentFull) {
            return Optional.of(Refusal.ENROLLMENT_FULL);
        }
        if (checking.get() >= CHECKING_MAX || turns.isSpent()) {
            return Optional.of(Refusal.TOO_MANY_UNCHECKED);
        }
        return Optional.empty();
    }

    /** A batch's context is being read; {@link #checked} follows once. */
    void checking() {
        checking.incrementAndGet();
    }

    void checked() {
        checking.decrementAndGet();
    }
}
