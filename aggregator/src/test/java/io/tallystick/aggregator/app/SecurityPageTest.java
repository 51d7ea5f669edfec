package io.tallystick.aggregator.app;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** docs/security.md names a test for each threat, and each of them is there. */
class SecurityPageTest {
    private static final Path ROOT = Path.of(System.getProperty("tallystick.root"));
    private static final Pattern NAMED = Pattern.compile("`([A-Z][A-Za-z0-9]*Test)#([A-Za-z0-9_]+)`");
    /** The requirement that is about how this is built and shipped, not about what runs. */
    private static final int SUPPLY_CHAIN = 21;

    @Test
    void everyNamedTestIsThere() throws IOException {
        Map<String, List<Path>> classes = new HashMap<>();
        try (Stream<Path> files = Files.walk(ROOT)) {
            files.filter(f -> f.toString().endsWith("Test.java")
                            && f.toString().contains("/src/test/java/")
                            && !f.toString().contains("/target/"))
                    .forEach(f -> classes.computeIfAbsent(
                                    f.getFileName().toString().replace(".java", ""), n -> new ArrayList<>())
                            .add(f));
        }
        List<String> missing = new ArrayList<>();
        Matcher named = NAMED.matcher(page());
        int count = 0;
        while (named.find()) {
            count++;
            boolean found = false;
            for (Path file : classes.getOrDefault(named.group(1), List.of())) {
                found |= Files.readString(file).contains("void " + named.group(2) + "(");
            }
            if (!found) {
                missing.add(named.group());
            }
        }
        assertEquals(List.of(), missing);
        assertTrue(count > 50, "the page names " + count + " tests");
    }

    @Test
    void everyRowOfAThreatNamesATest() throws IOException {
        List<String> without = page().lines()
                .filter(line -> line.startsWith("| ")
                        && line.chars().filter(c -> c == '|').count() == 5
                        && !line.startsWith("| threat |")
                        && !line.startsWith("| --- |"))
                .filter(line -> !NAMED.matcher(line).find())
                .toList();
        assertEquals(List.of(), without);
    }

    @Test
    void everyRequirementIsOnThePage() throws IOException {
        String page = page();
        TreeSet<String> missing = new TreeSet<>();
        IntStream.range(1, SUPPLY_CHAIN)
                .filter(n -> !Pattern.compile("\\bS" + n + "\\b").matcher(page).find())
                .forEach(n -> missing.add("S" + n));
        assertEquals(new TreeSet<>(), missing);
    }

    private static String page() throws IOException {
        return Files.readString(ROOT.resolve("docs").resolve("security.md"));
    }
}
