package io.tallystick.aggregator.app;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.tallystick.aggregator.image.MemoryCloud;
import io.tallystick.aggregator.usage.ProtocolClient;
import io.tallystick.aggregator.usage.SimulatedRegion;
import io.tallystick.aggregator.web.Role;
import io.tallystick.aggregator.web.Route;
import io.tallystick.common.json.Json;
import io.tallystick.common.model.Hours;
import io.tallystick.common.model.Quantity;
import io.tallystick.common.wire.MeteringRecord;
import io.tallystick.testkit.Rule;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Currency;
import java.util.EnumMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeSet;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Every route of the real router against every kind of caller. A route without a row fails. */
class AccessMatrixTest {
    @RegisterExtension
    static final RunningAggregator RUNNING =
            RunningAggregator.withClouds(List.of(MatrixClouds.AWS), "trust.dir=" + SimulatedRegion.trustFolder());

    /** In a holder, because the extension above is made before the other fields. */
    private static final class MatrixClouds {
        static final MemoryCloud AWS = new MemoryCloud("aws", "000000000009");
    }

    private static final Map<AccessMatrix.Who, String> TOKENS = new EnumMap<>(AccessMatrix.Who.class);
    private static final List<String> DEAD_TOKENS = new ArrayList<>();
    private static AccessMatrix.@Nullable World world;

    @BeforeAll
    static void meetEverybody() {
        World made = new World();
        world = made;
        TOKENS.put(AccessMatrix.Who.OPERATOR, RUNNING.operator());
        TOKENS.put(AccessMatrix.Who.SELLER, RUNNING.token(Role.SELLER, made.seller));
        TOKENS.put(AccessMatrix.Who.OTHER_SELLER, RUNNING.token(Role.SELLER, RUNNING.account("seller")));
        TOKENS.put(AccessMatrix.Who.BUYER, RUNNING.token(Role.BUYER, made.buyer));
        TOKENS.put(AccessMatrix.Who.OTHER_BUYER, RUNNING.token(Role.BUYER, RUNNING.account("buyer")));
        TOKENS.put(AccessMatrix.Who.BILLING, RUNNING.token(Role.BILLING, null));
        DEAD_TOKENS.add(revokedOperator());
        DEAD_TOKENS.add(RUNNING.token(
                Role.OPERATOR, null, Optional.of(RUNNING.clock().instant().plusSeconds(60))));
        DEAD_TOKENS.add("tks_" + "A".repeat(43));
        DEAD_TOKENS.add("not-a-token");
        RUNNING.clock().advance(Duration.ofSeconds(60));
    }

    private static String revokedOperator() {
        Http.Answer made = RUNNING.http()
                .post("/v1/tokens", RUNNING.operator(), "{\"role\":\"operator\"}")
                .expect(201);
        RUNNING.http()
                .send("DELETE", "/v1/tokens/" + made.get("id"), RUNNING.operator(), null)
                .expect(200);
        return made.get("secret");
    }

    static List<Route> routes() {
        return RUNNING.running().wiring().routes();
    }

    static List<String> operations() {
        return AccessMatrix.ROWS.stream().map(AccessMatrix.Row::operationId).toList();
    }

    @Test
    void everyRouteThatNeedsATokenHasARowAndEveryRowARoute() {
        TreeSet<String> declared = new TreeSet<>();
        routes().stream().filter(r -> r.access() == Route.Access.TOKEN).forEach(r -> declared.add(r.operationId()));
        assertEquals(declared, new TreeSet<>(operations()));
    }

    @ParameterizedTest
    @MethodSource("operations")
    @Rule("N13")
    void eachCallerGetsWhatTheTableSays(String operationId) {
        AccessMatrix.Row row = row(operationId);
        Route route = route(operationId);
        Map<AccessMatrix.Who, Integer> got = new EnumMap<>(AccessMatrix.Who.class);
        row.expected()
                .keySet()
                .forEach(who -> got.put(who, call(route, row, TOKENS.get(who)).status()));
        assertEquals(row.expected(), got);
    }

    @ParameterizedTest
    @MethodSource("operations")
    void aRevokedExpiredUnknownOrMissingTokenIsRefused(String operationId) {
        Route route = route(operationId);
        AccessMatrix.Row row = row(operationId);
        for (String dead : DEAD_TOKENS) {
            assertEquals(401, call(route, row, dead).status(), dead);
        }
        Http.Answer anonymous = call(route, row, null);
        assertEquals(401, anonymous.status());
        assertEquals("Bearer", anonymous.header("WWW-Authenticate"));
    }

    /** An answer that differs between "not yours" and "not there" tells a stranger what exists. */
    @ParameterizedTest
    @MethodSource("operations")
    void foreignAndMissingLookTheSame(String operationId) {
        AccessMatrix.Row row = row(operationId);
        Route route = route(operationId);
        if (!route.path().contains("{id}")) {
            return;
        }
        row.expected().forEach((who, status) -> {
            if (status == 404) {
                Http.Answer foreign = call(route, row, TOKENS.get(who));
                String path = route.path().replace("{id}", "no-such-id").replace("{line}", "1");
                AccessMatrix.Call call = row.call().apply(world());
                Http.Answer missing = RUNNING.http().send(route.method().name(), path, TOKENS.get(who), call.body());
                assertEquals(withoutCorrelation(missing), withoutCorrelation(foreign), who.name());
            }
        });
    }

    @Test
    void agentRoutesTakeNothingWithoutASignature() {
        for (Route route : routes()) {
            if (route.access() == Route.Access.AGENT) {
                Http.Answer answer = RUNNING.http()
                        .send(java.net.http.HttpRequest.newBuilder(
                                        RUNNING.http().uri(route.path().replace("{id}", "enr-" + "0".repeat(32))))
                                .header("Content-Type", route.body().mediaType())
                                .method(route.method().name(), java.net.http.HttpRequest.BodyPublishers.ofString("{}"))
                                .build());
                assertTrue(answer.status() >= 400 && answer.status() < 500, route.operationId() + answer.text());
            }
        }
    }

    private static Map<String, Object> withoutCorrelation(Http.Answer answer) {
        Map<String, Object> json = new java.util.TreeMap<>(answer.json());
        json.remove("correlationId");
        return json;
    }

    private static Http.Answer call(Route route, AccessMatrix.Row row, @Nullable String token) {
        AccessMatrix.Call call = row.call().apply(world());
        return RUNNING.http().send(route.method().name(), call.path(), token, call.body());
    }

    private static AccessMatrix.World world() {
        if (world == null) {
            throw new IllegalStateException("made before all tests");
        }
        return world;
    }

    private static AccessMatrix.Row row(String operationId) {
        return AccessMatrix.ROWS.stream()
                .filter(r -> r.operationId().equals(operationId))
                .findFirst()
                .orElseThrow();
    }

    private static Route route(String operationId) {
        return routes().stream()
                .filter(r -> r.operationId().equals(operationId))
                .findFirst()
                .orElseThrow();
    }

    static final class World implements AccessMatrix.World {
        private static final Iterator<Currency> CURRENCIES =
                Currency.getAvailableCurrencies().iterator();
        private static final AtomicInteger COUNT = new AtomicInteger();
        private final String seller = RUNNING.account("seller");
        private final String buyer = RUNNING.account("buyer");
        private final String outscale = unique();
        private String usageLine = "";

        World() {
            RUNNING.http()
                    .post(
                            "/v1/accounts/" + buyer + "/cloud-accounts",
                            RUNNING.operator(),
                            Json.write(Json.object("cloud", "outscale", "accountId", outscale)))
                    .expect(200);
        }

        @Override
        public String seller() {
            return seller;
        }

        @Override
        public String buyer() {
            return buyer;
        }

        @Override
        public String limitedProduct() {
            String product = newProduct();
            RUNNING.visibility(product, "LIMITED");
            RUNNING.http()
                    .send(
                            "PUT",
                            "/v1/products/" + product + "/allow-list",
                            RUNNING.operator(),
                            Json.write(Json.object("accounts", List.of(buyer))))
                    .expect(200);
            return product;
        }

        @Override
        public String newProduct() {
            return RUNNING.product(seller, "calls");
        }

        @Override
        public String newPublicProduct() {
            String product = newProduct();
            RUNNING.visibility(product, "LIMITED", "PUBLIC");
            return product;
        }

        @Override
        public String newAgreement() {
            return RUNNING.agreement(newPublicProduct(), buyer);
        }

        @Override
        public String newPrivateOffer() {
            return RUNNING.http()
                    .post(
                            "/v1/products/" + newPublicProduct() + "/offers",
                            RUNNING.operator(),
                            ("{'title':'O','currency':'EUR','accounts':['" + buyer
                                            + "'],'prices':[{'dimension':'calls','unitPrice':'1'}]}")
                                    .replace('\'', '"'))
                    .expect(201)
                    .get("id");
        }

        @Override
        public String newYearlyAgreement(boolean bought) {
            String product = newPublicProduct();
            post("/v1/products/" + product + "/dimensions", "{'key':'uptime-hours','unit':'Hours'}");
            String offer = post(
                    "/v1/products/" + product + "/offers",
                    "{'title':'O','currency':'EUR','hourly':[{'instanceType':'m5.large','unitPrice':'1'}],"
                            + "'yearly':[{'instanceType':'m5.large','unitPrice':'4000'}]}");
            String agreement = post(
                    "/v1/agreements",
                    "{'product':'" + product + "','account':'" + buyer + "','offer':'" + offer + "'}");
            if (bought) {
                post("/v1/agreements/" + agreement + "/years", "{'add':[{'instanceType':'m5.large','count':1}]}");
            }
            return agreement;
        }

        /** As an operator; answers the id of what was made, if it has one. */
        private static String post(String path, String json) {
            return String.valueOf(RUNNING.http()
                    .post(path, RUNNING.operator(), json.replace('\'', '"'))
                    .expect(201)
                    .json()
                    .get("id"));
        }

        @Override
        public String newOutscaleAgreement() {
            return newAgreement();
        }

        @Override
        public String outscaleAccount() {
            return outscale;
        }

        @Override
        public String newCloudKey() {
            return RUNNING.http()
                    .post(
                            "/v1/cloud-keys",
                            RUNNING.operator(),
                            Json.write(Json.object(
                                    "cloud",
                                    "outscale",
                                    "cloudAccount",
                                    outscale,
                                    "accessKey",
                                    "ACCESSKEY0123456",
                                    "secretKey",
                                    "not-a-secret-not-a-secret")))
                    .expect(200)
                    .get("id");
        }

        @Override
        public String newJoinCode() {
            return RUNNING.http()
                    .post(
                            "/v1/join-codes",
                            RUNNING.operator(),
                            Json.write(Json.object("agreement", newOutscaleAgreement())))
                    .expect(201)
                    .get("id");
        }

        @Override
        public String newIncident() {
            RUNNING.database()
                    .execute(
                            """
                            INSERT INTO incident (kind, enrollment_id, fingerprint, detail, first_at, last_at)
                            VALUES ('gap', gen_random_uuid(), 'x', 'x', now(), now())""");
            List<Map<String, Object>> all = RUNNING.http()
                    .get("/v1/incidents?status=open&limit=1000", RUNNING.operator())
                    .list("items");
            return String.valueOf(all.get(all.size() - 1).get("id"));
        }

        @Override
        public String newReport() {
            String id = "rep-" + unique();
            RUNNING.database()
                    .execute(
                            """
                            INSERT INTO report_file (id, kind, seller_id, day, through_run, lines, rows, made_at, content, sha256)
                            SELECT '%1$s', 'daily-business-usage-by-instance-type', '%2$s',
                              (SELECT coalesce(max(day) + 1, '2030-01-01') FROM report_file WHERE seller_id = '%2$s'),
                              0, 0, 0, now(), ''::bytea, sha256(''::bytea)"""
                                    .formatted(id, seller));
            return id;
        }

        @Override
        public String newUsageLine() {
            if (usageLine.isEmpty()) {
                String account = "%012d".formatted(Long.parseLong(unique()));
                RUNNING.http()
                        .post(
                                "/v1/accounts/" + buyer + "/cloud-accounts",
                                RUNNING.operator(),
                                Json.write(Json.object("cloud", "aws", "accountId", account)))
                        .expect(200);
                String product = newPublicProduct();
                RUNNING.agreement(product, buyer);
                String code = RUNNING.http()
                        .get("/v1/products/" + product, RUNNING.operator())
                        .get("productCode");
                Instant now = RUNNING.clock().instant();
                ProtocolClient agent = SimulatedRegion.client(RUNNING, SimulatedRegion.vm(account, now, List.of(code)));
                agent.enroll();
                agent.send(MeteringRecord.increment("calls", Hours.of(now), Quantity.ONE));
                RUNNING.clock().advance(Duration.ofHours(3));
                RUNNING.post();
                Map<String, Object> line = Json.parseObject(RUNNING.http()
                        .get("/v1/billing/usage?product=" + product, RUNNING.operator())
                        .text()
                        .strip());
                usageLine = line.get("run") + "." + line.get("line");
            }
            return usageLine;
        }

        @Override
        public String newStatement() {
            String id = "stm-" + unique();
            RUNNING.database()
                    .execute("INSERT INTO statement_month VALUES ('2026-02-01', '2026-03-04Z', '2026-03-04Z')"
                            + " ON CONFLICT DO NOTHING; INSERT INTO statement VALUES ('" + id + "', '2026-02-01', '"
                            + buyer + "', '" + seller + "', '" + CURRENCIES.next() + "', 2, 0, 1, 0)");
            return id;
        }

        @Override
        public String newTokenId() {
            return RUNNING.http()
                    .post("/v1/tokens", RUNNING.operator(), "{\"role\":\"billing\"}")
                    .expect(201)
                    .get("id");
        }

        @Override
        public String unownedImage() {
            return MatrixClouds.AWS.image("r", unique(), "code");
        }

        @Override
        public AccessMatrix.NewVersion version() {
            String product = newProduct();
            String owner = unique();
            RUNNING.cloudAccount(seller, "aws", owner);
            String image = MatrixClouds.AWS.image("r", owner, RUNNING.code(product));
            String id = RUNNING.http()
                    .post(
                            "/v1/products/" + product + "/versions",
                            RUNNING.operator(),
                            Json.write(Json.object(
                                    "title",
                                    "1",
                                    "cloud",
                                    "aws",
                                    "region",
                                    "r",
                                    "imageId",
                                    image,
                                    "releaseNotes",
                                    "n")))
                    .expect(201)
                    .get("id");
            return new AccessMatrix.NewVersion(id, image);
        }

        @Override
        public String cancelledChangeSet() {
            String id = "chg-" + unique();
            String product = newProduct();
            RUNNING.database()
                    .execute("INSERT INTO change_set (id, account_id, status, requested_by, requested_at, ended_at)"
                            + " SELECT '" + id + "', seller_account_id, 'CANCELLED', 'test', now(), now()"
                            + " FROM product WHERE id = '" + product + "'");
            return id;
        }

        @Override
        public String newReview() {
            return RUNNING.http()
                    .post(
                            "/v1/products/" + newProduct() + "/visibility-requests",
                            RUNNING.operator(),
                            "{\"visibility\":\"LIMITED\"}")
                    .expect(201)
                    .get("id");
        }

        @Override
        public String newUserId() {
            String user = "{\"role\":\"operator\",\"email\":\"n" + unique() + "@example.com\"}";
            return RUNNING.http()
                    .post("/v1/users", RUNNING.operator(), user)
                    .expect(201)
                    .get("id");
        }

        @Override
        public AccessMatrix.Contested contested() {
            String account = "%012d".formatted(Long.parseLong(unique()));
            RUNNING.cloudAccount(buyer, "aws", account);
            ProtocolClient.Vm vm = SimulatedRegion.vm(account, RUNNING.clock().instant(), List.of("code"));
            ProtocolClient first = SimulatedRegion.client(RUNNING, vm);
            ProtocolClient second = SimulatedRegion.client(RUNNING, vm);
            first.enroll();
            second.tryEnroll().expect(409);
            return new AccessMatrix.Contested(
                    first.id().toString(), second.thumbprint().toString());
        }

        @Override
        public String unique() {
            return String.valueOf(100_000_000 + COUNT.incrementAndGet());
        }
    }
}
