package io.tallystick.testkit;

import io.zonky.test.db.postgres.embedded.EmbeddedPostgres;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.nio.file.attribute.UserPrincipal;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * A PostgreSQL 17 server run from binaries on the class path, with its durable settings on (the library's default turns
 * them off). Works as root and as an ordinary user. It is stopped when this JVM ends; a JVM killed with SIGKILL leaves it
 * running, which is what {@link #stopLeftover} is for.
 */
public final class EmbeddedDatabase implements AutoCloseable {
    /** The superuser; connections over loopback need no password. */
    public static final String USER = "postgres";

    private static final Duration START_MAX = Duration.ofSeconds(60);
    private static final Duration STOP_MAX = Duration.ofSeconds(30);
    private static final Pattern NAME = Pattern.compile("[a-z][a-z0-9_]{0,62}");

    private final EmbeddedPostgres server;

    private EmbeddedDatabase(EmbeddedPostgres server) {
        this.server = server;
    }

    /** What may be chosen; {@link #start} ends it. */
    public static final class Options {
        private Path workFolder = defaultWorkFolder();
        private @Nullable Path dataFolder;
        private int port;
        private boolean durable = true;
        private boolean stopOnExit = true;
        private final Map<String, String> settings = new TreeMap<>();

        private Options() {}

        /** Where the binaries are unpacked (60 MB, kept for the next start). Must not be another user's. */
        public Options workFolder(Path folder) {
            this.workFolder = folder;
            return this;
        }

        /** A data folder that is kept, and used again when it is there. Without one the data goes with the server. */
        public Options dataFolder(Path folder) {
            this.dataFolder = folder;
            return this;
        }

        /** A fixed port; 0, the default, takes a free one. */
        public Options port(int chosen) {
            this.port = chosen;
            return this;
        }

        /** Leaves stopping to the caller, who has clients to stop first when the JVM ends. */
        public Options keepOnExit() {
            this.stopOnExit = false;
            return this;
        }

        /** Switches fsync, full_page_writes and synchronous_commit off, to test that this is refused. */
        public Options notDurable() {
            this.durable = false;
            return this;
        }

        /** A setting of the server's beside those this class makes; without single quotes. */
        public Options setting(String name, String value) {
            if (value.contains("'")) {
                throw new IllegalArgumentException(name + " must not contain single quotes");
            }
            settings.put(name, value);
            return this;
        }

        public EmbeddedDatabase start() {
            String onOff = durable ? "on" : "off";
            EmbeddedPostgres.Builder builder = EmbeddedPostgres.builder()
                    .setOverrideWorkingDirectory(workFolder.toFile())
                    .setPGStartupWait(START_MAX)
                    .setRegisterShutdownHook(stopOnExit)
                    .setServerConfig("fsync", onOff)
                    .setServerConfig("full_page_writes", onOff)
                    .setServerConfig("synchronous_commit", onOff)
                    .setServerConfig("max_connections", "200")
                    .setServerConfig("listen_addresses", "127.0.0.1")
                    .setServerConfig("unix_socket_directories", "");
            // They pass a shell on their way.
            settings.forEach((name, value) -> builder.setServerConfig(name, "'" + value + "'"));
            if (port != 0) {
                builder.setPort(port);
            }
            Path data = dataFolder;
            if (data != null) {
                stopLeftover(data);
                builder.setDataDirectory(data).setCleanDataDirectory(false);
            }
            try {
                Files.createDirectories(workFolder);
                return new EmbeddedDatabase(builder.start());
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }

    public static Options options() {
        return new Options();
    }

    public int port() {
        return server.getPort();
    }

    /** {@code postgresql://postgres@127.0.0.1:port/name}. */
    public String url(String database) {
        return "postgresql://" + USER + "@127.0.0.1:" + port() + "/" + database;
    }

    public String jdbcUrl(String database) {
        return "jdbc:postgresql://127.0.0.1:" + port() + "/" + database + "?user=" + USER;
    }

    /** Makes an empty database unless it is there. */
    public void createDatabase(String name) {
        if (!NAME.matcher(name).matches()) {
            throw new IllegalArgumentException("not a plain database name: " + name);
        }
        try (Connection admin = DriverManager.getConnection(jdbcUrl("postgres"));
                Statement statement = admin.createStatement()) {
            boolean there = statement
                    .executeQuery("SELECT 1 FROM pg_database WHERE datname = '" + name + "'")
                    .next();
            if (!there) {
                statement.execute("CREATE DATABASE " + name);
            }
        } catch (SQLException e) {
            throw new IllegalStateException("cannot create database " + name, e);
        }
    }

    /**
     * Crashes the server and starts it again ({@code pg_ctl -m immediate restart}): every connection breaks, and it
     * recovers from its log. Answers when it takes connections. Only for a server with a data folder of its own.
     */
    public static void crashAndRestart(Path dataFolder) {
        control(dataFolder, "restart", "-m", "immediate", "-w", "-t", Long.toString(START_MAX.toSeconds()));
    }

    /** Crashes the server on this data folder and leaves it down. */
    public static void crash(Path dataFolder) {
        control(dataFolder, "stop", "-m", "immediate", "-w", "-t", Long.toString(STOP_MAX.toSeconds()));
    }

    private static void control(Path dataFolder, String... words) {
        ProcessHandle server =
                serverOf(dataFolder).orElseThrow(() -> new IllegalStateException("no server runs on " + dataFolder));
        try {
            Path program =
                    Path.of("/proc/" + server.pid() + "/exe").toRealPath().resolveSibling("pg_ctl");
            List<String> command = new ArrayList<>();
            if (Files.getOwner(Path.of("/proc/self")).getName().equals("root")) {
                // As it was started: PostgreSQL's programs refuse to run as root.
                command.addAll(List.of("unshare", "-U"));
            }
            command.addAll(List.of(program.toString(), "-D", dataFolder.toString(), "-s", "-l"));
            command.add(dataFolder.resolve("restarts.log").toString());
            command.addAll(List.of(words));
            Process process = new ProcessBuilder(command)
                    .redirectErrorStream(true)
                    .redirectOutput(dataFolder.resolve("pg_ctl.log").toFile())
                    .start();
            if (process.waitFor() != 0) {
                throw new IllegalStateException(
                        command + " failed: " + Files.readString(dataFolder.resolve("pg_ctl.log")));
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        }
    }

    /** Stops the server; its data stays if it has a folder of its own. */
    @Override
    public void close() {
        try {
            server.close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /**
     * Stops the server that a killed process left on this data folder; answers whether there was one. The process in
     * {@code postmaster.pid} is only touched when its command line names this folder, because pids are reused.
     */
    public static boolean stopLeftover(Path dataFolder) {
        Optional<ProcessHandle> leftover = serverOf(dataFolder);
        leftover.ifPresent(process -> {
            // SIGINT is PostgreSQL's fast shutdown; Java can only send SIGTERM, which waits for clients to leave.
            signal(process, "INT");
            if (!ended(process)) {
                signal(process, "QUIT");
                if (!ended(process)) {
                    throw new IllegalStateException("the server on " + dataFolder + " does not stop");
                }
            }
        });
        return leftover.isPresent();
    }

    private static Optional<ProcessHandle> serverOf(Path dataFolder) {
        try {
            Path pidFile = dataFolder.resolve("postmaster.pid");
            if (!Files.exists(pidFile)) {
                return Optional.empty();
            }
            long pid = Long.parseLong(Files.readAllLines(pidFile).get(0).strip());
            Path commandLine = Path.of("/proc/" + pid + "/cmdline");
            if (!Files.exists(commandLine)
                    || !Files.readString(commandLine)
                            .contains(dataFolder.toAbsolutePath().toString())) {
                return Optional.empty();
            }
            return ProcessHandle.of(pid);
        } catch (IOException | NumberFormatException | IndexOutOfBoundsException e) {
            return Optional.empty();
        }
    }

    private static boolean ended(ProcessHandle process) {
        try {
            process.onExit().get(STOP_MAX.toSeconds(), TimeUnit.SECONDS);
            return true;
        } catch (TimeoutException e) {
            return false;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        } catch (java.util.concurrent.ExecutionException e) {
            throw new IllegalStateException(e);
        }
    }

    private static void signal(ProcessHandle process, String signal) {
        try {
            new ProcessBuilder("kill", "-" + signal, Long.toString(process.pid()))
                    .inheritIO()
                    .start()
                    .waitFor();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        }
    }

    /** A folder of this user's in the system's temporary folder; a fresh one if another user took the name. */
    private static Path defaultWorkFolder() {
        Path shared = Path.of(System.getProperty("java.io.tmpdir"));
        Path mine = shared.resolve("tallystick-postgresql-" + System.getProperty("user.name"));
        try {
            if (!Files.exists(mine)) {
                Files.createDirectory(
                        mine, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
            }
            UserPrincipal me = Files.getOwner(Path.of("/proc/self"));
            return !Files.isSymbolicLink(mine) && Files.getOwner(mine).equals(me)
                    ? mine
                    : Files.createTempDirectory(shared, "tallystick-postgresql-");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
