package io.tallystick.aggregator.enrollment;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.tallystick.aggregator.app.Http;
import io.tallystick.aggregator.app.RunningAggregator;
import io.tallystick.aggregator.usage.ProtocolClient;
import io.tallystick.aggregator.web.Role;
import io.tallystick.common.json.Json;
import io.tallystick.common.model.Hours;
import io.tallystick.common.model.Quantity;
import io.tallystick.common.wire.Answer;
import io.tallystick.common.wire.Decision;
import io.tallystick.common.wire.EnrollRequest;
import io.tallystick.common.wire.Lease;
import io.tallystick.common.wire.MeteringRecord;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** VMs that no cloud vouches for: what a join code lets in, and what somebody without one, or with a spent one, gets. */
class JoinCodesTest {
    private static final AtomicInteger COUNT = new AtomicInteger();

    @RegisterExtension
    static final RunningAggregator RUNNING = RunningAggregator.with();

    private String seller = "";
    private String buyer = "";
    private String cloudAccount = "";
    private String product = "";
    private String code = "";
    private String agreement = "";

    @BeforeEach
    void aBuyerAtOutscale() {
        seller = RUNNING.account("seller");
        buyer = RUNNING.account("buyer");
        cloudAccount = ownCloudAccount(buyer);
        product = product("claimed");
        code = RUNNING.http().get("/v1/products/" + product, RUNNING.operator()).get("productCode");
        agreement = RUNNING.agreement(product, buyer);
    }

    private String product(String evidenceLevel) {
        String made = RUNNING.http()
                .post(
                        "/v1/products",
                        RUNNING.operator(),
                        Json.write(Json.object(
                                "title",
                                "Gateway",
                                "seller",
                                seller,
                                "evidenceLevel",
                                evidenceLevel,
                                "dimensions",
                                List.of(Json.object("key", "requests", "unit", "Units")))))
                .expect(201)
                .get("id");
        RUNNING.visibility(made, "LIMITED", "PUBLIC");
        return made;
    }

    private static String ownCloudAccount(String account) {
        String id = "%012d".formatted(COUNT.incrementAndGet());
        RUNNING.http()
                .post(
                        "/v1/accounts/" + account + "/cloud-accounts",
                        RUNNING.operator(),
                        Json.write(Json.object("cloud", "outscale", "accountId", id)))
                .expect(200);
        return id;
    }

    private Http.Answer tryCode(String token, Object... more) {
        Map<String, Object> body = new TreeMap<>(Json.object("agreement", agreement));
        body.putAll(Json.object(more));
        return RUNNING.http().post("/v1/join-codes", token, Json.write(body));
    }

    private String joinCode(int uses) {
        return tryCode(RUNNING.operator(), "uses", uses).expect(201).get("code");
    }

    private static String newInstance() {
        return "i-%08x".formatted(COUNT.incrementAndGet());
    }

    private ProtocolClient agent(String instance, String joinCode) {
        return ProtocolClient.outscale(
                RUNNING.http(), RUNNING.clock(), cloudAccount, instance, List.of(), Optional.of(joinCode));
    }

    private static int usesLeft(String joinCode) {
        String id = joinCode.substring(0, joinCode.indexOf('.'));
        return RUNNING.http().get("/v1/join-codes?limit=1000", RUNNING.operator()).expect(200).list("items").stream()
                .filter(i -> id.equals(i.get("id")))
                .map(i -> Integer.parseInt(String.valueOf(i.get("usesLeft"))))
                .findFirst()
                .orElseThrow();
    }

    private static Map<String, Object> withoutCorrelation(Http.Answer answer) {
        Map<String, Object> json = new TreeMap<>(answer.json());
        json.remove("correlationId");
        return json;
    }

    private static MeteringRecord requests(String quantity) {
        return MeteringRecord.increment("requests", Hours.of(RUNNING.clock().instant()), Quantity.parse(quantity));
    }

    @Test
    void aVmWithACodeIsEntitledMetersAndIsBilledToTheBuyer() {
        String instance = newInstance();
        ProtocolClient agent = agent(instance, joinCode(1));
        Answer answer = agent.enroll();
        assertEquals("claimed", answer.evidenceLevel());
        assertEquals(agent.id(), answer.enrollment());
        Decision decision = answer.decisions().get(0);
        assertEquals(Decision.Outcome.ALLOW, decision.outcome());
        assertEquals(code, decision.product());
        Lease lease = Lease.parse(io.tallystick.common.jose.Jws.parseCompact(
                        decision.lease().orElseThrow(), io.tallystick.common.jose.Typ.LEASE)
                .payload());
        assertEquals(cloudAccount, lease.account());
        assertEquals(instance, lease.instance());

        agent.send(requests("12.5"));
        RUNNING.clock().advance(Duration.ofHours(3));
        RUNNING.post();
        List<Map<String, Object>> lines = new ArrayList<>();
        RUNNING.http()
                .send(java.net.http.HttpRequest.newBuilder(RUNNING.http().uri("/v1/billing/usage?product=" + product))
                        .header("Authorization", "Bearer " + RUNNING.token(Role.BILLING, null))
                        .header("Accept", "application/x-ndjson")
                        .build())
                .expect(200)
                .text()
                .lines()
                .forEach(l -> lines.add(Json.parseObject(l)));
        assertEquals(1, lines.size());
        assertEquals("12.5", lines.get(0).get("quantity"));
        assertEquals(buyer, lines.get(0).get("account"));
        assertEquals(agreement, lines.get(0).get("agreement"));
        assertEquals("outscale", lines.get(0).get("cloud"));
        assertEquals(cloudAccount, lines.get(0).get("cloudAccount"));
        assertEquals(instance, lines.get(0).get("instance"));
    }

    @Test
    void aSpentCodeLetsNobodyElseInAndItsOwnVmAgain() {
        String joinCode = joinCode(1);
        ProtocolClient first = agent(newInstance(), joinCode);
        first.enroll();
        Http.Answer refused = agent(newInstance(), joinCode).tryEnroll().expect(403);
        assertEquals("invalid-evidence", refused.get("code"));
        assertEquals("join-code", refused.get("rule"));
        assertTrue(refused.get("remedy").contains("tallystick-join-code="), refused.text());
        // The same key, with the code or by the name of its enrollment: nothing is spent, and nothing needs to be left.
        first.enroll();
        assertEquals(0, usesLeft(joinCode));
    }

    @Test
    void theSameInstanceAndKeyAgainDoesNotSpendAnotherUse() {
        String joinCode = joinCode(2);
        ProtocolClient agent = agent(newInstance(), joinCode);
        agent.enroll();
        agent.enroll();
        agent.enroll();
        assertEquals(1, usesLeft(joinCode));
    }

    @Test
    void eightVmsAtOnceWithACodeForOneGetOneIn() throws Exception {
        String joinCode = joinCode(1);
        assertEquals(Map.of(200, 1, 403, 7), atOnce(8, i -> agent(newInstance(), joinCode)));
        assertEquals(0, usesLeft(joinCode));
    }

    @Test
    void oneVmEightTimesAtOnceSpendsOneUse() throws Exception {
        String joinCode = joinCode(8);
        ProtocolClient agent = agent(newInstance(), joinCode);
        assertEquals(Map.of(200, 8), atOnce(8, i -> agent));
        assertEquals(7, usesLeft(joinCode));
    }

    @Test
    void eightKeysAtOnceOnOneInstanceSpendOneUseAndSevenAreContested() throws Exception {
        String joinCode = joinCode(8);
        String instance = newInstance();
        assertEquals(Map.of(200, 1, 409, 7), atOnce(8, i -> agent(instance, joinCode)));
        assertEquals(7, usesLeft(joinCode));
    }

    private static Map<Integer, Integer> atOnce(int count, java.util.function.IntFunction<ProtocolClient> agents)
            throws Exception {
        ExecutorService pool = Executors.newFixedThreadPool(count);
        try {
            List<ProtocolClient> all =
                    IntStream.range(0, count).mapToObj(agents).toList();
            List<CompletableFuture<Integer>> answers = all.stream()
                    .map(a -> CompletableFuture.supplyAsync(() -> a.tryEnroll().status(), pool))
                    .toList();
            Map<Integer, Integer> statuses = new TreeMap<>();
            for (CompletableFuture<Integer> answer : answers) {
                statuses.merge(answer.get(30, TimeUnit.SECONDS), 1, Integer::sum);
            }
            return statuses;
        } finally {
            pool.shutdownNow();
        }
    }

    @Test
    void expiredRevokedSpentUnknownAndMissingCodesLookTheSame() {
        String expired = tryCode(
                        RUNNING.operator(),
                        "expiresAt",
                        RUNNING.clock().instant().plusSeconds(60))
                .expect(201)
                .get("code");
        String revoked = joinCode(5);
        RUNNING.http()
                .send(
                        "DELETE",
                        "/v1/join-codes/" + revoked.substring(0, revoked.indexOf('.')),
                        RUNNING.operator(),
                        null)
                .expect(200);
        String spent = joinCode(1);
        agent(newInstance(), spent).enroll();
        String unknown = "jc-" + "0".repeat(26) + joinCode(1).substring(29);
        RUNNING.clock().advance(Duration.ofSeconds(60));
        Map<String, Object> one =
                withoutCorrelation(agent(newInstance(), expired).tryEnroll().expect(403));
        for (String other : List.of(revoked, spent, unknown)) {
            assertEquals(
                    one,
                    withoutCorrelation(agent(newInstance(), other).tryEnroll().expect(403)),
                    other);
        }
        ProtocolClient without = ProtocolClient.outscale(
                RUNNING.http(), RUNNING.clock(), cloudAccount, newInstance(), List.of(), Optional.empty());
        assertEquals(one, withoutCorrelation(without.tryEnroll().expect(403)));
    }

    @Test
    void aGuessedSecretUnderAKnownIdIsRefusedAsAnUnknownOne() {
        String joinCode = joinCode(1);
        String guessed = joinCode.substring(0, 30) + "A".repeat(42) + "Q";
        Map<String, Object> wrong =
                withoutCorrelation(agent(newInstance(), guessed).tryEnroll().expect(403));
        String unknown = "jc-" + "z".repeat(26) + "." + "A".repeat(43);
        assertEquals(
                withoutCorrelation(agent(newInstance(), unknown).tryEnroll().expect(403)), wrong);
        assertEquals(1, usesLeft(joinCode));
    }

    @Test
    void aProofOverheardIsGoodForNoOtherKeyOrInstance() {
        String joinCode = joinCode(5);
        String instance = newInstance();
        ProtocolClient genuine = agent(instance, joinCode);
        EnrollRequest overheard = genuine.claims(instance, List.of(), Optional.of(joinCode), Optional.empty());
        ProtocolClient thief = agent(instance, joinCode);
        assertEquals("join-code", thief.tryEnroll(overheard).expect(403).get("rule"));
        EnrollRequest.Claims claims = (EnrollRequest.Claims) overheard.evidence();
        EnrollRequest elsewhere = new EnrollRequest(
                "outscale",
                new EnrollRequest.Claims(
                        newInstance(),
                        claims.image(),
                        claims.instanceType(),
                        claims.region(),
                        Optional.empty(),
                        claims.join()),
                List.of(),
                "test");
        assertEquals("join-code", genuine.tryEnroll(elsewhere).expect(403).get("rule"));
        assertEquals(5, usesLeft(joinCode));
        genuine.tryEnroll(overheard).expect(200);
    }

    @Test
    void theCodeIsNeitherStoredNorListed() throws SQLException {
        String joinCode = joinCode(1);
        String secret = joinCode.substring(30);
        agent(newInstance(), joinCode).enroll();
        assertFalse(RUNNING.http()
                .get("/v1/join-codes?limit=1000", RUNNING.operator())
                .text()
                .contains(secret));
        try (Connection db = RUNNING.database().connect();
                Statement s = db.createStatement();
                ResultSet dump = s.executeQuery(
                        "SELECT string_agg(x, ' ') FROM (SELECT j::text FROM join_code j UNION ALL"
                                + " SELECT e::text FROM enrollment_evidence e UNION ALL SELECT a::text FROM audit_event a) t(x)")) {
            dump.next();
            assertFalse(dump.getString(1).contains(secret));
            byte[] seed = io.tallystick.common.jose.Base64Url.decode(secret);
            assertFalse(dump.getString(1).contains(java.util.HexFormat.of().formatHex(seed)));
        }
    }

    @Test
    void aVmCannotChooseItsAccountAndAStrangersInstanceIdGainsNothing() {
        String instance = newInstance();
        ProtocolClient genuine = agent(instance, joinCode(1));
        genuine.enroll();

        // Somebody with a code of his own, for his own account, says that he is that instance.
        String other = RUNNING.account("buyer");
        String othersAccount = ownCloudAccount(other);
        agreement = RUNNING.agreement(product, other);
        String othersCode = joinCode(1);
        ProtocolClient squatter = ProtocolClient.outscale(
                RUNNING.http(), RUNNING.clock(), othersAccount, instance, List.of(), Optional.of(othersCode));
        Answer answer = squatter.enroll();
        assertEquals(squatter.id(), answer.enrollment());
        assertFalse(answer.enrollment().equals(genuine.id()));
        // The genuine one goes on as if nothing had happened.
        assertEquals(Decision.Outcome.ALLOW, genuine.lease().decisions().get(0).outcome());
    }

    @Test
    void aSecondKeyWithALiveCodeIsContestedAndOneWithoutIsRefused() {
        String joinCode = joinCode(3);
        String instance = newInstance();
        ProtocolClient first = agent(instance, joinCode);
        first.enroll();
        ProtocolClient second = agent(instance, joinCode);
        Http.Answer contested = second.tryEnroll().expect(409);
        assertEquals("contested", contested.get("code"));
        assertEquals(second.thumbprint().toString(), contested.get("thumbprint"));
        assertEquals(2, usesLeft(joinCode));
        // To know the id of an enrollment is not to speak for it.
        ProtocolClient stranger = agent(instance, joinCode);
        assertEquals(
                "join-code",
                stranger.tryEnroll(stranger.claims(instance, List.of(), Optional.empty(), Optional.of(first.id())))
                        .expect(403)
                        .get("rule"));

        RUNNING.http()
                .post(
                        "/v1/enrollments/" + first.id() + "/approve",
                        RUNNING.operator(),
                        Json.write(Json.object("thumbprint", second.thumbprint())))
                .expect(200);
        second.enroll();
        // The key that was replaced is told so, also without a code.
        assertEquals(
                "contested",
                first.tryEnroll(first.claims(instance, List.of(), Optional.empty(), Optional.of(first.id())))
                        .expect(409)
                        .get("code"));
    }

    @Test
    void anEnrolledKeyStartsAgainByTheNameOfItsEnrollmentAfterTheCodeIsGone() {
        String joinCode = joinCode(1);
        String instance = newInstance();
        ProtocolClient agent = agent(instance, joinCode);
        agent.enroll();
        RUNNING.clock().advance(Duration.ofDays(8));
        EnrollRequest again = agent.claims(instance, List.of(), Optional.empty(), Optional.of(agent.id()));
        Answer answer = ProtocolClient.answer(agent.tryEnroll(again).expect(200));
        // It was off for a week: that is not held against it.
        assertEquals(Decision.Outcome.ALLOW, answer.decisions().get(0).outcome());
        EnrollRequest renamed = agent.claims(newInstance(), List.of(), Optional.empty(), Optional.of(agent.id()));
        assertEquals("join-code", agent.tryEnroll(renamed).expect(403).get("rule"));
    }

    @Test
    void enrollingAgainAndAgainIsNoWayRoundMetering() {
        String instance = newInstance();
        ProtocolClient agent = agent(instance, joinCode(1));
        agent.enroll();
        Decision.Outcome outcome = Decision.Outcome.ALLOW;
        for (int i = 0; i < 4; i++) {
            RUNNING.clock().advance(Duration.ofHours(23));
            EnrollRequest again = agent.claims(instance, List.of(), Optional.empty(), Optional.of(agent.id()));
            outcome = ProtocolClient.answer(agent.tryEnroll(again).expect(200))
                    .decisions()
                    .get(0)
                    .outcome();
        }
        assertEquals(Decision.Outcome.DENY, outcome);
    }

    @Test
    void aCodeGivesOneProductWhateverTheMetadataSays() {
        String other = product("claimed");
        String otherCode =
                RUNNING.http().get("/v1/products/" + other, RUNNING.operator()).get("productCode");
        RUNNING.agreement(other, buyer);
        String joinCode = joinCode(2);
        ProtocolClient both = ProtocolClient.outscale(
                RUNNING.http(),
                RUNNING.clock(),
                cloudAccount,
                newInstance(),
                List.of("0001", code, otherCode),
                Optional.of(joinCode));
        Answer answer = both.enroll();
        assertEquals(
                List.of(code),
                answer.decisions().stream().map(Decision::product).toList());
        ProtocolClient wrong = ProtocolClient.outscale(
                RUNNING.http(),
                RUNNING.clock(),
                cloudAccount,
                newInstance(),
                List.of(otherCode),
                Optional.of(joinCode));
        assertEquals("product-codes-differ", wrong.tryEnroll().expect(403).get("rule"));
        assertEquals(1, usesLeft(joinCode));
    }

    @Test
    void aProductThatAsksForMoreThanAClaimRefusesTheVm() {
        product = product("api-confirmed");
        agreement = RUNNING.agreement(product, buyer);
        Decision decision =
                agent(newInstance(), joinCode(1)).enroll().decisions().get(0);
        assertEquals(Decision.Outcome.DENY, decision.outcome());
        assertEquals(Optional.of("evidence-too-weak"), decision.code());
    }

    @Test
    void theEndOfTheAgreementEndsWhatACodeGave() {
        ProtocolClient agent = agent(newInstance(), joinCode(1));
        agent.enroll();
        RUNNING.http()
                .send("POST", "/v1/agreements/" + agreement + "/end", RUNNING.operator(), null)
                .expect(200);
        assertEquals(
                Optional.of("no-agreement"), agent.lease().decisions().get(0).code());
        assertEquals("conflict", tryCode(RUNNING.operator()).expect(409).get("code"));
    }

    @Test
    void aBuyerMakesSeesAndRevokesItsOwnCodesOnly() {
        String own = RUNNING.token(Role.BUYER, buyer);
        Http.Answer made = tryCode(own, "description", "autoscaling group").expect(201);
        assertTrue(made.get("code").matches("jc-[0-9a-z]{26}\\.[A-Za-z0-9_-]{43}"), "256 bits");
        assertEquals(RUNNING.clock().instant().plus(Duration.ofDays(7)), Instant.parse(made.get("expiresAt")));
        String stranger = RUNNING.token(Role.BUYER, RUNNING.account("buyer"));
        tryCode(stranger).expect(404);
        assertEquals(
                List.of(),
                RUNNING.http().get("/v1/join-codes", stranger).expect(200).list("items"));
        RUNNING.http()
                .send("DELETE", "/v1/join-codes/" + made.get("id"), stranger, null)
                .expect(404);
        RUNNING.http()
                .send("DELETE", "/v1/join-codes/" + made.get("id"), own, null)
                .expect(200);
        assertEquals(
                List.of(made.get("id")),
                RUNNING.http().get("/v1/join-codes", own).expect(200).list("items").stream()
                        .map(i -> String.valueOf(i.get("id")))
                        .toList());
    }

    @Test
    void aCodeIsForOneOfTheBuyersOwnAccountsAtTheCloud() {
        String second = ownCloudAccount(buyer);
        assertEquals("invalid-request", tryCode(RUNNING.operator()).expect(400).get("code"));
        tryCode(RUNNING.operator(), "cloudAccount", second).expect(201);
        String foreign = ownCloudAccount(RUNNING.account("buyer"));
        Http.Answer refused =
                tryCode(RUNNING.operator(), "cloudAccount", foreign).expect(400);
        assertTrue(refused.text().contains("cloudAccount"), refused.text());
        for (Object bad : Arrays.asList(0L, 10_001L)) {
            tryCode(RUNNING.operator(), "cloudAccount", second, "uses", bad).expect(400);
        }
    }
}
