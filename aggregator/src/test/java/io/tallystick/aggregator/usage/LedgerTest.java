package io.tallystick.aggregator.usage;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.tallystick.aggregator.app.Http;
import io.tallystick.aggregator.app.RunningAggregator;
import io.tallystick.aggregator.web.Role;
import io.tallystick.common.jose.Jws;
import io.tallystick.common.json.Json;
import io.tallystick.common.model.Hash;
import io.tallystick.common.model.Hours;
import io.tallystick.common.model.Quantity;
import io.tallystick.common.model.Tags;
import io.tallystick.common.wire.Answer;
import io.tallystick.common.wire.Batch;
import io.tallystick.common.wire.Decision;
import io.tallystick.common.wire.MeteringRecord;
import io.tallystick.common.wire.Receipt;
import io.tallystick.common.wire.Watermark;
import io.tallystick.testkit.Rule;
import java.math.BigDecimal;
import java.net.http.HttpRequest;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Batches into the ledger and out of it, over HTTP, on PostgreSQL, with evidence a simulated cloud signed. */
class LedgerTest {
    private static final AtomicInteger ACCOUNTS = new AtomicInteger();

    @RegisterExtension
    static final RunningAggregator RUNNING = RunningAggregator.with("trust.dir=" + SimulatedRegion.trustFolder());

    private String buyer = "";
    private String product = "";
    private String code = "";
    private String cloudAccount = "";

    @BeforeEach
    void aProductAndABuyer() {
        String seller = RUNNING.account("seller");
        buyer = RUNNING.account("buyer");
        cloudAccount = "%012d".formatted(ACCOUNTS.incrementAndGet());
        RUNNING.http()
                .post(
                        "/v1/accounts/" + buyer + "/cloud-accounts",
                        RUNNING.operator(),
                        Json.write(Json.object("cloud", "aws", "accountId", cloudAccount)))
                .expect(200);
        product = RUNNING.product(seller, "requests", "gigabytes");
        code = RUNNING.http().get("/v1/products/" + product, RUNNING.operator()).get("productCode");
        RUNNING.visibility(product, "LIMITED", "PUBLIC");
    }

    @Test
    @Rule({"R19", "N1"})
    void anEntitledVmIsAllowedAndItsUsageIsBookedToTheUnit() {
        String agreement = RUNNING.agreement(product, buyer);
        ProtocolClient agent = agent();
        Answer answer = agent.enroll();
        assertEquals(Decision.Outcome.ALLOW, answer.decisions().get(0).outcome());
        assertEquals(product, answer.plan().products().get(0).id());

        agent.send(increment("requests", "1.5"), increment("gigabytes", "0.000000001"));
        agent.send();
        agent.send(increment("requests", "2.5"));

        List<Map<String, Object>> lines = closeAndPull("product=" + product);
        assertEquals(List.of("gigabytes=0.000000001", "requests=4"), totals(lines));
        Map<String, Object> line = lines.get(0);
        assertEquals("usage", line.get("kind"));
        assertEquals(code, line.get("productCode"));
        assertEquals(product, line.get("productId"));
        assertEquals(buyer, line.get("account"));
        assertEquals(agreement, line.get("agreement"));
        assertEquals(cloudAccount, line.get("cloudAccount"));
    }

    @Test
    void theSameBatchAgainIsReceiptedTheSameAndCountedNever() {
        RUNNING.agreement(product, buyer);
        ProtocolClient agent = agent();
        agent.enroll();
        Jws batch = agent.sign(increment("requests", "7"));
        String first = agent.trySend(batch).expect(200).text();
        for (int i = 0; i < 5; i++) {
            assertEquals(first, agent.trySend(batch).expect(200).text());
        }
        assertEquals(List.of("requests=7"), totals(closeAndPull("product=" + product)));
    }

    @Test
    void sixtyFourSendersOfOneBatchAtOnceAreCountedOnce() throws Exception {
        RUNNING.agreement(product, buyer);
        ProtocolClient agent = agent();
        agent.enroll();
        Jws batch = agent.sign(increment("requests", "3"));
        ExecutorService pool = Executors.newFixedThreadPool(64);
        try {
            List<CompletableFuture<String>> answers = IntStream.range(0, 64)
                    .mapToObj(i -> CompletableFuture.supplyAsync(() -> sendUntilTaken(agent, batch), pool))
                    .toList();
            for (CompletableFuture<String> answer : answers) {
                assertEquals(answers.get(0).get(30, TimeUnit.SECONDS), answer.get(30, TimeUnit.SECONDS));
            }
        } finally {
            pool.shutdownNow();
        }
        assertEquals(List.of("requests=3"), totals(closeAndPull("product=" + product)));
    }

    @Test
    void anotherBatchUnderAUsedNumberIsAForkAndChangesNothing() {
        RUNNING.agreement(product, buyer);
        ProtocolClient agent = agent();
        agent.enroll();
        Jws other = agent.sign(increment("requests", "100"));
        agent.send(increment("requests", "1"));
        Http.Answer answer = agent.trySend(other).expect(409);
        assertEquals("fork", answer.get("code"));
        assertEquals(List.of("requests=1"), totals(closeAndPull("product=" + product)));
        Http.Answer incidents =
                RUNNING.http().get("/v1/incidents", RUNNING.operator()).expect(200);
        assertTrue(
                incidents.list("items").stream()
                        .anyMatch(i -> "fork".equals(i.get("kind"))
                                && agent.id().toString().equals(i.get("enrollment"))),
                incidents.text());
    }

    @Test
    void aForkIsAuditedOnce() throws java.sql.SQLException {
        RUNNING.agreement(product, buyer);
        ProtocolClient agent = agent();
        agent.enroll();
        Jws other = agent.sign(increment("requests", "100"));
        agent.send(increment("requests", "1"));
        agent.trySend(other).expect(409);
        agent.trySend(other).expect(409);
        try (java.sql.Connection db = RUNNING.database().connect();
                java.sql.PreparedStatement count = db.prepareStatement(
                        "SELECT count(*) FROM audit_event WHERE action = 'incident.fork' AND subject = ?")) {
            count.setString(1, agent.id().toString());
            try (java.sql.ResultSet rows = count.executeQuery()) {
                rows.next();
                assertEquals(1, rows.getInt(1));
            }
        }
    }

    @Test
    void aBatchOnAnotherPredecessorIsAFork() {
        RUNNING.agreement(product, buyer);
        ProtocolClient agent = agent();
        agent.enroll();
        agent.send(increment("requests", "1"));
        Jws strange = agent.sign(new Batch(1, 2, Hash.of(new byte[] {1}), List.of(increment("requests", "5"))));
        assertEquals("fork", agent.trySend(strange).expect(409).get("code"));
        assertEquals(List.of("requests=1"), totals(closeAndPull("product=" + product)));
    }

    @Test
    void aGapNamesWhatIsExpectedAndTheResentBatchesFillIt() {
        RUNNING.agreement(product, buyer);
        ProtocolClient agent = agent();
        agent.enroll();
        Jws first = agent.sign(increment("requests", "1"));
        agent.mark(new Watermark(1, 1, first.hash()));
        Jws second = agent.sign(increment("requests", "2"));
        Http.Answer gap = agent.trySend(second).expect(409);
        assertEquals("gap", gap.get("code"));
        assertEquals(
                Watermark.START.toJson().toString(), String.valueOf(gap.json().get("expected")));
        agent.trySend(first).expect(200);
        agent.trySend(second).expect(200);
        assertEquals(List.of("requests=3"), totals(closeAndPull("product=" + product)));
    }

    @Test
    void oneBadRecordNeverDelaysTheOther999() {
        RUNNING.agreement(product, buyer);
        ProtocolClient agent = agent();
        agent.enroll();
        List<MeteringRecord> records = new ArrayList<>();
        for (int i = 0; i < 1000; i++) {
            records.add(increment(i == 123 ? "nonsense" : "requests", "1"));
        }
        Receipt receipt = agent.send(records.toArray(MeteringRecord[]::new));
        assertEquals(1, receipt.refused().size());
        assertEquals(123, receipt.refused().get(0).index());
        assertEquals("unknown-dimension", receipt.refused().get(0).code());
        assertEquals(List.of("requests=999"), totals(closeAndPull("product=" + product)));
        Http.Answer quarantine = RUNNING.http()
                .get("/v1/quarantine?limit=1000", RUNNING.operator())
                .expect(200);
        assertTrue(
                quarantine.list("items").stream()
                        .anyMatch(q -> "nonsense".equals(q.get("dimension"))
                                && agent.id().toString().equals(q.get("enrollment"))
                                && "unknown-dimension".equals(q.get("code"))),
                quarantine.text());
    }

    @Test
    void allocationsAreBookedApartAndAddUp() {
        RUNNING.agreement(product, buyer);
        ProtocolClient agent = agent();
        agent.enroll();
        MeteringRecord split = new MeteringRecord(
                "requests",
                hour(),
                false,
                Quantity.of(10),
                List.of(
                        new MeteringRecord.Allocation(Quantity.of(7), Tags.of(Map.of("team", "a", "env", "x"))),
                        new MeteringRecord.Allocation(Quantity.of(3), Tags.NONE)),
                Optional.empty(),
                Optional.empty());
        agent.send(split);
        agent.send(split);
        List<Map<String, Object>> lines = closeAndPull("product=" + product);
        assertEquals(
                List.of("{env=x, team=a}=14", "{}=6"),
                lines.stream()
                        .map(l -> l.get("tags") + "=" + l.get("quantity"))
                        .sorted()
                        .toList());
    }

    @Test
    void aLateRecordIsAnAdjustmentAndTheEarlierPullStaysByteIdentical() {
        RUNNING.agreement(product, buyer);
        ProtocolClient agent = agent();
        agent.enroll();
        Instant hour = hour();
        agent.send(increment("requests", "5"));
        RUNNING.clock().advance(Duration.ofHours(3));
        RUNNING.post();
        String all = "/v1/billing/usage?product=" + product;
        String before = pull(all, "application/x-ndjson").text();
        String csvBefore = pull(all, "text/csv").text();
        String cursor = pull(all, "application/x-ndjson").header("Tallystick-Next-After");

        agent.send(MeteringRecord.increment("requests", hour, Quantity.parse("0.25")));
        RUNNING.clock().advance(Duration.ofHours(1));
        RUNNING.post();

        Http.Answer next = pull(all + "&after=" + cursor, "application/x-ndjson");
        Map<String, Object> line = Json.parseObject(next.text());
        assertEquals("adjustment", line.get("kind"));
        assertEquals("0.25", line.get("quantity"));
        assertEquals(hour.toString(), line.get("hour"));
        assertEquals(before + next.text(), pull(all, "application/x-ndjson").text());
        assertTrue(pull(all, "text/csv").text().startsWith(csvBefore));
        assertEquals(
                Hash.of(next.text().getBytes(StandardCharsets.UTF_8)).toString(),
                next.header("Tallystick-Page-Sha256"));
    }

    @Test
    void followingTheCursorPageByPageNeitherSkipsNorRepeats() {
        RUNNING.agreement(product, buyer);
        ProtocolClient agent = agent();
        agent.enroll();
        Instant start = hour();
        for (int h = 0; h < 5; h++) {
            RUNNING.clock().advance(Duration.ofHours(1));
            agent.send(increment("requests", String.valueOf(h + 1)), increment("gigabytes", "1"));
        }
        RUNNING.clock().advance(Duration.ofHours(3));
        RUNNING.post();
        String whole = pull("/v1/billing/usage?product=" + product, "application/x-ndjson")
                .text();
        StringBuilder pieces = new StringBuilder();
        String after = "0.0";
        Http.Answer page;
        do {
            page = pull("/v1/billing/usage?limit=3&product=" + product + "&after=" + after, "application/x-ndjson");
            pieces.append(page.text());
            after = page.header("Tallystick-Next-After");
        } while (page.header("Tallystick-Page-More").equals("true"));
        assertEquals(whole, pieces.toString());
        assertEquals(10, whole.lines().count());
        assertTrue(start.isBefore(RUNNING.clock().instant()));
    }

    @Test
    void aRangeBeyondWhatIsClosedIsRefusedWithClosedThrough() {
        RUNNING.post();
        Instant now = RUNNING.clock().instant();
        Http.Answer refused = pull("/v1/billing/usage?to=" + now.plusSeconds(1), "application/x-ndjson");
        assertEquals(409, refused.status());
        assertEquals("not-closed", refused.get("code"));
        assertTrue(!Instant.parse(refused.get("closedThrough")).isBefore(now), refused.text());
        pull("/v1/billing/usage?to=" + now, "application/x-ndjson").expect(200);
    }

    @Test
    void aFinishedRunCanBePulledByBookingTimeAtOnce() {
        RUNNING.agreement(product, buyer);
        ProtocolClient agent = agent();
        agent.enroll();
        agent.send(increment("requests", "3"));
        RUNNING.clock().advance(Duration.ofHours(3));
        RUNNING.post();
        String closed = pull("/v1/billing/runs", "application/json").expect(200).get("closedThrough");
        Http.Answer booked = pull("/v1/billing/usage?product=" + product + "&to=" + closed, "application/x-ndjson");
        assertEquals("1", booked.expect(200).header("Tallystick-Page-Count"));
        assertTrue(booked.text().contains("\"quantity\":\"3\""), booked.text());
    }

    @Test
    void aVmWithoutAnAgreementIsDeniedAndAllowedAfterSubscribing() {
        ProtocolClient agent = agent();
        Answer denied = agent.enroll();
        Decision decision = denied.decisions().get(0);
        assertEquals(Decision.Outcome.DENY, decision.outcome());
        assertEquals(Optional.of("no-agreement"), decision.code());
        assertTrue(decision.sentence().orElse("").contains(cloudAccount), decision.toString());
        assertEquals(
                "no-agreement",
                agent.send(increment("requests", "1")).refused().get(0).code());
        RUNNING.agreement(product, buyer);
        assertEquals(Decision.Outcome.ALLOW, agent.lease().decisions().get(0).outcome());
        assertEquals(List.of(), agent.send(increment("requests", "1")).refused());
        assertEquals(List.of("requests=1"), totals(closeAndPull("product=" + product)));
    }

    @Test
    void aSecondKeyForOneInstanceIsContestedUntilAnOperatorApprovesIt() {
        RUNNING.agreement(product, buyer);
        ProtocolClient.Vm vm = vm();
        ProtocolClient first = client(vm);
        first.enroll();
        first.send(increment("requests", "1"));
        ProtocolClient second = client(vm);
        Http.Answer contested = second.tryEnroll().expect(409);
        assertEquals("contested", contested.get("code"));
        assertEquals(second.thumbprint().toString(), contested.get("thumbprint"));
        assertTrue(contested.get("remedy").contains(second.thumbprint().toString()));
        // The thief cannot send under the other's enrollment either.
        assertEquals(
                401, second.trySend(second.sign(increment("requests", "9"))).status());

        RUNNING.http()
                .post(
                        "/v1/enrollments/" + first.id() + "/approve",
                        RUNNING.operator(),
                        Json.write(Json.object("thumbprint", second.thumbprint())))
                .expect(200);
        assertEquals(2, second.enroll().watermark().epoch());
        second.send(increment("requests", "2"));
        assertEquals(401, first.trySend(first.sign(increment("requests", "50"))).status());
        assertEquals(List.of("requests=3"), totals(closeAndPull("product=" + product)));
    }

    @Test
    void aReplacedKeyThatLearntTheNextEpochBooksNothing() {
        RUNNING.agreement(product, buyer);
        ProtocolClient.Vm vm = vm();
        ProtocolClient old = client(vm);
        old.enroll();
        old.send(increment("requests", "1"));
        ProtocolClient genuine = client(vm);
        genuine.tryEnroll().expect(409);
        RUNNING.http()
                .post(
                        "/v1/enrollments/" + old.id() + "/approve",
                        RUNNING.operator(),
                        Json.write(Json.object("thumbprint", genuine.thumbprint())))
                .expect(200);
        // The old key knows what the new epoch starts from, and the aggregator may still have its key at hand.
        old.mark(new Watermark(2, 0, old.mark().hash()));
        assertEquals(401, old.trySend(old.sign(increment("requests", "1000"))).status());
        genuine.enroll();
        genuine.send(increment("requests", "2"));
        assertEquals(List.of("requests=3"), totals(closeAndPull("product=" + product)));
    }

    @Test
    void anHourInWhichOneAgreementEndedAndTheNextBeganIsBilledToBothEachItsPart() {
        String first = RUNNING.agreement(product, buyer);
        ProtocolClient agent = agent();
        agent.enroll();
        agent.send(increment("requests", "1"));
        RUNNING.http()
                .send("POST", "/v1/agreements/" + first + "/end", RUNNING.operator(), null)
                .expect(200);
        RUNNING.clock().advance(Duration.ofMinutes(2));
        String second = RUNNING.agreement(product, buyer);
        RUNNING.clock().advance(Duration.ofSeconds(1));
        // Taken by a process that has not heard of the second agreement yet, or has: a fresh agent asks anew.
        ProtocolClient other = agent();
        other.enroll();
        other.send(increment("requests", "2"));
        List<String> billed = closeAndPull("product=" + product).stream()
                .map(l -> l.get("agreement") + "=" + l.get("quantity"))
                .sorted()
                .toList();
        assertEquals(
                java.util.stream.Stream.of(first + "=1", second + "=2").sorted().toList(), billed);
    }

    @Test
    void aLeaseRequestCounterWorksOnce() {
        RUNNING.agreement(product, buyer);
        ProtocolClient agent = agent();
        agent.enroll();
        agent.tryLease(10).expect(200);
        Http.Answer replay = agent.tryLease(10).expect(409);
        assertEquals("stale-counter", replay.get("code"));
        assertEquals("10", replay.get("counter"));
    }

    @Test
    void anAgentWhoseStateWentBackGetsItsBatchesAndANewEpoch() {
        RUNNING.agreement(product, buyer);
        ProtocolClient agent = agent();
        agent.enroll();
        agent.send(increment("requests", "1"));
        Watermark old = agent.mark();
        Jws lost = agent.sign(increment("requests", "2"));
        agent.trySend(lost).expect(200);

        var unknown = agent.resume(old, true);
        assertEquals(List.of(lost.compact()), unknown.batches());
        var opened = agent.resume(unknown.watermark(), true);
        assertEquals(new Watermark(2, 0, lost.hash()), opened.watermark());
        agent.mark(opened.watermark());
        agent.send(increment("requests", "4"));
        assertEquals(List.of("requests=7"), totals(closeAndPull("product=" + product)));
    }

    @Test
    void impossibleTimesAreClampedAndSaidSoAndNothingIsLost() {
        RUNNING.agreement(product, buyer);
        ProtocolClient agent = agent();
        agent.enroll();
        Instant now = RUNNING.clock().instant();
        Receipt receipt = agent.send(
                MeteringRecord.increment("requests", Instant.parse("2050-01-01T00:00:00Z"), Quantity.of(1)),
                MeteringRecord.increment("requests", Hours.of(now), Quantity.of(1)));
        assertEquals(List.of(), receipt.refused());
        assertEquals(List.of(new Receipt.Clamped(0, Hours.of(now.plus(Duration.ofMinutes(5))))), receipt.clamped());
        assertEquals(
                "2",
                closeAndPull("product=" + product).stream()
                        .map(l -> new BigDecimal(String.valueOf(l.get("quantity"))))
                        .reduce(BigDecimal.ZERO, BigDecimal::add)
                        .toPlainString());
    }

    @Test
    void aSlotIsWriteOnceAndAnHourBelongsToTheKindThatWroteFirst() {
        RUNNING.agreement(product, buyer);
        ProtocolClient agent = agent();
        agent.enroll();
        assertEquals(List.of(), agent.send(slot("requests", "3", "a")).refused());
        Receipt receipt =
                agent.send(slot("requests", "3", "a"), slot("requests", "4", "b"), increment("requests", "1"));
        assertEquals(
                List.of("slot-taken", "slot-taken", "kind-taken"),
                receipt.refused().stream().map(Receipt.Refused::code).toList());
        assertEquals(List.of(), agent.send(increment("gigabytes", "1")).refused());
        assertEquals(
                List.of("kind-taken"),
                agent.send(slot("gigabytes", "1", "c")).refused().stream()
                        .map(Receipt.Refused::code)
                        .toList());
        assertEquals(List.of("gigabytes=1", "requests=3"), totals(closeAndPull("product=" + product)));
    }

    @Test
    void anHourKeepsItsKindAcrossEpochs() {
        RUNNING.agreement(product, buyer);
        ProtocolClient agent = agent();
        agent.enroll();
        assertEquals(
                List.of(),
                agent.send(slot("requests", "0", "a"), increment("gigabytes", "1"))
                        .refused());
        agent.mark(agent.resume(agent.mark(), true).watermark());
        assertEquals(2, agent.mark().epoch());
        assertEquals(
                List.of("slot-taken", "slot-taken", "kind-taken", "kind-taken"),
                agent
                        .send(
                                slot("requests", "0", "a"),
                                slot("requests", "5", "b"),
                                increment("requests", "1"),
                                slot("gigabytes", "1", "c"))
                        .refused()
                        .stream()
                        .map(Receipt.Refused::code)
                        .toList());
        assertEquals(List.of(), agent.send(increment("gigabytes", "2")).refused());
        assertEquals(
                List.of("gigabytes=3"), totals(closeAndPull("product=" + product)), "a record of zero makes no line");
        assertEquals(List.of(), RUNNING.differences());
    }

    @Test
    void aSumBeyondTheLedgersRangeIsRefusedAndSinksNobody() {
        RUNNING.agreement(product, buyer);
        ProtocolClient agent = agent();
        agent.enroll();
        String most = "9".repeat(Quantity.INTEGER_DIGITS_MAX);
        assertEquals(List.of(), agent.send(increment("requests", most)).refused());
        Receipt receipt = agent.send(increment("requests", "1"));
        assertEquals("out-of-range", receipt.refused().get(0).code());
        assertEquals(List.of(), agent.send(increment("gigabytes", "1")).refused());
        assertEquals(List.of("gigabytes=1", "requests=" + most), totals(closeAndPull("product=" + product)));
    }

    @Test
    void aTamperedLedgerIsFoundByTheRebuild() {
        RUNNING.agreement(product, buyer);
        ProtocolClient agent = agent();
        agent.enroll();
        agent.send(increment("requests", "1"));
        String where = " WHERE enrollment_id = '" + agent.id().uuid() + "'";
        RUNNING.database().execute("UPDATE usage_hour SET quantity = 2" + where);
        assertNotEquals(List.of(), RUNNING.differences());
        RUNNING.database().execute("UPDATE usage_hour SET quantity = 1" + where);
        assertEquals(List.of(), RUNNING.differences());
    }

    @Test
    void aSellerSeesTheQuarantineOfItsOwnProductsOnly() {
        RUNNING.agreement(product, buyer);
        ProtocolClient agent = agent();
        agent.enroll();
        agent.send(increment("nonsense", "1"));
        String own = RUNNING.http()
                .get("/v1/products/" + product, RUNNING.operator())
                .get("seller");
        String mine = RUNNING.token(Role.SELLER, own);
        String other = RUNNING.token(Role.SELLER, RUNNING.account("seller"));
        assertEquals(1, RUNNING.http().get("/v1/quarantine", mine).list("items").size());
        assertEquals(
                0, RUNNING.http().get("/v1/quarantine", other).list("items").size());
    }

    @Test
    void aBuyerPullsItsOwnLinesOnly() {
        RUNNING.agreement(product, buyer);
        ProtocolClient agent = agent();
        agent.enroll();
        agent.send(increment("requests", "1"));
        closeAndPull("product=" + product);
        String mine = RUNNING.token(Role.BUYER, buyer);
        String other = RUNNING.token(Role.BUYER, RUNNING.account("buyer"));
        String path = "/v1/billing/usage";
        assertEquals(
                1, RUNNING.http().get(path, mine).expect(200).text().lines().count());
        assertEquals("", RUNNING.http().get(path, other).expect(200).text());
        RUNNING.http().get(path + "?account=" + buyer, other).expect(404);
    }

    /** One enrollment's batches are shed beyond a few at once; whoever is told so sends again, as agents do. */
    /** Shed, or one request too many of this enrollment: both say when to come again. */
    private static String sendUntilTaken(ProtocolClient agent, Jws batch) {
        Http.Answer answer = agent.trySend(batch);
        while (answer.status() == 429) {
            long seconds = Long.parseLong(answer.header("Retry-After"));
            assertTrue(seconds >= 1 && seconds <= 5, () -> "Retry-After: " + seconds);
            // Sooner than asked for: the more at once, the better.
            LockSupport.parkNanos(Duration.ofMillis(100).toNanos());
            answer = agent.trySend(batch);
        }
        return answer.expect(200).text();
    }

    private ProtocolClient agent() {
        return client(vm());
    }

    private ProtocolClient client(ProtocolClient.Vm vm) {
        return SimulatedRegion.client(RUNNING, vm);
    }

    private ProtocolClient.Vm vm() {
        return SimulatedRegion.vm(cloudAccount, RUNNING.clock().instant().minus(Duration.ofMinutes(5)), List.of(code));
    }

    private Instant hour() {
        return Hours.of(RUNNING.clock().instant());
    }

    private MeteringRecord increment(String dimension, String quantity) {
        return MeteringRecord.increment(dimension, hour(), Quantity.parse(quantity));
    }

    private MeteringRecord slot(String dimension, String quantity, String slot) {
        return new MeteringRecord(
                dimension, hour(), false, Quantity.parse(quantity), List.of(), Optional.of(slot), Optional.empty());
    }

    /** Moves the clock past the close delay, posts, and pulls with an operator's token. */
    private List<Map<String, Object>> closeAndPull(String query) {
        RUNNING.clock().advance(Duration.ofHours(3));
        RUNNING.post();
        Http.Answer answer =
                pull("/v1/billing/usage?" + query, "application/x-ndjson").expect(200);
        return answer.text().lines().map(Json::parseObject).toList();
    }

    private static Http.Answer pull(String path, String accept) {
        return RUNNING.http()
                .send(HttpRequest.newBuilder(RUNNING.http().uri(path))
                        .header("Authorization", "Bearer " + RUNNING.operator())
                        .header("Accept", accept)
                        .build());
    }

    private static List<String> totals(List<Map<String, Object>> lines) {
        Map<String, BigDecimal> sums = new java.util.TreeMap<>();
        lines.forEach(l -> sums.merge(
                String.valueOf(l.get("dimension")),
                new BigDecimal(String.valueOf(l.get("quantity"))),
                BigDecimal::add));
        return sums.entrySet().stream()
                .map(e -> e.getKey() + "=" + e.getValue().stripTrailingZeros().toPlainString())
                .toList();
    }
}
