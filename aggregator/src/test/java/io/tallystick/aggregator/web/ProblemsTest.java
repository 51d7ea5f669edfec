package io.tallystick.aggregator.web;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;

import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.tallystick.aggregator.app.Http;
import io.tallystick.common.error.ErrorCode;
import io.tallystick.common.error.Failure;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Every error as HTTP, through a real server with routes that fail in each way. */
class ProblemsTest {
    private static final Vertx VERTX = Vertx.vertx();
    private static Http http = new Http("");
    private static int port;
    private static WebServer server = server(List.of());

    private static WebServer server(List<Route> routes) {
        Problems problems = new Problems(e -> e, e -> ErrorCode.INTERNAL, System::nanoTime);
        ApiRouter router = new ApiRouter(
                routes,
                token -> Future.succeededFuture(Optional.empty()),
                new NoPages(),
                problems,
                new RequestMetrics(new SimpleMeterRegistry()),
                ClientAddresses.DIRECT,
                new RateLimits(Map.of(), new SimpleMeterRegistry(), System::nanoTime),
                () -> "generated");
        return new WebServer(VERTX, router);
    }

    @BeforeAll
    static void listen() throws Exception {
        List<Route> routes = new ArrayList<>();
        for (ErrorCode code : ErrorCode.values()) {
            Failure failure = Failure.of(code, "the detail").with("expected", 7).with("status", "not replaced");
            routes.add(Route.get("/throw/" + code.wire(), "throw" + code)
                    .anonymous()
                    .to(ctx -> {
                        throw failure;
                    }));
            routes.add(Route.get("/fail/" + code.wire(), "fail" + code)
                    .anonymous()
                    .to(Responder.json(200, ctx -> Future.failedFuture(failure))));
        }
        routes.add(Route.get("/defect", "defect").anonymous().to(ctx -> {
            throw new IllegalStateException("SELECT secret FROM table");
        }));
        routes.add(Route.post("/gated", "gated")
                .anonymous()
                .json()
                .gate(ctx -> {
                    if (ctx.request().getHeader("Refused") != null) {
                        throw Failure.of(ErrorCode.OVERLOADED, "the detail");
                    }
                })
                .to(Responder.empty(204, ctx -> Future.succeededFuture())));
        routes.add(Route.get("/many", "many").anonymous().to(ctx -> {
            throw Failure.of(
                    ErrorCode.INVALID_REQUEST,
                    List.of(new Failure.Problem("a[0].b", "is bad"), new Failure.Problem("c", "is worse")));
        }));
        routes.add(Route.get("/half", "half").anonymous().to(ctx -> {
            ctx.response().setChunked(true);
            return ctx.response()
                    .write("half an answer")
                    .compose(done -> Future.failedFuture(new IllegalStateException("broke")));
        }));
        server = server(routes);
        port = server.start("127.0.0.1", 0, 2).await(10, TimeUnit.SECONDS);
        http = new Http("http://127.0.0.1:" + port);
    }

    @AfterAll
    static void stop() throws Exception {
        server.stop(Duration.ofSeconds(1)).await(10, TimeUnit.SECONDS);
        VERTX.close().await(10, TimeUnit.SECONDS);
    }

    private static int status(ErrorCode.Kind kind) {
        return Map.ofEntries(
                        Map.entry(ErrorCode.Kind.INVALID, 400),
                        Map.entry(ErrorCode.Kind.UNAUTHENTICATED, 401),
                        Map.entry(ErrorCode.Kind.FORBIDDEN, 403),
                        Map.entry(ErrorCode.Kind.NOT_FOUND, 404),
                        Map.entry(ErrorCode.Kind.METHOD, 405),
                        Map.entry(ErrorCode.Kind.NOT_ACCEPTABLE, 406),
                        Map.entry(ErrorCode.Kind.CONFLICT, 409),
                        Map.entry(ErrorCode.Kind.TOO_LARGE, 413),
                        Map.entry(ErrorCode.Kind.UNSUPPORTED, 415),
                        Map.entry(ErrorCode.Kind.LIMITED, 429),
                        Map.entry(ErrorCode.Kind.INTERNAL, 500),
                        Map.entry(ErrorCode.Kind.UNAVAILABLE, 503))
                .getOrDefault(kind, 0);
    }

    @ParameterizedTest
    @EnumSource(ErrorCode.class)
    void aThrownAndAFailedErrorGiveTheSameDocument(ErrorCode code) {
        int status = status(code.kind());
        for (String how : List.of("/throw/", "/fail/")) {
            Http.Answer answer = http.get(how + code.wire(), null).expect(status);
            assertEquals("application/problem+json", answer.header("Content-Type"));
            assertEquals("urn:tallystick:problem:" + code.wire(), answer.get("type"));
            assertEquals(code.title(), answer.get("title"));
            assertEquals((long) status, answer.json().get("status"));
            assertEquals(code.wire(), answer.get("code"));
            assertEquals("generated", answer.get("correlationId"));
            assertEquals("generated", answer.header("Tallystick-Correlation-Id"));
            assertEquals(7L, answer.json().get("expected"));
            assertEquals(
                    status < 500 ? "the detail" : "Tell the operator this correlation id: generated",
                    answer.get("detail"));
            assertEquals(status == 429 || status == 503 ? "5" : "", answer.header("Retry-After"));
        }
    }

    @Test
    void aDefectTellsNothingOfItself() {
        Http.Answer answer = http.get("/defect", null).expect(500);
        assertEquals("internal", answer.get("code"));
        assertFalse(answer.text().contains("SELECT"), answer.text());
    }

    @Test
    void allProblemsOfARequestAreListed() {
        Http.Answer answer = http.get("/many", null).expect(400);
        assertEquals(
                List.of(Map.of("path", "a[0].b", "detail", "is bad"), Map.of("path", "c", "detail", "is worse")),
                answer.list("errors"));
    }

    /** A client must not take what arrived before a fault for the whole answer. */
    @Test
    void aFaultInTheMiddleCutsTheConnection() {
        AssertionError cut =
                org.junit.jupiter.api.Assertions.assertThrows(AssertionError.class, () -> http.get("/half", null));
        assertNotNull(cut.getCause());
    }

    /** Reading what is refused would be most of the cost of refusing it. */
    @Test
    void aGateRefusesBeforeTheBodyAndTheConnectionGoesOn() throws Exception {
        int bytes = 500_000;
        String head = "POST /gated HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: " + bytes;
        try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), port)) {
            socket.setSoTimeout(10_000);
            OutputStream out = socket.getOutputStream();
            BufferedReader in =
                    new BufferedReader(new InputStreamReader(socket.getInputStream(), StandardCharsets.ISO_8859_1));
            out.write((head + "\r\nRefused: yes\r\n\r\n").getBytes(StandardCharsets.ISO_8859_1));
            assertEquals("HTTP/1.1 429 Too Many Requests", in.readLine());
            out.write(new byte[bytes]);
            out.write((head + "\r\n\r\n").getBytes(StandardCharsets.ISO_8859_1));
            out.write(new byte[bytes]);
            assertEquals(
                    "HTTP/1.1 204 No Content",
                    in.lines()
                            .filter(line -> line.startsWith("HTTP/1.1") || line.contains("HTTP/1.1 204"))
                            .map(line -> line.substring(line.indexOf("HTTP/1.1")))
                            .findFirst()
                            .orElseThrow());
        }
    }
}
