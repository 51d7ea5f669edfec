package io.tallystick.aggregator.enrollment;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import io.tallystick.common.json.Json;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/** What OUTSCALE's API answers to {@code ReadVms} and {@code ReadAccounts}, by access key; signatures are not its business. */
final class OutscaleApi implements AutoCloseable {
    private final HttpServer server;
    private final Map<String, String> accounts = new ConcurrentHashMap<>();
    private final Map<String, Map<String, Object>> vms = new ConcurrentHashMap<>();
    private final AtomicInteger asked = new AtomicInteger();
    private volatile int failing;
    private volatile @Nullable CountDownLatch held;

    OutscaleApi() {
        try {
            server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        server.createContext("/", this::answer);
        server.setExecutor(Executors.newCachedThreadPool(task -> {
            Thread thread = new Thread(task, "outscale-api");
            thread.setDaemon(true);
            return thread;
        }));
        server.start();
    }

    String endpoint() {
        return "http://127.0.0.1:" + server.getAddress().getPort();
    }

    /** Makes an access key one of this account's. */
    void key(String accessKey, String account) {
        accounts.put(accessKey, account);
    }

    /** Shows a VM to the keys of its account. */
    void vm(String account, String instance, String state, List<String> codes, Map<String, String> tags) {
        List<Object> list = new ArrayList<>();
        tags.forEach((k, v) -> list.add(Json.object("Key", k, "Value", v)));
        vms.put(
                account + "/" + instance,
                Json.object(
                        "VmId",
                        instance,
                        "ImageId",
                        "ami-99999999",
                        "VmType",
                        "tinav5.c8r16p1",
                        "State",
                        state,
                        "ProductCodes",
                        codes,
                        "Tags",
                        list));
    }

    void gone(String account, String instance) {
        vms.remove(account + "/" + instance);
    }

    /** Answers this status to everything; 0 answers rightly again. */
    void failing(int status) {
        failing = status;
    }

    /** Holds every answer back until the latch is counted down. */
    void held(@Nullable CountDownLatch latch) {
        held = latch;
    }

    /** How often VMs were asked for. */
    int asked() {
        return asked.get();
    }

    private void answer(HttpExchange exchange) throws IOException {
        try (exchange) {
            byte[] body = exchange.getRequestBody().readAllBytes();
            CountDownLatch latch = held;
            if (latch != null) {
                latch.await();
            }
            String path = exchange.getRequestURI().getPath();
            String authorization = exchange.getRequestHeaders().getFirst("Authorization");
            String account = accounts.entrySet().stream()
                    .filter(e -> authorization != null && authorization.contains(e.getKey()))
                    .map(Map.Entry::getValue)
                    .findFirst()
                    .orElse("");
            if (path.endsWith("/ReadVms")) {
                asked.incrementAndGet();
            }
            if (failing != 0 || account.isEmpty()) {
                send(exchange, failing != 0 ? failing : 401, error());
            } else if (path.endsWith("/ReadVms")) {
                Map<?, ?> filters = (Map<?, ?>) Json.parseObject(body).get("Filters");
                List<?> ids = filters == null ? List.of() : (List<?>) filters.get("VmIds");
                List<Object> found = new ArrayList<>();
                for (Object id : ids) {
                    Map<String, Object> vm = vms.get(account + "/" + id);
                    if (vm != null) {
                        found.add(vm);
                    }
                }
                send(exchange, 200, Json.object("Vms", found, "ResponseContext", Json.object("RequestId", "r")));
            } else {
                send(
                        exchange,
                        200,
                        Json.object(
                                "Accounts",
                                List.of(Json.object("AccountId", account)),
                                "ResponseContext",
                                Json.object("RequestId", "r")));
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private static Map<String, Object> error() {
        return Json.object(
                "Errors",
                List.of(Json.object("Type", "AccessDenied", "Code", "1", "Details", "")),
                "ResponseContext",
                Json.object("RequestId", "r"));
    }

    private static void send(HttpExchange exchange, int status, Map<String, Object> json) throws IOException {
        byte[] body = Json.writeBytes(json);
        exchange.getResponseHeaders().set("Content-Type", "application/json");
        exchange.sendResponseHeaders(status, body.length);
        exchange.getResponseBody().write(body);
    }

    @Override
    public void close() {
        server.stop(0);
    }
}
