package io.tallystick.sandbox;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.net.httpserver.HttpServer;
import io.tallystick.common.json.Json;
import io.tallystick.testkit.NeedsTool;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** S21: what goes out has no published weakness that nobody looked at. */
class AdvisoriesTest {
    private static final Path ROOT = Path.of(System.getProperty("tallystick.root"));

    /**
     * Asks the database that {@code TALLYSTICK_ADVISORIES} names, {@code https://api.osv.dev} for one. Advisories that do not
     * concern us stand in {@code deploy/advisories.accepted}, each with the reason.
     */
    @ParameterizedTest
    @ValueSource(strings = {"agent", "aggregator"})
    @NeedsTool("advisories")
    void s21NoShippedLibraryHasAnAdvisoryNobodyLookedAt(String program) throws Exception {
        Set<String> found = new Advisories(URI.create(System.getenv("TALLYSTICK_ADVISORIES")))
                .about(ROOT.resolve(program).resolve("target/app/sbom.json"));
        found.removeAll(accepted());
        assertEquals(Set.of(), found);
    }

    @Test
    void everyAcceptedAdvisoryHasAReason() throws IOException {
        accepted();
    }

    @Test
    void advisoriesAreFoundByTheComponentTheyAreAbout(@TempDir Path dir) throws Exception {
        List<String> asked = new ArrayList<>();
        HttpServer database =
                database(asked, "{\"results\":[{},{\"vulns\":[{\"id\":\"GHSA-1\"},{\"id\":\"GHSA-2\"}]}]}");
        try {
            Path sbom = Files.write(
                    dir.resolve("sbom.json"),
                    Json.writeBytes(Json.object(
                            "components",
                            List.of(
                                    Map.of("purl", "pkg:maven/org.example/good@1.0?type=jar"),
                                    Map.of("purl", "pkg:maven/org.example/bad@2.0?type=jar")))));
            assertEquals(
                    Set.of("pkg:maven/org.example/bad@2.0 GHSA-1", "pkg:maven/org.example/bad@2.0 GHSA-2"),
                    new Advisories(uri(database)).about(sbom));
            assertEquals(
                    List.of("{\"queries\":[{\"package\":{\"purl\":\"pkg:maven/org.example/good@1.0\"}},"
                            + "{\"package\":{\"purl\":\"pkg:maven/org.example/bad@2.0\"}}]}"),
                    asked);
        } finally {
            database.stop(0);
        }
    }

    @Test
    void anAnswerThatIsNotAboutEachComponentIsNotTakenForAllClear(@TempDir Path dir) throws Exception {
        HttpServer database = database(new ArrayList<>(), "{\"results\":[]}");
        try {
            Path sbom = Files.writeString(
                    dir.resolve("sbom.json"), "{\"components\":[{\"purl\":\"pkg:maven/org.example/good@1.0\"}]}");
            assertThrows(IOException.class, () -> new Advisories(uri(database)).about(sbom));
        } finally {
            database.stop(0);
        }
    }

    private static Set<String> accepted() throws IOException {
        Set<String> accepted = new TreeSet<>();
        for (String line : Files.readAllLines(ROOT.resolve("deploy/advisories.accepted"))) {
            if (!line.isBlank() && !line.startsWith("#")) {
                String[] parts = line.split(" ", 3);
                assertTrue(parts.length == 3 && parts[2].length() > 20, "package, advisory, reason: " + line);
                accepted.add(parts[0] + " " + parts[1]);
            }
        }
        return accepted;
    }

    private static HttpServer database(List<String> asked, String answer) throws IOException {
        HttpServer server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.createContext("/v1/querybatch", exchange -> {
            asked.add(new String(exchange.getRequestBody().readAllBytes(), UTF_8));
            byte[] body = answer.getBytes(UTF_8);
            exchange.sendResponseHeaders(200, body.length);
            exchange.getResponseBody().write(body);
            exchange.close();
        });
        server.start();
        return server;
    }

    private static URI uri(HttpServer server) {
        return URI.create("http://127.0.0.1:" + server.getAddress().getPort());
    }
}
