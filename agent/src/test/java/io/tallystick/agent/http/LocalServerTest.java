package io.tallystick.agent.http;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.net.httpserver.HttpExchange;
import io.tallystick.common.error.Failure;
import io.tallystick.testkit.RawHttp;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Threats: slow clients keep good ones out; a request is read in two ways. */
class LocalServerTest {
    private static final String ME = "Host: {host}\r\n";
    private static final LocalServer.Caps CAPS = new LocalServer.Caps(
            1200, 1000, 64 * 1024, Duration.ofSeconds(3), Duration.ofSeconds(3), Duration.ofSeconds(3));
    private static final Duration DRIP_EVERY = Duration.ofMillis(50);
    private static final Duration WAIT_MAX = Duration.ofSeconds(30);

    /** Two threads, which two slow clients would hold. */
    private final ExecutorService pool = Executors.newFixedThreadPool(2);

    private final Queue<Throwable> ended = new ConcurrentLinkedQueue<>();

    private LocalServer server;

    @BeforeEach
    void listen() throws IOException {
        server = server(CAPS);
    }

    private LocalServer server(LocalServer.Caps caps) throws IOException {
        LocalServer made = new LocalServer(
                new InetSocketAddress(InetAddress.getLoopbackAddress(), 0),
                caps,
                pool,
                new LocalServer.Handlers(LocalServerTest::echo, LocalServerTest::refuse, ended::add),
                () -> Instant.EPOCH);
        made.start();
        return made;
    }

    @AfterEach
    void close() {
        server.close();
        pool.shutdownNow();
    }

    @Test
    void theUserLearnsThatItsOneThreadDied() throws Exception {
        AssertionError defect = new AssertionError("a defect below the server");
        LocalServer doomed = new LocalServer(
                new InetSocketAddress(InetAddress.getLoopbackAddress(), 0),
                CAPS,
                task -> {
                    throw defect;
                },
                new LocalServer.Handlers(LocalServerTest::echo, LocalServerTest::refuse, ended::add),
                () -> Instant.EPOCH);
        doomed.start();
        try (Socket client =
                new Socket(doomed.address().getAddress(), doomed.address().getPort())) {
            client.getOutputStream().write("GET / HTTP/1.1\r\nHost: a\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
            Throwable told = ended.poll();
            for (long end = System.nanoTime() + WAIT_MAX.toNanos(); told == null && System.nanoTime() < end; ) {
                Thread.onSpinWait();
                told = ended.poll();
            }
            assertEquals(defect, told);
        } finally {
            doomed.close();
        }
        assertTrue(ended.isEmpty(), "told once, and not by being closed");
    }

    private static void echo(HttpExchange exchange) {
        try (exchange) {
            String body = new String(exchange.getRequestBody().readAllBytes(), StandardCharsets.UTF_8);
            String answer = exchange.getRequestMethod() + " " + exchange.getRequestURI() + " " + body;
            if (exchange.getRequestURI().getPath().equals("/large")) {
                answer = "x".repeat(8 * 1024 * 1024);
            }
            exchange.sendResponseHeaders(200, 0);
            exchange.getResponseBody().write(answer.getBytes(StandardCharsets.UTF_8));
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    private static void refuse(HttpExchange exchange, Failure failure) {
        try (exchange) {
            int status =
                    switch (failure.code()) {
                        case INVALID_REQUEST -> 400;
                        case TOO_LARGE -> 413;
                        default -> 503;
                    };
            exchange.sendResponseHeaders(status, 0);
            exchange.getResponseBody().write(failure.detail().getBytes(StandardCharsets.UTF_8));
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    private RawHttp.Answers send(String request) {
        return RawHttp.untilClosed(server.address().getPort(), request);
    }

    private Socket connect(LocalServer to) throws IOException {
        Socket socket =
                new Socket(InetAddress.getLoopbackAddress(), to.address().getPort());
        socket.setSoTimeout((int) WAIT_MAX.toMillis());
        return socket;
    }

    private static void write(Socket socket, String text) throws IOException {
        socket.getOutputStream().write(text.getBytes(StandardCharsets.ISO_8859_1));
    }

    static Stream<Arguments> ambiguous() {
        return RawHttp.ambiguous("/echo").entrySet().stream().map(e -> Arguments.of(e.getKey(), e.getValue()));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("ambiguous")
    void whatCanBeReadInTwoWaysIsRefusedOnceAndTheConnectionEnds(String name, String request) {
        RawHttp.Answers answers = send(request);
        assertEquals(1, answers.statuses().size(), name + ": " + answers.text());
        int status = answers.statuses().get(0);
        assertTrue(status == 400 || status == 413, name + ": " + answers.text());
        assertTrue(answers.text().contains("Connection: close"), answers.text());
    }

    @Test
    void requestsInOneGoAreAnsweredOneByOneInOrder() {
        RawHttp.Answers answers = send("GET /a HTTP/1.1\r\n" + ME + "\r\nPOST /b HTTP/1.1\r\n" + ME
                + "Content-Length: 3\r\n\r\nxyzPOST /c HTTP/1.1\r\n" + ME + "Transfer-Encoding: chunked\r\n\r\n"
                + "2\r\nab\r\n1\r\nc\r\n0\r\n\r\nGET /d HTTP/1.1\r\n" + ME
                + "Connection: close\r\n\r\nGET /e HTTP/1.1\r\nHost: x\r\n\r\n");
        assertEquals(List.of(200, 200, 200, 200), answers.statuses());
        assertTrue(answers.text().matches("(?s).*GET /a .*POST /b xyz.*POST /c abc.*GET /d .*"), answers.text());
    }

    @Test
    void aRequestMayComeByteByByte() throws IOException {
        try (Socket socket = connect(server)) {
            socket.setTcpNoDelay(true);
            for (char c :
                    "POST /b HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 3\r\n\r\nxyz".toCharArray()) {
                write(socket, String.valueOf(c));
            }
            String answer = new String(socket.getInputStream().readAllBytes(), StandardCharsets.ISO_8859_1);
            assertTrue(answer.startsWith("HTTP/1.1 200 OK\r\n") && answer.endsWith("POST /b xyz"), answer);
        }
    }

    @Test
    void whoAsksWhetherToSendTheBodyIsToldTo() throws IOException {
        try (Socket socket = connect(server)) {
            write(
                    socket,
                    "POST /b HTTP/1.1\r\n"
                            + "Host: x\r\n"
                            + "Connection: close\r\n"
                            + "Expect: 100-continue\r\n"
                            + "Content-Length: 3\r\n\r\n");
            byte[] word = socket.getInputStream().readNBytes("HTTP/1.1 100 Continue\r\n\r\n".length());
            assertEquals("HTTP/1.1 100 Continue\r\n\r\n", new String(word, StandardCharsets.ISO_8859_1));
            write(socket, "xyz");
            String answer = new String(socket.getInputStream().readAllBytes(), StandardCharsets.ISO_8859_1);
            assertTrue(answer.endsWith("POST /b xyz"), answer);
        }
    }

    @Test
    void headersAndBodiesAreTakenToTheirLimitsAndNoFurther() {
        String end = "Connection: close\r\n\r\n";
        int room = RequestReader.HEAD_BYTES_MAX - ("GET /a HTTP/1.1\r\nHost: x\r\nX: \r\n" + end).length();
        assertEquals(
                List.of(200),
                send("GET /a HTTP/1.1\r\nHost: x\r\nX: " + "a".repeat(room) + "\r\n" + end)
                        .statuses());
        assertEquals(
                List.of(413),
                send("GET /a HTTP/1.1\r\nHost: x\r\nX: " + "a".repeat(room + 1) + "\r\n" + end)
                        .statuses());
        String headers = "X: a\r\n".repeat(RequestReader.HEADERS_MAX - 2);
        assertEquals(
                List.of(200),
                send("GET /a HTTP/1.1\r\nHost: x\r\n" + headers + end).statuses());
        assertEquals(
                List.of(413),
                send("GET /a HTTP/1.1\r\nHost: x\r\nY: b\r\n" + headers + end).statuses());
        String post = "POST /a HTTP/1.1\r\nHost: x\r\nConnection: close\r\n";
        assertEquals(
                List.of(200),
                send(post + "Content-Length: 1000\r\n\r\n" + "a".repeat(1000)).statuses());
        assertEquals(List.of(413), send(post + "Content-Length: 1001\r\n\r\n").statuses());
        String chunk = "Transfer-Encoding: chunked\r\n\r\n3e8\r\n" + "a".repeat(1000) + "\r\n";
        assertEquals(List.of(200), send(post + chunk + "0\r\n\r\n").statuses());
        assertEquals(List.of(413), send(post + chunk + "1\r\na\r\n0\r\n\r\n").statuses());
    }

    /** A thousand drip their heads and bodies, or never read what they asked for; all of them end, and nobody else notices. */
    @Test
    void aThousandSlowClientsKeepNobodyOutAndAreClosed() throws Exception {
        List<Socket> slow = new ArrayList<>();
        try {
            for (int i = 0; i < 1000; i++) {
                Socket socket = connect(server);
                slow.add(socket);
                write(
                        socket,
                        switch (i % 3) {
                            case 0 -> "GET /slow HTTP/1.1\r\nHost: x\r\nX: ";
                            case 1 -> "POST /slow HTTP/1.1\r\nHost: x\r\nContent-Length: 900\r\n\r\n";
                            default -> "";
                        });
            }
            int good = 0;
            long drip = System.nanoTime();
            // By the sum of what they sent, none of them was ever idle; still each is over in time.
            for (long end = System.nanoTime() + WAIT_MAX.toNanos(); server.open() > 0 && System.nanoTime() < end; ) {
                if (System.nanoTime() - drip > 0) {
                    drip += DRIP_EVERY.toNanos();
                    for (int i = 0; i < slow.size(); i += 7) {
                        drip(slow.get(i));
                    }
                }
                assertEquals(
                        List.of(200),
                        send("GET /good HTTP/1.1\r\n" + ME + "Connection: close\r\n\r\n")
                                .statuses());
                good++;
            }
            assertTrue(good > 3, "good requests meanwhile: " + good);
            assertEquals(0, server.open());
            for (Socket socket : slow) {
                assertTrue(isClosed(socket));
            }
        } finally {
            for (Socket socket : slow) {
                socket.close();
            }
        }
    }

    private static void drip(Socket socket) {
        try {
            write(socket, "a");
        } catch (IOException e) {
            // Closed by now, as it should.
        }
    }

    private static boolean isClosed(Socket socket) {
        try {
            return socket.getInputStream().read() < 0;
        } catch (IOException reset) {
            return true;
        }
    }

    @Test
    void whoNeverReadsItsAnswerIsClosed() throws IOException {
        LocalServer roomy = server(new LocalServer.Caps(
                10, 1000, 64L * 1024 * 1024, Duration.ofSeconds(1), Duration.ofSeconds(1), Duration.ofSeconds(60)));
        try (roomy;
                Socket socket = connect(roomy)) {
            write(socket, "GET /large HTTP/1.1\r\nHost: x\r\n\r\n");
            long end = System.nanoTime() + WAIT_MAX.toNanos();
            while (roomy.open() == 0 && System.nanoTime() < end) {
                Thread.onSpinWait();
            }
            while (roomy.open() > 0 && System.nanoTime() < end) {
                Thread.onSpinWait();
            }
            assertEquals(0, roomy.open());
        }
    }

    @Test
    void whereConnectionsRunOutTheSlowestGivesWayToTheNext() throws Exception {
        LocalServer few = server(new LocalServer.Caps(
                5, 1000, 64 * 1024, Duration.ofMinutes(1), Duration.ofMinutes(1), Duration.ofMinutes(1)));
        List<Socket> slow = new ArrayList<>();
        try (few) {
            for (int i = 0; i < 5; i++) {
                slow.add(connect(few));
                write(slow.get(i), "GET ");
            }
            for (int i = 0; i < 5; i++) {
                RawHttp.Answers answers = RawHttp.untilClosed(
                        few.address().getPort(), "GET /good HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
                assertEquals(List.of(200), answers.statuses());
            }
            assertTrue(isClosed(slow.get(0)));
            assertTrue(few.open() <= 5);
        } finally {
            for (Socket socket : slow) {
                socket.close();
            }
        }
    }

    @Test
    void whereMemoryRunsOutTheSlowestGivesWayToTheNext() throws Exception {
        LocalServer small = server(new LocalServer.Caps(
                100, 1000, 5000, Duration.ofMinutes(1), Duration.ofMinutes(1), Duration.ofMinutes(1)));
        List<Socket> slow = new ArrayList<>();
        try (small) {
            for (int i = 0; i < 20; i++) {
                slow.add(connect(small));
                write(slow.get(i), "POST /slow HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n" + "a".repeat(999));
            }
            RawHttp.Answers answers = RawHttp.untilClosed(
                    small.address().getPort(),
                    "POST /good HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 900\r\n\r\n"
                            + "a".repeat(900));
            assertEquals(List.of(200), answers.statuses());
            assertTrue(isClosed(slow.get(0)));
        } finally {
            for (Socket socket : slow) {
                socket.close();
            }
        }
    }
}
