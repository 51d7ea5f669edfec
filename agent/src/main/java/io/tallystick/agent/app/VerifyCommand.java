package io.tallystick.agent.app;

import io.tallystick.common.jose.Base64Url;
import io.tallystick.common.json.Json;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

@Command(
        name = "verify",
        description = "Asks the running agent whether this VM is entitled.",
        mixinStandardHelpOptions = true,
        exitCodeListHeading = "%nExit codes:%n",
        exitCodeList = {
            "0:allowed",
            "1:denied; the reason and what to do about it are printed",
            "2:not known yet, or the agent cannot be reached; ask again later",
            "3:allowed, but the answer does not prove it (with --issuer): treat it as denied",
            "64:wrong options"
        },
        footerHeading = "%nExamples:%n",
        footer = {
            "  tallystick-agent verify --wait 30s",
            "  tallystick-agent verify --product my-code --wait 30s \\",
            "      --issuer https://metering.example.com --issuer-keys /opt/my-program/keys.json",
            "  tallystick-agent verify --output json | jq -r .code"
        })
final class VerifyCommand implements Callable<Integer> {
    static final int ALLOWED = 0;
    static final int DENIED = 1;
    static final int UNKNOWN = 2;
    static final int NOT_PROVED = 3;
    private static final int NONCE_BYTES = 16;

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

    @Option(
            names = "--issuer",
            paramLabel = "URL",
            description = "Verifies an answer that allows, with a new nonce: its lease must be this marketplace's.")
    private @Nullable String issuer;

    @Option(
            names = "--issuer-keys",
            paramLabel = "FILE",
            description = "The marketplace's /.well-known/jwks.json, kept with your program. Needed with --issuer.")
    private @Nullable Path issuerKeys;

    @Override
    public Integer call() throws IOException {
        if ((issuer == null) != (issuerKeys == null)) {
            throw new CommandLine.ParameterException(
                    spec.commandLine(), "--issuer and --issuer-keys are given together");
        }
        Optional<ProofCheck> check = issuer == null || issuerKeys == null
                ? Optional.empty()
                : Optional.of(new ProofCheck(issuer, keys(issuerKeys)));
        String once = nonce != null ? nonce : fresh();
        StringBuilder query = new StringBuilder();
        add(query, "product", product);
        add(query, "wait", wait);
        add(query, "nonce", nonce != null || check.isPresent() ? once : null);
        LocalClient.Said said = client.call("GET", "/v1/entitlement" + query, null);
        Map<String, Object> m = said.members();
        if (!said.ok() || !(m.get("decision") instanceof String decision)) {
            client.print(said, "unknown: " + LocalClient.problem(said));
            return UNKNOWN;
        }
        if (decision.equals("allow") && check.isPresent()) {
            Optional<String> problem = check.get().problem(m.get("lease"), m.get("nonceProof"), once, product);
            if (problem.isPresent()) {
                client.print(
                        new LocalClient.Said(0, Json.object("code", "not-proved", "detail", problem.get())),
                        "not proved: " + problem.get());
                return NOT_PROVED;
            }
        }
        client.print(said, text(decision, m, check.isPresent()));
        return switch (decision) {
            case "allow" -> ALLOWED;
            case "deny" -> DENIED;
            default -> UNKNOWN;
        };
    }

    private byte[] keys(Path file) {
        try {
            return Files.readAllBytes(file);
        } catch (IOException e) {
            throw new CommandLine.ParameterException(spec.commandLine(), "--issuer-keys cannot be read: " + e, e);
        }
    }

    private static String fresh() {
        byte[] bytes = new byte[NONCE_BYTES];
        new SecureRandom().nextBytes(bytes);
        return Base64Url.encode(bytes);
    }

    private static String text(String decision, Map<String, Object> m, boolean verified) {
        List<String> lines = new ArrayList<>();
        lines.add(decision + " (" + m.get("state") + ")" + (verified && decision.equals("allow") ? ", verified" : ""));
        for (String name : List.of("product", "code", "sentence", "remedy", "thumbprint", "expiresAt")) {
            if (m.get(name) != null) {
                lines.add("  " + name + ": " + m.get(name));
            }
        }
        return String.join(System.lineSeparator(), lines);
    }

    private static void add(StringBuilder query, String name, @Nullable String value) {
        if (value != null) {
            query.append(query.isEmpty() ? '?' : '&').append(name).append('=').append(LocalClient.encode(value));
        }
    }
}
