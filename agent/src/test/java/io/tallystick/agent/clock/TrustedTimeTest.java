package io.tallystick.agent.clock;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class TrustedTimeTest {
    private static final Instant NINE = Instant.parse("2026-03-01T09:00:00Z");

    /** Two clocks to set. */
    private static final class Clocks implements TimeSource {
        private Instant wall = NINE;
        private long boot = 1_000;

        void pass(Duration time) {
            wall = wall.plus(time);
            boot += time.toMillis();
        }

        @Override
        public Instant wall() {
            return wall;
        }

        @Override
        public long bootMillis() {
            return boot;
        }

        @Override
        public String bootId() {
            return "boot";
        }
    }

    private final Clocks clocks = new Clocks();
    private final TrustedTime time = new TrustedTime(clocks);

    @Test
    void anAnswerThatComesLateDoesNotSetTheTimeBack() {
        time.answered(NINE, clocks.bootMillis());
        long asked = clocks.bootMillis();
        // Signed at once, and slept over, or held back.
        clocks.pass(Duration.ofHours(5));
        time.answered(NINE, asked);
        assertEquals(Optional.of(NINE.plus(Duration.ofHours(5))), time.now());
    }

    @Test
    void aTimeThatCannotBeIsCorrectedToTheNearestThatCan() {
        time.answered(NINE, clocks.bootMillis());
        long asked = clocks.bootMillis();
        clocks.pass(Duration.ofSeconds(2));
        Instant ahead = NINE.plus(Duration.ofHours(1));
        time.answered(ahead, asked);
        assertEquals(Optional.of(ahead), time.now(), "signed later than what was believed to be now");
        asked = clocks.bootMillis();
        clocks.pass(Duration.ofSeconds(2));
        time.answered(NINE, asked);
        assertEquals(Optional.of(NINE.plusSeconds(2)), time.now(), "the latest it can be");
    }

    @Test
    void theFirstAnswerOfABootIsTakenAtItsLatest() {
        long asked = clocks.bootMillis();
        clocks.pass(Duration.ofMinutes(10));
        time.answered(NINE, asked);
        assertEquals(Optional.of(NINE.plus(Duration.ofMinutes(10))), time.now());
    }

    @Test
    void theNextAnswerSettlesWhatALateOneLeftOpen() {
        long asked = clocks.bootMillis();
        clocks.pass(Duration.ofMinutes(4));
        Instant slept = NINE.plus(Duration.ofMinutes(4));
        time.answered(slept, asked);
        assertEquals(Optional.of(slept.plus(Duration.ofMinutes(4))), time.now(), "its sleep counts twice");
        assertTrue(time.takeDoubt());
        asked = clocks.bootMillis();
        clocks.pass(Duration.ofSeconds(2));
        time.answered(slept.plusSeconds(1), asked);
        assertEquals(Optional.of(slept.plusSeconds(3)), time.now(), "the latest it can be");
        assertFalse(time.takeDoubt());
        asked = clocks.bootMillis();
        clocks.pass(Duration.ofHours(1));
        time.answered(slept.plus(Duration.ofMinutes(30)), asked);
        assertEquals(Optional.of(slept.plusSeconds(3).plus(Duration.ofHours(1))), time.now(), "known, and possible");
        assertFalse(time.takeDoubt());
    }

    @Test
    void aReceiptThatMovesTheTimeFarLeavesItInDoubt() {
        time.answered(NINE, clocks.bootMillis());
        time.atLeast(NINE.minusSeconds(3_600));
        time.atLeast(NINE.plusSeconds(5));
        assertEquals(Optional.of(NINE.plusSeconds(5)), time.now());
        assertFalse(time.takeDoubt());
        time.atLeast(NINE.plus(Duration.ofHours(1)));
        assertEquals(Optional.of(NINE.plus(Duration.ofHours(1))), time.now());
        assertTrue(time.takeDoubt());
        time.answered(NINE.plus(Duration.ofHours(1)), clocks.bootMillis());
        assertFalse(time.takeDoubt());
    }

    @Test
    void theTimeAtABootTimeIsOfThatMoment() {
        time.answered(NINE, clocks.bootMillis());
        long before = clocks.bootMillis();
        clocks.pass(Duration.ofHours(1));
        assertEquals(Optional.of(NINE), time.at(before));
        assertEquals(Optional.of(NINE.plus(Duration.ofHours(1))), time.at(clocks.bootMillis()));
    }
}
