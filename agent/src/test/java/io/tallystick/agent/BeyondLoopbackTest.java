package io.tallystick.agent;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.tallystick.agent.app.AgentConfig;
import io.tallystick.common.config.ConfigFile;
import io.tallystick.common.jose.Base64Url;
import io.tallystick.common.json.Json;
import io.tallystick.common.model.Quantity;
import io.tallystick.testkit.NeedsTool;
import java.io.InputStream;
import java.net.Inet4Address;
import java.net.InetAddress;
import java.net.NetworkInterface;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.yaml.snakeyaml.Yaml;

/** Containers reach the agent by an address that is not loopback, with the token and by the names that were set. */
class BeyondLoopbackTest {
    private static final String TOKEN = "0123456789abcdef0123456789abcdef";
    private static final Path COMPOSE = Example.folder().resolve("compose");

    @TempDir
    @SuppressWarnings("NullAway.Init")
    Path dir;

    private Path token;
    private String host;
    private boolean isPrivate;

    @BeforeEach
    void findAddress() throws Exception {
        token = Files.writeString(dir.resolve("token"), TOKEN + "\n");
        Optional<InetAddress> address = Collections.list(NetworkInterface.getNetworkInterfaces()).stream()
                .flatMap(NetworkInterface::inetAddresses)
                .filter(a -> a instanceof Inet4Address && !a.isLoopbackAddress())
                .findFirst();
        assumeTrue(address.isPresent(), "this machine has no address but loopback");
        host = address.orElseThrow().getHostAddress();
        isPrivate = address.orElseThrow().isSiteLocalAddress();
    }

    private int raw(int port, String path, String hostHeader, String more) throws Exception {
        try (Socket s = new Socket(host, port)) {
            s.setSoTimeout(10_000);
            s.getOutputStream()
                    .write(("GET " + path + " HTTP/1.1\r\nHost: " + hostHeader + "\r\n" + more + "\r\n")
                            .getBytes(StandardCharsets.ISO_8859_1));
            s.getOutputStream().flush();
            String head = new String(s.getInputStream().readNBytes(12), StandardCharsets.ISO_8859_1);
            return Integer.parseInt(head.substring(9));
        }
    }

    @Test
    void withoutTheTokenOrByAnotherNameNothingIsAnsweredButHealth() throws Exception {
        try (Rig rig = new Rig(dir)) {
            for (String listen : isPrivate ? List.of(host, "0.0.0.0") : List.of("0.0.0.0")) {
                Rig.Running agent = rig.agent(
                        rig.vm(Rig.CODE),
                        dir.resolve("state-" + listen),
                        "listen.host=" + listen,
                        "listen.names=host.docker.internal:8793",
                        "token.file=" + token);
                URI uri = URI.create(agent.agent.endpoint());
                assertEquals(listen.equals("0.0.0.0") ? "127.0.0.1" : host, uri.getHost());
                int port = uri.getPort();
                String bearer = "Authorization: Bearer " + TOKEN + "\r\n";
                String name = "host.docker.internal:8793";
                assertEquals(200, raw(port, "/v1/status", name, bearer));
                assertEquals(401, raw(port, "/v1/status", name, ""));
                assertEquals(401, raw(port, "/v1/status", name, bearer.replace("ab", "ba")));
                assertEquals(401, raw(port, "/v1/entitlement", name, ""));
                assertEquals(401, raw(port, "/v1/sent", name, ""));
                assertEquals(401, raw(port, "/metrics", name, ""));
                assertEquals(200, raw(port, "/metrics", name, bearer));
                assertEquals(200, raw(port, "/healthz", name, ""));
                assertEquals(403, raw(port, "/v1/status", "evil.test:" + port, bearer));
                assertEquals(403, raw(port, "/healthz", "evil.test:" + port, ""));
                assertEquals(403, raw(port, "/v1/status", name, bearer + "Origin: http://" + name + "\r\n"));
                assertEquals(
                        listen.equals(host) ? 200 : 403, raw(port, "/v1/status", host + ":" + port, bearer), listen);
                // The door that needs no token on loopback needs it here: an SDK cannot send it.
                try (Socket s = new Socket(host, port)) {
                    s.setSoTimeout(10_000);
                    s.getOutputStream()
                            .write(("POST / HTTP/1.1\r\nHost: " + name
                                            + "\r\nContent-Type: application/x-amz-json-1.1\r\n"
                                            + "X-Amz-Target: AWSMPMeteringService.MeterUsage\r\n"
                                            + "Content-Length: 2\r\n\r\n{}")
                                    .getBytes(StandardCharsets.ISO_8859_1));
                    s.getOutputStream().flush();
                    String head = new String(s.getInputStream().readNBytes(10), StandardCharsets.ISO_8859_1);
                    assertTrue(head.startsWith("HTTP/1.1 4") || head.startsWith("HTTP/1.1 5"), head);
                }
                agent.close();
            }
        }
    }

    @Test
    void theSettingsBesideTheComposeFileAreRight() throws Exception {
        AgentConfig c = AgentConfig.read(
                ConfigFile.read(COMPOSE.resolve("agent.conf")).with(List.of("token.file=" + token), dir));
        Map<?, ?> app = app();
        URI url =
                URI.create(String.valueOf(Rig.at(app, "environment", Map.class).get("TALLYSTICK_AGENT_URL")));
        assertEquals(c.listenPort(), url.getPort());
        assertEquals(List.of(url.getAuthority()), c.extraHosts());
        assertEquals(List.of(url.getHost() + ":host-gateway"), app.get("extra_hosts"));
        String mounted = String.valueOf(Rig.at(app, "environment", Map.class).get("TALLYSTICK_AGENT_TOKEN_FILE"));
        assertEquals("/run/secrets/" + Rig.at(app, "secrets", List.class).get(0), mounted);
        String written = Files.readString(COMPOSE.resolve("agent.conf"));
        String file = String.valueOf(secret().get("file"));
        assertTrue(written.contains("token.file = " + file), written);
    }

    /** As the container would run it: its command, with each mounted path replaced by what is mounted there. */
    @Test
    @NeedsTool("python3")
    void theContainersCommandWorksWithTheTokenFile() throws Exception {
        try (Rig rig = new Rig(dir)) {
            int port;
            try (ServerSocket free = new ServerSocket(0)) {
                port = free.getLocalPort();
            }
            rig.agent(
                    rig.vm(Rig.CODE),
                    dir.resolve("state"),
                    "listen.host=0.0.0.0",
                    "listen.port=" + port,
                    "listen.names=" + host + ":" + port,
                    "token.file=" + token);
            String x = Base64Url.encode(rig.aggregator.jwk().bytes());
            String kid = rig.aggregator.jwk().thumbprint().toString();
            Path keys = Files.writeString(
                    dir.resolve("keys.json"),
                    Json.write(Json.object(
                            "keys", List.of(Json.object("kty", "OKP", "crv", "Ed25519", "kid", kid, "x", x)))));
            Map<?, ?> app = app();
            String source = String.valueOf(Rig.at(app, "volumes", List.class).get(0));
            assertEquals("../python:/app:ro", source);
            String mounted = COMPOSE.resolve("../python").normalize().toString();
            List<String> command = ((List<?>) Rig.at(app, "command", List.class))
                    .stream()
                            .map(c -> String.valueOf(c).replace("/app", mounted))
                            .toList();
            Map<String, String> env = new LinkedHashMap<>();
            ((Map<?, ?>) Rig.at(app, "environment", Map.class))
                    .forEach((k, v) -> env.put(String.valueOf(k), String.valueOf(v)));
            env.put("TALLYSTICK_AGENT_URL", "http://" + host + ":" + port);
            env.put("TALLYSTICK_AGENT_TOKEN_FILE", token.toString());
            env.put("TALLYSTICK_ISSUER", rig.aggregator.url());
            env.put("TALLYSTICK_ISSUER_KEYS", keys.toString());
            env.put("TALLYSTICK_PRODUCT", Rig.CODE);
            env.put("EXAMPLE_UNITS", "2");
            env.put("EXAMPLE_PAUSE_MS", "20");
            try (Example example = new Example(command, env)) {
                assertEquals(0, example.exitCode(), example::output);
            }
            Rig.until("two requests", () -> rig.aggregator.total("requests").equals(Quantity.of(2)));
            env.remove("TALLYSTICK_AGENT_TOKEN_FILE");
            env.put("EXAMPLE_WAIT", "0");
            try (Example example = new Example(command, env)) {
                assertEquals(5, example.exitCode(), example::output);
                assertEquals(1, example.count("unauthenticated: "), example::output);
            }
        }
    }

    private static Map<?, ?> compose() throws Exception {
        try (InputStream in = Files.newInputStream(COMPOSE.resolve("compose.yaml"))) {
            return new Yaml().load(in);
        }
    }

    private static Map<?, ?> app() throws Exception {
        return Rig.at(Rig.at(compose(), "services", Map.class), "app", Map.class);
    }

    private static Map<?, ?> secret() throws Exception {
        return Rig.at(Rig.at(compose(), "secrets", Map.class), "agent-token", Map.class);
    }
}
