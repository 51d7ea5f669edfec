package io.tallystick.conformance;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/** The vendor's program as a process, with the end of what it printed. */
final class Candidate implements AutoCloseable {
    private static final int STOP_SECONDS = 5;
    private static final int LINES_MAX = 1_000;

    private final Process process;
    private final Deque<String> lines = new ArrayDeque<>();

    Candidate(List<String> command, Map<String, String> environment) {
        ProcessBuilder b = new ProcessBuilder(command).redirectErrorStream(true);
        b.environment().putAll(environment);
        try {
            process = b.start();
        } catch (IOException e) {
            throw new IllegalArgumentException("the program cannot be started: " + e.getMessage(), e);
        }
        Thread reader = new Thread(this::read, "candidate");
        reader.setDaemon(true);
        reader.start();
    }

    private void read() {
        try (BufferedReader in = process.inputReader(StandardCharsets.UTF_8)) {
            for (String line = in.readLine(); line != null; line = in.readLine()) {
                synchronized (lines) {
                    lines.addLast(line);
                    if (lines.size() > LINES_MAX) {
                        lines.removeFirst();
                    }
                }
            }
        } catch (IOException e) {
            // The process ended and took the pipe with it.
            return;
        }
    }

    String output() {
        synchronized (lines) {
            return String.join("\n", lines);
        }
    }

    boolean isAlive() {
        return process.isAlive();
    }

    /** SIGTERM, then SIGKILL; its children too. */
    @Override
    public void close() {
        List<ProcessHandle> children = process.descendants().toList();
        process.destroy();
        try {
            if (!process.waitFor(STOP_SECONDS, TimeUnit.SECONDS)) {
                process.destroyForcibly();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            process.destroyForcibly();
        }
        children.forEach(ProcessHandle::destroyForcibly);
    }
}
