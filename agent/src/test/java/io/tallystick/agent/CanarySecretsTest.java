package io.tallystick.agent;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.tallystick.agent.app.AgentConfig;
import io.tallystick.agent.app.Main;
import io.tallystick.common.error.Failure;
import io.tallystick.common.jose.Base64Url;
import io.tallystick.common.json.Json;
import io.tallystick.common.wire.Decision;
import io.tallystick.common.wire.JoinCode;
import io.tallystick.testkit.Canaries;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.logging.Handler;
import java.util.logging.Level;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import java.util.logging.SimpleFormatter;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Secrets are planted wherever the agent holds any, and whatever it writes is searched for them: the log, answers, metrics,
 * and what its commands print. Its key may be in one place only, the state file.
 */
class CanarySecretsTest {
    private static final String CODE = "jc-01kahxq2zs8d5n0v3m7w9k2pxb.xaqN9D-fg3vtt0QvMdy3sWbThTUHbwlLhc46LgtEWPc";
    private static final Logger ROOT = Logger.getLogger("");
    private static final Logger OURS = Logger.getLogger("io.tallystick");

    @TempDir
    @SuppressWarnings("NullAway.Init")
    Path dir;

    private final Canaries secrets = new Canaries();
    private final String token = secrets.plant("local token", "kanarie-token-4f7Z9qxWv31mT0pLs");
    private final Written log = new Written();

    /** All that is logged: everything of ours, of others what is logged without configuration. */
    private static final class Written extends Handler {
        private final ConcurrentLinkedQueue<String> lines = new ConcurrentLinkedQueue<>();
        private final SimpleFormatter formatter = new SimpleFormatter();

        Written() {
            setLevel(Level.ALL);
        }

        @Override
        public void publish(LogRecord logged) {
            lines.add(formatter.format(logged));
        }

        @Override
        public void flush() {}

        @Override
        public void close() {}
    }

    @BeforeEach
    void listen() {
        secrets.plant("join code", CODE.substring(CODE.indexOf('.') + 1));
        secrets.plant("join code", Base64Url.decode(CODE.substring(CODE.indexOf('.') + 1)));
        OURS.setLevel(Level.ALL);
        ROOT.addHandler(log);
    }

    @AfterEach
    void stopListening() {
        ROOT.removeHandler(log);
        OURS.setLevel(null);
    }

    private void assertNone(String where, String text) {
        assertEquals(List.of(), secrets.in(text), () -> where + ": " + text);
    }

    /** Looks out for the agent's private key, too. */
    private void plantKey(Path state) throws Exception {
        List<Path> files;
        try (var found = Files.list(state)) {
            files = found.filter(f -> {
                        try (var in = Files.newInputStream(f)) {
                            return new String(in.readNBytes(15), StandardCharsets.ISO_8859_1).equals("SQLite format 3");
                        } catch (IOException e) {
                            return false;
                        }
                    })
                    .toList();
        }
        assertEquals(1, files.size());
        try (Connection db = DriverManager.getConnection("jdbc:sqlite:" + files.get(0));
                ResultSet seed = db.createStatement().executeQuery("SELECT v FROM meta WHERE k = 'seed'")) {
            assertTrue(seed.next());
            secrets.plant("agent key", Base64Url.decode(seed.getString(1)));
        }
    }

    private String text(Rig.Reply reply) {
        return new String(reply.body(), StandardCharsets.UTF_8);
    }

    @Test
    void neitherAnswersNorTheLogOfALifeWithFaultsHoldASecret() throws Exception {
        Path tokenFile = Files.writeString(dir.resolve("token"), token + "\n");
        Path state = dir.resolve("state");
        List<String> answers = new ArrayList<>();
        List<String> leases = new ArrayList<>();
        try (Rig rig = new Rig(dir);
                FakeOutscale cloud = new FakeOutscale("i-0a1b2c3d")) {
            rig.aggregator.joinCode(CODE);
            cloud.set("placement/availability-zone", "eu-west-2a");
            cloud.userData("#!/bin/sh\n# tallystick-join-code=" + CODE + "\n");
            rig.aggregator.away(true);
            Rig.Running agent = rig.agent(cloud.url(), state, "token.file=" + tokenFile);
            Map<String, String> bearer = Map.of("Authorization", "Bearer " + token, "Content-Type", "application/json");
            Rig.until("a failed enrollment", () -> text(agent.send("GET", "/v1/status", null, bearer))
                    .contains("lastError\":{"));
            answers.add(text(agent.send("GET", "/v1/status", null, bearer)));
            rig.aggregator.away(false);
            Rig.until("an entitlement", () -> {
                Rig.Reply reply = agent.send("GET", "/v1/entitlement?wait=5s&nonce=0123456789abcdef", null, bearer);
                leases.add(String.valueOf(reply.json().get("lease")));
                answers.add(text(reply));
                return "allow".equals(reply.text("decision"));
            });

            List<String> planted = List.of(token, CODE);
            for (String path :
                    List.of("/v1/entitlement", "/v1/usage", "/v1/status", "/v1/sent", "/healthz", "/metrics")) {
                for (String method : List.of("GET", "POST")) {
                    for (String secret : planted) {
                        byte[] body = Json.writeBytes(Json.object(
                                "dimension",
                                secret,
                                "quantity",
                                secret,
                                "product",
                                secret,
                                "idempotencyKey",
                                secret,
                                "time",
                                secret,
                                "tags",
                                Json.object("a", secret)));
                        byte[] sent = method.equals("GET") ? null : body;
                        // Whoever names a product or a nonce is answered by that name; the log is for others.
                        agent.send(method, path, sent, bearer);
                        agent.send(method, path + "?product=" + secret, sent, bearer);
                        agent.send(method, path + "?nonce=" + secret, sent, bearer);
                        agent.send(method, path + "?limit=" + secret, sent, bearer);
                        answers.add(text(agent.send(
                                method,
                                path,
                                sent,
                                Map.of("Authorization", "Bearer x" + secret, "Content-Type", "application/json"))));
                    }
                }
            }
            for (String operation : List.of("MeterUsage", "RegisterUsage", "Nothing")) {
                for (String secret : planted) {
                    answers.add(text(agent.send(
                            "POST",
                            "/",
                            Json.writeBytes(Json.object(
                                    "ProductCode",
                                    secret,
                                    "UsageDimension",
                                    secret,
                                    "Timestamp",
                                    secret,
                                    "Nonce",
                                    secret,
                                    "ClientToken",
                                    secret)),
                            Map.of(
                                    "Content-Type",
                                    "application/x-amz-json-1.1",
                                    "X-Amz-Target",
                                    "AWSMPMeteringService." + operation))));
                }
            }
            assertEquals(
                    200,
                    agent.send(
                                    "POST",
                                    "/v1/usage",
                                    Json.writeBytes(Json.object("dimension", "requests", "quantity", "1")),
                                    bearer)
                            .status());
            rig.aggregator.dropResponses(2);
            rig.aggregator.outcome(Decision.Outcome.DENY);
            rig.time.advance(Duration.ofHours(13));
            Rig.until("a denial", () -> text(agent.send("GET", "/v1/status", null, bearer))
                    .contains("\"DENIED\""));
            answers.add(text(agent.send("GET", "/v1/sent", null, bearer)));
            answers.add(text(agent.send("GET", "/metrics", null, bearer)));
            for (String command : List.of("status", "verify", "show-sent", "meter --dimension requests --quantity 1")) {
                answers.add(
                        run((command + " --url " + agent.agent.endpoint() + " --token-file " + tokenFile).split(" ")));
                answers.add(run((command + " --url " + agent.agent.endpoint()).split(" ")));
            }
            agent.close();
            // Nobody else may open the file while it runs.
            plantKey(state);
            // A state folder that others can read would be a leak of its own.
            assertEquals(
                    "rwx------",
                    java.nio.file.attribute.PosixFilePermissions.toString(Files.getPosixFilePermissions(state)));
        }
        assertFalse(log.lines.isEmpty(), "the log is listened to");
        answers.forEach(answer -> assertNone("an answer", answer));
        Canaries signed = new Canaries();
        leases.stream()
                .filter(lease -> lease.contains("."))
                .forEach(lease -> signed.plant("lease", lease.substring(lease.lastIndexOf('.') + 1)));
        assertNotEquals(List.of(), signed.texts());
        for (String line : log.lines) {
            assertNone("the log", line);
            assertEquals(List.of(), signed.in(line), line);
        }
    }

    private static String run(String... args) {
        StringWriter out = new StringWriter();
        PrintWriter writer = new PrintWriter(out, true);
        Main.execute(writer, writer, args);
        return out.toString();
    }

    @Test
    void aWrongConfigurationDoesNotTellASecret() throws Exception {
        Path tokenFile = Files.writeString(dir.resolve("token"), token + "\n");
        Path codeFile = Files.writeString(dir.resolve("code"), CODE + "\n");
        Path conf = Files.writeString(
                dir.resolve("agent.conf"),
                String.join(
                        "\n",
                        "aggregator.url = https://u:" + token + "@tally.example",
                        "metadata.url = http://u:" + token + "@127.0.0.1/?token=" + token,
                        "state.dir = " + dir.resolve("state"),
                        "token " + token,
                        "token = " + token,
                        "token.file = " + tokenFile,
                        "join-code = " + CODE,
                        "join-code.file = " + codeFile,
                        "listen.port = " + token,
                        "aggregator.proxy = " + CODE + ":x"));
        for (String command : List.of("run --config " + conf, "run --help", "--help", "verify --help")) {
            assertNone(command, run(command.split(" ")));
        }
        Failure failure = org.junit.jupiter.api.Assertions.assertThrows(
                Failure.class, () -> AgentConfig.read(io.tallystick.common.config.ConfigFile.read(conf)));
        assertNone("the failure", failure + " " + failure.problems());
        log.lines.forEach(line -> assertNone("the log", line));
    }

    /** Somebody logs it one day, or a debugger's dump has it. */
    @Test
    void whatHoldsASecretDoesNotPrintIt() throws Exception {
        Path tokenFile = Files.writeString(dir.resolve("token"), token + "\n");
        try (Rig rig = new Rig(dir)) {
            AgentConfig config =
                    rig.config(URI.create("http://127.0.0.1:1"), dir.resolve("state"), "token.file=" + tokenFile);
            assertTrue(config.token().isPresent());
            assertNone("the settings", config.toString());
            assertNone("the settings shown", String.join("\n", config.effective()));
            assertNone("the join code", JoinCode.parse(CODE).toString());
        }
    }
}
