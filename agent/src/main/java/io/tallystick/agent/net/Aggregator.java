package io.tallystick.agent.net;

import io.github.resilience4j.circuitbreaker.CallNotPermittedException;
import io.github.resilience4j.circuitbreaker.CircuitBreaker;
import io.github.resilience4j.circuitbreaker.CircuitBreakerConfig;
import io.tallystick.common.error.Failure;
import io.tallystick.common.jose.Jws;
import io.tallystick.common.jose.Typ;
import io.tallystick.common.json.Json;
import io.tallystick.common.wire.Wire;
import java.io.IOException;
import java.net.URI;
import java.time.Clock;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * The aggregator, asked by one thread. Answers are parsed, not verified: {@link IssuerKeys} and the readers of each
 * answer do that. Behind a circuit breaker, so that a dead aggregator costs an agent and its network little.
 */
public final class Aggregator {
    /** Longest {@code Retry-After} obeyed; a typo there must not silence a fleet for a day. */
    public static final Duration RETRY_AFTER_MAX = Duration.ofMinutes(5);

    private static final int ANSWER_BYTES_MAX = 4 * 1024 * 1024;
    private static final int PLAIN_BYTES_MAX = 256 * 1024;
    private static final Duration BREAKER_OPEN = Duration.ofSeconds(5);

    private final String issuer;
    private final HttpClient http;
    private final String agent;
    private final Clock clock;
    private @Nullable CircuitBreaker breaker;

    /**
     * @param issuer the aggregator's public URL without a slash at the end
     * @param clock of the process; the breaker waits by it
     */
    public Aggregator(String issuer, HttpClient http, String version, Clock clock) {
        this.issuer = issuer;
        this.http = http;
        this.agent = "tallystick-agent/" + version;
        this.clock = clock;
    }

    /** Made with the first exchange: an agent that starts has leases to answer from first. */
    private synchronized CircuitBreaker breaker() {
        CircuitBreaker made = breaker;
        if (made == null) {
            made = CircuitBreaker.of(
                    "aggregator",
                    CircuitBreakerConfig.custom()
                            .clock(clock)
                            .currentTimestampFunction(c -> c.millis(), TimeUnit.MILLISECONDS)
                            .slidingWindowSize(10)
                            .minimumNumberOfCalls(5)
                            .failureRateThreshold(80)
                            .waitDurationInOpenState(BREAKER_OPEN)
                            .permittedNumberOfCallsInHalfOpenState(1)
                            .recordException(e -> e instanceof IOException || e instanceof Unreachable)
                            .build());
            breaker = made;
        }
        return made;
    }

    /** What {@code iss} of every lease and {@code url} of every request start with. */
    public String issuer() {
        return issuer;
    }

    /** The {@code url} header of a request to this path. */
    public String url(String path) {
        return issuer + path;
    }

    /** Posts a signed body and reads the signed answer, which is not verified yet. */
    public Jws post(String path, Jws signed, Typ answer) throws Unreachable, Refused {
        HttpReply reply = exchange("POST", path, signed.flattened(), ANSWER_BYTES_MAX);
        try {
            return Jws.parseFlattened(reply.body(), answer);
        } catch (Failure e) {
            throw new Unreachable("the answer to " + path + " is not signed as it should be: " + e.detail());
        }
    }

    /** Reads a JSON object, for keys. */
    public Map<String, Object> get(String path) throws Unreachable, Refused {
        HttpReply reply = exchange("GET", path, null, PLAIN_BYTES_MAX);
        try {
            return Json.parseObject(reply.body());
        } catch (Failure e) {
            throw new Unreachable("the answer to " + path + " is not JSON: " + e.detail());
        }
    }

    private HttpReply exchange(String method, String path, byte @Nullable [] body, int max)
            throws Unreachable, Refused {
        Map<String, String> headers = new LinkedHashMap<>();
        headers.put("User-Agent", agent);
        headers.put("Accept", body == null ? "application/json" : Wire.JOSE_JSON + ", application/problem+json");
        if (body != null) {
            headers.put("Content-Type", Wire.JOSE_JSON);
        }
        HttpReply reply;
        try {
            reply = breaker().executeCallable(() -> {
                HttpReply r = http.send(method, URI.create(issuer + path), headers, body, max);
                if (r.status() >= 500 || r.status() == 429) {
                    throw new Unreachable("the aggregator answers " + r.status(), bounded(r.retryAfterSeconds()));
                }
                return r;
            });
        } catch (CallNotPermittedException e) {
            throw new Unreachable("paused after repeated failures");
        } catch (IOException e) {
            throw new Unreachable("the aggregator cannot be reached: " + e);
        } catch (Unreachable e) {
            throw e;
        } catch (Exception e) {
            throw new IllegalStateException(e);
        }
        if (reply.status() >= 400) {
            throw refused(reply);
        }
        if (reply.status() / 100 != 2) {
            throw new Unreachable("the aggregator answers " + reply.status() + ", which the protocol does not have");
        }
        return reply;
    }

    private static Optional<Duration> bounded(Optional<Long> seconds) {
        return seconds.map(s -> Duration.ofSeconds(Math.min(s, RETRY_AFTER_MAX.toSeconds())));
    }

    private static Refused refused(HttpReply reply) throws Unreachable {
        Map<String, Object> problem;
        try {
            problem = Json.parseObject(reply.body());
        } catch (Failure e) {
            problem = Map.of();
        }
        if (!(problem.get("code") instanceof String code)) {
            // A captive portal or a proxy, not the aggregator.
            throw new Unreachable("something answers " + reply.status() + " that is not the aggregator");
        }
        Map<String, Object> present = new LinkedHashMap<>();
        problem.forEach((k, v) -> {
            if (v != null) {
                present.put(k, v);
            }
        });
        String detail = problem.get("detail") instanceof String d ? d : code;
        return new Refused(reply.status(), code, detail, present);
    }

    /** Ends the exchange under way, for a quick stop. */
    public void abort() {
        http.abort();
    }
}
