package io.tallystick.testkit;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class EmbeddedDatabaseTest {
    @TempDir
    Path folder = Path.of("");

    private static String ask(String jdbcUrl, String sql) throws SQLException {
        try (Connection connection = DriverManager.getConnection(jdbcUrl);
                Statement statement = connection.createStatement();
                ResultSet rows = statement.executeQuery(sql)) {
            return rows.next() ? String.valueOf(rows.getString(1)) : "";
        }
    }

    private static void run(String jdbcUrl, String sql) throws SQLException {
        try (Connection connection = DriverManager.getConnection(jdbcUrl);
                Statement statement = connection.createStatement()) {
            statement.execute(sql);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"fsync", "full_page_writes", "synchronous_commit"})
    void commitsAreDurable(String setting) throws SQLException {
        assertEquals("on", ask(TestDatabase.server().jdbcUrl("postgres"), "SHOW " + setting));
    }

    @Test
    void aDataFolderIsUsedAgain() throws SQLException {
        Path data = folder.resolve("data");
        try (EmbeddedDatabase first =
                EmbeddedDatabase.options().dataFolder(data).start()) {
            first.createDatabase("ledger");
            first.createDatabase("ledger");
            run(first.jdbcUrl("ledger"), "CREATE TABLE t AS SELECT 42 AS n");
        }
        try (EmbeddedDatabase second =
                EmbeddedDatabase.options().dataFolder(data).start()) {
            assertEquals("42", ask(second.jdbcUrl("ledger"), "SELECT n FROM t"));
        }
    }

    /** What a killed sandbox leaves: a server nobody stops, on a folder the next start wants. */
    @Test
    void aServerLeftByAKilledProcessIsStopped() throws Exception {
        Path data = folder.resolve("data");
        Process owner = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-cp",
                        System.getProperty("java.class.path"),
                        Owner.class.getName(),
                        data.toString())
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
        try (var lines = owner.inputReader()) {
            String url = "";
            for (String line = lines.readLine(); line != null && url.isEmpty(); line = lines.readLine()) {
                if (line.startsWith("jdbc:")) {
                    url = line;
                    break;
                }
            }
            owner.destroyForcibly();
            assertTrue(owner.waitFor(30, TimeUnit.SECONDS));
            String jdbcUrl = url;
            assertEquals("1", ask(jdbcUrl, "SELECT 1"), "the server outlives its owner");
            assertTrue(EmbeddedDatabase.stopLeftover(data));
            assertThrows(SQLException.class, () -> ask(jdbcUrl, "SELECT 1"));
            assertFalse(EmbeddedDatabase.stopLeftover(data));
        }
    }

    /** Starts a server and waits to be killed. */
    static final class Owner {
        public static void main(String[] args) throws Exception {
            EmbeddedDatabase database =
                    EmbeddedDatabase.options().dataFolder(Path.of(args[0])).start();
            System.out.println(database.jdbcUrl("postgres"));
            System.out.flush();
            System.in.read();
        }
    }

    @Test
    void aStrangersProcessIdIsLeftAlone() throws IOException {
        Files.writeString(
                folder.resolve("postmaster.pid"), ProcessHandle.current().pid() + "\n");
        assertFalse(EmbeddedDatabase.stopLeftover(folder));
    }

    @Test
    void aDatabaseNameIsPlain() {
        assertThrows(IllegalArgumentException.class, () -> TestDatabase.server()
                .createDatabase("x; DROP DATABASE postgres"));
    }
}
