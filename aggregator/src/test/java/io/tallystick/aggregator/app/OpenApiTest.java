package io.tallystick.aggregator.app;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.tallystick.aggregator.web.Role;
import io.tallystick.aggregator.web.Route;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.yaml.snakeyaml.Yaml;

/** docs/openapi.yaml says what the program does, and the program does what it says. */
class OpenApiTest {
    private static final List<String> METHODS = List.of("get", "post", "put", "delete", "patch");

    @RegisterExtension
    static final RunningAggregator RUNNING = RunningAggregator.with();

    private static Map<String, Object> document = Map.of();

    @BeforeAll
    static void read() throws IOException {
        Path file = Path.of(System.getProperty("tallystick.root"), "docs", "openapi.yaml");
        document = new Yaml().load(Files.readString(file));
    }

    @Test
    void everyRouteIsDocumentedAndEveryDocumentedOperationIsARoute() {
        TreeMap<String, String> routes = new TreeMap<>();
        for (Route route : RUNNING.running().wiring().routes()) {
            // Pages are for people; nobody programs against them.
            if (route.access().isPage()) {
                continue;
            }
            routes.put(
                    route.method().name() + " " + route.path(),
                    describe(
                            route.operationId(),
                            route.roles().stream().map(Role::wire).collect(Collectors.toCollection(TreeSet::new)),
                            new TreeSet<>(route.queryParameters()),
                            route.body().mediaType()));
        }
        assertEquals(lines(routes), lines(documented()));
    }

    /** A line per operation makes the difference readable. */
    private static String lines(TreeMap<String, String> operations) {
        return operations.entrySet().stream()
                .map(e -> e.getKey() + " " + e.getValue())
                .collect(Collectors.joining("\n"));
    }

    private static String describe(String operationId, TreeSet<String> roles, TreeSet<String> query, String mediaType) {
        return operationId + " roles=" + roles + " query=" + query + " body=" + mediaType;
    }

    private static TreeMap<String, String> documented() {
        TreeMap<String, String> operations = new TreeMap<>();
        map(document.get("paths")).forEach((path, item) -> map(item).forEach((method, value) -> {
            if (METHODS.contains(method)) {
                Map<String, Object> operation = map(value);
                operations.put(
                        method.toUpperCase(java.util.Locale.ROOT) + " " + path,
                        describe(
                                String.valueOf(operation.get("operationId")),
                                new TreeSet<>(strings(operation.get("x-roles"))),
                                query(operation),
                                String.join(
                                        ",",
                                        map(resolve(map(operation.get("requestBody")))
                                                        .get("content"))
                                                .keySet())));
            }
        }));
        return operations;
    }

    private static TreeSet<String> query(Map<String, Object> operation) {
        TreeSet<String> names = new TreeSet<>();
        for (Object parameter : list(operation.get("parameters"))) {
            Map<String, Object> resolved = resolve(map(parameter));
            if ("query".equals(resolved.get("in"))) {
                names.add(String.valueOf(resolved.get("name")));
            }
        }
        return names;
    }

    private static Map<String, Object> resolve(Map<String, Object> maybeReference) {
        Object reference = maybeReference.get("$ref");
        if (reference == null) {
            return maybeReference;
        }
        Map<String, Object> at = document;
        for (String step : reference.toString().substring(2).split("/", -1)) {
            at = map(at.get(step));
        }
        return at;
    }

    @Test
    void everyReferenceLeadsSomewhere() {
        List<String> broken = new ArrayList<>();
        check(document, broken);
        assertEquals(List.of(), broken);
    }

    private static void check(Object node, List<String> broken) {
        if (node instanceof Map<?, ?> map) {
            Object reference = map.get("$ref");
            if (reference != null && resolve(Map.of("$ref", reference)).isEmpty()) {
                broken.add(reference.toString());
            }
            map.values().forEach(value -> check(value, broken));
        } else if (node instanceof List<?> list) {
            list.forEach(value -> check(value, broken));
        }
    }

    @SuppressWarnings("unchecked")
    private static Map<String, Object> map(@org.jspecify.annotations.Nullable Object node) {
        return node == null ? Map.of() : (Map<String, Object>) node;
    }

    private static List<?> list(@org.jspecify.annotations.Nullable Object node) {
        return node == null ? List.of() : (List<?>) node;
    }

    private static List<String> strings(@org.jspecify.annotations.Nullable Object node) {
        return list(node).stream().map(String::valueOf).toList();
    }
}
