package io.tallystick.agent.app;

import io.tallystick.agent.net.HttpReply;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

@Command(
        name = "verify",
        description = "Asks the running agent whether this VM is entitled. Exit code 0 allowed, 1 denied, 2 unknown.",
        mixinStandardHelpOptions = true)
final class VerifyCommand implements Callable<Integer> {
    static final int ALLOWED = 0;
    static final int DENIED = 1;
    static final int UNKNOWN = 2;

    @Mixin
    @SuppressWarnings("NullAway.Init")
    private LocalClient client;

    @Spec
    @SuppressWarnings("NullAway.Init")
    private CommandSpec spec;

    @Option(
            names = {"--product", "--product-code"},
            paramLabel = "CODE",
            description = "The product code; needed only on a VM that carries several.")
    private @Nullable String product;

    @Option(names = "--wait", paramLabel = "30s", description = "How long to wait for an answer, at most 60s.")
    private @Nullable String wait;

    @Option(names = "--nonce", paramLabel = "TEXT", description = "A value the agent signs together with the lease.")
    private @Nullable String nonce;

    @Option(names = "--output", paramLabel = "text|json", defaultValue = "text", description = "Default: text.")
    @SuppressWarnings("NullAway.Init")
    private Output output;

    /** How answers are printed. */
    enum Output {
        text,
        json
    }

    @Override
    public Integer call() {
        PrintWriter out = spec.commandLine().getOut();
        PrintWriter err = spec.commandLine().getErr();
        StringBuilder query = new StringBuilder();
        add(query, "product", product);
        add(query, "wait", wait);
        add(query, "nonce", nonce);
        HttpReply reply;
        try {
            reply = client.call("GET", "/v1/entitlement" + query, null);
        } catch (IOException | IllegalArgumentException e) {
            err.println("unknown: the agent cannot be reached: " + e.getMessage());
            return UNKNOWN;
        }
        Map<String, Object> m = LocalClient.members(reply);
        if (reply.status() != 200 || !(m.get("decision") instanceof String decision)) {
            err.println("unknown: " + LocalClient.problem(reply));
            return UNKNOWN;
        }
        if (output == Output.json) {
            out.println(new String(reply.body(), StandardCharsets.UTF_8));
        } else {
            print(out, decision, m);
        }
        out.flush();
        return switch (decision) {
            case "allow" -> ALLOWED;
            case "deny" -> DENIED;
            default -> UNKNOWN;
        };
    }

    private static void print(PrintWriter out, String decision, Map<String, Object> m) {
        out.println(decision + " (" + m.get("state") + ")");
        for (String name : new String[] {"product", "code", "sentence", "remedy", "thumbprint", "expiresAt"}) {
            if (m.get(name) != null) {
                out.println("  " + name + ": " + m.get(name));
            }
        }
    }

    private static void add(StringBuilder query, String name, @Nullable String value) {
        if (value != null) {
            query.append(query.isEmpty() ? '?' : '&').append(name).append('=').append(LocalClient.encode(value));
        }
    }
}
