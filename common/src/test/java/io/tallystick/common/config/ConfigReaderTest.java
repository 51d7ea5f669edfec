package io.tallystick.common.config;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.tallystick.common.error.Failure;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ConfigReaderTest {
    @TempDir
    Path folder = Path.of("");

    private ConfigReader reader(String text) {
        return ConfigFile.parse(text, "test.conf", folder).reader();
    }

    private static List<String> problems(ConfigReader reader) {
        return assertThrows(Failure.class, reader::done).problems().stream()
                .map(Failure.Problem::toString)
                .toList();
    }

    @Test
    void aValueIsTheTrimmedRestOfItsLineHashIncluded() {
        ConfigReader reader = reader("# comment\n\n  a.b =  x # y = z  \nempty =\n");
        assertEquals("x # y = z", reader.string("a.b", "default"));
        assertEquals("default", reader.string("empty", "default"));
        assertEquals(7, reader.integer("absent", 7, 0, 9));
        reader.done();
    }

    @Test
    void everyProblemIsToldAtOnceWithItsKeyAndRule() {
        ConfigReader reader = reader(
                """
                port = 70000
                count = many
                on = yes
                wait = 5
                long = PT2H
                url = example.com
                twice = 1
                twice = 2
                unknown.key = 1
                BAD = 1
                nonsense
                """);
        reader.integer("port", 1, 0, 65535);
        reader.integer("count", 1, 0, 9);
        reader.bool("on", false);
        reader.duration("wait", Duration.ZERO, Duration.ZERO, Duration.ofHours(1));
        reader.duration("long", Duration.ZERO, Duration.ZERO, Duration.ofHours(1));
        reader.optionalUri("url");
        reader.string("twice", "");
        reader.requiredString("needed");
        reader.requiredSecret("password");
        assertEquals(
                List.of(
                        "twice: is set twice (test.conf line 7, test.conf line 8)",
                        "test.conf line 10: the key must be lower-case letters and digits in parts joined by . or -",
                        "test.conf line 11: must be key = value",
                        "port: must be a whole number from 0 to 65535, is 70000",
                        "count: must be a whole number from 0 to 9",
                        "on: must be true or false",
                        "wait: must be a duration such as PT15M",
                        "long: must be from PT0S to PT1H, is PT2H",
                        "url: must be an absolute URL such as https://host:8443",
                        "needed: is missing",
                        "password.file: is missing",
                        "unknown.key: is not a known key"),
                problems(reader));
    }

    @Test
    void anOverrideWinsAndMayBeGivenAgain() {
        ConfigReader reader = ConfigFile.parse("a = 1\nb = 2\n", "f", folder)
                .with(List.of("a=3", "a=4", "c = 5"), folder)
                .reader();
        assertEquals(4, reader.integer("a", 0, 0, 9));
        assertEquals(2, reader.integer("b", 0, 0, 9));
        assertEquals(5, reader.integer("c", 0, 0, 9));
        reader.done();
    }

    @Test
    void relativePathsStartFromWhereTheyWereWritten() throws IOException {
        Path conf = Files.createDirectory(folder.resolve("etc")).resolve("a.conf");
        Files.writeString(conf, "one = keys/k\ntwo = /abs\n");
        ConfigReader reader = ConfigFile.read(conf)
                .with(List.of("three=here"), folder.resolve("work"))
                .reader();
        assertEquals(Optional.of(folder.resolve("etc/keys/k").toAbsolutePath()), reader.optionalPath("one"));
        assertEquals(Optional.of(Path.of("/abs")), reader.optionalPath("two"));
        assertEquals(Optional.of(folder.resolve("work/here")), reader.optionalPath("three"));
    }

    @Test
    void secretsAreReadFromFilesAndNeverShown() throws IOException {
        Files.writeString(folder.resolve("pw"), "hunter2\n");
        ConfigReader reader =
                reader("db.password.file = pw\nurl = postgresql://u:hunter2@h:1/d?password=hunter2&sslmode=disable\n");
        assertEquals(Optional.of("hunter2"), reader.optionalSecret("db.password"));
        reader.string("url", "");
        String shown = String.join("\n", reader.effective());
        assertFalse(shown.contains("hunter2"), shown);
        assertTrue(shown.contains("postgresql://u:***@h:1/d?password=***&sslmode=disable"), shown);
        assertTrue(shown.contains("db.password.file = pw"), shown);
    }

    @Test
    void anUnusableSecretFileIsAProblemThatDoesNotRepeatIt() throws IOException {
        Files.writeString(folder.resolve("empty"), " \n");
        Files.writeString(folder.resolve("big"), "x".repeat(ConfigReader.SECRET_BYTES_MAX + 1));
        ConfigReader reader = reader("a.file = empty\nb.file = big\nc.file = none\n");
        reader.optionalSecret("a");
        reader.optionalSecret("b");
        reader.optionalSecret("c");
        assertEquals(
                List.of(
                        "a.file: names an empty file",
                        "b.file: names a file larger than 4096 bytes",
                        "c.file: names a file that cannot be read (NoSuchFileException)"),
                problems(reader));
    }

    @Test
    void aMistypedLineIsNotRepeatedInTheProblem() {
        assertFalse(problems(reader("database.password hunter2")).toString().contains("hunter2"));
    }

    @Test
    void aFileThatCannotBeReadIsNamed() throws IOException {
        Path missing = folder.resolve("none.conf");
        assertEquals(
                missing.toString(),
                assertThrows(Failure.class, () -> ConfigFile.read(missing))
                        .problems()
                        .get(0)
                        .path());
        Path latin = Files.write(folder.resolve("latin.conf"), "a = é".getBytes(StandardCharsets.ISO_8859_1));
        assertEquals(
                "is not valid UTF-8",
                assertThrows(Failure.class, () -> ConfigFile.read(latin))
                        .problems()
                        .get(0)
                        .detail());
    }
}
