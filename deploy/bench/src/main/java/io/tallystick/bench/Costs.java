package io.tallystick.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.stream.Stream;

/**
 * What the parts of a run have used of the processors so far, and what PostgreSQL wrote to its log. Unlike rates these hardly
 * depend on what else the machine does. The kernel counts in hundredths of a second.
 *
 * @param client this process, which sends
 * @param database PostgreSQL's processes that are alive
 * @param walBytes a place in the log: only differences mean something
 */
record Costs(Duration client, Duration service, Duration database, long walBytes) {
    static Costs of(Service service) throws SQLException, IOException {
        try (Connection connection = DriverManager.getConnection(service.jdbcUrl());
                Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery(
                        "SELECT current_setting('data_directory'), (pg_current_wal_insert_lsn() - '0/0')::bigint")) {
            row.next();
            long server = Long.parseLong(Files.readAllLines(Path.of(row.getString(1), "postmaster.pid"))
                    .get(0)
                    .strip());
            Duration database = ProcessHandle.of(server).stream()
                    .flatMap(p -> Stream.concat(Stream.of(p), p.descendants()))
                    .map(Costs::used)
                    .reduce(Duration.ZERO, Duration::plus);
            return new Costs(used(ProcessHandle.current()), used(service.process()), database, row.getLong(2));
        }
    }

    private static Duration used(ProcessHandle process) {
        return process.info().totalCpuDuration().orElse(Duration.ZERO);
    }

    Costs since(Costs before) {
        return new Costs(
                client.minus(before.client),
                service.minus(before.service),
                database.minus(before.database),
                walBytes - before.walBytes);
    }

    /** Microseconds of processor time for each of so many. */
    static double microsEach(Duration used, long of) {
        return used.toNanos() / 1e3 / of;
    }
}
