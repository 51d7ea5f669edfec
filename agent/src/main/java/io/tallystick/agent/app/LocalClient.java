package io.tallystick.agent.app;

import io.tallystick.agent.net.HttpClient;
import io.tallystick.agent.net.HttpReply;
import io.tallystick.common.error.Failure;
import io.tallystick.common.json.Json;
import java.io.IOException;
import java.io.PrintWriter;
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
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** The options and calls that the commands talking to a running agent share. */
final class LocalClient {
    /** The code printed where no agent answered. */
    static final String UNREACHABLE = "unreachable";

    private static final String DEFAULT_URL = "http://127.0.0.1:8793";
    private static final Duration CONNECT = Duration.ofSeconds(2);
    private static final Duration WHOLE = Duration.ofSeconds(75);
    private static final int ANSWER_BYTES_MAX = 4 * 1024 * 1024;

    @Option(
            names = "--url",
            paramLabel = "URL",
            description = "The agent's address; also from TALLYSTICK_AGENT_URL. Default: " + DEFAULT_URL + ".")
    private @Nullable String url;

    @Option(
            names = "--token-file",
            paramLabel = "FILE",
            description = "The agent's token.file, where it has one; also from TALLYSTICK_AGENT_TOKEN_FILE.")
    private @Nullable Path tokenFile;

    @Option(
            names = "--output",
            paramLabel = "text|json",
            defaultValue = "text",
            description = "json prints one JSON object, of failures too. Default: text.")
    @SuppressWarnings("NullAway.Init")
    private Output output;

    @Spec(Spec.Target.MIXEE)
    @SuppressWarnings("NullAway.Init")
    private CommandSpec spec;

    /** An answer, or why there is none. */
    record Said(int status, Map<String, Object> members) {
        /** Whether an agent answered. */
        boolean reached() {
            return status != 0;
        }

        boolean ok() {
            return status / 100 == 2;
        }

        String text(String name) {
            return String.valueOf(members.getOrDefault(name, ""));
        }
    }

    /** Never throws for what may be wrong with the agent: that is an answer too. */
    Said call(String method, String pathAndQuery, byte @Nullable [] body) {
        Map<String, String> headers = new LinkedHashMap<>();
        if (body != null) {
            headers.put("Content-Type", "application/json");
        }
        try {
            tokenFile().map(LocalClient::token).ifPresent(t -> headers.put("Authorization", "Bearer " + t));
            HttpReply reply = new HttpClient(Proxy.NO_PROXY, null, CONNECT, WHOLE)
                    .send(method, URI.create(base() + pathAndQuery), headers, body, ANSWER_BYTES_MAX);
            Map<String, Object> m = Json.parseObject(reply.body());
            if (reply.status() / 100 == 2 || m.get("code") instanceof String) {
                return new Said(reply.status(), m);
            }
            return unreachable("what answers at " + base() + " is no agent: HTTP " + reply.status());
        } catch (Failure e) {
            return unreachable("what answers at " + base() + " is no agent");
        } catch (IOException | IllegalArgumentException e) {
            return unreachable("the agent at " + base() + " cannot be reached: " + e.getMessage());
        }
    }

    private static Said unreachable(String detail) {
        return new Said(0, Json.object("code", UNREACHABLE, "detail", detail));
    }

    private Optional<Path> tokenFile() {
        String fromEnv = System.getenv("TALLYSTICK_AGENT_TOKEN_FILE");
        return tokenFile != null
                ? Optional.of(tokenFile)
                : Optional.ofNullable(fromEnv).filter(t -> !t.isEmpty()).map(Path::of);
    }

    private static String token(Path file) {
        try {
            return Files.readString(file).strip();
        } catch (IOException e) {
            throw new IllegalArgumentException("the token file cannot be read: " + e, e);
        }
    }

    private String base() {
        String fromEnv = System.getenv("TALLYSTICK_AGENT_URL");
        String chosen = url != null ? url : fromEnv != null && !fromEnv.isEmpty() ? fromEnv : DEFAULT_URL;
        return chosen.endsWith("/") ? chosen.substring(0, chosen.length() - 1) : chosen;
    }

    boolean json() {
        return output == Output.json;
    }

    /** Where answers go. */
    PrintWriter out() {
        return spec.commandLine().getOut();
    }

    PrintWriter err() {
        return spec.commandLine().getErr();
    }

    /** Prints the answer as JSON to standard output, or as the text to where it belongs. */
    void print(Said said, String text) {
        if (json()) {
            out().println(Json.write(said.members()));
        } else if (said.ok()) {
            out().println(text);
        } else {
            err().println(text);
        }
        out().flush();
        err().flush();
    }

    static String encode(String text) {
        return URLEncoder.encode(text, StandardCharsets.UTF_8);
    }

    /** What to print for an answer that is an error. */
    static String problem(Said said) {
        StringBuilder text = new StringBuilder();
        if (!said.text("code").equals(UNREACHABLE)) {
            text.append(said.members().getOrDefault("reason", said.text("code")))
                    .append(": ");
        }
        text.append(said.text("detail"));
        Optional.ofNullable(said.members().get("remedy"))
                .ifPresent(r -> text.append(" ").append(r));
        return text.toString();
    }
}
