package io.tallystick.agent.clock;

import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The last time the aggregator signed, plus boot time since. Within a boot neither a changed wall clock nor a restart
 * of the agent moves it. After a reboot without contact it is the wall clock, but never below the last trusted time and
 * what this boot has lasted: a clock that starts in 1970 stops no lease from ending. Before any contact ever there is none.
 * Thread-safe.
 */
public final class TrustedTime {
    /** Longer than an answer takes that nothing held back; by as much a time may be ahead that is not in doubt. */
    public static final Duration DOUBT_MAX = Duration.ofSeconds(5);

    private final TimeSource source;
    private volatile @Nullable Anchor anchor;
    /** By how much the time may be wrong that was taken last. */
    private volatile Duration doubt = Duration.ZERO;

    /** A signed time and the boot time it was learnt at. */
    public record Anchor(Instant time, long bootMillis, String bootId) {
        public String toText() {
            return time.toEpochMilli() + " " + bootMillis + " " + bootId;
        }

        /** Throws {@link IllegalArgumentException} for anything {@link #toText()} does not write. */
        public static Anchor parse(String text) {
            String[] parts = text.split(" ", 3);
            if (parts.length != 3) {
                throw new IllegalArgumentException("not a time anchor: " + text);
            }
            return new Anchor(Instant.ofEpochMilli(Long.parseLong(parts[0])), Long.parseLong(parts[1]), parts[2]);
        }
    }

    public TrustedTime(TimeSource source) {
        this.source = source;
    }

    /** Takes up what an earlier start of this agent kept; nothing if it kept none. */
    public void restore(@Nullable Anchor kept) {
        anchor = kept;
    }

    /** Empty until the first trusted time. */
    public Optional<Instant> now() {
        return at(source.bootMillis());
    }

    /**
     * The trusted time at this reading of the boot time, for who needs both: between two readings the machine may sleep.
     */
    public Optional<Instant> at(long bootMillis) {
        Anchor a = anchor;
        if (a == null) {
            return Optional.empty();
        }
        if (a.bootId().equals(source.bootId())) {
            return Optional.of(a.time().plusMillis(bootMillis - a.bootMillis()));
        }
        Instant wall = source.wall();
        Instant least = a.time().plusMillis(bootMillis);
        return Optional.of(wall.isBefore(least) ? least : wall);
    }

    /** The trusted time, or the wall clock for uses that need some time and prove nothing by it. */
    public Instant nowOrWall() {
        return now().orElseGet(source::wall);
    }

    /** Whether the aggregator signed a time within this boot. */
    public boolean anchoredInThisBoot() {
        Anchor a = anchor;
        return a != null && a.bootId().equals(source.bootId());
    }

    /**
     * Takes a time signed in answer to a fresh request, whichever way it moves. It was signed at some moment since the
     * request was made, so the present lies between it and as much later as the answer took. A trusted time within these
     * bounds stays; one outside moves to the nearer bound. Else an answer that somebody held back, or that a suspended
     * machine slept over, would set the time back, book usage in earlier hours and lengthen every lease. The first one
     * of a boot is taken at its latest, for the sake of the leases.
     *
     * @param askedBootMillis the boot time just before the request was mad
     */
    public void answered(Instant serverTime, long askedBootMillis) {
        long boot = source.bootMillis();
        Duration took = Duration.ofMillis(Math.max(0, boot - askedBootMillis));
        Instant latest = serverTime.plus(took);
        Optional<Instant> known = anchoredInThisBoot() ? at(boot) : Optional.empty();
        Instant time = known.orElse(latest);
        time = time.isBefore(serverTime) ? serverTime : time.isAfter(latest) ? latest : time;
        anchor = new Anchor(time, boot, source.bootId());
        Duration moved =
                known.isEmpty() ? took : Duration.between(known.get(), time).abs();
        doubt = moved.compareTo(took) < 0 ? moved : took;
    }

    /** Takes a signed time that may be old (a receipt given again): only ever moves forward. */
    public void atLeast(Instant signed) {
        long boot = source.bootMillis();
        Optional<Instant> known = at(boot);
        if (known.isEmpty() || known.get().isBefore(signed) || !anchoredInThisBoot()) {
            Instant now = known.filter(k -> k.isAfter(signed)).orElse(signed);
            anchor = new Anchor(now, boot, source.bootId());
            doubt = Duration.between(known.orElse(now), now);
        }
    }

    /**
     * Whether the time may be far off, so that a fresh answer should be asked for at once; says so once. The last answer was
     * under way for long, and a machine that slept before it was signed is ahead by all of its sleep; or a receipt moved the
     * time far.
     */
    public boolean takeDoubt() {
        boolean far = doubt.compareTo(DOUBT_MAX) > 0;
        doubt = Duration.ZERO;
        return far;
    }

    /** What to keep on disk: the trusted time of this moment, or of the boot it is from. Empty until there is one. */
    public Optional<Anchor> toKeep() {
        Anchor a = anchor;
        long boot = source.bootMillis();
        return anchoredInThisBoot() ? at(boot).map(n -> new Anchor(n, boot, source.bootId())) : Optional.ofNullable(a);
    }
}
