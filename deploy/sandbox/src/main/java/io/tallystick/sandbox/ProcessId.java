package io.tallystick.sandbox;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * A process of this machine, named so that another one with a recycled number is never mistaken for it: its number, its
 * start in clock ticks since the boot, and the boot. Linux only, like the sandbox.
 */
record ProcessId(long pid, long startTicks, String boot) {
    private static final Path PROC = Path.of("/proc");
    /** Field 22 of {@code /proc/PID/stat}, counted from the state, which is field 3 and follows the name's bracket. */
    private static final int START_TICKS_AFTER_NAME = 19;

    /** The living process with this number; a zombie is not one. */
    static Optional<ProcessId> of(long pid) {
        try {
            String stat = Files.readString(PROC.resolve(pid + "/stat"), StandardCharsets.ISO_8859_1);
            // The name in brackets may hold anything, brackets and spaces too.
            String[] fields = stat.substring(stat.lastIndexOf(')') + 1).strip().split(" ", START_TICKS_AFTER_NAME + 2);
            if (fields[0].equals("Z") || fields[0].equals("X")) {
                return Optional.empty();
            }
            return Optional.of(new ProcessId(pid, Long.parseLong(fields[START_TICKS_AFTER_NAME]), bootId()));
        } catch (IOException e) {
            return Optional.empty();
        }
    }

    boolean isAlive() {
        return of(pid).filter(this::equals).isPresent();
    }

    /** SIGTERM, or SIGKILL; nothing if the process is gone. */
    void end(boolean kill) {
        Optional<ProcessHandle> handle = ProcessHandle.of(pid);
        // Looked at once more after taking the handle, which itself remembers the start time from here on.
        if (handle.isPresent() && isAlive()) {
            if (kill) {
                handle.get().destroyForcibly();
            } else {
                handle.get().destroy();
            }
        }
    }

    /** The command line's words; empty if they cannot be read. */
    List<String> commandLine() {
        return words("cmdline");
    }

    /** The environment the process was started with, as {@code NAME=value}; empty if it is another user's. */
    List<String> environment() {
        return words("environ");
    }

    /** Every process there is. */
    static List<ProcessId> all() {
        List<ProcessId> found = new ArrayList<>();
        try (var entries = Files.newDirectoryStream(PROC, "[0-9]*")) {
            for (Path entry : entries) {
                of(Long.parseLong(entry.getFileName().toString())).ifPresent(found::add);
            }
        } catch (IOException e) {
            throw new IllegalStateException("the sandbox needs a readable /proc", e);
        }
        return found;
    }

    private List<String> words(String file) {
        try {
            String text = Files.readString(PROC.resolve(pid + "/" + file), StandardCharsets.ISO_8859_1);
            return List.of(text.split("\0", 0));
        } catch (IOException e) {
            return List.of();
        }
    }

    private static String bootId() throws IOException {
        return Files.readString(PROC.resolve("sys/kernel/random/boot_id")).strip();
    }
}
