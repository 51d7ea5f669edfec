package io.tallystick.agent;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.tallystick.cloudsim.Fault;
import io.tallystick.cloudsim.SimulatedVm;
import io.tallystick.common.json.Json;
import io.tallystick.common.model.Quantity;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Usage that a VM left whose disk or image is all there is of it: billed once, under its own name. */
class RemainderTest {
    private static final Duration A_DAY = Duration.ofHours(25);

    @TempDir
    @SuppressWarnings("NullAway.Init")
    Path dir;

    /** An agent that is enrolled, has 5 requests acknowledged, and 7 in sums and batches that never left; then gone. */
    private SimulatedVm gone(Rig rig, Path state) throws Exception {
        SimulatedVm vm = rig.vm(Rig.CODE);
        rig.aggregator.flush(Duration.ofMinutes(15));
        Rig.Running agent = rig.agent(vm, state);
        agent.untilState("ENTITLED");
        agent.meter("requests", "5");
        rig.time.advance(Duration.ofHours(1));
        agent.drained();
        rig.aggregator.away(true);
        agent.meter("requests", "3");
        rig.time.advance(Duration.ofMinutes(16));
        Rig.until("a batch that waits", () -> queue(agent, "unsentBatches") > 0);
        agent.meter("requests", "4");
        agent.close();
        rig.aggregator.away(false);
        assertEquals(Quantity.of(5), rig.aggregator.total("requests"));
        return vm;
    }

    private static long queue(Rig.Running agent, String name) throws Exception {
        Object value = Rig.at(agent.status(), "queue", java.util.Map.class).get(name);
        return value instanceof Long n ? n : 0;
    }

    /** It is asked twice whether the VM is silent, and agents may be in each other's way. */
    private static void untilSent(Rig rig, Rig.Running... agents) throws Exception {
        for (Rig.Running agent : agents) {
            try {
                Rig.until("the remainder sent", () -> {
                    rig.time.advance(Duration.ofMinutes(1));
                    return agent.remainder().startsWith("sent under the name of enr-");
                });
            } catch (AssertionError e) {
                throw new AssertionError(agent.remainder(), e);
            }
        }
    }

    @Test
    void aDiskMovedToAnotherVmBringsItsUsageToTheBillUnderTheOldName() throws Exception {
        try (Rig rig = new Rig(dir)) {
            SimulatedVm vm = gone(rig, dir.resolve("state"));
            rig.time.reboot();
            Rig.Running moved = rig.agent(rig.vm(Rig.CODE), dir.resolve("state"));
            assertEquals(2, moved.meter("requests", "100").status() / 100);
            moved.untilState("ENTITLED");
            Rig.until("asked", () -> moved.remainder().startsWith("waits: instance " + vm.instanceId()));
            rig.time.advance(Duration.ofMinutes(16));
            moved.drained();
            assertEquals(Quantity.of(105), rig.aggregator.total("requests"));
            rig.time.advance(A_DAY);
            untilSent(rig, moved);
            assertEquals(Quantity.of(112), rig.aggregator.total("requests"));
            assertEquals(Quantity.of(12), rig.aggregator.total(vm.instanceId(), "requests"));
            assertEquals(
                    List.of(List.of(), List.of(vm.instanceId())),
                    rig.aggregator.enrollments().stream()
                            .map(e -> List.copyOf(e.copiedFrom))
                            .sorted((a, b) -> Integer.compare(a.size(), b.size()))
                            .toList());
            moved.close();

            // Nothing is left to send for the next start, nor for a copy of this disk.
            Rig.copy(dir.resolve("state"), dir.resolve("again"));
            int epochs = rig.aggregator.openedEpochs();
            Rig.Running next = rig.agent(rig.vm(Rig.CODE), dir.resolve("again"));
            next.untilState("ENTITLED");
            rig.time.advance(A_DAY);
            Rig.until("the end of both files", () -> Rig.at(next.status(), "setAside", List.class).stream()
                    .allMatch(a -> String.valueOf(a).contains("sent under the name")
                            || String.valueOf(a).contains("nothing was left")));
            assertEquals(epochs, rig.aggregator.openedEpochs());
            assertEquals(Quantity.of(112), rig.aggregator.total("requests"));
        }
    }

    @Test
    void twoImagesOfAVmThatIsGoneBringItsUsageOnce() throws Exception {
        try (Rig rig = new Rig(dir)) {
            SimulatedVm vm = gone(rig, dir.resolve("state"));
            rig.time.reboot();
            Rig.copy(dir.resolve("state"), dir.resolve("copy"));
            rig.time.advance(A_DAY);
            Rig.Running one = rig.agent(rig.vm(Rig.CODE), dir.resolve("state"));
            Rig.Running two = rig.agent(rig.vm(Rig.CODE), dir.resolve("copy"));
            untilSent(rig, one, two);
            assertEquals(Quantity.of(12), rig.aggregator.total("requests"));
            assertEquals(Quantity.of(12), rig.aggregator.total(vm.instanceId(), "requests"));
        }
    }

    @Test
    void aVmThatLivesOnIsWaitedForAndWhatItSentIsNotSentAgainWhenItIsGone() throws Exception {
        try (Rig rig = new Rig(dir)) {
            SimulatedVm vm = gone(rig, dir.resolve("state"));
            Rig.copy(dir.resolve("state"), dir.resolve("copy"));
            Rig.Running original = rig.agent(vm, dir.resolve("state"));
            original.untilState("ENTITLED");
            original.drained();
            original.meter("requests", "1000");
            rig.time.advance(Duration.ofMinutes(16));
            original.drained();
            assertEquals(Quantity.of(1012), rig.aggregator.total("requests"));
            Rig.Running clone = rig.agent(rig.vm(Rig.CODE), dir.resolve("copy"));
            Rig.until("asked", () -> clone.remainder().startsWith("waits: instance " + vm.instanceId()));
            assertEquals(0, rig.aggregator.openedEpochs());
            original.close();
            rig.time.advance(A_DAY);
            untilSent(rig, clone);
            assertEquals(Quantity.of(1012), rig.aggregator.total("requests"));

            // Started again after all, it goes on from there.
            Rig.Running back = rig.agent(vm, dir.resolve("state"));
            back.untilState("ENTITLED");
            back.meter("requests", "10000");
            rig.time.advance(Duration.ofMinutes(16));
            Rig.until("its usage", () -> rig.aggregator.total("requests").equals(Quantity.of(11012)));
        }
    }

    @Test
    void anAttemptThatIsCutOffIsMadeAgainAndCountsOnce() throws Exception {
        try (Rig rig = new Rig(dir)) {
            gone(rig, dir.resolve("state"));
            rig.time.reboot();
            Rig.Running moved = rig.agent(rig.vm(Rig.CODE), dir.resolve("state"));
            moved.untilState("ENTITLED");
            Rig.until("asked", () -> moved.remainder().startsWith("waits: instance"));
            rig.time.advance(A_DAY);
            for (int i = 0; i < 12; i++) {
                rig.aggregator.dropResponses(1 + i % 3);
                rig.time.advance(Duration.ofMinutes(6));
                Thread.sleep(150);
            }
            untilSent(rig, moved);
            assertEquals(Quantity.of(12), rig.aggregator.total("requests"));
            assertTrue(rig.aggregator.openedEpochs() >= 1);
        }
    }

    /** As after hours in which nobody was heard of: the copy may be the first to ask. */
    @Test
    void aVmThatIsHeardOfAgainAfterTheFirstQuestionIsNotSpokenFor() throws Exception {
        try (Rig rig = new Rig(dir)) {
            SimulatedVm vm = gone(rig, dir.resolve("state"));
            Rig.copy(dir.resolve("state"), dir.resolve("copy"));
            rig.time.advance(A_DAY);
            Rig.Running clone = rig.agent(rig.vm(Rig.CODE), dir.resolve("copy"));
            Rig.until("asked", () -> clone.remainder().startsWith("waits: the VM is silent"));
            Rig.Running original = rig.agent(vm, dir.resolve("state"));
            original.untilState("ENTITLED");
            // Asked a second time, but too long after the first.
            rig.time.advance(A_DAY);
            original.untilState("ENTITLED");
            Rig.until("asked again", () -> {
                rig.time.advance(Duration.ofMinutes(1));
                return clone.remainder().startsWith("waits: instance " + vm.instanceId());
            });
            original.drained();
            assertEquals(0, rig.aggregator.openedEpochs());
            assertEquals(Quantity.of(12), rig.aggregator.total("requests"));
            assertEquals("ENTITLED", original.state());
        }
    }

    /**
     * Its process lives on, with what the copy has in a batch that is on its way and in sums of this very start. Where it was paused,
     * its boot clock may have stood still.
     */
    @ParameterizedTest
    @ValueSource(ints = {0, 26})
    void aVmThatWasCutOffWhileACopyOfItSentItsUsageIsExactWithoutARestart(int hoursStoodStill) throws Exception {
        try (Rig rig = new Rig(dir)) {
            SimulatedVm vm = rig.vm(Rig.CODE);
            rig.aggregator.flush(Duration.ofHours(2));
            Rig.Running original = rig.agent(vm, dir.resolve("state"));
            original.untilState("ENTITLED");
            original.meter("requests", "5");
            CountDownLatch cutOff = new CountDownLatch(1);
            rig.aggregator.beforeNextBatchArrives(() -> await(cutOff));
            rig.time.advance(Duration.ofHours(2));
            Rig.until("a batch on its way", () -> queue(original, "unsentBatches") > 0);
            original.meter("requests", "3");
            Rig.copy(dir.resolve("state"), dir.resolve("copy"));
            // In the hour of what the copy has, and in no other.
            original.meter("requests", "100");
            Rig.Running clone = rig.agent(rig.vm(Rig.CODE), dir.resolve("copy"));
            Rig.until("the remainder sent", () -> {
                rig.aggregator.forget(vm.instanceId());
                rig.time.advance(Duration.ofSeconds(20));
                return clone.remainder().startsWith("sent under the name of enr-");
            });
            assertEquals(Quantity.of(8), rig.aggregator.total("requests"));
            assertEquals(1, rig.aggregator.openedEpochs());
            rig.aggregator.behind(Duration.ofHours(-hoursStoodStill));
            cutOff.countDown();
            original.meter("requests", "70");
            rig.time.advance(Duration.ofHours(3));
            original.untilState("ENTITLED");
            original.drained();
            assertEquals(Quantity.of(178), rig.aggregator.total(vm.instanceId(), "requests"));
        }
    }

    /** Both were told that the VM is silent. The first one's batch arrives when the second is about to go on without it. */
    @Test
    void whatOneFinderSendsWhileAnotherComparesIsSentOnce() throws Exception {
        try (Rig rig = new Rig(dir)) {
            SimulatedVm vm = gone(rig, dir.resolve("state"));
            rig.time.reboot();
            Rig.copy(dir.resolve("state"), dir.resolve("copy"));
            rig.time.advance(A_DAY);
            CountDownLatch secondCompares = new CountDownLatch(1);
            CountDownLatch firstSends = new CountDownLatch(1);
            rig.aggregator.beforeNextOpeningArrives(() -> rig.aggregator.beforeNextBatchArrives(() -> {
                firstSends.countDown();
                await(secondCompares);
            }));
            Rig.Running one = rig.agent(rig.vm(Rig.CODE), dir.resolve("state"));
            Rig.until("the first one's batch on its way", () -> {
                rig.time.advance(Duration.ofMinutes(1));
                return firstSends.getCount() == 0;
            });
            int stored = rig.aggregator.batchCount();
            rig.aggregator.beforeNextOpeningArrives(() -> {
                secondCompares.countDown();
                await("the first one's batch", () -> rig.aggregator.batchCount() > stored);
            });
            Rig.Running two = rig.agent(rig.vm(Rig.CODE), dir.resolve("copy"));
            untilSent(rig, one, two);
            assertEquals(Quantity.of(12), rig.aggregator.total("requests"));
            assertEquals(Quantity.of(12), rig.aggregator.total(vm.instanceId(), "requests"));
        }
    }

    private static void await(CountDownLatch latch) {
        await("being let go", () -> latch.await(0, TimeUnit.SECONDS));
    }

    /** For what runs in the aggregator's place. */
    private static void await(String what, Rig.Check check) {
        try {
            Rig.until(what, check);
        } catch (Exception e) {
            throw new IllegalStateException(e);
        }
    }

    @Test
    void aStateWithNothingLeftAsksForNothing() throws Exception {
        try (Rig rig = new Rig(dir)) {
            SimulatedVm vm = rig.vm(Rig.CODE);
            Rig.Running first = rig.agent(vm, dir.resolve("state"));
            first.untilState("ENTITLED");
            first.close();
            Rig.Running moved = rig.agent(rig.vm(Rig.CODE), dir.resolve("state"));
            Rig.until("looked at", () -> moved.remainder().equals("nothing was left to send"));
            assertEquals(0, rig.aggregator.openedEpochs());
        }
    }

    @Test
    void aDiskMovedToAnotherVmAndBackGoesOnWithTheKeyAndTheUsageItHad() throws Exception {
        try (Rig rig = new Rig(dir)) {
            Path state = dir.resolve("state");
            SimulatedVm vm = gone(rig, state);
            SimulatedVm other = rig.vm(Rig.CODE);
            rig.time.reboot();
            Rig.Running there = rig.agent(other, state);
            there.untilState("ENTITLED");
            there.meter("requests", "100");
            rig.time.advance(Duration.ofMinutes(16));
            there.drained();
            rig.aggregator.away(true);
            there.meter("requests", "200");
            there.close();
            rig.aggregator.away(false);

            rig.time.reboot();
            Rig.Running back = rig.agent(vm, state);
            assertEquals(2, back.meter("requests", "1000").status() / 100);
            back.untilState("ENTITLED");
            assertEquals(2, rig.aggregator.enrollments().size());
            assertEquals(List.of("agent.db." + other.instanceId() + ".1"), back.setAside());
            rig.time.advance(Duration.ofMinutes(16));
            back.drained();
            assertEquals(Quantity.of(1012), rig.aggregator.total(vm.instanceId(), "requests"));
            rig.time.advance(A_DAY);
            untilSent(rig, back);
            assertEquals(Quantity.of(300), rig.aggregator.total(other.instanceId(), "requests"));
            assertEquals(Quantity.of(1012), rig.aggregator.total(vm.instanceId(), "requests"));
        }
    }

    @Test
    void whatTheOtherVmSentForItIsNotSentAgainWhenTheDiskComesBack() throws Exception {
        try (Rig rig = new Rig(dir)) {
            Path state = dir.resolve("state");
            SimulatedVm vm = gone(rig, state);
            rig.time.reboot();
            rig.time.advance(A_DAY);
            Rig.Running there = rig.agent(rig.vm(Rig.CODE), state);
            untilSent(rig, there);
            there.close();
            rig.time.reboot();
            Rig.Running back = rig.agent(vm, state);
            back.untilState("ENTITLED");
            back.meter("requests", "1000");
            rig.time.advance(Duration.ofMinutes(16));
            back.drained();
            assertEquals(Quantity.of(1012), rig.aggregator.total("requests"));
            assertEquals(Quantity.of(1012), rig.aggregator.total(vm.instanceId(), "requests"));
        }
    }

    /** As where the disk of a VM is replaced by the one of its clone. */
    @Test
    void anOldStateThatComesBackByWayOfAnotherVmIsARolledBackOne() throws Exception {
        try (Rig rig = new Rig(dir)) {
            SimulatedVm vm = gone(rig, dir.resolve("state"));
            Rig.copy(dir.resolve("state"), dir.resolve("copy"));
            Rig.Running lost = rig.agent(vm, dir.resolve("state"));
            lost.untilState("ENTITLED");
            lost.meter("requests", "1000");
            rig.time.advance(Duration.ofMinutes(16));
            lost.drained();
            lost.close();
            assertEquals(Quantity.of(1012), rig.aggregator.total("requests"));
            Rig.Running clone = rig.agent(rig.vm(Rig.CODE), dir.resolve("copy"));
            clone.untilState("ENTITLED");
            clone.close();
            rig.time.reboot();
            Rig.Running back = rig.agent(vm, dir.resolve("copy"));
            back.untilState("ENTITLED");
            back.meter("requests", "10000");
            rig.time.advance(Duration.ofMinutes(16));
            Rig.until("its usage", () -> rig.aggregator.total("requests").equals(Quantity.of(11_012)));
            assertEquals(2, rig.aggregator.enrollments().size());
        }
    }

    @Test
    void aFileOfItsOwnThatIsDamagedStaysBesideAndTheFreshKeyHasToBeAdmitted() throws Exception {
        try (Rig rig = new Rig(dir)) {
            Path state = dir.resolve("state");
            SimulatedVm vm = gone(rig, state);
            SimulatedVm other = rig.vm(Rig.CODE);
            try (Rig.Running there = rig.agent(other, state)) {
                there.untilState("ENTITLED");
            }
            String own = "agent.db." + vm.instanceId() + ".1";
            Files.write(state.resolve(own), new byte[100_000]);
            Rig.Running back = rig.agent(vm, state);
            assertEquals(2, back.meter("requests", "1000").status() / 100);
            back.untilState("CONTESTED");
            assertEquals(
                    List.of(own, "agent.db." + other.instanceId() + ".1").stream()
                            .sorted()
                            .toList(),
                    back.setAside());
        }
    }

    @Test
    void usageOfAStartThatNeverLearntItsVmIsSentByTheVmThatGoesOnAndElseToldOf() throws Exception {
        try (Rig rig = new Rig(dir)) {
            Path state = dir.resolve("state");
            SimulatedVm vm = gone(rig, state);
            nameless(rig, state, "50");
            Rig.Running again = rig.agent(vm, state);
            again.untilState("ENTITLED");
            again.drained();
            again.close();
            assertEquals(Quantity.of(62), rig.aggregator.total(vm.instanceId(), "requests"));

            nameless(rig, state, "9000");
            Rig.Running moved = rig.agent(rig.vm(Rig.CODE), state);
            moved.untilState("ENTITLED");
            Rig.until("told", () -> moved.remainder()
                    .endsWith("; kept and not sent: usage of starts that never learnt whose VM they ran on, 1 sum"));
            rig.time.advance(Duration.ofMinutes(16));
            moved.drained();
            assertEquals(Quantity.of(62), rig.aggregator.total("requests"), "nobody is billed for it");
            assertEquals(0, queue(moved, "unclaimed"));
            moved.close();
            rig.time.reboot();
            Rig.Running back = rig.agent(vm, state);
            back.untilState("ENTITLED");
            assertEquals(1, queue(back, "unclaimed"));
        }
    }

    @Test
    void aKeyThatThisVmUsedBeforeItsDiskMovedCountsOnceWheneverItIsRepeated() throws Exception {
        try (Rig rig = new Rig(dir)) {
            Path state = dir.resolve("state");
            SimulatedVm vm = rig.vm(Rig.CODE);
            Object call = Json.object("dimension", "requests", "quantity", "5", "idempotencyKey", "order-1");
            try (Rig.Running agent = rig.agent(vm, state)) {
                agent.untilState("ENTITLED");
                assertEquals(200, agent.post("/v1/usage", call).status());
                agent.drained();
            }
            try (Rig.Running there = rig.agent(rig.vm(Rig.CODE), state)) {
                there.untilState("ENTITLED");
            }
            vm.inject(Fault.error(500));
            Rig.Running back = rig.agent(vm, state);
            Rig.Reply early = back.post("/v1/usage", call);
            assertEquals(503, early.status());
            assertTrue(early.text("detail").contains("which VM this is"), early::toString);
            assertEquals(202, back.meter("requests", "70").status(), "what has no key cannot be repeated");
            vm.heal();
            rig.time.advance(Duration.ofMinutes(1));
            back.untilState("ENTITLED");
            assertEquals(200, back.post("/v1/usage", call).status());
            rig.time.advance(Duration.ofMinutes(16));
            back.drained();
            assertEquals(Quantity.of(75), rig.aggregator.total(vm.instanceId(), "requests"));
        }
    }

    /** A boot whose metadata service never answered. */
    private static void nameless(Rig rig, Path state, String quantity) throws Exception {
        rig.time.reboot();
        try (Rig.Running nameless = rig.agent(java.net.URI.create("http://127.0.0.1:9"), state)) {
            assertEquals(2, nameless.meter("requests", quantity).status() / 100);
        }
        rig.time.reboot();
    }
}
