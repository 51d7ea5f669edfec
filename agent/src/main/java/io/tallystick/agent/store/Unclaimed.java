package io.tallystick.agent.store;

import java.sql.SQLException;
import java.util.List;

/**
 * Usage in a state file that may not be of the VM the file belongs to: that of starts which never learnt whose VM they ran on,
 * and after which none of the owner's came. It is kept apart, so that nobody is billed for it.
 */
public final class Unclaimed {
    /** The boot in which a file was set aside. What starts without a name took in that boot moved along. */
    static final String BOOT = "aside.boot";

    private static final List<String> TABLES = List.of("pending", "slot_pending");

    private Unclaimed() {}

    /** Of a file that was set aside, and is in nobody's use: leaves only the owner's usage in the tables that are cut. */
    public static void keepApart(Tx tx) throws SQLException {
        String owner = tx.meta("instance").orElse("");
        String movedFrom = tx.meta(BOOT).orElse("");
        for (String table : TABLES) {
            tx.change(
                    "DELETE FROM " + table + " WHERE run IN (SELECT id FROM run WHERE instance = '' AND boot = ?)",
                    movedFrom);
            String others = " FROM " + table + " WHERE run IN (SELECT id FROM run WHERE instance <> ?)";
            tx.change("CREATE TABLE IF NOT EXISTS unclaimed_" + table + " AS SELECT * FROM " + table + " WHERE 0");
            tx.change("INSERT INTO unclaimed_" + table + " SELECT *" + others, owner);
            tx.change("DELETE" + others, owner);
        }
    }

    /** Sums and records kept apart. */
    public static long count(Tx tx) throws SQLException {
        long count = 0;
        for (String table : TABLES) {
            boolean there = tx.number("SELECT count(*) FROM sqlite_master WHERE name = ?", "unclaimed_" + table) > 0;
            count += there ? tx.number("SELECT count(*) FROM unclaimed_" + table) : 0;
        }
        return count;
    }
}
