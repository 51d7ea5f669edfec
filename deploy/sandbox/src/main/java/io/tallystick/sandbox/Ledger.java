package io.tallystick.sandbox;

import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * The story's own books: what the agents acknowledged, summed by its own arithmetic, to be compared with what is
 * billed. Shares no code with the agent or the aggregator. Thread-safe.
 */
final class Ledger {
    /** What is summed together. The hour is written as the bill writes it; tags are sorted. */
    record Key(String instance, String dimension, String hour, String tags) implements Comparable<Key> {
        static Key of(String instance, String dimension, String hour, Map<String, String> tags) {
            return new Key(instance, dimension, hour, new TreeMap<>(tags).toString());
        }

        @Override
        public int compareTo(Key other) {
            return toString().compareTo(other.toString());
        }

        @Override
        public String toString() {
            return instance + " " + dimension + " " + hour + (tags.equals("{}") ? "" : " " + tags);
        }
    }

    private final SortedMap<Key, BigDecimal> sums = new TreeMap<>();

    synchronized void acknowledged(Key key, BigDecimal quantity) {
        sums.merge(key, quantity, BigDecimal::add);
    }

    synchronized SortedMap<Key, BigDecimal> sums() {
        return new TreeMap<>(sums);
    }

    synchronized BigDecimal total() {
        return sums.values().stream().reduce(BigDecimal.ZERO, BigDecimal::add);
    }

    synchronized BigDecimal total(String instance) {
        return sums.entrySet().stream()
                .filter(e -> e.getKey().instance().equals(instance))
                .map(Map.Entry::getValue)
                .reduce(BigDecimal.ZERO, BigDecimal::add);
    }

    /** Every key where the billed sum is not the acknowledged one, for people; empty means equal to the last digit. */
    List<String> differences(Map<Key, BigDecimal> billed) {
        SortedMap<Key, BigDecimal> mine = sums();
        TreeSet<Key> keys = new TreeSet<>(mine.keySet());
        keys.addAll(billed.keySet());
        List<String> differences = new ArrayList<>();
        for (Key key : keys) {
            BigDecimal acknowledged = mine.getOrDefault(key, BigDecimal.ZERO);
            BigDecimal got = billed.getOrDefault(key, BigDecimal.ZERO);
            if (acknowledged.compareTo(got) != 0) {
                differences.add(
                        key + ": acknowledged " + acknowledged.toPlainString() + ", billed " + got.toPlainString());
            }
        }
        return differences;
    }
}
