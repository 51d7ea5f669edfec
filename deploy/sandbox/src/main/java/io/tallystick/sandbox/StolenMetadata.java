package io.tallystick.sandbox;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;

/**
 * A metadata service that repeats what another VM's said: the thief's tool. Everything is taken from the victim's
 * service when first asked for and given out unchanged, so the documents are genuine; only the key of whoever reads
 * them is another.
 */
final class StolenMetadata implements AutoCloseable {
    private record Loot(int status, byte[] body) {}

    private final HttpServer server;
    private final Metadata victim;
    private final Map<String, Loot> loot = new ConcurrentHashMap<>();

    private StolenMetadata(HttpServer server, URI victim) {
        this.server = server;
        this.victim = new Metadata(victim);
    }

    static StolenMetadata of(URI victim) {
        try {
            HttpServer server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
            StolenMetadata stolen = new StolenMetadata(server, victim);
            server.createContext("/", stolen::answer);
            server.start();
            return stolen;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    URI url() {
        return URI.create("http://127.0.0.1:" + server.getAddress().getPort());
    }

    @Override
    public void close() {
        server.stop(0);
    }

    private void answer(HttpExchange exchange) throws IOException {
        try (exchange) {
            String path = exchange.getRequestURI().getPath();
            if (exchange.getRequestMethod().equals("PUT")) {
                exchange.getResponseHeaders()
                        .set(
                                "X-aws-ec2-metadata-token-ttl-seconds",
                                Optional.ofNullable(exchange.getRequestHeaders()
                                                .getFirst("X-aws-ec2-metadata-token-ttl-seconds"))
                                        .orElse("60"));
                send(exchange, new Loot(200, Billing.utf8("stolen")));
            } else {
                send(exchange, loot.computeIfAbsent(path, this::steal));
            }
        }
    }

    private Loot steal(String path) {
        HttpResponse<byte[]> response = victim.get(path);
        return new Loot(response.statusCode(), response.body());
    }

    private static void send(HttpExchange exchange, Loot answer) throws IOException {
        exchange.getResponseHeaders().set("Content-Type", "text/plain");
        exchange.sendResponseHeaders(answer.status(), answer.body().length == 0 ? -1 : answer.body().length);
        exchange.getResponseBody().write(answer.body());
    }

    /** Reads a metadata service as AWS documents it: a token first. */
    static final class Metadata {
        private static final HttpClient HTTP = HttpClient.newBuilder()
                .version(HttpClient.Version.HTTP_1_1)
                .followRedirects(HttpClient.Redirect.NEVER)
                .build();

        private final URI base;

        Metadata(URI base) {
            this.base = base;
        }

        HttpResponse<byte[]> get(String path) {
            HttpResponse<byte[]> token = send(HttpRequest.newBuilder(base.resolve("/latest/api/token"))
                    .header("X-aws-ec2-metadata-token-ttl-seconds", "60")
                    .PUT(HttpRequest.BodyPublishers.noBody()));
            return send(HttpRequest.newBuilder(base.resolve(path))
                    .header("X-aws-ec2-metadata-token", text(token.body()))
                    .GET());
        }

        String text(String path) {
            HttpResponse<byte[]> response = get(path);
            if (response.statusCode() != 200) {
                throw new StepFailure("GET " + base + path + " answers 200", String.valueOf(response.statusCode()));
            }
            return text(response.body());
        }

        private static String text(byte[] bytes) {
            return new String(bytes, java.nio.charset.StandardCharsets.UTF_8);
        }

        private static HttpResponse<byte[]> send(HttpRequest.Builder request) {
            try {
                return HTTP.send(request.build(), HttpResponse.BodyHandlers.ofByteArray());
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new IllegalStateException("interrupted", e);
            }
        }
    }
}
