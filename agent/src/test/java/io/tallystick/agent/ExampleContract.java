package io.tallystick.agent;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.tallystick.common.error.ErrorCode;
import io.tallystick.common.jose.Base64Url;
import io.tallystick.common.json.Json;
import io.tallystick.common.model.Quantity;
import io.tallystick.common.wire.Decision;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What every example promises, in whatever language. */
abstract class ExampleContract {
    /** Codes whose record is sent again with the same key, without asking anybody. */
    private static final Set<ErrorCode> RETRY = Set.of(
            ErrorCode.UNKNOWN, ErrorCode.RATE_LIMITED, ErrorCode.OVERLOADED, ErrorCode.UNAVAILABLE, ErrorCode.INTERNAL);
    /** Codes of a report that will never be taken. */
    private static final Set<ErrorCode> DROP = Set.of(
            ErrorCode.INVALID_REQUEST,
            ErrorCode.INVALID_JSON,
            ErrorCode.TOO_LARGE,
            ErrorCode.UNSUPPORTED_MEDIA_TYPE,
            ErrorCode.METHOD_NOT_ALLOWED,
            ErrorCode.IDEMPOTENCY_CONFLICT,
            ErrorCode.UNKNOWN_DIMENSION,
            ErrorCode.OUT_OF_RANGE,
            ErrorCode.TOO_LATE,
            ErrorCode.SLOT_TAKEN,
            ErrorCode.KIND_TAKEN);

    private static final Set<ErrorCode> SETUP =
            Set.of(ErrorCode.UNAUTHENTICATED, ErrorCode.FORBIDDEN, ErrorCode.NOT_FOUND, ErrorCode.UNKNOWN_PRODUCT);
    /** Codes that stand between other parts of the system. */
    private static final Set<ErrorCode> NOT_SENT = Set.of(
            ErrorCode.NOT_ACCEPTABLE,
            ErrorCode.ALREADY_EXISTS,
            ErrorCode.RESOURCE_IN_USE,
            ErrorCode.GAP,
            ErrorCode.NOT_CLOSED,
            ErrorCode.UNKNOWN_KEY_VERSION);

    @TempDir
    @SuppressWarnings("NullAway.Init")
    Path dir;

    /** The command that starts it. */
    abstract List<String> command() throws IOException;

    /** What it needs beside the variables of all examples. */
    Map<String, String> environment() throws IOException {
        return Map.of();
    }

    /** The codes it is shown; fewer where a call takes long. */
    List<ErrorCode> shown() {
        List<ErrorCode> all = new ArrayList<>(List.of(ErrorCode.values()));
        all.removeAll(NOT_SENT);
        return all;
    }

    private Example start(String url, String issuer, String keys, int units) throws IOException {
        Path file = Files.writeString(dir.resolve("keys.json"), keys);
        Map<String, String> env = new LinkedHashMap<>();
        env.put("TALLYSTICK_AGENT_URL", url);
        env.put("TALLYSTICK_ISSUER", issuer);
        env.put("TALLYSTICK_ISSUER_KEYS", file.toString());
        env.put("TALLYSTICK_PRODUCT", Rig.CODE);
        env.put("EXAMPLE_UNITS", String.valueOf(units));
        env.put("EXAMPLE_PAUSE_MS", "20");
        env.put("EXAMPLE_WAIT", "30");
        // A proxy must not come between it and the agent.
        env.put("http_proxy", "http://127.0.0.1:1");
        env.put("HTTP_PROXY", "http://127.0.0.1:1");
        env.putAll(environment());
        return new Example(command(), env);
    }

    private Example start(Rig rig, Rig.Running agent, int units) throws IOException {
        String x = Base64Url.encode(rig.aggregator.jwk().bytes());
        String kid = rig.aggregator.jwk().thumbprint().toString();
        String keys = Json.write(
                Json.object("keys", List.of(Json.object("kty", "OKP", "crv", "Ed25519", "kid", kid, "x", x))));
        return start(agent.agent.endpoint(), rig.aggregator.url(), keys, units);
    }

    @Test
    void entitledItWorksAndEachUnitIsBilledOnce() throws Exception {
        try (Rig rig = new Rig(dir)) {
            Rig.Running agent = rig.agent(rig.vm(Rig.CODE), dir.resolve("state"));
            try (Example example = start(rig, agent, 3)) {
                assertEquals(0, example.exitCode(), example::output);
                assertEquals(3, example.count("working: unit"));
            }
            agent.drained();
            assertEquals(Quantity.of(3), rig.aggregator.total("requests"));
        }
    }

    @Test
    void deniedItSaysWhyAndDoesNothingAtTheStartAndWhileRunning() throws Exception {
        try (Rig rig = new Rig(dir)) {
            Rig.Running agent = rig.agent(rig.vm(Rig.CODE), dir.resolve("state"));
            try (Example running = start(rig, agent, 0)) {
                running.untilItSays("working: unit 2");
                rig.aggregator.outcome(Decision.Outcome.DENY);
                rig.time.advance(Duration.ofHours(13));
                running.untilItSays("stopped: ");
                running.untilItSays("(DENIED)");
                Map<String, Object> said = agent.get("/v1/entitlement").json();
                for (String part : List.of("code", "sentence", "remedy")) {
                    assertTrue(running.count(String.valueOf(said.get(part))) > 0, running::output);
                }
                try (Example started = start(rig, agent, 1)) {
                    assertEquals(3, started.exitCode(), started::output);
                    assertEquals(0, started.count("working"));
                    assertTrue(started.count(String.valueOf(said.get("remedy"))) > 0, started::output);
                }
                // One unit was done before it could know; it stays to be reported once the owner has mended things.
                agent.drained();
                long units = running.count("working: unit");
                assertEquals(Quantity.of(units - 1), rig.aggregator.total("requests"));
            }
        }
    }

    @Test
    void aFakeAgentIsFoundOut() throws Exception {
        try (ScriptedAgent fake = new ScriptedAgent()) {
            String lease = fake.lease(fake.issuer, "k1", ScriptedAgent.NOW);
            fake.script(r -> new ScriptedAgent.Answer(
                    200,
                    ScriptedAgent.allow(lease, ScriptedAgent.proof(fake.thief, r.nonce(), lease, ScriptedAgent.NOW))));
            try (Example example = start(fake.url(), ScriptedAgent.ISSUER, fake.keySet(), 1)) {
                assertEquals(4, example.exitCode(), example::output);
                assertEquals(0, example.count("working"));
            }
        }
    }

    @Test
    void eachReasonCodeIsReactedTo() throws Exception {
        List<ErrorCode> codes = shown();
        List<String> keys = new ArrayList<>();
        try (ScriptedAgent fake = new ScriptedAgent()) {
            fake.script(r -> {
                if (r.method().equals("GET")) {
                    return fake.allowed(r.nonce());
                }
                synchronized (keys) {
                    // Each code once, each followed by an answer that takes the record.
                    int turn = keys.size();
                    Object body = Json.parse(r.body());
                    Map<?, ?> record = (Map<?, ?>) (body instanceof List<?> list ? list.get(0) : body);
                    keys.add(String.valueOf(record.get("idempotencyKey")));
                    return turn % 2 == 0 && turn / 2 < codes.size()
                            ? problem(codes.get(turn / 2))
                            : ScriptedAgent.Answer.json(200, Json.object("accepted", 1));
                }
            });
            long dropped = codes.stream().filter(DROP::contains).count();
            // A refused record that is kept takes two reports, a dropped one leaves the second to the next unit.
            int units = (int) (codes.size() + dropped);
            try (Example example = start(fake.url(), ScriptedAgent.ISSUER, fake.keySet(), units)) {
                assertEquals(0, example.exitCode(), example::output);
                for (int i = 0; i < codes.size(); i++) {
                    ErrorCode code = codes.get(i);
                    boolean again = keys.get(2 * i).equals(keys.get(2 * i + 1));
                    assertEquals(!DROP.contains(code), again, code + " sent again\n" + example.output());
                    String word = RETRY.contains(code)
                            ? "sent again later: "
                            : DROP.contains(code)
                                    ? "dropped, the program must be mended: "
                                    : SETUP.contains(code) ? "the installation must be mended: " : "stopped: ";
                    assertEquals(1, example.count(word + code.wire() + ":"), code + "\n" + example.output());
                }
                assertEquals(units, example.count("working: unit"));
            }
        }
    }

    private static ScriptedAgent.Answer problem(ErrorCode code) {
        int status =
                switch (code.kind()) {
                    case INVALID -> 400;
                    case UNAUTHENTICATED -> 401;
                    case FORBIDDEN -> 403;
                    case NOT_FOUND -> 404;
                    case METHOD -> 405;
                    case NOT_ACCEPTABLE -> 406;
                    case CONFLICT -> 409;
                    case TOO_LARGE -> 413;
                    case UNSUPPORTED -> 415;
                    case LIMITED -> 429;
                    case UNAVAILABLE -> 503;
                    case INTERNAL -> 500;
                };
        Map<String, Object> problem =
                Json.object("status", status, "code", code.wire(), "detail", code.title(), "remedy", "Ask.");
        if (code.kind() == ErrorCode.Kind.FORBIDDEN && code != ErrorCode.FORBIDDEN) {
            // As an agent says it that knows this VM is denied.
            problem.put("state", "DENIED");
            problem.put("reason", code.wire());
        }
        return ScriptedAgent.Answer.json(status, problem);
    }
}
