package io.tallystick.agent.store;

import io.tallystick.common.jose.Jws;
import io.tallystick.common.jose.Typ;
import io.tallystick.common.wire.Batch;
import io.tallystick.common.wire.MeteringRecord;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;

/**
 * The tables; {@code user_version} names what is there. A version only adds, and what it adds must be what the version
 * before can do without and may have left out in rows it wrote: so an agent can be taken back by one version and forward
 * again with its state.
 */
final class Schema {
    private static final int VERSION = 3;

    private static final List<String> TABLES = List.of(
            "CREATE TABLE meta (k TEXT PRIMARY KEY, v TEXT NOT NULL) WITHOUT ROWID",
            // One start of the process. instance is empty until the metadata service named it.
            "CREATE TABLE run (id TEXT PRIMARY KEY, boot TEXT NOT NULL, instance TEXT NOT NULL) WITHOUT ROWID",
            // The wall clock at uptime 0 of boots that had no trusted time, milliseconds since 1970.
            "CREATE TABLE boot (id TEXT PRIMARY KEY, wall0 INTEGER NOT NULL) WITHOUT ROWID",
            "CREATE TABLE pending (run TEXT NOT NULL, product TEXT NOT NULL, dimension TEXT NOT NULL,"
                    + " boot TEXT NOT NULL, bucket INTEGER NOT NULL, tags TEXT NOT NULL, quantity TEXT NOT NULL,"
                    + " PRIMARY KEY (run, product, dimension, boot, bucket, tags)) WITHOUT ROWID",
            // acked: milliseconds since 1970, null while not acknowledged. origin: 'own', or 'fetched' for a batch of a
            // timeline this state was rolled back from.
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
            "CREATE TABLE issuer_key (kid TEXT PRIMARY KEY, x TEXT NOT NULL) WITHOUT ROWID");

    /** Since 2: the kind of record an hour belongs to, and the write-once records of the AWS door. */
    private static final List<String> SLOTS = List.of(
            // slot is empty for an hour of increments, which is as durable as their sums and outlives them.
            "CREATE TABLE hour_kind (product TEXT NOT NULL, dimension TEXT NOT NULL, hour INTEGER NOT NULL,"
                    + " slot TEXT NOT NULL, run TEXT NOT NULL, PRIMARY KEY (product, dimension, hour)) WITHOUT ROWID",
            "CREATE TABLE slot_pending (product TEXT NOT NULL, dimension TEXT NOT NULL, hour INTEGER NOT NULL,"
                    + " slot TEXT NOT NULL, quantity TEXT NOT NULL, parts TEXT NOT NULL, run TEXT NOT NULL,"
                    + " PRIMARY KEY (product, dimension, hour)) WITHOUT ROWID",
            // at: seconds since 1970.
            "CREATE TABLE client_token (token TEXT PRIMARY KEY, slot TEXT NOT NULL, at INTEGER NOT NULL,"
                    + " run TEXT NOT NULL) WITHOUT ROWID",
            "CREATE INDEX client_token_at ON client_token (at)",
            "INSERT OR IGNORE INTO hour_kind (product, dimension, hour, slot, run)"
                    + " SELECT product, dimension, bucket, '', run FROM pending WHERE boot = ''");

    /**
     * Since 3: when a start began, milliseconds since 1970; negative by the machine's clock alone, which the aggregator did not
     * confirm while it ran; 0 where it is not known, or an agent without this wrote the row.
     */
    private static final String BEGINNINGS = "ALTER TABLE run ADD COLUMN began INTEGER NOT NULL DEFAULT 0";

    private Schema() {}

    static void prepare(Connection c) throws SQLException {
        try (Statement s = c.createStatement()) {
            int version;
            try (ResultSet r = s.executeQuery("PRAGMA user_version")) {
                version = r.next() ? r.getInt(1) : 0;
            }
            if (version > VERSION + 1) {
                throw new SQLException(
                        "the state was written by a newer agent (schema " + version + "), this one knows " + VERSION);
            }
            if (version < VERSION) {
                s.execute("BEGIN IMMEDIATE");
                for (String statement : version < 1 ? TABLES : List.<String>of()) {
                    s.execute(statement);
                }
                if (version < 2) {
                    for (String statement : SLOTS) {
                        s.execute(statement);
                    }
                    noteHoursOfBatches(c);
                }
                s.execute(BEGINNINGS);
                s.execute("PRAGMA user_version = " + VERSION);
                s.execute("COMMIT");
            }
        }
    }

    /** What an agent that knew no slots has cut already: those hours belong to increments. */
    private static void noteHoursOfBatches(Connection c) throws SQLException {
        try (Statement s = c.createStatement();
                ResultSet rows = s.executeQuery("SELECT jws FROM batch");
                PreparedStatement note = c.prepareStatement(
                        "INSERT OR IGNORE INTO hour_kind (product, dimension, hour, slot, run) VALUES (?, ?, ?,"
                                + " '', '')")) {
            while (rows.next()) {
                Batch batch = Batch.parse(
                        Jws.parseCompact(rows.getString(1), Typ.BATCH).payload());
                for (MeteringRecord r : batch.records()) {
                    note.setString(1, r.product().orElse(""));
                    note.setString(2, r.dimension());
                    note.setLong(3, r.hour().getEpochSecond());
                    note.executeUpdate();
                }
            }
        }
    }
}
