package io.tallystick.aggregator.app;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.tallystick.testkit.Rule;
import io.tallystick.testkit.TestDatabase;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;

/** Product load forms at a shell, beside an aggregator that carries out what they ask for. */
class LoadFormCommandTest {
    @RegisterExtension
    static final RunningAggregator RUNNING = RunningAggregator.with();

    @TempDir
    Path folder = Path.of("");

    private record Result(int exit, String out, String err) {}

    private Result run(String... args) throws IOException {
        List<String> all = new ArrayList<>(Arrays.asList(args));
        if (!args[1].equals("blank")) {
            Files.copy(
                    RunningAggregator.wrappingKey(),
                    folder.resolve("key"),
                    java.nio.file.StandardCopyOption.REPLACE_EXISTING);
            Path conf = Files.writeString(
                    folder.resolve("a.conf"),
                    """
                    public.url = http://127.0.0.1:8080
                    database.url = %s
                    database.pool-size = %d
                    keys.wrapping-key.file = key
                    """
                            .formatted(RUNNING.database().url(), TestDatabase.POOL_SIZE));
            all.addAll(List.of("--config", conf.toString()));
        }
        StringWriter out = new StringWriter();
        StringWriter err = new StringWriter();
        int exit = Main.run(all.toArray(String[]::new), new PrintWriter(out, true), new PrintWriter(err, true));
        return new Result(exit, out.toString(), err.toString());
    }

    /** The form with these values in column B, as a file. */
    private String filled(String form, Map<String, String> values) throws IOException {
        String text = form.lines()
                .map(line -> {
                    String field = line.substring(0, line.indexOf(','));
                    String rest = line.substring(line.indexOf(',') + 1);
                    return values.containsKey(field)
                            ? field + "," + values.get(field) + rest.substring(rest.indexOf(','))
                            : line;
                })
                .collect(Collectors.joining("\n"));
        return Files.writeString(folder.resolve("form.csv"), text).toString();
    }

    @Test
    @Rule("R27")
    void aFormIsHandedOutFilledInAndTakenBack() throws IOException {
        // The shell's clock is the machine's: what it asks for must not lie in the aggregator's future.
        RUNNING.clock()
                .advance(Duration.between(RUNNING.clock().instant(), Instant.now())
                        .plus(Duration.ofHours(1)));
        String seller = RUNNING.account("seller");
        Result blank = run("load-form", "blank");
        assertEquals(0, blank.exit(), blank.err());
        assertTrue(run("load-form", "blank", "--type", "package").out().contains("type,package,"));
        Result unknown = run("load-form", "blank", "--type", "container");
        assertEquals(2, unknown.exit());
        assertTrue(unknown.err().contains("--type must be image, template or package"), unknown.err());
        String form = filled(
                blank.out(), Map.of("title", "Gateway", "dimension.1.key", "requests", "dimension.1.unit", "Requests"));
        Result made = run("load-form", "create", "--seller", seller, form);
        assertEquals(0, made.exit(), made.err());
        String product = made.out().lines().findFirst().orElseThrow();
        assertEquals("nothing differs", made.out().lines().toList().get(1));

        Result shown = run("load-form", "show", product);
        assertTrue(shown.out().contains("dimension.1.key,requests,"), shown.out());
        Map<String, String> more = Map.of("dimension.2.key", "bytes", "dimension.2.unit", "Bytes");
        Result checked = run("load-form", "upload", product, filled(shown.out(), more), "--validate");
        assertTrue(checked.out().matches("chg-\\S+ SUCCEEDED\\R"), checked.out() + checked.err());
        Result asked = run("load-form", "upload", product, filled(shown.out(), more));
        RUNNING.finish(asked.out().split(" ", 2)[0]);
        assertTrue(run("load-form", "show", product).out().contains("dimension.2.key,bytes,"));

        // Wrong values are named by their cells, and so is what cannot change any more.
        Result wrong = run(
                "load-form",
                "upload",
                product,
                filled(shown.out(), Map.of("dimension.2.key", "two words", "dimension.1.unit", "")));
        assertEquals(1, wrong.exit());
        List<String> lines = shown.out().lines().toList();
        int second = 1 + lines.indexOf(line(lines, "dimension.2.key"));
        int unit = 1 + lines.indexOf(line(lines, "dimension.1.unit"));
        assertTrue(wrong.err().contains("B" + second + ": must have 1 to 100 letters"), wrong.err());
        assertTrue(wrong.err().contains("B" + unit + ": is missing"), wrong.err());
        Result changed = run("load-form", "upload", product, filled(shown.out(), Map.of("dimension.1.unit", "Calls")));
        assertTrue(
                changed.err()
                        .contains("B" + (1 + lines.indexOf(line(lines, "dimension.1.key")))
                                + ": is a dimension of the product"),
                changed.err());
        assertEquals(1, run("load-form", "show", "prod-none").exit());
        assertEquals(
                1,
                run("load-form", "create", "--seller", seller, "/no/such/file").exit());
    }

    private static String line(List<String> lines, String field) {
        return lines.stream().filter(l -> l.startsWith(field + ",")).findFirst().orElseThrow();
    }
}
