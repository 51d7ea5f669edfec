package io.tallystick.aggregator.signing;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.tallystick.aggregator.app.Http;
import io.tallystick.aggregator.app.RunningAggregator;
import io.tallystick.aggregator.usage.ProtocolClient;
import io.tallystick.aggregator.usage.SimulatedRegion;
import io.tallystick.common.jose.Base64Url;
import io.tallystick.common.jose.Ed25519;
import io.tallystick.common.jose.Jwk;
import io.tallystick.common.jose.Jws;
import io.tallystick.common.jose.Typ;
import io.tallystick.common.model.Hours;
import io.tallystick.common.model.Quantity;
import io.tallystick.common.wire.Answer;
import io.tallystick.common.wire.MeteringRecord;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.Statement;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** The aggregator's keys change while agents enroll, renew and ship, and nobody notices. */
class KeyRotationTest {
    private static final int AGENTS = 4;
    private static final int ROTATIONS = 3;
    private static final Duration STEP = Duration.ofHours(6);
    /** Of one rotation: beyond the day until the new key signs. */
    private static final int STEPS = 5;

    @RegisterExtension
    static final RunningAggregator RUNNING = RunningAggregator.with("trust.dir=" + SimulatedRegion.trustFolder());

    @Test
    void rotatedUnderLoadEveryAnswerVerifiesByAKeyThatWasPublishedADayBefore() throws Exception {
        String buyer = RUNNING.account("buyer");
        RUNNING.cloudAccount(buyer, "aws", "000000700001");
        String product = RUNNING.product(RUNNING.account("seller"), "requests");
        RUNNING.visibility(product, "LIMITED", "PUBLIC");
        RUNNING.agreement(product, buyer);
        List<ProtocolClient> agents = new ArrayList<>();
        for (int i = 0; i < AGENTS; i++) {
            agents.add(SimulatedRegion.client(
                    RUNNING,
                    SimulatedRegion.vm("000000700001", RUNNING.clock().instant(), List.of(RUNNING.code(product)))));
        }
        agents.forEach(ProtocolClient::enroll);
        Map<String, Instant> published = new HashMap<>();
        Map<String, Instant> used = new HashMap<>();
        see(published);
        String first = published.keySet().iterator().next();
        ExecutorService pool = Executors.newFixedThreadPool(AGENTS);
        try {
            for (int rotation = 0; rotation < ROTATIONS; rotation++) {
                rotate();
                for (int step = 0; step < STEPS; step++) {
                    see(published);
                    Instant now = RUNNING.clock().instant();
                    List<Future<List<Jws>>> work = agents.stream()
                            .map(agent -> pool.submit(() -> talk(agent)))
                            .toList();
                    for (Future<List<Jws>> done : work) {
                        for (Jws jws : done.get(60, TimeUnit.SECONDS)) {
                            String kid = String.valueOf(jws.header().kid());
                            used.putIfAbsent(kid, now);
                            jws.verified(key(kid), Ed25519.JDK);
                        }
                    }
                    RUNNING.clock().advance(STEP);
                }
            }
        } finally {
            pool.shutdownNow();
        }
        assertEquals(ROTATIONS + 1, used.size(), "each key was used");
        used.forEach((kid, at) -> assertTrue(
                kid.equals(first) || !at.isBefore(published.get(kid).plus(SigningKeys.PUBLISHED_BEFORE_USE)),
                "key " + kid + " was published at " + published.get(kid) + " and used at " + at));

        RUNNING.clock().advance(SigningKeys.RETIRED_AFTER);
        retire(first);
        assertFalse(now().containsKey(first), "a retired key is on the published list");
        List<Jws> receipts = receipts();
        assertEquals(AGENTS * ROTATIONS * STEPS, receipts.size());
        for (Jws receipt : receipts) {
            receipt.verified(key(String.valueOf(receipt.header().kid())), Ed25519.JDK);
        }
        assertTrue(receipts.stream().anyMatch(r -> first.equals(r.header().kid())));
    }

    /** One round of an agent: a start, a lease, a batch. All that was signed, leases too. */
    private static List<Jws> talk(ProtocolClient agent) {
        List<Jws> signed = new ArrayList<>();
        Http.Answer enrolled = agent.tryEnroll().expect(200);
        signed.add(Jws.parseFlattened(enrolled.text().getBytes(java.nio.charset.StandardCharsets.UTF_8), Typ.ANSWER));
        Answer answer = agent.lease();
        answer.decisions().forEach(d -> signed.add(Jws.parseCompact(d.lease().orElseThrow(), Typ.LEASE)));
        Jws batch = agent.sign(
                MeteringRecord.increment("requests", Hours.of(RUNNING.clock().instant()), Quantity.ONE));
        Http.Answer receipt = agent.trySend(batch).expect(200);
        signed.add(Jws.parseFlattened(receipt.text().getBytes(java.nio.charset.StandardCharsets.UTF_8), Typ.RECEIPT));
        agent.mark(agent.lease().watermark());
        return signed;
    }

    private static Map<String, Jwk> now() {
        Map<String, Jwk> keys = new HashMap<>();
        RUNNING.http()
                .get("/.well-known/jwks.json", null)
                .expect(200)
                .list("keys")
                .forEach(k -> keys.put(
                        String.valueOf(k.get("kid")), Jwk.ofBytes(Base64Url.decode(String.valueOf(k.get("x"))))));
        return keys;
    }

    private static void see(Map<String, Instant> published) {
        now().keySet().forEach(kid -> published.putIfAbsent(kid, RUNNING.clock().instant()));
    }

    private static Jwk key(String kid) {
        Http.Answer key = RUNNING.http().get("/v1/keys/" + kid, null).expect(200);
        return Jwk.ofBytes(Base64Url.decode(key.get("x")));
    }

    private static void rotate() {
        RUNNING.signing(SigningKeys::rotate);
    }

    private static void retire(String kid) {
        RUNNING.signing(keys -> RUNNING.inTx(tx -> keys.retire(tx, kid, false)).compose(done -> keys.refresh()));
    }

    private static List<Jws> receipts() throws Exception {
        try (Connection db = RUNNING.database().connect();
                Statement query = db.createStatement()) {
            List<Jws> receipts = new ArrayList<>();
            ResultSet rows = query.executeQuery("SELECT receipt FROM usage_batch");
            while (rows.next()) {
                receipts.add(Jws.parseCompact(rows.getString(1), Typ.RECEIPT));
            }
            return receipts;
        }
    }
}
