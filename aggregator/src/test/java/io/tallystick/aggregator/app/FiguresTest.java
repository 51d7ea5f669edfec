package io.tallystick.aggregator.app;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.tallystick.aggregator.usage.ProtocolClient;
import io.tallystick.aggregator.usage.SimulatedRegion;
import io.tallystick.common.jose.Jws;
import io.tallystick.common.json.Json;
import io.tallystick.common.model.Hours;
import io.tallystick.common.model.Quantity;
import io.tallystick.common.wire.MeteringRecord;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** What the gauges over the whole service count. */
class FiguresTest {
    private static final Duration WAIT = Duration.ofMinutes(1);
    private static final String CLOUD_ACCOUNT = "000000000002";

    @RegisterExtension
    static final RunningAggregator RUNNING = RunningAggregator.with("trust.dir=" + SimulatedRegion.trustFolder());

    private static double figure(String name, String... tags) {
        Aggregator.await(RUNNING.running().wiring().figures.read(), WAIT);
        return RUNNING.running().wiring().registry.get(name).tags(tags).gauge().value();
    }

    @Test
    void aForkASilentAgentAndPostingThatStandsStillAreSeen() {
        String buyer = RUNNING.account("buyer");
        RUNNING.http()
                .post(
                        "/v1/accounts/" + buyer + "/cloud-accounts",
                        RUNNING.operator(),
                        Json.write(Json.object("cloud", "aws", "accountId", CLOUD_ACCOUNT)))
                .expect(200);
        String product = RUNNING.product(RUNNING.account("seller"), "requests");
        RUNNING.visibility(product, "LIMITED", "PUBLIC");
        RUNNING.agreement(product, buyer);
        String code = RUNNING.http()
                .get("/v1/products/" + product, RUNNING.operator())
                .get("productCode");
        ProtocolClient agent = SimulatedRegion.client(
                RUNNING, SimulatedRegion.vm(CLOUD_ACCOUNT, RUNNING.clock().instant(), List.of(code)));
        agent.enroll();
        Jws other = agent.sign(
                MeteringRecord.increment("requests", Hours.of(RUNNING.clock().instant()), Quantity.parse("1")));
        agent.send();
        assertEquals(1, figure("tallystick.agents.enrolled"));
        assertEquals(1, figure("tallystick.agents.reporting"));
        assertEquals(0, figure("tallystick.incidents.active", "kind", "fork"));

        agent.trySend(other).expect(409);
        assertEquals(1, figure("tallystick.incidents.active", "kind", "fork"));
        assertEquals(0, figure("tallystick.incidents.active", "kind", "contested"));

        RUNNING.post();
        assertEquals(0, figure("tallystick.agents.stalled"));
        RUNNING.clock().advance(Duration.ofHours(25));
        agent.lease();
        assertEquals(0, figure("tallystick.agents.reporting"));
        assertEquals(1, figure("tallystick.agents.stalled"));
        assertEquals(0, figure("tallystick.incidents.active", "kind", "fork"));
    }

    @Test
    void whatWaitsOrWasGivenUpIsSeenAndWhatIsDoneOrLaterIsNot() {
        SimpleMeterRegistry registry = new SimpleMeterRegistry();
        Figures figures = new Figures(RUNNING.running().wiring().database, registry, RUNNING.clock());
        String now = "timestamptz '" + RUNNING.clock().instant() + "'";
        RUNNING.database()
                .execute(
                        """
                        INSERT INTO job (kind, key, due_at, created_at, done_at, poisoned_at) VALUES
                          ('figures-test', 'due', %1$s - interval '90 s', %1$s, NULL, NULL),
                          ('figures-test', 'later', %1$s + interval '90 s', %1$s, NULL, NULL),
                          ('figures-test', 'done', %1$s - interval '9 h', %1$s, %1$s, NULL),
                          ('figures-test', 'given up', %1$s - interval '9 h', %1$s, NULL, %1$s);
                        INSERT INTO outbox
                          (event, recipient, message_id, subject, body, created_at, due_at, sent_at, refused_at) VALUES
                          ('f', 'waits', 'f1', 's', 'b', %1$s - interval '40 s', %1$s + interval '9 h', NULL, NULL),
                          ('f', 'sent', 'f2', 's', 'b', %1$s - interval '9 h', %1$s, %1$s, NULL),
                          ('f', 'refused', 'f3', 's', 'b', %1$s - interval '9 h', %1$s, NULL, %1$s),
                          ('f', 'long ago', 'f4', 's', 'b', %1$s - interval '9 d', %1$s, NULL, %1$s - interval '8 d')"""
                                .formatted(now));
        Aggregator.await(figures.read(), WAIT);
        RUNNING.database().execute("DELETE FROM job WHERE kind = 'figures-test'; DELETE FROM outbox WHERE event = 'f'");
        assertEquals(90, registry.get("tallystick.job.oldest.due").gauge().value(), 0.01);
        assertEquals(1, registry.get("tallystick.jobs.poisoned").gauge().value());
        assertEquals(40, registry.get("tallystick.outbox.oldest").gauge().value(), 0.01);
        assertEquals(1, registry.get("tallystick.outbox.refused").gauge().value());
        assertEquals(0, registry.get("tallystick.statements.lag").gauge().value());
    }

    @Test
    void anAgeGrowsWithTheClockAlsoWhereNobodyReads() {
        RUNNING.post();
        SimpleMeterRegistry registry = new SimpleMeterRegistry();
        Figures unread = new Figures(RUNNING.running().wiring().database, registry, RUNNING.clock());
        Aggregator.await(unread.read(), WAIT);
        double before = registry.get("tallystick.posting.lag").gauge().value();
        RUNNING.clock().advance(Duration.ofHours(3));
        assertEquals(
                before + 10_800, registry.get("tallystick.posting.lag").gauge().value(), 0.01);
        assertEquals(10_800, registry.get("tallystick.figures.age").gauge().value(), 0.01);
    }
}
