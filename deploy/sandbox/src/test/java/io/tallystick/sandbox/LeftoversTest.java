package io.tallystick.sandbox;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A crash's processes are ended, and never anybody else's. */
class LeftoversTest {
    @TempDir
    @SuppressWarnings("NullAway.Init")
    Path dir;

    private final List<Process> started = new ArrayList<>();

    @AfterEach
    void endAll() {
        started.forEach(Process::destroyForcibly);
    }

    @Test
    void programsOfTheFolderAreEnded() throws IOException {
        try (RunFolder folder = RunFolder.lock(dir.resolve("run"))) {
            Process program = sleep(Optional.of(folder.path()));

            assertEquals(1, Leftovers.stop(folder).size());

            assertTrue(ended(program));
        }
    }

    @Test
    void programsOfAnotherFolderAndOfNobodyLiveOn() throws IOException {
        try (RunFolder folder = RunFolder.lock(dir.resolve("run"))) {
            Process other = sleep(Optional.of(dir.resolve("run-2")));
            Process inside = sleep(Optional.of(folder.path().resolve("once-1")));
            Process nobodys = sleep(Optional.empty());

            assertEquals(List.of(), Leftovers.stop(folder));

            assertTrue(other.isAlive() && inside.isAlive() && nobodys.isAlive());
        }
    }

    @Test
    void aPidFileThatNamesAnotherProgramIsNotBelieved() throws IOException {
        try (RunFolder folder = RunFolder.lock(dir.resolve("run"))) {
            Process innocent = sleep(Optional.empty());
            Path data = Files.createDirectories(Database.data(folder));
            Files.writeString(data.resolve("postmaster.pid"), innocent.pid() + "\n" + data + "\n");

            assertEquals(List.of(), Leftovers.stop(folder));

            assertTrue(innocent.isAlive());
        }
    }

    @Test
    void aRecycledNumberIsAnotherProcess() throws IOException {
        Process process = sleep(Optional.empty());
        ProcessId now = ProcessId.of(process.pid()).orElseThrow();
        ProcessId before = new ProcessId(now.pid(), now.startTicks() - 1, now.boot());

        before.end(true);

        assertFalse(before.isAlive());
        assertTrue(now.isAlive());
        now.end(true);
        assertTrue(ended(process));
        assertFalse(now.isAlive());
    }

    private Process sleep(Optional<Path> mark) throws IOException {
        ProcessBuilder builder = new ProcessBuilder("sleep", "600");
        mark.ifPresent(folder -> builder.environment().put(Child.MARK, folder.toString()));
        Process process = builder.start();
        started.add(process);
        return process;
    }

    private static boolean ended(Process process) {
        return Await.until(java.time.Duration.ofMinutes(1), () -> !process.isAlive());
    }
}
