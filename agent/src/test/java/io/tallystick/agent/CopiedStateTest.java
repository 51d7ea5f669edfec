package io.tallystick.agent;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.tallystick.cloudsim.Fault;
import io.tallystick.cloudsim.SimulatedVm;
import io.tallystick.common.json.Json;
import io.tallystick.common.model.Quantity;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Images, snapshots and clones copy an agent's state; what was billed once must not be billed again. */
class CopiedStateTest {
    @TempDir
    @SuppressWarnings("NullAway.Init")
    Path dir;

    @Test
    void anotherInstanceSetsTheCopiedStateAsideAndStartsAnew() throws Exception {
        try (Rig rig = new Rig(dir)) {
            SimulatedVm first = rig.vm(Rig.CODE);
            rig.aggregator.flush(Duration.ofHours(1));
            Rig.Running one = rig.agent(first, dir.resolve("one"));
            one.untilState("ENTITLED");
            one.meter("requests", "5");
            // Pending in the copy too.
            Rig.copy(dir.resolve("one"), dir.resolve("two"));
            Rig.Running two = rig.agent(rig.vm(Rig.CODE), dir.resolve("two"));
            assertEquals(2, two.meter("requests", "1").status() / 100);
            two.untilState("ENTITLED");
            two.meter("requests", "2");
            List<String> aside = two.setAside();
            assertEquals(List.of("agent.db." + first.instanceId() + ".1"), aside);
            one.close();
            two.close();
            assertEquals(2, rig.aggregator.enrollments().size());
            assertEquals(Quantity.of(8), rig.aggregator.total("requests"));
            assertTrue(Files.exists(dir.resolve("two").resolve(aside.get(0))));
        }
    }

    @Test
    void aRolledBackStateSendsOnlyWhatTheLostTimelineDidNot() throws Exception {
        try (Rig rig = new Rig(dir)) {
            SimulatedVm vm = rig.vm(Rig.CODE);
            rig.aggregator.flush(Duration.ofHours(2));
            Rig.Running lost = rig.agent(vm, dir.resolve("state"));
            lost.untilState("ENTITLED");
            lost.meter("requests", "5");
            Rig.copy(dir.resolve("state"), dir.resolve("snapshot"));
            lost.meter("requests", "7");
            lost.close();
            assertEquals(Quantity.of(12), rig.aggregator.total("requests"));

            Rig.Running back = rig.agent(vm, dir.resolve("snapshot"));
            back.meter("requests", "2");
            back.untilState("ENTITLED");
            Rig.until("the next epoch", () -> rig.aggregator.openedEpochs() == 1);
            back.close();
            assertEquals(Quantity.of(14), rig.aggregator.total("requests"));

            // An aggregator restored to before all of it gets every epoch again.
            rig.aggregator.restoreTo(0);
            assertEquals(Quantity.ZERO, rig.aggregator.total("requests"));
            Rig.Running again = rig.agent(vm, dir.resolve("snapshot"));
            Rig.until("both epochs", () -> rig.aggregator.total("requests").equals(Quantity.of(14)));
            again.drained();
            assertEquals(2, rig.aggregator.openedEpochs());
        }
    }

    /** It took usage, in an hour of which the lost timeline sent more, and could not compare before it was restarted. */
    @Test
    void whatAStartTookSinceTheRollbackIsBilledWholeWhicheverStartCompares() throws Exception {
        try (Rig rig = new Rig(dir)) {
            AwsDoorTest.midHour(rig);
            SimulatedVm vm = rig.vm(Rig.CODE);
            rig.aggregator.flush(Duration.ofHours(2));
            Rig.Running lost = rig.agent(vm, dir.resolve("state"));
            lost.untilState("ENTITLED");
            lost.meter("requests", "10");
            Rig.copy(dir.resolve("state"), dir.resolve("snapshot"));
            lost.meter("requests", "100");
            lost.close();
            assertEquals(Quantity.of(110), rig.aggregator.total("requests"));

            rig.aggregator.away(true);
            rig.time.reboot();
            rig.time.advance(Duration.ofMinutes(2));
            try (Rig.Running offline = rig.agent(vm, dir.resolve("snapshot"))) {
                offline.untilState("OFFLINE_GRACE");
                assertEquals(200, offline.meter("requests", "50").status());
            }
            rig.aggregator.away(false);
            Rig.Running back = rig.agent(vm, dir.resolve("snapshot"));
            back.untilState("ENTITLED");
            back.drained();
            back.close();
            assertEquals(Quantity.of(160), rig.aggregator.total("requests"));
        }
    }

    /** By its clock it began after the lost timeline sent what it took. */
    @Test
    void whatAStartOfflineTookWithAClockAheadIsNotSentAgainAfterARollback() throws Exception {
        try (Rig rig = new Rig(dir)) {
            SimulatedVm vm = rig.vm(Rig.CODE);
            try (Rig.Running first = rig.agent(vm, dir.resolve("state"))) {
                first.untilState("ENTITLED");
            }
            rig.aggregator.away(true);
            rig.time.reboot();
            rig.time.wallError(Duration.ofHours(1));
            try (Rig.Running offline = rig.agent(vm, dir.resolve("state"))) {
                offline.untilState("OFFLINE_GRACE");
                assertEquals(200, offline.meter("requests", "10").status());
            }
            Rig.copy(dir.resolve("state"), dir.resolve("snapshot"));
            rig.aggregator.away(false);
            try (Rig.Running lost = rig.agent(vm, dir.resolve("state"))) {
                lost.untilState("ENTITLED");
                lost.drained();
            }
            assertEquals(Quantity.of(10), rig.aggregator.total("requests"));
            rig.time.advance(Duration.ofHours(2));
            rig.time.reboot();
            Rig.Running back = rig.agent(vm, dir.resolve("snapshot"));
            back.untilState("ENTITLED");
            back.drained();
            back.close();
            assertEquals(Quantity.of(10), rig.aggregator.total("requests"));
        }
    }

    @Test
    void aKeyThatTheVmOfTheImageUsedTooIsNotTakenForThisVms() throws Exception {
        try (Rig rig = new Rig(dir)) {
            Object call = Json.object("dimension", "requests", "quantity", "5", "idempotencyKey", "of-the-day");
            Rig.Running one = rig.agent(rig.vm(Rig.CODE), dir.resolve("one"));
            one.untilState("ENTITLED");
            assertEquals(200, one.post("/v1/usage", call).status());
            one.drained();
            Rig.copy(dir.resolve("one"), dir.resolve("two"));
            SimulatedVm copy = rig.vm(Rig.CODE);
            copy.inject(Fault.error(500));
            Rig.Running two = rig.agent(copy, dir.resolve("two"));
            Rig.Reply early = two.post("/v1/usage", call);
            assertEquals(503, early.status());
            assertTrue(early.text("detail").contains("which VM this is"), early::toString);
            Object another = Json.object("dimension", "requests", "quantity", "2", "idempotencyKey", "another");
            assertEquals(202, two.post("/v1/usage", another).status());
            assertEquals(202, two.post("/v1/usage", another).status());
            copy.heal();
            rig.time.advance(Duration.ofMinutes(1));
            two.untilState("ENTITLED");
            assertEquals(200, two.post("/v1/usage", call).status());
            assertEquals(200, two.post("/v1/usage", another).status());
            two.drained();
            assertEquals(Quantity.of(7), rig.aggregator.total(copy.instanceId(), "requests"));
        }
    }

    /** Kept by the uptime of a boot that is over: what the lost timeline sent carries the hour. */
    @Test
    void whatAStartTookBeforeItKnewTheTimeIsNotSentAgainAfterARollback() throws Exception {
        try (Rig rig = new Rig(dir)) {
            SimulatedVm vm = rig.vm(Rig.CODE);
            rig.aggregator.away(true);
            Rig.Running lost = rig.agent(vm, dir.resolve("state"));
            assertEquals(2, lost.meter("requests", "5").status() / 100);
            lost.close();
            Rig.copy(dir.resolve("state"), dir.resolve("snapshot"));
            rig.aggregator.away(false);
            Rig.Running sent = rig.agent(vm, dir.resolve("state"));
            sent.untilState("ENTITLED");
            sent.drained();
            sent.close();
            assertEquals(Quantity.of(5), rig.aggregator.total("requests"));

            rig.time.reboot();
            Rig.Running back = rig.agent(vm, dir.resolve("snapshot"));
            back.untilState("ENTITLED");
            back.meter("requests", "2");
            back.drained();
            back.close();
            assertEquals(Quantity.of(7), rig.aggregator.total("requests"));
            assertEquals(1, rig.aggregator.openedEpochs());
        }
    }

    /** The only product need not be named, which is known once metadata answered. */
    @Test
    void whatNamedTheOnlyProductBeforeItWasKnownIsNotSentAgainAfterARollback() throws Exception {
        try (Rig rig = new Rig(dir)) {
            SimulatedVm vm = rig.vm(Rig.CODE);
            Path state = dir.resolve("state");
            try (Rig.Running first = rig.agent(vm, state)) {
                first.untilState("ENTITLED");
            }
            try (Rig.Running nameless = rig.agent(URI.create("http://127.0.0.1:9"), state)) {
                named(nameless, "5");
            }
            Rig.copy(state, dir.resolve("snapshot"));
            Rig.Running lost = rig.agent(vm, state);
            lost.untilState("ENTITLED");
            named(lost, "7");
            lost.close();
            assertEquals(Quantity.of(12), rig.aggregator.total("requests"));

            Rig.Running back = rig.agent(vm, dir.resolve("snapshot"));
            named(back, "2");
            back.untilState("ENTITLED");
            Rig.until("the next epoch", () -> rig.aggregator.openedEpochs() == 1);
            back.close();
            assertEquals(Quantity.of(14), rig.aggregator.total("requests"));
        }
    }

    private static void named(Rig.Running agent, String quantity) throws Exception {
        assertEquals(
                2,
                agent.post("/v1/usage", Json.object("dimension", "requests", "quantity", quantity, "product", Rig.CODE))
                                .status()
                        / 100);
    }

    @Test
    void aRolledBackStateWithAnUnsentBatchNeverForks() throws Exception {
        try (Rig rig = new Rig(dir)) {
            SimulatedVm vm = rig.vm(Rig.CODE);
            rig.aggregator.flush(Duration.ofHours(2));
            Rig.Running lost = rig.agent(vm, dir.resolve("state"));
            lost.untilState("ENTITLED");
            lost.meter("requests", "1");
            lost.close();
            rig.aggregator.away(true);
            Rig.Running offline = rig.agent(vm, dir.resolve("state"));
            offline.untilState("OFFLINE_GRACE");
            offline.meter("requests", "4");
            Rig.copy(dir.resolve("state"), dir.resolve("snapshot"));
            rig.aggregator.away(false);
            rig.time.advance(Duration.ofMinutes(2));
            offline.untilState("ENTITLED");
            // Several batches, so that they come in more than one answer.
            for (int i = 0; i < 4; i++) {
                offline.meter("requests", "10");
                rig.time.advance(Duration.ofHours(1));
                offline.drained();
            }
            offline.close();
            assertEquals(Quantity.of(45), rig.aggregator.total("requests"));

            Rig.Running back = rig.agent(vm, dir.resolve("snapshot"));
            Rig.until("the next epoch", () -> rig.aggregator.openedEpochs() == 1);
            back.meter("requests", "100");
            back.close();
            assertEquals(Quantity.of(145), rig.aggregator.total("requests"));
            Rig.Running after = rig.agent(vm, dir.resolve("snapshot"));
            after.untilState("ENTITLED");
            after.meter("requests", "1");
            after.close();
            assertEquals(Quantity.of(146), rig.aggregator.total("requests"));
            assertEquals(1, rig.aggregator.openedEpochs());
        }
    }

    @Test
    void aRolledBackStateSendsNoWriteOnceRecordTwiceAndLearnsTheHoursOfTheLostTimeline() throws Exception {
        try (Rig rig = new Rig(dir)) {
            AwsDoorTest.midHour(rig);
            SimulatedVm vm = rig.vm(Rig.CODE);
            rig.aggregator.flush(Duration.ofHours(2));
            Rig.Running lost = rig.agent(vm, dir.resolve("state"));
            lost.untilState("ENTITLED");
            String first = AwsDoorTest.meterHoursAgo(rig, lost, 3, 5).text("MeteringRecordId");
            Rig.copy(dir.resolve("state"), dir.resolve("snapshot"));
            AwsDoorTest.meterHoursAgo(rig, lost, 2, 7);
            lost.close();
            assertEquals(Quantity.of(12), rig.aggregator.total("requests"));

            Rig.Running back = rig.agent(vm, dir.resolve("snapshot"));
            back.untilState("ENTITLED");
            // What the snapshot had to send, the lost timeline sent.
            back.drained();
            assertEquals(1, rig.aggregator.openedEpochs());
            assertEquals(first, AwsDoorTest.meterHoursAgo(rig, back, 3, 5).text("MeteringRecordId"));
            assertEquals(
                    "DuplicateRequestException",
                    AwsDoorTest.meterHoursAgo(rig, back, 2, 8).text("__type"),
                    "the lost timeline wrote that hour");
            AwsDoorTest.meterHoursAgo(rig, back, 1, 1);
            back.close();
            assertEquals(3, rig.aggregator.slots().size());
            assertEquals(Quantity.of(13), rig.aggregator.total("requests"));
        }
    }

    @Test
    void twoLiveCopiesForkAndTheSecondIsHeld() throws Exception {
        try (Rig rig = new Rig(dir)) {
            SimulatedVm vm = rig.vm(Rig.CODE);
            Rig.Running one = rig.agent(vm, dir.resolve("one"));
            one.untilState("ENTITLED");
            one.meter("requests", "1");
            one.drained();
            Rig.copy(dir.resolve("one"), dir.resolve("two"));
            Rig.Running two = rig.agent(vm, dir.resolve("two"));
            two.untilState("ENTITLED");
            two.meter("requests", "1");
            two.drained();
            // Another quantity: the same content signed in the same second would be the same batch, no fork.
            one.meter("requests", "5");
            one.untilState("CONTESTED");
            assertEquals("fork", one.get("/v1/entitlement").text("code"));
            assertEquals(200, one.meter("requests", "1").status(), "held, not refused");
            assertEquals(Quantity.of(2), rig.aggregator.total("requests"));
        }
    }
}
