package io.tallystick.aggregator.usage;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.tallystick.aggregator.app.Http;
import io.tallystick.aggregator.app.RunningAggregator;
import io.tallystick.aggregator.audit.Audit;
import io.tallystick.aggregator.db.Database;
import io.tallystick.aggregator.db.DatabaseUrl;
import io.tallystick.aggregator.signing.SigningKeys;
import io.tallystick.aggregator.web.Role;
import io.tallystick.common.jose.Ed25519;
import io.tallystick.common.jose.Jws;
import io.tallystick.common.jose.Typ;
import io.tallystick.common.model.Hours;
import io.tallystick.common.model.Quantity;
import io.tallystick.common.wire.MeteringRecord;
import io.tallystick.common.wire.Receipt;
import io.tallystick.common.wire.Resume;
import io.tallystick.common.wire.Watermark;
import io.tallystick.testkit.TestDatabase;
import io.vertx.core.Vertx;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.KeyPairGenerator;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;

/**
 * Batches that a restored database forgot and that their agent keeps no longer: the agent goes on behind them with its
 * receipt of the last, what is lost is an incident and in the audit log, and all checks know of it.
 */
class LostRangeTest {
    private static final String ACCOUNT = "222233334444";

    @RegisterExtension
    static final RunningAggregator RUNNING = RunningAggregator.with("trust.dir=" + SimulatedRegion.trustFolder());

    @TempDir
    static Path root = Path.of("");

    private static String product(String seller) {
        String product = RUNNING.product(seller, "requests");
        RUNNING.visibility(product, "LIMITED", "PUBLIC");
        return product;
    }

    private static ProtocolClient enrolled(String... products) {
        String buyer = RUNNING.account("buyer");
        if (count("SELECT count(*) FROM cloud_account WHERE cloud_account_id = '" + ACCOUNT + "'") == 0) {
            RUNNING.cloudAccount(buyer, "aws", ACCOUNT);
        }
        for (String product : products) {
            RUNNING.agreement(product, buyer);
        }
        ProtocolClient agent = SimulatedRegion.client(
                RUNNING,
                SimulatedRegion.vm(
                        ACCOUNT,
                        RUNNING.clock().instant().minus(Duration.ofMinutes(5)),
                        Stream.of(products).map(RUNNING::code).toList()));
        agent.enroll();
        return agent;
    }

    /**
     * An agent whose batches 2 to 4 the database forgot, and who has the receipts only.
     *
     * @param receipts compact, of all four batches
     * @param marks of all four
     */
    private record Forgotten(ProtocolClient agent, List<String> receipts, List<Watermark> marks) {
        static Forgotten batches() {
            return batches(product(RUNNING.account("seller")));
        }

        static Forgotten batches(String... products) {
            ProtocolClient agent = enrolled(products);
            List<String> receipts = new ArrayList<>();
            List<Watermark> marks = new ArrayList<>();
            for (int seq = 1; seq <= 4; seq++) {
                // Without records, so that the ledger needs no restoring.
                Jws batch = agent.sign();
                receipts.add(Jws.parseFlattened(
                                agent.trySend(batch).expect(200).text().getBytes(StandardCharsets.UTF_8), Typ.RECEIPT)
                        .compact());
                agent.mark(new Watermark(1, seq, batch.hash()));
                marks.add(agent.mark());
            }
            String of = "enrollment_id = '" + agent.id().uuid() + "'";
            tamper("DELETE FROM usage_batch WHERE seq > 1 AND " + of + "; UPDATE watermark SET seq = 1, hash = decode('"
                    + ArchiveFolder.hex(marks.get(0).hash()) + "', 'hex') WHERE " + of);
            assertEquals("gap", agent.trySend(agent.sign()).expect(409).get("code"));
            return new Forgotten(agent, receipts, marks);
        }

        Watermark goOn() {
            Resume.Answer answer = ProtocolClient.resumed(agent.tryGoOn(receipts.get(3)));
            assertEquals(List.of(), answer.batches());
            return answer.watermark();
        }

        Watermark mark(int seq) {
            return marks.get(seq - 1);
        }
    }

    private static MeteringRecord usage() {
        return MeteringRecord.increment("requests", Hours.of(RUNNING.clock().instant()), Quantity.of(2));
    }

    private static void tamper(String sql) {
        RUNNING.database().execute("SET session_replication_role = replica; " + sql);
    }

    private static long count(String sql) {
        try (Connection connection = RUNNING.database().connect();
                ResultSet rows = connection.createStatement().executeQuery(sql)) {
            rows.next();
            return rows.getLong(1);
        } catch (SQLException e) {
            throw new AssertionError(e);
        }
    }

    @Test
    void theReceiptOfTheLastLostBatchMovesTheChainBehindItAndSaysWhatIsLost() {
        Forgotten f = Forgotten.batches();
        assertEquals(f.mark(4), f.goOn());
        Receipt next = f.agent().send(usage());
        assertEquals(5, next.seq());
        List<String> incidents = RUNNING
                .http()
                .get("/v1/incidents?status=open&limit=1000", RUNNING.operator())
                .expect(200)
                .list("items")
                .stream()
                .filter(i -> f.agent().id().toString().equals(i.get("enrollment")) && "lost".equals(i.get("kind")))
                .map(i -> String.valueOf(i.get("detail")))
                .toList();
        assertEquals(1, incidents.size());
        assertTrue(incidents.get(0).startsWith("the batches after 1.1 up to 1.4 are lost"), incidents.get(0));
        assertEquals(
                1,
                count("SELECT count(*) FROM audit_event WHERE action = 'incident.lost' AND subject = '"
                        + f.agent().id() + "'"));
        Map<?, ?> seen = (Map<?, ?>) RUNNING.http()
                .get("/v1/enrollments/" + f.agent().id(), RUNNING.operator())
                .expect(200)
                .list("lost")
                .get(0);
        assertEquals("1.1 1.4", seen.get("after") + " " + seen.get("upTo"));
        assertEquals(List.of(), RUNNING.differences());
        // Shown again, it moves nothing.
        assertEquals(new Watermark(1, 5, f.agent().mark().hash()), f.goOn());
    }

    @Test
    void whoseMoneyItIsSeesWhatIsLostAndNobodyElse() throws SQLException {
        String seller = RUNNING.account("seller");
        String product = product(seller);
        String other = product(RUNNING.account("seller"));
        Forgotten f = Forgotten.batches(product, other);
        f.goOn();
        String owner;
        try (Connection connection = RUNNING.database().connect();
                ResultSet row = connection
                        .createStatement()
                        .executeQuery(
                                "SELECT account_id FROM cloud_account WHERE cloud_account_id = '" + ACCOUNT + "'")) {
            row.next();
            owner = row.getString(1);
        }

        List<Map<String, Object>> seen = lost(RUNNING.token(Role.SELLER, seller));
        assertEquals(1, seen.size());
        assertEquals(f.agent().id().toString(), seen.get(0).get("enrollment"));
        assertEquals(List.of(RUNNING.code(product)), seen.get(0).get("productCodes"));
        assertEquals("1.1 1.4", seen.get(0).get("after") + " " + seen.get(0).get("upTo"));
        List<String> codes = new ArrayList<>(List.of(RUNNING.code(product), RUNNING.code(other)));
        Collections.sort(codes);
        for (String whole : List.of(RUNNING.token(Role.BUYER, owner), RUNNING.operator())) {
            assertEquals(
                    List.of(codes),
                    lost(whole).stream()
                            .filter(l -> f.agent().id().toString().equals(l.get("enrollment")))
                            .map(l -> l.get("productCodes"))
                            .toList());
        }
        assertEquals(List.of(), lost(RUNNING.token(Role.SELLER, RUNNING.account("seller"))));
        assertEquals(List.of(), lost(RUNNING.token(Role.BUYER, RUNNING.account("buyer"))));
    }

    /** By pages of one. */
    private static List<Map<String, Object>> lost(String token) {
        List<Map<String, Object>> all = new ArrayList<>();
        String path = "/v1/lost-usage?limit=1";
        for (String after = ""; !after.equals("null"); ) {
            Http.Answer page = RUNNING.http().get(path + after, token).expect(200);
            all.addAll(page.list("items"));
            Object next = page.json().get("next");
            after = next == null ? "null" : "&after=" + URLEncoder.encode(next.toString(), StandardCharsets.UTF_8);
        }
        return all;
    }

    @Test
    void whoWasRolledBackGetsWhatIsThereBeforeAndBehindWhatIsLost() {
        Forgotten f = Forgotten.batches();
        f.goOn();
        Jws fifth = f.agent().sign(usage());
        f.agent().trySend(fifth).expect(200);

        Resume.Answer first = f.agent().resume(Watermark.START, false);
        assertEquals(1, first.batches().size());
        assertEquals(Optional.empty(), first.from());
        // At its edge, inside of it, and at its end.
        for (int known = 1; known <= 3; known++) {
            Resume.Answer behind = f.agent().resume(f.mark(known), true);
            assertEquals(Optional.of(f.mark(4)), behind.from());
            assertEquals(List.of(fifth.compact()), behind.batches());
        }
        Resume.Answer end = f.agent().resume(f.mark(4), false);
        assertEquals(Optional.empty(), end.from());
        assertEquals(List.of(fifth.compact()), end.batches());
        Http.Answer other =
                f.agent().tryResume(new Watermark(1, 4, f.mark(3).hash())).expect(409);
        assertEquals("fork", other.get("code"));

        Watermark opened =
                f.agent().resume(new Watermark(1, 5, fifth.hash()), true).watermark();
        assertEquals(new Watermark(2, 0, fifth.hash()), opened);
        f.agent().mark(opened);
        f.agent().send(usage());
        assertEquals(List.of(), RUNNING.differences());
    }

    @Test
    void nothingButAReceiptOfOursForThisEnrollmentMovesTheChain() throws Exception {
        Forgotten f = Forgotten.batches();
        Forgotten stranger = Forgotten.batches();
        assertRefused(f, stranger.receipts().get(3), "receipt: is of another enrollment");
        Jws genuine = Jws.parseCompact(f.receipts().get(3), Typ.RECEIPT);
        Jws forged = Jws.sign(
                genuine.header(),
                genuine.payload(),
                Ed25519.signer(KeyPairGenerator.getInstance("Ed25519")
                        .generateKeyPair()
                        .getPrivate()));
        assertRefused(f, forged.compact(), "receipt: is not signed by a key of this aggregator");
        assertRefused(f, "a.b.c", "receipt: ");
        assertEquals(
                f.mark(1),
                ProtocolClient.resumed(f.agent().tryGoOn(f.receipts().get(0))).watermark());
        assertEquals(
                0,
                count("SELECT count(*) FROM lost_range WHERE enrollment_id = '"
                        + f.agent().id().uuid() + "'"));
        f.goOn();
        stranger.goOn();
    }

    @Test
    void aReceiptWhoseKeyTheDatabaseForgotProvesTheLossOnceAnOperatorGivesTheKeyAgain() {
        Forgotten f = Forgotten.batches();
        String kid = String.valueOf(
                Jws.parseCompact(f.receipts().get(3), Typ.RECEIPT).header().kid());
        SigningKeys.Published key = RUNNING.signing(keys -> keys.byKid(kid));
        RUNNING.signing(keys -> RUNNING.inTx(tx -> keys.rotate(tx, true)));
        tamper("DELETE FROM signing_key WHERE kid = '" + kid + "'");
        RUNNING.signing(SigningKeys::refresh);
        assertRefused(f, f.receipts().get(3), "receipt: is not signed by a key of this aggregator");
        RUNNING.signing(keys -> RUNNING.inTx(tx -> keys.remember(tx, List.of(key))));
        assertEquals(f.mark(4), f.goOn());
        assertEquals(5, f.agent().send(usage()).seq());
        assertEquals(List.of(), RUNNING.differences());
    }

    private static void assertRefused(Forgotten f, String receipt, String detail) {
        Http.Answer refused = f.agent().tryGoOn(receipt).expect(400);
        assertTrue(refused.text().contains(detail), refused.text());
    }

    @Test
    void aLossWithoutAReceiptIsFoundByTheRebuild() {
        Forgotten f = Forgotten.batches();
        f.goOn();
        String of = " WHERE enrollment_id = '" + f.agent().id().uuid() + "'";
        tamper("UPDATE lost_range SET receipt = '" + f.receipts().get(2) + "'" + of);
        List<String> found = RUNNING.differences();
        tamper("UPDATE lost_range SET receipt = '" + f.receipts().get(3) + "'" + of);
        assertEquals(
                List.of(f.agent().id() + " 1.4: is noted as lost without a receipt of this aggregator for it"), found);
    }

    @Test
    void whatIsBehindIsArchivedAndVerifiedAsWhatIsBefore() throws Exception {
        Forgotten f = Forgotten.batches();
        f.goOn();
        f.agent().send(usage());
        RUNNING.clock().advance(Duration.ofDays(100));
        RUNNING.post();
        Vertx vertx = Vertx.vertx();
        Database database =
                Database.open(vertx, DatabaseUrl.parse(RUNNING.database().url()), TestDatabase.POOL_SIZE);
        try {
            List<Archives.Done> done = new ArrayList<>();
            new Archives(database, vertx, new Audit(RUNNING.clock()), RUNNING.clock())
                    .archive("test", root, Duration.ofDays(35), done::add)
                    .await(60, TimeUnit.SECONDS);
            RUNNING.archivesIn(root);
            assertEquals(0, done.stream().mapToLong(Archives.Done::stayed).sum());
            f.agent().send(usage());
            ArchiveCheck.Verdict verdict =
                    new ArchiveCheck(database, vertx).verify(root).await(60, TimeUnit.SECONDS);
            assertEquals(List.of(), verdict.faults());
            assertEquals(List.of(), RUNNING.differences());
        } finally {
            database.close().await(60, TimeUnit.SECONDS);
            vertx.close().await(60, TimeUnit.SECONDS);
        }
    }
}
