package io.tallystick.conformance;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.tallystick.common.json.Json;
import io.tallystick.sandbox.Box;
import io.tallystick.testkit.NeedsTool;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A good integration passes, and a bad one fails by name. */
@NeedsTool({"python3", "env"})
class ConformanceTest {
    private static final Duration WITHIN = Duration.ofMinutes(2);
    private static final Duration WATCH = Duration.ofSeconds(1);

    @Test
    void theExamplePassesAndACarelessProgramFailsByName(@TempDir Path dir) throws Exception {
        Path root = Path.of(System.getProperty("tallystick.root"));
        List<String> example = List.of(
                "env",
                "EXAMPLE_PAUSE_MS=200",
                "python3",
                "-B",
                root.resolve("deploy/examples/python/example.py").toString());
        String careless = Path.of(Objects.requireNonNull(ConformanceTest.class.getResource("/careless.py"))
                        .toURI())
                .toString();
        try (Box box = Box.open(dir, line -> {})) {
            Report good = new Runner(box, example, WITHIN, WATCH, line -> {}).run(List.of(Scenario.values()));
            assertTrue(good.passed(), good.text());
            assertEquals(Scenario.values().length + 1, good.results().size());
            assertTrue(good.text().contains("pass  clone: "), good.text());

            List<Scenario> some =
                    List.of(Scenario.ENTITLED, Scenario.COPIED_LEASE, Scenario.DUPLICATE, Scenario.VERSION_RESTRICTED);
            Report bad =
                    new Runner(box, List.of("python3", careless), Duration.ofSeconds(3), WATCH, line -> {}).run(some);
            assertFalse(bad.passed(), bad.text());
            Map<String, List<String>> found = new TreeMap<>();
            bad.results().forEach(r -> found.put(r.name(), r.findings()));
            assertEquals(
                    List.of(
                            "worked before it asked whether the VM is entitled",
                            "never asked whether the VM is entitled",
                            "reported without an idempotency key: a repeated report counts twice"),
                    found.get("entitled"));
            assertTrue(
                    found.get("copied-lease")
                            .contains("worked on a copied answer: the signature over the nonce was not verified"),
                    bad.text());
            assertEquals(
                    List.of("did not send a report again, under the same key, whose answer was lost"),
                    found.get("duplicate"));
            assertEquals(List.of(), found.get("billed"));
            assertTrue(found.get("version-restricted").contains("worked although it was denied"), bad.text());
            Map<String, Object> json = Json.parseObject(bad.json().getBytes(StandardCharsets.UTF_8));
            assertEquals(false, json.get("passed"));
        }
    }

    @Test
    void scenariosHaveNamesAndAnotherIsRefused() {
        for (Scenario s : Scenario.values()) {
            assertEquals(s, Scenario.of(s.wire()));
        }
        assertThrows(IllegalArgumentException.class, () -> Scenario.of("nonsense"));
        assertEquals(2, Conformance.execute("--scenario", "nonsense", "--", "true"));
        assertEquals(2, Conformance.execute());
    }
}
