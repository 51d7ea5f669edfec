package io.tallystick.aggregator.catalog;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.tallystick.aggregator.app.Http;
import io.tallystick.aggregator.app.RunningAggregator;
import io.tallystick.aggregator.web.Role;
import io.tallystick.testkit.Rule;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** A seller asks, an operator decides, the product moves. */
class ReviewsTest {
    @RegisterExtension
    static final RunningAggregator RUNNING = RunningAggregator.with();

    private final String seller = RUNNING.account("seller");
    private final String token = RUNNING.token(Role.SELLER, seller);
    private final String product = RUNNING.product(seller);

    private Http.Answer request(String visibility) {
        return RUNNING.http()
                .post(
                        "/v1/products/" + product + "/visibility-requests",
                        token,
                        "{\"visibility\":\"" + visibility + "\",\"note\":\"Ready.\"}");
    }

    private Http.Answer decide(String review, String decision, String reason) {
        return RUNNING.http()
                .post("/v1/reviews/" + review + "/" + decision, RUNNING.operator(), "{\"reason\":\"" + reason + "\"}");
    }

    private String visibility() {
        return RUNNING.http().get("/v1/products/" + product, token).expect(200).get("visibility");
    }

    @Test
    @Rule("R5")
    void aProductGoesFromStagingToPublicByReviews() {
        for (String next : List.of("LIMITED", "PUBLIC", "RESTRICTED")) {
            String review = request(next).expect(201).get("id");
            assertEquals(
                    "approved", decide(review, "approve", "Fine").expect(200).get("status"));
            assertEquals(next, visibility());
        }
    }

    @Test
    void aRejectionSaysWhyAndLeavesTheProduct() {
        String review = request("LIMITED").expect(201).get("id");
        Http.Answer rejected = decide(review, "reject", "No licence text").expect(200);
        assertEquals("No licence text", rejected.get("reason"));
        assertEquals("STAGING", visibility());
        assertEquals(409, decide(review, "approve", "Changed my mind").status());
        request("LIMITED").expect(201);
    }

    @Test
    void askingAgainAnswersTheOpenRequestAndAnotherIsRefused() {
        RUNNING.visibility(product, "LIMITED");
        String review = request("PUBLIC").expect(201).get("id");
        assertEquals(review, request("PUBLIC").expect(201).get("id"));
        assertEquals("conflict", request("RESTRICTED").expect(409).get("code"));
    }

    @Test
    void onlyWhatTheProductMayBecomeCanBeAskedFor() {
        assertEquals("conflict", request("PUBLIC").expect(409).get("code"));
    }

    @Test
    void decidingTwiceTheSameWayDecidesOnce() {
        String review = request("LIMITED").expect(201).get("id");
        String first = decide(review, "approve", "Fine").expect(200).text();
        assertEquals(first, decide(review, "approve", "Fine again").expect(200).text());
    }

    @Test
    void aSellerSeesItsOwnRequestsOnly() {
        String review = request("LIMITED").expect(201).get("id");
        assertEquals(
                List.of(review),
                RUNNING.http().get("/v1/reviews?status=open", token).expect(200).list("items").stream()
                        .map(r -> r.get("id"))
                        .toList());
        String other = RUNNING.token(Role.SELLER, RUNNING.account("seller"));
        assertEquals(
                List.of(), RUNNING.http().get("/v1/reviews", other).expect(200).list("items"));
    }
}
