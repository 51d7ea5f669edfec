package io.tallystick.sandbox;

import io.tallystick.common.time.SandboxClock;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.time.temporal.ChronoUnit;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * What the marketplace promises, played end to end against real processes in chapters of numbered steps, each of which
 * sees for itself, from outside, that what was promised came true. Played by {@code sandbox --once} and by the test of
 * the same name.
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

    /** A part of the story that can be played by itself; each needs a marketplace that was just made. */
    enum Chapter {
        AWS(
                "the main job at AWS",
                new EntitledStep(),
                new MeteredStep(),
                new KilledStep(),
                new RefusedStep(),
                new BilledStep(),
                new ContestedStep(),
                new AwsStep(),
                new QuarantinedStep(),
                new ImagedStep(),
                new PublishedStep(),
                new PaidStep(),
                new SeenStep(),
                new InsistentStep(),
                new YearStep()),
        OUTSCALE("an OMI at OUTSCALE", new OutscaleStep());

        private final String title;
        private final List<Step> steps;

        Chapter(String title, Step... steps) {
            this.title = title;
            this.steps = List.of(steps);
        }
    }

    /** The name of the story that plays every chapter. */
    static final String ALL = "all";

    private static final int FIRST_MINUTES_OF_HOUR = 15;

    private final List<Chapter> chapters;

    private Story(List<Chapter> chapters) {
        this.chapters = chapters;
    }

    /** Every chapter, in order. */
    static Story whole() {
        return new Story(List.of(Chapter.values()));
    }

    /** What may stand after {@code --story}. */
    static List<String> names() {
        return Stream.concat(Arrays.stream(Chapter.values()).map(Story::name), Stream.of(ALL))
                .toList();
    }

    /** The story of this name: one chapter, or all. */
    static Optional<Story> named(String name) {
        return name.equals(ALL)
                ? Optional.of(whole())
                : Arrays.stream(Chapter.values())
                        .filter(c -> name(c).equals(name))
                        .findFirst()
                        .map(c -> new Story(List.of(c)));
    }

    private static String name(Chapter chapter) {
        return chapter.name().toLowerCase(Locale.ROOT);
    }

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

    /** Plays it on a new marketplace. */
    void play(Marketplace market, Teller teller) {
        Scene scene = new Scene(market, teller);
        int number = 0;
        for (Chapter chapter : chapters) {
            teller.chapter(chapter.title);
            for (Step step : chapter.steps) {
                number++;
                teller.begin(number, step.title());
                try {
                    step.play(scene);
                } catch (RuntimeException e) {
                    throw new Failed(number, step.title(), e);
                }
            }
        }
    }
}
