package io.tallystick.client;

import io.tallystick.client.Entitlement.Decision;
import java.io.IOException;
import java.math.BigDecimal;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpRequest;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A running tallystick-agent. Thread-safe; keep one for the life of the program.
 *
 * <pre>{@code
 * AgentClient agent = AgentClient.builder().issuer(Issuer.pinned(url, jwks)).product("my-code").build();
 * Entitlement e = agent.check(Duration.ofSeconds(30));
 * if (!e.allowed()) {
 *     System.err.println(e.summary());
 *     System.exit(1);
 * }
 * agent.report(Usage.of("requests", 12).withKey(requestId));
 * }</pre>
 */
public final class AgentClient {
    /** Where an agent listens unless it was told otherwise. */
    public static final String DEFAULT_ADDRESS = "http://127.0.0.1:8793";
    /** The environment variable with another address. */
    public static final String ADDRESS_VARIABLE = "TALLYSTICK_AGENT_URL";
    /** The environment variable with the file that holds the agent's token, where it asks for one. */
    public static final String TOKEN_FILE_VARIABLE = "TALLYSTICK_AGENT_TOKEN_FILE";
    /** Records in one call. */
    public static final int RECORDS_MAX = 1_000;

    /** The longest the agent itself waits. */
    private static final long AGENT_WAIT_SECONDS = 60;

    private static final Duration EXCHANGE = Duration.ofSeconds(30);
    private static final Duration PAUSE = Duration.ofSeconds(1);
    private static final int NONCE_BYTES = 16;

    private final String address;
    private final Optional<Path> tokenFile;
    private final Optional<Issuer> issuer;
    private final Optional<String> product;
    private final SecureRandom random;
    private final Http http = new Http();

    private AgentClient(Builder b) {
        this.address = b.address.endsWith("/") ? b.address.substring(0, b.address.length() - 1) : b.address;
        this.tokenFile = b.tokenFile;
        this.issuer = b.issuer;
        this.product = b.product;
        this.random = b.random;
        URI uri = URI.create(address);
        if (!"http".equals(uri.getScheme()) || uri.getHost() == null) {
            throw new IllegalArgumentException("an agent's address looks like " + DEFAULT_ADDRESS + ": " + address);
        }
    }

    /** Begins with the environment's address and token file, or the agent's default address and no token. */
    public static Builder builder() {
        return new Builder(System.getenv());
    }

    /** What to ask, whom, and whose leases to believe. */
    public static final class Builder {
        private String address;
        private Optional<Path> tokenFile;
        private Optional<Issuer> issuer = Optional.empty();
        private Optional<String> product = Optional.empty();
        private SecureRandom random = new SecureRandom();

        Builder(Map<String, String> environment) {
            String url = environment.getOrDefault(ADDRESS_VARIABLE, "");
            String token = environment.getOrDefault(TOKEN_FILE_VARIABLE, "");
            this.address = url.isEmpty() ? DEFAULT_ADDRESS : url;
            this.tokenFile = token.isEmpty() ? Optional.empty() : Optional.of(Path.of(token));
        }

        public Builder address(String url) {
            address = url;
            return this;
        }

        /** Read at each call, so that a new token needs no restart. */
        public Builder tokenFile(Path file) {
            tokenFile = Optional.of(file);
            return this;
        }

        /** Needed for {@link AgentClient#check}; a program that only reports usage can do without. */
        public Builder issuer(Issuer value) {
            issuer = Optional.of(value);
            return this;
        }

        /** The product code. Without one, a lease for any product of the issuer is taken. */
        public Builder product(String code) {
            product = Optional.of(code);
            return this;
        }

        public AgentClient build() {
            return new AgentClient(this);
        }
    }

    /**
     * Asks whether this VM is entitled, and verifies an answer that says so.
     *
     * @param wait how long to wait for an answer that is not {@link Decision#UNKNOWN}, and for an agent that is still
     *     starting; zero for the answer as it is now
     * @throws AnswerNotTrustedException if the answer allows and does not prove it
     * @throws AgentUnreachableException if nobody answered, up to the end of the wait
     * @throws AgentRefusedException for a question that is wrong: the product must be named, the token is missing
     */
    public Entitlement check(Duration wait) {
        Issuer believed = issuer.orElseThrow(
                () -> new IllegalStateException("to check an entitlement, the builder must be given an issuer"));
        long end = System.nanoTime() + wait.toNanos();
        while (true) {
            long left = Math.max(0, end - System.nanoTime());
            Duration pause = PAUSE;
            try {
                Entitlement e = ask(
                        believed,
                        Math.min(AGENT_WAIT_SECONDS, Duration.ofNanos(left).toSeconds()));
                left = Math.max(0, end - System.nanoTime());
                if (e.decision() != Decision.UNKNOWN || left == 0) {
                    return e;
                }
                pause = e.retryAfter();
            } catch (AgentUnreachableException e) {
                left = Math.max(0, end - System.nanoTime());
                if (left == 0 || Thread.currentThread().isInterrupted()) {
                    throw e;
                }
            }
            sleep(Math.min(left, pause.toNanos()));
        }
    }

    private Entitlement ask(Issuer believed, long waitSeconds) {
        byte[] bytes = new byte[NONCE_BYTES];
        random.nextBytes(bytes);
        String nonce = Jose.encode(bytes);
        String query = "?nonce=" + nonce
                + product.map(p -> "&product=" + URLEncoder.encode(p, StandardCharsets.UTF_8))
                        .orElse("")
                + (waitSeconds > 0 ? "&wait=" + waitSeconds + "s" : "");
        Map<String, @Nullable Object> m =
                call("GET", "/v1/entitlement" + query, null, EXCHANGE.plusSeconds(waitSeconds));
        Decision decision =
                switch (String.valueOf(m.get("decision"))) {
                    case "allow" -> Decision.ALLOW;
                    case "deny" -> Decision.DENY;
                    case "unknown" -> Decision.UNKNOWN;
                    default -> throw new AgentUnreachableException("what answers at " + address + " is no agent", null);
                };
        Optional<Lease> lease = decision == Decision.ALLOW
                ? Optional.of(believed.verify(m.get("lease"), m.get("nonceProof"), nonce, product))
                : Optional.empty();
        long seconds = m.get("retryAfter") instanceof BigDecimal n ? Math.max(1, n.longValue()) : 30;
        Duration retry = lease.map(
                        l -> Duration.between(l.provedAt(), l.expiresAt()).dividedBy(2))
                .map(d -> d.compareTo(PAUSE) < 0 ? PAUSE : d)
                .orElse(Duration.ofSeconds(seconds));
        return new Entitlement(
                decision,
                text(m, "state").orElse(""),
                text(m, "product"),
                Boolean.TRUE.equals(m.get("grace")),
                Boolean.TRUE.equals(m.get("offline")),
                text(m, "code"),
                text(m, "sentence"),
                text(m, "remedy"),
                text(m, "thumbprint"),
                lease,
                retry);
    }

    /** Reports one thing used; returns once it is on the agent's disk. Throws as {@link #report(List)}. */
    public Kept report(Usage usage) {
        return report(List.of(usage));
    }

    /**
     * Reports up to {@value #RECORDS_MAX} things used, all or none.
     *
     * @throws AgentRefusedException if nothing was kept, and why; {@link Reason#action()} says what to do
     * @throws AgentUnreachableException if it is not known whether anything was kept: send the same again with the same
     *     idempotency keys
     */
    public Kept report(List<Usage> usage) {
        List<Object> records = new ArrayList<>();
        for (Usage u : usage) {
            records.add((u.product().isPresent() || product.isEmpty() ? u : u.forProduct(product.get())).toJson());
        }
        Exchange e = exchange("POST", "/v1/usage", Json.write(records), EXCHANGE);
        return new Kept(
                e.members().get("accepted") instanceof BigDecimal n ? n.intValue() : usage.size(), e.status() == 200);
    }

    /** The agent's status, for people and logs: state, queue, quarantine, times. Numbers are {@link BigDecimal}. */
    public Map<String, @Nullable Object> status() {
        return call("GET", "/v1/status", null, EXCHANGE);
    }

    private record Exchange(int status, Map<String, @Nullable Object> members) {}

    private Map<String, @Nullable Object> call(
            String method, String pathAndQuery, byte @Nullable [] body, Duration within) {
        return exchange(method, pathAndQuery, body, within).members();
    }

    private Exchange exchange(String method, String pathAndQuery, byte @Nullable [] body, Duration within) {
        HttpRequest.Builder request = HttpRequest.newBuilder(URI.create(address + pathAndQuery))
                .method(
                        method,
                        body == null
                                ? HttpRequest.BodyPublishers.noBody()
                                : HttpRequest.BodyPublishers.ofByteArray(body));
        if (body != null) {
            request.header("Content-Type", "application/json");
        }
        Http.Answer answer;
        try {
            if (tokenFile.isPresent()) {
                request.header(
                        "Authorization",
                        "Bearer " + Files.readString(tokenFile.get()).strip());
            }
            answer = http.send(request.build(), within);
        } catch (IOException e) {
            throw new AgentUnreachableException("the agent at " + address + " cannot be reached: " + e.getMessage(), e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new AgentUnreachableException("interrupted while asking the agent", e);
        }
        Map<String, @Nullable Object> m;
        try {
            m = Json.readObject(answer.body());
        } catch (IllegalArgumentException e) {
            throw new AgentUnreachableException(
                    "what answers at " + address + " is no agent: HTTP " + answer.status() + ", " + e.getMessage(), e);
        }
        if (answer.status() / 100 == 2) {
            return new Exchange(answer.status(), m);
        }
        // A denied instance's usage is refused with a code of the right kind; "reason" has the decision's own.
        Optional<String> code = text(m, "reason").or(() -> text(m, "code"));
        if (code.isEmpty()) {
            throw new AgentUnreachableException(
                    "what answers at " + address + " is no agent: HTTP " + answer.status() + " without a code", null);
        }
        List<String> problems = new ArrayList<>();
        if (m.get("errors") instanceof List<?> errors) {
            for (Object each : errors) {
                if (each instanceof Map<?, ?> problem) {
                    problems.add(problem.get("path") + ": " + problem.get("detail"));
                }
            }
        }
        throw new AgentRefusedException(
                code.get(),
                answer.status(),
                text(m, "detail").orElse(""),
                text(m, "remedy").orElse(null),
                problems);
    }

    private static Optional<String> text(Map<String, @Nullable Object> m, String name) {
        return m.get(name) instanceof String text ? Optional.of(text) : Optional.empty();
    }

    private static void sleep(long nanos) {
        try {
            Thread.sleep(nanos / 1_000_000, (int) (nanos % 1_000_000));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new AgentUnreachableException("interrupted while waiting for the agent", e);
        }
    }
}
