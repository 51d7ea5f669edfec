package io.tallystick.sandbox;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;

/** Runs a command to its end, as a person at a terminal would. */
public final class Cli {
    /** Exit code, and what went to standard output; errors are only in {@code errors}. */
    public record Result(int exitCode, String output, String errors) {}

    private Cli() {}

    public static Result run(List<String> command) {
        try {
            Process process = new ProcessBuilder(command)
                    .redirectInput(
                            ProcessBuilder.Redirect.from(Path.of("/dev/null").toFile()))
                    .start();
            StringBuilder errors = new StringBuilder();
            Thread reader = new Thread(() -> errors.append(read(process.getErrorStream())), "stderr");
            reader.setDaemon(true);
            reader.start();
            String output = read(process.getInputStream());
            int exit = process.waitFor();
            reader.join();
            return new Result(exit, output, errors.toString());
        } catch (IOException e) {
            throw new Trouble("cannot run " + command.get(0) + ": " + e.getMessage(), e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted while running " + command.get(0), e);
        }
    }

    private static String read(java.io.InputStream in) {
        try {
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
