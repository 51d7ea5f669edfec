package io.tallystick.aggregator.image;

import io.tallystick.common.error.Failure;
import io.tallystick.common.json.Json;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.time.Duration;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * OUTSCALE's API over the JDK's HTTP client, signed with OSC4-HMAC-SHA256 (marketplace reference 8.3). docs/adr/0007 says
 * why not the SDK. Calls block, and are never repeated here.
 */
final class OscClient {
    private static final Duration CONNECT_TIMEOUT = Duration.ofSeconds(5);
    private static final Duration TIMEOUT = Duration.ofSeconds(60);
    private static final String ENDPOINT = "https://api.{region}.outscale.com";
    private static final String CONTENT_TYPE = "application/json; charset=utf-8";
    private static final String SIGNED_HEADERS = "content-type;host;x-osc-date";
    private static final int TOO_MANY_REQUESTS = 429;
    private static final Pattern REGION = Pattern.compile("[a-z0-9-]{1,32}");
    private static final DateTimeFormatter TIME =
            DateTimeFormatter.ofPattern("yyyyMMdd'T'HHmmss'Z'").withZone(ZoneOffset.UTC);

    private final String endpoint;
    private final Clock clock;
    private final HttpClient http = HttpClient.newBuilder()
            .version(HttpClient.Version.HTTP_1_1)
            .followRedirects(HttpClient.Redirect.NEVER)
            .connectTimeout(CONNECT_TIMEOUT)
            .build();

    OscClient(Optional<String> endpoint, Clock clock) {
        this.endpoint = endpoint.orElse(ENDPOINT);
        this.clock = clock;
    }

    /** The answer to one action; a refusal or no answer is an {@link ImageCloudException}. */
    Map<String, Object> call(String region, CloudKey key, String action, Map<String, Object> parameters) {
        if (!REGION.matcher(region).matches()) {
            throw new ImageCloudException("no-such-region", "there is no region " + region, false, null);
        }
        URI uri = URI.create(endpoint.replace("{region}", region) + "/api/v1/" + action);
        String body = Json.write(parameters);
        String time = TIME.format(clock.instant());
        HttpRequest request = HttpRequest.newBuilder(uri)
                .timeout(TIMEOUT)
                .header("Content-Type", CONTENT_TYPE)
                .header("X-Osc-Date", time)
                .header("Authorization", authorization(key, region, host(uri), uri.getRawPath(), time, body))
                .POST(HttpRequest.BodyPublishers.ofString(body))
                .build();
        try {
            HttpResponse<byte[]> response = http.send(request, HttpResponse.BodyHandlers.ofByteArray());
            if (response.statusCode() != 200) {
                throw refusal(response);
            }
            return Json.parseObject(response.body());
        } catch (IOException | Failure e) {
            throw new ImageCloudException("unreachable", action + ": " + e.getMessage(), true, e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new ImageCloudException("interrupted", action, true, e);
        }
    }

    /** As the JDK's client writes the header Host. */
    private static String host(URI uri) {
        int port = uri.getPort();
        boolean usual = port < 0 || port == ("https".equals(uri.getScheme()) ? 443 : 80);
        return usual ? uri.getHost() : uri.getHost() + ":" + port;
    }

    static String authorization(CloudKey key, String region, String host, String path, String time, String body) {
        String canonical = String.join(
                "\n",
                "POST",
                path,
                "",
                "content-type:" + CONTENT_TYPE,
                "host:" + host,
                "x-osc-date:" + time,
                "",
                SIGNED_HEADERS,
                Digests.sha256(body));
        List<String> scope = List.of(time.substring(0, 8), region, "api", "osc4_request");
        byte[] signingKey = ("OSC4" + key.secretKey()).getBytes(StandardCharsets.UTF_8);
        for (String part : scope) {
            signingKey = Digests.hmac(signingKey, part);
        }
        String text = String.join("\n", "OSC4-HMAC-SHA256", time, String.join("/", scope), Digests.sha256(canonical));
        return "OSC4-HMAC-SHA256 Credential=" + key.accessKeyId() + "/" + String.join("/", scope) + ", SignedHeaders="
                + SIGNED_HEADERS + ", Signature=" + HexFormat.of().formatHex(Digests.hmac(signingKey, text));
    }

    /** {@code Type/Code} of the first error, for example {@code InvalidResource/5023}. */
    private static ImageCloudException refusal(HttpResponse<byte[]> response) {
        int status = response.statusCode();
        boolean retryable = status >= 500 || status == TOO_MANY_REQUESTS;
        String code = "status-" + status;
        String details = "";
        try {
            Object errors = Json.parseObject(response.body()).get("Errors");
            if (errors instanceof List<?> list && !list.isEmpty() && list.get(0) instanceof Map<?, ?> error) {
                code = text(error.get("Type")) + "/" + text(error.get("Code"));
                details = text(error.get("Details"));
            }
        } catch (Failure e) {
            // A gateway before the API answers what it likes; its status must do.
            details = "no JSON";
        }
        return new ImageCloudException(code, details, retryable, null);
    }

    private static String text(@Nullable Object value) {
        return value == null ? "" : value.toString();
    }
}
