package io.tallystick.sandbox;

import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * The processes of a sandbox that died without stopping them. Found by what they are, not by a list that may be out of
 * date: programs carry the run folder in their environment ({@link Child#MARK}), the database's server in its command
 * line. Call only while holding the folder's lock: then no living sandbox owns them.
 */
final class Leftovers {
    private static final Duration END_PATIENCE = Duration.ofSeconds(10);

    private Leftovers() {}

    /** Stops all of them, programs first; answers what was stopped, for people. */
    static List<String> stop(RunFolder folder) {
        List<ProcessId> programs = programs(folder.path());
        List<String> stopped = new ArrayList<>();
        programs.forEach(p -> stopped.add(describe(p)));
        end(programs);
        Optional<ProcessId> server = databaseServer(Database.data(folder));
        server.ifPresent(p -> {
            stopped.add("PostgreSQL (process " + p.pid() + ")");
            end(List.of(p));
        });
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

    /** The server that serves this data folder, by its own pid file, believed only if its command line agrees. */
    static Optional<ProcessId> databaseServer(Path data) {
        return RunFolder.read(data, "postmaster.pid")
                .flatMap(text -> text.lines().findFirst())
                .map(String::strip)
                .filter(pid -> pid.matches("[0-9]{1,18}"))
                .flatMap(pid -> ProcessId.of(Long.parseLong(pid)))
                .filter(p -> p.commandLine().contains(data.toString()));
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
