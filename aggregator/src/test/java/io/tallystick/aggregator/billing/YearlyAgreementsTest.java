package io.tallystick.aggregator.billing;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.tallystick.aggregator.app.Http;
import io.tallystick.aggregator.app.RunningAggregator;
import io.tallystick.aggregator.usage.ProtocolClient;
import io.tallystick.aggregator.usage.SimulatedRegion;
import io.tallystick.aggregator.web.Role;
import io.tallystick.common.model.Hours;
import io.tallystick.testkit.Rule;
import java.time.Duration;
import java.time.Instant;
import java.time.Year;
import java.time.YearMonth;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.IntStream;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.jupiter.api.extension.RegisterExtension;

/**
 * Instances bought for a year: what they cover, and what it costs to amend them. What meters comes last: once a seller has usage,
 * each day that the others let pass is another report to make.
 */
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class YearlyAgreementsTest {
    private static final String PRICES =
            """
            'hourly':[{'instanceType':'m5.large','unitPrice':'0.2'},{'instanceType':'m5.xlarge','unitPrice':'0.2'},
              {'instanceType':'m7i.xlarge','unitPrice':'0.3'},{'instanceType':'c7g.large','unitPrice':'0.1'},
              {'instanceType':'t3.micro','unitPrice':'0.01'}],
            'yearly':[{'instanceType':'m5.large','unitPrice':'1500'},{'instanceType':'m5.xlarge','unitPrice':'1500'},
              {'instanceType':'m7i.xlarge','unitPrice':'2100'},{'instanceType':'c7g.large','unitPrice':'800'},
              {'instanceType':'t3.micro','unitPrice':'1500.01'}]""";
    /** Behind those without an order. */
    private static final int LATE = Order.DEFAULT + 1;

    private static final Duration CLOSED = Duration.ofHours(3);
    private static final Duration HOUR = Duration.ofHours(1);

    @RegisterExtension
    static final RunningAggregator RUNNING = RunningAggregator.with("trust.dir=" + SimulatedRegion.trustFolder());

    /** A market with an agreement on an offer with yearly prices, on the hour. */
    private record World(Market market, String offer, String agreement) {
        /** On the hour. */
        static World soon(String prices) {
            Instant now = RUNNING.clock().instant();
            RUNNING.clock().advance(Duration.between(now, Hours.of(now).plus(HOUR)));
            return at(prices);
        }

        static World here() {
            // The first of the next July whose year to come has no leap day: the tests' order changes no amount.
            Instant now = RUNNING.clock().instant();
            Year year = Year.from(now.atOffset(ZoneOffset.UTC));
            Instant start = july(year);
            while (start.isBefore(now) || year.plusYears(1).isLeap()) {
                year = year.plusYears(1);
                start = july(year);
            }
            RUNNING.clock().advance(Duration.between(now, start));
            return at(PRICES);
        }

        private static World at(String prices) {
            Market market = new Market(RUNNING, "uptime-hours");
            String offer = market.offer("EUR", prices);
            return new World(market, offer, market.accept(offer));
        }

        private static Instant july(Year year) {
            return year.atMonth(7).atDay(1).atStartOfDay().toInstant(ZoneOffset.UTC);
        }

        Http.Answer buy(String... counts) {
            return market.years(agreement, "'add':" + counts(counts)).expect(201);
        }

        Http.Answer amend(String add, String remove) {
            return market.amend(agreement, change(add, remove));
        }

        Http.Answer quote(String add, String remove) {
            return market.quote(agreement, change(add, remove));
        }

        private static String change(String add, String remove) {
            return "'add':" + counts(add) + ",'remove':" + counts(remove);
        }

        /** Of {@code "2 m5.large, 1 c7g.large"} the JSON. */
        private static String counts(String... texts) {
            StringBuilder json = new StringBuilder();
            for (String text : String.join(",", texts).split(",", -1)) {
                if (!text.isBlank()) {
                    String[] parts = text.strip().split(" ", -1);
                    json.append(json.isEmpty() ? "" : ",")
                            .append("{'count':" + parts[0] + ",'instanceType':'" + parts[1] + "'}");
                }
            }
            return "[" + json + "]";
        }

        List<Map<String, Object>> amendments(String token) {
            return RUNNING.http()
                    .get("/v1/agreements/" + agreement + "/amendments", token)
                    .expect(200)
                    .list("items");
        }

        List<Map<String, Object>> amendments() {
            return amendments(RUNNING.operator());
        }

        /** The charges of what was bought. */
        List<String> bought() {
            market.pass(CLOSED);
            return Market.shown(
                    market.charges().stream()
                            .filter(c -> "purchase".equals(c.get("kind")))
                            .toList(),
                    "quantity",
                    "instanceType",
                    "unitPrice",
                    "amount");
        }
    }

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
        World world = World.here();
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
        World world = World.here();
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
        World world = World.here();
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
        World world = World.here();
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
        World world = World.here();
        Instant end = Instant.parse(world.buy("1 m5.large").get("termEnd"));
        RUNNING.clock().advance(Duration.between(RUNNING.clock().instant(), end.minus(HOUR)));
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
        World world = World.here();
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
        World world = World.here();
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
        World world = World.here();
        world.buy("1 m5.large");
        world.market()
                .post("/v1/offers/" + world.offer() + "/rates", "{" + PRICES.replace("'1500'", "'9000'") + "}")
                .expect(201);
        Http.Answer amended = world.amend("1 m5.large", "").expect(201);
        assertEquals("1500.00 1", amended.get("amount") + " " + amended.json().get("rate"));
    }

    @Test
    @Rule("R33")
    void aTermWithALeapDayIsLonger() {
        World world = World.here();
        Instant now = RUNNING.clock().instant();
        Year year = Year.from(now.atOffset(ZoneOffset.UTC));
        while (!year.plusYears(1).isLeap()) {
            year = year.plusYears(1);
        }
        RUNNING.clock().advance(Duration.between(now, World.july(year)));
        assertEquals("8784", String.valueOf(world.buy("1 m5.large").json().get("hoursOfTerm")));
        days(366 - 61);
        // 61 days of 366 are a sixth.
        assertEquals("250.00", world.amend("1 m5.large", "").expect(201).get("amount"));
    }

    @Test
    void aRepeatedRequestIsAnsweredAgainAndNothingIsBoughtTwice() {
        World world = World.here();
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
        World world = World.here();
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
        World world = World.here();
        Market market = world.market();
        String buyer = RUNNING.token(Role.BUYER, market.buyer);
        market.end(world.agreement());
        String offer = market.offer("EUR", "'accounts':['" + market.buyer + "']," + PRICES);
        String mine = market.accept(offer);
        String path = "/v1/agreements/" + mine;
        String one = "{\"add\":[{\"instanceType\":\"m5.large\",\"count\":1}]}";
        RUNNING.http().post(path + "/years", buyer, one).expect(201);
        Http.Answer amended =
                RUNNING.http().post(path + "/amendments", buyer, one).expect(201);
        assertEquals("1500.00", amended.get("amount"));
        // Who cannot say yes or no may look.
        List<Map<String, Object>> seen =
                new World(market, offer, mine).amendments(RUNNING.token(Role.SELLER, market.seller));
        assertEquals(
                List.of("purchase", "amendment"),
                seen.stream().map(a -> a.get("kind")).toList());
        assertNull(seen.get(0).get("madeBy"));
        // There are no instalment plans: an offer that asks for one is refused, so no agreement has one.
        assertTrue(market.post(
                        "/v1/products/" + market.product + "/offers",
                        "{'title':'T','currency':'EUR','instalments':12," + PRICES + "}")
                .expect(400)
                .text()
                .contains("instalments"));
    }

    @Test
    @Order(LATE + 1)
    void instanceHoursAreCoveredUpToTheCountOfTheirTypeAndTheRestIsPaidByTheHour() {
        World world = World.soon(PRICES);
        world.buy("2 m5.large");
        Market market = world.market();
        List<ProtocolClient> agents = List.of(market.agent(), market.agent(), market.agent());
        Instant first = market.hour();
        for (ProtocolClient agent : agents) {
            agent.send(Market.usage("uptime-hours", first, "0.9"));
        }
        ProtocolClient other = market.agent();
        other.restartAs("c7g.large");
        other.send(Market.usage("uptime-hours", first, "1"));
        market.pass(CLOSED);
        // 2.7 hours ran, 2 are covered; of the last instance 0.7 are left, which has started an hour.
        assertEquals(
                List.of("c7g.large - 1 0.1", "m5.large 0.2 1 0.2", "m5.large 0.9 0 0", "m5.large 0.9 0 0"),
                covered(market));
        // What comes late for an hour that was used up is paid, but of an hour that was started nothing is left to pay.
        agents.get(2).send(Market.usage("uptime-hours", first, "0.1"));
        agents.get(0).send(Market.usage("uptime-hours", first, "0.1"));
        market.pass(CLOSED);
        List<String> all = covered(market);
        assertEquals(6, all.size());
        assertEquals(
                2,
                all.stream()
                        .filter(l -> l.equals("m5.large - 1 0.2") || l.equals("m5.large - 0 0"))
                        .count());
    }

    private static List<String> covered(Market market) {
        return market.charges().stream()
                .filter(c -> !"purchase".equals(c.get("kind")))
                .map(c -> Market.shown(List.of(c), "instanceType", "coveredQuantity", "pricedQuantity", "amount")
                        .get(0))
                .sorted()
                .toList();
    }

    @Test
    @Order(LATE + 2)
    @Rule("R31")
    void anAmendmentCoversFromTheNextHourOnAndTheTermEndsWithItsLast() {
        World world = World.soon("'partialHours':'exact'," + PRICES);
        Market market = world.market();
        Instant bought = RUNNING.clock().instant();
        Instant end = Instant.parse(world.buy("1 m5.large").get("termEnd"));
        List<ProtocolClient> agents = List.of(market.agent(), market.agent());
        RUNNING.clock().advance(Duration.ofMinutes(10));
        world.amend("1 m5.large", "").expect(201);
        for (ProtocolClient agent : agents) {
            agent.send(Market.usage("uptime-hours", bought, "1"));
        }
        RUNNING.clock().advance(HOUR);
        for (ProtocolClient agent : agents) {
            agent.send(Market.usage("uptime-hours", bought.plus(HOUR), "1"));
        }
        market.pass(CLOSED);
        assertEquals(
                List.of("m5.large - 1 0.2", "m5.large 1 0 0", "m5.large 1 0 0", "m5.large 1 0 0"), covered(market));
        RUNNING.clock().advance(Duration.between(RUNNING.clock().instant(), end));
        ProtocolClient last = market.agent();
        last.send(Market.usage("uptime-hours", end.minus(HOUR), "0.5"), Market.usage("uptime-hours", end, "0.25"));
        market.pass(CLOSED);
        assertEquals(
                List.of("m5.large - 0.25 0.05", "m5.large 0.5 0 0"),
                covered(market).stream()
                        .filter(l -> l.contains("0.5") || l.contains("0.25"))
                        .toList());
    }

    @Test
    @Order(LATE)
    @Rule("R35")
    void whatWasBoughtStandsOnTheStatementAndInTheSellersRevenue() {
        World world = World.here();
        Market market = world.market();
        YearMonth month = YearMonth.from(RUNNING.clock().instant().atOffset(ZoneOffset.UTC));
        Instant middle = month.atDay(10).atStartOfDay().toInstant(ZoneOffset.UTC);
        RUNNING.clock().advance(Duration.between(RUNNING.clock().instant(), middle));
        world.buy("2 m5.large");
        days(2);
        Http.Answer amended = world.amend("1 c7g.large", "").expect(201);
        ProtocolClient agent = market.agent();
        agent.send(market.usage("uptime-hours", "1"));
        market.pass(CLOSED);
        String seller = RUNNING.token(Role.SELLER, market.seller);
        String revenue = "/v1/billing/revenue?month=" + month;
        assertEquals(
                List.of("EUR false 3795.62"),
                Market.shown(RUNNING.http().get(revenue, seller).list("items"), "currency", "closed", "amount"));
        market.pass(Duration.ofDays(35));
        assertEquals(
                List.of("EUR true 3795.62"),
                Market.shown(RUNNING.http().get(revenue, seller).list("items"), "currency", "closed", "amount"));
        Map<String, Object> statement = RUNNING.http()
                .get("/v1/billing/statements?month=" + month, seller)
                .list("items")
                .get(0);
        List<Map<String, Object>> lines = RUNNING.http()
                .get("/v1/billing/statements/" + statement.get("id"), RUNNING.token(Role.BUYER, market.buyer))
                .expect(200)
                .list("items");
        assertEquals(
                List.of(
                        "purchase " + market.product + ":amendment:" + amended.get("id")
                                + " amendment 1 - 795.62 795.62",
                        "usage " + market.product + ":m5.large uptime-hours 1 1 0.2 0.00",
                        "purchase " + market.product + ":year:m5.large year 2 - 1500 3000.00"),
                Market.shown(lines, "kind", "sku", "dimension", "quantity", "coveredQuantity", "unitPrice", "amount"));
    }

    @Test
    @Rule("R35")
    void aDaysReportOnAgreementsTellsWhatWasBoughtRenewedAndAmended() {
        World world = World.here();
        Market market = world.market();
        Instant start = RUNNING.clock().instant();
        Instant end = Instant.parse(world.buy("3 m5.large").get("termEnd"));
        days(146);
        Instant amended = RUNNING.clock().instant();
        world.amend("2 m5.large", "").expect(201);
        RUNNING.clock().advance(Duration.ofMinutes(30));
        world.amend("1 c7g.large", "").expect(201);
        String seller = RUNNING.token(Role.SELLER, market.seller);
        String day = amended.toString().substring(0, 10);
        assertEquals("not-closed", make(seller, day).expect(409).get("code"));
        days(2);
        assertEquals(
                "not-found",
                make(seller, start.minusSeconds(1).toString().substring(0, 10))
                        .expect(404)
                        .get("code"));
        Http.Answer report = make(seller, day).expect(200);
        String csv = csv(seller, report);
        String same = "," + world.agreement() + ","
                + csv.lines().toList().get(1).split(",", -1)[3] + ",A product,"
                + market.product + "," + market.code + "," + world.offer() + ",Public,1," + start + ",," + start + ","
                + end + ",";
        // 800 for 5,255 of 8,760 hours.
        assertEquals(
                "Time,Event,Agreement ID,Customer Reference ID,Product Title,Product ID,Product Code,Offer ID,Offer"
                        + " Visibility,Rate,Accepted,Ended,Term Start,Term End,Instances,Currency,Amount,Agreement Value\n"
                        + amended + ",amended" + same + "5 m5.large,EUR,1800,6300\n" + amended.plusSeconds(1800)
                        + ",amended" + same + "1 c7g.large; 5 m5.large,EUR,479.91,6779.91\n",
                csv);
        assertTrue(same.contains(",buyer-") && !csv.contains(market.buyer), "buyers are pseudonyms");
        assertEquals(report.text(), make(seller, day).expect(200).text(), "made once");

        RUNNING.clock().advance(Duration.between(RUNNING.clock().instant(), end));
        world.buy("1 m5.large");
        market.end(world.agreement());
        days(2);
        assertEquals(List.of("accepted - ", "bought 3 m5.large 4500"), events(seller, start));
        assertEquals(List.of("renewed 1 m5.large 1500", "ended - "), events(seller, end));
        assertEquals(List.of(), events(seller, amended.plus(Duration.ofDays(1))));
    }

    private static Http.Answer make(String seller, String day) {
        return RUNNING.http()
                .post("/v1/reports", seller, "{\"kind\":\"agreements-and-renewals\",\"day\":\"" + day + "\"}");
    }

    private static String csv(String seller, Http.Answer report) {
        return RUNNING.http()
                .get("/v1/reports/" + report.get("id"), seller)
                .expect(200)
                .text();
    }

    private static List<String> events(String seller, Instant day) {
        return csv(seller, make(seller, day.toString().substring(0, 10)).expect(200))
                .lines()
                .skip(1)
                .map(l -> l.split(",", -1))
                .map(c -> c[1] + " " + (c[14].isEmpty() ? "-" : c[14]) + " " + c[16])
                .toList();
    }

    @Test
    void whoBoughtAndWhatItWasBeforeIsInTheAuditLog() throws Exception {
        World world = World.here();
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
