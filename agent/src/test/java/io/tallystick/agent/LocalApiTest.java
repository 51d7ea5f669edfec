package io.tallystick.agent;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.tallystick.agent.api.LocalApi;
import java.io.IOException;
import java.net.Socket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Who may speak to the local API, and what it refuses. */
class LocalApiTest {
    @TempDir
    @SuppressWarnings("NullAway.Init")
    Path dir;

    private static String raw(URI agent, String request) throws IOException {
        try (Socket s = new Socket("127.0.0.1", agent.getPort())) {
            s.setSoTimeout(10_000);
            s.getOutputStream().write(request.getBytes(StandardCharsets.ISO_8859_1));
            s.getOutputStream().flush();
            return new String(s.getInputStream().readNBytes(12), StandardCharsets.ISO_8859_1);
        }
    }

    @Test
    void strangersAndMalformedRequestsAreRefused() throws Exception {
        try (Rig rig = new Rig(dir)) {
            Rig.Running agent = rig.agent(rig.vm(Rig.CODE), dir.resolve("state"));
            agent.untilState("ENTITLED");
            URI uri = URI.create(agent.agent.endpoint());
            String own = "Host: 127.0.0.1:" + uri.getPort() + "\r\n";
            assertEquals("HTTP/1.1 200", raw(uri, "GET /healthz HTTP/1.1\r\n" + own + "\r\n"));
            assertEquals("HTTP/1.1 403", raw(uri, "GET /v1/status HTTP/1.1\r\nHost: evil.test\r\n\r\n"));
            assertEquals(
                    "HTTP/1.1 403",
                    raw(uri, "GET /v1/status HTTP/1.1\r\nHost: evil.test:" + uri.getPort() + "\r\n\r\n"));
            assertEquals("HTTP/1.1 403", raw(uri, "GET /v1/status HTTP/1.1\r\nHost: 127.0.0.1:1\r\n\r\n"));
            assertEquals(
                    "HTTP/1.1 403", raw(uri, "GET /v1/status HTTP/1.1\r\n" + own + "Origin: http://127.0.0.1\r\n\r\n"));
            assertEquals(
                    "HTTP/1.1 403",
                    raw(uri, "GET /v1/status HTTP/1.1\r\n" + own + "Sec-Fetch-Site: same-origin\r\n\r\n"));

            byte[] body = "{\"dimension\":\"requests\",\"quantity\":\"1\"}".getBytes(StandardCharsets.UTF_8);
            String json = "application/json";
            assertEquals(
                    415,
                    agent.send("POST", "/v1/usage", body, Map.of("Content-Type", "text/plain"))
                            .status());
            assertEquals(415, agent.send("POST", "/v1/usage", body, Map.of()).status());
            assertEquals(405, agent.get("/v1/usage").status());
            assertEquals(
                    405,
                    agent.send("POST", "/v1/status", body, Map.of("Content-Type", json))
                            .status());
            assertEquals(405, agent.get("/").status());
            assertEquals(404, agent.get("/v1/usage/").status());

            assertEquals(400, agent.get("/v1/entitlement?produkt=x").status());
            assertEquals(400, agent.get("/v1/entitlement?nonce=a&nonce=b").status());
            assertEquals(400, agent.get("/v1/entitlement?wait=61s").status());
            assertEquals(
                    400, agent.get("/v1/entitlement?nonce=" + "n".repeat(256)).status());
            Rig.Reply unknown =
                    agent.post("/v1/usage", Map.of("dimension", "requests", "quantity", "1", "colour", "red"));
            assertEquals(400, unknown.status());
            assertTrue(new String(unknown.body(), StandardCharsets.UTF_8).contains("colour"));
            byte[] big = new byte[LocalApi.BODY_BYTES_MAX + 1];
            java.util.Arrays.fill(big, (byte) ' ');
            assertEquals(
                    "HTTP/1.1 413",
                    raw(
                            uri,
                            "POST /v1/usage HTTP/1.1\r\n" + own + "Content-Type: application/json\r\nContent-Length: "
                                    + big.length + "\r\n\r\n"));
            assertEquals(
                    "HTTP/1.1 413",
                    raw(uri, "POST / HTTP/1.1\r\n" + own + "Content-Length: " + big.length + "\r\n\r\n"));
            assertEquals(
                    400,
                    agent.send("POST", "/v1/usage", "{".getBytes(StandardCharsets.UTF_8), Map.of("Content-Type", json))
                            .status());
            assertEquals(400, agent.post("/v1/usage", java.util.List.of()).status());
            assertTrue(new String(agent.get("/metrics").body(), StandardCharsets.UTF_8)
                    .contains("tallystick_agent_state{state=\"ENTITLED\"} 1"));
            assertEquals(0, rig.aggregator.total("requests").value().signum());
        }
    }

    @Test
    void aTokenFileProtectsTheNativeCalls() throws Exception {
        Path token = dir.resolve("token");
        Files.writeString(token, "s3cret-token\n");
        try (Rig rig = new Rig(dir)) {
            Rig.Running agent = rig.agent(rig.vm(Rig.CODE), dir.resolve("state"), "token.file=" + token);
            assertEquals(401, agent.get("/v1/status").status());
            assertEquals(401, agent.get("/v1/entitlement").status());
            assertEquals(401, agent.meter("requests", "1").status());
            assertEquals(200, agent.get("/healthz").status());
            assertEquals(
                    200,
                    agent.send("GET", "/v1/status", null, Map.of("Authorization", "Bearer s3cret-token"))
                            .status());
        }
    }
}
