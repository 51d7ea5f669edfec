package io.tallystick.aggregator.usage;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** Batches are shed when they would wait too long, whatever a machine can do. */
class PaceTest {
    private static final Duration A_WHILE = Duration.ofMillis(100);
    private static final int MANY = 1_000;

    private static Pace of(long bytesPerSecond) {
        Pace pace = new Pace();
        pace.worked(bytesPerSecond, TimeUnit.SECONDS.toNanos(1));
        return pace;
    }

    @Test
    void aSlowMachineShedsWhatAFastOneTakes() {
        long waiting = 1_000_000;
        assertTrue(of(1_000_000).isTooMuch(MANY, waiting, A_WHILE));
        assertFalse(of(10_000_000).isTooMuch(MANY, waiting, A_WHILE));
    }

    @Test
    void theLimitIsTheWaitNotTheCount() {
        Pace pace = of(1_000_000);
        long soon = 1_000 * Pace.WAIT_MAX.toMillis();
        assertFalse(pace.isTooMuch(MANY, soon, A_WHILE));
        assertTrue(pace.isTooMuch(MANY, soon + 1, A_WHILE));
    }

    @Test
    void fewBatchesAndAMomentsArrivalsAreAlwaysTaken() {
        Pace pace = of(1);
        assertFalse(pace.isTooMuch(Pace.ALWAYS_BATCHES - 1, 1_000_000, A_WHILE));
        assertTrue(pace.isTooMuch(Pace.ALWAYS_BATCHES, 1_000_000, A_WHILE));
        assertFalse(pace.isTooMuch(MANY, 1_000_000, Pace.STANDING.minusNanos(1)));
        assertFalse(new Pace().isTooMuch(MANY, Long.MAX_VALUE, A_WHILE), "nothing is known yet");
    }

    @Test
    void thePaceFollowsWhatIsSeen() {
        Pace pace = of(1_000);
        for (int i = 0; i < 20; i++) {
            pace.worked(10_000_000, TimeUnit.SECONDS.toNanos(1));
        }
        assertFalse(pace.isTooMuch(MANY, 1_900_000, A_WHILE));
        for (int i = 0; i < 20; i++) {
            pace.worked(1_000_000, TimeUnit.SECONDS.toNanos(1));
        }
        assertTrue(pace.isTooMuch(MANY, 500_000, A_WHILE));
    }
}
