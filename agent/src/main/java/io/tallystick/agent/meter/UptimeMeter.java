package io.tallystick.agent.meter;

import io.tallystick.agent.clock.TimeSource;
import io.tallystick.agent.clock.TrustedTime;
import io.tallystick.agent.enroll.Board;
import io.tallystick.agent.enroll.Standing;
import io.tallystick.agent.enroll.Verdict;
import io.tallystick.agent.store.Store;
import io.tallystick.agent.store.SumKey;
import io.tallystick.agent.store.Tx;
import io.tallystick.common.error.Failure;
import io.tallystick.common.model.Hours;
import io.tallystick.common.model.Quantity;
import io.tallystick.common.wire.MeteringPlan;
import java.math.BigDecimal;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.logging.Level;
import java.util.logging.Logger;

/**
 * The built-in meter: hours of instance uptime while the instance is entitled, for each product that has the
 * dimension. Called by the main loop only.
 *
 * <p>Measured in boot milliseconds and written in hours with nine places. A millisecond is 2,500 ninths of such a place, so
 * the ninths left over are carried to the next writing and the sum never drifts: a full hour is exactly 1. What was
 * written up to where is kept in the same transaction, so a restart within the boot neither forgets nor repeats.
 * Uptime before the first entitled moment of a boot is not counted, nor is what follows a moment without entitlement
 * up to the next entitled one: such a moment is kept too, so that no restart measures across it.
 *
 * <p>An answer of the aggregator may set the trusted time back by what the network took; what was written up to is then passed
 * a second time, and is not written again: an hour never has more than its length. Only where the time was far off, for a VM
 * that booted offline say, are the same hours other time than before.
 */
public final class UptimeMeter {
    private static final long NINTHS_PER_MILLI = 2_500;
    private static final int NINTHS = 9;
    private static final int PLACES = 9;
    /** A time that was set back by more was wrong, and what it was taken for happened at another time. */
    private static final Duration SAME_TIME_MAX = Duration.ofMinutes(5);

    private static final Logger LOG = Logger.getLogger(UptimeMeter.class.getName());

    private final Store store;
    private final TrustedTime time;
    private final TimeSource source;
    private final Board board;
    private final Map<String, Segment> open = new HashMap<>();
    private final Map<String, Boolean> seen = new HashMap<>();

    /** Boot milliseconds that are entitled and not written yet; {@code until} is when the lease ends. */
    private record Segment(long start, long end, Instant until) {}

    /** Where a product's meter stood when it was last written. */
    private record Mark(String boot, long end, long ninths) {
        static Optional<Mark> read(Tx tx, String product) throws SQLException {
            return tx.meta(key(product)).map(t -> {
                String[] p = t.split(" ", 3);
                return new Mark(p[2], Long.parseLong(p[0]), Long.parseLong(p[1]));
            });
        }

        /** Nothing may be measured on from here; no boot is called this. */
        Mark ended() {
            return new Mark("-", end, ninths);
        }

        String text() {
            return end + " " + ninths + " " + boot;
        }
    }

    public UptimeMeter(Store store, TrustedTime time, TimeSource source, Board board) {
        this.store = store;
        this.time = time;
        this.source = source;
        this.board = board;
    }

    /** Notes that time passed; cheap, each tick. */
    public void tick() {
        Standing standing = board.standing();
        long boot = source.bootMillis();
        Optional<Instant> now = time.at(boot);
        if (standing.plan().isEmpty() || now.isEmpty()) {
            return;
        }
        for (MeteringPlan.Product p : standing.plan().get().products()) {
            if (p.dimension(MeteringPlan.UPTIME_DIMENSION).isPresent()
                    && standing.codes().contains(p.code())) {
                tick(p.code(), standing.verdict(Optional.of(p.code()), now), now.get(), boot);
            }
        }
    }

    private void tick(String product, Verdict verdict, Instant now, long boot) {
        Segment segment = open.get(product);
        if (verdict.word() == Verdict.Word.ALLOW) {
            Instant until = verdict.expiresAt().orElse(now);
            long start = segment != null ? segment.start() : start(product, boot);
            open.put(product, new Segment(start, boot, until));
        } else if (segment != null) {
            // The lease may have ended between two ticks: the part before its end is still entitled.
            long ended =
                    boot - Math.max(0, Duration.between(segment.until(), now).toMillis());
            open.put(
                    product,
                    new Segment(segment.start(), Math.max(segment.end(), Math.min(boot, ended)), segment.until()));
            if (write(product, true)) {
                open.remove(product);
            }
        } else if (seen.putIfAbsent(product, true) == null) {
            // Not entitled at the first look of this process: what lies behind is no longer to be continued.
            end(product);
        }
    }

    private long start(String product, long boot) {
        if (seen.putIfAbsent(product, true) != null) {
            return boot;
        }
        Optional<Mark> mark = store.call(tx -> Mark.read(tx, product));
        return mark.filter(m -> m.boot().equals(source.bootId()) && m.end() <= boot)
                .map(Mark::end)
                .orElse(boot);
    }

    private void end(String product) {
        try {
            store.call(tx -> {
                Optional<Mark> mark = Mark.read(tx, product);
                if (mark.isPresent()) {
                    tx.meta(key(product), mark.get().ended().text());
                }
                return mark;
            });
        } catch (Failure e) {
            LOG.log(Level.WARNING, "the end of uptime is kept in memory: {0}", e.getMessage());
        }
    }

    private static String key(String product) {
        return "uptime." + product;
    }

    /** Up to which trusted time uptime is written, in milliseconds since 1970. Apart, as older agents do not know it. */
    private static String writtenKey(String product) {
        return "uptime-written." + product;
    }

    /** Writes what was measured, before a batch is cut. */
    public void flush() {
        for (String product : open.keySet().toArray(String[]::new)) {
            write(product, false);
        }
    }

    /**
     * Whether it is on disk; a full store keeps the segment for later.
     *
     * @param ends whether entitlement ended with it, so that nothing is measured on from its end
     */
    private boolean write(String product, boolean ends) {
        Segment s = open.get(product);
        long boot = source.bootMillis();
        Optional<Instant> now = time.at(boot);
        if (s == null || now.isEmpty() || s.end() <= s.start() && !ends) {
            return true;
        }
        boolean single = board.standing().codes().size() == 1;
        Instant from = now.get().minusMillis(boot - s.start());
        long length = s.end() - s.start();
        try {
            Store.join(store.usage(tx -> {
                long again = again(tx, product, from, length);
                Mark mark = add(tx, product, single ? "" : product, from.plusMillis(again), length - again, s.end());
                if (again < length) {
                    tx.meta(
                            writtenKey(product),
                            Long.toString(from.plusMillis(length).toEpochMilli()));
                }
                Mark kept = ends ? mark.ended() : mark;
                tx.meta(key(product), kept.text());
                return kept;
            }));
        } catch (Failure e) {
            LOG.log(Level.WARNING, "uptime is kept in memory: {0}", e.getMessage());
            return false;
        }
        open.put(product, new Segment(s.end(), s.end(), s.until()));
        return true;
    }

    /** How many milliseconds from there on are written already. */
    private static long again(Tx tx, String product, Instant from, long length) throws SQLException {
        long passed = tx.meta(writtenKey(product)).map(Long::parseLong).orElse(0L) - from.toEpochMilli();
        return passed > 0 && passed <= SAME_TIME_MAX.toMillis() ? Math.min(passed, length) : 0;
    }

    private Mark add(Tx tx, String product, String sumProduct, Instant from, long length, long end)
            throws SQLException {
        long ninths = Mark.read(tx, product).map(Mark::ninths).orElse(0L);
        Instant at = from;
        long left = length;
        while (left > 0) {
            Instant hour = Hours.of(at);
            long toEdge = Duration.between(at, hour.plus(Hours.LENGTH)).toMillis();
            long part = Math.min(left, Math.max(1, toEdge));
            long total = part * NINTHS_PER_MILLI + ninths;
            ninths = total % NINTHS;
            Quantity hours = new Quantity(BigDecimal.valueOf(total / NINTHS, PLACES));
            if (!hours.isZero()) {
                tx.add(new SumKey(sumProduct, MeteringPlan.UPTIME_DIMENSION, "", hour.getEpochSecond(), ""), hours);
            }
            at = at.plusMillis(part);
            left -= part;
        }
        return new Mark(source.bootId(), end, ninths);
    }
}
