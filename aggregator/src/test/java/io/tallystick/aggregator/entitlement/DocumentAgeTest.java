package io.tallystick.aggregator.entitlement;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.tallystick.aggregator.app.Http;
import io.tallystick.aggregator.app.RunningAggregator;
import io.tallystick.aggregator.usage.ProtocolClient;
import io.tallystick.aggregator.usage.SimulatedRegion;
import java.time.Duration;
import java.time.Instant;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** S4: a document does not expire, so where an operator says how old it may be, a stolen one is of use for so long only. */
class DocumentAgeTest {
    private static final Duration AGE_MAX = Duration.ofHours(2);

    @RegisterExtension
    static final RunningAggregator RUNNING = RunningAggregator.with(
            "trust.dir=" + SimulatedRegion.trustFolder(), "enrollment.document-age-max=" + AGE_MAX);

    @Test
    void atTheLimitAVmEnrollsAndASecondLaterOnlyOnceItWasStartedAgain() {
        ContestedVm atLimit = ContestedVm.of(RUNNING);
        ContestedVm beyond = ContestedVm.of(RUNNING);
        RUNNING.clock()
                .advance(Duration.between(
                        RUNNING.clock().instant(), started(atLimit).plus(AGE_MAX)));
        atLimit.agent().tryEnroll().expect(200);
        RUNNING.clock().advance(Duration.ofSeconds(1));

        Http.Answer refused = beyond.agent().tryEnroll().expect(403);
        assertEquals("invalid-evidence", refused.get("code"));
        assertEquals("document-age", refused.get("rule"));
        assertTrue(String.valueOf(refused.get("remedy")).startsWith("Stop and start the VM"), refused.text());

        beyond.agent(RUNNING.clock().instant()).tryEnroll().expect(200);
    }

    @Test
    void anEnrolledKeyGoesOnWithItsOldDocumentAndAnotherGetsNoTrialForOne() {
        ContestedVm shop = ContestedVm.of(RUNNING);
        ProtocolClient agent = shop.agent();
        agent.enroll();
        Instant later = started(shop).plus(Duration.ofMinutes(30));
        RUNNING.clock().advance(AGE_MAX.plusHours(1));

        agent.tryEnroll().expect(200);
        Http.Answer refused = shop.agent(later).tryEnroll().expect(409);
        assertEquals("contested", refused.get("code"));
        assertEquals(0, shop.incidents("takeover"));
    }

    private static Instant started(ContestedVm shop) {
        return shop.vm().pendingTime();
    }
}
