package io.tallystick.agent;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.tallystick.cloudsim.SimulatedVm;
import io.tallystick.common.model.Quantity;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What an agent does whose key takes an instance over: the software may run, and no usage leaves the VM before it may. */
class TakeoverTest {
    private static final Duration TRIAL = Duration.ofMinutes(30);

    @TempDir
    Path dir;

    @Test
    void onTrialTheSoftwareRunsAndUsageIsHeldAndSentOnceConfirmed() throws Exception {
        try (Rig rig = new Rig(dir)) {
            SimulatedVm vm = rig.vm(Rig.CODE);
            Rig.Running before = rig.agent(vm, dir.resolve("before"));
            before.untilState("ENTITLED");
            before.meter("requests", "7");
            before.drained();
            before.close();

            rig.aggregator.takeovers(TRIAL);
            Rig.Running after = rig.agent(vm, dir.resolve("replaced"));
            after.untilState("ENTITLED");
            assertEquals("allow", after.get("/v1/entitlement").text("decision"));
            assertEquals(200, after.meter("requests", "5").status());
            Rig.until("held usage", () -> Rig.at(after.status(), "queue", java.util.Map.class)
                    .toString()
                    .contains("takes over"));
            rig.time.advance(Duration.ofMinutes(20));
            assertEquals(200, after.meter("requests", "5").status());
            after.untilState("ENTITLED");
            // A restart in the middle holds it, too.
            after.close();
            assertEquals(Quantity.of(7), rig.aggregator.total("requests"));
            Rig.Running again = rig.agent(vm, dir.resolve("replaced"));
            again.untilState("ENTITLED");
            assertEquals(Quantity.of(7), rig.aggregator.total("requests"));

            rig.time.advance(Duration.ofMinutes(11));
            again.drained();
            assertEquals(Quantity.of(17), rig.aggregator.total("requests"));
            again.meter("requests", "1");
            rig.time.advance(Duration.ofMinutes(1));
            again.drained();
            assertEquals(Quantity.of(18), rig.aggregator.total("requests"));
            assertEquals(0, rig.aggregator.handedOut(), "what the other key sent is none of this one's");
        }
    }

    @Test
    void aStoppedTakeoverIsContestedAndKeepsItsUsageUntilApproved() throws Exception {
        try (Rig rig = new Rig(dir)) {
            SimulatedVm vm = rig.vm(Rig.CODE);
            Rig.Running enrolled = rig.agent(vm, dir.resolve("enrolled"));
            enrolled.untilState("ENTITLED");
            rig.aggregator.takeovers(TRIAL);
            Rig.Running other = rig.agent(vm, dir.resolve("other"));
            other.untilState("ENTITLED");
            other.meter("requests", "5");
            rig.aggregator.noTakeovers();
            enrolled.meter("requests", "7");
            enrolled.drained();
            rig.time.advance(Duration.ofMinutes(6));
            other.untilState("CONTESTED");
            Rig.Reply deny = other.get("/v1/entitlement");
            assertEquals("deny", deny.text("decision"));
            assertEquals(43, deny.text("thumbprint").length());
            assertTrue(deny.text("remedy").length() > 10);
            assertEquals(200, other.meter("requests", "5").status());
            assertEquals(Quantity.of(7), rig.aggregator.total("requests"));

            enrolled.close();
            rig.aggregator.approve(deny.text("thumbprint"));
            rig.time.advance(Duration.ofSeconds(61));
            other.untilState("ENTITLED");
            other.drained();
            assertEquals(Quantity.of(17), rig.aggregator.total("requests"));
        }
    }
}
