package io.tallystick.aggregator.web;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.tallystick.aggregator.app.Http;
import io.tallystick.common.error.ErrorCode;
import io.tallystick.common.json.Json;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import java.net.http.HttpRequest;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Whose word is taken for a client's address. */
class ClientAddressesTest {
    private static final ClientAddresses BEHIND =
            ClientAddresses.behind("10.0.0.0/8, fd00::/8, 192.0.2.7", ClientAddresses.Header.X_FORWARDED_FOR);
    private static final ClientAddresses FORWARDED =
            ClientAddresses.behind("10.0.0.0/8", ClientAddresses.Header.FORWARDED);

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                // An untrusted peer is the client, whatever it claims.
                "198.51.100.9 | 203.0.113.5 | 198.51.100.9",
                "11.0.0.1 | 203.0.113.5 | 11.0.0.1",
                "192.0.2.8 | 203.0.113.5 | 192.0.2.8",
                // A trusted one tells who came to it; what that one claimed is not followed.
                "10.1.2.3 | 203.0.113.5 | 203.0.113.5",
                "192.0.2.7 | 203.0.113.5 | 203.0.113.5",
                "10.1.2.3 | 1.1.1.1, 203.0.113.5 | 203.0.113.5",
                "10.1.2.3 | 10.9.9.9, 203.0.113.5 | 203.0.113.5",
                // Through two proxies of our own.
                "10.1.2.3 | 1.1.1.1, 203.0.113.5, 10.4.5.6 | 203.0.113.5",
                // Only proxies: the first of them.
                "10.1.2.3 | 10.7.7.7, 10.4.5.6 | 10.7.7.7",
                // What is no address ends the walk at the last hop that is certain.
                "10.1.2.3 | '' | 10.1.2.3",
                "10.1.2.3 | unknown | 10.1.2.3",
                "10.1.2.3 | localhost | 10.1.2.3",
                "10.1.2.3 | 1.2.3 | 10.1.2.3",
                "10.1.2.3 | 256.1.1.1 | 10.1.2.3",
                "10.1.2.3 | 203.0.113.5, | 10.1.2.3",
                "10.1.2.3 | 203.0.113.5, <x>, 10.4.5.6 | 10.4.5.6",
                // Ports and brackets as proxies write them; IPv6 in its plain form; mapped IPv4 is IPv4.
                "10.1.2.3 | 203.0.113.5:4711 | 203.0.113.5",
                "10.1.2.3 | [2001:db8::1]:4711 | 2001:db8:0:0:0:0:0:1",
                "10.1.2.3 | 2001:db8::1 | 2001:db8:0:0:0:0:0:1",
                "10.1.2.3 | ::ffff:203.0.113.5 | 203.0.113.5",
                "fd00:0:0:0:0:0:0:1%eth0 | 203.0.113.5 | 203.0.113.5",
                "fe80:0:0:0:0:0:0:1%eth0 | 203.0.113.5 | fe80:0:0:0:0:0:0:1",
            })
    void onlyTrustedHopsAreBelieved(String peer, String header, String expected) {
        assertEquals(expected, BEHIND.of(peer, List.of(header)));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "for=203.0.113.5 | 203.0.113.5",
                "for=1.1.1.1, for=203.0.113.5;proto=https;by=10.1.2.3 | 203.0.113.5",
                "proto=https; For=\"[2001:db8::1]:4711\" | 2001:db8:0:0:0:0:0:1",
                "for=\"_hidden\" | 10.1.2.3",
                "proto=https | 10.1.2.3",
                // A quote the client left open does not swallow what the proxy added.
                "for=\"1.1.1.1, for=203.0.113.5 | 203.0.113.5",
                "for=1.1.1.1;host=\"a, for=2.2.2.2\", for=203.0.113.5 | 203.0.113.5",
            })
    void theStandardHeaderIsReadToo(String header, String expected) {
        assertEquals(expected, FORWARDED.of("10.1.2.3", List.of(header)));
    }

    @Test
    void severalHeaderLinesAreOneList() {
        assertEquals("203.0.113.5", BEHIND.of("10.1.2.3", List.of("1.1.1.1", "203.0.113.5, 10.2.2.2")));
    }

    @ParameterizedTest
    @ValueSource(strings = {"proxy.example.com", "10.0.0.0/33", "fd00::/129", "10.0.0/8", "10.0.0.0/-1", "10.0.0.0/"})
    void whatIsNoNetworkIsRefused(String proxies) {
        assertThrows(
                IllegalArgumentException.class,
                () -> ClientAddresses.behind(proxies, ClientAddresses.Header.X_FORWARDED_FOR));
    }

    @Test
    void anEndpointSeesTheForgedAddressOnlyThroughATrustedProxy() throws Exception {
        ClientAddresses.Header header = ClientAddresses.Header.X_FORWARDED_FOR;
        assertEquals("127.0.0.1", seen(ClientAddresses.DIRECT, header.wire()));
        assertEquals("127.0.0.1", seen(ClientAddresses.behind("10.0.0.0/8", header), header.wire()));
        assertEquals("203.0.113.5", seen(ClientAddresses.behind("127.0.0.0/8", header), header.wire()));
        // The header that is not configured reaches us as the client made it.
        assertEquals("127.0.0.1", seen(ClientAddresses.behind("127.0.0.0/8", header), "Forwarded"));
    }

    private static String seen(ClientAddresses addresses, String header) throws Exception {
        Vertx vertx = Vertx.vertx();
        try {
            ApiRouter router = new ApiRouter(
                    List.of(Route.get("/address", "address")
                            .anonymous()
                            .to(Responder.json(
                                    200,
                                    ctx -> Future.succeededFuture(
                                            Json.object("address", Requests.clientAddress(ctx)))))),
                    token -> Future.succeededFuture(Optional.empty()),
                    new NoPages(),
                    new Problems(e -> e, e -> ErrorCode.INTERNAL, System::nanoTime),
                    new RequestMetrics(new SimpleMeterRegistry()),
                    addresses,
                    new RateLimits(Map.of(), new SimpleMeterRegistry(), System::nanoTime),
                    () -> "generated");
            int port = new WebServer(vertx, router).start("127.0.0.1", 0, 1).await(10, TimeUnit.SECONDS);
            Http http = new Http("http://127.0.0.1:" + port);
            String value = header.equals("Forwarded") ? "for=203.0.113.5" : "1.1.1.1, 203.0.113.5";
            return http.send(HttpRequest.newBuilder(http.uri("/address"))
                            .header(header, value)
                            .build())
                    .expect(200)
                    .get("address");
        } finally {
            vertx.close().await(10, TimeUnit.SECONDS);
        }
    }
}
