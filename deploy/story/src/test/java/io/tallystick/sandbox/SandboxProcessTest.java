package io.tallystick.sandbox;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The sandbox as a program: what it leaves behind when it is killed, and how it goes on. */
class SandboxProcessTest {
    @TempDir
    @SuppressWarnings("NullAway.Init")
    Path dir;

    @SuppressWarnings("NullAway.Init")
    private SandboxProgram sandbox;

    @BeforeEach
    void open() {
        sandbox = new SandboxProgram(dir);
    }

    @AfterEach
    void end() throws IOException, InterruptedException {
        sandbox.end();
    }

    @Test
    void aKilledSandboxGoesOnWhereItWasAndAnOrderlyEndLeavesNothingRunning() throws Exception {
        Process first = sandbox.start("first.log");
        Doc before = sandbox.endpoints("first.log");
        String token = before.object("operator").text("token");
        first.destroyForcibly().waitFor();
        Path folder = dir.resolve("run").toRealPath();
        assertFalse(Leftovers.programs(folder).isEmpty(), "a SIGKILL leaves programs running");

        Process second = sandbox.start("second.log");
        Doc after = sandbox.endpoints("second.log");
        assertTrue(Files.readString(dir.resolve("second.log")).contains("stopped a leftover of a crash"));
        assertEquals(
                before.object("aggregator").text("url"),
                after.object("aggregator").text("url"));
        assertEquals(before.object("agent").text("url"), after.object("agent").text("url"));
        assertEquals(
                before.object("product").text("id"), after.object("product").text("id"));
        Rest operator = Rest.at(java.net.URI.create(after.object("aggregator").text("url")))
                .with(token);
        String enrollments = operator.get("/v1/enrollments").expect(200).text();
        assertTrue(enrollments.contains(after.text("instance")), enrollments);

        second.destroy();
        assertTrue(second.waitFor(SandboxProgram.PATIENCE.toSeconds(), TimeUnit.SECONDS), "ends after SIGTERM");
        assertEquals(List.of(), Leftovers.programs(folder));
        assertEquals(List.of(), Leftovers.databaseServers(folder.resolve("postgresql")));
    }
}
