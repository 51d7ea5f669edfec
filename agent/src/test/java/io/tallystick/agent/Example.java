package io.tallystick.agent;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/** A program of deploy/examples as a process, with what it said so far. */
final class Example implements AutoCloseable {
    private static final int PATIENCE_SECONDS = 60;

    private final Process process;
    private final List<String> lines = new ArrayList<>();
    private final Thread reader;

    Example(List<String> command, Map<String, String> environment) throws IOException {
        ProcessBuilder b = new ProcessBuilder(command).redirectErrorStream(true);
        b.environment().keySet().removeIf(k -> k.startsWith("TALLYSTICK_"));
        b.environment().putAll(environment);
        process = b.start();
        reader = new Thread(this::read, "example");
        reader.setDaemon(true);
        reader.start();
    }

    static Path folder() {
        return Path.of(System.getProperty("tallystick.root"), "deploy", "examples");
    }

    private void read() {
        try (BufferedReader in = process.inputReader(StandardCharsets.UTF_8)) {
            for (String line = in.readLine(); line != null; line = in.readLine()) {
                synchronized (lines) {
                    lines.add(line);
                }
            }
        } catch (IOException e) {
            synchronized (lines) {
                lines.add(e.toString());
            }
        }
    }

    List<String> lines() {
        synchronized (lines) {
            return List.copyOf(lines);
        }
    }

    String output() {
        return String.join("\n", lines());
    }

    long count(String part) {
        return lines().stream().filter(l -> l.contains(part)).count();
    }

    void untilItSays(String part) throws Exception {
        Rig.until(part + " in the example's output", () -> {
            if (count(part) == 0 && !process.isAlive()) {
                throw new AssertionError("the example ended without saying " + part + ":\n" + output());
            }
            return count(part) > 0;
        });
    }

    int exitCode() throws InterruptedException {
        if (!process.waitFor(PATIENCE_SECONDS, TimeUnit.SECONDS)) {
            throw new AssertionError("the example does not end:\n" + output());
        }
        reader.join();
        return process.exitValue();
    }

    @Override
    public void close() {
        process.descendants().forEach(ProcessHandle::destroyForcibly);
        process.destroyForcibly();
    }
}
