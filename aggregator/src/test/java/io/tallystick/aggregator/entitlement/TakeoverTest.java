package io.tallystick.aggregator.entitlement;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.tallystick.aggregator.app.Http;
import io.tallystick.aggregator.app.RunningAggregator;
import io.tallystick.aggregator.usage.ProtocolClient;
import io.tallystick.aggregator.usage.SimulatedRegion;
import io.tallystick.aggregator.usage.Takeovers;
import io.tallystick.aggregator.web.Role;
import io.tallystick.common.model.Hours;
import io.tallystick.common.model.Quantity;
import io.tallystick.common.wire.Answer;
import io.tallystick.common.wire.Decision;
import io.tallystick.common.wire.MeteringRecord;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/**
 * Who speaks for a VM when somebody else has its identity document, and when its owner has lost its key: over HTTP, with
 * documents that a simulated cloud signed. A document can be stolen (any process on the VM can read it); a newer start
 * cannot be made up.
 */
class TakeoverTest {
    @RegisterExtension
    static final RunningAggregator RUNNING = RunningAggregator.with("trust.dir=" + SimulatedRegion.trustFolder());

    private static final Duration ALMOST = Takeovers.TRIAL.minusSeconds(1);

    private @Nullable ContestedVm made;

    @BeforeEach
    void aVmOfABuyer() {
        made = ContestedVm.of(RUNNING);
    }

    private ContestedVm shop() {
        return Objects.requireNonNull(made);
    }

    /** The VM was stopped and is started now; an agent with a new key shows its document. */
    private ProtocolClient restarted() {
        RUNNING.clock().advance(Duration.ofMinutes(1));
        return shop().agent(RUNNING.clock().instant());
    }

    @Test
    void stolenFirstTheThiefIsSilentAndTheOwnersRestartTakesTheVmBack() {
        ProtocolClient thief = shop().agent();
        thief.enroll();
        thief.send(increment("7"));
        ProtocolClient owner = shop().agent();
        assertContested(owner);

        owner = restarted();
        Answer trial = owner.enroll();
        assertOnTrial(trial);
        assertEquals(1, trial.watermark().epoch());
        RUNNING.clock().advance(ALMOST);
        assertOnTrial(owner.lease());
        RUNNING.clock().advance(Duration.ofSeconds(1));
        assertSpeaks(owner.lease(), 2);
        owner.mark(owner.lease().watermark());
        owner.send(increment("2"));
        // Not even with a document of the first start, and not with batches either.
        assertContested(thief);
        assertEquals(401, thief.trySend(thief.sign(increment("100"))).status());
        assertEquals(List.of("7", "2"), shop().batches());
        assertEquals(1, shop().audited("enrollment.takeover").size());
        assertEquals(1, shop().audited("enrollment.takeover-confirmed").size());
    }

    @Test
    void stolenFirstAThiefWhoIsAliveStopsTheTakeoverAndTheOwnerDecides() {
        ProtocolClient thief = shop().agent();
        thief.enroll();
        ProtocolClient owner = restarted();
        assertOnTrial(owner.enroll());
        assertEquals(Decision.Outcome.ALLOW, thief.lease().decisions().get(0).outcome());
        assertContested(owner);
        assertEquals(1, shop().incidents("takeover"));
        assertEquals(1, shop().audited("enrollment.takeover-cancelled").size());

        shop().approve(RUNNING.token(Role.BUYER, shop().buyer()), owner.thumbprint())
                .expect(200);
        assertSpeaks(owner.enroll(), 2);
        assertContested(thief);
    }

    @Test
    void squattingWithAStolenDocumentOfALaterStartIsStoppedByTheAgentItself() {
        ProtocolClient agent = shop().agent();
        agent.enroll();
        agent.send(increment("1"));
        // The VM is started again, and the thief is faster than the agent with its document.
        ProtocolClient thief = restarted();
        Answer trial = thief.enroll();
        assertOnTrial(trial);
        agent.showing(thief.vm());
        assertSpeaks(agent.enroll(), 1);
        assertContested(thief);
        assertEquals(401, thief.tryLease(50).status());
        agent.send(increment("2"));
        assertEquals(List.of("1", "2"), shop().batches());
    }

    @Test
    void eachStartOfTheAgentSpendsTheDocumentsPendingTime() {
        ProtocolClient agent = shop().agent();
        agent.enroll();
        Instant second = RUNNING.clock().instant().plusSeconds(30);
        agent.showing(shop().agent(second).vm());
        agent.enroll();
        ProtocolClient thief = shop().agent(second);
        assertContested(thief);
        // And so does a takeover that was stopped.
        ProtocolClient other = restarted();
        other.enroll();
        agent.lease();
        assertContested(other);
        assertContested(shop().agent(RUNNING.clock().instant()));
    }

    @Test
    void reinstallOfTheAgentWithItsStateLostIsContestedAndARestartMendsIt() {
        shop().agent().enroll();
        ProtocolClient reinstalled = shop().agent();
        Http.Answer refused = reinstalled.tryEnroll().expect(409);
        assertTrue(refused.get("remedy").contains("stop and start the VM"), refused.text());
        RUNNING.clock().advance(Duration.ofHours(1));
        reinstalled.showing(reinstalled.vm().restarted(RUNNING.clock().instant(), "m5.large"));
        assertOnTrial(reinstalled.enroll());
        RUNNING.clock().advance(Takeovers.TRIAL);
        assertSpeaks(reinstalled.lease(), 2);
    }

    @Test
    void aReplacedRootVolumeGoesOnAfterTheTrialAsWhatItsDocumentSays() {
        ProtocolClient before = shop().agent();
        before.enroll();
        before.send(increment("1"));
        RUNNING.clock().advance(Duration.ofMinutes(5));
        ProtocolClient after = SimulatedRegion.client(
                RUNNING, shop().vm().restarted(RUNNING.clock().instant(), "m5.24xlarge"));
        assertOnTrial(after.enroll());
        RUNNING.clock().advance(Takeovers.TRIAL.plusHours(5));
        // The agent's own start, in the middle of nowhere, settles it as well as a lease.
        assertSpeaks(after.enroll(), 2);
        Http.Answer seen = RUNNING.http().get("/v1/enrollments/" + shop().id(), RUNNING.operator());
        assertEquals("m5.24xlarge", seen.get("instanceType"));
        assertEquals(after.thumbprint().toString(), seen.get("key"));
        assertEquals("null", seen.get("takeover"));
        assertEquals(List.of(), seen.list("contested"));
        assertEquals(List.of(), RUNNING.differences());
    }

    @Test
    void bothVmsAliveTheEnrolledOneStaysHoweverOftenTheOtherRestarts() {
        ProtocolClient enrolled = shop().agent();
        enrolled.enroll();
        for (int i = 1; i <= 3; i++) {
            ProtocolClient other = restarted();
            assertOnTrial(other.enroll());
            RUNNING.clock().advance(ALMOST);
            enrolled.send(increment("1"));
            assertContested(other);
        }
        assertEquals(3, shop().incidents("takeover"));
        assertEquals(List.of("1", "1", "1"), shop().batches());
    }

    @Test
    void aBatchOfTheEnrolledKeyEndsTheTrialAndIsStored() {
        ProtocolClient enrolled = shop().agent();
        enrolled.enroll();
        ProtocolClient other = restarted();
        other.enroll();
        enrolled.send(increment("5"));
        assertContested(other);
        assertEquals(List.of("5"), shop().batches());
    }

    @Test
    void aBatchOfTheEnrolledKeyAfterTheTrialIsRefused() {
        ProtocolClient enrolled = shop().agent();
        enrolled.enroll();
        ProtocolClient other = restarted();
        other.enroll();
        RUNNING.clock().advance(Takeovers.TRIAL);
        // Nobody has asked since; the clock alone decides.
        assertEquals(401, enrolled.trySend(enrolled.sign(increment("5"))).status());
        assertSpeaks(other.lease(), 2);
        assertEquals(List.of(), shop().batches());
    }

    @Test
    void aLeaseRequestOfTheEnrolledKeyAfterTheTrialIsRefused() {
        ProtocolClient enrolled = shop().agent();
        enrolled.enroll();
        ProtocolClient other = restarted();
        other.enroll();
        RUNNING.clock().advance(Takeovers.TRIAL);
        assertEquals(401, enrolled.tryLease(9).status());
        assertSpeaks(other.lease(), 2);
        assertEquals(0, shop().incidents("takeover"));
    }

    @Test
    void onTrialNothingIsStoredAndNothingIsHandedOut() {
        ProtocolClient enrolled = shop().agent();
        enrolled.enroll();
        enrolled.send(increment("1"));
        ProtocolClient other = restarted();
        Answer trial = other.enroll();
        assertEquals(
                401,
                other.trySend(other.sign(increment("9"))).status(),
                "a batch of a key on trial must not reach the ledger");
        Http.Answer resume = other.tryResume(trial.watermark());
        assertEquals("contested", resume.get("code"), resume.text());
        assertEquals(List.of("1"), shop().batches());
    }

    @Test
    void theNewestStartReplacesAnotherKeyOnTrial() {
        shop().agent().enroll();
        ProtocolClient first = restarted();
        first.enroll();
        RUNNING.clock().advance(Duration.ofMinutes(20));
        ProtocolClient second = restarted();
        assertOnTrial(second.enroll());
        assertContested(first);
        RUNNING.clock().advance(Duration.ofMinutes(20));
        // The trial of the second began with it.
        assertOnTrial(second.lease());
        RUNNING.clock().advance(Duration.ofMinutes(10));
        assertSpeaks(second.lease(), 2);
    }

    @Test
    void aKeyOnTrialThatRestartsGoesOnWithItsTrial() {
        shop().agent().enroll();
        ProtocolClient other = restarted();
        other.enroll();
        other.lease();
        RUNNING.clock().advance(Duration.ofMinutes(10));
        assertOnTrial(other.enroll());
        RUNNING.clock().advance(Duration.ofMinutes(10));
        other.showing(other.vm().restarted(RUNNING.clock().instant(), "m5.large"));
        assertOnTrial(other.enroll());
        assertEquals(409, other.tryLease(1).status(), "its counter goes on, too");
        RUNNING.clock().advance(Duration.ofMinutes(10));
        assertSpeaks(other.enroll(), 2);
    }

    @Test
    void approvalEndsATrialEitherWay() {
        ProtocolClient enrolled = shop().agent();
        enrolled.enroll();
        String owner = RUNNING.token(Role.BUYER, shop().buyer());
        ProtocolClient other = restarted();
        other.enroll();
        shop().approve(owner, enrolled.thumbprint()).expect(200);
        assertContested(other);
        ProtocolClient third = restarted();
        assertOnTrial(third.enroll());
        shop().approve(owner, third.thumbprint()).expect(200);
        assertSpeaks(third.lease(), 2);
        assertContested(enrolled);
    }

    @Test
    void timeInWhichTheServiceWasAwayIsNotPartOfTheTrial() {
        ProtocolClient enrolled = shop().agent();
        enrolled.enroll();
        ProtocolClient other = restarted();
        other.enroll();
        Instant began = RUNNING.clock().instant();
        RUNNING.database()
                .execute("INSERT INTO service_away (from_at, to_at, cause) VALUES ('" + began.plusSeconds(60) + "', '"
                        + began.plusSeconds(60 + 600) + "', 'absent')");
        RUNNING.clock().advance(Takeovers.TRIAL.plusMinutes(9));
        assertOnTrial(other.lease());
        assertSpeaks(enrolled.lease(), 1);
        assertContested(other);
    }

    @Test
    void anOldDocumentShownAgainChangesNothingOfWhatTheVmIs() {
        ProtocolClient agent = shop().agent();
        agent.enroll();
        RUNNING.clock().advance(Duration.ofHours(1));
        ProtocolClient.Vm first = agent.vm();
        agent.restartAs("m5.24xlarge");
        agent.showing(first);
        agent.enroll();
        assertEquals(
                "m5.24xlarge",
                RUNNING.http()
                        .get("/v1/enrollments/" + shop().id(), RUNNING.operator())
                        .get("instanceType"));
    }

    private static MeteringRecord increment(String quantity) {
        return MeteringRecord.increment("requests", Hours.of(RUNNING.clock().instant()), Quantity.parse(quantity));
    }

    private static void assertOnTrial(Answer answer) {
        Decision decision = answer.decisions().get(0);
        assertEquals(Decision.Outcome.GRACE, decision.outcome());
        assertEquals(Optional.of("contested"), decision.code());
        assertTrue(answer.trialUntil().orElseThrow().isAfter(answer.time()));
    }

    private static void assertSpeaks(Answer answer, int epoch) {
        assertEquals(Optional.empty(), answer.trialUntil());
        assertEquals(Decision.Outcome.ALLOW, answer.decisions().get(0).outcome());
        assertEquals(epoch, answer.watermark().epoch());
    }

    private static void assertContested(ProtocolClient agent) {
        Http.Answer answer = agent.tryEnroll().expect(409);
        assertEquals("contested", answer.get("code"));
        assertEquals(agent.thumbprint().toString(), answer.get("thumbprint"));
    }
}
