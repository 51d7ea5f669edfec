package io.tallystick.agent.store;

import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;

/**
 * Usage in a state file that no agent works with and that the aggregator has not acknowledged.
 *
 * @param pendingSums sums and write-once records not yet in a batch
 * @param unsentBatches batches without a receipt
 */
public record Leftover(long pendingSums, long unsentBatches) {
    public static final Leftover NONE = new Leftover(0, 0);

    public boolean isEmpty() {
        return pendingSums == 0 && unsentBatches == 0;
    }

    public Leftover plus(Leftover other) {
        return new Leftover(pendingSums + other.pendingSums, unsentBatches + other.unsentBatches);
    }

    /** Reads a state file; the caller holds its folder's lock. */
    public static Leftover of(Path database) throws SQLException {
        try (Connection c = DriverManager.getConnection("jdbc:sqlite:" + database);
                Statement s = c.createStatement()) {
            if (number(s, "SELECT count(*) FROM sqlite_master WHERE name IN ('pending', 'batch')") < 2) {
                return NONE;
            }
            // Files of older agents have no table of write-once records.
            boolean slots = number(s, "SELECT count(*) FROM sqlite_master WHERE name = 'slot_pending'") > 0;
            return new Leftover(
                    number(s, "SELECT count(*) FROM pending")
                            + (slots ? number(s, "SELECT count(*) FROM slot_pending") : 0),
                    number(s, "SELECT count(*) FROM batch WHERE acked IS NULL"));
        }
    }

    private static long number(Statement s, String sql) throws SQLException {
        try (ResultSet r = s.executeQuery(sql)) {
            return r.next() ? r.getLong(1) : 0;
        }
    }
}
