package io.tallystick.agent.clock;

import java.time.Instant;

/** The machine's clocks. Thread-safe. */
public interface TimeSource {
    /** What the machine believes the time to be; may be wrong by years and may jump either way. */
    Instant wall();

    /** Milliseconds since the machine booted, suspended time included (CLOCK_BOOTTIME); never jumps back in a boot. */
    long bootMillis();

    /** Names this boot of the machine. */
    String bootId();

    /** Whether somebody moves it while others watch, so that what is due must be looked for more often. */
    default boolean leaps() {
        return true;
    }
}
