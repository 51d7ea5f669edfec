package io.tallystick.agent.api;

import com.sun.net.httpserver.HttpExchange;
import io.tallystick.agent.awsdoor.AwsDoor;
import io.tallystick.agent.clock.TrustedTime;
import io.tallystick.agent.enroll.AgentKey;
import io.tallystick.agent.enroll.Board;
import io.tallystick.agent.enroll.Standing;
import io.tallystick.agent.enroll.Verdict;
import io.tallystick.agent.http.LocalServer;
import io.tallystick.agent.meter.UsageIntake;
import io.tallystick.agent.store.Store;
import io.tallystick.common.error.ErrorCode;
import io.tallystick.common.error.Failure;
import io.tallystick.common.json.Fields;
import io.tallystick.common.json.Json;
import io.tallystick.common.wire.Wire;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.LinkedTransferQueue;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.Semaphore;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.logging.Level;
import java.util.logging.Logger;

/**
 * The HTTP API of the VM. Every answer of {@code GET /v1/entitlement} has status 200, whatever the decision: deny is
 * an answer, not an error. Threads of its own, so that a full pool never starves the main loop.
 */
public final class LocalApi implements AutoCloseable {
    /** Bytes of a request body. */
    public static final int BODY_BYTES_MAX = 1024 * 1024;
    /** Longest {@code ?wait=}. */
    public static final Duration WAIT_MAX = Duration.ofSeconds(60);

    private static final int THREADS = 32;
    private static final int QUEUE_MAX = 1024;
    /** Calls that may wait for an answer at once; more are answered as things stand. */
    private static final int WAITING_MAX = 16;
    /** Bodies above this are worked on one at a time: parsed, a large one is most of a small heap. */
    private static final int LARGE_BODY_BYTES = 64 * 1024;

    private static final String AWS_PATH = "/";
    private static final String HEALTH_PATH = "/healthz";
    private static final LocalServer.Caps CAPS = new LocalServer.Caps(
            1024,
            BODY_BYTES_MAX,
            4L * BODY_BYTES_MAX,
            Duration.ofSeconds(10),
            Duration.ofSeconds(30),
            Duration.ofSeconds(60));

    private static final String JSON = "application/json";
    private static final String PROBLEM = "application/problem+json";
    private static final Logger LOG = Logger.getLogger(LocalApi.class.getName());

    private final LocalServer server;
    private final ThreadPoolExecutor pool;
    private final Guard guard;
    private final Board board;
    private final TrustedTime time;
    private final UsageIntake intake;
    private final AwsDoor awsDoor;
    private final Supplier<AgentKey> key;
    private final Status status;
    private final Store store;
    private final Metrics metrics;
    private final Semaphore waiting = new Semaphore(WAITING_MAX);
    private final Semaphore large = new Semaphore(1);

    /** An answer before it is written. */
    private record Reply(int status, String type, byte[] body) {
        static Reply json(int status, Object body) {
            return new Reply(status, JSON, Json.writeBytes(body));
        }
    }

    /**
     * Gives a request to a thread that is idle; only where none is does the pool make another, and only where it may make no
     * more do requests wait. A pool's own order would make all its threads before it uses one twice, and each takes memory.
     */
    private static final class Handover extends LinkedTransferQueue<Runnable> {
        @Override
        public boolean offer(Runnable request) {
            return tryTransfer(request);
        }

        static void keep(Runnable request, ThreadPoolExecutor pool) {
            if (pool.isShutdown() || pool.getQueue().size() >= QUEUE_MAX) {
                throw new RejectedExecutionException();
            }
            ((Handover) pool.getQueue()).append(request);
        }

        private void append(Runnable request) {
            super.offer(request);
        }
    }

    @FunctionalInterface
    private interface Handler {
        Reply handle(HttpExchange exchange, Map<String, String> query) throws IOException, InterruptedException;
    }

    private record Route(String method, boolean needsToken, Set<String> query, Handler handler) {}

    private final Map<String, Route> routes;

    /** @param onFatal called when nobody can be answered any more; must end the process */
    public LocalApi(
            InetSocketAddress address,
            List<String> extraHosts,
            Optional<String> token,
            Board board,
            TrustedTime time,
            UsageIntake intake,
            AwsDoor awsDoor,
            Supplier<AgentKey> key,
            Status status,
            Store store,
            Metrics metrics,
            Consumer<Throwable> onFatal)
            throws IOException {
        AtomicInteger number = new AtomicInteger();
        this.pool = new ThreadPoolExecutor(
                0,
                THREADS,
                30,
                TimeUnit.SECONDS,
                new Handover(),
                r -> {
                    Thread t = new Thread(r, "api-" + number.incrementAndGet());
                    t.setDaemon(true);
                    return t;
                },
                Handover::keep);
        this.server = new LocalServer(
                address, CAPS, pool, new LocalServer.Handlers(this::serve, this::refuse, onFatal), time::nowOrWall);
        this.guard = new Guard(server.address(), extraHosts, token);
        this.board = board;
        this.time = time;
        this.intake = intake;
        this.awsDoor = awsDoor;
        this.key = key;
        this.status = status;
        this.store = store;
        this.metrics = metrics;
        this.routes = Map.of(
                "/v1/entitlement",
                new Route("GET", true, Set.of("product", "nonce", "wait"), this::entitlement),
                "/v1/usage",
                new Route("POST", true, Set.of(), this::usage),
                "/v1/status",
                new Route("GET", true, Set.of(), (e, q) -> Reply.json(200, status.document())),
                AWS_PATH,
                new Route("POST", false, Set.of(), this::aws),
                "/v1/sent",
                new Route("GET", true, Set.of("limit", "before"), this::sent),
                HEALTH_PATH,
                new Route("GET", false, Set.of(), this::health),
                "/metrics",
                new Route("GET", false, Set.of(), this::scrape));
    }

    public void start() {
        server.start();
    }

    /** Where callers on this machine reach it. */
    public String endpoint() {
        InetSocketAddress a = server.address();
        return "http://" + (a.getAddress().isAnyLocalAddress() ? "127.0.0.1" : host(a.getAddress())) + ":"
                + a.getPort();
    }

    /** An address as it stands in a URL and in {@code Host}. */
    static String host(InetAddress address) {
        String text = address.getHostAddress();
        return text.contains(":") ? "[" + text + "]" : text;
    }

    private void serve(HttpExchange exchange) {
        Reply reply;
        String path = exchange.getRequestURI().getPath();
        try {
            reply = answer(exchange, path);
        } catch (Failure f) {
            reply = path.equals(AWS_PATH) && exchange.getRequestMethod().equals("POST")
                    ? aws(exchange, awsDoor.refuse(f))
                    : new Reply(Problems.status(f.code()), PROBLEM, Problems.document(f));
        } catch (IOException e) {
            exchange.close();
            return;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            exchange.close();
            return;
        } catch (RuntimeException e) {
            LOG.log(Level.SEVERE, "a request to " + path + " failed", e);
            Failure f = Failure.of(ErrorCode.INTERNAL, "the agent failed; its log says why");
            reply = new Reply(500, PROBLEM, Problems.document(f));
        }
        metrics.answered(routes.containsKey(path) ? path : "other", reply.status());
        write(exchange, reply);
    }

    /** Answers what is no request, or one too many. */
    private void refuse(HttpExchange exchange, Failure f) {
        metrics.answered("none", Problems.status(f.code()));
        exchange.getResponseHeaders().set("Connection", "close");
        if (f.code() == ErrorCode.UNAVAILABLE) {
            exchange.getResponseHeaders().set("Retry-After", "1");
        }
        write(exchange, new Reply(Problems.status(f.code()), PROBLEM, Problems.document(f)));
    }

    private Reply answer(HttpExchange exchange, String path) throws IOException, InterruptedException {
        guard.checkOrigin(exchange);
        List<String> encodings = exchange.getRequestHeaders().getOrDefault("Content-Encoding", List.of());
        if (encodings.stream().anyMatch(e -> !e.equalsIgnoreCase("identity"))) {
            throw Failure.of(ErrorCode.UNSUPPORTED_MEDIA_TYPE, "Content-Encoding is not taken, send the body as it is");
        }
        Route route = routes.get(path);
        if (route == null) {
            throw Failure.of(ErrorCode.NOT_FOUND, "there is nothing at this path");
        }
        if (!exchange.getRequestMethod().equals(route.method())) {
            exchange.getResponseHeaders().set("Allow", route.method());
            throw Failure.of(ErrorCode.METHOD_NOT_ALLOWED, path + " takes " + route.method());
        }
        if (route.needsToken() || (!Guard.isLocal(exchange) && !path.equals(HEALTH_PATH))) {
            guard.checkToken(exchange);
        }
        return route.handler().handle(exchange, query(exchange.getRequestURI().getRawQuery(), route.query()));
    }

    private void write(HttpExchange exchange, Reply reply) {
        try (exchange) {
            exchange.getResponseHeaders().set("Content-Type", reply.type());
            exchange.getResponseHeaders().set("Cache-Control", "no-store");
            exchange.getResponseHeaders().set("X-Content-Type-Options", "nosniff");
            if (reply.status() == 413 || reply.status() == 415) {
                exchange.getResponseHeaders().set("Connection", "close");
            }
            exchange.sendResponseHeaders(reply.status(), reply.body().length == 0 ? -1 : reply.body().length);
            if (reply.body().length > 0) {
                exchange.getResponseBody().write(reply.body());
            }
        } catch (IOException e) {
            LOG.log(Level.FINE, "the caller went away", e);
        }
    }

    /** Strict: a name not known here, or given twice, is a mistake of the caller's that would otherwise go unnoticed. */
    private static Map<String, String> query(@org.jspecify.annotations.Nullable String raw, Set<String> known) {
        Map<String, String> result = new LinkedHashMap<>();
        List<Failure.Problem> problems = new java.util.ArrayList<>();
        for (String pair : raw == null || raw.isEmpty() ? new String[0] : raw.split("&", -1)) {
            int eq = pair.indexOf('=');
            try {
                String name = decode(eq < 0 ? pair : pair.substring(0, eq));
                String value = eq < 0 ? "" : decode(pair.substring(eq + 1));
                if (!known.contains(name)) {
                    problems.add(new Failure.Problem("?" + name, "is not a known parameter"));
                } else if (result.put(name, value) != null) {
                    problems.add(new Failure.Problem("?" + name, "is given twice"));
                }
            } catch (IllegalArgumentException e) {
                problems.add(new Failure.Problem("?", "is not percent-encoded UTF-8"));
            }
        }
        if (!problems.isEmpty()) {
            throw Failure.of(ErrorCode.INVALID_REQUEST, problems);
        }
        return result;
    }

    private static String decode(String text) {
        return URLDecoder.decode(text, StandardCharsets.UTF_8);
    }

    // --- routes ------------------------------------------------------------------------------------------------------

    private Reply entitlement(HttpExchange exchange, Map<String, String> query) throws InterruptedException {
        Fields f = Fields.of(new LinkedHashMap<>(query));
        Optional<String> product = f.optionalString("product", Wire.PRODUCT_CODE_CHARS_MAX);
        Optional<String> nonce = f.optionalString("nonce", Wire.NONCE_CHARS_MAX);
        Duration wait = f.optionalParsed("wait", LocalApi::seconds).orElse(Duration.ZERO);
        f.done();
        Standing standing = board.standing();
        if (!wait.isZero() && !settled(standing, product) && waiting.tryAcquire()) {
            try {
                standing = board.await(s -> settled(s, product), wait);
            } finally {
                waiting.release();
            }
        }
        Verdict verdict = standing.verdict(product, time.now());
        return Reply.json(200, EntitlementView.document(verdict, nonce, key.get(), time.nowOrWall()));
    }

    private boolean settled(Standing s, Optional<String> product) {
        try {
            return s.verdict(product, time.now()).word() != Verdict.Word.UNKNOWN;
        } catch (Failure e) {
            return true;
        }
    }

    /** {@code 30s}, {@code 30} or {@code PT30S}, at most {@link #WAIT_MAX}. */
    static Duration seconds(String text) {
        Duration d;
        if (text.matches("[0-9]{1,4}s?")) {
            d = Duration.ofSeconds(Long.parseLong(text.replace("s", "")));
        } else {
            d = Fields.parseDuration(text);
        }
        if (d.compareTo(WAIT_MAX) > 0) {
            throw new IllegalArgumentException("must be at most " + WAIT_MAX.toSeconds() + "s");
        }
        return d;
    }

    private Reply usage(HttpExchange exchange, Map<String, String> query) throws IOException, InterruptedException {
        String type = exchange.getRequestHeaders().getFirst("Content-Type");
        String plain = type == null ? "" : type.toLowerCase(Locale.ROOT).replace(" ", "");
        if (!plain.equals(JSON) && !plain.equals(JSON + ";charset=utf-8")) {
            throw Failure.of(ErrorCode.UNSUPPORTED_MEDIA_TYPE, "Content-Type must be application/json");
        }
        UsageIntake.Taken taken = withBody(exchange, intake::take);
        metrics.usage(taken.accepted());
        return Reply.json(taken.entitled() ? 200 : 202, Json.object("accepted", taken.accepted()));
    }

    /** What clients of AWS's metering service send; no token, as their Authorization is AWS's signature. */
    private Reply aws(HttpExchange exchange, Map<String, String> query) throws IOException, InterruptedException {
        String type = exchange.getRequestHeaders().getFirst("Content-Type");
        String target = exchange.getRequestHeaders().getFirst("X-Amz-Target");
        AwsDoor.Answer answer = withBody(exchange, body -> awsDoor.answer(type, target, body));
        return aws(exchange, answer);
    }

    private static Reply aws(HttpExchange exchange, AwsDoor.Answer answer) {
        exchange.getResponseHeaders().set("x-amzn-RequestId", answer.requestId());
        answer.error().ifPresent(e -> exchange.getResponseHeaders().set("x-amzn-ErrorType", e));
        return new Reply(answer.status(), AwsDoor.TYPE, answer.body());
    }

    private <T> T withBody(HttpExchange exchange, Function<byte[], T> work) throws IOException, InterruptedException {
        byte[] body = exchange.getRequestBody().readAllBytes();
        if (body.length < LARGE_BODY_BYTES) {
            return work.apply(body);
        }
        large.acquire();
        try {
            return work.apply(body);
        } finally {
            large.release();
        }
    }

    private Reply sent(HttpExchange exchange, Map<String, String> query) {
        Fields f = Fields.of(new LinkedHashMap<>(query));
        int limit = f.optionalParsed("limit", Sent::limit).orElse(Sent.LIMIT_MAX);
        Sent.Place before = f.optionalParsed("before", Sent.Place::parse).orElse(Sent.Place.END);
        f.done();
        return Reply.json(200, store.call(tx -> Sent.page(tx, before, limit)));
    }

    private Reply health(HttpExchange exchange, Map<String, String> query) {
        if (!store.healthy()) {
            throw Failure.of(ErrorCode.UNAVAILABLE, "the store failed");
        }
        status.queue();
        return Reply.json(200, Json.object("status", "ok"));
    }

    private Reply scrape(HttpExchange exchange, Map<String, String> query) {
        metrics.refresh(status);
        return new Reply(
                200, "text/plain; version=0.0.4; charset=utf-8", metrics.text().getBytes(StandardCharsets.UTF_8));
    }

    /** Takes no new requests and gives those under way a second. */
    @Override
    public void close() {
        server.close();
        pool.shutdownNow();
    }
}
