package io.tallystick.aggregator.app;

import io.tallystick.common.json.Json;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** A plain HTTP client for tests, knowing nothing of the server's classes. */
public final class Http {
    private static final HttpClient CLIENT =
            HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();

    /** A server that does not answer is a failure, never a hung build. */
    private static final Duration WAIT_MAX = Duration.ofSeconds(30);

    private final String base;

    public Http(String base) {
        this.base = base;
    }

    /** What came back. */
    public record Answer(int status, java.net.http.HttpHeaders headers, String text) {
        public Map<String, Object> json() {
            return Json.parseObject(text);
        }

        public String header(String name) {
            return headers.firstValue(name).orElse("");
        }

        /** A string member of the JSON object. */
        public String get(String member) {
            return String.valueOf(json().get(member));
        }

        @SuppressWarnings("unchecked")
        public List<Map<String, Object>> list(String member) {
            return (List<Map<String, Object>>) json().getOrDefault(member, List.of());
        }

        /** This answer, after checking its status. */
        public Answer expect(int wanted) {
            if (status != wanted) {
                throw new AssertionError("expected " + wanted + ", got " + status + ": " + text);
            }
            return this;
        }
    }

    public Answer get(String path, @Nullable String token) {
        return send("GET", path, token, null);
    }

    public Answer post(String path, @Nullable String token, String json) {
        return send("POST", path, token, json);
    }

    /** Sends; a null body sends none. */
    public Answer send(String method, String path, @Nullable String token, @Nullable String json) {
        HttpRequest.Builder request =
                HttpRequest.newBuilder(URI.create(base + path)).timeout(WAIT_MAX);
        if (token != null) {
            request.header("Authorization", "Bearer " + token);
        }
        if (json != null) {
            request.header("Content-Type", "application/json");
        }
        return send(request.method(
                        method,
                        json == null ? HttpRequest.BodyPublishers.noBody() : HttpRequest.BodyPublishers.ofString(json))
                .build());
    }

    public Answer send(HttpRequest request) {
        try {
            HttpResponse<String> response = CLIENT.send(request, HttpResponse.BodyHandlers.ofString());
            return new Answer(response.statusCode(), response.headers(), response.body());
        } catch (IOException e) {
            throw new AssertionError(request + " failed", e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new AssertionError(e);
        }
    }

    public URI uri(String path) {
        return URI.create(base + path);
    }
}
