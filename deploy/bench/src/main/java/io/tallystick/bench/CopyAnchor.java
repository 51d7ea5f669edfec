package io.tallystick.bench;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Instant;
import java.util.UUID;
import org.postgresql.PGConnection;

/**
 * The anchor: one {@code COPY}, in one transaction, of plain rows into a bare logged table with a primary key, in the
 * server the service uses. What a bulk loader that checks nothing and acknowledges once would get.
 */
final class CopyAnchor {
    private static final int BUFFER_BYTES = 1 << 16;

    private final String jdbcUrl;

    CopyAnchor(String jdbcUrl) {
        this.jdbcUrl = jdbcUrl;
    }

    /** Rows a second, from the start of the COPY to the end of its commit. The rows are made before. */
    double rowsPerSecond(int rows, int senders, Instant hour) throws SQLException, IOException {
        byte[] data = rows(rows, senders, hour);
        try (Connection connection = DriverManager.getConnection(jdbcUrl)) {
            try (Statement statement = connection.createStatement()) {
                statement.execute("DROP TABLE IF EXISTS bench_copy");
                statement.execute("CREATE TABLE bench_copy (enrollment_id uuid NOT NULL, seq bigint NOT NULL,"
                        + " dimension integer NOT NULL, hour timestamptz NOT NULL, quantity numeric(38, 9) NOT NULL,"
                        + " PRIMARY KEY (enrollment_id, seq))");
                statement.execute("CHECKPOINT");
            }
            long start = System.nanoTime();
            long copied = connection
                    .unwrap(PGConnection.class)
                    .getCopyAPI()
                    .copyIn("COPY bench_copy FROM STDIN", new ByteArrayInputStream(data), BUFFER_BYTES);
            double seconds = (System.nanoTime() - start) / 1e9;
            if (copied != rows) {
                throw new IllegalStateException("COPY took " + copied + " rows, not " + rows);
            }
            try (Statement statement = connection.createStatement()) {
                statement.execute("DROP TABLE bench_copy");
                statement.execute("CHECKPOINT");
            }
            return rows / seconds;
        }
    }

    private static byte[] rows(int rows, int senders, Instant hour) {
        ByteArrayOutputStream out = new ByteArrayOutputStream(rows * 90);
        for (int i = 0; i < rows; i++) {
            String row = new UUID(0x1234567890abcdefL, i % senders) + "\t" + i / senders + "\t" + i % 5 + "\t" + hour
                    + "\t" + (i % 20 + 1) + "\n";
            out.writeBytes(row.getBytes(StandardCharsets.US_ASCII));
        }
        return out.toByteArray();
    }
}
