package io.tallystick.aggregator.billing;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.tallystick.aggregator.app.Http;
import io.tallystick.aggregator.app.RunningAggregator;
import io.tallystick.aggregator.usage.ProtocolClient;
import io.tallystick.aggregator.usage.SimulatedRegion;
import io.tallystick.aggregator.web.Role;
import io.tallystick.common.json.Json;
import io.tallystick.common.model.Hash;
import io.tallystick.testkit.Rule;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** From posted usage to charges: each line of a priced agreement once, at the rate that was accepted. */
class ChargesTest {
    private static final String HOURLY = "'hourly':[{'instanceType':'m5.large','unitPrice':'0.15'},"
            + "{'instanceType':'m5.xlarge','unitPrice':'0.29'}]";
    private static final Duration CLOSED = Duration.ofHours(3);

    @RegisterExtension
    static final RunningAggregator RUNNING = RunningAggregator.with("trust.dir=" + SimulatedRegion.trustFolder());

    @Test
    void aLineOfAPricedAgreementBecomesOneExactCharge() {
        Market market = new Market(RUNNING, "requests");
        String offer = market.offer("EUR", "'prices':[{'dimension':'requests','unitPrice':'0.000000007'}]");
        String agreement = market.accept(offer);
        ProtocolClient agent = market.agent();
        agent.send(market.usage("requests", "1.000000001"));
        market.pass(CLOSED);
        Map<String, Object> charge = market.charges().get(0);
        assertEquals(1, market.charges().size());
        assertEquals("0.000000007000000007", charge.get("amount"), "nothing is rounded");
        assertEquals("0.000000007", charge.get("unitPrice"));
        assertEquals("EUR", charge.get("currency"));
        assertEquals(agreement, charge.get("agreement"));
        assertEquals(offer, charge.get("offer"));
        assertEquals(1L, charge.get("rate"));
        assertEquals("usage", charge.get("kind"));
        assertEquals(market.seller, charge.get("seller"));
        assertEquals(market.product + ":requests", charge.get("sku"));
        assertEquals("m5.large", charge.get("instanceType"));
        assertEquals("eu-west-3", charge.get("region"));
        assertEquals("2026-03", charge.get("month"));
    }

    @Test
    void anAgreementWithoutAnOfferIsNotCharged() {
        Market market = new Market(RUNNING, "requests");
        RUNNING.agreement(market.product, market.buyer);
        market.agent().send(market.usage("requests", "5"));
        market.pass(CLOSED);
        assertEquals(List.of(), market.charges());
    }

    @Test
    void aDimensionWithoutAPriceIsChargedZeroWithTheReason() {
        Market market = new Market(RUNNING, "requests", "gigabytes", "uptime-hours");
        market.accept(market.offer("EUR", "'prices':[{'dimension':'requests','unitPrice':'0'}]," + HOURLY));
        ProtocolClient agent = market.agent();
        agent.restartAs("t3.micro");
        agent.send(market.usage("requests", "2"), market.usage("gigabytes", "3"), market.usage("uptime-hours", "0.5"));
        market.pass(CLOSED);
        assertEquals(
                List.of(":gigabytes 3 0 0 no-price", ":requests 2 0 0 -", ":t3.micro 1 0 0 no-price"),
                sorted(market, "sku", "pricedQuantity", "unitPrice", "amount", "reason"));
    }

    @Test
    void freeAndBringYourOwnLicenceAreOffersThatCostNothing() {
        for (String kind : List.of("free", "byol")) {
            Market market = new Market(RUNNING, "requests");
            market.accept(market.offer("EUR", "'kind':'" + kind + "'"));
            market.agent().send(market.usage("requests", "2"));
            market.pass(CLOSED);
            assertEquals(List.of("2 0 " + kind), market.charges("quantity", "amount", "reason"));
        }
    }

    @Test
    @Rule("N5")
    void aNewRateIsForAgreementsAcceptedFromThenOn() {
        Market market = new Market(RUNNING, "requests");
        String offer = market.offer("EUR", "'prices':[{'dimension':'requests','unitPrice':'1'}]");
        String first = market.accept(offer);
        ProtocolClient agent = market.agent();
        Http.Answer raised = market.post(
                        "/v1/offers/" + offer + "/rates", "{'prices':[{'dimension':'requests','unitPrice':'2'}]}")
                .expect(201);
        assertTrue(raised.text().contains("\"rate\":2"), raised.text());
        agent.send(market.usage("requests", "10"));
        market.pass(CLOSED);
        market.end(first);
        RUNNING.clock().advance(Duration.ofHours(1));
        market.accept(offer);
        RUNNING.clock().advance(Duration.ofMinutes(1));
        market.agent().send(market.usage("requests", "10"));
        market.pass(CLOSED);
        assertEquals(List.of("1 1 10", "2 2 20"), market.charges("rate", "unitPrice", "amount"));
        Http.Answer agreement = RUNNING.http()
                .get("/v1/agreements/" + first, RUNNING.token(Role.BUYER, market.buyer))
                .expect(200);
        assertTrue(agreement.text().contains("\"unitPrice\":\"1\""), "a buyer sees what it accepted");
    }

    @Test
    @Rule("R3")
    void anInstanceHourIsPaidByTheTypeTheVmHadInThatHour() {
        Market market = new Market(RUNNING, "uptime-hours");
        market.accept(market.offer("EUR", HOURLY));
        ProtocolClient agent = market.agent();
        agent.send(market.usage("uptime-hours", "0.5"));
        RUNNING.clock().advance(Duration.ofHours(1));
        agent.restartAs("m5.xlarge");
        agent.send(market.usage("uptime-hours", "1"));
        // Late, for the hour before the VM was resized.
        agent.send(Market.usage("uptime-hours", market.hour().minus(Duration.ofHours(1)), "0.25"));
        market.pass(CLOSED);
        assertEquals(
                List.of("m5.large 1 0.15", "m5.xlarge 1 0.29"),
                market.charges("instanceType", "pricedQuantity", "amount"));
    }

    @Test
    void aDocumentOfAnOlderStartShownAgainDoesNotChangeThePrice() {
        Market market = new Market(RUNNING, "uptime-hours");
        market.accept(market.offer("EUR", HOURLY));
        ProtocolClient agent = market.agent();
        ProtocolClient.Vm small = agent.vm();
        RUNNING.clock().advance(Duration.ofHours(1));
        agent.restartAs("m5.xlarge");
        agent.showing(small);
        agent.enroll();
        agent.send(market.usage("uptime-hours", "1"));
        market.pass(CLOSED);
        assertEquals(List.of("m5.xlarge 0.29"), market.charges("instanceType", "amount"));
    }

    @Test
    void aStartedInstanceHourIsPaidWholeAndOnceHoweverManyLinesItHas() {
        Market market = new Market(RUNNING, "uptime-hours");
        market.accept(market.offer("EUR", HOURLY));
        ProtocolClient agent = market.agent();
        Instant hour = market.hour();
        agent.send(Market.usage("uptime-hours", hour, "0.2"));
        market.pass(CLOSED);
        agent.send(Market.usage("uptime-hours", hour, "0.3"));
        market.pass(Duration.ofMinutes(10));
        assertEquals(
                List.of("usage 0.2 1 0.15", "adjustment 0.3 0 0"),
                market.charges("kind", "quantity", "pricedQuantity", "amount"));
    }

    /** A clock that is set back by a moment gives an hour a moment more; it is no other hour's price. */
    @Test
    void anHourOfAnInstanceIsPaidOnceEvenIfItsAgentReportsMoreThanAnHour() {
        Market market = new Market(RUNNING, "uptime-hours");
        market.accept(market.offer("EUR", HOURLY));
        ProtocolClient agent = market.agent();
        Instant hour = market.hour();
        agent.send(Market.usage("uptime-hours", hour, "1.000002778"));
        market.pass(CLOSED);
        agent.send(Market.usage("uptime-hours", hour, "0.000001"));
        market.pass(Duration.ofMinutes(10));
        assertEquals(
                List.of("usage 1.000002778 1 0.15", "adjustment 0.000001 0 0"),
                market.charges("kind", "quantity", "pricedQuantity", "amount"));
    }

    @Test
    void partsOfHoursArePaidAsPartsWhereTheOfferSaysSo() {
        Market market = new Market(RUNNING, "uptime-hours");
        market.accept(market.offer("EUR", "'partialHours':'exact'," + HOURLY));
        market.agent().send(market.usage("uptime-hours", "0.2"));
        market.pass(CLOSED);
        assertEquals(List.of("0.2 0.03"), market.charges("pricedQuantity", "amount"));
    }

    /** Restricted is for what is new; who has a price goes on by it. */
    @Test
    @Rule("R26")
    void whatIsRestrictedIsMeteredAndChargedForThoseWhoHaveAPrice() {
        Market market = new Market(RUNNING, "requests");
        String offer = market.offer("EUR", "'prices':[{'dimension':'requests','unitPrice':'0.5'}]");
        market.accept(offer);
        ProtocolClient agent = market.agent();
        String set = market.post(
                        "/v1/change-sets",
                        "{'changes':[{'type':'RestrictDimensions','product':'" + market.product
                                + "','details':{'dimensions':['requests']}}]}")
                .expect(201)
                .get("id");
        RUNNING.finish(set);
        RUNNING.clock().advance(Duration.ofMinutes(5));
        agent.send(market.usage("requests", "3"));
        market.pass(CLOSED);
        assertEquals(List.of("3 1.5"), market.charges("pricedQuantity", "amount"));
        String refused = market.post(
                        "/v1/products/" + market.product + "/offers",
                        "{'title':'New','currency':'EUR','prices':[{'dimension':'requests','unitPrice':'1'}]}")
                .expect(400)
                .text();
        assertTrue(refused.contains("prices[0].dimension") && refused.contains("is restricted"), refused);
    }

    @Test
    void pullsRepeatToTheByteAndTheRunsHashCoversThem() throws Exception {
        Market market = new Market(RUNNING, "requests");
        market.accept(market.offer("JPY", "'prices':[{'dimension':'requests','unitPrice':'0.3'}]"));
        ProtocolClient agent = market.agent();
        agent.send(market.usage("requests", "1"));
        market.pass(CLOSED);
        String query = "/v1/billing/charges?product=" + market.product;
        String ndjson = market.pull(query, "application/x-ndjson").expect(200).text();
        String csv = market.pull(query, "text/csv").expect(200).text();
        String cursor = market.pull(query, "text/csv").header("Tallystick-Next-After");
        // The run was booked just now, and the end of a range is exclusive.
        Instant closed = RUNNING.clock().instant().plusNanos(1_000);
        String range = query + "&from=2026-01-01T00:00:00Z&to=" + closed;
        String byTime = market.pull(range, "application/x-ndjson").expect(200).text();
        assertEquals(ndjson, byTime);

        market.post("/v1/products/" + market.product + "/dimensions", "{'key':'other','unit':'U'}")
                .expect(201);
        agent.send(Market.usage("requests", market.hour().minus(CLOSED), "5"));
        market.pass(CLOSED);
        assertEquals(byTime, market.pull(range, "application/x-ndjson").text());
        assertTrue(market.pull(query, "application/x-ndjson").text().startsWith(ndjson));
        assertTrue(market.pull(query, "text/csv").text().startsWith(csv));
        assertEquals(
                List.of("adjustment 1.5"),
                Market.shown(
                        market.pull(query + "&after=" + cursor, "application/x-ndjson")
                                .text()
                                .lines()
                                .map(Json::parseObject)
                                .toList(),
                        "kind",
                        "amount"));
        market.pull(query + "&to=2030-01-01T00:00:00Z", "text/csv").expect(409);

        long run = (Long) Json.parseObject(ndjson).get("run");
        String all = market.pull("/v1/billing/charges?after=" + run + ".0&limit=10000", "application/x-ndjson")
                .text();
        String ofRun = all.lines()
                .filter(line -> line.startsWith("{\"run\":" + run + ","))
                .map(line -> line + "\n")
                .reduce("", String::concat);
        Map<String, Object> told = market.pull("/v1/billing/runs?limit=1000", "application/json").list("items").stream()
                .filter(r -> r.get("run").equals(run))
                .findFirst()
                .orElseThrow();
        assertEquals(Hash.of(ofRun.getBytes(StandardCharsets.UTF_8)).toString(), told.get("chargesSha256"));
    }

    @Test
    void aBuyerPullsItsOwnChargesOnly() {
        Market market = new Market(RUNNING, "requests");
        market.accept(market.offer("EUR", "'prices':[{'dimension':'requests','unitPrice':'1'}]"));
        market.agent().send(market.usage("requests", "1"));
        market.pass(CLOSED);
        String own = RUNNING.token(Role.BUYER, market.buyer);
        String other = RUNNING.token(Role.BUYER, RUNNING.account("buyer"));
        assertFalse(RUNNING.http().get("/v1/billing/charges", own).text().isEmpty());
        assertEquals(
                "", RUNNING.http().get("/v1/billing/charges", other).expect(200).text());
    }

    private static List<String> sorted(Market market, String... members) {
        return market.charges(members).stream()
                .map(line -> line.substring(market.product.length()))
                .sorted()
                .toList();
    }
}
