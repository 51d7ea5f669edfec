package io.tallystick.chaos.checker;

import java.io.BufferedWriter;
import java.io.Closeable;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import java.util.stream.Stream;

/**
 * What was acknowledged, one line a record, only ever appended to. Written after the 2xx and by nothing else, so whatever
 * stands here must be in the bill. Thread-safe.
 */
public final class AckLog implements Closeable {
    /** Whether a call got its 2xx, or was sent and given up without a word. */
    public enum Fate {
        ACKNOWLEDGED,
        IN_DOUBT
    }

    /**
     * One record.
     *
     * @param id what the caller calls it; unique
     * @param hour the usage hour as the bill writes it
     */
    public record Entry(Fate fate, String id, String enrollment, String dimension, String hour, BigDecimal quantity) {
        String line() {
            return String.join(
                            "\t",
                            fate == Fate.ACKNOWLEDGED ? "ack" : "doubt",
                            id,
                            enrollment,
                            dimension,
                            hour,
                            quantity.toPlainString())
                    + "\n";
        }

        static Entry parse(String line) {
            String[] f = line.split("\t", -1);
            if (f.length != 6 || !(f[0].equals("ack") || f[0].equals("doubt"))) {
                throw new IllegalArgumentException("not a line of this log: " + line);
            }
            return new Entry(
                    f[0].equals("ack") ? Fate.ACKNOWLEDGED : Fate.IN_DOUBT,
                    f[1],
                    f[2],
                    f[3],
                    f[4],
                    new BigDecimal(f[5]));
        }
    }

    private final BufferedWriter out;
    private final AtomicLong acknowledged = new AtomicLong();

    public AckLog(Path file) {
        try {
            out = Files.newBufferedWriter(
                    file, StandardCharsets.UTF_8, StandardOpenOption.CREATE, StandardOpenOption.APPEND);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Writes the records of one call together. */
    public synchronized void add(Iterable<Entry> entries) {
        try {
            for (Entry e : entries) {
                out.write(e.line());
                if (e.fate() == Fate.ACKNOWLEDGED) {
                    acknowledged.incrementAndGet();
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** How many records were acknowledged since this log was opened. */
    public long acknowledged() {
        return acknowledged.get();
    }

    /** Makes everything written readable. */
    public synchronized void flush() {
        try {
            out.flush();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public synchronized void close() {
        try {
            out.close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Reads a log from its beginning. */
    static void read(Path file, Consumer<Entry> to) {
        try (Stream<String> lines = Files.lines(file, StandardCharsets.UTF_8)) {
            lines.map(Entry::parse).forEach(to);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
