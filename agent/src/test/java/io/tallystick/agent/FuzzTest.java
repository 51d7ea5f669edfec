package io.tallystick.agent;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.tallystick.agent.api.LocalApi;
import io.tallystick.agent.http.LocalServer;
import io.tallystick.testkit.HttpFuzz;
import java.lang.reflect.Field;
import java.lang.reflect.Method;
import java.net.URI;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeSet;
import java.util.function.Function;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Generated requests at every path of the agent: no fault of ours, no hang, nothing leaked. New paths are in by themselves. */
class FuzzTest {
    private static final int SHARE = 1000;
    private static final List<String> OPERATIONS = List.of("MeterUsage", "RegisterUsage", "BatchMeterUsage", "");
    private static final List<String> WORDS = List.of(
            Rig.CODE,
            "requests",
            "dimension",
            "quantity",
            "product",
            "nonce",
            "wait",
            "time",
            "tags",
            "idempotencyKey",
            "records",
            "limit",
            "before",
            "ProductCode",
            "Timestamp",
            "UsageDimension",
            "UsageQuantity",
            "UsageAllocations",
            "AllocatedUsageQuantity",
            "Tags",
            "Key",
            "Value",
            "DryRun",
            "ClientToken",
            "PublicKeyVersion",
            "Nonce");

    @TempDir
    @SuppressWarnings("NullAway.Init")
    Path dir;

    @Test
    void noGeneratedRequestMakesAFaultAHangOrALeak() throws Exception {
        try (Rig rig = new Rig(dir)) {
            Rig.Running agent = rig.agent(rig.vm(Rig.CODE), dir.resolve("state"));
            agent.untilState("ENTITLED");
            LocalApi api = field(agent.agent, "api", LocalApi.class);
            LocalServer server = field(api, "server", LocalServer.class);
            int before = server.open();

            List<HttpFuzz.Target> targets = new ArrayList<>();
            Map<?, ?> routes = field(api, "routes", Map.class);
            for (Map.Entry<?, ?> route : routes.entrySet()) {
                targets.addAll(targets(String.valueOf(route.getKey()), route.getValue()));
            }
            assertTrue(targets.size() > OPERATIONS.size(), targets::toString);
            int port = URI.create(agent.agent.endpoint()).getPort();
            assertEquals(List.of(), new HttpFuzz(port, SHARE, WORDS).run(targets));

            Rig.until("all connections being closed", () -> server.open() <= before);
            assertEquals(200, agent.meter("requests", "1").status());
            agent.drained();
        }
    }

    /** The path with its own media type; the one of AWS's clients once for each operation. */
    private static List<HttpFuzz.Target> targets(String path, Object route) throws Exception {
        String method = String.valueOf(of(route, "method"));
        List<String> query = new ArrayList<>();
        ((Iterable<?>) of(route, "query")).forEach(name -> query.add(String.valueOf(name)));
        List<String> sorted = List.copyOf(new TreeSet<>(query));
        if (path.equals("/")) {
            return OPERATIONS.stream()
                    .map(operation -> target(
                            path + operation,
                            method,
                            path,
                            sorted,
                            "application/x-amz-json-1.1",
                            random -> Map.of("X-Amz-Target", "AWSMPMeteringService." + operation)))
                    .toList();
        }
        String type = method.equals("GET") ? "" : "application/json";
        return List.of(target(path, method, path, sorted, type, random -> Map.of()));
    }

    private static HttpFuzz.Target target(
            String name,
            String method,
            String path,
            List<String> query,
            String type,
            Function<Random, Map<String, String>> headers) {
        return new HttpFuzz.Target(name, method, path, query, type, headers);
    }

    /** The agent has no use for telling its paths, so they are taken from where it keeps them. */
    private static <T> T field(Object of, String name, Class<T> type) throws Exception {
        Field field = of.getClass().getDeclaredField(name);
        field.setAccessible(true);
        return type.cast(field.get(of));
    }

    private static Object of(Object route, String name) throws Exception {
        Method method = route.getClass().getDeclaredMethod(name);
        method.setAccessible(true);
        return method.invoke(route);
    }
}
