package io.tallystick.aggregator.portal;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.tallystick.aggregator.app.Http;
import io.tallystick.aggregator.app.RunningAggregator;
import io.tallystick.aggregator.web.Role;
import io.tallystick.common.json.Json;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** What people bring to an end: offers, incidents, their old password and the sessions under it. */
class EndingsTest {
    @RegisterExtension
    static final RunningAggregator RUNNING = RunningAggregator.with();

    private static Http.Answer post(String path, Map<String, Object> body) {
        return RUNNING.http().post(path, RUNNING.operator(), Json.write(body));
    }

    private static String offer(String product, Map<String, Object> more) {
        Map<String, Object> body = Json.object("title", "An offer", "currency", "EUR", "kind", "free");
        body.putAll(more);
        return post("/v1/products/" + product + "/offers", body).expect(201).get("id");
    }

    @Test
    void aClosedOfferTakesNobodyAndWhatWasAcceptedGoesOn() {
        String seller = RUNNING.account("seller");
        String product = RUNNING.product(seller, "calls");
        RUNNING.visibility(product, "LIMITED", "PUBLIC");
        String offer = offer(product, Map.of());
        String agreement = RUNNING.agreement(product, RUNNING.account("buyer"));

        Visitor visitor = RUNNING.visitor(Role.SELLER, seller);
        visitor.post("/portal/offers/" + offer + "/close", Map.of()).expect(303);
        assertTrue(visitor.get("/portal/products/" + product).text().contains("badge-closed"));
        post("/v1/agreements", Json.object("product", product, "account", RUNNING.account("buyer"), "offer", offer))
                .expect(409);
        assertFalse(RUNNING.http()
                .get("/v1/agreements/" + agreement, RUNNING.operator())
                .json()
                .containsKey("endedAt"));
        // Final: it neither opens again nor closes at another time.
        post("/v1/offers/" + offer + "/close", Map.of()).expect(409);
    }

    @Test
    void theEndOfAnOpenOfferCanBeMovedButNotIntoThePast() {
        String product = RUNNING.product(RUNNING.account("seller"), "calls");
        String offer = offer(product, Map.of());
        Instant now = RUNNING.clock().instant();
        post("/v1/offers/" + offer + "/close", Json.object("closesAt", now.plus(Duration.ofDays(30))))
                .expect(200);
        Instant sooner = now.plus(Duration.ofDays(10));
        assertEquals(
                sooner.toString(),
                post("/v1/offers/" + offer + "/close", Json.object("closesAt", sooner))
                        .expect(200)
                        .get("closesAt"));
        post("/v1/offers/" + offer + "/close", Json.object("closesAt", now.minusSeconds(1)))
                .expect(400);

        Instant opens = now.plus(Duration.ofDays(5));
        String coming = offer(product, Json.object("opensAt", opens));
        assertEquals(
                opens.toString(),
                post("/v1/offers/" + coming + "/close", Map.of()).expect(200).get("closesAt"));
    }

    @Test
    void anIncidentIsAcknowledgedOnceWithANoteAndMayBeReopened() {
        RUNNING.database()
                .execute(
                        """
                        INSERT INTO incident (kind, enrollment_id, fingerprint, detail, first_at, last_at)
                        VALUES ('fork', gen_random_uuid(), 'f', 'two <histories>', now(), now())""");
        Visitor operator = RUNNING.visitor(Role.OPERATOR, null);
        String open = operator.get("/portal/incidents").expect(200).text();
        Matcher form = Pattern.compile("/portal/incidents/([0-9]+)/acknowledge").matcher(open);
        assertTrue(form.find(), open);
        String id = form.group(1);
        operator.post("/portal/incidents/" + id + "/acknowledge", Map.of("note", "asked <the> owner"))
                .expect(303);
        assertFalse(operator.get("/portal/incidents").text().contains("two &lt;histories"));
        String seen = operator.get("/portal/incidents?status=acknowledged").text();
        assertTrue(seen.contains("asked &lt;the"), seen);
        post("/v1/incidents/" + id + "/acknowledge", Map.of()).expect(409);
        assertEquals(
                List.of("asked <the> owner"),
                RUNNING.http().get("/v1/incidents?status=acknowledged", RUNNING.operator()).list("items").stream()
                        .map(i -> i.get("note"))
                        .toList());
        operator.post("/portal/incidents/" + id + "/reopen", Map.of()).expect(303);
        assertEquals(
                1,
                RUNNING.http()
                        .get("/v1/incidents?status=open", RUNNING.operator())
                        .list("items")
                        .size());
        post("/v1/incidents/999999/acknowledge", Map.of()).expect(404);
        post("/v1/incidents/none/acknowledge", Map.of()).expect(404);
    }

    @Test
    void aNewPasswordEndsAllOtherSessions() {
        String email = RUNNING.user(Role.OPERATOR, null);
        Visitor here = Visitor.signedIn(RUNNING.http(), email, RunningAggregator.PASSWORD);
        Visitor elsewhere = Visitor.signedIn(RUNNING.http(), email, RunningAggregator.PASSWORD);
        RUNNING.clock().advance(Duration.ofSeconds(1));
        String fresh = "another horse battery";
        here.get("/portal/password").expect(200);
        Map<String, String> right = Map.of("old", RunningAggregator.PASSWORD, "new", fresh, "again", fresh);
        here.post("/portal/password", Map.of("old", "wrong", "new", fresh, "again", fresh))
                .expect(400);
        here.post("/portal/password", Map.of("old", RunningAggregator.PASSWORD, "new", fresh, "again", "other"))
                .expect(400);
        here.post("/portal/password", Map.of("old", RunningAggregator.PASSWORD, "new", "short", "again", "short"))
                .expect(400);
        elsewhere.get("/portal/products").expect(200);
        assertEquals(
                "/portal/password?done=password",
                here.post("/portal/password", right).expect(303).header("Location"));
        here.get("/portal/products").expect(200);
        elsewhere.get("/portal/products").expect(303);
        new Visitor(RUNNING.http()).signIn(email, RunningAggregator.PASSWORD).expect(400);
        new Visitor(RUNNING.http()).signIn(email, fresh).expect(303);
    }

    @Test
    void everyMenuLeadsOnlyToPagesItsReaderMaySee() {
        Map<Role, String> accounts =
                Map.of(Role.SELLER, RUNNING.account("seller"), Role.BUYER, RUNNING.account("buyer"));
        Map<Role, List<String>> wanted = Map.of(
                Role.SELLER, List.of("products", "change-sets", "usage", "revenue", "statements", "quarantine"),
                Role.BUYER, List.of("agreements", "catalogue", "usage", "statements", "join-codes"),
                Role.OPERATOR,
                        List.of(
                                "reviews",
                                "change-sets",
                                "incidents",
                                "cloud-instances",
                                "quarantine",
                                "products",
                                "usage",
                                "revenue",
                                "statements"));
        wanted.forEach((role, sections) -> {
            Visitor visitor = RUNNING.visitor(role, accounts.get(role));
            String menu = visitor.get("/portal/usage").expect(200).text().replaceAll("(?s).*<nav(.*?)</nav>.*", "$1");
            List<String> found = Pattern.compile("<li><a href=\"/portal/([a-z-]+)\"")
                    .matcher(menu)
                    .results()
                    .map(m -> m.group(1))
                    .toList();
            assertEquals(sections, found, role.name());
            found.forEach(section -> visitor.get("/portal/" + section).expect(200));
        });
    }

    @Test
    void whatUnpublishingAProductTouchesIsShownBeforeItIsConfirmed() {
        String seller = RUNNING.account("seller");
        String product = RUNNING.product(seller, "calls");
        RUNNING.visibility(product, "LIMITED", "PUBLIC");
        RUNNING.agreement(product, RUNNING.account("buyer"));
        Visitor visitor = RUNNING.visitor(Role.SELLER, seller);
        String page = visitor.get("/portal/products/" + product + "/impact")
                .expect(200)
                .text();
        assertTrue(page.contains("Before you unpublish A product whole"), page);
        assertTrue(page.contains("<dt>Open subscriptions concerned</dt><dd>1</dd>"), page);
        assertTrue(page.contains("action=\"/portal/products/" + product + "/unpublish\""), page);
    }

    @Test
    void aRequestSentBackSaysWhatToChangeAndMayBeAskedForAgain() {
        String seller = RUNNING.account("seller");
        String product = RUNNING.product(seller, "calls");
        Visitor visitor = RUNNING.visitor(Role.SELLER, seller);
        visitor.post("/portal/products/" + product + "/visibility", Map.of("visibility", "LIMITED"))
                .expect(303);
        Object review =
                RUNNING.http().get("/v1/reviews?status=open", RUNNING.operator()).expect(200).list("items").stream()
                        .filter(r -> product.equals(r.get("product")))
                        .findFirst()
                        .orElseThrow()
                        .get("id");
        Visitor operator = RUNNING.visitor(Role.OPERATOR, null);
        operator.post("/portal/reviews/" + review + "/send-back", Map.of()).expect(400);
        operator.post("/portal/reviews/" + review + "/send-back", Map.of("reason", "The logo is <missing>."))
                .expect(303);
        String page = visitor.get("/portal/products/" + product).text();
        assertTrue(page.contains("The logo is &lt;missing"), page);
        visitor.post("/portal/products/" + product + "/visibility", Map.of("visibility", "LIMITED"))
                .expect(303);
        assertFalse(visitor.get("/portal/products/" + product).text().contains("The logo is"));
    }

    @Test
    void sellerAndOperatorWriteToEachOtherBelowAChange() {
        String seller = RUNNING.account("seller");
        String product = RUNNING.product(seller, "calls");
        String set = post(
                        "/v1/change-sets",
                        Json.object(
                                "changes",
                                List.of(Json.object(
                                        "type",
                                        "AddRegions",
                                        "product",
                                        product,
                                        "details",
                                        Json.object("cloud", "aws", "regions", List.of("eu-west-3"))))))
                .expect(201)
                .get("id");
        Visitor visitor = RUNNING.visitor(Role.SELLER, seller);
        Visitor operator = RUNNING.visitor(Role.OPERATOR, null);
        visitor.post("/portal/change-sets/" + set + "/messages", Map.of("text", "When <will> it be done?"))
                .expect(303);
        operator.post("/portal/change-sets/" + set + "/messages", Map.of("text", "By tonight."))
                .expect(303);
        String page = visitor.get("/portal/change-sets/" + set).expect(200).text();
        assertTrue(page.contains("When &lt;will"), page);
        assertTrue(page.indexOf("When ") < page.indexOf("By tonight."), page);
        visitor.post("/portal/change-sets/" + set + "/messages", Map.of()).expect(400);
    }
}
