package io.tallystick.aggregator.app;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.tallystick.aggregator.web.HttpLimits;
import io.tallystick.common.json.Json;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.Socket;
import java.net.http.HttpRequest;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What a client can send wrong, on the wire: each gets a problem document and changes nothing. */
class HttpEdgeTest {
    private static final Pattern HEAD = Pattern.compile("(?is)^HTTP/.*?content-length: (\\d+)\r\n(?:.*?\r\n)?\r\n");
    private static final int WAIT_MS = 10_000;

    @RegisterExtension
    static final RunningAggregator RUNNING = RunningAggregator.with();

    /** Sends bytes as they are and reads one answer, whether or not the server closes after it. */
    private static String raw(String request) throws IOException {
        try (Socket socket = new Socket("127.0.0.1", RUNNING.running().port())) {
            socket.setSoTimeout(WAIT_MS);
            socket.getOutputStream().write(request.getBytes(StandardCharsets.ISO_8859_1));
            ByteArrayOutputStream answer = new ByteArrayOutputStream();
            for (int b = 0; b >= 0 && !isWhole(answer.toString(StandardCharsets.UTF_8)); ) {
                b = socket.getInputStream().read();
                if (b >= 0) {
                    answer.write(b);
                }
            }
            return answer.toString(StandardCharsets.UTF_8);
        }
    }

    private static boolean isWhole(String answer) {
        Matcher head = HEAD.matcher(answer);
        return head.find()
                && answer.substring(head.end()).getBytes(StandardCharsets.UTF_8).length
                        >= Integer.parseInt(head.group(1));
    }

    private static void assertProblem(String answer, int status, String code) {
        assertTrue(answer.matches("(?s)HTTP/1\\.[01] " + status + " .*"), answer);
        assertTrue(answer.contains("application/problem+json"), answer);
        assertTrue(answer.contains("\"code\":\"" + code + "\""), answer);
        assertTrue(answer.contains("\"correlationId\":\"req-"), answer);
    }

    private static HttpRequest.Builder request(String path) {
        return HttpRequest.newBuilder(RUNNING.http().uri(path)).header("Authorization", "Bearer " + RUNNING.operator());
    }

    private static Http.Answer accounts(String contentType, String body) {
        return RUNNING.http()
                .send(request("/v1/accounts")
                        .header("Content-Type", contentType)
                        .POST(HttpRequest.BodyPublishers.ofString(body))
                        .build());
    }

    @Test
    void whatIsNotHttpIsAProblem() throws IOException {
        assertProblem(raw("NONSENSE\r\n\r\n"), 400, "invalid-request");
        assertProblem(raw("GET /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: many\r\n\r\n"), 400, "invalid-request");
        assertProblem(raw("GET /healthz HTTP/1.1\r\nHost: x\r\nbad header\r\n\r\n"), 400, "invalid-request");
    }

    @Test
    void theHeadersAndTheRequestLineAreBounded() throws IOException {
        String close = " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n";
        int fits = HttpLimits.REQUEST_LINE_BYTES_MAX - "GET /healthz?x= HTTP/1.1".length() - 2;
        assertProblem(raw("GET /healthz?x=" + "a".repeat(fits) + close + "\r\n"), 400, "invalid-request");
        assertProblem(
                raw("GET /healthz?x=" + "a".repeat(HttpLimits.REQUEST_LINE_BYTES_MAX) + close + "\r\n"),
                413,
                "too-large");
        assertTrue(raw("GET /healthz" + close + "X: " + "a".repeat(HttpLimits.HEADER_BYTES_MAX - 200) + "\r\n\r\n")
                .startsWith("HTTP/1.1 200 "));
        assertProblem(
                raw("GET /healthz" + close + "X: " + "a".repeat(HttpLimits.HEADER_BYTES_MAX) + "\r\n\r\n"),
                413,
                "too-large");
    }

    @ParameterizedTest
    @ValueSource(strings = {"/healthz?%zz", "/v1/accounts/%zz", "/%", "/v1/accounts?limit=%f"})
    void aMalformedTargetIsAProblem(String target) throws IOException {
        String answer = raw("GET " + target + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer "
                + RUNNING.operator() + "\r\n\r\n");
        assertTrue(answer.startsWith("HTTP/1.1 4"), answer);
        assertTrue(answer.contains("application/problem+json"), answer);
    }

    @ParameterizedTest
    @ValueSource(strings = {"language=%zz", "language=%f", "%=en"})
    void aFormThatIsNotWellEscapedIsTheSendersMistake(String form) {
        RUNNING.http()
                .send(HttpRequest.newBuilder(RUNNING.http().uri("/portal/language"))
                        .header("Content-Type", "application/x-www-form-urlencoded")
                        .POST(HttpRequest.BodyPublishers.ofString(form))
                        .build())
                .expect(400);
    }

    @Test
    void theBodyIsBounded() {
        String name = "x".repeat(HttpLimits.BODY_BYTES_MAX + 1);
        Http.Answer answer = accounts("application/json", name).expect(413);
        assertEquals("too-large", answer.get("code"));
        // Without a length in the head it is found while reading.
        Http.Answer chunked = RUNNING.http()
                .send(request("/v1/accounts")
                        .header("Content-Type", "application/json")
                        .POST(HttpRequest.BodyPublishers.fromPublisher(HttpRequest.BodyPublishers.ofString(name)))
                        .build())
                .expect(413);
        assertEquals("too-large", chunked.get("code"));
        String fits = " ".repeat(HttpLimits.BODY_BYTES_MAX - 2) + "{}";
        assertEquals(
                "invalid-request",
                accounts("application/json", fits).expect(400).get("code"));
    }

    @Test
    void onlyTheDeclaredContentTypeIsTaken() {
        assertEquals(
                "unsupported-media-type",
                accounts("text/plain", "{}").expect(415).get("code"));
        accounts("application/json; charset=latin1", "{}").expect(415);
        accounts("application/json; charset=UTF-8", "{}").expect(400);
        RUNNING.http()
                .send(request("/v1/accounts")
                        .POST(HttpRequest.BodyPublishers.ofString("{}"))
                        .build())
                .expect(415);
        RUNNING.http()
                .send(request("/v1/accounts")
                        .header("Content-Type", "application/json")
                        .header("Content-Encoding", "gzip")
                        .POST(HttpRequest.BodyPublishers.ofString("{}"))
                        .build())
                .expect(415);
    }

    @Test
    void aBodyWhereNoneIsTakenIsRefused() {
        Http.Answer answer = RUNNING.http().send("DELETE", "/v1/tokens/none", RUNNING.operator(), "{}");
        assertEquals("this operation takes no body", answer.expect(400).get("detail"));
    }

    @Test
    void unknownAndRepeatedQueryParametersAreRefusedTogether() {
        Http.Answer answer = RUNNING.http()
                .get("/v1/accounts?limit=1&limit=2&sort=name", RUNNING.operator())
                .expect(400);
        assertEquals(2, answer.list("errors").size(), answer.text());
    }

    @ParameterizedTest
    @ValueSource(strings = {"limit=0", "limit=1001", "limit=x", "limit=", "after=%00", "after=!", "after=AAAA"})
    void aPageOutsideItsBoundsIsRefused(String query) {
        Http.Answer answer =
                RUNNING.http().get("/v1/accounts?" + query, RUNNING.operator()).expect(400);
        assertEquals("invalid-request", answer.get("code"));
    }

    @Test
    void unknownFieldsDuplicateKeysAndTrailingDataAreRefused() {
        Http.Answer unknown = accounts("application/json", "{\"kind\":\"buyer\",\"name\":\"n\",\"admin\":true}")
                .expect(400);
        assertEquals("admin", unknown.list("errors").get(0).get("path"));
        for (String body : List.of("{\"a\":1,\"a\":2}", "{} {}", "[]", "", "\"x\"", "{\"a\":NaN}", "\uFEFF{}")) {
            assertEquals(
                    "invalid-json",
                    accounts("application/json", body).expect(400).get("code"),
                    body);
        }
    }

    /** JSON can carry it, PostgreSQL's text cannot: it must not become a fault of ours. */
    @Test
    void aNulCharacterIsRefusedWhereverItStands() {
        accounts("application/json", "{\"kind\":\"buyer\",\"name\":\"a\\u0000b\"}")
                .expect(400);
        RUNNING.http().get("/v1/accounts/%00", RUNNING.operator()).expect(400);
        RUNNING.http().get("/v1/agreements?product=%00", RUNNING.operator()).expect(400);
    }

    @Test
    void anUnknownPathIs404AndAnUnknownMethod405WithWhatIsAllowed() {
        assertEquals(
                "not-found",
                RUNNING.http().get("/v2/accounts", null).expect(404).get("code"));
        Http.Answer answer =
                RUNNING.http().send("PATCH", "/v1/accounts", null, null).expect(405);
        assertEquals("method-not-allowed", answer.get("code"));
        assertEquals("GET, POST", answer.header("Allow"));
    }

    @Test
    void aWellFormedCorrelationIdIsKeptAndAnyOtherReplaced() {
        Http.Answer kept = RUNNING.http()
                .send(HttpRequest.newBuilder(RUNNING.http().uri("/healthz"))
                        .header("Tallystick-Correlation-Id", "my.id-1")
                        .build());
        assertEquals("my.id-1", kept.header("Tallystick-Correlation-Id"));
        Http.Answer replaced = RUNNING.http()
                .send(HttpRequest.newBuilder(RUNNING.http().uri("/healthz"))
                        .header("Tallystick-Correlation-Id", "a b")
                        .build());
        assertTrue(replaced.header("Tallystick-Correlation-Id").startsWith("req-"));
    }

    @Test
    void aBodyIsNotReadBeforeItsSenderIsKnown() throws IOException {
        String answer = raw("POST /v1/accounts HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                + "Content-Length: 1000000\r\nConnection: close\r\n\r\n");
        assertProblem(answer, 401, "unauthenticated");
    }

    @Test
    void healthMetricsAndReadinessNeedNoToken() {
        assertEquals("up", RUNNING.http().get("/healthz", null).expect(200).get("status"));
        assertEquals("ready", RUNNING.http().get("/readyz", null).expect(200).get("status"));
        String metrics = RUNNING.http().get("/metrics", null).expect(200).text();
        assertTrue(metrics.contains("tallystick_http_requests_seconds_count{operation=\"getHealth\",status=\"200\"}"));
        assertTrue(metrics.contains("jvm_memory_used_bytes"));
    }

    @Test
    void aNewerProgramsMigrationLeavesThisOneReady() {
        RUNNING.database()
                .execute("INSERT INTO schema_history (installed_rank, version, description, type, script, installed_by,"
                        + " execution_time, success) VALUES (999, '999', 'later', 'SQL', 'V999.sql', 'x', 1, true)");
        RUNNING.http().get("/readyz", null).expect(200);
        RUNNING.database().execute("DELETE FROM schema_history WHERE installed_rank = 999");
    }

    @Test
    void aSchemaThatLacksAMigrationMakesTheProcessNotReady() {
        RUNNING.database().execute("UPDATE schema_history SET success = false WHERE version = '2'");
        assertEquals(
                "unavailable", RUNNING.http().get("/readyz", null).expect(503).get("code"));
        RUNNING.database().execute("UPDATE schema_history SET success = true WHERE version = '2'");
        RUNNING.http().get("/readyz", null).expect(200);
    }

    @Test
    void pagesFollowEachOtherWithoutGapOrRepeat() {
        for (int i = 0; i < 5; i++) {
            RUNNING.account("buyer");
        }
        List<Object> all = RUNNING.http().get("/v1/accounts", RUNNING.operator()).list("items").stream()
                .map(item -> item.get("id"))
                .toList();
        List<Object> paged = new java.util.ArrayList<>();
        String query = "?limit=2";
        while (!query.isEmpty()) {
            Http.Answer page = RUNNING.http()
                    .get("/v1/accounts" + query, RUNNING.operator())
                    .expect(200);
            page.list("items").forEach(item -> paged.add(item.get("id")));
            Object next = page.json().get("next");
            query = next == null ? "" : "?limit=2&after=" + next;
        }
        assertEquals(Json.write(all), Json.write(paged));
        assertTrue(all.size() >= 5);
    }
}
