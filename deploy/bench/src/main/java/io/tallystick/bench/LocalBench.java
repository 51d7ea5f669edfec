package io.tallystick.bench;

import io.tallystick.cloudsim.SimulatedClouds;
import io.tallystick.cloudsim.SimulatedVm;
import io.tallystick.cloudsim.VmSpec;
import io.tallystick.common.json.Json;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Clock;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code bench local}. */
@Command(
        name = "local",
        mixinStandardHelpOptions = true,
        description = {
            "How fast one agent answers the programs of its VM: durable calls of POST /v1/usage against GET /healthz of"
                    + " the",
            "same server, arrays of records, and the wait for GET /v1/entitlement at a steady rate, in rounds that"
                    + " alternate."
        })
final class LocalBench implements Callable<Integer> {
    private static final int ARRAY = 100;
    private static final int SYNCS = 200;
    private static final int SYNC_BYTES = 4096;
    private static final int P50 = 50;
    private static final int P99 = 99;
    private static final int ASKING = 8;

    @Option(names = "--clients", defaultValue = "64", description = "Connections at once. Default: ${DEFAULT-VALUE}.")
    private int clients;

    @Option(
            names = "--rate",
            defaultValue = "1000",
            description = "Questions for the entitlement a second. Default: ${DEFAULT-VALUE}.")
    private int rate;

    @Option(names = "--rounds", defaultValue = "5", description = "Rounds of each kind. Default: ${DEFAULT-VALUE}.")
    private int rounds;

    @Option(
            names = "--seconds",
            defaultValue = "4",
            description = "How long a round of a kind lasts. Default: ${DEFAULT-VALUE}.")
    private int seconds;

    @Option(
            names = "--home",
            paramLabel = "DIR",
            description = "A package's folder with bin/ and lib/ instead of the built agent.")
    private @Nullable Path home;

    @Spec
    private @Nullable CommandSpec spec;

    private final Path root = Path.of(System.getProperty("tallystick.root", "."));

    /** What clients saw: how many answers, in which time, and how long each took. */
    @SuppressWarnings("ArrayRecordComponent")
    private record Played(double seconds, long[] sortedNanos) {
        double perSecond() {
            return sortedNanos.length / seconds;
        }
    }

    /** A round's figures. */
    private record Round(Played health, Played usage, Played arrays, Played entitlement) {}

    @Override
    public Integer call() throws Exception {
        if (spec == null) {
            throw new IllegalStateException("made by picocli");
        }
        if (clients < 1 || rate < 1 || rounds < 1 || seconds < 1) {
            throw new ParameterException(spec.commandLine(), "clients, rate, rounds and seconds must be at least 1");
        }
        PrintWriter out = spec.commandLine().getOut();
        Path folder = Files.createTempDirectory("tallystick-bench-");
        List<Process> agents = new ArrayList<>();
        try (AutoCloseable cleaned = () -> Fleet.delete(folder);
                AutoCloseable ended = () -> agents.forEach(FootprintBench::end);
                SimulatedClouds clouds = SimulatedClouds.start(
                        folder.resolve("clouds"), Files.createDirectory(folder.resolve("trust")), Clock.systemUTC())) {
            clouds.trust(Fleet.REGION);
            try (Service service = Service.start(root, folder, clouds.trustFolder(), "")) {
                String code = Fleet.product(service, List.of("requests", "uptime-hours"));
                SimulatedVm vm = clouds.launch(
                        VmSpec.of(Fleet.CLOUD_ACCOUNT).region(Fleet.REGION).productCodes(code));
                int port = FootprintBench.freePort();
                Process agent =
                        FootprintBench.start(FootprintBench.command(root, home, service, vm, folder, port), folder);
                agents.add(agent);
                FootprintBench.awaitAllowed(agent, port, folder);
                run(agent, port, folder, out);
            }
        }
        return 0;
    }

    private void run(Process agent, int port, Path folder, PrintWriter out) throws Exception {
        byte[] health = FootprintBench.http("GET", "/healthz", port, "");
        byte[] array = FootprintBench.http("POST", "/v1/usage", port, array());
        ExecutorService threads = Executors.newFixedThreadPool(Math.max(clients, ASKING));
        try {
            out.println("warming up");
            loop(threads, port, health);
            loop(threads, port, usage(port));
            List<Round> results = new ArrayList<>();
            double cpu = 0;
            long calls = 0;
            for (int r = 1; r <= rounds; r++) {
                Played plain = loop(threads, port, health);
                double before = Processors.secondsOf(agent.pid());
                Played usage = loop(threads, port, usage(port));
                cpu += Processors.secondsOf(agent.pid()) - before;
                calls += usage.sortedNanos().length;
                Round round = new Round(plain, usage, loop(threads, port, array), ask(threads, port));
                results.add(round);
                out.printf(
                        Locale.ROOT,
                        "round %d: healthz %,.0f/s; usage %,.0f/s, p99 %.1f ms; arrays %,.0f increments/s; entitlement"
                                + " p99 %.2f ms at %,.0f/s%n",
                        r,
                        plain.perSecond(),
                        usage.perSecond(),
                        Figures.millis(usage.sortedNanos(), P99),
                        round.arrays().perSecond() * ARRAY,
                        Figures.millis(round.entitlement().sortedNanos(), P99),
                        round.entitlement().perSecond());
            }
            report(out, results, cpu / calls, syncs(folder));
        } finally {
            threads.shutdownNow();
        }
    }

    private static byte[] usage(int port) {
        return FootprintBench.http("POST", "/v1/usage", port, "{\"dimension\":\"requests\",\"quantity\":\"1\"}");
    }

    private static String array() {
        return IntStream.range(0, ARRAY)
                .mapToObj(i -> "{\"dimension\":\"requests\",\"quantity\":\"1\"}")
                .collect(Collectors.joining(",", "[", "]"));
    }

    /** All clients, each sending its next request when the last one is answered. */
    private Played loop(ExecutorService threads, int port, byte[] request) throws Exception {
        long start = System.nanoTime();
        long end = start + TimeUnit.SECONDS.toNanos(seconds);
        return play(threads, clients, start, number -> {
            Waits waits = new Waits();
            try (Connection connection = new Connection(port)) {
                long now = System.nanoTime();
                while (now < end) {
                    connection.exchange(request);
                    long then = System.nanoTime();
                    waits.add(then - now);
                    now = then;
                }
            }
            return waits;
        });
    }

    /** At a steady rate; a wait counts from when the question was due. */
    private Played ask(ExecutorService threads, int port) throws Exception {
        byte[] request = FootprintBench.http("GET", "/v1/entitlement", port, "");
        long gap = TimeUnit.SECONDS.toNanos(ASKING) / rate;
        long start = System.nanoTime();
        long end = start + TimeUnit.SECONDS.toNanos(seconds);
        return play(threads, ASKING, start, number -> {
            Waits waits = new Waits();
            try (Connection connection = new Connection(port)) {
                for (long due = start + number * gap / ASKING; due < end; due += gap) {
                    for (long left = due - System.nanoTime(); left > 0; left = due - System.nanoTime()) {
                        LockSupport.parkNanos(left);
                    }
                    connection.exchange(request);
                    waits.add(System.nanoTime() - due);
                }
            }
            return waits;
        });
    }

    /** A client. */
    @FunctionalInterface
    private interface Client {
        Waits play(int number) throws IOException;
    }

    private static Played play(ExecutorService threads, int clients, long start, Client client) throws Exception {
        List<Future<Waits>> running = new ArrayList<>();
        for (int c = 0; c < clients; c++) {
            int number = c;
            running.add(threads.submit(() -> client.play(number)));
        }
        Waits all = new Waits();
        for (Future<Waits> waits : running) {
            all.addAll(waits.get());
        }
        return new Played((System.nanoTime() - start) / 1e9, all.sorted());
    }

    /** Nanoseconds, many of them. */
    private static final class Waits {
        private long[] nanos = new long[1024];
        private int count;

        void add(long wait) {
            if (count == nanos.length) {
                nanos = Arrays.copyOf(nanos, count * 2);
            }
            nanos[count++] = wait;
        }

        void addAll(Waits other) {
            for (int i = 0; i < other.count; i++) {
                add(other.nanos[i]);
            }
        }

        long[] sorted() {
            long[] sorted = Arrays.copyOf(nanos, count);
            Arrays.sort(sorted);
            return sorted;
        }
    }

    /** What the disk gives: writes of a page, each made durable before the next, in nanoseconds. */
    private static long[] syncs(Path folder) throws IOException {
        long[] nanos = new long[SYNCS];
        try (FileChannel channel =
                FileChannel.open(folder.resolve("syncs"), StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
            for (int i = 0; i < SYNCS; i++) {
                long start = System.nanoTime();
                channel.write(ByteBuffer.allocate(SYNC_BYTES));
                channel.force(false);
                nanos[i] = System.nanoTime() - start;
            }
        }
        Arrays.sort(nanos);
        return nanos;
    }

    private void report(PrintWriter out, List<Round> results, double cpuSecondsPerCall, long[] syncs) {
        Function<Function<Round, Double>, Double> median =
                of -> Figures.median(results.stream().map(of).toList());
        double health = median.apply(r -> r.health().perSecond());
        double usage = median.apply(r -> r.usage().perSecond());
        double ratio = median.apply(r -> r.usage().perSecond() / r.health().perSecond());
        double usageP50 = median.apply(r -> Figures.millis(r.usage().sortedNanos(), P50));
        double usageP99 = median.apply(r -> Figures.millis(r.usage().sortedNanos(), P99));
        double increments = median.apply(r -> r.arrays().perSecond() * ARRAY);
        double entitlement = median.apply(r -> Figures.millis(r.entitlement().sortedNanos(), P99));
        out.println();
        out.printf(
                Locale.ROOT,
                "medians of %d rounds of %d s; %d clients; %d cores, shared by clients, agent and aggregator; load"
                        + " %.1f%n",
                rounds,
                seconds,
                clients,
                Runtime.getRuntime().availableProcessors(),
                Figures.load());
        out.printf(Locale.ROOT, "%-52s %12s %8s%n", "", "measured", "target");
        out.printf(Locale.ROOT, "%-52s %,12.0f%n", "GET /healthz, answers a second", health);
        out.printf(Locale.ROOT, "%-52s %,12.0f%n", "POST /v1/usage, durable answers a second", usage);
        out.printf(Locale.ROOT, "%-52s %12.2f %8s%n", "  of the first", ratio, "0.5");
        out.printf(Locale.ROOT, "%-52s %12.1f%n", "  half of them within, ms", usageP50);
        out.printf(Locale.ROOT, "%-52s %12.1f %8s%n", "  p99, ms", usageP99, "10");
        out.printf(Locale.ROOT, "%-52s %12.0f%n", "  CPU of the agent for one, microseconds", cpuSecondsPerCall * 1e6);
        out.printf(Locale.ROOT, "%-52s %,12.0f %8s%n", "in arrays of 100, increments a second", increments, "200,000");
        out.printf(
                Locale.ROOT, "%-52s %12.2f %8s%n", "GET /v1/entitlement at " + rate + "/s, p99, ms", entitlement, "2");
        out.printf(
                Locale.ROOT,
                "%-52s %12.2f%n",
                "the disk: a page written and synced, half within, ms",
                Figures.millis(syncs, P50));
        out.println(Json.write(Json.object(
                "bench",
                "local",
                "healthPerSecond",
                Math.round(health),
                "usagePerSecond",
                Math.round(usage),
                "ratio",
                text(ratio),
                "usageP50Millis",
                text(usageP50),
                "usageP99Millis",
                text(usageP99),
                "cpuMicrosPerCall",
                Math.round(cpuSecondsPerCall * 1e6),
                "incrementsPerSecond",
                Math.round(increments),
                "entitlementP99Millis",
                text(entitlement),
                "syncP50Millis",
                text(Figures.millis(syncs, P50)),
                "clients",
                clients,
                "rounds",
                rounds,
                "seconds",
                seconds,
                "load",
                text(Figures.load()),
                "cores",
                Runtime.getRuntime().availableProcessors(),
                "java",
                Runtime.version().toString())));
        out.flush();
    }

    private static String text(double value) {
        return String.format(Locale.ROOT, "%.2f", value);
    }
}
