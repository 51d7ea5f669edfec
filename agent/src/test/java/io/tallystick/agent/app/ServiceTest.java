package io.tallystick.agent.app;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What a service reads by hand is what the command line would read, and whatever is not plain is left to that. */
class ServiceTest {
    @Test
    void optionsOfAServiceAreRead() {
        assertEquals(
                Optional.of(new Service.Plain(Optional.of(Path.of("/etc/a.conf")), List.of("a=b", "c=d=e"))),
                Service.Plain.parse("run", "--config", "/etc/a.conf", "--set", "a=b", "--set", "c=d=e"));
        assertEquals(Optional.of(new Service.Plain(Optional.empty(), List.of())), Service.Plain.parse("run"));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "status",
                "run --help",
                "run --config",
                "run --config=x",
                "run --config a --config b",
                "run --config --set",
                "run --set x",
                "run --set =x",
                "run x y",
                "run @file more",
                "meter --set a=b"
            })
    void anythingElseIsTheCommandLines(String line) {
        assertTrue(Service.Plain.parse(line.isEmpty() ? new String[0] : line.split(" ", -1))
                .isEmpty());
    }

    @Test
    void wrongSettingsAreToldAsTheCommandLineTellsThem() throws Exception {
        String[] args = {"run", "--set", "listen.port=x", "--set", "nonsense=1"};
        ByteArrayOutputStream byHand = new ByteArrayOutputStream();
        int exit = Service.run(
                Service.Plain.parse(args).orElseThrow(), new PrintStream(byHand, true, StandardCharsets.UTF_8));
        StringWriter err = new StringWriter();
        // An option in another form, so that the library reads it.
        int byLibrary = Main.execute(
                new PrintWriter(new StringWriter()),
                new PrintWriter(err),
                "run",
                "--set=listen.port=x",
                "--set=nonsense=1");
        assertEquals(byLibrary, exit);
        assertEquals(err.toString(), byHand.toString(StandardCharsets.UTF_8));
        assertTrue(
                byHand.toString(StandardCharsets.UTF_8).contains("listen.port"),
                byHand.toString(StandardCharsets.UTF_8));
    }

    /** A service that cannot start must end, so that whoever supervises it sees that and tries again. */
    @Test
    void aStartThatFailsHalfWayEndsTheProcessAndSaysWhy(@TempDir Path state) throws Exception {
        // Where the agent writes its address.
        Files.createDirectories(state.resolve("endpoint").resolve("in-the-way"));
        Path err = state.resolveSibling(state.getFileName() + ".err");
        Process process = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-cp",
                        System.getProperty("java.class.path"),
                        "io.tallystick.agent.app.Main",
                        "run",
                        "--set",
                        "sandbox=true",
                        "--set",
                        "aggregator.url=http://127.0.0.1:1",
                        "--set",
                        "metadata.url=http://127.0.0.1:1",
                        "--set",
                        "state.dir=" + state,
                        "--set",
                        "listen.port=0")
                .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                .redirectError(err.toFile())
                .start();
        try {
            assertTrue(process.waitFor(60, TimeUnit.SECONDS), "it ends");
            assertEquals(1, process.exitValue(), () -> read(err));
            assertTrue(read(err).contains("endpoint"), read(err));
        } finally {
            process.destroyForcibly();
            Files.deleteIfExists(err);
        }
    }

    private static String read(Path file) {
        try {
            return Files.readString(file);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
