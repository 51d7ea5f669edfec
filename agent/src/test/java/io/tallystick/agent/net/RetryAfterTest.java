package io.tallystick.agent.net;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Proxy;
import java.time.Clock;
import java.time.Duration;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** An aggregator that has enough says when to come back; a fleet that does not listen would keep it down. */
class RetryAfterTest {
    private static final Duration PATIENCE = Duration.ofSeconds(10);

    private static Optional<Duration> told(int status, String retryAfter) throws IOException {
        HttpServer server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.createContext("/", exchange -> {
            exchange.getResponseHeaders().set("Retry-After", retryAfter);
            exchange.sendResponseHeaders(status, -1);
            exchange.close();
        });
        server.start();
        try {
            Aggregator aggregator = new Aggregator(
                    "http://127.0.0.1:" + server.getAddress().getPort(),
                    new HttpClient(Proxy.NO_PROXY, null, PATIENCE, PATIENCE),
                    "test",
                    Clock.systemUTC());
            return assertThrows(Unreachable.class, () -> aggregator.get("/v1/keys/x"))
                    .retryAfter();
        } finally {
            server.stop(0);
        }
    }

    @ParameterizedTest
    @CsvSource({"429, 7, 7", "503, 60, 60", "429, 86400, 300"})
    void theAgentWaitsAsLongAsItIsToldAndNoLongerThanFiveMinutes(int status, String header, int seconds)
            throws IOException {
        Optional<Duration> asked = told(status, header);
        assertEquals(Optional.of(Duration.ofSeconds(seconds)), asked);
        for (int seed = 0; seed < 1000; seed++) {
            Backoff backoff = new Backoff(new Random(seed));
            backoff.failed(1_000, asked);
            assertFalse(backoff.due(1_000 + seconds * 1000L - 1), "too early");
            assertTrue(backoff.due(1_000 + seconds * 1200L), "too late");
        }
    }

    @ParameterizedTest
    @CsvSource({"429, soon", "429, -5", "503, 'Wed, 21 Oct 2026 07:28:00 GMT'"})
    void whatIsNoNumberOfSecondsLeavesItToTheBackOff(int status, String header) throws IOException {
        assertEquals(Optional.empty(), told(status, header));
    }
}
