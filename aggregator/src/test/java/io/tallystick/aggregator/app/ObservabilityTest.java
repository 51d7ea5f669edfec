package io.tallystick.aggregator.app;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.tallystick.common.json.Json;
import io.tallystick.testkit.NeedsTool;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.yaml.snakeyaml.Yaml;

/** Alert rules, dashboard and guide name what a running aggregator shows, so that renaming a metric fails here. */
class ObservabilityTest {
    private static final Duration WAIT_MAX = Duration.ofSeconds(30);
    private static final Path ROOT = Path.of(System.getProperty("tallystick.root"));
    private static final Path FOLDER = ROOT.resolve("deploy/observability");
    private static final Pattern METRIC = Pattern.compile("\\b(?:tallystick|jvm|vertx|process|system)_[a-z0-9_]+");
    private static final Pattern SELECTOR = Pattern.compile("([a-z][a-z0-9_]+)\\{([^}]*)}");
    private static final Pattern LABEL = Pattern.compile("([a-z_]+)(=~|=)\"([^\"]*)\"");
    private static final Pattern SAMPLE = Pattern.compile("([a-z][a-z0-9_]+)(?:\\{(.*)})? \\S+");
    /** Put there by Prometheus when it scrapes. */
    private static final Set<String> OF_PROMETHEUS = Set.of("job", "instance");

    private static final TestCertificates AUTHORITY = new TestCertificates();

    @RegisterExtension
    static final RunningAggregator RUNNING = withTls();

    private static RunningAggregator withTls() {
        try {
            Path folder = Files.createTempDirectory("observability");
            TestCertificates.Server server =
                    AUTHORITY.server("observed", Instant.now().plusSeconds(100_000));
            Path chain = Files.writeString(folder.resolve("chain.pem"), server.chainPem());
            Path key = Files.writeString(folder.resolve("key.pem"), server.keyPem());
            return RunningAggregator.with(
                    "public.url=https://127.0.0.1:8443", "tls.certificate-file=" + chain, "tls.key-file=" + key);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Metric to the labels of its samples, each as {@code name="value"}. */
    private static Map<String, Set<String>> shown() {
        Map<String, Set<String>> shown = new TreeMap<>();
        for (String line : scrape().lines().toList()) {
            Matcher sample = SAMPLE.matcher(line);
            if (!line.startsWith("#") && sample.matches()) {
                Set<String> labels = shown.computeIfAbsent(sample.group(1), n -> new HashSet<>());
                if (sample.group(2) != null) {
                    labels.addAll(List.of(sample.group(2).split(",(?=[a-z_]+=)", -1)));
                }
            }
        }
        return shown;
    }

    private static String scrape() {
        get("/readyz");
        // Its figures come to be with the first collection.
        System.gc();
        long end = System.nanoTime() + WAIT_MAX.toNanos();
        String scrape = get("/metrics");
        while (!scrape.contains("jvm_gc_pause_seconds_sum") && System.nanoTime() < end) {
            Thread.onSpinWait();
            scrape = get("/metrics");
        }
        return scrape;
    }

    private static String get(String path) {
        HttpClient client =
                HttpClient.newBuilder().sslContext(AUTHORITY.trusting()).build();
        URI uri = URI.create("https://127.0.0.1:" + RUNNING.running().port() + path);
        try {
            HttpResponse<String> answer = client.send(
                    HttpRequest.newBuilder(uri).timeout(WAIT_MAX).build(), HttpResponse.BodyHandlers.ofString());
            assertEquals(200, answer.statusCode());
            return answer.body();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        }
    }

    private static List<String> expressions(String file) throws IOException {
        String text = Files.readString(FOLDER.resolve(file));
        List<String> expressions = new ArrayList<>();
        if (file.endsWith(".json")) {
            collect(Json.parseObject(text), "expr", expressions);
            collect(Json.parseObject(text), "query", expressions);
        } else {
            collect(new Yaml().load(text), "expr", expressions);
        }
        assertTrue(expressions.size() > 10, expressions::toString);
        return expressions;
    }

    private static void collect(Object node, String name, List<String> found) {
        if (node instanceof Map<?, ?> map) {
            map.forEach((key, value) -> {
                if (name.equals(key) && value instanceof String text) {
                    found.add(text);
                } else {
                    collect(value, name, found);
                }
            });
        } else if (node instanceof List<?> list) {
            list.forEach(value -> collect(value, name, found));
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"alerts.yml", "dashboard.json"})
    void everyMetricNamedIsShown(String file) throws IOException {
        Map<String, Set<String>> shown = shown();
        Set<String> missing = new TreeSet<>();
        for (String expression : expressions(file)) {
            Matcher metric = METRIC.matcher(expression);
            while (metric.find()) {
                if (!shown.containsKey(metric.group())) {
                    missing.add(metric.group());
                }
            }
        }
        assertEquals(Set.of(), missing);
    }

    @ParameterizedTest
    @ValueSource(strings = {"alerts.yml", "dashboard.json"})
    void everyLabelSelectedIsShown(String file) throws IOException {
        Map<String, Set<String>> shown = shown();
        Set<String> missing = new TreeSet<>();
        for (String expression : expressions(file)) {
            Matcher selector = SELECTOR.matcher(expression);
            while (selector.find()) {
                Set<String> labels = shown.getOrDefault(selector.group(1), Set.of());
                Matcher label = LABEL.matcher(selector.group(2));
                while (label.find()) {
                    boolean there = label.group(2).equals("=")
                            ? labels.contains(label.group())
                            : labels.stream().anyMatch(l -> l.startsWith(label.group(1) + "="));
                    if (!there && !OF_PROMETHEUS.contains(label.group(1))) {
                        missing.add(selector.group(1) + "{" + label.group() + "}");
                    }
                }
            }
        }
        assertEquals(Set.of(), missing);
    }

    @Test
    void theGuideExplainsEveryMetricOfOurs() throws IOException {
        String guide = Files.readString(ROOT.resolve("docs/operations.md"));
        Set<String> unexplained = shown().keySet().stream()
                .filter(name -> name.startsWith("tallystick_"))
                .map(name -> name.replaceFirst("_(bucket|count|sum|max)$", ""))
                .filter(name -> !guide.contains("`" + name))
                .collect(Collectors.toCollection(TreeSet::new));
        assertEquals(Set.of(), unexplained);
    }

    @Test
    void everyAlertHasARunbookASeverityAndATest() throws IOException {
        Set<String> sections = Files.readString(ROOT.resolve("docs/operations.md"))
                .lines()
                .filter(l -> l.startsWith("#"))
                .map(l -> "docs/operations.md#"
                        + l.replaceFirst("^#+ ", "")
                                .toLowerCase(Locale.ROOT)
                                .replaceAll("[^a-z0-9 -]", "")
                                .replace(' ', '-'))
                .collect(Collectors.toSet());
        String tests = Files.readString(FOLDER.resolve("alerts.test.yml"));
        List<String> wrong = new ArrayList<>();
        for (Map<?, ?> rule : rules()) {
            Object name = rule.get("alert");
            if (!sections.contains(String.valueOf(((Map<?, ?>) rule.get("annotations")).get("runbook")))) {
                wrong.add(name + " leads to no section of the guide");
            }
            if (!Set.of("warning", "critical")
                    .contains(String.valueOf(((Map<?, ?>) rule.get("labels")).get("severity")))) {
                wrong.add(name + " is neither warning nor critical");
            }
            if (!tests.contains("alertname: " + name + "\n        exp_alerts:\n")) {
                wrong.add(name + " is not tested to fire");
            }
        }
        assertEquals(List.of(), wrong);
    }

    private static List<Map<?, ?>> rules() throws IOException {
        Map<String, Object> file = new Yaml().load(Files.readString(FOLDER.resolve("alerts.yml")));
        return ((List<?>) file.get("groups"))
                .stream()
                        .flatMap(group -> ((List<?>) ((Map<?, ?>) group).get("rules")).stream())
                        .<Map<?, ?>>map(rule -> (Map<?, ?>) rule)
                        .toList();
    }

    @Test
    void theDashboardsPanelsAreApartAndSelectTheJob() throws IOException {
        Map<String, Object> dashboard = Json.parseObject(Files.readString(FOLDER.resolve("dashboard.json")));
        List<String> wrong = new ArrayList<>();
        Set<Object> ids = new HashSet<>();
        Set<String> cells = new HashSet<>();
        for (Object item : (List<?>) dashboard.get("panels")) {
            Map<?, ?> panel = (Map<?, ?>) item;
            String title = String.valueOf(panel.get("title"));
            if (!ids.add(panel.get("id"))) {
                wrong.add(title + " has another panel's id");
            }
            Map<?, ?> at = (Map<?, ?>) panel.get("gridPos");
            for (int x = number(at, "x"); x < number(at, "x") + number(at, "w"); x++) {
                for (int y = number(at, "y"); y < number(at, "y") + number(at, "h"); y++) {
                    if (x >= 24 || !cells.add(x + "," + y)) {
                        wrong.add(title + " lies over another panel or beyond the edge at " + x + "," + y);
                    }
                }
            }
        }
        assertEquals(List.of(), wrong);
        for (String expression : expressions("dashboard.json")) {
            assertTrue(
                    expression.contains("job=~\"$job\"")
                            || expression.contains("label_values")
                            || expression.equals("prometheus"),
                    expression);
        }
    }

    private static int number(Map<?, ?> map, String name) {
        return Integer.parseInt(String.valueOf(map.get(name)));
    }

    @Test
    @NeedsTool("promtool")
    void prometheusTakesTheRulesAndTheyFireAsTheyShould() throws Exception {
        promtool("check", "rules", "alerts.yml");
        promtool("test", "rules", "alerts.test.yml");
    }

    private static void promtool(String... arguments) throws Exception {
        Process process = new ProcessBuilder(Stream.concat(Stream.of("promtool"), Stream.of(arguments))
                        .toList())
                .directory(FOLDER.toFile())
                .redirectErrorStream(true)
                .start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertTrue(process.waitFor(60, TimeUnit.SECONDS), output);
        assertEquals(0, process.exitValue(), output);
    }
}
