package io.tallystick.agent.app;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
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
}
