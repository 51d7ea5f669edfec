package io.tallystick.sandbox;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RunFolderTest {
    @TempDir
    @SuppressWarnings("NullAway.Init")
    Path dir;

    @Test
    void aSecondSandboxInTheFolderIsToldWhoHasIt() {
        try (RunFolder first = RunFolder.lock(dir.resolve("run"))) {
            first.writeOwner(ProcessId.of(ProcessHandle.current().pid()).orElseThrow());

            Trouble told = assertThrows(Trouble.class, () -> RunFolder.lock(dir.resolve("run")));

            assertTrue(String.valueOf(told.getMessage())
                    .contains("process " + ProcessHandle.current().pid()));
        }
        RunFolder.lock(dir.resolve("run")).close();
    }

    @Test
    void whatIsWrittenIsForItsOwnerOnly() throws IOException {
        try (RunFolder folder = RunFolder.lock(dir.resolve("run"))) {
            folder.write("endpoints.json", "old");
            folder.write("endpoints.json", "new");

            assertEquals("new", Files.readString(folder.file("endpoints.json")));
            assertEquals("rw-------", permissions(folder.file("endpoints.json")));
            assertEquals("rwx------", permissions(folder.path()));
        }
    }

    @Test
    void eachPlayingOfTheStoryGetsAFolderOfItsOwn() {
        try (RunFolder first = RunFolder.fresh(dir);
                RunFolder second = RunFolder.fresh(dir)) {
            assertNotEquals(first.path(), second.path());
            assertEquals(java.util.List.of(first.path(), second.path()), RunFolder.onceFolders(dir));
        }
    }

    @Test
    void aFileInPlaceOfTheFolderIsNamed() throws IOException {
        Path file = Files.writeString(dir.resolve("run"), "");

        Trouble told = assertThrows(Trouble.class, () -> RunFolder.lock(file));

        assertTrue(String.valueOf(told.getMessage()).contains(file.toString()), told.getMessage());
    }

    private static String permissions(Path path) throws IOException {
        return PosixFilePermissions.toString(Files.getPosixFilePermissions(path));
    }
}
