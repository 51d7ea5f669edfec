package io.tallystick.agent;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.tallystick.agent.CommandOutputTest.Ran;
import io.tallystick.common.model.Quantity;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** An image carries no key, no usage and no code of the VM it was made of. */
class PrepareImageTest {
    @TempDir
    @SuppressWarnings("NullAway.Init")
    Path dir;

    private static List<Path> content(Path folder) throws Exception {
        try (var files = Files.list(folder)) {
            return files.toList();
        }
    }

    @Test
    void usageThatWasNotSentAndARunningAgentAreNotRemoved() throws Exception {
        Path state = dir.resolve("state");
        try (Rig rig = new Rig(dir)) {
            Rig.Running agent = rig.agent(rig.vm(Rig.CODE), state);
            agent.untilState("ENTITLED");
            agent.drained();
            Ran running = Ran.of("prepare-image", "--state-dir", state.toString(), "--output", "json");
            assertEquals(1, running.exit());
            assertEquals("agent-running", running.json().get("code"));
            rig.aggregator.away(true);
            agent.meter("requests", "3");
            agent.close();
            Ran unsent = Ran.of("prepare-image", "--state-dir", state.toString(), "--output", "json");
            assertEquals(1, unsent.exit());
            assertEquals("usage-unsent", unsent.json().get("code"));
            assertNotEquals(
                    Map.of("pendingSums", 0L, "unsentBatches", 0L),
                    unsent.json().get("unsent"));

            // Nothing was lost: the next start sends it.
            rig.aggregator.away(false);
            Rig.Running again = rig.agent(rig.vm(Rig.CODE), dir.resolve("other"));
            again.close();
            assertTrue(Files.exists(state.resolve("agent.db")));
            assertEquals(
                    0,
                    Ran.of("prepare-image", "--state-dir", state.toString(), "--force")
                            .exit());
            assertEquals(List.of(), content(state));
        }
    }

    @Test
    void aWriteOnceRecordThatWasNotSentIsUsage() throws Exception {
        Path state = dir.resolve("state");
        try (Rig rig = new Rig(dir)) {
            AwsDoorTest.midHour(rig);
            rig.aggregator.flush(Duration.ofHours(2));
            Rig.Running agent = rig.agent(rig.vm(Rig.CODE), state);
            agent.untilState("ENTITLED");
            agent.drained();
            rig.aggregator.away(true);
            AwsDoorTest.meterHoursAgo(rig, agent, 1, 5);
            // As after a power cut: a stop would put it into a batch.
            Path cut = dir.resolve("cut");
            Rig.copy(state, cut);
            Ran unsent = Ran.of("prepare-image", "--state-dir", cut.toString(), "--output", "json");
            assertEquals("usage-unsent", unsent.json().get("code"));
            assertEquals(
                    Map.of("pendingSums", 1L, "unsentBatches", 0L),
                    unsent.json().get("unsent"));
        }
    }

    @Test
    void aCleanStateIsOverwrittenAndTheNextVmBeginsAsItself() throws Exception {
        Path state = dir.resolve("state");
        Path code = Files.writeString(dir.resolve("join-code"), "jc-secret\n");
        Path conf = Files.writeString(
                dir.resolve("agent.conf"),
                "aggregator.url = https://tally.example\nstate.dir = state\njoin-code.file = join-code\n");
        try (Rig rig = new Rig(dir)) {
            Rig.Running agent = rig.agent(rig.vm(Rig.CODE), state);
            agent.untilState("ENTITLED");
            agent.meter("requests", "3");
            agent.drained();
            String key = String.valueOf(agent.status().get("agentKey"));
            agent.close();
            // A second name for the file's blocks: what a snapshot of the disk would see.
            Path blocks = Files.createLink(dir.resolve("blocks"), state.resolve("agent.db"));

            Ran dry = Ran.of("prepare-image", "--config", conf.toString(), "--dry-run");
            assertEquals(0, dry.exit(), dry::err);
            assertTrue(dry.out().contains("would remove " + state.resolve("agent.db")), dry::out);
            assertTrue(dry.out().contains("would remove " + code), dry::out);
            assertTrue(Files.exists(state.resolve("agent.db")) && Files.exists(code));

            Path kept = dir.resolve("kept");
            Ran ran = Ran.of("prepare-image", "--config", conf.toString(), "--move-to", kept.toString());
            assertEquals(0, ran.exit(), ran::err);
            assertTrue(ran.out().contains("removed " + state.resolve("agent.db")), ran::out);
            assertEquals(List.of(), content(state));
            assertEquals("rwx------", PosixFilePermissions.toString(Files.getPosixFilePermissions(state)));
            assertFalse(Files.exists(code));
            for (byte b : Files.readAllBytes(blocks)) {
                assertEquals(0, b);
            }
            Ran twice = Ran.of("prepare-image", "--config", conf.toString());
            assertEquals(0, twice.exit(), twice::err);
            assertTrue(twice.out().contains("nothing to remove"), twice::out);

            Rig.Running next = rig.agent(rig.vm(Rig.CODE), state);
            next.untilState("ENTITLED");
            assertNotEquals(key, String.valueOf(next.status().get("agentKey")));
            assertEquals(List.of(), next.status().get("setAside"));
            assertEquals(Quantity.of(3), rig.aggregator.total("requests"));
            Rig.Running old = rig.agent(rig.vm(Rig.CODE), kept);
            old.untilState("ENTITLED");
            assertTrue(Files.exists(kept.resolve("agent.db")));
        }
    }

    @Test
    void aFolderThatIsNoStateFolderIsLeftAlone() throws Exception {
        Path photos = Files.createDirectory(dir.resolve("photos"));
        Files.setPosixFilePermissions(photos, PosixFilePermissions.fromString("rwx------"));
        Path photo = Files.writeString(photos.resolve("cat.jpg"), "cat");
        Ran ran = Ran.of("prepare-image", "--state-dir", photos.toString(), "--force");
        assertEquals(64, ran.exit());
        assertEquals(List.of(photo), content(photos));
        assertEquals(
                0,
                Ran.of("prepare-image", "--state-dir", dir.resolve("none").toString())
                        .exit());
        assertEquals(64, Ran.of("prepare-image").exit());
    }
}
