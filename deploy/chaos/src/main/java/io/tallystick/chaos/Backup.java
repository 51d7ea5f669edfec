package io.tallystick.chaos;

import io.tallystick.testkit.EmbeddedDatabase;
import java.io.IOException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.Set;

/**
 * Copies of a running PostgreSQL, as its manual says under "Making a Base Backup Using the Low Level API": between {@code
 * pg_backup_start} and {@code pg_backup_stop} the data folder is copied file by file; the log comes from the archive or
 * the primary.
 */
final class Backup {
    private static final Duration PATIENCE = Duration.ofMinutes(2);
    /** What the manual says not to copy, and what belongs to the process that runs there. */
    private static final Set<String> LEFT_OUT = Set.of(
            "pg_wal",
            "pg_replslot",
            "pg_dynshmem",
            "pg_notify",
            "pg_serial",
            "pg_snapshots",
            "pg_stat_tmp",
            "pg_subtrans");

    private static final Set<String> FILES_LEFT_OUT = Set.of(
            "postmaster.pid",
            "postmaster.opts",
            "epg-lock",
            "backup_label",
            "recovery.signal",
            "standby.signal",
            "restarts.log",
            "pg_ctl.log");

    private Backup() {}

    /** Copies a running server's data into a folder that is not there yet. */
    static void base(EmbeddedDatabase from, Path data, Path to) throws SQLException, IOException {
        try (Connection c = DriverManager.getConnection(from.jdbcUrl("postgres"));
                Statement s = c.createStatement()) {
            s.execute("SELECT pg_backup_start('chaos', true)");
            copy(data, to);
            try (ResultSet stop = s.executeQuery("SELECT labelfile FROM pg_backup_stop(true)")) {
                stop.next();
                Files.writeString(to.resolve("backup_label"), stop.getString(1));
            }
        }
    }

    /** Names this moment and has the log up to it archived. */
    static void restorePoint(EmbeddedDatabase server, String name) throws SQLException {
        try (Connection c = DriverManager.getConnection(server.jdbcUrl("postgres"));
                Statement s = c.createStatement()) {
            s.execute("SELECT pg_create_restore_point('" + name + "')");
            String wal;
            try (ResultSet r = s.executeQuery("SELECT pg_walfile_name(pg_switch_wal())")) {
                r.next();
                wal = r.getString(1);
            }
            long deadline = System.nanoTime() + PATIENCE.toNanos();
            while (true) {
                try (ResultSet r = s.executeQuery(
                        "SELECT coalesce(last_archived_wal >= '" + wal + "', false) FROM pg_stat_archiver")) {
                    r.next();
                    if (r.getBoolean(1)) {
                        return;
                    }
                }
                if (System.nanoTime() - deadline > 0) {
                    throw new IllegalStateException(wal + " is not archived");
                }
                World.pause(Duration.ofMillis(50));
            }
        }
    }

    /** Makes a base backup ready to be started: it recovers up to the named moment and goes on from there. */
    static void recoverTo(Path data, Path archive, String name) throws IOException {
        settings(
                data,
                "restore_command = 'cp " + archive + "/%f \"%p\"'",
                "recovery_target_name = '" + name + "'",
                "recovery_target_timeline = 'current'",
                "recovery_target_action = 'promote'");
        Files.createFile(data.resolve("recovery.signal"));
    }

    /** Makes a base backup ready to be started as an asynchronous standby of this server. */
    static void standBy(Path data, EmbeddedDatabase primary) throws IOException {
        settings(
                data,
                "primary_conninfo = 'host=127.0.0.1 port=" + primary.port() + " user=" + EmbeddedDatabase.USER + "'",
                "recovery_target_timeline = 'latest'");
        Files.createFile(data.resolve("standby.signal"));
    }

    /** Takes the line to its primary away from a standby, which then receives no more. */
    static void cutOff(Path data, EmbeddedDatabase standby) throws IOException {
        settings(data, "recovery_target_timeline = 'latest'");
        World.ask(standby, "SELECT pg_reload_conf()::int");
    }

    /** Waits until a restored server has left recovery and takes writes. */
    static void awaitWritable(EmbeddedDatabase server) {
        long deadline = System.nanoTime() + PATIENCE.toNanos();
        while (World.ask(server, "SELECT pg_is_in_recovery()::int") != 0) {
            if (System.nanoTime() - deadline > 0) {
                throw new IllegalStateException("the restored server does not leave recovery");
            }
            World.pause(Duration.ofMillis(50));
        }
    }

    /** Replaces what an earlier restore of the same line of servers left there. */
    private static void settings(Path data, String... lines) throws IOException {
        Files.writeString(
                data.resolve("postgresql.auto.conf"),
                String.join("\n", lines) + "\n",
                StandardOpenOption.CREATE,
                StandardOpenOption.TRUNCATE_EXISTING);
    }

    private static void copy(Path from, Path to) throws IOException {
        Files.walkFileTree(from, new SimpleFileVisitor<>() {
            @Override
            public FileVisitResult preVisitDirectory(Path dir, BasicFileAttributes attrs) throws IOException {
                Path target = to.resolve(from.relativize(dir).toString());
                Files.createDirectories(target);
                Files.setPosixFilePermissions(target, Files.getPosixFilePermissions(dir));
                if (from.equals(dir.getParent())
                        && LEFT_OUT.contains(dir.getFileName().toString())) {
                    if (dir.endsWith("pg_wal")) {
                        Files.createDirectories(target.resolve("archive_status"));
                    }
                    return FileVisitResult.SKIP_SUBTREE;
                }
                return FileVisitResult.CONTINUE;
            }

            @Override
            public FileVisitResult visitFile(Path file, BasicFileAttributes attrs) throws IOException {
                if (!FILES_LEFT_OUT.contains(file.getFileName().toString())) {
                    try {
                        Files.copy(file, to.resolve(from.relativize(file).toString()));
                    } catch (NoSuchFileException e) {
                        // Files come and go while the server works; recovery knows.
                    }
                }
                return FileVisitResult.CONTINUE;
            }

            @Override
            public FileVisitResult visitFileFailed(Path file, IOException e) throws IOException {
                if (e instanceof NoSuchFileException) {
                    return FileVisitResult.CONTINUE;
                }
                throw e;
            }
        });
    }
}
