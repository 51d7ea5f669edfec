package io.tallystick.agent.app;

import io.tallystick.agent.net.HttpClient;
import io.tallystick.agent.net.HttpReply;
import io.tallystick.common.error.Failure;
import io.tallystick.common.json.Json;
import java.io.IOException;
import java.net.Proxy;
import java.net.URI;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** The options and calls that the commands talking to a running agent share. */
final class LocalClient {
    private static final String DEFAULT_URL = "http://127.0.0.1:8793";
    private static final Duration CONNECT = Duration.ofSeconds(2);
    private static final Duration WHOLE = Duration.ofSeconds(75);
    private static final int ANSWER_BYTES_MAX = 4 * 1024 * 1024;

    @Option(
            names = "--url",
            description = "The agent's address; also from TALLYSTICK_AGENT_URL. Default: " + DEFAULT_URL + ".")
    private @Nullable String url;

    @Option(names = "--token-file", paramLabel = "FILE", description = "The agent's token.file, where it has one.")
    private @Nullable Path tokenFile;

    HttpReply call(String method, String pathAndQuery, byte @Nullable [] body) throws IOException {
        Map<String, String> headers = new LinkedHashMap<>();
        if (body != null) {
            headers.put("Content-Type", "application/json");
        }
        if (tokenFile != null) {
            headers.put("Authorization", "Bearer " + Files.readString(tokenFile).strip());
        }
        return new HttpClient(Proxy.NO_PROXY, null, CONNECT, WHOLE)
                .send(method, URI.create(base() + pathAndQuery), headers, body, ANSWER_BYTES_MAX);
    }

    private String base() {
        String fromEnv = System.getenv("TALLYSTICK_AGENT_URL");
        String chosen = url != null ? url : fromEnv != null && !fromEnv.isEmpty() ? fromEnv : DEFAULT_URL;
        return chosen.endsWith("/") ? chosen.substring(0, chosen.length() - 1) : chosen;
    }

    static String encode(String text) {
        return URLEncoder.encode(text, StandardCharsets.UTF_8);
    }

    /** The answer's members; empty for an answer that is not a JSON object. */
    static Map<String, Object> members(HttpReply reply) {
        try {
            return Json.parseObject(reply.body());
        } catch (Failure e) {
            return Map.of();
        }
    }

    /** What to print for an answer that is an error. */
    static String problem(HttpReply reply) {
        Map<String, Object> m = members(reply);
        StringBuilder text = new StringBuilder();
        text.append(m.getOrDefault("code", "HTTP " + reply.status()));
        Optional.ofNullable(m.get("detail")).ifPresent(d -> text.append(": ").append(d));
        Optional.ofNullable(m.get("remedy")).ifPresent(r -> text.append(" ").append(r));
        return text.toString();
    }
}
