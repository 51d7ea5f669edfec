package io.tallystick.aggregator.portal;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.tallystick.aggregator.account.Users;
import io.tallystick.aggregator.app.Http;
import io.tallystick.aggregator.app.RunningAggregator;
import io.tallystick.aggregator.web.Role;
import io.tallystick.common.json.Json;
import io.tallystick.testkit.Rule;
import java.net.http.HttpRequest;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Sessions, forms and pages over HTTP, as a browser and as those who would like to be one. */
class PortalTest {
    @RegisterExtension
    static final RunningAggregator RUNNING = RunningAggregator.with();

    private static final String SESSION = "tallystick-session";

    private static Visitor stranger() {
        return new Visitor(RUNNING.http());
    }

    @Test
    void aWrongPasswordAndAnUnknownAddressAreAnsweredAlike() {
        String email = RUNNING.user(Role.OPERATOR, null);
        Http.Answer wrong = stranger().signIn(email, "not the password").expect(400);
        Http.Answer unknown =
                stranger().signIn("nobody@example.com", "not the password").expect(400);
        assertEquals(comparable(unknown, "nobody@example.com"), comparable(wrong, email));
        assertTrue(wrong.text().contains("The e-mail address or the password is wrong."));
    }

    private static String comparable(Http.Answer answer, String email) {
        return answer.text().replace(email, "").replaceAll("value=\"[A-Za-z0-9_-]{43}\"", "");
    }

    @Test
    void theAddressIsTakenInAnySpellingOfItsLetters() {
        String email = RUNNING.user(Role.OPERATOR, null);
        stranger()
                .signIn(email.toUpperCase(java.util.Locale.ROOT), RunningAggregator.PASSWORD)
                .expect(303);
    }

    @Test
    void guessingOnePersonsPasswordIsStoppedAndTimeForgives() {
        String email = RUNNING.user(Role.OPERATOR, null);
        for (int i = 0; i < Users.ATTEMPTS_PER_EMAIL_MAX; i++) {
            stranger().signIn(email, "guess number " + i).expect(400);
        }
        Http.Answer refused =
                stranger().signIn(email, RunningAggregator.PASSWORD).expect(429);
        assertEquals(String.valueOf(Users.THROTTLE_WINDOW.toSeconds()), refused.header("Retry-After"));
        // Somebody else at the same address is not kept out by that.
        stranger()
                .signIn(RUNNING.user(Role.OPERATOR, null), RunningAggregator.PASSWORD)
                .expect(303);
        RUNNING.clock().advance(Users.THROTTLE_WINDOW);
        stranger().signIn(email, RunningAggregator.PASSWORD).expect(303);
    }

    @Test
    void signingInMakesANewSessionAndSigningOutEndsIt() {
        String email = RUNNING.user(Role.OPERATOR, null);
        Visitor visitor = stranger();
        String planted = "A".repeat(43);
        visitor.cookies().put(SESSION, planted);
        visitor.signIn(email, RunningAggregator.PASSWORD).expect(303);
        String first = visitor.cookies().get(SESSION);
        assertNotEquals(planted, first);
        visitor.get("/portal/products").expect(200);
        Map<String, String> copy = new HashMap<>(visitor.cookies());

        visitor.post("/portal/sign-out", Map.of()).expect(303);
        assertFalse(visitor.cookies().containsKey(SESSION));
        Visitor thief = stranger();
        thief.cookies().putAll(copy);
        assertEquals(
                "/portal/sign-in?next=%2Fportal%2Fproducts",
                thief.get("/portal/products").expect(303).header("Location"));
    }

    @Test
    void theSessionCookieIsNotForScriptsOrOtherSites() {
        Visitor visitor = stranger();
        Http.Answer answer = visitor.signIn(RUNNING.user(Role.OPERATOR, null), RunningAggregator.PASSWORD);
        String cookie = answer.headers().allValues("Set-Cookie").stream()
                .filter(c -> c.startsWith(SESSION))
                .findFirst()
                .orElseThrow();
        assertTrue(cookie.matches("tallystick-session=[A-Za-z0-9_-]{43}; Path=/; HTTPOnly; SameSite=Lax"), cookie);
        assertEquals("no-store", answer.header("Cache-Control"));
    }

    @Test
    @Rule("N12")
    void aSessionEndsAfterADayUnusedAndAfterAWeekUsed() {
        Visitor idle = RUNNING.visitor(Role.OPERATOR, null);
        Visitor used = RUNNING.visitor(Role.OPERATOR, null);
        RUNNING.clock().advance(Sessions.IDLE_MAX.minusSeconds(1));
        used.get("/portal/products").expect(200);
        RUNNING.clock().advance(Duration.ofSeconds(1));
        idle.get("/portal/products").expect(303);
        for (int day = 1; day < Sessions.LIFE_MAX.toDays(); day++) {
            RUNNING.clock().advance(Duration.ofHours(23));
            used.get("/portal/products").expect(200);
        }
        // 24 hours and six times 23 are over; six more make the week.
        RUNNING.clock().advance(Duration.ofHours(6));
        used.get("/portal/products").expect(303);
    }

    @Test
    void aDisabledUserAndAnOldPasswordAreOutAtOnce() {
        String email = RUNNING.user(Role.OPERATOR, null);
        Visitor visitor = Visitor.signedIn(RUNNING.http(), email, RunningAggregator.PASSWORD);
        String id = RUNNING.http().get("/v1/users?limit=1000", RUNNING.operator()).list("items").stream()
                .filter(u -> email.equals(u.get("email")))
                .map(u -> String.valueOf(u.get("id")))
                .findFirst()
                .orElseThrow();
        RUNNING.clock().advance(Duration.ofSeconds(1));
        String fresh = RUNNING.http()
                .send("PUT", "/v1/users/" + id + "/password", RUNNING.operator(), "{}")
                .expect(200)
                .get("password");
        visitor.get("/portal/products").expect(303);
        stranger().signIn(email, RunningAggregator.PASSWORD).expect(400);
        Visitor again = Visitor.signedIn(RUNNING.http(), email, fresh);
        again.get("/portal/products").expect(200);
        RUNNING.http()
                .post("/v1/users/" + id + "/disable", RUNNING.operator(), "{}")
                .expect(400);
        RUNNING.http()
                .send("POST", "/v1/users/" + id + "/disable", RUNNING.operator(), null)
                .expect(200);
        again.get("/portal/products").expect(303);
        stranger().signIn(email, fresh).expect(400);
    }

    @Test
    void aFormWithoutThisSessionsTokenIsRefused() {
        Visitor visitor = RUNNING.visitor(Role.OPERATOR, null);
        visitor.get("/portal/products").expect(200);
        Visitor other = RUNNING.visitor(Role.OPERATOR, null);
        other.get("/portal/products").expect(200);
        for (String token : new String[] {"", "x", other.csrf()}) {
            visitor.send(visitor.form("/portal/sign-out", Map.of("csrf", token)).build())
                    .expect(403);
        }
        visitor.send(visitor.form("/portal/sign-out", Map.of()).build()).expect(403);
        HttpRequest fromElsewhere = visitor.form("/portal/sign-out", Map.of("csrf", visitor.csrf()))
                .header("Sec-Fetch-Site", "cross-site")
                .build();
        visitor.send(fromElsewhere).expect(403);
        visitor.get("/portal/products").expect(200);
    }

    @Test
    void signingSomebodyInFromAnotherSiteIsRefused() {
        String email = RUNNING.user(Role.OPERATOR, null);
        Visitor visitor = stranger();
        Map<String, String> form = Map.of("email", email, "password", RunningAggregator.PASSWORD, "csrf", "");
        visitor.send(visitor.form("/portal/sign-in", form).build()).expect(403);
    }

    @Test
    void afterSigningInOneGoesOnToPathsOfOursOnly() {
        String email = RUNNING.user(Role.OPERATOR, null);
        Map<String, String> places = Map.of(
                "/portal/usage?by=hour", "/portal/usage?by=hour",
                "https://evil.example/portal", "/portal",
                "//evil.example", "/portal",
                "/portal\\evil", "/portal",
                "/portal/../../x\r\nSet-Cookie: a=b", "/portal",
                "/portalevil", "/portal");
        places.forEach((wanted, got) -> {
            Visitor visitor = stranger();
            visitor.get("/portal/sign-in").expect(200);
            Http.Answer answer = visitor.post(
                    "/portal/sign-in", Map.of("email", email, "password", RunningAggregator.PASSWORD, "next", wanted));
            assertEquals(got, answer.expect(303).header("Location"), wanted);
        });
    }

    @Test
    void aHostileTitleIsTextOnEveryPage() {
        String seller = RUNNING.account("seller");
        String title = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>";
        String product = RUNNING.http()
                .post("/v1/products", RUNNING.operator(), Json.write(Json.object("title", title, "seller", seller)))
                .expect(201)
                .get("id");
        Visitor visitor = RUNNING.visitor(Role.SELLER, seller);
        for (String path : new String[] {"/portal/products", "/portal/products/" + product, "/portal/usage"}) {
            String page = visitor.get(path).expect(200).text();
            assertFalse(page.contains("<script>alert"), path);
            assertFalse(page.contains("<img src=x"), path);
        }
        assertTrue(visitor.get("/portal/products").text().contains("&lt;script&gt;alert(1)&lt;/script&gt;"));
    }

    @Test
    void everyPageForbidsScriptsOfItsOwnText() {
        Visitor visitor = RUNNING.visitor(Role.OPERATOR, null);
        for (String path :
                new String[] {"/portal/sign-in", "/portal/products", "/portal/products/none", "/portal/usage"}) {
            Http.Answer answer = visitor.get(path);
            assertEquals(Html.CONTENT_SECURITY_POLICY, answer.header("Content-Security-Policy"), path);
            assertEquals("DENY", answer.header("X-Frame-Options"), path);
        }
        assertFalse(Html.CONTENT_SECURITY_POLICY.contains("unsafe"));
    }

    @Test
    void theLanguageIsTheBrowsersUntilOneIsChosen() {
        Visitor visitor = stranger();
        String french = visitor.send(visitor.request("/portal/sign-in")
                        .header("Accept-Language", "fr-CA, en;q=0.5")
                        .build())
                .expect(200)
                .text();
        assertTrue(french.contains("<html lang=\"fr\"") && french.contains("Mot de passe"), french);
        Http.Answer chosen = visitor.post("/portal/language", Map.of("language", "en", "back", "/portal/sign-in"));
        assertEquals("/portal/sign-in", chosen.expect(303).header("Location"));
        String english = visitor.send(visitor.request("/portal/sign-in")
                        .header("Accept-Language", "fr")
                        .build())
                .text();
        assertTrue(english.contains("<html lang=\"en\"") && english.contains("Password"), english);
    }

    @Test
    void assetsAreKeptForEverUnderTheHashOfTheirContent() {
        String page = stranger().get("/portal/sign-in").text();
        String path = page.replaceAll("(?s).*href=\"(/portal/assets/[0-9a-f]{16}/portal\\.css)\".*", "$1");
        Http.Answer css = RUNNING.http().get(path, null).expect(200);
        assertEquals("public, max-age=31536000, immutable", css.header("Cache-Control"));
        assertEquals("text/css; charset=utf-8", css.header("Content-Type"));
        RUNNING.http()
                .get(path.replaceAll("[0-9a-f]{16}", "0000000000000000"), null)
                .expect(404);
    }
}
