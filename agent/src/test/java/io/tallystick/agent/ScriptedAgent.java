package io.tallystick.agent;

import com.sun.net.httpserver.HttpServer;
import io.tallystick.common.jose.Base64Url;
import io.tallystick.common.jose.Ed25519;
import io.tallystick.common.jose.Jwk;
import io.tallystick.common.jose.Jws;
import io.tallystick.common.jose.Typ;
import io.tallystick.common.json.Json;
import io.tallystick.common.model.EnrollmentId;
import io.tallystick.common.model.Hash;
import io.tallystick.common.wire.Decision;
import io.tallystick.common.wire.Lease;
import io.tallystick.common.wire.NonceProof;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.function.Function;

/** A program on the agent's port that answers what a test tells it to, with an issuer and keys of its own. */
final class ScriptedAgent implements AutoCloseable {
    static final String ISSUER = "https://tally.example";
    static final String CODE = "code-a";
    static final Instant NOW = Instant.parse("2026-11-21T20:00:00Z");

    /** A key that signs. */
    record Key(Jwk jwk, Ed25519.Signer signer) {
        static Key make() throws GeneralSecurityException {
            KeyPair pair = KeyPairGenerator.getInstance("Ed25519").generateKeyPair();
            return new Key(Jwk.ofBytes(Ed25519.rawPublicKey(pair.getPublic())), Ed25519.signer(pair.getPrivate()));
        }
    }

    /** What came: the nonce is empty where there is none. */
    record Request(String method, String path, String nonce, byte[] body) {}

    /** What goes back. */
    record Answer(int status, byte[] body) {
        static Answer json(int status, Object value) {
            return new Answer(status, Json.writeBytes(value));
        }
    }

    final Key issuer = Key.make();
    final Key agent = Key.make();
    final Key thief = Key.make();
    private final HttpServer server;
    private final ExecutorService pool = Executors.newCachedThreadPool();
    private volatile Function<Request, Answer> script = r -> new Answer(500, new byte[0]);

    ScriptedAgent() throws IOException, GeneralSecurityException {
        server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 8);
        server.createContext("/", exchange -> {
            try (exchange) {
                String query = String.valueOf(exchange.getRequestURI().getQuery());
                String nonce = query.contains("nonce=") ? query.replaceAll("(^|.*&)nonce=([^&]*).*", "$2") : "";
                byte[] body = exchange.getRequestBody().readAllBytes();
                Answer a = script.apply(new Request(
                        exchange.getRequestMethod(), exchange.getRequestURI().getPath(), nonce, body));
                exchange.getResponseHeaders().set("Location", "http://127.0.0.1:1/");
                exchange.sendResponseHeaders(a.status(), a.body().length == 0 ? -1 : a.body().length);
                exchange.getResponseBody().write(a.body());
            }
        });
        server.setExecutor(pool);
        server.start();
    }

    void script(Function<Request, Answer> answers) {
        script = answers;
    }

    String url() {
        return "http://127.0.0.1:" + server.getAddress().getPort();
    }

    String keySet() {
        return Json.write(Json.object(
                "keys",
                List.of(
                        Json.object("kty", "RSA", "kid", "other", "n", "AQAB", "e", "AQAB"),
                        Json.object(
                                "kty",
                                "OKP",
                                "crv",
                                "Ed25519",
                                "kid",
                                "k1",
                                "x",
                                Base64Url.encode(issuer.jwk().bytes())))));
    }

    /** A lease to {@link #agent}'s key. */
    String lease(Key signer, String kid, Instant issuedAt) {
        Lease lease = new Lease(
                ISSUER,
                new EnrollmentId(new UUID(1, 2)),
                CODE,
                issuedAt,
                issuedAt.plus(Lease.DEFAULT_LENGTH),
                agent.jwk().thumbprint(),
                "123456789012",
                "i-0123456789abcdef0",
                "prod-1",
                Decision.Outcome.ALLOW,
                Optional.empty(),
                Optional.empty(),
                Optional.empty());
        return Jws.sign(Jws.Header.issuer(Typ.LEASE, kid), lease.toBytes(), signer.signer())
                .compact();
    }

    static String proof(Key signer, String nonce, String lease, Instant at) {
        Hash hash = Hash.of(lease.getBytes(StandardCharsets.US_ASCII));
        return Jws.sign(
                        Jws.Header.local(Typ.NONCE, signer.jwk()),
                        new NonceProof(nonce, hash, at).toBytes(),
                        signer.signer())
                .compact();
    }

    static byte[] allow(Object lease, Object proof) {
        return Json.writeBytes(Json.object(
                "state",
                "ENTITLED",
                "decision",
                "allow",
                "product",
                CODE,
                "lease",
                lease,
                "expiresAt",
                "2099-01-01T00:00:00Z",
                "nonceProof",
                proof));
    }

    /** What a genuine agent of an entitled VM answers. */
    Answer allowed(String nonce) {
        String lease = lease(issuer, "k1", NOW);
        return new Answer(200, allow(lease, proof(agent, nonce, lease, NOW)));
    }

    @Override
    public void close() {
        server.stop(0);
        pool.shutdownNow();
    }
}
