package io.tallystick.aggregator.usage;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.tallystick.aggregator.app.RunningAggregator;
import io.tallystick.common.json.Json;
import io.tallystick.common.wire.Decision;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** A VM whose leases get through and whose usage does not, over HTTP. */
class StalledMeteringTest {
    private static final String CLOUD_ACCOUNT = "000000000001";

    @RegisterExtension
    static final RunningAggregator RUNNING = RunningAggregator.with("trust.dir=" + SimulatedRegion.trustFolder());

    @Test
    void blockingOnlyTheUsagePathEndsInDenialAndABatchMendsIt() {
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
        agent.send();

        RUNNING.clock().advance(Duration.ofHours(25));
        assertEquals(Decision.Outcome.GRACE, agent.lease().decisions().get(0).outcome());
        RUNNING.clock().advance(Duration.ofHours(48));
        assertEquals(Decision.Outcome.DENY, agent.lease().decisions().get(0).outcome());
        agent.send();
        assertEquals(Decision.Outcome.ALLOW, agent.lease().decisions().get(0).outcome());
    }
}
