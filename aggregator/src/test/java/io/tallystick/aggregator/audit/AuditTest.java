package io.tallystick.aggregator.audit;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.tallystick.aggregator.db.Database;
import io.tallystick.aggregator.db.DatabaseUrl;
import io.tallystick.aggregator.db.Migrations;
import io.tallystick.common.json.Json;
import io.tallystick.testkit.TestDatabase;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import java.time.Clock;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class AuditTest {
    @RegisterExtension
    static final TestDatabase DB = TestDatabase.migratedBy(url -> new Migrations(DatabaseUrl.parse(url)).migrate());

    private final Vertx vertx = Vertx.vertx();
    private final Audit audit = new Audit(Clock.fixed(Instant.parse("2026-03-10T09:30:00.123456789Z"), ZoneOffset.UTC));
    private Database database = Database.open(vertx, DatabaseUrl.parse("postgresql://u@h/d"), 1);

    @BeforeEach
    void threeEvents() {
        database = Database.open(vertx, DatabaseUrl.parse(DB.url()), TestDatabase.POOL_SIZE);
        DB.execute("SET session_replication_role = replica; DELETE FROM audit_event;"
                + " UPDATE audit_head SET seq = 0, hash = decode(repeat('00', 32), 'hex')");
        for (int i = 1; i <= 3; i++) {
            append("thing-" + i);
        }
    }

    @AfterEach
    void close() throws Exception {
        database.close().await(10, TimeUnit.SECONDS);
        vertx.close().await(10, TimeUnit.SECONDS);
    }

    private static <T> T await(Future<T> future) {
        try {
            return future.await(20, TimeUnit.SECONDS);
        } catch (java.util.concurrent.TimeoutException e) {
            throw new AssertionError(e);
        }
    }

    private void append(String subject) {
        await(database.transactor()
                .inTx(tx -> audit.append(
                        tx,
                        new AuditEvent.Change(
                                "token:t", "thing.change", subject, null, Json.object("b", 1, "a", "é\"")))));
    }

    private Audit.Verdict verify() {
        return await(audit.verify(database.reads()));
    }

    /** As someone with the database's superuser and the triggers switched off would. */
    private void tamper(String sql) {
        DB.execute("SET session_replication_role = replica; " + sql);
    }

    @Test
    void anUntouchedLogHolds() {
        Audit.Verdict verdict = verify();
        assertEquals(Optional.empty(), verdict.fault());
        assertEquals(3, verdict.events());
        List<AuditEvent> events = await(audit.read(database.reads(), 0, 10));
        assertEquals(verdict.head(), events.get(2).hash());
        assertEquals(Optional.of("{\"b\":1,\"a\":\"é\\\"\"}"), events.get(0).afterJson());
        assertEquals(Instant.parse("2026-03-10T09:30:00.123456Z"), events.get(0).at());
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "UPDATE audit_event SET actor = 'cli' WHERE seq = 2 | event 2 was changed",
                "UPDATE audit_event SET at = at + interval '1 microsecond' WHERE seq = 2 | event 2 was changed",
                "UPDATE audit_event SET after_json = '{\"b\":1, \"a\":\"é\\\"\"}' WHERE seq = 2 | event 2 was changed",
                "UPDATE audit_event SET before_json = '{}' WHERE seq = 2 | event 2 was changed",
                "DELETE FROM audit_event WHERE seq = 2 | event 2 is missing",
                "DELETE FROM audit_event WHERE seq = 1 | event 1 is missing",
                "DELETE FROM audit_event WHERE seq = 3 | the head names event 3, the log ends at 2",
                "UPDATE audit_event SET prev_hash = decode(repeat('01', 32), 'hex') WHERE seq = 2"
                        + " | event 2 does not follow the one before it",
                "INSERT INTO audit_event SELECT 4, at, actor, action, subject, before_json, after_json, hash, hash"
                        + " FROM audit_event WHERE seq = 3 | event 4 is in the log and not in the chain",
                "INSERT INTO audit_event SELECT 0, at, actor, action, subject, before_json, after_json, hash, hash"
                        + " FROM audit_event WHERE seq = 3 | event 0 is in the log and not in the chain",
                "UPDATE audit_event SET seq = seq + 10 WHERE seq > 1; UPDATE audit_event SET seq = seq - 9 WHERE seq >"
                        + " 1; INSERT INTO audit_event SELECT 2, at, actor, 'slipped.in', subject, before_json,"
                        + " after_json, prev_hash, hash FROM audit_event WHERE seq = 1; UPDATE audit_head SET seq = 4 |"
                        + " event 2 does not follow the one before it",
                "UPDATE audit_head SET hash = decode(repeat('01', 32), 'hex')"
                        + " | the head names event 3, the log ends at 3",
            })
    void tamperingIsFound(String sql, String fault) {
        tamper(sql);
        assertEquals(Optional.of(fault), verify().fault());
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "UPDATE audit_event SET actor = 'x'",
                "DELETE FROM audit_event",
                "TRUNCATE audit_event",
            })
    void theTableRefusesChange(String sql) {
        IllegalStateException refused = assertThrows(IllegalStateException.class, () -> DB.execute(sql));
        assertTrue(String.valueOf(refused.getCause()).contains("append-only"), sql);
        assertEquals(Optional.empty(), verify().fault());
    }

    @Test
    void concurrentAppendsMakeOneChain() {
        List<Future<Void>> all = IntStream.range(0, 40)
                .mapToObj(i -> database.transactor()
                        .inTx(tx -> audit.append(
                                tx, new AuditEvent.Change("cli", "thing.change", "thing-" + i, null, null))))
                .toList();
        await(Future.join(all));
        Audit.Verdict verdict = verify();
        assertEquals(Optional.empty(), verdict.fault());
        assertEquals(43, verdict.events());
    }

    @Test
    void aRolledBackChangeLeavesNoEvent() {
        await(database.transactor()
                .inTx(tx -> audit.append(tx, new AuditEvent.Change("cli", "a", "s", null, null))
                        .compose(done -> Future.<Void>failedFuture(new IllegalStateException("no"))))
                .recover(e -> Future.succeededFuture()));
        assertEquals(3, verify().events());
    }

    /** More events than are read at once. */
    @Test
    void aLongLogIsCheckedInPieces() {
        Future<Void> all = Future.succeededFuture();
        for (int i = 0; i < 11; i++) {
            all = all.compose(done -> database.transactor().inTx(tx -> {
                Future<Void> hundred = Future.succeededFuture();
                for (int j = 0; j < 100; j++) {
                    hundred =
                            hundred.compose(ok -> audit.append(tx, new AuditEvent.Change("cli", "a", "s", null, null)));
                }
                return hundred;
            }));
        }
        await(all);
        assertEquals(1103, verify().events());
        tamper("UPDATE audit_event SET action = 'b' WHERE seq = 1050");
        assertEquals(Optional.of("event 1050 was changed"), verify().fault());
    }
}
