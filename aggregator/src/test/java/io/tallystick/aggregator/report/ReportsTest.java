package io.tallystick.aggregator.report;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.tallystick.aggregator.account.Accounts;
import io.tallystick.aggregator.account.Pseudonym;
import io.tallystick.aggregator.app.Http;
import io.tallystick.aggregator.app.RunningAggregator;
import io.tallystick.aggregator.audit.Audit;
import io.tallystick.aggregator.billing.Market;
import io.tallystick.aggregator.db.Database;
import io.tallystick.aggregator.db.DatabaseUrl;
import io.tallystick.aggregator.db.Ids;
import io.tallystick.aggregator.job.Jobs;
import io.tallystick.aggregator.usage.ProtocolClient;
import io.tallystick.aggregator.usage.SimulatedRegion;
import io.tallystick.aggregator.web.Role;
import io.tallystick.common.model.Hash;
import io.tallystick.testkit.Rule;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Sellers' reports: what is in one, when it is made, and that it is made once. */
class ReportsTest {
    private static final String KIND = "daily-business-usage-by-instance-type";
    private static final String HEADER =
            "Customer Reference ID,User's State,User's Country,Product Title,Product Code,Instance Type,Usage"
                    + " Units,Usage Unit Type,Offering Description,Estimated Revenue,Currency,Offer ID,Offer"
                    + " Visibility,Customer AWS Account Number,Customer Country,Customer State,Customer City,Customer Zip"
                    + " Code,Customer Email Domain,Solution Title,Solution ID,Payer Reference ID,Payer Address ID\n";

    @RegisterExtension
    static final RunningAggregator RUNNING = RunningAggregator.with("trust.dir=" + SimulatedRegion.trustFolder());

    private static final Vertx VERTX = Vertx.vertx();
    private static Database database = Database.open(VERTX, DatabaseUrl.parse("postgresql://u@h/d"), 2);

    @BeforeAll
    static void connect() {
        database = Database.open(VERTX, DatabaseUrl.parse(RUNNING.database().url()), 2);
    }

    @AfterAll
    static void disconnect() throws Exception {
        database.close().await(10, TimeUnit.SECONDS);
        VERTX.close().await(10, TimeUnit.SECONDS);
    }

    /** The service as another process of the same installation has it. */
    private static Reports process() {
        Ids ids = new Ids(RUNNING.clock(), new Random());
        Accounts accounts = new Accounts(
                database.transactor(), new Audit(RUNNING.clock()), new Jobs(RUNNING.clock()), ids, RUNNING.clock());
        return new Reports(database, accounts, ids, RUNNING.clock());
    }

    private static void schedule() throws Exception {
        while (process().makeDue().await(30, TimeUnit.SECONDS) > 0) {
            // Until nothing is due.
        }
    }

    private static String today() {
        return RUNNING.clock().instant().atZone(ZoneOffset.UTC).toLocalDate().toString();
    }

    /** Shortly after the next midnight, with everything posted that is closed by then. */
    private static void nextDay(Market market, Duration after) {
        Instant midnight = RUNNING.clock()
                .instant()
                .atZone(ZoneOffset.UTC)
                .toLocalDate()
                .plusDays(1)
                .atStartOfDay(ZoneOffset.UTC)
                .toInstant();
        market.pass(Duration.between(RUNNING.clock().instant(), midnight.plus(after)));
    }

    private static String seller(Market market) {
        return RUNNING.token(Role.SELLER, market.seller);
    }

    private static List<Map<String, Object>> reports(Market market) {
        return RUNNING.http()
                .get("/v1/reports?limit=1000", seller(market))
                .expect(200)
                .list("items");
    }

    private static String csv(Market market, Map<String, Object> report) {
        return RUNNING.http()
                .get("/v1/reports/" + report.get("id"), seller(market))
                .expect(200)
                .text();
    }

    private static Http.Answer make(Market market, String day) {
        return RUNNING.http()
                .post("/v1/reports", seller(market), "{\"kind\":\"" + KIND + "\",\"day\":\"" + day + "\"}");
    }

    private static Optional<Map<String, Object>> of(Market market, String day) {
        return reports(market).stream().filter(r -> day.equals(r.get("day"))).findFirst();
    }

    @Test
    @Rule("R13")
    void aClosedDayIsReportedByCustomerTypeAndDimensionWithItsRevenue() throws Exception {
        Market market = new Market(RUNNING, "requests", "gigabytes");
        String offer = market.offer(
                "EUR",
                "'prices':[{'dimension':'requests','unitPrice':'0.5'},{'dimension':'gigabytes','unitPrice':'2'}]");
        market.accept(offer);
        ProtocolClient agent = market.agent();
        String day = today();
        agent.send(market.usage("requests", "3"), market.usage("gigabytes", "1.25"));
        RUNNING.clock().advance(Duration.ofHours(1));
        agent.restartAs("c5.xlarge");
        RUNNING.clock().advance(Duration.ofHours(1));
        agent.send(market.usage("requests", "4"));

        nextDay(market, Duration.ofMinutes(59));
        schedule();
        assertEquals(Optional.empty(), of(market, day), "the last hour is not closed yet");
        assertEquals("not-closed", make(market, day).expect(409).get("code"));

        market.pass(Duration.ofMinutes(2));
        schedule();
        Map<String, Object> report = of(market, day).orElseThrow();
        String csv = csv(market, report);
        List<String> lines = csv.lines().toList();
        String customer = lines.get(1).substring(0, lines.get(1).indexOf(','));
        assertTrue(customer.matches("buyer-[0-9a-f]{16}"), customer);
        assertFalse(csv.contains(market.buyer) || csv.contains(market.cloudAccount), "buyers are pseudonyms");
        String start = customer + ",,,A product," + market.code + ",";
        String end = ",EUR," + offer + ",Public,,,,,,,,," + customer + ",\n";
        assertEquals(
                HEADER + start + "c5.xlarge,4,Units,requests,2" + end + start + "m5.large,1.25,Units,gigabytes,2.5"
                        + end + start + "m5.large,3,Units,requests,1.5" + end,
                csv);
        assertEquals(3L, report.get("rows"));
        assertEquals(3L, report.get("lines"));
        assertEquals(KIND.replace('-', '_') + "_" + day + ".csv", report.get("fileName"));
        assertEquals(Hash.of(csv.getBytes(StandardCharsets.UTF_8)).toString(), report.get("sha256"));
    }

    @Test
    void aReportIsMadeOnceAndLateUsageIsInTheNext() throws Exception {
        Market market = new Market(RUNNING, "requests");
        RUNNING.agreement(market.product, market.buyer);
        ProtocolClient agent = market.agent();
        String day = today();
        Instant hour = market.hour();
        agent.send(market.usage("requests", "10"));
        nextDay(market, Duration.ofHours(3));
        String id = make(market, day).expect(200).get("id");
        String before = csv(market, Map.of("id", id));
        assertTrue(before.contains(",10,Units,requests,0,,,,"), before);

        agent.send(Market.usage("requests", hour, "7"));
        market.pass(Duration.ofHours(2));
        schedule();
        assertEquals(id, make(market, day).expect(200).get("id"));
        assertEquals(before, csv(market, Map.of("id", id)));
        String next = today();
        nextDay(market, Duration.ofHours(3));
        schedule();
        String after = csv(market, of(market, next).orElseThrow());
        assertTrue(after.contains(",7,Units,requests,0,,,,"), after);
        assertEquals(2, after.lines().count(), after);
    }

    @Test
    void missedDaysAreMadeUpForInOrderAlsoThoseWithoutUsage() throws Exception {
        Market market = new Market(RUNNING, "requests");
        RUNNING.agreement(market.product, market.buyer);
        String first = today();
        market.agent().send(market.usage("requests", "1"));
        for (int i = 0; i < 5; i++) {
            RUNNING.clock().advance(Duration.ofDays(1));
        }
        nextDay(market, Duration.ofHours(3));
        schedule();
        List<String> days = new ArrayList<>();
        reports(market).forEach(r -> days.add(String.valueOf(r.get("day"))));
        assertEquals(6, days.size(), days::toString);
        assertEquals(first, days.get(0));
        assertEquals(days.stream().sorted().distinct().toList(), days);
        assertEquals(HEADER, csv(market, reports(market).get(3)));
        Http.Answer page =
                RUNNING.http().get("/v1/reports?limit=4", seller(market)).expect(200);
        Http.Answer rest = RUNNING.http()
                .get("/v1/reports?limit=4&after=" + page.get("next"), seller(market))
                .expect(200);
        assertEquals(days.get(4), rest.list("items").get(0).get("day"));
        assertEquals(2, rest.list("items").size());
    }

    @Test
    void twoProcessesMakeADaysReportOnce() throws Exception {
        Market market = new Market(RUNNING, "requests");
        RUNNING.agreement(market.product, market.buyer);
        market.agent().send(market.usage("requests", "1"));
        RUNNING.clock().advance(Duration.ofDays(3));
        nextDay(market, Duration.ofHours(3));
        Future.all(List.of(
                        process().makeDue(),
                        process().makeDue(),
                        process().makeDue(),
                        process().makeDue()))
                .await(30, TimeUnit.SECONDS);
        schedule();
        List<Object> days =
                reports(market).stream().<Object>map(r -> r.get("day")).toList();
        assertEquals(4, days.size(), days::toString);
        assertEquals(4, days.stream().distinct().count());
    }

    @Test
    void whatCannotBeReportedIsRefusedWithItsReason() {
        Market market = new Market(RUNNING, "requests");
        assertEquals("not-found", make(market, today()).expect(404).get("code"));
        assertEquals(
                "[{path=day, detail=must be a day such as 2026-11-21}]",
                make(market, "yesterday").expect(400).json().get("errors").toString());
        Http.Answer operator = RUNNING.http()
                .post("/v1/reports", RUNNING.operator(), "{\"kind\":\"" + KIND + "\",\"day\":\"" + today() + "\"}")
                .expect(400);
        assertTrue(operator.text().contains("\"path\":\"seller\""), operator.text());
        assertTrue(RUNNING.http()
                .post("/v1/reports", seller(market), "{\"kind\":\"other\",\"day\":\"2026-03-01\"}")
                .expect(400)
                .text()
                .contains("must be " + KIND));
    }

    @Test
    void aCellThatASpreadsheetWouldRunIsNeutralised() {
        UsageByInstanceType.Row row = new UsageByInstanceType.Row(
                "acc-1",
                "prd-1",
                "=HYPERLINK(\"x\")",
                "code",
                "@SUM(1)",
                "d",
                "Units",
                BigDecimal.ONE,
                1,
                Optional.empty());
        String csv = new String(
                UsageByInstanceType.csv(List.of(row), new Pseudonym(new byte[Pseudonym.KEY_BYTES])),
                StandardCharsets.UTF_8);
        assertTrue(csv.contains(",\"'=HYPERLINK(\"\"x\"\")\",code,'@SUM(1),1,Units,d,0,,,"), csv);
    }
}
