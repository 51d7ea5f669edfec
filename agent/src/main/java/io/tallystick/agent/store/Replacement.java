package io.tallystick.agent.store;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Optional;
import java.util.logging.Level;
import java.util.logging.Logger;
import org.sqlite.SQLiteErrorCode;
import org.sqlite.SQLiteException;

/**
 * A state file that belongs to another instance gives way to one of this instance: the one that this instance left here
 * before, where its disk comes back, or a fresh one.
 *
 * @param aside the name given to the other instance's file
 * @param back the name that this instance's file had, where it goes on with it
 */
public record Replacement(String aside, Optional<String> back) {
    /** Under this the file that follows one set aside knows whose that was. */
    public static final String COPIED_FROM = "copied-from";

    private static final Logger LOG = Logger.getLogger(Replacement.class.getName());

    /** How the state file is opened. */
    @FunctionalInterface
    interface Opener {
        Connection open(Path file) throws SQLException;
    }

    /**
     * Puts this instance's file in the place of the open one, which it closes. What this run kept, and what earlier runs of this
     * boot did that never learnt the instance, moves along.
     *
     * @param open of the other instance's file
     * @param old the id of the other instance
     * @param found what names this instance in its file; its id ends it
     */
    static Replacement make(
            StateFolder folder, Opener opener, Connection open, String run, String old, String found, String boot)
            throws SQLException, IOException {
        Path next = folder.createNext();
        Optional<String> back = bringBack(folder, opener, next, run, found);
        opener.open(next).close();
        moveAlong(open, next, run, old, boot);
        open.close();
        Path aside = folder.replace(old);
        if (back.isPresent()) {
            delete(folder.dir().resolve(back.get()));
        }
        return new Replacement(aside.getFileName().toString(), back);
    }

    /** Where it stays after all, or a crash leaves it there, whoever looks at it finds this instance's own key in it. */
    private static void delete(Path file) {
        try {
            Files.delete(file);
        } catch (IOException e) {
            LOG.log(Level.WARNING, "what is in use again stays beside: " + file, e);
        }
    }

    /** Copies what this instance left here to {@code next}; empty where it left nothing that can be read. */
    private static Optional<String> bringBack(StateFolder folder, Opener opener, Path next, String run, String found)
            throws SQLException, IOException {
        Optional<String> left = folder.lastSetAside(found.substring(found.lastIndexOf('/') + 1));
        if (left.isEmpty()) {
            return left;
        }
        Path file = folder.dir().resolve(left.get());
        try {
            if (!ownersOnly(opener, file, run, found)) {
                return Optional.empty();
            }
            // Another connection: the statements of the first are still prepared.
            try (Connection c = opener.open(file);
                    Statement s = c.createStatement()) {
                s.execute("VACUUM INTO '" + quoted(next.toString()) + "'");
            }
            return left;
        } catch (SQLException e) {
            if (!isDamaged(opener, file)) {
                throw new SQLException(
                        "no copy can be made of " + file + ", which is this VM's own, of " + Files.size(file)
                                + " bytes: the next start tries again",
                        e);
            }
            // A fresh key has to be admitted then, as after a reinstallation; the file stays where it is.
            LOG.log(Level.WARNING, "this VM's own file " + left.get() + " cannot be gone on with", e);
            folder.createNext();
            return Optional.empty();
        }
    }

    /** By a look of its own: what failed once may have been the disk, or the copy. */
    private static boolean isDamaged(Opener opener, Path file) throws SQLException {
        try (Connection c = opener.open(file);
                Statement s = c.createStatement();
                ResultSet found = s.executeQuery("PRAGMA quick_check(1)")) {
            return !found.next() || !found.getString(1).equals("ok");
        } catch (SQLiteException e) {
            if (e.getResultCode() == SQLiteErrorCode.SQLITE_CORRUPT
                    || e.getResultCode() == SQLiteErrorCode.SQLITE_NOTADB) {
                return true;
            }
            throw e;
        }
    }

    /** Leaves what is this instance's in its file, as if it had never been set aside; false where it is not its file. */
    private static boolean ownersOnly(Opener opener, Path file, String run, String found) throws SQLException {
        try (Connection c = opener.open(file);
                Statement s = c.createStatement()) {
            Tx tx = new Tx(c, run);
            if (!tx.meta("instance").equals(Optional.of(found))) {
                return false;
            }
            s.execute("BEGIN IMMEDIATE");
            Unclaimed.keepApart(tx);
            tx.meta(Unclaimed.BOOT, null);
            tx.change("DELETE FROM meta WHERE k LIKE 'remainder%'");
            s.execute("COMMIT");
            return true;
        }
    }

    private static void moveAlong(Connection open, Path next, String run, String old, String boot) throws SQLException {
        try (Statement s = open.createStatement()) {
            s.execute("ATTACH DATABASE '" + quoted(next.toString()) + "' AS fresh");
            String mine = "(SELECT id FROM main.run WHERE id = '" + run + "' OR (instance = '' AND boot = '"
                    + quoted(boot) + "'))";
            s.execute("BEGIN IMMEDIATE");
            s.execute(moved("run", "id, boot, instance, began", " WHERE id IN " + mine));
            s.execute(
                    moved("pending", "run, product, dimension, boot, bucket, tags, quantity", " WHERE run IN " + mine));
            s.execute(moved("boot", "id, wall0", " WHERE id = '" + quoted(boot) + "'"));
            s.execute(moved("idem", "key, hash, at, run", " WHERE run IN " + mine));
            s.execute(moved("hour_kind", "product, dimension, hour, slot, run", " WHERE run IN " + mine));
            s.execute(moved(
                    "slot_pending", "product, dimension, hour, slot, quantity, parts, run", " WHERE run IN " + mine));
            s.execute(moved("client_token", "token, slot, at, run", " WHERE run IN " + mine));
            s.execute(set("fresh", COPIED_FROM, old));
            s.execute(set("main", Unclaimed.BOOT, boot));
            // Not deleted from the old file: two files commit one after the other, and a crash between must lose
            // nothing. Runs without an instance in a file set aside are not that instance's.
            s.execute("COMMIT");
            emptyLog(s, "fresh");
            emptyLog(s, "main");
            s.execute("DETACH DATABASE fresh");
        }
        if (Files.exists(StateFolder.logOf(next))) {
            throw new SQLException("the log of " + next + " is still there once it is closed");
        }
    }

    /**
     * Moves what the log holds into the file, on disk: the file is renamed without its log. Closing does so too, and says
     * nothing where it fails.
     */
    private static void emptyLog(Statement s, String database) throws SQLException {
        try (ResultSet done = s.executeQuery("PRAGMA " + database + ".wal_checkpoint(TRUNCATE)")) {
            if (!done.next() || done.getInt("busy") != 0) {
                throw new SQLException("the log of " + database + " cannot be emptied: it is in use");
            }
        }
    }

    /**
     * Columns by name: the old file may have been written by an agent one version newer, which has more. What this instance's own
     * file has already stays: a key that was used, an hour that was written.
     */
    private static String moved(String table, String columns, String where) {
        return "INSERT OR IGNORE INTO fresh." + table + " (" + columns + ") SELECT " + columns + " FROM main." + table
                + where;
    }

    private static String set(String database, String key, String value) {
        return "INSERT OR REPLACE INTO " + database + ".meta (k, v) VALUES ('" + key + "', '" + quoted(value) + "')";
    }

    private static String quoted(String text) {
        return text.replace("'", "''");
    }
}
