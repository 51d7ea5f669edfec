package io.tallystick.sandbox;

import io.tallystick.common.error.Failure;
import io.tallystick.common.json.Fields;
import io.tallystick.common.time.SandboxClock;
import java.io.PrintWriter;
import java.nio.charset.Charset;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Duration;
import java.time.InstantSource;
import java.util.HexFormat;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/**
 * {@code deploy/bin/sandbox}. Exit codes: 0 done, 1 something failed (a part, or a step of the story), 2 wrong command
 * line, 130 and 143 ended by a signal.
 */
@Command(
        name = "sandbox",
        description =
                "A marketplace in a box: PostgreSQL, a simulated cloud with a VM, the aggregator, the VM's agent, and a"
                        + " sample seller, buyer, product and agreement. Runs until Ctrl-C, and goes on where it was when started"
                        + " again.",
        subcommands = {Sandbox.Advance.class, Sandbox.Stop.class})
public final class Sandbox implements Callable<Integer> {
    /** First of the fixed ports: aggregator, agent, cloud, PostgreSQL, mail. */
    private static final int DEFAULT_PORT_BASE = 7400;

    private static final int EXIT_FAILED = 1;
    private static final Duration STOP_PATIENCE = Duration.ofSeconds(60);

    @Option(
            names = {"-h", "--help"},
            usageHelp = true,
            description = "Show this help and exit.")
    private boolean help;

    @Option(names = "--dir", description = "State folder. Default: .sandbox in the checkout.")
    private @Nullable Path dir;

    @Option(
            names = "--ports",
            paramLabel = "auto|PORT",
            description = "The first of five ports in a row, or auto for free ones. Default: " + DEFAULT_PORT_BASE
                    + ", with --once auto. A state folder keeps the ports it was first started with.")
    private @Nullable String ports;

    @Option(
            names = "--database",
            paramLabel = "URL",
            description = "Use this server instead of an own one: postgresql://user:password@host:port/database."
                    + " With --once a database is made on it and dropped.")
    private @Nullable String database;

    @Option(
            names = "--once",
            description = "Play the story in a fresh folder, stop everything, and exit 0 if all went well.")
    private boolean once;

    @Option(
            names = "--empty",
            description = "Start a new folder without the month of sample usage, which takes half a minute to play.")
    private boolean empty;

    @Option(
            names = "--story",
            paramLabel = "NAME",
            defaultValue = Story.ALL,
            description = "Which part of the story --once plays: a chapter (aws, outscale), or all. Default: all.")
    private String story = Story.ALL;

    @Spec
    private @Nullable CommandSpec spec;

    private Sandbox() {}

    public static void main(String[] args) {
        PrintWriter out = new PrintWriter(System.out, true, Charset.defaultCharset());
        PrintWriter err = new PrintWriter(System.err, true, Charset.defaultCharset());
        System.exit(new CommandLine(new Sandbox())
                .setOut(out)
                .setErr(err)
                .setExecutionExceptionHandler((e, line, parsed) -> explain(e, line.getErr()))
                .execute(args));
    }

    private static int explain(Exception e, PrintWriter err) throws Exception {
        if (e instanceof Trouble || e instanceof StepFailure || e instanceof Failure) {
            err.println("sandbox: " + e.getMessage());
            return EXIT_FAILED;
        }
        throw e;
    }

    @Override
    public Integer call() {
        int base = portBase();
        Story chosen = Story.named(story)
                .orElseThrow(() -> new ParameterException(
                        commandLine(), "--story must be one of " + Story.names() + ", is " + story));
        if (database != null) {
            Database.check(database);
        }
        Programs programs = Programs.ofSystem();
        Path folder = folder(programs, dir);
        return once ? playOnce(chosen, programs, folder, base) : run(programs, folder, base);
    }

    private int portBase() {
        @Nullable String text = ports;
        if (text == null) {
            return once ? 0 : DEFAULT_PORT_BASE;
        }
        if (text.equals("auto")) {
            return 0;
        }
        if (!text.matches("[0-9]{4,5}") || Integer.parseInt(text) < 1024 || Integer.parseInt(text) > 65_000) {
            throw new ParameterException(
                    commandLine(), "--ports must be auto or a port from 1024 to 65000, is " + text);
        }
        return Integer.parseInt(text);
    }

    private int run(Programs programs, Path folder, int base) {
        PrintWriter out = out();
        RunFolder run = RunFolder.lock(folder);
        own(run);
        CountDownLatch end = new CountDownLatch(1);
        Closing closing = new Closing(run, out);
        Marketplace market = closing.open(progress -> Marketplace.open(run, programs, base, source(), progress));
        if (market.isNew() && !empty) {
            out.println("playing a month of sample usage");
            try {
                new Month(market).play(out::println);
            } catch (RuntimeException e) {
                boolean asked = closing.isSignalled();
                closing.close();
                if (asked) {
                    return 0;
                }
                throw e;
            }
        }
        AtomicReference<@Nullable String> dead = new AtomicReference<>();
        market.running()
                .forEach(child -> child.onExit(() -> {
                    dead.compareAndSet(
                            null,
                            child.name() + " ended by itself with exit code " + child.exitCode() + "; see "
                                    + child.log());
                    end.countDown();
                }));
        out.println(new Guide(market).text());
        out.flush();
        await(end);
        boolean asked = closing.isSignalled();
        closing.close();
        if (!asked) {
            commandLine().getErr().println("sandbox: " + dead.get());
        }
        return asked ? 0 : EXIT_FAILED;
    }

    private int playOnce(Story chosen, Programs programs, Path folder, int base) {
        PrintWriter out = out();
        sweep(folder, out);
        RunFolder run = RunFolder.fresh(folder);
        own(run);
        Story.prepareClock(run);
        Closing closing = new Closing(run, out);
        try {
            Marketplace market = open(closing, run, programs, base);
            chosen.play(market, new Teller(out));
        } catch (Story.Failed e) {
            closing.close();
            if (!closing.isSignalled()) {
                tellFailure(e, run);
            }
            return EXIT_FAILED;
        } finally {
            closing.close();
        }
        run.delete();
        out.println();
        out.println("the story came true");
        return 0;
    }

    private Marketplace open(Closing closing, RunFolder run, Programs programs, int base) {
        try {
            return closing.open(progress -> Marketplace.open(run, programs, base, source(), progress));
        } catch (RuntimeException e) {
            throw new Story.Failed(0, "starting the parts", e);
        }
    }

    private void tellFailure(Story.Failed failed, RunFolder run) {
        PrintWriter err = commandLine().getErr();
        err.println();
        err.println(failed.getMessage());
        Throwable cause = failed.getCause();
        if (cause instanceof StepFailure f) {
            err.println("  expected: " + f.expected());
            err.println("  got:      " + f.got());
        } else if (cause instanceof Trouble || cause instanceof Failure) {
            err.println("  because:  " + cause.getMessage());
        } else if (cause != null) {
            cause.printStackTrace(err);
        }
        err.println("  logs:     " + run.path().resolve("logs"));
        err.flush();
    }

    /** Ends and removes what crashed playings of the story left; those of living sandboxes are locked and stay. */
    private static void sweep(Path folder, PrintWriter out) {
        for (Path left : RunFolder.onceFolders(folder)) {
            RunFolder.tryLock(left).ifPresent(crashed -> {
                Leftovers.stop(crashed).forEach(p -> out.println("stopped a leftover of a crash: " + p));
                crashed.delete();
            });
        }
    }

    /** Marks the folder as this process's, and sends what libraries log to a file of it. */
    private static void own(RunFolder run) {
        LogFile.open(run.logs().resolve("sandbox.log"));
        run.writeOwner(ProcessId.of(ProcessHandle.current().pid())
                .orElseThrow(() -> new Trouble("the sandbox runs on Linux only")));
    }

    private Marketplace.DatabaseSource source() {
        @Nullable String url = database;
        if (url == null) {
            return Database::embedded;
        }
        if (!once) {
            return (run, port) -> Database.external(url);
        }
        byte[] suffix = new byte[4];
        new SecureRandom().nextBytes(suffix);
        return (run, port) ->
                Database.external(url, "tallystick_once_" + HexFormat.of().formatHex(suffix));
    }

    private static void await(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    static Path folder(Programs programs, @Nullable Path dir) {
        return (dir == null ? programs.root().resolve(".sandbox") : dir)
                .toAbsolutePath()
                .normalize();
    }

    private PrintWriter out() {
        return commandLine().getOut();
    }

    private CommandLine commandLine() {
        if (spec == null) {
            throw new IllegalStateException("made by picocli");
        }
        return spec.commandLine();
    }

    /** {@code sandbox advance PT1H}. */
    @Command(
            name = "advance",
            description = "Moves the clock of all parts of a sandbox forward, by a duration such as PT1H or P1D.")
    static final class Advance implements Callable<Integer> {
        @Option(
                names = {"-h", "--help"},
                usageHelp = true,
                description = "Show this help and exit.")
        private boolean help;

        @Parameters(paramLabel = "DURATION", description = "How far: an ISO 8601 duration.")
        private String duration = "";

        @Option(names = "--dir", description = "State folder. Default: .sandbox in the checkout.")
        private @Nullable Path dir;

        @Spec
        private @Nullable CommandSpec spec;

        @Override
        public Integer call() {
            if (spec == null) {
                throw new IllegalStateException("made by picocli");
            }
            Duration by;
            try {
                by = Fields.parseDuration(duration);
            } catch (IllegalArgumentException e) {
                throw new ParameterException(spec.commandLine(), "DURATION " + e.getMessage(), e);
            }
            if (by.isZero()) {
                throw new ParameterException(spec.commandLine(), "DURATION must not be zero");
            }
            Path folder = folder(Programs.ofSystem(), dir);
            if (!Files.isRegularFile(folder.resolve(Endpoints.FILE))) {
                throw new Trouble("there is no sandbox in " + folder + "; start one, or name its folder with --dir");
            }
            Duration ahead = SandboxClock.advance(RunFolder.clock(folder), by);
            spec.commandLine()
                    .getOut()
                    .println("the sandbox's time is "
                            + InstantSource.system().instant().plus(ahead) + " (" + ahead + " ahead)");
            return 0;
        }
    }

    /** {@code sandbox stop}. */
    @Command(name = "stop", description = "Stops a sandbox, and what a crashed one left running.")
    static final class Stop implements Callable<Integer> {
        @Option(
                names = {"-h", "--help"},
                usageHelp = true,
                description = "Show this help and exit.")
        private boolean help;

        @Option(names = "--dir", description = "State folder. Default: .sandbox in the checkout.")
        private @Nullable Path dir;

        @Spec
        private @Nullable CommandSpec spec;

        @Override
        public Integer call() {
            if (spec == null) {
                throw new IllegalStateException("made by picocli");
            }
            PrintWriter out = spec.commandLine().getOut();
            Path folder = folder(Programs.ofSystem(), dir);
            if (!Files.isDirectory(folder)) {
                throw new Trouble("there is no sandbox in " + folder);
            }
            Optional<ProcessId> owner = RunFolder.owner(folder);
            owner.ifPresent(p -> {
                p.end(false);
                out.println("asked process " + p.pid() + " to stop");
            });
            Optional<RunFolder> run = Await.value(STOP_PATIENCE, () -> RunFolder.tryLock(folder));
            if (run.isEmpty()) {
                throw new Trouble("the sandbox in " + folder + " does not stop");
            }
            try (RunFolder locked = run.get()) {
                Leftovers.stop(locked).forEach(p -> out.println("stopped a leftover of a crash: " + p));
            }
            sweep(folder, out);
            out.println("stopped");
            return 0;
        }
    }
}
