package io.tallystick.aggregator.usage;

import io.vertx.core.Context;
import io.vertx.core.Vertx;
import java.time.Duration;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Bounds what an event loop takes on before the lanes see it. Checking a batch costs far more than refusing one; when
 * requests arrive faster than they can be checked, those that wait in the sockets wait for all that were taken before
 * them, and no queue shows it. So one turn of a loop, over all that has arrived, spends a limited time on checking; the
 * rest of the turn refuses, and the next begins soon.
 *
 * <p>Each event loop has a turn of its own. Outside event loops nothing is limited.
 */
final class Turns {
    /** How long one turn takes batches on. */
    static final Duration TURN_MAX = Duration.ofMillis(50);
    /** So many are taken on in each turn however long it takes: a process that starts, or was not let run, is no flood. */
    static final int ALWAYS_BATCHES = 16;

    private final LongSupplier nanoTime;
    private final ThreadLocal<@Nullable Turn> current = new ThreadLocal<>();

    /** What a loop has taken on since. */
    private static final class Turn {
        private final long since;
        private int taken;

        Turn(long since) {
            this.since = since;
        }
    }

    /** @param nanoTime a monotonic clock */
    Turns(LongSupplier nanoTime) {
        this.nanoTime = nanoTime;
    }

    /** Whether the calling event loop has spent its turn, so that {@link #takeOn} would refuse. */
    boolean isSpent() {
        Turn turn = current.get();
        return turn != null && isSpent(turn, nanoTime.getAsLong());
    }

    private static boolean isSpent(Turn turn, long now) {
        return turn.taken >= ALWAYS_BATCHES && now - turn.since > TURN_MAX.toNanos();
    }

    /** Takes one batch on, unless the calling event loop has spent its turn. The first call of a turn begins it. */
    boolean takeOn() {
        Context context = Vertx.currentContext();
        if (context == null || !context.isEventLoopContext()) {
            return true;
        }
        long now = nanoTime.getAsLong();
        Turn turn = current.get();
        if (turn == null) {
            turn = new Turn(now);
            current.set(turn);
            // Runs once everything that had arrived by now was looked at.
            context.runOnContext(over -> current.remove());
        }
        if (isSpent(turn, now)) {
            return false;
        }
        turn.taken++;
        return true;
    }
}
