package io.tallystick.aggregator.catalog;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.tallystick.aggregator.app.Http;
import io.tallystick.aggregator.app.RunningAggregator;
import io.tallystick.aggregator.web.Role;
import io.tallystick.testkit.Rule;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class OffersTest {
    private static final String PRICED = "'prices':[{'dimension':'calls','unitPrice':'0.5'}]";

    @RegisterExtension
    static final RunningAggregator RUNNING = RunningAggregator.with();

    private String seller = "";
    private String buyer = "";
    private String product = "";

    @BeforeEach
    void aPublicProduct() {
        seller = RUNNING.account("seller");
        buyer = RUNNING.account("buyer");
        product = RUNNING.product(seller, "calls");
        RUNNING.visibility(product, "LIMITED", "PUBLIC");
    }

    private Http.Answer offer(String json) {
        return RUNNING.http()
                .post(
                        "/v1/products/" + product + "/offers",
                        RUNNING.token(Role.SELLER, seller),
                        ("{" + json + "}").replace('\'', '"'));
    }

    private String offered(String json) {
        return offer("'title':'T','currency':'EUR'," + json).expect(201).get("id");
    }

    private Http.Answer accept(String more) {
        return RUNNING.http()
                .post(
                        "/v1/agreements",
                        RUNNING.token(Role.BUYER, buyer),
                        ("{'product':'" + product + "'" + more + "}").replace('\'', '"'));
    }

    private static List<Object> paths(Http.Answer answer) {
        return answer.list("errors").stream().map(e -> e.get("path")).toList();
    }

    @Test
    void everyMistakeInAnOfferIsNamedWhereItIs() {
        Http.Answer answer = offer("'currency':'EURO','kind':'cheap','opensAt':'yesterday','surplus':1,"
                        + "'prices':[{'dimension':'calls','unitPrice':'-1'},{'unitPrice':'0.1234567891'}],"
                        + "'hourly':[{'instanceType':'m5 large','unitPrice':'1e3'}],'partialHours':'some'")
                .expect(400);
        for (String path : List.of(
                "title",
                "currency",
                "kind",
                "opensAt",
                "surplus",
                "prices[0].unitPrice",
                "prices[1].dimension",
                "prices[1].unitPrice",
                "hourly[0].instanceType",
                "hourly[0].unitPrice",
                "partialHours")) {
            assertTrue(paths(answer).contains(path), path + " in " + answer.text());
        }
    }

    @Test
    void pricesAreForDimensionsTheProductHasAndOnceEach() {
        Http.Answer answer = offer("'title':'T','currency':'EUR','prices':[{'dimension':'calls','unitPrice':'1'},"
                        + "{'dimension':'calls','unitPrice':'2'},{'dimension':'none','unitPrice':'1'}],"
                        + "'hourly':[{'instanceType':'m5.large','unitPrice':'1'}]")
                .expect(400);
        assertEquals(List.of("prices[1].dimension", "prices[2].dimension", "hourly[0].instanceType"), paths(answer));
        assertEquals(
                List.of("prices"), paths(offer("'title':'T','currency':'EUR'").expect(400)));
        assertEquals(
                List.of("prices"),
                paths(offer("'title':'T','currency':'EUR','kind':'free'," + PRICED)
                        .expect(400)));
        String offer = offered(PRICED);
        Http.Answer rate = RUNNING.http()
                .post(
                        "/v1/offers/" + offer + "/rates",
                        RUNNING.operator(),
                        "{\"prices\":[{\"dimension\":\"none\",\"unitPrice\":\"1\"}]}")
                .expect(400);
        assertEquals(List.of("prices[0].dimension"), paths(rate));
    }

    @Test
    @Rule("R29")
    void afterARiseASellersPricesStayForNinetyDays() {
        String offer = offered("'prices':[{'dimension':'calls','unitPrice':'1'}]");
        assertEquals(201, rate(offer, "0.5").status());
        assertEquals(201, rate(offer, "0.4").status());
        assertEquals(201, rate(offer, "0.6").status());
        Http.Answer refused = rate(offer, "0.5").expect(409);
        assertTrue(refused.text().contains("raised prices"), refused.text());
        RUNNING.http()
                .post("/v1/offers/" + offer + "/rates", RUNNING.operator(), priced("0.7"))
                .expect(201);
        RUNNING.clock().advance(Offers.LOCKED_AFTER_RISE.minusSeconds(1));
        rate(offer, "0.5").expect(409);
        RUNNING.clock().advance(Duration.ofSeconds(1));
        rate(offer, "0.5").expect(201);
    }

    private static String priced(String unitPrice) {
        return "{\"prices\":[{\"dimension\":\"calls\",\"unitPrice\":\"" + unitPrice + "\"}]}";
    }

    private Http.Answer rate(String offer, String unitPrice) {
        return RUNNING.http()
                .post("/v1/offers/" + offer + "/rates", RUNNING.token(Role.SELLER, seller), priced(unitPrice));
    }

    @ParameterizedTest
    @CsvSource({
        "0, 201",
        "999999999.999999999, 201",
        "1000000000, 400",
        "0.0000000001, 400",
        "1., 400",
        "01, 400",
        "-0, 400",
        "1e1, 400",
        "NaN, 400"
    })
    void aUnitPriceIsABoundedPlainDecimal(String price, int status) {
        offer("'title':'T','currency':'EUR','prices':[{'dimension':'calls','unitPrice':'" + price + "'}]")
                .expect(status);
    }

    @ParameterizedTest
    @CsvSource({"EUR, 201", "JPY, 201", "KWD, 201", "eur, 400", "EU, 400", "ABC, 400", "XXX, 400", "XAU, 400"})
    void theCurrencyIsOneOfIso4217WithAMinorUnit(String currency, int status) {
        offer("'title':'T','currency':'" + currency + "'," + PRICED).expect(status);
    }

    @Test
    void anOfferThatClosesBeforeItOpensIsRefused() {
        assertEquals(
                List.of("closesAt"),
                paths(offer("'title':'T','currency':'EUR','closesAt':'2020-01-01T00:00:00Z'," + PRICED)
                        .expect(400)));
    }

    @Test
    void withoutANamedOfferTheOnlyOpenPublicOneIsAccepted() {
        assertEquals("null", accept("").expect(201).get("offer"), "a product without offers has no price");
        end();
        String only = offered(PRICED);
        offered("'accounts':['" + buyer + "']," + PRICED);
        offered("'opensAt':'2030-01-01T00:00:00Z'," + PRICED);
        Http.Answer accepted = accept("").expect(201);
        assertEquals(only, accepted.get("offer"));
        assertEquals("1", accepted.get("rate"));
        end();
        String second = offered(PRICED);
        Http.Answer which = accept("").expect(400);
        assertTrue(which.text().contains(only) && which.text().contains(second), which.text());
        assertEquals(second, accept(",'offer':'" + second + "'").expect(201).get("offer"));
    }

    @Test
    void whereNoOfferIsOpenNothingIsAcceptedUnpriced() {
        offered("'opensAt':'2030-01-01T00:00:00Z'," + PRICED);
        assertEquals(List.of("offer"), paths(accept("").expect(400)));
    }

    @Test
    void anOfferIsTakenWhileItIsOpenAndNotAMomentLonger() {
        String closes = RUNNING.clock().instant().plus(Duration.ofHours(2)).toString();
        String opens = RUNNING.clock().instant().plus(Duration.ofHours(1)).toString();
        String offer = offered("'opensAt':'" + opens + "','closesAt':'" + closes + "'," + PRICED);
        String named = ",'offer':'" + offer + "'";
        accept(named).expect(409);
        RUNNING.clock().advance(Duration.ofHours(1));
        accept(named).expect(201);
        end();
        RUNNING.clock().advance(Duration.ofHours(1));
        accept(named).expect(409);
    }

    @Test
    void aPrivateOfferIsForTheAccountsItNamesAndHiddenFromOthers() {
        String other = RUNNING.account("buyer");
        String offer = offered("'accounts':['" + other + "']," + PRICED);
        String mine = RUNNING.token(Role.BUYER, buyer);
        String theirs = RUNNING.token(Role.BUYER, other);
        accept(",'offer':'" + offer + "'").expect(404);
        RUNNING.http().get("/v1/offers/" + offer, mine).expect(404);
        String list = "/v1/products/" + product + "/offers";
        assertEquals(0, RUNNING.http().get(list, mine).list("items").size());
        assertEquals(1, RUNNING.http().get(list, theirs).list("items").size());
        Http.Answer seen = RUNNING.http().get("/v1/offers/" + offer, theirs).expect(200);
        assertFalse(seen.text().contains("accounts"), "whom else it is for is not a buyer's business");
    }

    @Test
    void anOfferOfAnotherProductIsNotThere() {
        String offer = offered(PRICED);
        product = RUNNING.product(seller, "calls");
        RUNNING.visibility(product, "LIMITED", "PUBLIC");
        accept(",'offer':'" + offer + "'").expect(404);
    }

    @Test
    void whatWasAcceptedCannotBeChangedEvenInTheDatabase() {
        String offer = offered(PRICED);
        String agreement = accept(",'offer':'" + offer + "'").expect(201).get("id");
        for (String sql : List.of(
                "UPDATE agreement SET rate = NULL, offer_id = NULL WHERE id = '" + agreement + "'",
                "UPDATE price_term SET unit_price = 0 WHERE offer_id = '" + offer + "'",
                "DELETE FROM offer_rate WHERE offer_id = '" + offer + "'")) {
            IllegalStateException refused = org.junit.jupiter.api.Assertions.assertThrows(
                    IllegalStateException.class, () -> RUNNING.database().execute(sql));
            assertTrue(String.valueOf(refused.getMessage()).contains("append-only"), sql);
        }
    }

    private void end() {
        String agreement =
                RUNNING.http().get("/v1/agreements?product=" + product, RUNNING.operator()).list("items").stream()
                        .filter(a -> a.get("endedAt") == null)
                        .map(a -> String.valueOf(a.get("id")))
                        .findFirst()
                        .orElseThrow();
        RUNNING.http()
                .send("POST", "/v1/agreements/" + agreement + "/end", RUNNING.operator(), null)
                .expect(200);
    }
}
