package io.tallystick.agent;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.tallystick.agent.store.Leftover;
import io.tallystick.common.json.Json;
import io.tallystick.common.model.Quantity;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * State outlives the program that wrote it. {@code state-2.db} was written by an agent with schema 2, and stays as it is
 * when the schema moves on: enrolled, one batch acknowledged, one waiting, a sum pending, idempotency keys. How it was
 * made: {@link #main}.
 */
class KeptStateTest {
    private static final int SCHEMA = 3;
    private static final String GOLDEN = "state-2.db";
    private static final String KEY_OF_GOLDEN = "state-2.key";

    @TempDir
    @SuppressWarnings("NullAway.Init")
    Path dir;

    private Path golden(String name) throws Exception {
        Path state = Files.createDirectory(
                dir.resolve(name), PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
        try (var in = KeptStateTest.class.getResourceAsStream(GOLDEN)) {
            Files.copy(Objects.requireNonNull(in), state.resolve("agent.db"));
        }
        Files.setPosixFilePermissions(state.resolve("agent.db"), PosixFilePermissions.fromString("rw-------"));
        return state;
    }

    private static String keyOfGolden() throws Exception {
        try (var in = KeptStateTest.class.getResourceAsStream(KEY_OF_GOLDEN)) {
            return new String(Objects.requireNonNull(in).readAllBytes(), java.nio.charset.StandardCharsets.US_ASCII)
                    .strip();
        }
    }

    private static int version(Path state) throws SQLException {
        try (Connection c = DriverManager.getConnection("jdbc:sqlite:" + state.resolve("agent.db"));
                Statement s = c.createStatement();
                ResultSet r = s.executeQuery("PRAGMA user_version")) {
            return r.getInt(1);
        }
    }

    private static void execute(Path state, String... statements) throws SQLException {
        try (Connection c = DriverManager.getConnection("jdbc:sqlite:" + state.resolve("agent.db"));
                Statement s = c.createStatement()) {
            for (String statement : statements) {
                s.execute(statement);
            }
        }
    }

    @Test
    void stateOfAnEarlierAgentIsTakenUpWhole() throws Exception {
        try (Rig rig = new Rig(dir)) {
            Path state = golden("state");
            assertEquals(new Leftover(1, 1), Leftover.of(state.resolve("agent.db")));
            // No metadata service: whose state it is stays open, and nothing of it may be lost meanwhile.
            Rig.Running agent = rig.agent(java.net.URI.create("http://127.0.0.1:9"), state);
            Map<String, Object> status = agent.status();
            assertEquals(keyOfGolden(), status.get("agentKey"));
            Map<?, ?> queue = Rig.at(status, "queue", Map.class);
            assertEquals(1L, queue.get("pendingSums"));
            assertEquals(1L, queue.get("unsentBatches"));
            assertEquals(2L, Rig.at(status, "lastBatch", Map.class).get("seq"));
            agent.close();
            assertTrue(version(state) >= SCHEMA);
        }
    }

    /** The same state on the VM of another instance: a copied disk. */
    @Test
    void stateOfAnEarlierAgentIsSetAsideWhole() throws Exception {
        try (Rig rig = new Rig(dir)) {
            Path state = golden("state");
            Rig.Running agent = rig.agent(rig.vm(Rig.CODE), state);
            agent.untilState("ENTITLED");
            agent.meter("requests", "2");
            List<String> aside = agent.setAside();
            assertEquals(1, aside.size());
            agent.close();
            assertEquals(Quantity.of(2), rig.aggregator.total("requests"));
            assertEquals(new Leftover(1, 1), Leftover.of(state.resolve(aside.get(0))));
        }
    }

    /** Going back by one version: what the next one added is left alone, and is there when it comes again. */
    @Test
    void anAgentWorksOnTheStateOfTheNextVersionAndKeepsWhatItAdded() throws Exception {
        try (Rig rig = new Rig(dir)) {
            Path state = golden("state");
            rig.agent(java.net.URI.create("http://127.0.0.1:9"), state).close();
            int next = version(state) + 1;
            execute(
                    state,
                    "ALTER TABLE pending ADD COLUMN added TEXT",
                    "ALTER TABLE run ADD COLUMN added INTEGER DEFAULT 7",
                    "CREATE TABLE of_the_next (x)",
                    "INSERT INTO of_the_next VALUES (1)",
                    "PRAGMA user_version = " + next);
            Rig.Running agent = rig.agent(java.net.URI.create("http://127.0.0.1:9"), state);
            assertEquals(202, agent.meter("requests", "5").status());
            // It has the key, but not yet whether it is this VM's.
            assertEquals(
                    503,
                    agent.post(
                                    "/v1/usage",
                                    Json.object("dimension", "requests", "quantity", "4", "idempotencyKey", "k2"))
                            .status());
            assertEquals(keyOfGolden(), agent.status().get("agentKey"));
            agent.close();
            assertEquals(next, version(state));
            // And a copied disk of that.
            Rig.Running elsewhere = rig.agent(rig.vm(Rig.CODE), state);
            elsewhere.untilState("ENTITLED");
            elsewhere.close();
        }
    }

    @Test
    void stateOfTwoVersionsAheadIsRefusedAndLeftAlone() throws Exception {
        try (Rig rig = new Rig(dir)) {
            Path state = golden("state");
            execute(state, "PRAGMA user_version = " + (SCHEMA + 2));
            SQLException e =
                    assertThrows(SQLException.class, () -> rig.agent(java.net.URI.create("http://127.0.0.1:9"), state));
            assertTrue(e.getMessage().contains("newer agent"), e.getMessage());
            assertEquals(SCHEMA + 2, version(state));
            assertEquals(new Leftover(1, 1), Leftover.of(state.resolve("agent.db")));
        }
    }

    /** Writes the golden state of the agent as it is now into a folder: the database, closed, and its key's thumbprint. */
    public static void main(String[] args) throws Exception {
        Path out = Files.createDirectories(Path.of(args[0]));
        Path dir = Files.createTempDirectory("golden");
        try (Rig rig = new Rig(dir)) {
            rig.aggregator.flush(Duration.ofHours(20));
            Path state = dir.resolve("state");
            Rig.Running agent = rig.agent(rig.vm(Rig.CODE), state);
            agent.untilState("ENTITLED");
            agent.post("/v1/usage", Json.object("dimension", "requests", "quantity", "1", "idempotencyKey", "k1"));
            rig.time.advance(Duration.ofHours(1));
            agent.drained();
            rig.aggregator.away(true);
            agent.post("/v1/usage", Json.object("dimension", "requests", "quantity", "4", "idempotencyKey", "k2"));
            rig.time.advance(Duration.ofHours(1));
            Rig.until("a batch", () -> Long.valueOf(1)
                    .equals(Rig.at(agent.status(), "queue", Map.class).get("unsentBatches")));
            agent.post("/v1/usage", Json.object("dimension", "requests", "quantity", "3", "idempotencyKey", "k3"));
            String key = String.valueOf(agent.status().get("agentKey"));
            Files.createDirectories(dir.resolve("copy"));
            for (String f : List.of("agent.db", "agent.db-wal")) {
                Files.copy(state.resolve(f), dir.resolve("copy").resolve(f));
            }
            // Opened and closed once, which moves the log into the file.
            execute(dir.resolve("copy"), "PRAGMA wal_checkpoint(TRUNCATE)", "PRAGMA journal_mode = DELETE", "VACUUM");
            int schema = version(dir.resolve("copy"));
            Files.copy(dir.resolve("copy/agent.db"), out.resolve("state-" + schema + ".db"));
            Files.writeString(out.resolve("state-" + schema + ".key"), key + "\n");
        }
    }
}
