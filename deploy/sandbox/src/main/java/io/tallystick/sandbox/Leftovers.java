package io.tallystick.sandbox;

import io.tallystick.testkit.EmbeddedDatabase;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/**
 * The processes of a sandbox that died without stopping them. Found by what they are, not by a list that may be out of
 * date: programs carry the run folder in their environment ({@link Child#MARK}), the database's server in its command
 * line. Call only while holding the folder's lock: then no living sandbox owns them.
 */
public final class Leftovers {
    private static final Set<String> POSTGRESQL = Set.of("postgres", "pg_ctl", "initdb");

    private static final Duration END_PATIENCE = Duration.ofSeconds(10);

    private Leftovers() {}

    /** Stops all of them, programs first; answers what was stopped, for people. */
    public static List<String> stop(RunFolder folder) {
        List<ProcessId> programs = programs(folder.path());
        List<String> stopped = new ArrayList<>();
        programs.forEach(p -> stopped.add(describe(p)));
        end(programs);
        for (ProcessId server : databaseServers(Database.data(folder))) {
            stopped.add("PostgreSQL (process " + server.pid() + ")");
            // A fast shutdown where the server's own pid file names it; by force below where it does not.
            EmbeddedDatabase.stopLeftover(Database.data(folder));
            end(List.of(server));
        }
        return stopped;
    }

    /** The living programs that were started for this run folder, this process excepted. */
    static List<ProcessId> programs(Path folder) {
        String mark = Child.MARK + "=" + folder;
        long self = ProcessHandle.current().pid();
        return ProcessId.all().stream()
                .filter(p -> p.pid() != self)
                .filter(p -> p.environment().contains(mark))
                .toList();
    }

    /** Servers, and programs that are just starting one, whose command line names this data folder. */
    static List<ProcessId> databaseServers(Path data) {
        return ProcessId.all().stream()
                .filter(p -> p.commandLine().contains(data.toString()))
                .filter(p -> POSTGRESQL.contains(
                        Path.of(p.commandLine().get(0)).getFileName().toString()))
                .toList();
    }

    private static void end(List<ProcessId> processes) {
        processes.forEach(p -> p.end(false));
        if (!Await.until(END_PATIENCE, () -> processes.stream().noneMatch(ProcessId::isAlive))) {
            processes.forEach(p -> p.end(true));
            if (!Await.until(END_PATIENCE, () -> processes.stream().noneMatch(ProcessId::isAlive))) {
                throw new Trouble("these processes do not end, even killed: " + processes);
            }
        }
    }

    private static String describe(ProcessId p) {
        String main = p.commandLine().stream()
                .filter(word -> word.startsWith("io.tallystick."))
                .findFirst()
                .orElseGet(() -> p.commandLine().stream().findFirst().orElse("?"));
        return main + " (process " + p.pid() + ")";
    }
}
