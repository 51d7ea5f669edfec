package io.tallystick.sandbox;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/**
 * A program this sandbox started. What it prints goes to a log file, not through a pipe, so that it neither blocks nor
 * dies with the sandbox; the words that say it is ready are read from there. Its environment carries the run folder,
 * by which {@link Leftovers} finds it after a crash.
 */
public final class Child {
    /** The variable whose value is the run folder. */
    static final String MARK = "TALLYSTICK_SANDBOX_RUN";

    /** Ctrl-C at the terminal is for the sandbox, which ends its children in order; setsid keeps the process id. */
    private static final Path SETSID = Path.of("/usr/bin/setsid");

    private static final Duration READY_PATIENCE = Duration.ofMinutes(3);
    private static final Duration END_PATIENCE = Duration.ofSeconds(15);
    private static final int TAIL_LINES = 15;

    private final String name;
    private final Process process;
    private final Path log;
    private final long logStart;

    private Child(String name, Process process, Path log, long logStart) {
        this.name = name;
        this.process = process;
        this.log = log;
        this.logStart = logStart;
    }

    /** Starts a program of this run folder; its output is appended to {@code logs/NAME.log}. */
    public static Child start(RunFolder folder, String name, List<String> command) {
        Path log = folder.logs().resolve(name + ".log");
        List<String> own = new ArrayList<>();
        if (Files.isExecutable(SETSID)) {
            own.add(SETSID.toString());
        }
        own.addAll(command);
        ProcessBuilder builder = new ProcessBuilder(own)
                .redirectErrorStream(true)
                .redirectInput(ProcessBuilder.Redirect.from(Path.of("/dev/null").toFile()))
                .redirectOutput(ProcessBuilder.Redirect.appendTo(log.toFile()));
        builder.environment().put(MARK, folder.path().toString());
        // The sandbox has just built what it needs; a launcher must not start a build of its own.
        builder.environment().put("TALLYSTICK_BUILD", "never");
        try {
            long logStart = Files.exists(log) ? Files.size(log) : 0;
            return new Child(name, folder.start(builder), log, logStart);
        } catch (IOException e) {
            throw new Trouble("cannot start " + name + ": " + e.getMessage(), e);
        }
    }

    public String name() {
        return name;
    }

    public long pid() {
        return process.pid();
    }

    public Path log() {
        return log;
    }

    public boolean isAlive() {
        return process.isAlive();
    }

    /** What the process said after {@code words} on the line that begins with them; waits until it says so. */
    public String awaitLine(String words) {
        Optional<String> rest = Await.value(READY_PATIENCE, () -> {
            Optional<String> found = output().lines()
                    .filter(line -> line.startsWith(words))
                    .map(line -> line.substring(words.length()).strip())
                    .findFirst();
            if (found.isEmpty() && !process.isAlive()) {
                throw new Trouble(name + " ended with exit code " + process.exitValue()
                        + " before it was ready; its last words (" + log + "):\n" + tail());
            }
            return found;
        });
        return rest.orElseThrow(() -> new Trouble(name + " did not say \"" + words + "\" within "
                + READY_PATIENCE.toSeconds() + " s; its last words (" + log + "):\n" + tail()));
    }

    /** SIGKILL, as a crash; answers when the process is gone. */
    public void kill() {
        process.destroyForcibly();
        awaitEnd();
    }

    /** SIGTERM, and SIGKILL for one that does not listen; answers when the process is gone. */
    public void stop() {
        process.destroy();
        if (!ended(END_PATIENCE)) {
            kill();
        }
    }

    /** Asks the process to end without waiting for it. */
    void askToStop() {
        process.destroy();
    }

    int exitCode() {
        return process.exitValue();
    }

    void onExit(Runnable action) {
        process.onExit().thenRun(action);
    }

    private void awaitEnd() {
        if (!ended(END_PATIENCE)) {
            throw new Trouble(name + " (process " + pid() + ") does not end, even killed");
        }
    }

    private boolean ended(Duration patience) {
        try {
            return process.waitFor(patience.toMillis(), TimeUnit.MILLISECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted while " + name + " was ending", e);
        }
    }

    private String output() {
        try (var channel = Files.newByteChannel(log)) {
            channel.position(logStart);
            java.nio.ByteBuffer bytes =
                    java.nio.ByteBuffer.allocate((int) Math.min(Integer.MAX_VALUE - 8, channel.size() - logStart));
            while (bytes.hasRemaining() && channel.read(bytes) >= 0) {
                // Reads what is there.
            }
            String text = new String(bytes.array(), 0, bytes.position(), StandardCharsets.UTF_8);
            // A line being written is not a line yet.
            return text.substring(0, text.lastIndexOf('\n') + 1);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private String tail() {
        List<String> lines = output().lines().toList();
        return String.join("\n", lines.subList(Math.max(0, lines.size() - TAIL_LINES), lines.size()))
                .indent(4)
                .stripTrailing();
    }
}
