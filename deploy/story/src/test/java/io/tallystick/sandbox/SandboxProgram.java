package io.tallystick.sandbox;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/** A folder with the sandbox as a program in it, and beside it what somebody would paste there. */
final class SandboxProgram {
    static final Duration PATIENCE = Duration.ofMinutes(4);

    private final Path dir;
    private final List<Process> started = new ArrayList<>();

    SandboxProgram(Path dir) {
        this.dir = dir;
    }

    /** An empty one, on free ports. */
    Process start(String log) throws IOException {
        Process process = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-Dtallystick.root=" + System.getProperty("tallystick.root"),
                        "-cp",
                        System.getProperty("java.class.path"),
                        "io.tallystick.sandbox.Sandbox",
                        "--ports",
                        "auto",
                        "--empty",
                        "--dir",
                        dir.resolve("run").toString())
                .redirectErrorStream(true)
                .redirectOutput(dir.resolve(log).toFile())
                .start();
        started.add(process);
        return process;
    }

    /** Waits until the sandbox says it runs; answers what it wrote for people to use. */
    Doc endpoints(String log) throws IOException {
        Process process = started.get(started.size() - 1);
        boolean runs =
                Await.until(PATIENCE, () -> !process.isAlive() || said(log).contains("The sandbox is running"));
        assertTrue(runs && process.isAlive(), () -> said(log));
        return Doc.parse(Files.readString(dir.resolve("run").resolve(Endpoints.FILE)));
    }

    String said(String log) {
        try {
            return Files.readString(dir.resolve(log));
        } catch (IOException e) {
            return "";
        }
    }

    /** Starts a command that goes on until it is told to end; answers when it listens. */
    void background(String command, String log) throws Exception {
        Process process = new ProcessBuilder("bash", "-c", "exec " + command)
                .directory(dir.toFile())
                .redirectErrorStream(true)
                .redirectOutput(dir.resolve(log).toFile())
                .start();
        started.add(process);
        boolean listens =
                Await.until(PATIENCE, () -> !process.isAlive() || said(log).contains("listening on"));
        assertTrue(listens && process.isAlive(), () -> command + "\n" + said(log));
    }

    /** What the script says; it must end well. */
    String paste(String script, Map<String, String> environment) throws Exception {
        ProcessBuilder bash = new ProcessBuilder("bash", "-euo", "pipefail", "-c", script).directory(dir.toFile());
        bash.environment().putAll(environment);
        Path out = dir.resolve("pasted.txt");
        Process process =
                bash.redirectErrorStream(true).redirectOutput(out.toFile()).start();
        assertTrue(process.waitFor(PATIENCE.toSeconds(), TimeUnit.SECONDS), script);
        String said = Files.readString(out);
        assertEquals(0, process.exitValue(), () -> script + "\n" + said);
        return said;
    }

    /** The lines of docs/operations.md. */
    static List<String> guide() throws IOException {
        return Files.readAllLines(Path.of(System.getProperty("tallystick.root"), "docs", "operations.md"));
    }

    /** The indented block of the guide that begins with this line. */
    static String block(String firstLine) throws IOException {
        List<String> guide = guide();
        int from = 0;
        while (!guide.get(from).startsWith(firstLine)) {
            from++;
        }
        int to = from;
        while (guide.get(to).startsWith("    ")) {
            to++;
        }
        return String.join("\n", guide.subList(from, to));
    }

    /** Ends what was started, and what a sandbox that did not end by itself left running. */
    void end() throws IOException, InterruptedException {
        for (Process p : started) {
            p.destroyForcibly().waitFor();
        }
        RunFolder.tryLock(dir.resolve("run")).ifPresent(folder -> {
            Leftovers.stop(folder);
            folder.close();
        });
    }
}
