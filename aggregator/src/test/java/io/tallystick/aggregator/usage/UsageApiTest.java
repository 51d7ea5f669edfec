package io.tallystick.aggregator.usage;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.tallystick.aggregator.app.Http;
import io.tallystick.aggregator.app.RunningAggregator;
import io.tallystick.aggregator.web.Role;
import io.tallystick.common.json.Json;
import io.tallystick.common.model.Hours;
import io.tallystick.common.model.Quantity;
import io.tallystick.common.wire.MeteringRecord;
import io.tallystick.testkit.NeedsTool;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** {@code GET /v1/usage} over the hours around a change of the clocks, metered by two agents of two buyers. */
class UsageApiTest {
    @RegisterExtension
    static final RunningAggregator RUNNING = RunningAggregator.with("trust.dir=" + SimulatedRegion.trustFolder());

    private static String seller = "";
    private static String buyer = "";
    private static String other = "";
    private static String product = "";

    /** One call an hour from the buyer, two from the other, from Saturday noon to Tuesday noon; the last hour is open. */
    @BeforeAll
    static void meter() {
        seller = RUNNING.account("seller");
        buyer = RUNNING.account("buyer");
        other = RUNNING.account("buyer");
        product = RUNNING.product(seller, "calls", "seats");
        RUNNING.visibility(product, "LIMITED", "PUBLIC");
        RUNNING.cloudAccount(buyer, "aws", "400000000001");
        RUNNING.cloudAccount(other, "aws", "400000000002");
        RUNNING.agreement(product, buyer);
        RUNNING.agreement(product, other);
        RUNNING.clock().advance(Duration.between(RunningAggregator.START, Instant.parse("2026-03-28T12:30:00Z")));
        ProtocolClient first = agent("400000000001");
        ProtocolClient second = agent("400000000002");
        for (int hour = 0; hour < 72; hour++) {
            Instant now = RUNNING.clock().instant();
            first.send(
                    MeteringRecord.increment("calls", Hours.of(now), Quantity.ONE),
                    MeteringRecord.increment("seats", Hours.of(now), Quantity.parse("0.5")));
            second.send(MeteringRecord.increment("calls", Hours.of(now), Quantity.parse("2")));
            RUNNING.clock().advance(Duration.ofHours(1));
        }
        RUNNING.post();
    }

    private static ProtocolClient agent(String account) {
        ProtocolClient agent = SimulatedRegion.client(
                RUNNING, SimulatedRegion.vm(account, RUNNING.clock().instant(), List.of(RUNNING.code(product))));
        agent.enroll();
        return agent;
    }

    private static Http.Answer ask(Role role, @Nullable String account, String query) {
        return RUNNING.http().get("/v1/usage?" + query, RUNNING.token(role, account));
    }

    private static List<Map<String, Object>> items(Role role, @Nullable String account, String query) {
        return ask(role, account, query).expect(200).list("items");
    }

    private static String range(String more) {
        return "from=2026-03-28T00:00:00Z&to=2026-04-01T00:00:00Z" + more;
    }

    @Test
    void aDayOfTwentyThreeHoursHasTwentyThreeHoursOfUsage() {
        List<Map<String, Object>> days = items(
                Role.BUYER,
                buyer,
                "from=2026-03-27T23:00:00Z&to=2026-03-31T22:00:00Z&timezone=Europe/Paris&dimension=calls");
        assertEquals(
                List.of("11", "23", "24", "14"),
                days.stream().map(d -> d.get("quantity")).toList());
        assertEquals("2026-03-28T23:00:00Z", days.get(1).get("start"));
        assertEquals("2026-03-29T22:00:00Z", days.get(1).get("end"));
        // The same hours by the days of UTC, which are all alike.
        assertEquals(
                List.of("12", "24", "24", "12"),
                items(Role.BUYER, buyer, range("&dimension=calls")).stream()
                        .map(d -> d.get("quantity"))
                        .toList());
        // An hour that begins at 23:30 in Kolkata is of the day it begins in.
        assertEquals(
                List.of("7", "24", "24", "17"),
                items(Role.BUYER, buyer, range("&dimension=calls&timezone=Asia/Kolkata")).stream()
                        .map(d -> d.get("quantity"))
                        .toList());
    }

    @Test
    void openHoursAreProvisionalAndClosedOnesAreNot() {
        List<Map<String, Object>> hours = items(Role.BUYER, buyer, range("&dimension=calls&window=hour"));
        assertEquals(72, hours.size());
        Map<Object, Long> states = new HashMap<>();
        hours.forEach(h -> states.merge(h.get("provisional"), 1L, Long::sum));
        // Posted at half past twelve on Tuesday, with the close delay of an hour: up to eleven o'clock.
        assertEquals("2026-03-31T10:00:00Z", lastPosted(hours));
        assertEquals(Map.of(true, 1L, false, 71L), states);
        // A day that is posted but not over may grow as well.
        List<Map<String, Object>> days = items(Role.BUYER, buyer, range("&dimension=calls"));
        assertEquals(
                List.of(false, false, false, true),
                days.stream().map(d -> d.get("provisional")).toList());
    }

    private static Object lastPosted(List<Map<String, Object>> hours) {
        return hours.stream()
                .filter(h -> Boolean.FALSE.equals(h.get("provisional")))
                .map(h -> h.get("start"))
                .reduce((a, b) -> b)
                .orElse("none");
    }

    @Test
    void sellersSeePseudonymsBuyersThemselvesAndNobodySeesMore() {
        List<Map<String, Object>> bySeller =
                items(Role.SELLER, seller, range("&window=month&dimension=calls&groupBy=customer"));
        assertEquals(2, bySeller.size());
        TreeSet<Object> quantities = new TreeSet<>();
        for (Map<String, Object> sum : bySeller) {
            quantities.add(sum.get("quantity"));
            assertFalse(List.of(buyer, other).contains(sum.get("customer")), sum.toString());
        }
        assertEquals(new TreeSet<>(List.of("144", "72")), quantities);
        String pseudonym = String.valueOf(bySeller.get(0).get("customer"));
        assertEquals(
                List.of(bySeller.get(0)),
                items(
                        Role.SELLER,
                        seller,
                        range("&window=month&dimension=calls&groupBy=customer&customer=" + encode(pseudonym))));
        assertEquals(
                List.of(buyer),
                items(Role.BUYER, buyer, range("&window=month&dimension=calls&groupBy=customer")).stream()
                        .map(s -> s.get("customer"))
                        .toList());
        assertEquals(List.of(), items(Role.BUYER, buyer, range("&customer=" + other)));
        assertEquals(List.of(), items(Role.SELLER, RUNNING.account("seller"), range("&product=" + product)));
        assertEquals(List.of(), items(Role.SELLER, seller, range("&customer=" + buyer)));
        assertEquals(
                1,
                items(Role.BUYER, buyer, range("&window=month&dimension=seats&groupBy=instance,image,version"))
                        .size());
        ask(Role.SELLER, seller, range("&groupBy=instance")).expect(400);
    }

    @Test
    void withoutGroupsCustomersAreAddedUp() {
        List<Map<String, Object>> sums = items(Role.SELLER, seller, range("&window=month"));
        assertEquals(
                List.of("calls", "seats"),
                sums.stream().map(s -> s.get("dimension")).toList());
        assertEquals(
                List.of("216", "36"), sums.stream().map(s -> s.get("quantity")).toList());
        assertFalse(sums.get(0).containsKey("customer"));
        assertFalse(sums.get(0).containsKey("image"));
    }

    @Test
    void pagesPutTogetherAreTheWhole() {
        String query = range("&window=hour&groupBy=customer");
        List<Map<String, Object>> whole = items(Role.SELLER, seller, query + "&limit=1000");
        assertEquals(72 * 3, whole.size());
        List<Map<String, Object>> pages = new ArrayList<>();
        String next = "";
        for (int page = 0; page < 10 && (page == 0 || !next.isEmpty()); page++) {
            Http.Answer answer = ask(
                            Role.SELLER, seller, query + "&limit=50" + (next.isEmpty() ? "" : "&after=" + next))
                    .expect(200);
            pages.addAll(answer.list("items"));
            next = answer.json().containsKey("next") ? answer.get("next") : "";
        }
        assertEquals(whole, pages);
        Http.Answer first = ask(Role.SELLER, seller, query + "&limit=50").expect(200);
        ask(Role.SELLER, seller, range("&window=month") + "&after=" + first.get("next"))
                .expect(400);
    }

    /** What is billed is what is shown: posted usage lines and the posted hours' sums are the same. */
    @Test
    void agreesWithTheBill() {
        List<Map<String, Object>> hours = items(Role.BUYER, buyer, range("&window=hour&limit=1000"));
        Map<Object, Quantity> shown = new HashMap<>();
        hours.stream()
                .filter(h -> Boolean.FALSE.equals(h.get("provisional")))
                .forEach(h -> shown.merge(
                        h.get("dimension"), Quantity.parse(String.valueOf(h.get("quantity"))), Quantity::plus));
        Map<Object, Quantity> billed = new HashMap<>();
        RUNNING.http()
                .get("/v1/billing/usage?limit=1000&account=" + buyer, RUNNING.operator())
                .expect(200)
                .text()
                .lines()
                .map(Json::parseObject)
                .filter(line -> line.containsKey("quantity"))
                .forEach(line -> billed.merge(
                        line.get("dimension"), Quantity.parse(String.valueOf(line.get("quantity"))), Quantity::plus));
        assertEquals(billed, shown);
        assertEquals(Quantity.parse("71"), shown.get("calls"));
    }

    @Test
    void everyProblemIsToldWithItsRule() {
        Http.Answer answer = ask(
                        Role.BUYER, buyer, "from=2026-03-28T00:30:00Z&window=minute&timezone=Mars/Base&groupBy=size")
                .expect(400);
        Map<String, String> problems = new HashMap<>();
        answer.list("errors")
                .forEach(p -> problems.put(String.valueOf(p.get("path")), String.valueOf(p.get("detail"))));
        assertTrue(problems.getOrDefault("from", "").contains("whole hour"), problems.toString());
        assertEquals("is missing", problems.get("to"));
        // Minutes are not kept, so none are made up.
        assertEquals("must be hour, day or month; usage is kept by the hour", problems.get("window"));
        assertTrue(problems.getOrDefault("timezone", "").contains("Europe/Paris"), problems.toString());
        assertTrue(problems.containsKey("groupBy"), problems.toString());
        ask(Role.BUYER, buyer, "from=2026-03-28T00:00:00Z&to=2026-03-27T00:00:00Z")
                .expect(400);
        ask(Role.BUYER, buyer, "from=2026-03-28T00:00:00Z&to=2026-12-27T00:00:00Z&window=hour")
                .expect(400);
        ask(Role.BILLING, null, range("")).expect(403);
    }

    /** As somebody would paste them, with a buyer's token. */
    @Test
    @NeedsTool("curl")
    void theExamplesOfTheGuideWorkWhenPasted() throws Exception {
        String guide = Files.readString(Path.of(System.getProperty("tallystick.root"), "docs", "operations.md"));
        List<String> examples = guide.lines()
                .filter(line -> line.startsWith("    ") && line.contains("$URL/v1/usage?"))
                .map(String::strip)
                .toList();
        assertEquals(2, examples.size());
        for (String example : examples) {
            ProcessBuilder shell = new ProcessBuilder("bash", "-c", example).redirectErrorStream(true);
            shell.environment().put("URL", RUNNING.http().uri("").toString());
            shell.environment().put("TOKEN", RUNNING.token(Role.BUYER, buyer));
            Process process = shell.start();
            String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            assertEquals(0, process.waitFor(), said);
            assertTrue(said.contains("\"items\":[{\"start\":\"2026-03-"), said);
        }
    }

    private static String encode(String text) {
        return URLEncoder.encode(text, StandardCharsets.UTF_8);
    }
}
