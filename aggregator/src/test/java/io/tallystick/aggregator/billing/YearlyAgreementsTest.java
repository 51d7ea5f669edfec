package io.tallystick.aggregator.billing;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.tallystick.aggregator.app.Http;
import io.tallystick.aggregator.app.RunningAggregator;
import io.tallystick.aggregator.usage.SimulatedRegion;
import io.tallystick.aggregator.web.Role;
import io.tallystick.testkit.Rule;
import java.time.Duration;
import java.time.Instant;
import java.time.Year;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Instances bought for a year, and what it costs to amend them. */
class YearlyAgreementsTest {
    @RegisterExtension
    static final RunningAggregator RUNNING = RunningAggregator.with("trust.dir=" + SimulatedRegion.trustFolder());

    private static void days(int days) {
        RUNNING.clock().advance(Duration.ofDays(days));
    }

    private static void refused(Http.Answer answer, String cost) {
        assertEquals(409, answer.status(), answer.text());
        assertTrue(
                answer.text().contains("the amendment would cost " + cost + " EUR")
                        && answer.text().contains("rule R32"),
                answer.text());
    }

    @Test
    @Rule({"R31", "R33"})
    void whatIsAddedCostsTheRestOfTheTermAndTheWholeIsChargedOnce() {
        YearlyMarket world = YearlyMarket.here(RUNNING);
        Instant start = RUNNING.clock().instant();
        Http.Answer bought = world.buy("3 m5.large");
        assertEquals("4500.00", bought.get("amount"));
        assertEquals(start.toString(), bought.get("termStart"));
        assertEquals(start.atOffset(ZoneOffset.UTC).plusYears(1).toInstant().toString(), bought.get("termEnd"));
        days(146);
        Http.Answer quote = world.quote("2 m5.large", "").expect(200);
        assertEquals(1, world.amendments().size(), "a quote keeps nothing");
        Http.Answer amended = world.amend("2 m5.large", "").expect(201);
        for (Http.Answer answer : List.of(quote, amended)) {
            assertEquals(
                    "amendment 3000.00 5256 8760 1800.00",
                    Market.shown(List.of(answer.json()), "kind", "yearlyChange", "hoursLeft", "hoursOfTerm", "amount")
                            .get(0));
            assertEquals(
                    List.of(Map.of("instanceType", "m5.large", "before", 3L, "after", 5L, "yearlyPrice", "1500")),
                    answer.list("changes"));
        }
        assertEquals(List.of("3 m5.large 1500 4500", "1 - 1800 1800"), world.bought());
        assertEquals(List.of("3 m5.large 1500 4500", "1 - 1800 1800"), world.bought(), "never again");
        Map<String, Object> charge = world.market().charges().get(0);
        assertEquals(bought.get("id"), charge.get("amendment"));
        assertEquals(world.market().product + ":year:m5.large", charge.get("sku"));
        assertEquals(start.toString(), charge.get("hour"));
        assertEquals(bought.get("termEnd"), charge.get("termEnd"));
        assertEquals(world.agreement(), charge.get("agreement"));
        assertEquals(1L, charge.get("rate"));
        Map<?, ?> yearly = (Map<?, ?>) RUNNING.http()
                .get("/v1/agreements/" + world.agreement(), RUNNING.token(Role.BUYER, world.market().buyer))
                .json()
                .get("yearly");
        assertEquals(
                "[{instanceType=m5.large, count=5, yearlyPrice=1500}]",
                yearly == null ? "" : String.valueOf(yearly.get("items")));
    }

    @Test
    @Rule({"R31", "R33"})
    void aSwitchOfFamilyAndSizeCostsTheNewLessTheRemovedRoundedOnce() {
        YearlyMarket world = YearlyMarket.here(RUNNING);
        world.buy("2 m5.large");
        days(265);
        Http.Answer amended =
                world.amend("2 m7i.xlarge, 1 c7g.large", "2 m5.large").expect(201);
        assertEquals("2000.00", amended.get("yearlyChange"));
        assertEquals("547.95", amended.get("amount"), "rounding each part would make it 547.94");
        assertEquals(
                List.of("c7g.large 1", "m7i.xlarge 2"), Market.shown(amended.list("items"), "instanceType", "count"));
        assertEquals(List.of("2 m5.large 1500 3000", "1 - 547.95 547.95"), world.bought());
    }

    @Test
    @Rule("R32")
    void anAmendmentThatDoesNotCostMoreThanNothingIsRefusedAndSoIsItsQuote() {
        YearlyMarket world = YearlyMarket.here(RUNNING);
        world.buy("1 m7i.xlarge", "2 m5.large");
        days(146);
        refused(world.amend("1 m5.large", "1 m7i.xlarge"), "-360.00");
        refused(world.quote("1 m5.large", "1 m7i.xlarge"), "-360.00");
        refused(world.amend("1 m5.xlarge", "1 m5.large"), "0.00");
        refused(world.amend("", "1 m5.large"), "-900.00");
        assertEquals(1, world.amendments().size());
        // A switch downwards with enough added is more than nothing.
        assertEquals(
                "120.00",
                world.amend("1 m5.large, 1 c7g.large", "1 m7i.xlarge")
                        .expect(201)
                        .get("amount"));
    }

    @Test
    @Rule("R32")
    void theSignIsTestedBeforeRounding() {
        YearlyMarket world = YearlyMarket.here(RUNNING);
        world.buy("1 m5.large");
        days(200);
        Http.Answer amended = world.amend("1 t3.micro", "1 m5.large").expect(201);
        assertEquals("0.01", amended.get("yearlyChange"));
        assertEquals("0.00", amended.get("amount"), "less than half a cent");
        assertEquals(List.of("1 m5.large 1500 1500", "1 - 0 0"), world.bought());
    }

    @Test
    @Rule({"R32", "R33"})
    void untilTheLastHourOfTheTermAnAmendmentCostsItsHoursAndInItNothing() {
        YearlyMarket world = YearlyMarket.here(RUNNING);
        Instant end = Instant.parse(world.buy("1 m5.large").get("termEnd"));
        RUNNING.clock().advance(Duration.between(RUNNING.clock().instant(), end.minus(YearlyMarket.HOUR)));
        Http.Answer last = world.amend("100 m5.large", "").expect(201);
        assertEquals("1", String.valueOf(last.json().get("hoursLeft")));
        assertEquals("17.12", last.get("amount"), "150,000 / 8,760");
        RUNNING.clock().advance(Duration.ofSeconds(1));
        refused(world.amend("100 m5.large", ""), "0.00");
        RUNNING.clock().advance(Duration.between(RUNNING.clock().instant(), end.minusSeconds(1)));
        refused(world.amend("100 m5.large", ""), "0.00");
        // Another year can be bought without a gap.
        Http.Answer next = world.buy("1 c7g.large");
        assertEquals(end.toString(), next.get("termStart"));
        assertEquals("purchase 3", next.get("kind") + " " + next.json().get("number"));
        RUNNING.clock().advance(Duration.ofSeconds(1));
        assertEquals(
                "c7g.large",
                world.amend("1 c7g.large", "")
                        .expect(201)
                        .list("changes")
                        .get(0)
                        .get("instanceType"));
    }

    @Test
    @Rule("R32")
    void afterTheTermThereIsNothingToAmend() {
        YearlyMarket world = YearlyMarket.here(RUNNING);
        assertTrue(world.amend("1 m5.large", "").expect(409).text().contains("buy a term first"));
        Instant end = Instant.parse(world.buy("1 m5.large").get("termEnd"));
        assertTrue(world.market()
                .years(world.agreement(), "'add':[{'instanceType':'m5.large','count':1}]")
                .expect(409)
                .text()
                .contains("a term runs until " + end));
        RUNNING.clock().advance(Duration.between(RUNNING.clock().instant(), end));
        assertTrue(world.amend("1 m5.large", "").expect(409).text().contains("the term ended at " + end));
        assertEquals("purchase", world.quote("1 m5.large", "").expect(200).get("kind"));
        world.market().end(world.agreement());
        assertTrue(world.amend("1 m5.large", "").expect(409).text().contains("the agreement ended at"));
    }

    @Test
    void whatIsWrongWithARequestIsToldWhereItIs() {
        YearlyMarket world = YearlyMarket.here(RUNNING);
        world.buy("2 m5.large");
        String wrong =
                world.amend("1 r5.large", "3 m5.large, 1 c7g.large").expect(400).text();
        assertTrue(
                wrong.contains("names r5.large, which has no yearly price in rate 1 of offer " + world.offer()), wrong);
        assertTrue(wrong.contains("names 3 of m5.large; the agreement has 2"), wrong);
        assertTrue(wrong.contains("names 1 of c7g.large; the agreement has 0"), wrong);
        assertTrue(world.amend("", "").expect(400).text().contains("must name instances"));
        assertTrue(world.amend("1 m5.large", "1 m5.large").expect(400).text().contains("which add names, too"));
        assertTrue(world.amend("1 m5.large, 1 m5.large", "").expect(400).text().contains("stands here twice"));
        assertTrue(world.amend("0 m5.large", "").expect(400).text().contains("add[0].count"));
        assertEquals(1, world.amendments().size());
        Market other = world.market();
        String hourly = other.accept(newOffer(other));
        assertTrue(other.years(hourly, "'add':[{'instanceType':'m5.large','count':1}]")
                .expect(400)
                .text()
                .contains("has no yearly price"));
    }

    /** Another offer, for one who ended the agreement on the first. */
    private static String newOffer(Market market) {
        RUNNING.http()
                .get("/v1/agreements", RUNNING.token(Role.BUYER, market.buyer))
                .list("items")
                .forEach(a -> market.end(String.valueOf(a.get("id"))));
        return market.offer("EUR", "'hourly':[{'instanceType':'m5.large','unitPrice':'0.2'}]");
    }

    @Test
    void yearlyPricesNeedHourlyOnesAndStandInTheOffer() {
        Market market = new Market(RUNNING, "uptime-hours");
        Http.Answer answer = market.post(
                "/v1/products/" + market.product + "/offers",
                "{'title':'T','currency':'EUR','hourly':[{'instanceType':'a','unitPrice':'0'},{'instanceType':'b',"
                        + "'unitPrice':'1'}],'yearly':[{'instanceType':'a','unitPrice':'0'},{'instanceType':'b',"
                        + "'unitPrice':'0'},{'instanceType':'c','unitPrice':'1'},{'instanceType':'a','unitPrice':'0'}]}");
        String wrong = answer.expect(400).text();
        assertTrue(wrong.contains("yearly[2].instanceType"), wrong);
        assertTrue(wrong.contains("yearly[1].unitPrice"), wrong);
        assertTrue(wrong.contains("yearly[3].instanceType"), wrong);
        assertFalse(wrong.contains("yearly[0]"), wrong);
        String offer = market.offer(
                "EUR",
                "'hourly':[{'instanceType':'b','unitPrice':'1'}],'yearly':[{'instanceType':'b','unitPrice':'0.50'}]");
        assertTrue(RUNNING.http()
                .get("/v1/offers/" + offer, RUNNING.token(Role.BUYER, market.buyer))
                .expect(200)
                .text()
                .contains("\"yearly\":[{\"instanceType\":\"b\",\"unitPrice\":\"0.5\"}]"));
    }

    @Test
    @Rule("R33")
    void anAmendmentIsAtTheRateThatTheAgreementAccepted() {
        YearlyMarket world = YearlyMarket.here(RUNNING);
        world.buy("1 m5.large");
        world.market()
                .post(
                        "/v1/offers/" + world.offer() + "/rates",
                        "{" + YearlyMarket.PRICES.replace("'1500'", "'9000'") + "}")
                .expect(201);
        Http.Answer amended = world.amend("1 m5.large", "").expect(201);
        assertEquals("1500.00 1", amended.get("amount") + " " + amended.json().get("rate"));
    }

    @Test
    @Rule("R33")
    void aTermWithALeapDayIsLonger() {
        YearlyMarket world = YearlyMarket.here(RUNNING);
        Instant now = RUNNING.clock().instant();
        Year year = Year.from(now.atOffset(ZoneOffset.UTC));
        while (!year.plusYears(1).isLeap()) {
            year = year.plusYears(1);
        }
        RUNNING.clock().advance(Duration.between(now, YearlyMarket.july(year)));
        assertEquals("8784", String.valueOf(world.buy("1 m5.large").json().get("hoursOfTerm")));
        days(366 - 61);
        // 61 days of 366 are a sixth.
        assertEquals("250.00", world.amend("1 m5.large", "").expect(201).get("amount"));
    }

    @Test
    void aRepeatedRequestIsAnsweredAgainAndNothingIsBoughtTwice() {
        YearlyMarket world = YearlyMarket.here(RUNNING);
        String buy = "'add':[{'instanceType':'m5.large','count':1}],'clientToken':'t1'";
        String amend = "'add':[{'instanceType':'c7g.large','count':1}],'clientToken':'t2'";
        Http.Answer bought = world.market().years(world.agreement(), buy).expect(201);
        Http.Answer amended = world.market().amend(world.agreement(), amend).expect(201);
        days(400);
        assertEquals(
                bought.text(),
                world.market().years(world.agreement(), buy).expect(201).text());
        assertEquals(
                amended.text(),
                world.market().amend(world.agreement(), amend).expect(201).text());
        Http.Answer other = world.market().amend(world.agreement(), buy).expect(409);
        assertEquals(bought.get("id"), other.get("amendment"));
        assertEquals(2, world.amendments().size());
        assertEquals(List.of("1 m5.large 1500 1500", "1 - 800 800"), world.bought());
    }

    @Test
    @Rule("R31")
    void amendmentsThatRaceAreAllCounted() throws Exception {
        YearlyMarket world = YearlyMarket.here(RUNNING);
        world.buy("1 m5.large");
        ExecutorService threads = Executors.newFixedThreadPool(8);
        try {
            List<Future<Http.Answer>> racing = IntStream.range(0, 8)
                    .mapToObj(i -> threads.submit(() -> world.market()
                            .amend(
                                    world.agreement(),
                                    // Pairs come under one token: one of each pair counts.
                                    "'add':[{'instanceType':'m5.large','count':1}],'clientToken':'r" + i / 2 + "'")))
                    .toList();
            for (Future<Http.Answer> answer : racing) {
                assertEquals(201, answer.get().status(), answer.get().text());
            }
        } finally {
            threads.shutdownNow();
        }
        List<Map<String, Object>> all = world.amendments();
        assertEquals(5, all.size());
        assertEquals(
                "[{instanceType=m5.large, count=5, yearlyPrice=1500}]",
                String.valueOf(all.get(4).get("items")));
        assertEquals(
                List.of("1 - 1500 1500", "1 - 1500 1500", "1 - 1500 1500", "1 - 1500 1500"),
                world.bought().subList(1, 5));
    }

    @Test
    @Rule("R34")
    void nobodyButTheBuyerIsNeededWhetherTheOfferIsPublicOrPrivate() {
        YearlyMarket world = YearlyMarket.here(RUNNING);
        Market market = world.market();
        String buyer = RUNNING.token(Role.BUYER, market.buyer);
        market.end(world.agreement());
        String offer = market.offer("EUR", "'accounts':['" + market.buyer + "']," + YearlyMarket.PRICES);
        String mine = market.accept(offer);
        String path = "/v1/agreements/" + mine;
        String one = "{\"add\":[{\"instanceType\":\"m5.large\",\"count\":1}]}";
        RUNNING.http().post(path + "/years", buyer, one).expect(201);
        Http.Answer amended =
                RUNNING.http().post(path + "/amendments", buyer, one).expect(201);
        assertEquals("1500.00", amended.get("amount"));
        // Who cannot say yes or no may look.
        List<Map<String, Object>> seen =
                new YearlyMarket(RUNNING, market, offer, mine).amendments(RUNNING.token(Role.SELLER, market.seller));
        assertEquals(
                List.of("purchase", "amendment"),
                seen.stream().map(a -> a.get("kind")).toList());
        assertNull(seen.get(0).get("madeBy"));
        // There are no instalment plans: an offer that asks for one is refused, so no agreement has one.
        assertTrue(market.post(
                        "/v1/products/" + market.product + "/offers",
                        "{'title':'T','currency':'EUR','instalments':12," + YearlyMarket.PRICES + "}")
                .expect(400)
                .text()
                .contains("instalments"));
    }

    @Test
    void whoBoughtAndWhatItWasBeforeIsInTheAuditLog() throws Exception {
        YearlyMarket world = YearlyMarket.here(RUNNING);
        world.buy("2 m5.large");
        world.amend("1 m5.large", "").expect(201);
        try (var connection = RUNNING.database().connect();
                var rows = connection
                        .createStatement()
                        .executeQuery("SELECT action || ' ' || actor, (before_json::json -> 'items')::text,"
                                + " (after_json::json -> 'items')::text FROM audit_event WHERE subject = '"
                                + world.agreement() + "' ORDER BY seq OFFSET 1")) {
            rows.next();
            assertTrue(rows.getString(1).startsWith("agreement.buy-year "), rows.getString(1));
            assertNull(rows.getString(2));
            rows.next();
            assertTrue(rows.getString(1).startsWith("agreement.amend "), rows.getString(1));
            assertTrue(rows.getString(2).contains("\"count\":2"), rows.getString(2));
            assertTrue(rows.getString(3).contains("\"count\":3"), rows.getString(3));
        }
    }
}
