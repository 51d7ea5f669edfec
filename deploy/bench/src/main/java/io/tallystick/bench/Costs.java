package io.tallystick.bench;

import java.io.IOException;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;

/**
 * What the parts of a run have used so far: of the processors, in seconds, and of PostgreSQL's log and disk, in bytes. Unlike
 * rates these hardly depend on what else the machine does. Only differences mean something.
 *
 * @param client this process, which sends
 * @param database all of PostgreSQL's processes
 */
record Costs(double client, double service, double database, long walBytes, long diskBytes) {
    static Costs of(Service service) throws SQLException, IOException {
        try (Connection connection = DriverManager.getConnection(service.jdbcUrl());
                Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery("SELECT (pg_current_wal_insert_lsn() - '0/0')::bigint,"
                        + " pg_database_size(current_database())")) {
            row.next();
            return new Costs(
                    Processors.secondsOf(ProcessHandle.current().pid()),
                    Processors.secondsOf(service.pid()),
                    Processors.secondsOfFamily(service.databasePid()),
                    row.getLong(1),
                    row.getLong(2));
        }
    }

    Costs since(Costs before) {
        return new Costs(
                client - before.client,
                service - before.service,
                database - before.database,
                walBytes - before.walBytes,
                diskBytes - before.diskBytes);
    }

    /** Microseconds of processor time for each of so many. */
    static double microsEach(double seconds, long of) {
        return seconds * 1e6 / of;
    }
}
