package io.tallystick.conformance;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import io.tallystick.common.error.Failure;
import io.tallystick.common.json.Json;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.math.BigDecimal;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;

/**
 * Stands between a program and its agent: passes on, remembers, and does what a scenario tells it to do instead. Knows
 * reports of the native API and of the AWS door. Thread-safe.
 */
final class Wiretap implements AutoCloseable {
    private static final Duration FORWARD = Duration.ofSeconds(90);
    private static final int STOP_SECONDS = 2;
    private static final List<String> HEADERS =
            List.of("Content-Type", "Authorization", "Origin", "X-Amz-Target", "X-Amz-Date", "X-Amz-Security-Token");

    /** One record of a report; without a key it cannot be recognised when it is sent again. */
    record Reported(Optional<String> key, String content, BigDecimal quantity) {}

    /** A question or a report, and what came back; status 0 where the connection was cut instead. */
    record Exchange(boolean ask, String nonce, List<Reported> records, int status, String answer) {
        boolean report() {
            return !ask;
        }

        boolean accepted() {
            return status / 100 == 2;
        }
    }

    /** What a program sent, before anything is done about it. */
    record Request(boolean ask, String nonce, List<Reported> records) {}

    /** What to do instead of passing on; status 0: pass on, and cut the connection without an answer. */
    record Instead(int status, String body) {
        static final Instead LOSE_ANSWER = new Instead(0, "");
    }

    private final HttpServer server;
    private final ExecutorService pool = Executors.newCachedThreadPool();
    private final HttpClient http = HttpClient.newHttpClient();
    private final URI agent;
    private final List<Exchange> seen = new ArrayList<>();
    private final Map<String, BigDecimal> keyed = new HashMap<>();
    private final AtomicInteger arrived = new AtomicInteger();
    private BigDecimal keyless = BigDecimal.ZERO;
    private volatile Function<Request, Optional<Instead>> fault = r -> Optional.empty();

    Wiretap(URI agent) {
        this.agent = agent;
        try {
            server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 64);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        server.createContext("/", this::serve);
        server.setExecutor(pool);
        server.start();
    }

    String url() {
        return "http://127.0.0.1:" + server.getAddress().getPort();
    }

    void fault(Function<Request, Optional<Instead>> value) {
        fault = value;
    }

    void passOn() {
        fault = r -> Optional.empty();
    }

    /** Questions and reports that came, answered or not: a question may wait for a minute. */
    int arrived() {
        return arrived.get();
    }

    synchronized List<Exchange> seen() {
        return List.copyOf(seen);
    }

    List<Exchange> asks() {
        return seen().stream().filter(Exchange::ask).toList();
    }

    List<Exchange> reports() {
        return seen().stream().filter(Exchange::report).toList();
    }

    /** What the agent took through here: each key once, and everything that has none. */
    synchronized BigDecimal accepted() {
        return keyed.values().stream().reduce(keyless, BigDecimal::add);
    }

    private void serve(HttpExchange exchange) throws IOException {
        try (exchange) {
            byte[] body = exchange.getRequestBody().readAllBytes();
            String path = exchange.getRequestURI().getPath();
            boolean ask = path.equals("/v1/entitlement");
            boolean report = path.equals("/v1/usage") || path.equals("/");
            String query =
                    Optional.ofNullable(exchange.getRequestURI().getQuery()).orElse("");
            String nonce = query.replaceAll("^(?:.*&)?nonce=([^&]*).*$", "$1");
            Request request =
                    new Request(ask, query.contains("nonce=") ? nonce : "", report ? records(path, body) : List.of());
            if (ask || report) {
                arrived.incrementAndGet();
            }
            Optional<Instead> instead = ask || report ? fault.apply(request) : Optional.empty();
            if (instead.isPresent() && instead.get().status() != 0) {
                Instead i = instead.get();
                note(request, ask || report, i.status(), i.body(), false);
                answer(
                        exchange,
                        i.status(),
                        "application/json",
                        i.body().getBytes(java.nio.charset.StandardCharsets.UTF_8));
                return;
            }
            HttpResponse<byte[]> r = forward(exchange, body);
            String text = new String(r.body(), java.nio.charset.StandardCharsets.UTF_8);
            note(request, ask || report, instead.isPresent() ? 0 : r.statusCode(), text, r.statusCode() / 100 == 2);
            if (instead.isEmpty()) {
                answer(
                        exchange,
                        r.statusCode(),
                        r.headers().firstValue("Content-Type").orElse(""),
                        r.body());
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private HttpResponse<byte[]> forward(HttpExchange exchange, byte[] body) throws IOException, InterruptedException {
        URI to = URI.create(agent + exchange.getRequestURI().toString());
        HttpRequest.Builder b = HttpRequest.newBuilder(to)
                .timeout(FORWARD)
                .method(exchange.getRequestMethod(), HttpRequest.BodyPublishers.ofByteArray(body));
        for (String name : HEADERS) {
            Optional.ofNullable(exchange.getRequestHeaders().getFirst(name)).ifPresent(v -> b.header(name, v));
        }
        return http.send(b.build(), HttpResponse.BodyHandlers.ofByteArray());
    }

    private static void answer(HttpExchange exchange, int status, String type, byte[] body) throws IOException {
        exchange.getResponseHeaders().set("Content-Type", type);
        exchange.sendResponseHeaders(status, body.length == 0 ? -1 : body.length);
        if (body.length > 0) {
            exchange.getResponseBody().write(body);
        }
    }

    private synchronized void note(Request r, boolean of, int status, String answer, boolean kept) {
        if (!of) {
            return;
        }
        seen.add(new Exchange(r.ask(), r.nonce(), r.records(), status, answer));
        if (kept) {
            for (Reported each : r.records()) {
                if (each.key().isPresent()) {
                    keyed.putIfAbsent(each.key().get(), each.quantity());
                } else {
                    keyless = keyless.add(each.quantity());
                }
            }
        }
    }

    /** The AWS door derives a record's id from its content, so the content is its key. */
    private static List<Reported> records(String path, byte[] body) {
        List<Reported> records = new ArrayList<>();
        try {
            Object value = Json.parse(body);
            for (Object each : value instanceof List<?> list ? list : List.of(value)) {
                if (each instanceof Map<?, ?> m) {
                    Object quantity = path.equals("/") ? m.get("UsageQuantity") : m.get("quantity");
                    Optional<String> key = path.equals("/")
                            ? Optional.of(Json.write(m))
                            : Optional.ofNullable(m.get("idempotencyKey")).map(String::valueOf);
                    records.add(new Reported(key, Json.write(m), number(quantity)));
                }
            }
        } catch (Failure e) {
            // Not JSON: the agent says so; there is no record in it.
            return List.of();
        }
        return records;
    }

    private static BigDecimal number(@org.jspecify.annotations.Nullable Object quantity) {
        try {
            return quantity == null ? BigDecimal.ONE : new BigDecimal(String.valueOf(quantity));
        } catch (NumberFormatException e) {
            return BigDecimal.ZERO;
        }
    }

    @Override
    public void close() {
        // Whoever stopped in the middle of a report: the agent's answer still counts.
        pool.shutdown();
        try {
            if (!pool.awaitTermination(STOP_SECONDS, TimeUnit.SECONDS)) {
                pool.shutdownNow();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        server.stop(0);
    }
}
