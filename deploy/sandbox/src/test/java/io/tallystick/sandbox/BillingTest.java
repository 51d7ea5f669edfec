package io.tallystick.sandbox;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.math.BigDecimal;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The story's billing job believes a page only with its count and hash. */
class BillingTest {
    private static final String LINE =
            "{\"run\":1,\"bookedAt\":\"2026-11-21T22:00:00Z\",\"kind\":\"usage\",\"instance\":\"i-1\",\"account\":\"acc\",\"productId\":\"prd\",\"productCode\":\"code\","
                    + "\"agreement\":\"agr\",\"dimension\":\"requests\",\"hour\":\"2026-11-21T20:00:00Z\","
                    + "\"quantity\":\"1.5\",\"tags\":{\"tenant\":\"a,b\"}}\n";
    private static final String CSV =
            """
            run,bookedAt,kind,instance,account,productId,productCode,agreement,dimension,hour,tags,quantity
            1,2026-11-21T22:00:00Z,usage,i-1,acc,prd,code,agr,requests,2026-11-21T20:00:00Z,"{""tenant"":""a,b""}",1.5
            """;

    private HttpServer server;
    private String body = LINE;
    private String count = "1";
    private String sha256 = "";

    @BeforeEach
    void serve() throws IOException {
        server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.createContext("/", exchange -> {
            byte[] bytes = body.getBytes(StandardCharsets.UTF_8);
            exchange.getResponseHeaders().set("Tallystick-Page-Count", count);
            exchange.getResponseHeaders()
                    .set("Tallystick-Page-Sha256", sha256.isEmpty() ? Billing.sha256(bytes) : sha256);
            exchange.getResponseHeaders().set("Tallystick-Next-After", "1.1");
            exchange.sendResponseHeaders(200, bytes.length);
            exchange.getResponseBody().write(bytes);
            exchange.close();
        });
        server.start();
    }

    @AfterEach
    void stop() {
        server.stop(0);
    }

    @Test
    void bothFormsReadTheSame() {
        Ledger.Key key = Ledger.Key.of("i-1", "requests", "2026-11-21T20:00:00Z", Map.of("tenant", "a,b"));
        assertEquals(
                Map.of(key, new BigDecimal("1.5")),
                billing().after(Billing.BEGINNING).sums());

        body = CSV;
        assertEquals(
                Map.of(key, new BigDecimal("1.5")),
                billing().booked("a", "b", Billing.CSV).sums());
    }

    @Test
    void aPageWithAnotherCountIsRefused() {
        count = "2";
        assertThrows(StepFailure.class, () -> billing().after(Billing.BEGINNING));
    }

    @Test
    void aPageWithAnotherHashIsRefused() {
        sha256 = Billing.sha256(new byte[0]);
        assertThrows(StepFailure.class, () -> billing().after(Billing.BEGINNING));
    }

    private Billing billing() {
        return new Billing(
                Rest.at(URI.create("http://127.0.0.1:" + server.getAddress().getPort())));
    }
}
