package io.tallystick.agent.app;

import com.sun.net.httpserver.HttpExchange;
import io.tallystick.agent.http.LocalServer;
import io.tallystick.common.jose.Base64Url;
import io.tallystick.common.jose.Ed25519;
import io.tallystick.common.jose.Jwk;
import io.tallystick.common.jose.Jws;
import io.tallystick.common.jose.Typ;
import io.tallystick.common.json.Json;
import io.tallystick.common.model.EnrollmentId;
import io.tallystick.common.wire.Answer;
import io.tallystick.common.wire.Decision;
import io.tallystick.common.wire.Lease;
import io.tallystick.common.wire.MeteringPlan;
import io.tallystick.common.wire.Watermark;
import io.tallystick.common.wire.Wire;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * Plays two starts of an agent, the second from its kept lease, with a metadata service and an aggregator of its own on
 * loopback and a state folder that is thrown away. Run by the package's scripts under {@code -XX:ArchiveClassesAtExit}: the
 * classes it uses are those that a start uses, and the JVM keeps them in the form it wants them in.
 */
final class Rehearsal implements AutoCloseable {
    private static final String CODE = "rehearsal";
    private static final String INSTANCE = "i-rehearsal";
    private static final String KID = "rehearsal";
    private static final LocalServer.Caps CAPS = new LocalServer.Caps(
            16, 64 * 1024, 1024L * 1024, Duration.ofSeconds(10), Duration.ofSeconds(10), Duration.ofSeconds(60));

    private final Clock clock = Clock.systemUTC();
    private final ExecutorService threads = Executors.newSingleThreadExecutor();
    private final KeyPair keys;
    private final LocalServer server;
    private final String url;
    private volatile boolean away;

    private Rehearsal() throws Exception {
        this.keys = KeyPairGenerator.getInstance("Ed25519").generateKeyPair();
        this.server = new LocalServer(
                new InetSocketAddress(InetAddress.getByName("127.0.0.1"), 0),
                CAPS,
                threads,
                new LocalServer.Handlers(this::serve, (exchange, failure) -> exchange.close(), cause -> {}),
                clock::instant);
        this.url = "http://127.0.0.1:" + server.address().getPort();
    }

    /** @param args the folder for the state, which is missing or empty, in a folder of the caller's own */
    public static void main(String[] args) throws Exception {
        Main.prepare();
        boolean played = WarmUp.run();
        try (Rehearsal rehearsal = new Rehearsal()) {
            rehearsal.server.start();
            for (int i = 0; i < 2; i++) {
                played &= rehearsal.play(Path.of(args[0]));
                rehearsal.away = true;
            }
        }
        System.exit(played ? 0 : 1);
    }

    /** Whether the agent allowed. No usage: nobody waits for the first call of that, and its classes would be disk. */
    private boolean play(Path state) throws Exception {
        Path file = state.resolveSibling("agent.conf");
        Files.writeString(
                file,
                String.join(
                        "\n",
                        "sandbox = true",
                        "aggregator.url = " + url,
                        "metadata.url = " + url,
                        "state.dir = " + state.toAbsolutePath(),
                        "listen.port = 0"));
        Service.Plain plain = Service.Plain.parse("run", "--config", file.toString(), "--set", "cloud=aws")
                .orElseThrow();
        try (Agent agent = Service.open(plain.config(), plain.settings())) {
            Service.ending(agent, new AtomicBoolean());
            agent.start();
            Service.announce(agent);
            String api = agent.endpoint();
            return !call(api + "/healthz").isEmpty()
                    && call(api + "/v1/entitlement?nonce=rehearsal&wait=30s").contains("\"decision\":\"allow\"");
        }
    }

    private static String call(String address) throws IOException {
        try (var in = URI.create(address).toURL().openStream()) {
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        }
    }

    private void serve(HttpExchange exchange) {
        try (exchange) {
            byte[] answer = answer(
                    exchange.getRequestURI().getPath(),
                    exchange.getRequestBody().readAllBytes());
            exchange.sendResponseHeaders(answer.length == 0 ? 503 : 200, answer.length == 0 ? -1 : answer.length);
            exchange.getResponseBody().write(answer);
        } catch (IOException e) {
            // The agent sees that it has no answer.
            return;
        }
    }

    /** Empty for an aggregator that is away. */
    private byte[] answer(String path, byte[] body) {
        return switch (path) {
            case "/latest/api/token", "/latest/dynamic/instance-identity/rsa2048", "/latest/meta-data/product-codes" ->
                CODE.getBytes(StandardCharsets.US_ASCII);
            case "/latest/dynamic/instance-identity/document" ->
                Json.writeBytes(Json.object(
                        "accountId", "000000000000", "instanceId", INSTANCE, "marketplaceProductCodes", List.of(CODE)));
            case "/.well-known/jwks.json" ->
                Json.writeBytes(Json.object(
                        "keys",
                        List.of(Json.object(
                                "kty",
                                "OKP",
                                "crv",
                                "Ed25519",
                                "kid",
                                KID,
                                "x",
                                Base64Url.encode(Ed25519.rawPublicKey(keys.getPublic()))))));
            case Wire.ENROLLMENTS_PATH -> away ? new byte[0] : enrolled(Jws.parseFlattened(body, Typ.ENROLL));
            default -> new byte[0];
        };
    }

    private byte[] enrolled(Jws request) {
        Instant now = Instant.ofEpochMilli(clock.millis());
        EnrollmentId id = new EnrollmentId(new UUID(1, 1));
        Jwk agent = Objects.requireNonNull(request.header().jwk());
        Lease lease = new Lease(
                url,
                id,
                CODE,
                now,
                now.plus(Lease.DEFAULT_LENGTH),
                agent.thumbprint(),
                "000000000000",
                INSTANCE,
                CODE,
                Decision.Outcome.ALLOW,
                Optional.empty(),
                Optional.empty(),
                Optional.empty());
        Decision allow = new Decision(
                CODE,
                Decision.Outcome.ALLOW,
                Optional.of(sign(Typ.LEASE, lease.toBytes()).compact()),
                Optional.empty(),
                Optional.empty(),
                Optional.empty());
        MeteringPlan plan = new MeteringPlan(
                Duration.ofMinutes(15),
                List.of(new MeteringPlan.Product(
                        CODE,
                        CODE,
                        Duration.ofDays(31),
                        List.of(
                                new MeteringPlan.Dimension("requests", "requests", Optional.empty()),
                                new MeteringPlan.Dimension(
                                        MeteringPlan.UPTIME_DIMENSION, "hours", Optional.empty())))));
        return sign(
                        Typ.ANSWER,
                        new Answer(request.hash(), now, id, "attested", 0, Watermark.START, List.of(allow), plan)
                                .toBytes())
                .flattened();
    }

    private Jws sign(Typ typ, byte[] payload) {
        return Jws.sign(Jws.Header.issuer(typ, KID), payload, Ed25519.signer(keys.getPrivate()));
    }

    @Override
    public void close() {
        server.close();
        threads.shutdownNow();
    }
}
