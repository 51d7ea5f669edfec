package io.tallystick.aggregator.usage;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.tallystick.aggregator.app.RunningAggregator;
import io.tallystick.aggregator.db.Database;
import io.tallystick.aggregator.db.DatabaseUrl;
import io.tallystick.common.model.Hours;
import io.tallystick.common.model.Quantity;
import io.tallystick.common.wire.MeteringRecord;
import io.tallystick.testkit.TestDatabase;
import io.vertx.core.Vertx;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;

/** Processes that die at each step of archiving, one after the other, lose no batch, and the next one goes on. */
class ArchiveKilledTest {
    private static final String ACCOUNT = "333344445555";
    private static final int BATCHES = 7;

    @RegisterExtension
    static final RunningAggregator RUNNING = RunningAggregator.with("trust.dir=" + SimulatedRegion.trustFolder());

    @TempDir
    Path root = Path.of("");

    @Test
    void killedAtAnyStepNoBatchIsLostAndTheNextRunGoesOn() throws Exception {
        String product = RUNNING.product(RUNNING.account("seller"), "requests");
        RUNNING.visibility(product, "LIMITED", "PUBLIC");
        String buyer = RUNNING.account("buyer");
        RUNNING.cloudAccount(buyer, "aws", ACCOUNT);
        RUNNING.agreement(product, buyer);
        ProtocolClient agent = SimulatedRegion.client(
                RUNNING, SimulatedRegion.vm(ACCOUNT, RUNNING.clock().instant(), List.of(RUNNING.code(product))));
        agent.enroll();
        for (int i = 0; i < BATCHES; i++) {
            agent.send(usage());
        }
        RUNNING.clock().advance(Duration.ofDays(80));
        RUNNING.post();
        RUNNING.archivesIn(root);
        int sent = BATCHES;
        Vertx vertx = Vertx.vertx();
        Database database =
                Database.open(vertx, DatabaseUrl.parse(RUNNING.database().url()), TestDatabase.POOL_SIZE);
        try {
            for (Archives.Step step : Archives.Step.values()) {
                assertEquals(ArchiveVictim.KILLED, die(step), () -> "at " + step);
                // The service goes on meanwhile.
                agent.send(usage());
                sent++;
                assertEquals(sent, live() + archived(), () -> "after " + step);
                ArchiveCheck.Verdict verdict =
                        new ArchiveCheck(database, vertx).verify(root).await(30, TimeUnit.SECONDS);
                assertEquals(List.of(), verdict.faults(), () -> "after " + step);
                assertEquals(List.of(), RUNNING.differences(), () -> "after " + step);
            }
            assertEquals(BATCHES, archived());
            assertEquals(0, ask("SELECT count(*) FROM pg_class WHERE relname = 'usage_batch_2026_03'"));
        } finally {
            database.close().await(30, TimeUnit.SECONDS);
            vertx.close().await(30, TimeUnit.SECONDS);
        }
    }

    private int die(Archives.Step at) throws IOException, InterruptedException {
        Process victim = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-XX:TieredStopAtLevel=1",
                        "-XX:+UseSerialGC",
                        "-cp",
                        System.getProperty("java.class.path"),
                        ArchiveVictim.class.getName(),
                        RUNNING.database().url(),
                        root.toString(),
                        RUNNING.clock().instant().toString(),
                        at.name())
                .redirectErrorStream(true)
                .start();
        String output = new String(victim.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertTrue(victim.waitFor(60, TimeUnit.SECONDS));
        assertTrue(victim.exitValue() == ArchiveVictim.KILLED, output);
        return victim.exitValue();
    }

    private static long live() throws SQLException {
        return ask("SELECT count(*) FROM usage_batch AS b LEFT JOIN archived_chain AS c USING (enrollment_id, epoch)"
                + " WHERE b.seq > coalesce(c.seq, 0)");
    }

    private static long archived() throws SQLException {
        return ask("SELECT coalesce(sum(batches), 0) FROM evidence_archive");
    }

    private static long ask(String sql) throws SQLException {
        try (Connection connection = RUNNING.database().connect();
                ResultSet rows = connection.createStatement().executeQuery(sql)) {
            rows.next();
            return rows.getLong(1);
        }
    }

    private static MeteringRecord usage() {
        return MeteringRecord.increment("requests", Hours.of(RUNNING.clock().instant()), Quantity.of(2));
    }
}
