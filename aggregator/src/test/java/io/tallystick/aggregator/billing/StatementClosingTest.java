package io.tallystick.aggregator.billing;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.tallystick.aggregator.app.Http;
import io.tallystick.aggregator.app.RunningAggregator;
import io.tallystick.aggregator.signing.FastEd25519;
import io.tallystick.aggregator.usage.ProtocolClient;
import io.tallystick.aggregator.usage.SimulatedRegion;
import io.tallystick.aggregator.web.Role;
import io.tallystick.common.jose.Jws;
import io.tallystick.common.jose.Typ;
import io.tallystick.common.json.Json;
import java.time.Duration;
import java.time.Instant;
import java.time.YearMonth;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Charges into statements, month after month. */
class StatementClosingTest {
    private static final Duration DELAY = Duration.ofDays(3);
    private static final Duration CLOSED = Duration.ofHours(3);

    @RegisterExtension
    static final RunningAggregator RUNNING = RunningAggregator.with("trust.dir=" + SimulatedRegion.trustFolder());

    private static YearMonth month() {
        return YearMonth.from(RUNNING.clock().instant().atOffset(ZoneOffset.UTC));
    }

    private static Instant start(YearMonth month) {
        return month.atDay(1).atStartOfDay().toInstant(ZoneOffset.UTC);
    }

    /** Moves the clock there, posts, charges and closes. */
    private static void at(Instant when) {
        RUNNING.clock().advance(Duration.between(RUNNING.clock().instant(), when));
        RUNNING.post();
    }

    /** A place well inside a month, so that nothing of the test before is near. */
    private static void aNewMonth() {
        at(start(month().plusMonths(1)).plus(Duration.ofDays(10)));
    }

    private static void closeMonth() {
        at(start(month().plusMonths(1)).plus(DELAY).plus(Duration.ofMinutes(1)));
    }

    private static Market priced(String currency, String price) {
        Market market = new Market(RUNNING, "requests", "uptime-hours");
        market.accept(market.offer(currency, "'prices':[{'dimension':'requests','unitPrice':'" + price + "'}]"));
        return market;
    }

    private static List<Map<String, Object>> statements(Market market) {
        return RUNNING.http()
                .get("/v1/billing/statements?account=" + market.buyer, RUNNING.operator())
                .expect(200)
                .list("items");
    }

    private static Http.Answer statement(Object id) {
        return RUNNING.http()
                .get("/v1/billing/statements/" + id, RUNNING.operator())
                .expect(200);
    }

    private static Map<String, Object> last(Market market) {
        List<Map<String, Object>> all = statements(market);
        return all.get(all.size() - 1);
    }

    @Test
    void aMonthClosesAfterItsEndAndTheDelayAndNotAMomentBefore() {
        aNewMonth();
        Market market = priced("EUR", "0.5");
        market.agent().send(market.usage("requests", "3"));
        YearMonth month = month();
        market.pass(CLOSED);
        at(start(month.plusMonths(1)).plus(DELAY).minus(Duration.ofMinutes(1)));
        assertEquals(List.of(), statements(market));
        at(start(month.plusMonths(1)).plus(DELAY));
        assertEquals(List.of(month + " EUR 1.50 1 1"), shown(market));
        Map<String, Object> statement = last(market);
        assertEquals(market.seller, statement.get("seller"));
        assertEquals(
                List.of("1 usage requests 3 0.5 1.5 1.50"),
                Market.shown(
                        statement(statement.get("id")).list("items"),
                        "line",
                        "kind",
                        "dimension",
                        "quantity",
                        "unitPrice",
                        "exact",
                        "amount"));
    }

    @Test
    void lateUsageIsAnAdjustmentInTheNextStatementWithItsHourAndTheClosedOneStays() {
        aNewMonth();
        Market market = priced("EUR", "1");
        ProtocolClient agent = market.agent();
        Instant hour = market.hour();
        agent.send(market.usage("requests", "10"));
        market.pass(CLOSED);
        at(start(month().plusMonths(1)).minus(Duration.ofHours(2)));
        Instant neverBooked = market.hour();
        closeMonth();
        Object first = last(market).get("id");
        String before = statement(first).text();

        // One hour that is in the statement already, one nobody had heard of, and one of this month.
        agent.send(
                Market.usage("requests", hour, "2"),
                Market.usage("requests", neverBooked, "3"),
                market.usage("requests", "4"));
        market.pass(CLOSED);
        closeMonth();
        assertEquals(before, statement(first).text());
        List<Map<String, Object>> lines = statement(last(market).get("id")).list("items");
        assertEquals(List.of("usage 4 4.00", "adjustment 5 5.00"), Market.shown(lines, "kind", "quantity", "amount"));
        assertEquals(hour.toString(), lines.get(1).get("firstHour"));
        assertEquals(neverBooked.toString(), lines.get(1).get("lastHour"));
    }

    @Test
    void aLineIsRoundedOnceHalfUpAndNotChargeByCharge() {
        aNewMonth();
        Market exact = priced("EUR", "0.004");
        Market half = priced("EUR", "0.005");
        Market below = priced("EUR", "0.004999999");
        ProtocolClient agent = exact.agent();
        for (int hour = 0; hour < 3; hour++) {
            agent.send(exact.usage("requests", "1"));
            RUNNING.clock().advance(Duration.ofHours(1));
        }
        half.agent().send(half.usage("requests", "1"));
        below.agent().send(below.usage("requests", "1"));
        RUNNING.post();
        closeMonth();
        assertEquals("0.01", last(exact).get("amount"), "three times 0.004 is 0.012; each alone would be nothing");
        assertEquals("0.01", last(half).get("amount"));
        assertEquals("0.00", last(below).get("amount"));
        List<Map<String, Object>> lines = statement(last(exact).get("id")).list("items");
        assertEquals(List.of("3 0.012"), Market.shown(lines, "charges", "exact"));
    }

    @Test
    void currenciesAreStatedApartAndRoundedToTheirOwnExponent() {
        aNewMonth();
        for (String[] each :
                new String[][] {{"JPY", "0.5", "1"}, {"EUR", "0.125", "0.13"}, {"KWD", "0.0005", "0.001"}}) {
            Market market = priced(each[0], each[1]);
            market.agent().send(market.usage("requests", "1"));
            market.pass(CLOSED);
            closeMonth();
            assertEquals(List.of(each[0] + " " + each[2]), Market.shown(statements(market), "currency", "amount"));
        }
    }

    @Test
    void oneBuyerWithOffersInTwoCurrenciesGetsTwoStatements() {
        aNewMonth();
        Market market = new Market(RUNNING, "requests");
        String euro = market.offer("EUR", "'prices':[{'dimension':'requests','unitPrice':'1'}]");
        String yen = market.offer("JPY", "'prices':[{'dimension':'requests','unitPrice':'160'}]");
        String first = market.accept(euro);
        market.agent().send(market.usage("requests", "1"));
        market.pass(CLOSED);
        market.end(first);
        RUNNING.clock().advance(Duration.ofHours(1));
        market.accept(yen);
        market.agent().send(market.usage("requests", "1"));
        market.pass(CLOSED);
        closeMonth();
        assertEquals(
                List.of("EUR 1.00", "JPY 160"),
                Market.shown(statements(market), "currency", "amount").stream()
                        .sorted()
                        .toList());
    }

    @Test
    void monthsThatWereMissedAreClosedOneByOne() {
        aNewMonth();
        Market market = priced("EUR", "1");
        ProtocolClient agent = market.agent();
        YearMonth month = month();
        agent.send(market.usage("requests", "1"));
        at(start(month.plusMonths(1)).plus(Duration.ofDays(5)));
        agent.send(market.usage("requests", "2"));
        RUNNING.clock().advance(Duration.ofDays(70));
        RUNNING.post();
        assertEquals(List.of(month + " EUR 1.00 1 1", month.plusMonths(1) + " EUR 2.00 1 1"), shown(market));
    }

    @Test
    void aStatementLineIsExplainedByItsCharges() {
        aNewMonth();
        Market market = priced("EUR", "1");
        ProtocolClient agent = market.agent();
        for (int i = 1; i <= 3; i++) {
            agent.send(market.usage("requests", Integer.toString(i)));
            RUNNING.clock().advance(Duration.ofHours(1));
        }
        market.pass(CLOSED);
        closeMonth();
        String path = "/v1/billing/statements/" + last(market).get("id") + "/lines/1/charges";
        Http.Answer page =
                market.pull(path + "?limit=2", "application/x-ndjson").expect(200);
        assertEquals("true", page.header("Tallystick-Page-More"));
        String rest = market.pull(path + "?after=" + page.header("Tallystick-Next-After"), "application/x-ndjson")
                .expect(200)
                .text();
        String all = market.pull("/v1/billing/charges?product=" + market.product, "application/x-ndjson")
                .text();
        assertEquals(all, page.text() + rest);
        Map<String, Object> charge =
                Json.parseObject(page.text().lines().toList().get(1));
        Http.Answer evidence = RUNNING.http()
                .get(
                        "/v1/billing/usage/" + charge.get("run") + "." + charge.get("line") + "/evidence",
                        RUNNING.token(Role.BUYER, market.buyer))
                .expect(200);
        assertEquals(List.of("2"), Market.shown(evidence.list("lines"), "quantity"));
        assertEquals(List.of("1 2 2"), Market.shown(evidence.list("batches"), "epoch", "seq", "quantity"));
        String batch = String.valueOf(evidence.list("batches").get(0).get("jws"));
        assertEquals(
                agent.id().toString(),
                Jws.parseCompact(batch, Typ.BATCH)
                        .verified(agent.jwk(), FastEd25519.VERIFIER)
                        .header()
                        .kid());
        market.pull(path.replace("/lines/1/", "/lines/2/"), "text/csv").expect(404);
        RUNNING.http()
                .get(path, RUNNING.token(Role.BUYER, RUNNING.account("buyer")))
                .expect(404);
        assertEquals(
                page.text() + rest,
                RUNNING.http()
                        .get(path, RUNNING.token(Role.BUYER, market.buyer))
                        .text());
    }

    @Test
    void aSellerSeesItsStatementsUnderPseudonymsAndItsRevenueByMonth() {
        aNewMonth();
        YearMonth month = month();
        Market market = priced("EUR", "0.333");
        market.agent().send(market.usage("requests", "1"));
        market.pass(CLOSED);
        String seller = RUNNING.token(Role.SELLER, market.seller);
        String revenue = "/v1/billing/revenue?month=" + month;
        assertEquals(
                List.of("EUR false 0.333 1"),
                Market.shown(
                        RUNNING.http().get(revenue, seller).expect(200).list("items"),
                        "currency",
                        "closed",
                        "amount",
                        "buyers"));
        closeMonth();
        Map<String, Object> row =
                RUNNING.http().get(revenue, seller).list("items").get(0);
        assertEquals("true 0.33", row.get("closed") + " " + row.get("amount"));
        assertEquals(market.product, row.get("productId"));
        Http.Answer list = RUNNING.http().get("/v1/billing/statements", seller).expect(200);
        assertEquals(1, list.list("items").size());
        assertTrue(String.valueOf(list.list("items").get(0).get("buyer")).startsWith("buyer-"));
        assertFalse(list.text().contains(market.buyer), "a seller knows its buyers by pseudonyms");
        String other = RUNNING.token(Role.SELLER, RUNNING.account("seller"));
        assertEquals(List.of(), RUNNING.http().get(revenue, other).list("items"));
        RUNNING.http()
                .get("/v1/billing/statements/" + last(market).get("id"), other)
                .expect(404);
    }

    @Test
    void whatIsClosedCannotBeChangedEvenInTheDatabase() {
        aNewMonth();
        Market market = priced("EUR", "1");
        market.agent().send(market.usage("requests", "1"));
        market.pass(CLOSED);
        closeMonth();
        Object id = last(market).get("id");
        for (String sql : List.of(
                "UPDATE charge SET amount = 0, unit_price = 0 WHERE product_id = '" + market.product + "'",
                "UPDATE statement SET amount = 0 WHERE id = '" + id + "'",
                "DELETE FROM statement_line WHERE statement_id = '" + id + "'",
                "UPDATE statement_charge SET line = 2 WHERE statement_id = '" + id + "'",
                "TRUNCATE statement_charge")) {
            IllegalStateException refused = assertThrows(
                    IllegalStateException.class, () -> RUNNING.database().execute(sql));
            assertTrue(String.valueOf(refused.getMessage()).contains("append-only"), sql);
        }
    }

    private static List<String> shown(Market market) {
        return Market.shown(statements(market), "month", "currency", "amount", "lines", "charges");
    }
}
