package io.tallystick.cloudsim;

import io.tallystick.common.error.Failure;
import io.tallystick.common.json.Json;
import io.tallystick.common.time.SandboxClock;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.net.BindException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** The command line of the simulation, and its composition root: the one place where it takes the machine's time. */
@Command(
        name = "cloudsim",
        description = "Simulated clouds (AWS, OUTSCALE) for tests and the sandbox. Never trust its keys in production.",
        mixinStandardHelpOptions = true,
        version = "cloudsim 0.1.0",
        subcommands = CloudsimMain.Serve.class)
public final class CloudsimMain implements Callable<Integer> {
    /** Where a running simulation tells its control address, in its folder; gone when it ends in order. */
    public static final String ADDRESS_FILE = "cloudsim.json";

    private static final int EXIT_FAILED = 1;

    @Spec
    private @Nullable CommandSpec spec;

    private CloudsimMain() {}

    public static void main(String[] args) {
        System.exit(new CommandLine(new CloudsimMain())
                .setExecutionExceptionHandler(CloudsimMain::explain)
                .execute(args));
    }

    @Override
    public Integer call() {
        throw new ParameterException(commandLine(spec), "a command is missing: serve");
    }

    private static int explain(Exception e, CommandLine commandLine, CommandLine.ParseResult parsed) throws Exception {
        // What an operator can mend; anything else is a defect and keeps its stack trace.
        if (e instanceof Failure
                || e instanceof IOException
                || e instanceof UncheckedIOException
                || e instanceof IllegalArgumentException
                || e instanceof IllegalStateException) {
            commandLine.getErr().println("cloudsim: " + e.getMessage());
            return EXIT_FAILED;
        }
        throw e;
    }

    private static CommandLine commandLine(@Nullable CommandSpec spec) {
        if (spec == null) {
            throw new IllegalStateException("picocli did not set the command");
        }
        return spec.commandLine();
    }

    @Command(
            name = "serve",
            description = "Runs the simulation until it is asked to end (Ctrl-C, SIGTERM).",
            mixinStandardHelpOptions = true)
    static final class Serve implements Callable<Integer> {
        @Option(
                names = "--dir",
                required = true,
                description = "State, keys and disks; made if missing. One simulation at a time.")
        private Path dir = Path.of("");

        @Option(
                names = "--port",
                defaultValue = "0",
                description = "Loopback port of the control API; 0, the default, takes a free one.")
        private int port;

        @Option(
                names = "--trust-dir",
                description = "Where <region>.pem is written for every region in use. Default: trust inside --dir.")
        private @Nullable Path trustDir;

        @Option(
                names = "--region",
                description = "Write this region's certificate from the start; may be repeated. Default: us-east-1.")
        private List<String> regions = new ArrayList<>();

        @Option(
                names = "--clock-file",
                description = "Sandbox only: a file with a duration by which the time is ahead.")
        private @Nullable Path clockFile;

        @Spec
        private @Nullable CommandSpec spec;

        @Override
        public Integer call() throws Exception {
            check();
            Clock clock = clockFile == null ? Clock.systemUTC() : new SandboxClock(clockFile, InstantSource.system());
            Path trust = trustDir == null ? dir.resolve("trust") : trustDir;
            CountDownLatch closed = new CountDownLatch(1);
            CountDownLatch end = new CountDownLatch(1);
            Runtime.getRuntime().addShutdownHook(new Thread(() -> {
                end.countDown();
                try {
                    closed.await();
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                }
            }));
            try (SimulatedClouds clouds = SimulatedClouds.start(dir, trust, SharedKeys.of(dir), clock);
                    ControlApi control = control(clouds)) {
                (regions.isEmpty() ? List.of("us-east-1") : regions).forEach(clouds::trust);
                announce("http://127.0.0.1:" + control.port(), trust);
                end.await();
                Files.deleteIfExists(dir.resolve(ADDRESS_FILE));
            } finally {
                closed.countDown();
            }
            return 0;
        }

        private void check() {
            List<String> problems = new ArrayList<>();
            if (port < 0 || port > 65535) {
                problems.add("--port: must be from 0 to 65535, is " + port);
            }
            for (String region : regions) {
                if (!CloudCa.isRegion(region)) {
                    problems.add("--region: must be written like us-east-1, is " + region);
                }
            }
            if (!problems.isEmpty()) {
                throw new ParameterException(commandLine(spec), String.join("\n", problems));
            }
        }

        private ControlApi control(SimulatedClouds clouds) throws IOException {
            try {
                return new ControlApi(clouds, port);
            } catch (BindException e) {
                throw new IOException("--port: " + port + " is taken", e);
            }
        }

        private void announce(String address, Path trust) {
            FileStore.write(
                    dir.resolve(ADDRESS_FILE),
                    Json.writeBytes(Json.object(
                            "control", address,
                            "trust", trust.toAbsolutePath().normalize().toString(),
                            "pid", ProcessHandle.current().pid())));
            PrintWriter out = commandLine(spec).getOut();
            out.println("cloudsim " + address);
            out.flush();
        }
    }
}
