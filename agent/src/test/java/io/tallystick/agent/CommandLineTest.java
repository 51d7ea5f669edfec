package io.tallystick.agent;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.tallystick.agent.app.Main;
import io.tallystick.common.model.Quantity;
import io.tallystick.common.wire.Decision;
import io.tallystick.testkit.Rule;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Exit codes are what scripts decide by. */
class CommandLineTest {
    @TempDir
    @SuppressWarnings("NullAway.Init")
    Path dir;

    @Test
    @Rule("R20")
    void exitCodesTellAllowedDeniedAndUnknown() throws Exception {
        try (Rig rig = new Rig(dir)) {
            Rig.Running agent = rig.agent(rig.vm(Rig.CODE), dir.resolve("state"));
            String url = agent.agent.endpoint();
            assertEquals(0, Main.execute("verify", "--product", Rig.CODE, "--wait", "30s", "--url", url));
            assertEquals(0, Main.execute("verify", "--output", "json", "--url", url));
            assertEquals(1, Main.execute("verify", "--product", "other", "--url", url));
            assertEquals(
                    0,
                    Main.execute(
                            "meter", "--dimension", "requests", "--quantity", "2", "--tag", "team=a", "--url", url));
            assertEquals(1, Main.execute("meter", "--dimension", "nonsense", "--quantity", "2", "--url", url));
            assertEquals(0, Main.execute("status", "--url", url));
            agent.drained();
            assertEquals(Quantity.of(2), rig.aggregator.total("requests"));
            rig.aggregator.outcome(Decision.Outcome.DENY);
            rig.time.advance(Duration.ofHours(13));
            agent.untilState("DENIED");
            assertEquals(1, Main.execute("verify", "--url", url));
            assertEquals(3, Main.execute("meter", "--dimension", "requests", "--quantity", "1", "--url", url));
            agent.close();
            assertEquals(2, Main.execute("meter", "--dimension", "requests", "--quantity", "1", "--url", url));
            assertEquals(2, Main.execute("show-sent", "--url", url));
            // A script's own mistake says nothing about the agent.
            for (String command : java.util.List.of("verify", "meter", "status", "show-sent", "prepare-image")) {
                assertEquals(64, Main.execute(command, "--nonsense"), command);
            }
            assertEquals(64, Main.execute("verify", "--issuer", "https://tally.example", "--url", url));
            assertEquals(2, Main.execute("verify", "--url", url));
            assertEquals(2, Main.execute("status", "--url", url));
        }
    }

    @Test
    void wrongSettingsAndForeignStateFoldersStopTheStart() throws Exception {
        assertEquals(2, Main.execute("run", "--set", "nonsense=1"));
        assertEquals(
                2, Main.execute("run", "--config", dir.resolve("missing.conf").toString()));
        Path open = Files.createDirectory(dir.resolve("open"));
        Files.setPosixFilePermissions(open, PosixFilePermissions.fromString("rwxr-xr-x"));
        assertEquals(2, Main.execute("run", "--set", "aggregator.url=https://a.example", "--set", "state.dir=" + open));
        try (Rig rig = new Rig(dir)) {
            rig.agent(rig.vm(Rig.CODE), dir.resolve("state"));
            assertEquals(
                    2,
                    Main.execute(
                            "run",
                            "--set",
                            "aggregator.url=" + rig.aggregator.url(),
                            "--set",
                            "state.dir=" + dir.resolve("state")));
        }
    }
}
