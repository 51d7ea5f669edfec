package io.tallystick.agent.store;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.tallystick.common.error.ErrorCode;
import io.tallystick.common.error.Failure;
import io.tallystick.common.jose.Ed25519;
import io.tallystick.common.jose.Jws;
import io.tallystick.common.jose.Typ;
import io.tallystick.common.model.EnrollmentId;
import io.tallystick.common.model.Hash;
import io.tallystick.common.model.Quantity;
import io.tallystick.common.model.Tags;
import io.tallystick.common.wire.Batch;
import io.tallystick.common.wire.MeteringRecord;
import java.nio.file.Path;
import java.security.KeyPairGenerator;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.Statement;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Which kind of record an hour belongs to, as the state file knows it. */
class SlotRecordTest {
    private static final Instant HOUR = Instant.parse("2026-03-01T09:00:00Z");

    @TempDir
    @SuppressWarnings("NullAway.Init")
    Path dir;

    private static SlotRecord slot(String dimension, String id) {
        return new SlotRecord(
                new HourKey("", dimension, HOUR.getEpochSecond()),
                "code-a",
                id,
                Quantity.of(3),
                List.of(
                        new MeteringRecord.Allocation(Quantity.of(2), Tags.of(Map.of("a", "\"x\""))),
                        new MeteringRecord.Allocation(Quantity.ONE, Tags.NONE)));
    }

    private static ErrorCode refusal(Store store, SlotRecord slot) {
        return assertThrows(Failure.class, () -> take(store, slot)).code();
    }

    private static String take(Store store, SlotRecord slot) {
        return Store.join(store.usage(tx -> {
            slot.take(tx, Optional.empty(), Optional.empty(), 0);
            return slot.id();
        }));
    }

    private static Increment increment(String product, String dimension, String boot) {
        SumKey key = new SumKey(product, dimension, boot, boot.isEmpty() ? HOUR.getEpochSecond() : 5, "");
        return new Increment("", Map.of(key, Quantity.ONE), Optional.empty(), Hash.NONE);
    }

    private static Increment add(Store store, Increment increment) {
        return Store.join(store.usage(tx -> {
            Increment.addAll(tx, List.of(increment), Optional.empty(), 0);
            return increment;
        }));
    }

    @Test
    void theFirstKindHasTheHourWhateverNameItsProductGoesBy() throws Exception {
        try (StateFolder folder = StateFolder.open(dir.resolve("state"));
                Store store = new Store(folder, "a", 64, cause -> {})) {
            take(store, slot("users", "id-1"));
            assertEquals("id-1", take(store, slot("users", "id-1")));
            assertEquals(ErrorCode.SLOT_TAKEN, refusal(store, slot("users", "id-2")));
            for (String product : List.of("", "code-a")) {
                Failure f = assertThrows(Failure.class, () -> add(store, increment(product, "users", "")));
                assertEquals(ErrorCode.KIND_TAKEN, f.code());
            }
            assertEquals(
                    slot("users", "id-1").toWire(),
                    store.call(tx -> SlotRecord.pending(tx, 9)).get(0).toWire());
            // Named by its code, before the agent knew that it is the only one.
            add(store, increment("code-a", "hosts", ""));
            assertEquals(ErrorCode.KIND_TAKEN, refusal(store, slot("hosts", "id-3")));
            // Taken before the time was known: nobody can say yet whose hour it is.
            add(store, increment("", "data", "boot-1"));
            assertEquals(ErrorCode.UNAVAILABLE, refusal(store, slot("data", "id-4")));
            store.call(tx -> tx.change("DELETE FROM pending WHERE boot <> ''"));
            take(store, slot("data", "id-4"));
            store.call(tx -> {
                slot("data", "id-4").release(tx);
                return tx;
            });
            take(store, slot("data", "id-5"));
        }
    }

    /** What agents made before they knew slots. */
    private static final List<String> FIRST_SCHEMA = List.of(
            "CREATE TABLE meta (k TEXT PRIMARY KEY, v TEXT NOT NULL) WITHOUT ROWID",
            "CREATE TABLE run (id TEXT PRIMARY KEY, boot TEXT NOT NULL, instance TEXT NOT NULL) WITHOUT ROWID",
            "CREATE TABLE boot (id TEXT PRIMARY KEY, wall0 INTEGER NOT NULL) WITHOUT ROWID",
            "CREATE TABLE pending (run TEXT NOT NULL, product TEXT NOT NULL, dimension TEXT NOT NULL,"
                    + " boot TEXT NOT NULL, bucket INTEGER NOT NULL, tags TEXT NOT NULL, quantity TEXT NOT NULL,"
                    + " PRIMARY KEY (run, product, dimension, boot, bucket, tags)) WITHOUT ROWID",
            "CREATE TABLE batch (epoch INTEGER NOT NULL, seq INTEGER NOT NULL, hash TEXT NOT NULL, prev TEXT NOT NULL,"
                    + " records INTEGER NOT NULL, cut INTEGER NOT NULL, acked INTEGER, origin TEXT NOT NULL,"
                    + " jws TEXT NOT NULL, PRIMARY KEY (epoch, seq))",
            "CREATE INDEX batch_unsent ON batch (epoch, seq) WHERE acked IS NULL",
            "CREATE TABLE receipt (epoch INTEGER NOT NULL, seq INTEGER NOT NULL, received INTEGER NOT NULL,"
                    + " jws TEXT NOT NULL, PRIMARY KEY (epoch, seq)) WITHOUT ROWID",
            "CREATE TABLE quarantine (epoch INTEGER NOT NULL, seq INTEGER NOT NULL, idx INTEGER NOT NULL,"
                    + " code TEXT NOT NULL, detail TEXT NOT NULL, record TEXT NOT NULL, at INTEGER NOT NULL,"
                    + " PRIMARY KEY (epoch, seq, idx)) WITHOUT ROWID",
            "CREATE TABLE idem (key TEXT PRIMARY KEY, hash BLOB NOT NULL, at INTEGER NOT NULL,"
                    + " run TEXT NOT NULL) WITHOUT ROWID",
            "CREATE INDEX idem_at ON idem (at)",
            "CREATE TABLE issuer_key (kid TEXT PRIMARY KEY, x TEXT NOT NULL) WITHOUT ROWID",
            "PRAGMA user_version = 1");

    @Test
    void aStateThatKnewNoSlotsLearnsItsHoursFromWhatItHolds() throws Exception {
        try (StateFolder folder = StateFolder.open(dir.resolve("state"))) {
            try (Connection c = DriverManager.getConnection("jdbc:sqlite:" + folder.database());
                    Statement s = c.createStatement()) {
                for (String statement : FIRST_SCHEMA) {
                    s.execute(statement);
                }
                s.execute("INSERT INTO pending VALUES ('old', '', 'pending', '', " + HOUR.getEpochSecond()
                        + ", '', '1')");
                Batch batch = new Batch(1, 1, Hash.NONE, List.of(MeteringRecord.increment("sent", HOUR, Quantity.ONE)));
                Jws jws = Jws.sign(
                        Jws.Header.enrollment(
                                Typ.BATCH,
                                "https://aggregator.example/v1/enrollments/x/batches",
                                EnrollmentId.of("aws", "123456789012", "i-0123456789abcdef0")
                                        .toString(),
                                HOUR),
                        batch.toBytes(),
                        Ed25519.signer(KeyPairGenerator.getInstance("Ed25519")
                                .generateKeyPair()
                                .getPrivate()));
                try (PreparedStatement p =
                        c.prepareStatement("INSERT INTO batch VALUES (1, 1, 'h', 'p', 1, 0, NULL, 'own', ?)")) {
                    p.setString(1, jws.compact());
                    p.executeUpdate();
                }
            }
            try (Store store = new Store(folder, "a", 64, cause -> {})) {
                assertEquals(ErrorCode.KIND_TAKEN, refusal(store, slot("pending", "id-1")));
                assertEquals(ErrorCode.KIND_TAKEN, refusal(store, slot("sent", "id-2")));
                take(store, slot("free", "id-3"));
                assertEquals(
                        1,
                        store.call(tx -> tx.number("SELECT count(*) FROM pending"))
                                .intValue());
                assertEquals(
                        1,
                        store.call(tx -> tx.number("SELECT count(*) FROM batch"))
                                .intValue());
            }
            try (Store again = new Store(folder, "b", 64, cause -> {})) {
                assertEquals(ErrorCode.SLOT_TAKEN, refusal(again, slot("free", "id-4")));
            }
        }
    }
}
