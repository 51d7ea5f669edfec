package io.tallystick.sandbox;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The launchers of {@code deploy/bin}, as people call them. */
class LauncherTest {
    @TempDir
    @SuppressWarnings("NullAway.Init")
    Path dir;

    private record Result(int exitCode, String output) {}

    @Test
    void workFromAnyFolderAndThroughSymbolicLinks() throws Exception {
        Path link = Files.createSymbolicLink(dir.resolve("first"), launcher("tallystick-agent"));
        Path linkToLink = Files.createSymbolicLink(dir.resolve("a second link"), link);

        Result result = run(linkToLink, Map.of(), "--help");

        assertEquals(0, result.exitCode(), result.output());
        assertTrue(result.output().contains("tallystick-agent"), result.output());
    }

    @Test
    void aWrongJavaHomeIsNamed() throws Exception {
        Result result = run(launcher("tallystick-aggregator"), Map.of("JAVA_HOME", dir.toString()), "--help");

        assertEquals(70, result.exitCode());
        assertTrue(result.output().contains("JAVA_HOME (" + dir + ")"), result.output());
    }

    @Test
    void aJavaThatIsTooOldIsRefused() throws Exception {
        Path old = Files.createDirectories(dir.resolve("bin")).resolve("java");
        Files.writeString(old, "#!/bin/sh\nexit 1\n");
        assertTrue(old.toFile().setExecutable(true));
        Files.writeString(dir.resolve("release"), "JAVA_VERSION=\"11.0.2\"\n");

        Result result = run(launcher("tallystick-agent"), Map.of("JAVA_HOME", dir.toString()), "--help");

        assertEquals(70, result.exitCode());
        assertTrue(result.output().contains("Java 17 or newer is needed"), result.output());
    }

    @Test
    void aProgramThatIsNotThereSaysHowToBuildIt() throws Exception {
        Result result = run(launcher("tallystick-agent"), Map.of("TALLYSTICK_AGENT_HOME", dir.toString()), "--help");

        assertEquals(70, result.exitCode());
        assertTrue(result.output().contains("mvn"), result.output());
    }

    private static Path launcher(String name) {
        return Path.of(System.getProperty("tallystick.root"), "deploy", "bin", name);
    }

    private Result run(Path program, Map<String, String> environment, String argument)
            throws IOException, InterruptedException {
        ProcessBuilder builder = new ProcessBuilder(program.toString(), argument)
                .directory(dir.toFile())
                .redirectErrorStream(true);
        builder.environment().putAll(environment);
        Process process = builder.start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        return new Result(process.waitFor(), output);
    }
}
