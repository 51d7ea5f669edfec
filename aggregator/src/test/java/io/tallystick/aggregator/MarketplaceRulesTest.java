package io.tallystick.aggregator;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.tallystick.testkit.Rule;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/**
 * docs/marketplace-rules.md says of each rule of the two marketplaces which test proves it. The page is made from {@link
 * Rule} annotations and {@code marketplace-rules.txt}; each rule has a test, or says why it has none.
 */
class MarketplaceRulesTest {
    private static final Path ROOT = Path.of(System.getProperty("tallystick.root"));
    private static final Path PAGE = ROOT.resolve("docs/marketplace-rules.md");
    private static final Pattern NAMED =
            Pattern.compile("@Rule\\(([^)]*)\\)\\s+(?:@[^\\n]*\\n\\s*)*(?:public |protected )?void (\\w+)\\(");
    private static final Pattern NUMBER = Pattern.compile("\"([RON]\\d+)\"");
    /** The seller's guide of the AMI products, the OMI products' page, and what their neighbours say. */
    private static final Map<String, Integer> COUNTS = Map.of("R", 35, "O", 16, "N", 14);

    /** @param why there is no test; only rules of the neighbours may say that they do not apply */
    private record Line(String number, String rule, String where, Optional<String> why) {
        static Line of(String text) {
            List<String> parts =
                    Stream.of(text.split("\\|", -1)).map(String::strip).toList();
            return new Line(
                    parts.get(0),
                    parts.get(1),
                    parts.get(2),
                    parts.size() > 3 ? Optional.of(parts.get(3)) : Optional.empty());
        }

        boolean applies() {
            return why.filter(w -> w.startsWith("does not apply: ")).isEmpty();
        }
    }

    private static List<Line> lines() throws IOException {
        try (var in = MarketplaceRulesTest.class.getResourceAsStream("marketplace-rules.txt")) {
            return new String(in.readAllBytes(), StandardCharsets.UTF_8)
                    .lines()
                    .filter(l -> !l.startsWith("#"))
                    .map(Line::of)
                    .toList();
        }
    }

    /** The tests that name each rule, as {@code Class#method}. */
    private static Map<String, TreeSet<String>> tests() throws IOException {
        Map<String, TreeSet<String>> tests = new TreeMap<>();
        for (String module : List.of("aggregator", "agent", "common", "deploy")) {
            try (Stream<Path> files = Files.walk(ROOT.resolve(module))) {
                files.filter(f -> f.toString().endsWith(".java")
                                && f.toString().contains("/src/test/java/")
                                && !f.endsWith("MarketplaceRulesTest.java"))
                        .forEach(f -> read(f, tests));
            }
        }
        return tests;
    }

    private static void read(Path file, Map<String, TreeSet<String>> tests) {
        try {
            Matcher named = NAMED.matcher(Files.readString(file));
            while (named.find()) {
                Matcher number = NUMBER.matcher(named.group(1));
                while (number.find()) {
                    tests.computeIfAbsent(number.group(1), n -> new TreeSet<>())
                            .add(file.getFileName().toString().replace(".java", "") + "#" + named.group(2));
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Test
    void eachRuleIsThereOnceAndHasATestOrSaysWhyNot() throws IOException {
        Map<String, TreeSet<String>> tests = tests();
        List<String> expected = new ArrayList<>();
        for (String kind : List.of("R", "O", "N")) {
            IntStream.rangeClosed(1, COUNTS.get(kind)).forEach(n -> expected.add(kind + n));
        }
        List<Line> lines = lines();
        assertEquals(expected, lines.stream().map(Line::number).toList());
        List<String> wrong = new ArrayList<>();
        for (Line line : lines) {
            boolean tested = tests.containsKey(line.number());
            if (!tested && line.why().isEmpty()) {
                wrong.add(line.number() + " has no test");
            }
            if (tested && !line.applies()) {
                wrong.add(line.number() + " does not apply and has a test");
            }
            if (!line.applies() && !line.number().startsWith("N")) {
                wrong.add(line.number() + " is not a neighbour's, so it applies");
            }
        }
        tests.keySet().stream().filter(n -> !expected.contains(n)).forEach(n -> wrong.add(n + " is no rule"));
        assertEquals(List.of(), wrong);
    }

    @Test
    void thePageIsWhatTheTestsSay() throws IOException {
        String made = page(lines(), tests());
        Path there = Path.of("target", "marketplace-rules.md");
        Files.createDirectories(there.getParent());
        Files.writeString(there, made);
        assertEquals(
                made,
                Files.exists(PAGE) ? Files.readString(PAGE) : "",
                "copy aggregator/target/marketplace-rules.md to docs");
    }

    private static String page(List<Line> lines, Map<String, TreeSet<String>> tests) {
        StringBuilder page = new StringBuilder(
                """
                # The marketplaces' rules

                Made from the tests by `MarketplaceRulesTest`; do not edit. R1 to R35 are the rules of AMI products (from AWS
                Marketplace's guide for sellers), O1 to O16 those of OMI products (from OUTSCALE Marketplace's), N1 to N14 what
                the pages beside these say. The words are ours.
                """);
        Map<String, String> titles = new LinkedHashMap<>();
        titles.put("R", "AMI products");
        titles.put("O", "OMI products");
        titles.put("N", "Neighbouring rules");
        titles.forEach((kind, title) -> {
            page.append("\n## ").append(title).append("\n\n| rule | in our words | where one sees it | test |\n");
            page.append("| --- | --- | --- | --- |\n");
            lines.stream().filter(l -> l.number().startsWith(kind)).forEach(l -> {
                List<String> proofs = new ArrayList<>();
                tests.getOrDefault(l.number(), new TreeSet<>()).forEach(t -> proofs.add("`" + t + "`"));
                l.why().ifPresent(w -> proofs.add("**" + w.replaceFirst(": ", ":** ")));
                page.append("| %s | %s | %s | %s |\n"
                        .formatted(l.number(), l.rule(), l.where(), String.join("<br>", proofs)));
            });
        });
        assertTrue(page.indexOf("|  |  |") < 0, "an empty cell");
        return page.toString();
    }
}
