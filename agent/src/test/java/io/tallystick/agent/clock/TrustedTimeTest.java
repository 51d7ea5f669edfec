package io.tallystick.agent.clock;

import static org.junit.jupiter.api.Assertions.assertEquals;

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
}
