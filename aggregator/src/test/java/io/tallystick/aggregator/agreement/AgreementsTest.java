package io.tallystick.aggregator.agreement;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.tallystick.aggregator.app.Http;
import io.tallystick.aggregator.app.RunningAggregator;
import io.tallystick.aggregator.web.Role;
import io.tallystick.common.json.Json;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class AgreementsTest {
    @RegisterExtension
    static final RunningAggregator RUNNING = RunningAggregator.with();

    private static Http.Answer accept(String token, String product, Optional<String> account) {
        return RUNNING.http()
                .post(
                        "/v1/agreements",
                        token,
                        Json.write(Json.object("product", product, "account", account.orElse(null))));
    }

    private static String product(String seller, String... steps) {
        String product = RUNNING.product(seller, "calls");
        RUNNING.visibility(product, steps);
        return product;
    }

    /** Who may subscribe in which state: for the operator the reason, for a buyer nothing that tells of hidden things. */
    @ParameterizedTest
    @CsvSource({
        "'', product-staging, not-found, product-staging",
        "LIMITED, product-limited, not-found, ''",
        "LIMITED PUBLIC, '', '', ''",
        "LIMITED RESTRICTED, product-restricted, product-restricted, product-restricted",
        "LIMITED PUBLIC RESTRICTED, product-restricted, product-restricted, product-restricted",
    })
    void theVisibilityDecidesWhoMaySubscribe(String steps, String forBuyer, String asBuyer, String forSeller) {
        String seller = RUNNING.account("seller");
        String buyer = RUNNING.account("buyer");
        String other = RUNNING.account("buyer");
        String product = product(seller, steps.isEmpty() ? new String[0] : steps.split(" ", -1));
        assertEquals(forBuyer, code(accept(RUNNING.operator(), product, Optional.of(buyer))));
        assertEquals(asBuyer, code(accept(RUNNING.token(Role.BUYER, other), product, Optional.empty())));
        assertEquals(forSeller, code(accept(RUNNING.operator(), product, Optional.of(seller))));
    }

    private static String code(Http.Answer answer) {
        return answer.status() == 201 ? "" : answer.get("code");
    }

    @Test
    void anAllowListedBuyerMaySubscribeToALimitedProduct() {
        String buyer = RUNNING.account("buyer");
        String product = product(RUNNING.account("seller"), "LIMITED");
        RUNNING.http()
                .send(
                        "PUT",
                        "/v1/products/" + product + "/allow-list",
                        RUNNING.operator(),
                        "{\"accounts\":[\"" + buyer + "\"]}")
                .expect(200);
        accept(RUNNING.token(Role.BUYER, buyer), product, Optional.empty()).expect(201);
    }

    @Test
    void thereIsOneOpenAgreementAndANewOneAfterItEnded() {
        String buyer = RUNNING.account("buyer");
        String token = RUNNING.token(Role.BUYER, buyer);
        String product = product(RUNNING.account("seller"), "LIMITED", "PUBLIC");
        Http.Answer first = accept(token, product, Optional.empty()).expect(201);
        assertEquals("already-exists", code(accept(token, product, Optional.of(buyer))));
        RUNNING.clock().advance(Duration.ofHours(1));
        String end = "/v1/agreements/" + first.get("id") + "/end";
        String endedAt =
                RUNNING.http().send("POST", end, token, null).expect(200).get("endedAt");
        assertEquals(RUNNING.clock().instant().toString(), endedAt);
        RUNNING.clock().advance(Duration.ofHours(1));
        assertEquals(
                endedAt,
                RUNNING.http().send("POST", end, token, null).expect(200).get("endedAt"),
                "ending again must change nothing");
        Http.Answer second = accept(token, product, Optional.empty()).expect(201);
        assertNotEquals(first.get("id"), second.get("id"));
        assertEquals(
                List.of(first.get("id"), second.get("id")),
                RUNNING.http().get("/v1/agreements?product=" + product, token).list("items").stream()
                        .map(a -> a.get("id"))
                        .toList());
    }

    @Test
    void ofManyAtOnceOneWins() {
        String buyer = RUNNING.account("buyer");
        String product = product(RUNNING.account("seller"), "LIMITED", "PUBLIC");
        List<CompletableFuture<Integer>> all = IntStream.range(0, 8)
                .mapToObj(i -> CompletableFuture.supplyAsync(() ->
                        accept(RUNNING.operator(), product, Optional.of(buyer)).status()))
                .toList();
        List<Integer> statuses =
                new ArrayList<>(all.stream().map(CompletableFuture::join).toList());
        statuses.sort(Integer::compare);
        assertEquals(List.of(201, 409, 409, 409, 409, 409, 409, 409), statuses);
    }

    @Test
    void aSellerSeesPseudonymsThatDifferBetweenSellers() {
        String buyer = RUNNING.account("buyer");
        List<String> pseudonyms = new ArrayList<>();
        for (int i = 0; i < 2; i++) {
            String seller = RUNNING.account("seller");
            String token = RUNNING.token(Role.SELLER, seller);
            String one = RUNNING.agreement(product(seller, "LIMITED", "PUBLIC"), buyer);
            RUNNING.agreement(product(seller, "LIMITED", "PUBLIC"), buyer);
            Http.Answer list = RUNNING.http().get("/v1/agreements", token).expect(200);
            assertFalse(list.text().contains(buyer), list.text());
            List<Object> names = list.list("items").stream()
                    .map(a -> a.get("buyer"))
                    .distinct()
                    .toList();
            assertEquals(1, names.size(), "one buyer has one name: " + list.text());
            assertEquals(2, list.list("items").size());
            Http.Answer single =
                    RUNNING.http().get("/v1/agreements/" + one, token).expect(200);
            assertEquals(names.get(0), single.get("buyer"));
            assertFalse(single.text().contains(buyer), single.text());
            assertTrue(single.get("buyer").matches("buyer-[0-9a-f]{16}"));
            pseudonyms.add(single.get("buyer"));
        }
        assertNotEquals(pseudonyms.get(0), pseudonyms.get(1));
    }

    @Test
    void anAgreementHoldsFromItsFirstMomentToJustBeforeItsLast() {
        Instant from = Instant.parse("2026-01-01T00:00:00Z");
        Instant to = from.plusSeconds(10);
        Agreement ended = new Agreement("agr", "prod", "acc", Optional.empty(), from, Optional.of(to));
        assertFalse(ended.covers(from.minusNanos(1)));
        assertTrue(ended.covers(from));
        assertTrue(ended.covers(to.minusNanos(1)));
        assertFalse(ended.covers(to));
        assertTrue(new Agreement("agr", "prod", "acc", Optional.empty(), from, Optional.empty()).covers(Instant.MAX));
    }
}
