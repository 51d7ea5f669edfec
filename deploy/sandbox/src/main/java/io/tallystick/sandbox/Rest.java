package io.tallystick.sandbox;

import io.tallystick.common.json.Json;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Arrays;
import java.util.Optional;

/** An HTTP client for one address and at most one API token; what curl would do. Thread-safe. */
public final class Rest {
    private static final Duration CONNECT_TIMEOUT = Duration.ofSeconds(5);
    private static final Duration REQUEST_TIMEOUT = Duration.ofSeconds(60);
    private static final String JSON = "application/json";

    private static final HttpClient HTTP = HttpClient.newBuilder()
            .version(HttpClient.Version.HTTP_1_1)
            .connectTimeout(CONNECT_TIMEOUT)
            .followRedirects(HttpClient.Redirect.NEVER)
            .build();

    private final URI base;
    private final Optional<String> token;

    private Rest(URI base, Optional<String> token) {
        this.base = base;
        this.token = token;
    }

    /** Without a token. */
    public static Rest at(URI base) {
        return new Rest(base, Optional.empty());
    }

    public Rest with(String newToken) {
        return new Rest(base, Optional.of(newToken));
    }

    public URI base() {
        return base;
    }

    /** What came back; a request that got no answer throws {@link UncheckedIOException}. */
    public record Reply(String request, int status, java.net.http.HttpHeaders headers, byte[] body) {
        public String text() {
            return new String(body, StandardCharsets.UTF_8);
        }

        public Doc json() {
            return Doc.parse(text());
        }

        public Optional<String> header(String name) {
            return headers.firstValue(name);
        }

        /** This reply if it has one of these statuses; otherwise told with what came instead. */
        public Reply expect(int... statuses) {
            if (Arrays.stream(statuses).noneMatch(s -> s == status)) {
                throw new StepFailure(
                        request + " answers " + (statuses.length == 1 ? statuses[0] : Arrays.toString(statuses)),
                        status + " " + text());
            }
            return this;
        }
    }

    public Reply get(String path) {
        return get(path, JSON);
    }

    public Reply get(String path, String accept) {
        return send(request(path).header("Accept", accept).GET(), "GET " + path);
    }

    public Reply post(String path, Object json) {
        return send("POST", path, JSON, Json.writeBytes(json));
    }

    public Reply put(String path, Object json) {
        return send("PUT", path, JSON, Json.writeBytes(json));
    }

    /** @param more further headers, names and values in turn */
    public Reply send(String method, String path, String contentType, byte[] body, String... more) {
        HttpRequest.Builder builder = request(path)
                .header("Content-Type", contentType)
                .header("Accept", JSON)
                .method(method, HttpRequest.BodyPublishers.ofByteArray(body));
        return send(more.length == 0 ? builder : builder.headers(more), method + " " + path);
    }

    private HttpRequest.Builder request(String path) {
        HttpRequest.Builder builder = HttpRequest.newBuilder(base.resolve(path)).timeout(REQUEST_TIMEOUT);
        token.ifPresent(t -> builder.header("Authorization", "Bearer " + t));
        return builder;
    }

    private static Reply send(HttpRequest.Builder builder, String what) {
        try {
            HttpResponse<byte[]> response = HTTP.send(builder.build(), HttpResponse.BodyHandlers.ofByteArray());
            return new Reply(what, response.statusCode(), response.headers(), response.body());
        } catch (IOException e) {
            throw new UncheckedIOException(what + ": " + e, e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted in " + what, e);
        }
    }
}
