package io.tallystick.agent;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.tallystick.cloudsim.SimulatedVm;
import io.tallystick.common.json.Json;
import io.tallystick.common.model.Quantity;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Lives one stage of an agent's life as a real process under strace, with a fault in one of its file system calls where
 * wanted, and looks afterwards, with an agent that nothing happens to, whether everything acknowledged arrives once.
 */
final class CrashLife implements AutoCloseable {
    private static final Duration PATIENCE = Duration.ofSeconds(8);
    private static final String SYSCALLS = "open,openat,creat,close,read,write,pread64,pwrite64,readv,writev,preadv,"
            + "pwritev,pwritev2,lseek,fsync,fdatasync,sync_file_range,ftruncate,truncate,fallocate,rename,renameat,renameat2,unlink,unlinkat,"
            + "mkdir,mkdirat,rmdir,stat,lstat,fstat,newfstatat,statx,access,faccessat,faccessat2,chmod,fchmod,fchmodat,"
            + "chown,fchown,fchownat,fcntl,flock,getdents64,readlink,readlinkat,statfs,fstatfs,mmap,utimensat,link,linkat,symlink";
    private static final List<String> FILES = List.of(
            "",
            "/lock",
            "/native",
            "/agent.db",
            "/agent.db-wal",
            "/agent.db-journal",
            "/agent.db-shm",
            "/agent.db.next",
            "/agent.db.next-wal",
            "/agent.db.next-journal",
            "/agent.db.next-shm",
            "/ballast",
            "/ballast.part",
            "/endpoint",
            "/endpoint.part");
    /** Of a file set aside, after its name. */
    private static final List<String> SUFFIXES = List.of("", "-wal", "-journal", "-shm");
    /** A VM that was not heard of for so long may be spoken for. */
    private static final Duration SILENT = Duration.ofHours(25);

    private static final String SENT = "sent under the name of";
    private static final Pattern LINE = Pattern.compile("^(\\d+)(?:<([^>]*)>)? +(\\w+)\\((.*)$");

    /** What happens in a call, in strace's words. */
    enum Fault {
        KILLED("signal=KILL"),
        EIO("error=EIO"),
        ENOSPC("error=ENOSPC");

        final String injection;

        Fault(String injection) {
            this.injection = injection;
        }
    }

    enum Stage {
        /** No state folder yet. */
        FIRST_START(false, false),
        /** Usage, onto a log that holds something already. */
        INCREMENT(true, false),
        /** The hour ends: a batch is cut, sent and acknowledged. */
        CUT_AND_ACK(true, false),
        /** SIGTERM: the last batch, the checkpoint of the log, and the end. */
        STOP_WITH_CHECKPOINT(true, false),
        /** After SIGKILL: a log to recover, sums pending, a batch unsent. */
        RESTART(false, false),
        /** On a copied disk: the state of another instance is set aside. */
        CLONE(false, true),
        /** On a disk that was moved to another VM and back: the other's state is set aside, the own one gone on with. */
        BACK(false, true),
        /** That instance is gone: what it left is sent in its name. */
        REMAINDER(true, false);

        /** Whether the tracing begins only once the agent is at work. */
        final boolean attached;
        /** Whether usage is taken before the metadata service says which VM it is. */
        final boolean nameless;

        Stage(boolean attached, boolean nameless) {
            this.attached = attached;
            this.nameless = nameless;
        }
    }

    /** The n-th call of this kind, on this file, by the thread that reaches its n-th first. */
    record Call(String syscall, String file, int nth) {}

    /** All calls of a stage, and those that can be met one by one. */
    record Trace(List<String> calls, Set<Call> reachable) {}

    private final Rig rig;
    private final Path dir;
    private final Path nativeFolder;
    private final Path clock;
    private final HttpClient http =
            HttpClient.newBuilder().connectTimeout(Duration.ofSeconds(2)).build();
    private final SimulatedVm vm;
    private final Path calm;
    private final Path hot;
    /** Of another VM's agent, which has set {@link #hot} aside. */
    private final Path found;

    private final SimulatedVm finder;
    private final List<String> files;
    private final Runnable toCalm;
    private final Runnable toHot;
    private final Runnable toFound;
    private final Quantity calmTotal;
    private final Quantity hotTotal;
    private Duration moved = Duration.ZERO;
    private int lives;

    CrashLife(Path dir) throws Exception {
        this.dir = dir;
        this.rig = new Rig(dir);
        this.clock = dir.resolve("clock");
        this.nativeFolder = Files.createDirectories(dir.resolve("native"));
        // As the package has it: nothing is unpacked into the state folder.
        String arch = System.getProperty("os.arch").equals("aarch64") ? "aarch64" : "x86_64";
        try (InputStream in =
                org.sqlite.SQLiteJDBCLoader.class.getResourceAsStream("native/Linux/" + arch + "/libsqlitejdbc.so")) {
            Files.copy(Objects.requireNonNull(in), nativeFolder.resolve("libsqlitejdbc.so"));
        }
        rig.aggregator.flush(Duration.ofHours(20));
        this.vm = rig.vm(Rig.CODE);
        Path state = dir.resolve("made");
        Rig.Running agent = rig.agent(vm, state);
        agent.untilState("ENTITLED");
        agent.meter("requests", "1");
        move(Duration.ofHours(1));
        agent.drained();
        this.calm = Rig.copy(state, dir.resolve("calm"));
        this.toCalm = rig.aggregator.backup();
        this.calmTotal = total(vm);
        rig.aggregator.away(true);
        agent.meter("requests", "4");
        move(Duration.ofHours(1));
        Rig.until("a batch", () -> Long.valueOf(1)
                .equals(Rig.at(agent.status(), "queue", Map.class).get("unsentBatches")));
        agent.meter("requests", "3");
        this.hot = Rig.copy(state, dir.resolve("hot"));
        this.toHot = rig.aggregator.backup();
        this.hotTotal = calmTotal.plus(Quantity.of(7));
        agent.close();
        rig.aggregator.away(false);
        this.finder = rig.vm(Rig.CODE);
        Path other = Rig.copy(hot, dir.resolve("other"));
        rig.time.reboot();
        Rig.Running clone = rig.agent(finder, other);
        clone.untilState("ENTITLED");
        Rig.until("a first look at what was left", () -> clone.remainder().startsWith("waits: instance"));
        clone.close();
        this.found = Rig.copy(other, dir.resolve("found"));
        this.toFound = rig.aggregator.backup();
        this.files = Stream.concat(FILES.stream(), Stream.of(vm, finder).flatMap(v -> SUFFIXES.stream()
                        .map(s -> "/agent.db." + v.instanceId() + ".1" + s)))
                .toList();
    }

    private void move(Duration by) throws IOException {
        moved = moved.plus(by);
        Path next = dir.resolve("clock.next");
        Files.writeString(next, moved.toString());
        Files.move(next, clock, StandardCopyOption.ATOMIC_MOVE);
        // Last: an agent that is told of a time must have seen the move that brought it.
        rig.time.advance(by);
    }

    private Quantity total(SimulatedVm of) {
        return rig.aggregator.sums().entrySet().stream()
                .filter(e -> e.getKey().instance().equals(of.instanceId()))
                .map(Map.Entry::getValue)
                .reduce(Quantity.ZERO, Quantity::plus);
    }

    /** Lives a stage to find its calls. */
    Trace live(Stage stage) throws Exception {
        List<String> log = live(stage, List.of("-e", "trace=" + SYSCALLS), "");
        List<String> calls = new ArrayList<>();
        Map<String, Integer> ofThread = new HashMap<>();
        Set<Call> reachable = new LinkedHashSet<>();
        String state = dir.resolve("state" + lives).toString();
        Pattern name = Pattern.compile(Pattern.quote(state) + "((?:/[A-Za-z0-9._-]+)?)[\">]");
        for (String line : log) {
            Matcher m = LINE.matcher(line);
            if (!m.matches()) {
                continue;
            }
            Matcher file = name.matcher(m.group(4));
            if (!file.find()) {
                continue;
            }
            String what = m.group(3) + " " + file.group(1);
            int nth = ofThread.merge(m.group(1) + " " + what, 1, Integer::sum);
            calls.add(m.group(2) + " " + what + " " + nth);
            reachable.add(new Call(m.group(3), file.group(1), nth));
        }
        assertTrue(!calls.isEmpty(), "nothing was traced: " + log);
        return new Trace(calls, reachable);
    }

    /** Lives a stage with a fault in a call; answers whether the call was met. Fails where usage is lost or doubled. */
    boolean live(Stage stage, Call call, Fault fault) throws Exception {
        List<String> log = live(
                stage,
                List.of(
                        "-e",
                        "trace=" + call.syscall(),
                        "-e",
                        "inject=" + call.syscall() + ":" + fault.injection + ":when=" + call.nth()),
                call.file());
        return log.stream().anyMatch(l -> l.contains("(INJECTED)") || l.contains("killed by SIGKILL"))
                && (fault != Fault.KILLED
                        || log.stream()
                                        .filter(l -> l.contains(call.syscall() + "("))
                                        .count()
                                >= call.nth());
    }

    private List<String> live(Stage stage, List<String> strace, String file) throws Exception {
        Path state = dir.resolve("state" + ++lives);
        SimulatedVm me =
                switch (stage) {
                    case FIRST_START, CLONE -> rig.vm(Rig.CODE);
                    case REMAINDER -> finder;
                    default -> vm;
                };
        Quantity before =
                switch (stage) {
                    case FIRST_START, CLONE, REMAINDER -> Quantity.ZERO;
                    case INCREMENT, CUT_AND_ACK, STOP_WITH_CHECKPOINT -> calmTotal;
                    case RESTART, BACK -> hotTotal;
                };
        switch (stage) {
            case FIRST_START -> {}
            case INCREMENT, CUT_AND_ACK, STOP_WITH_CHECKPOINT -> {
                toCalm.run();
                Rig.copy(calm, state);
            }
            case RESTART, CLONE -> {
                toHot.run();
                Rig.copy(hot, state);
            }
            case BACK -> {
                toFound.run();
                Rig.copy(found, state);
            }
            case REMAINDER -> {
                toFound.run();
                Rig.copy(found, state);
                lookedAtFirstNow(state.resolve("agent.db." + vm.instanceId() + ".1"));
            }
        }
        Path log = dir.resolve("strace.log");
        Files.deleteIfExists(log);
        List<String> tracer = new ArrayList<>(List.of("strace", "-f", "-y", "-Y", "-o", log.toString()));
        tracer.addAll(strace);
        for (String f : files) {
            if (file.isEmpty() && strace.size() == 2 || f.equals(file)) {
                tracer.add("-P");
                tracer.add(state + f);
            }
        }
        Calls calls = new Calls(stage + "-" + lives);
        if (stage.nameless) {
            me.inject(io.tallystick.cloudsim.Fault.error(500));
        }
        try (Child child = new Child(me, state, stage.attached ? List.of() : tracer)) {
            if (child.address != null) {
                play(stage, me, child, calls, tracer);
            }
        }
        if (stage.nameless) {
            me.heal();
            // In the same boot: in another nobody could tell whose the usage is that was taken before it was known.
            try (Child child = new Child(me, state, List.of())) {
                child.until("\"ENTITLED\"");
            }
        }
        verify(stage, me, state, before, calls);
        try (Stream<Path> files = Files.list(state)) {
            for (Path f : files.filter(Files::isRegularFile).toList()) {
                Files.delete(f);
            }
        }
        return Files.exists(log) ? Files.readAllLines(log) : List.of();
    }

    /** After so many lives it would be too old to be asked for. */
    private static void lookedAtFirstNow(Path aside) throws SQLException {
        try (Connection c = DriverManager.getConnection("jdbc:sqlite:" + aside);
                Statement s = c.createStatement()) {
            s.execute("DELETE FROM meta WHERE k = 'remainder.since'");
        }
    }

    private void play(Stage stage, SimulatedVm me, Child child, Calls calls, List<String> tracer) throws Exception {
        switch (stage) {
            case FIRST_START -> {
                child.until("\"ENTITLED\"");
                calls.meter(child, 2);
            }
            case CLONE -> {
                calls.meter(child, 1);
                me.heal();
                child.until("\"ENTITLED\"");
                calls.meter(child, 2);
            }
            case RESTART -> {
                child.until("\"ENTITLED\"");
                calls.meter(child, 1);
                child.until(() -> total(vm).compareTo(hotTotal) >= 0);
            }
            case BACK -> {
                calls.meterWithoutKey(child);
                me.heal();
                child.until("\"ENTITLED\"");
                calls.meter(child, 1);
                child.until(() -> total(vm).compareTo(hotTotal) >= 0);
            }
            case INCREMENT -> {
                child.until("\"ENTITLED\"");
                child.untilDrained();
                child.attach(tracer);
                calls.meter(child, 3);
            }
            case REMAINDER -> {
                child.until("\"ENTITLED\"");
                calls.meter(child, 1);
                child.attach(tracer);
                move(SILENT);
                child.until(() -> {
                    move(Duration.ofSeconds(5));
                    return total(vm).compareTo(hotTotal) >= 0;
                });
                calls.meter(child, 1);
            }
            case CUT_AND_ACK -> {
                child.until("\"ENTITLED\"");
                child.untilDrained();
                calls.meter(child, 2);
                child.attach(tracer);
                int had = rig.aggregator.received();
                move(Duration.ofHours(1));
                child.until(() -> rig.aggregator.received() > had);
                // The receipt is recorded after it was sent; a call of usage is served after that.
                calls.meter(child, 1);
            }
            case STOP_WITH_CHECKPOINT -> {
                child.until("\"ENTITLED\"");
                child.untilDrained();
                calls.meter(child, 2);
                child.attach(tracer);
                child.java.destroy();
                child.java.onExit().get(PATIENCE.toSeconds() + 10, TimeUnit.SECONDS);
            }
        }
    }

    private void verify(Stage stage, SimulatedVm me, Path state, Quantity before, Calls calls) throws Exception {
        // To this process's clocks what the other did was another boot.
        rig.time.reboot();
        Rig.Running agent = rig.agent(me, state);
        try {
            agent.untilState("ENTITLED");
            for (String key : List.copyOf(calls.refused)) {
                assertEquals(200, agent.post("/v1/usage", calls.record(key)).status());
            }
            move(Duration.ofHours(1));
            agent.drained();
            Quantity due = before.plus(Quantity.of(calls.count));
            Rig.until("what was acknowledged", () -> total(me).compareTo(due) >= 0);
            // A call without a key whose answer was lost may have been taken, and cannot be repeated.
            if (!total(me).equals(due.plus(Quantity.of(calls.inDoubt)))) {
                assertEquals(due, total(me), "lost or doubled");
            }
            for (String key : calls.accepted) {
                assertEquals(200, agent.post("/v1/usage", calls.record(key)).status());
            }
            assertEquals(
                    0L, Rig.at(agent.status(), "queue", Map.class).get("pendingSums"), "a repeated call was counted");
            if (stage == Stage.REMAINDER) {
                move(SILENT);
                Rig.until("what was left", () -> {
                    move(Duration.ofMinutes(1));
                    return agent.remainder().startsWith(SENT);
                });
                assertEquals(hotTotal, total(vm), "of what was left: lost or doubled");
            }
        } finally {
            agent.close();
        }
    }

    /** Calls of usage, and what became of them. */
    private final class Calls {
        final String name;
        final List<String> accepted = new ArrayList<>();
        final List<String> refused = new ArrayList<>();
        /** Those that have to arrive. */
        int count;
        /** Those without a key that were not answered. */
        int inDoubt;

        Calls(String name) {
            this.name = name;
        }

        Object record(String key) {
            return Json.object("dimension", "requests", "quantity", "1", "idempotencyKey", key);
        }

        void meter(Child child, int times) throws InterruptedException {
            for (int i = 0; i < times; i++) {
                String key = name + "-" + count++;
                (child.meter(Json.writeBytes(record(key))) ? accepted : refused).add(key);
            }
        }

        /** One. Where a disk came back, a call with a key is refused until it is known whose keys count. */
        void meterWithoutKey(Child child) throws InterruptedException {
            if (child.meter(Json.writeBytes(Json.object("dimension", "requests", "quantity", "1")))) {
                count++;
            } else {
                inDoubt++;
            }
        }
    }

    /** The process. */
    private final class Child implements AutoCloseable {
        final Process process;
        final ProcessHandle java;
        final @Nullable URI address;
        private @Nullable Process tracer;

        Child(SimulatedVm me, Path state, List<String> under) throws IOException {
            List<String> command = new ArrayList<>(under);
            if (!under.isEmpty()) {
                command.add("--seccomp-bpf");
            }
            command.addAll(List.of(
                    Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                    "-Xmx48m",
                    "-XX:+UseSerialGC",
                    "-XX:TieredStopAtLevel=1",
                    "-XX:-UsePerfData",
                    "-Dorg.sqlite.lib.path=" + nativeFolder,
                    "-cp",
                    System.getProperty("java.class.path"),
                    "io.tallystick.agent.app.Main",
                    "run"));
            for (String s : List.of(
                    "sandbox=true",
                    "sandbox.clock-file=" + clock,
                    "aggregator.url=" + rig.aggregator.url(),
                    "metadata.url=" + me.metadata(),
                    "state.dir=" + state,
                    "listen.port=0")) {
                command.add("--set");
                command.add(s);
            }
            process = new ProcessBuilder(command)
                    .redirectError(dir.resolve("agent.log").toFile())
                    .start();
            BufferedReader out =
                    new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8));
            String line = out.readLine();
            address = line == null || !line.startsWith("listening on ")
                    ? null
                    : URI.create(line.substring("listening on ".length()));
            java = under.isEmpty()
                    ? process.toHandle()
                    : process.children().findFirst().orElse(process.toHandle());
        }

        void attach(List<String> strace) throws IOException {
            List<String> command = new ArrayList<>(strace);
            command.add("-p");
            command.add(String.valueOf(java.pid()));
            tracer = new ProcessBuilder(command).redirectErrorStream(true).start();
            String line = new BufferedReader(new InputStreamReader(tracer.getInputStream(), StandardCharsets.UTF_8))
                    .readLine();
            assertTrue(line != null && line.contains("attached"), "strace: " + line);
        }

        boolean meter(byte[] body) throws InterruptedException {
            try {
                return http.send(
                                                HttpRequest.newBuilder(Objects.requireNonNull(address)
                                                                .resolve("/v1/usage"))
                                                        .timeout(PATIENCE)
                                                        .header("Content-Type", "application/json")
                                                        .POST(HttpRequest.BodyPublishers.ofByteArray(body))
                                                        .build(),
                                                HttpResponse.BodyHandlers.discarding())
                                        .statusCode()
                                / 100
                        == 2;
            } catch (IOException e) {
                return false;
            }
        }

        /** Until the answer about entitlement has this in it, the process is gone, or patience ends. */
        void until(String text) throws Exception {
            until(() -> get("/v1/entitlement").contains(text));
        }

        void untilDrained() throws Exception {
            until(() -> {
                String status = get("/v1/status");
                return status.contains("\"pendingSums\":0") && status.contains("\"unsentBatches\":0");
            });
        }

        void until(Rig.Check check) throws Exception {
            long end = System.nanoTime() + PATIENCE.toNanos();
            while (java.isAlive() && System.nanoTime() < end && !check.holds()) {
                TimeUnit.MILLISECONDS.sleep(10);
            }
        }

        private String get(String path) throws InterruptedException {
            try {
                return http.send(
                                HttpRequest.newBuilder(
                                                Objects.requireNonNull(address).resolve(path))
                                        .timeout(PATIENCE)
                                        .build(),
                                HttpResponse.BodyHandlers.ofString())
                        .body();
            } catch (IOException e) {
                return "";
            }
        }

        /** SIGKILL, if it still runs; the tracer ends with it. */
        @Override
        public void close() throws InterruptedException {
            List<ProcessHandle> all = process.descendants().collect(Collectors.toCollection(ArrayList::new));
            all.forEach(ProcessHandle::destroyForcibly);
            java.destroyForcibly();
            process.waitFor(5, TimeUnit.SECONDS);
            process.destroyForcibly().waitFor();
            Process t = tracer;
            if (t != null) {
                t.waitFor(5, TimeUnit.SECONDS);
                t.destroyForcibly().waitFor();
            }
        }
    }

    @Override
    public void close() throws Exception {
        rig.close();
    }
}
