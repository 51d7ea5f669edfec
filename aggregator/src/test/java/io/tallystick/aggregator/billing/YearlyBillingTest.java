package io.tallystick.aggregator.billing;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.tallystick.aggregator.app.Http;
import io.tallystick.aggregator.app.RunningAggregator;
import io.tallystick.aggregator.usage.ProtocolClient;
import io.tallystick.aggregator.usage.SimulatedRegion;
import io.tallystick.aggregator.web.Role;
import io.tallystick.testkit.Rule;
import java.time.Duration;
import java.time.Instant;
import java.time.YearMonth;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.jupiter.api.extension.RegisterExtension;

/**
 * What the bill, the statements, the revenue and the report say of what was bought by the year. What meters comes last: once a
 * seller has usage, each day that the others let pass is another report to make.
 */
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class YearlyBillingTest {
    /** Behind those without an order. */
    private static final int LATE = Order.DEFAULT + 1;

    @RegisterExtension
    static final RunningAggregator RUNNING = RunningAggregator.with("trust.dir=" + SimulatedRegion.trustFolder());

    private static void days(int days) {
        RUNNING.clock().advance(Duration.ofDays(days));
    }

    @Test
    @Order(LATE + 1)
    void instanceHoursAreCoveredUpToTheCountOfTheirTypeAndTheRestIsPaidByTheHour() {
        YearlyMarket world = YearlyMarket.soon(RUNNING, YearlyMarket.PRICES);
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
        market.pass(YearlyMarket.CLOSED);
        // 2.7 hours ran, 2 are covered; of the last instance 0.7 are left, which has started an hour.
        assertEquals(
                List.of("c7g.large - 1 0.1", "m5.large 0.2 1 0.2", "m5.large 0.9 0 0", "m5.large 0.9 0 0"),
                covered(market));
        // What comes late for an hour that was used up is paid, but of an hour that was started nothing is left to pay.
        agents.get(2).send(Market.usage("uptime-hours", first, "0.1"));
        agents.get(0).send(Market.usage("uptime-hours", first, "0.1"));
        market.pass(YearlyMarket.CLOSED);
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
        YearlyMarket world = YearlyMarket.soon(RUNNING, "'partialHours':'exact'," + YearlyMarket.PRICES);
        Market market = world.market();
        Instant bought = RUNNING.clock().instant();
        Instant end = Instant.parse(world.buy("1 m5.large").get("termEnd"));
        List<ProtocolClient> agents = List.of(market.agent(), market.agent());
        RUNNING.clock().advance(Duration.ofMinutes(10));
        world.amend("1 m5.large", "").expect(201);
        for (ProtocolClient agent : agents) {
            agent.send(Market.usage("uptime-hours", bought, "1"));
        }
        RUNNING.clock().advance(YearlyMarket.HOUR);
        for (ProtocolClient agent : agents) {
            agent.send(Market.usage("uptime-hours", bought.plus(YearlyMarket.HOUR), "1"));
        }
        market.pass(YearlyMarket.CLOSED);
        assertEquals(
                List.of("m5.large - 1 0.2", "m5.large 1 0 0", "m5.large 1 0 0", "m5.large 1 0 0"), covered(market));
        RUNNING.clock().advance(Duration.between(RUNNING.clock().instant(), end));
        ProtocolClient last = market.agent();
        last.send(
                Market.usage("uptime-hours", end.minus(YearlyMarket.HOUR), "0.5"),
                Market.usage("uptime-hours", end, "0.25"));
        market.pass(YearlyMarket.CLOSED);
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
        YearlyMarket world = YearlyMarket.here(RUNNING);
        Market market = world.market();
        YearMonth month = YearMonth.from(RUNNING.clock().instant().atOffset(ZoneOffset.UTC));
        Instant middle = month.atDay(10).atStartOfDay().toInstant(ZoneOffset.UTC);
        RUNNING.clock().advance(Duration.between(RUNNING.clock().instant(), middle));
        world.buy("2 m5.large");
        days(2);
        Http.Answer amended = world.amend("1 c7g.large", "").expect(201);
        ProtocolClient agent = market.agent();
        agent.send(market.usage("uptime-hours", "1"));
        market.pass(YearlyMarket.CLOSED);
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
        YearlyMarket world = YearlyMarket.here(RUNNING);
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
}
