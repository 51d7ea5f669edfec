package io.tallystick.aggregator.app;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.tallystick.aggregator.portal.Visitor;
import io.tallystick.aggregator.web.Role;
import java.net.http.HttpRequest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Threat: somebody asks so often that nobody else is served, or guesses. Each limit by its own address or caller. */
class RateLimitedTest {
    /** Nothing comes back within a test, however slow the machine. */
    private static final String PER = "/P1D";

    @RegisterExtension
    static final RunningAggregator RUNNING = RunningAggregator.with(
            "listen.proxies=127.0.0.1",
            "limits.requests-per-address=20" + PER,
            "limits.requests-per-caller=10" + PER,
            "limits.requests-per-enrollment=5" + PER,
            "limits.enrollments-per-address=4" + PER,
            "limits.sign-ins-per-address=3" + PER);

    private static Http.Answer from(
            String address, String method, String path, String token, String type, String body) {
        HttpRequest.Builder request = HttpRequest.newBuilder(RUNNING.http().uri(path))
                .header("X-Forwarded-For", address)
                .method(
                        method,
                        body == null ? HttpRequest.BodyPublishers.noBody() : HttpRequest.BodyPublishers.ofString(body));
        if (token != null) {
            request.header("Authorization", "Bearer " + token);
        }
        if (type != null) {
            request.header("Content-Type", type);
        }
        return RUNNING.http().send(request.build());
    }

    private static Http.Answer get(String address, String path, String token) {
        return from(address, "GET", path, token, null, null);
    }

    private static Http.Answer jose(String address, String path) {
        return from(address, "POST", path, null, "application/jose+json", "{}");
    }

    private static void assertLimited(Http.Answer answer, String limit) {
        answer.expect(429);
        assertEquals("rate-limited", answer.get("code"));
        assertEquals(limit, answer.get("limit"));
        assertTrue(Long.parseLong(answer.header("Retry-After")) > 0, answer.header("Retry-After"));
        assertEquals("application/problem+json", answer.header("Content-Type"));
    }

    @Test
    void anAddressIsLimitedWhateverItAsksFor() {
        String address = "198.51.100.1";
        for (int i = 0; i < 5; i++) {
            get(address, "/v1/accounts", null).expect(401);
            get(address, "/nothing/" + i, null).expect(404);
            from(address, "DELETE", "/v1/accounts", null, null, null).expect(405);
            get(address, "/.well-known/jwks.json", null).expect(200);
        }
        assertLimited(get(address, "/v1/accounts", null), "requests-per-address");
        assertLimited(get(address, "/nothing", null), "requests-per-address");
        assertLimited(from(address, "DELETE", "/v1/accounts", null, null, null), "requests-per-address");
        get("198.51.100.2", "/.well-known/jwks.json", null).expect(200);
        get(address, "/healthz", null).expect(200);
        get(address, "/metrics", null).expect(200);
    }

    @Test
    void addressesOfOneIpv6NetworkAreOne() {
        for (int i = 0; i < 20; i++) {
            get("2001:db8::" + i, "/v1/accounts", null).expect(401);
        }
        assertLimited(get("2001:db8::ffff", "/v1/accounts", null), "requests-per-address");
        get("2001:db8:0:1::1", "/v1/accounts", null).expect(401);
    }

    @Test
    void whatAClientWritesItselfIntoTheHeaderBuysNothing() {
        for (int i = 0; i < 20; i++) {
            get("203.0.113." + i + ", 198.51.100.3", "/v1/accounts", null).expect(401);
        }
        assertLimited(get("203.0.113.77, 198.51.100.3", "/v1/accounts", null), "requests-per-address");
    }

    @Test
    void aTokenIsLimitedOverAllAddressesAndApartFromOthers() {
        String token = RUNNING.token(Role.OPERATOR, null);
        for (int i = 0; i < 10; i++) {
            get("198.51.101." + i, "/v1/accounts", token).expect(200);
        }
        assertLimited(get("198.51.101.99", "/v1/accounts", token), "requests-per-caller");
        get("198.51.101.99", "/v1/accounts", RUNNING.token(Role.OPERATOR, null)).expect(200);
    }

    @Test
    void enrollmentsOfAnAddressAreShedBeforeAnythingOfThemIsRead() {
        for (int i = 0; i < 4; i++) {
            assertEquals("invalid-jws", jose("198.51.102.1", "/v1/enrollments").get("code"));
        }
        assertLimited(jose("198.51.102.1", "/v1/enrollments"), "enrollments-per-address");
        assertEquals("invalid-jws", jose("198.51.102.2", "/v1/enrollments").get("code"));
    }

    /** An enrollment's id is no secret: who does not hold its key must not use up what its owner may ask. */
    @Test
    void nobodyUsesUpTheRequestsOfAnothersEnrollment() {
        String path = "/v1/enrollments/" + "A".repeat(43) + "/batches";
        for (int i = 0; i < 5; i++) {
            assertFalse(jose("198.51.103.1", path).status() == 429);
        }
        assertLimited(jose("198.51.103.1", path), "requests-per-enrollment");
        assertFalse(jose("198.51.103.2", path).status() == 429);
    }

    @Test
    void guessingPasswordsEndsAtThePageThatSaysSo() {
        Visitor visitor = new Visitor(RUNNING.http());
        for (int i = 0; i < 3; i++) {
            assertEquals(
                    400, visitor.signIn("nobody" + i + "@example.com", "guess").status());
        }
        Http.Answer refused = visitor.signIn("nobody9@example.com", "guess");
        refused.expect(429);
        assertTrue(refused.header("Content-Type").startsWith("text/html"), refused.header("Content-Type"));
        assertTrue(Long.parseLong(refused.header("Retry-After")) > 0);
    }
}
