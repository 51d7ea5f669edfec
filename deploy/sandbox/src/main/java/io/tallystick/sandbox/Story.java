package io.tallystick.sandbox;

import io.tallystick.common.time.SandboxClock;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.time.temporal.ChronoUnit;
import java.util.List;

/**
 * The main job, end to end, against real processes: seven steps, each of which sees for itself, from outside, that what
 * was promised came true. Played by {@code sandbox --once} and by the test of the same name.
 */
public final class Story {
    /** One step; throws {@link StepFailure} where something does not come out as it must. */
    interface Step {
        String title();

        void play(Scene scene);
    }

    /** A step that failed, for whoever plays the story: its number and title, and why. */
    public static final class Failed extends RuntimeException {
        private static final long serialVersionUID = 1L;

        Failed(int number, String title, RuntimeException cause) {
            super("step " + number + " (" + title + ") failed", cause);
        }
    }

    private static final List<Step> STEPS = List.of(
            new EntitledStep(),
            new MeteredStep(),
            new KilledStep(),
            new RefusedStep(),
            new BilledStep(),
            new QuarantinedStep(),
            new ImagedStep());

    private static final int FIRST_MINUTES_OF_HOUR = 15;

    private Story() {}

    /**
     * Moves a new run folder's clock so that the first steps fall into one hour: the books would be right without, but
     * "closing the hour" would mean two.
     */
    static void prepareClock(RunFolder folder) {
        Instant now = InstantSource.system().instant();
        Instant hour = now.truncatedTo(ChronoUnit.HOURS);
        if (Duration.between(hour, now).toMinutes() >= FIRST_MINUTES_OF_HOUR) {
            Instant next = hour.plus(1, ChronoUnit.HOURS).plusSeconds(60);
            SandboxClock.advance(folder.clock(), Duration.between(now, next));
        }
    }

    /** Plays all steps on a new marketplace. */
    static void play(Marketplace market, Teller teller) {
        Scene scene = new Scene(market, teller);
        for (int i = 0; i < STEPS.size(); i++) {
            Step step = STEPS.get(i);
            teller.begin(i + 1, step.title());
            try {
                step.play(scene);
            } catch (RuntimeException e) {
                throw new Failed(i + 1, step.title(), e);
            }
        }
    }
}
