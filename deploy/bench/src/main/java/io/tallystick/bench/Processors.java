package io.tallystick.bench;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;

/** What processes have used of the processors so far, in seconds; the kernel counts in hundredths. */
final class Processors {
    private static final double CLOCK_TICKS_PER_SECOND = 100;
    /** Places in {@code /proc/PID/stat} after the name, which may hold spaces. */
    private static final int PARENT = 1;

    private static final int USER = 11;
    private static final int SYSTEM = 12;
    private static final int ENDED_CHILDREN_USER = 13;
    private static final int ENDED_CHILDREN_SYSTEM = 14;

    private Processors() {}

    /** Of one process, without its children. */
    static double secondsOf(long pid) throws IOException {
        String[] stat = stat(Path.of("/proc", Long.toString(pid)));
        return (ticks(stat, USER) + ticks(stat, SYSTEM)) / CLOCK_TICKS_PER_SECOND;
    }

    /** Of a process and all its children, those that have ended included. */
    static double secondsOfFamily(long parent) throws IOException {
        long all = 0;
        try (DirectoryStream<Path> processes = Files.newDirectoryStream(Path.of("/proc"), "[0-9]*")) {
            for (Path process : processes) {
                all += ticksInFamily(process, parent);
            }
        }
        return all / CLOCK_TICKS_PER_SECOND;
    }

    private static long ticksInFamily(Path process, long parent) {
        try {
            String[] stat = stat(process);
            long own = ticks(stat, USER) + ticks(stat, SYSTEM);
            if (process.endsWith(Long.toString(parent))) {
                return own + ticks(stat, ENDED_CHILDREN_USER) + ticks(stat, ENDED_CHILDREN_SYSTEM);
            }
            return ticks(stat, PARENT) == parent ? own : 0;
        } catch (IOException ended) {
            return 0;
        }
    }

    private static String[] stat(Path process) throws IOException {
        String stat = Files.readString(process.resolve("stat"));
        return stat.substring(stat.lastIndexOf(')') + 2).split(" ");
    }

    private static long ticks(String[] stat, int place) {
        return Long.parseLong(stat[place]);
    }
}
