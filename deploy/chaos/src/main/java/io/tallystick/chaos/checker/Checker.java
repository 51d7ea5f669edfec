package io.tallystick.chaos.checker;

import java.math.BigDecimal;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * Decides whether a bill is right. Bills hold sums, not records; so every record weighs {@link #mark one and a mark} in
 * the last places: the whole part of a sum says how many records are in it, and the marks tell which are not.
 */
public final class Checker {
    /** Marks are below this. */
    public static final int MARKS = 1_000;

    private static final int MARK_PLACES = 9;
    private static final BigDecimal MARK_MAX = BigDecimal.valueOf(MARKS - 1L, MARK_PLACES);
    /** More records in doubt in one key than this are not tried in all combinations. */
    private static final int SUBSETS_OF_MAX = 16;

    private static final int CANDIDATES_SHOWN = 3;

    private Checker() {}

    /** The quantity of a record: one, and a mark from 0 to 999 in units of 10⁻⁹. */
    public static BigDecimal mark(int mark) {
        if (mark < 0 || mark >= MARKS) {
            throw new IllegalArgumentException("a mark is from 0 to " + (MARKS - 1));
        }
        return BigDecimal.ONE.add(BigDecimal.valueOf(mark, MARK_PLACES));
    }

    private record Key(String enrollment, String dimension, String hour) implements Comparable<Key> {
        @Override
        public int compareTo(Key o) {
            return toString().compareTo(o.toString());
        }

        @Override
        public String toString() {
            return enrollment + " " + dimension + " " + hour;
        }
    }

    /** What the log says about a key. */
    private static final class Expected {
        long records;
        BigDecimal sum = BigDecimal.ZERO;
        final List<BigDecimal> doubts = new ArrayList<>();

        void add(AckLog.Entry e) {
            if (e.fate() == AckLog.Fate.ACKNOWLEDGED) {
                records++;
                sum = sum.add(e.quantity());
            } else {
                doubts.add(e.quantity());
            }
        }
    }

    /** Compares a log with the lines of a bill. */
    public static Verdict judge(Path log, List<Billed> bill) {
        SortedMap<Key, Expected> expected = new TreeMap<>();
        Counts counts = new Counts();
        Map<Key, Expected> byHash = new java.util.HashMap<>();
        AckLog.read(log, e -> {
            if (e.fate() == AckLog.Fate.ACKNOWLEDGED) {
                counts.acknowledged++;
            } else {
                counts.inDoubt++;
            }
            byHash.computeIfAbsent(new Key(e.enrollment(), e.dimension(), e.hour()), k -> new Expected())
                    .add(e);
        });
        expected.putAll(byHash);
        SortedMap<Key, BigDecimal> billed = new TreeMap<>();
        BigDecimal total = BigDecimal.ZERO;
        String before = "";
        for (Billed line : bill) {
            if (line.place().equals(before)) {
                counts.offences.add("line " + line.place() + " came twice");
            }
            before = line.place();
            billed.merge(new Key(line.enrollment(), line.dimension(), line.hour()), line.quantity(), BigDecimal::add);
            total = total.add(line.quantity());
        }
        expected.forEach((key, e) -> compare(log, key, e, billed.getOrDefault(key, BigDecimal.ZERO), counts));
        billed.forEach((key, sum) -> {
            if (!expected.containsKey(key) && sum.signum() != 0) {
                counts.phantom += Math.max(1, sum.longValue());
                counts.offences.add("phantom: " + key + ": billed " + sum.toPlainString() + ", nothing was sent");
            }
        });
        return new Verdict(
                counts.acknowledged,
                counts.inDoubt,
                bill.size(),
                total,
                counts.lost,
                counts.doubled,
                counts.phantom,
                counts.offences);
    }

    private static final class Counts {
        long acknowledged;
        long inDoubt;
        long lost;
        long doubled;
        long phantom;
        final List<String> offences = new ArrayList<>();
    }

    private static void compare(Path log, Key key, Expected e, BigDecimal billed, Counts counts) {
        BigDecimal difference = billed.subtract(e.sum);
        if (difference.signum() == 0 || explainedByDoubts(difference, e.doubts)) {
            return;
        }
        long records = billed.longValue() - e.records;
        String word;
        if (records < 0) {
            counts.lost -= records;
            word = "lost";
        } else if (records == 0) {
            // As many records as there should be, but not the same ones.
            counts.lost++;
            counts.doubled++;
            word = "one for another";
        } else if (isOfOurs(log, key, difference, records)) {
            counts.doubled += records;
            word = "double";
        } else {
            counts.phantom += records;
            word = "phantom";
        }
        counts.offences.add(word + ": " + key + ": " + e.records + " acknowledged over " + e.sum.toPlainString()
                + ", billed " + billed.toPlainString() + candidates(log, key, difference.abs()));
    }

    /** Whether some of those sent without an answer make up the difference exactly. */
    private static boolean explainedByDoubts(BigDecimal difference, List<BigDecimal> doubts) {
        if (difference.signum() < 0 || doubts.isEmpty()) {
            return false;
        }
        int tried = Math.min(doubts.size(), SUBSETS_OF_MAX);
        for (int subset = 1; subset < 1 << tried; subset++) {
            BigDecimal sum = BigDecimal.ZERO;
            for (int i = 0; i < tried; i++) {
                if ((subset & 1 << i) != 0) {
                    sum = sum.add(doubts.get(i));
                }
            }
            if (sum.compareTo(difference) == 0) {
                return true;
            }
        }
        return doubts.size() > SUBSETS_OF_MAX
                && difference.compareTo(doubts.stream().reduce(BigDecimal.ZERO, BigDecimal::add)) <= 0;
    }

    /** Whether the surplus can be records of this key once more: one of its quantities, or several with marks like ours. */
    private static boolean isOfOurs(Path log, Key key, BigDecimal surplus, long records) {
        if (records == 1) {
            return !find(log, key, surplus).isEmpty();
        }
        BigDecimal marks = surplus.subtract(BigDecimal.valueOf(records));
        return marks.compareTo(MARK_MAX.multiply(BigDecimal.valueOf(records))) <= 0;
    }

    private static String candidates(Path log, Key key, BigDecimal quantity) {
        List<String> found = find(log, key, quantity);
        if (found.isEmpty()) {
            return "";
        }
        List<String> shown = found.subList(0, Math.min(CANDIDATES_SHOWN, found.size()));
        return "; record " + String.join(" or ", shown) + (found.size() > shown.size() ? " or another" : "");
    }

    /** The records of a key with exactly this quantity. */
    private static List<String> find(Path log, Key key, BigDecimal quantity) {
        List<String> ids = new ArrayList<>();
        AckLog.read(log, e -> {
            if (e.quantity().compareTo(quantity) == 0 && new Key(e.enrollment(), e.dimension(), e.hour()).equals(key)) {
                ids.add(e.id());
            }
        });
        return ids;
    }
}
