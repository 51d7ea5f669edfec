package io.tallystick.aggregator.entitlement;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.tallystick.aggregator.app.Http;
import io.tallystick.aggregator.app.RunningAggregator;
import io.tallystick.aggregator.usage.ProtocolClient;
import io.tallystick.aggregator.usage.SimulatedRegion;
import io.tallystick.common.jose.Jws;
import io.tallystick.common.model.Hours;
import io.tallystick.common.model.Quantity;
import io.tallystick.common.wire.EnrollRequest;
import io.tallystick.common.wire.MeteringRecord;
import io.tallystick.common.wire.Resume;
import io.tallystick.common.wire.Watermark;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** What a VM left that is gone is sent by whoever found its state, and nobody speaks for a VM that does so itself. */
class RemaindersTest {
    private static final Duration MOMENT = Duration.ofMillis(1);

    @RegisterExtension
    static final RunningAggregator RUNNING = RunningAggregator.with("trust.dir=" + SimulatedRegion.trustFolder());

    private @Nullable ContestedVm made;

    @BeforeEach
    void aVmOfABuyer() {
        made = ContestedVm.of(RUNNING);
    }

    private ContestedVm shop() {
        return Objects.requireNonNull(made);
    }

    /** Another VM of the same buyer, whose agent found the state. */
    private ProtocolClient finder() {
        ProtocolClient finder = SimulatedRegion.client(
                RUNNING,
                SimulatedRegion.vm(
                        shop().vm().account(),
                        RUNNING.clock().instant(),
                        shop().vm().codes()));
        EnrollRequest request = finder.evidence();
        finder.tryEnroll(new EnrollRequest(
                        request.cloud(),
                        request.evidence(),
                        request.productCodes(),
                        request.agentVersion(),
                        Optional.of(shop().vm().instance())))
                .expect(200);
        return finder;
    }

    private static MeteringRecord increment(String quantity) {
        return MeteringRecord.increment("requests", Hours.of(RUNNING.clock().instant()), Quantity.parse(quantity));
    }

    private static Map<String, Object> shown(ProtocolClient agent) {
        return RUNNING.http()
                .get("/v1/enrollments/" + agent.id(), RUNNING.operator())
                .expect(200)
                .json();
    }

    private static void assertSpeaksForItself(Http.Answer refused) {
        assertEquals("conflict", refused.expect(409).get("code"), refused.text());
    }

    @Test
    void aDayOfSilenceLetsTheFinderSendTheRestUnderTheOldNameInANewEpoch() {
        ProtocolClient old = shop().agent();
        old.enroll();
        old.send(increment("5"));
        ProtocolClient finder = finder();
        Object heard = shown(old).get("seenAt");
        Http.Answer refused = old.tryResumeBy(finder.id(), old.mark(), true);
        assertSpeaksForItself(refused);
        assertTrue(refused.text().contains("was heard of at " + heard), refused.text());
        assertEquals(1, old.mark().epoch());
        RUNNING.clock().advance(Remainders.SILENT.minus(Duration.ofSeconds(1)));
        assertSpeaksForItself(old.tryResumeBy(finder.id(), old.mark(), true));

        RUNNING.clock().advance(Duration.ofSeconds(1).plus(MOMENT));
        Resume.Answer asked = ProtocolClient.resumed(old.tryResumeBy(finder.id(), Watermark.START, false));
        assertEquals(1, asked.batches().size(), "what it sent itself, to be subtracted");
        assertEquals(List.of(), shop().audited("enrollment.remainder"));
        Resume.Answer opened = ProtocolClient.resumed(old.tryResumeBy(finder.id(), old.mark(), true));
        assertEquals(2, opened.watermark().epoch());
        assertEquals(heard, shown(old).get("seenAt"), "a finder's request is no sign of life");
        old.mark(opened.watermark());
        old.send(increment("3"));
        assertEquals(List.of("5", "3"), shop().batches());
        assertEquals(
                List.of("agent:" + shop().id() + " {\"by\":\"" + finder.id() + "\",\"epoch\":2}"),
                shop().audited("enrollment.remainder"));
        assertEquals(List.of(), RUNNING.differences());
    }

    /** So that nothing comes between what one finder subtracts and what it sends next. */
    @Test
    void anEpochOpensForWhoKnowsAllAndNothingOfTheEpochBeforeIsTakenThen() {
        ProtocolClient old = shop().agent();
        old.enroll();
        old.send(increment("5"));
        Watermark known = old.mark();
        Jws late = old.sign(increment("3"));
        ProtocolClient finder = finder();
        RUNNING.clock().advance(Remainders.SILENT.plus(MOMENT));
        old.send(increment("4"));
        Resume.Answer handed = ProtocolClient.resumed(old.tryResumeBy(finder.id(), known, true));
        assertEquals(1, handed.batches().size());
        assertEquals(old.mark(), handed.watermark(), "nothing was opened");
        Watermark opened = ProtocolClient.resumed(old.tryResumeBy(finder.id(), old.mark(), true))
                .watermark();
        assertEquals(2, opened.epoch());
        Jws next = old.sign(increment("3"));
        assertEquals("fork", old.trySend(late).expect(409).get("code"));
        assertEquals("gap", old.trySend(next).expect(409).get("code"));
        assertEquals(List.of("5", "4"), shop().batches());
    }

    @Test
    void aVmThatComesBackIsHeardOfAgainAndLearnsWhatWasSentForIt() {
        ProtocolClient old = shop().agent();
        old.enroll();
        old.send(increment("5"));
        Watermark known = old.mark();
        ProtocolClient finder = finder();
        RUNNING.clock().advance(Remainders.SILENT.plus(MOMENT));
        old.mark(ProtocolClient.resumed(old.tryResumeBy(finder.id(), known, true))
                .watermark());
        old.send(increment("3"));

        Watermark ahead = old.lease().watermark();
        assertTrue(ahead.isAfter(known));
        assertEquals(1, old.resume(known, false).batches().size());
        assertSpeaksForItself(old.tryResumeBy(finder.id(), ahead, true));
    }

    @Test
    void aVmThatItsCloudShowsGoneIsNotWaitedFor() {
        ProtocolClient old = shop().agent();
        old.enroll();
        old.send(increment("5"));
        ProtocolClient finder = finder();
        String place = "'aws', '" + shop().vm().account() + "', '" + shop().vm().region() + "'";
        RUNNING.database()
                .execute("INSERT INTO cloud_sample (cloud, cloud_account, region, asked_at) VALUES (" + place
                        + ", '2026-01-01T00:00:00Z')");
        RUNNING.database()
                .execute(
                        "INSERT INTO cloud_instance SELECT enrollment_id, cloud, cloud_account, region, instance, image,"
                                + " instance_type, product_codes, enrolled_at, enrolled_at, seen_at - interval '1 second'"
                                + " FROM enrollment WHERE enrollment_id = '"
                                + old.id().uuid() + "'");
        assertSpeaksForItself(old.tryResumeBy(finder.id(), old.mark(), true));
        RUNNING.database()
                .execute("UPDATE cloud_instance SET gone_at = gone_at + interval '2 seconds' WHERE enrollment_id = '"
                        + old.id().uuid() + "'");
        assertEquals(
                2,
                ProtocolClient.resumed(old.tryResumeBy(finder.id(), old.mark(), true))
                        .watermark()
                        .epoch());
        // Heard of since then, it speaks for itself again.
        RUNNING.clock().advance(Duration.ofSeconds(10));
        old.lease();
        assertSpeaksForItself(old.tryResumeBy(finder.id(), old.mark(), true));
    }

    @Test
    void aFindersRequestDoesNotEndTheTrialOfAnotherKey() {
        ProtocolClient old = shop().agent();
        old.enroll();
        old.send(increment("5"));
        ProtocolClient finder = finder();
        RUNNING.clock().advance(Remainders.SILENT.plus(MOMENT));
        ProtocolClient reinstalled = shop().agent(RUNNING.clock().instant());
        assertTrue(reinstalled.enroll().trialUntil().isPresent());
        assertSpeaksForItself(old.tryResumeBy(finder.id(), old.mark(), true));
        assertTrue(reinstalled.lease().trialUntil().isPresent());
        assertEquals(List.of(), shop().audited("enrollment.takeover-cancelled"));
    }

    @Test
    void whoseStateAnAgentFoundIsShownAndAuditedOnce() {
        ProtocolClient old = shop().agent();
        old.enroll();
        ProtocolClient finder = finder();
        assertEquals(shop().vm().instance(), shown(finder).get("copiedFrom"));
        assertEquals(null, shown(old).get("copiedFrom"));
        EnrollRequest again = finder.evidence();
        finder.tryEnroll(new EnrollRequest(
                        again.cloud(),
                        again.evidence(),
                        again.productCodes(),
                        again.agentVersion(),
                        Optional.of("i-0fffffffffffffff1")))
                .expect(200);
        assertEquals(shop().vm().instance(), shown(finder).get("copiedFrom"));
        assertEquals(
                List.of("agent:" + finder.id() + " {\"instance\":\""
                        + finder.vm().instance() + "\",\"copiedFrom\":\""
                        + shop().vm().instance() + "\"}"),
                shop().audited("enrollment.copied", finder.id()));
    }

    @Test
    void timeInWhichNobodyCouldBeHeardOfIsNoSilence() {
        ProtocolClient old = shop().agent();
        old.enroll();
        var of = RUNNING.enrollment(old.id());
        Duration away = Duration.ofHours(3);
        assertTrue(Remainders.refusal(
                        of,
                        Optional.empty(),
                        away,
                        of.seenAt().plus(Remainders.SILENT).plus(away).minus(MOMENT))
                .isPresent());
        assertEquals(
                Optional.empty(),
                Remainders.refusal(
                        of,
                        Optional.empty(),
                        away,
                        of.seenAt().plus(Remainders.SILENT).plus(away)));
    }
}
