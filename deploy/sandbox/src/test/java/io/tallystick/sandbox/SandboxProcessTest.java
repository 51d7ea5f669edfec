package io.tallystick.sandbox;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.tallystick.testkit.NeedsTool;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The sandbox as a program: what it leaves behind when it is killed, and how it goes on. */
class SandboxProcessTest {
    private static final Duration PATIENCE = Duration.ofSeconds(90);

    @TempDir
    @SuppressWarnings("NullAway.Init")
    Path dir;

    private final List<Process> started = new ArrayList<>();

    @AfterEach
    void endAll() throws IOException, InterruptedException {
        for (Process p : started) {
            p.destroyForcibly().waitFor();
        }
        RunFolder.tryLock(dir.resolve("run")).ifPresent(folder -> {
            Leftovers.stop(folder);
            folder.close();
        });
    }

    @Test
    void aKilledSandboxGoesOnWhereItWasAndAnOrderlyEndLeavesNothingRunning() throws Exception {
        Process first = start("first.log");
        Doc before = endpoints("first.log");
        String token = before.object("operator").text("token");
        first.destroyForcibly().waitFor();
        Path folder = dir.resolve("run").toRealPath();
        assertFalse(Leftovers.programs(folder).isEmpty(), "a SIGKILL leaves programs running");

        Process second = start("second.log");
        Doc after = endpoints("second.log");
        assertTrue(Files.readString(dir.resolve("second.log")).contains("stopped a leftover of a crash"));
        assertEquals(
                before.object("aggregator").text("url"),
                after.object("aggregator").text("url"));
        assertEquals(before.object("agent").text("url"), after.object("agent").text("url"));
        assertEquals(
                before.object("product").text("id"), after.object("product").text("id"));
        Rest operator = Rest.at(java.net.URI.create(after.object("aggregator").text("url")))
                .with(token);
        String enrollments = operator.get("/v1/enrollments").expect(200).text();
        assertTrue(enrollments.contains(after.text("instance")), enrollments);

        second.destroy();
        assertTrue(second.waitFor(PATIENCE.toSeconds(), TimeUnit.SECONDS), "ends after SIGTERM");
        assertEquals(List.of(), Leftovers.programs(folder));
        assertEquals(List.of(), Leftovers.databaseServers(folder.resolve("postgresql")));
    }

    /** What the sandbox prints to try, and the scripts of docs/operations.md, as somebody would paste them. */
    @Test
    @NeedsTool({"curl", "openssl"})
    void theLinesItPrintsAndTheScriptsOfTheOperationsGuideWorkWhenPasted() throws Exception {
        start("sandbox.log");
        Doc endpoints = endpoints("sandbox.log");
        List<String> printed = said("sandbox.log")
                .lines()
                .filter(line -> line.startsWith("  curl "))
                .toList();
        assertTrue(printed.size() >= 5, printed.toString());
        for (String line : printed) {
            String answer = paste(line, Map.of());
            assertFalse(answer.contains("urn:tallystick:problem"), () -> line + " answered " + answer);
        }

        Map<String, String> operator = Map.of(
                "URL", endpoints.object("aggregator").text("url"),
                "TOKEN", endpoints.object("operator").text("token"),
                "CODE", "an-example-of-operations-md");
        String agreement = paste(block("    post() {"), operator);
        assertTrue(agreement.contains("\"acceptedAt\""), agreement);
        paste(block("    AFTER=0.0"), operator);
        assertTrue(Files.exists(dir.resolve("page.ndjson")));
    }

    /** The indented block of the guide that begins with this line. */
    private static String block(String firstLine) throws IOException {
        List<String> guide =
                Files.readAllLines(Path.of(System.getProperty("tallystick.root"), "docs", "operations.md"));
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

    private String paste(String script, Map<String, String> environment) throws Exception {
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

    private Process start(String log) throws IOException {
        Process process = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-Dtallystick.root=" + System.getProperty("tallystick.root"),
                        "-cp",
                        System.getProperty("java.class.path"),
                        "io.tallystick.sandbox.Sandbox",
                        "--ports",
                        "auto",
                        "--dir",
                        dir.resolve("run").toString())
                .redirectErrorStream(true)
                .redirectOutput(dir.resolve(log).toFile())
                .start();
        started.add(process);
        return process;
    }

    /** Waits until the sandbox says it runs; answers what it wrote for people to use. */
    private Doc endpoints(String log) throws IOException {
        Process process = started.get(started.size() - 1);
        boolean runs =
                Await.until(PATIENCE, () -> !process.isAlive() || said(log).contains("The sandbox is running"));
        assertTrue(runs && process.isAlive(), () -> said(log));
        return Doc.parse(Files.readString(dir.resolve("run").resolve(Endpoints.FILE)));
    }

    private String said(String log) {
        try {
            return Files.readString(dir.resolve(log));
        } catch (IOException e) {
            return "";
        }
    }
}
