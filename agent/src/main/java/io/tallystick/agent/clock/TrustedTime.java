package io.tallystick.agent.clock;

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
    private final TimeSource source;
    private volatile @Nullable Anchor anchor;

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
        Anchor a = anchor;
        if (a == null) {
            return Optional.empty();
        }
        if (a.bootId().equals(source.bootId())) {
            return Optional.of(a.time().plusMillis(source.bootMillis() - a.bootMillis()));
        }
        Instant wall = source.wall();
        Instant least = a.time().plusMillis(source.bootMillis());
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
     * @param askedBootMillis the boot time just before the request was made
     */
    public void answered(Instant serverTime, long askedBootMillis) {
        long boot = source.bootMillis();
        Instant latest = serverTime.plusMillis(Math.max(0, boot - askedBootMillis));
        Instant known = anchoredInThisBoot() ? now().orElse(latest) : latest;
        Instant time = known.isBefore(serverTime) ? serverTime : known.isAfter(latest) ? latest : known;
        anchor = new Anchor(time, boot, source.bootId());
    }

    /** Takes a signed time that may be old (a receipt given again): only ever moves forward. */
    public void atLeast(Instant signed) {
        if (now().map(n -> n.isBefore(signed)).orElse(true) || !anchoredInThisBoot()) {
            Instant now = now().orElse(signed);
            anchor = new Anchor(now.isBefore(signed) ? signed : now, source.bootMillis(), source.bootId());
        }
    }

    /** What to keep on disk: the trusted time of this moment, or of the boot it is from. Empty until there is one. */
    public Optional<Anchor> toKeep() {
        Anchor a = anchor;
        return anchoredInThisBoot()
                ? now().map(n -> new Anchor(n, source.bootMillis(), source.bootId()))
                : Optional.ofNullable(a);
    }
}
