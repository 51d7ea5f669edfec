package io.tallystick.cloudsim;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;

/** A plain HTTP client: no redirects, no proxies, no tokens but those it is given. */
final class Web {
    static final String TOKEN = "X-aws-ec2-metadata-token";
    static final String TTL = "X-aws-ec2-metadata-token-ttl-seconds";

    private static final HttpClient HTTP = HttpClient.newBuilder()
            .version(HttpClient.Version.HTTP_1_1)
            .followRedirects(HttpClient.Redirect.NEVER)
            .proxy(HttpClient.Builder.NO_PROXY)
            .build();

    /** So that a defect fails a test instead of stopping the build. */
    private static final Duration LIMIT = Duration.ofSeconds(30);

    private Web() {}

    /** Sends a request with headers in pairs of names and values. */
    static HttpResponse<String> send(String method, URI base, String path, String... headers)
            throws IOException, InterruptedException {
        return HTTP.send(
                request(method, base, path, headers).build(),
                HttpResponse.BodyHandlers.ofString(StandardCharsets.UTF_8));
    }

    static HttpResponse<String> sendWithin(Duration limit, URI base, String path, String... headers)
            throws IOException, InterruptedException {
        return HTTP.send(
                request("GET", base, path, headers).timeout(limit).build(),
                HttpResponse.BodyHandlers.ofString(StandardCharsets.UTF_8));
    }

    static HttpResponse<String> json(String method, URI base, String path, String body)
            throws IOException, InterruptedException {
        return jsonAs("application/json", method, base, path, body);
    }

    static HttpResponse<String> jsonAs(String type, String method, URI base, String path, String body)
            throws IOException, InterruptedException {
        return HTTP.send(
                HttpRequest.newBuilder(base.resolve(path))
                        .timeout(LIMIT)
                        .method(method, HttpRequest.BodyPublishers.ofString(body))
                        .header("Content-Type", type)
                        .build(),
                HttpResponse.BodyHandlers.ofString(StandardCharsets.UTF_8));
    }

    static String token(URI metadata) throws IOException, InterruptedException {
        return send("PUT", metadata, "/latest/api/token", TTL, "21600").body();
    }

    /** A GET with a fresh token. */
    static HttpResponse<String> get(URI metadata, String path) throws IOException, InterruptedException {
        return send("GET", metadata, path, TOKEN, token(metadata));
    }

    private static HttpRequest.Builder request(String method, URI base, String path, String... headers) {
        HttpRequest.Builder request = HttpRequest.newBuilder(base.resolve(path))
                .timeout(LIMIT)
                .method(method, HttpRequest.BodyPublishers.noBody());
        for (int i = 0; i < headers.length; i += 2) {
            request.header(headers[i], headers[i + 1]);
        }
        return request;
    }
}
