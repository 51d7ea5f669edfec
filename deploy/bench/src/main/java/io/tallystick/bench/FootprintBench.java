package io.tallystick.bench;

import io.tallystick.cloudsim.SimulatedClouds;
import io.tallystick.cloudsim.SimulatedVm;
import io.tallystick.cloudsim.VmSpec;
import io.tallystick.common.json.Json;
import java.io.IOException;
import java.io.PrintWriter;
import java.net.HttpURLConnection;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code bench footprint}. */
@Command(
        name = "footprint",
        mixinStandardHelpOptions = true,
        description = {
            "What one agent takes of a VM: memory at rest and under load, CPU at rest, disk, and how long it takes"
                    + " from",
            "its start to an answer from a kept lease. A real process, under its launcher's own options, against a"
                    + " real",
            "aggregator. Prints prometheus-node-exporter beside it, where it is installed."
        })
final class FootprintBench implements Callable<Integer> {
    private static final int CONNECTIONS = 8;
    private static final int SCRAPES = 100;
    private static final long START_SECONDS_MAX = 60;
    private static final double KIB_PER_MIB = 1024;
    private static final double BYTES_PER_MB = 1_000_000;

    @Option(names = "--idle", defaultValue = "60", description = "Seconds at rest. Default: ${DEFAULT-VALUE}.")
    private int idle;

    @Option(names = "--load", defaultValue = "60", description = "Seconds under load. Default: ${DEFAULT-VALUE}.")
    private int load;

    @Option(names = "--rate", defaultValue = "500", description = "Calls a second. Default: ${DEFAULT-VALUE}.")
    private int rate;

    @Option(names = "--starts", defaultValue = "9", description = "Starts timed. Default: ${DEFAULT-VALUE}.")
    private int starts;

    @Option(
            names = "--home",
            paramLabel = "DIR",
            description = "A package's folder with bin/ and lib/ instead of the built agent.")
    private @Nullable Path home;

    @Spec
    private @Nullable CommandSpec spec;

    private final Path root = Path.of(System.getProperty("tallystick.root", "."));

    /** Memory of a process, in KiB. */
    private record Memory(long rss, long pss, long peak) {
        static Memory of(long pid) throws IOException {
            Path proc = Path.of("/proc", String.valueOf(pid));
            List<String> status = Files.readAllLines(proc.resolve("status"));
            return new Memory(
                    value(status, "VmRSS:"),
                    value(Files.readAllLines(proc.resolve("smaps_rollup")), "Pss:"),
                    value(status, "VmHWM:"));
        }

        private static long value(List<String> lines, String name) {
            return lines.stream()
                    .filter(l -> l.startsWith(name))
                    .mapToLong(l -> Long.parseLong(l.replaceAll("[^0-9]", "")))
                    .findFirst()
                    .orElse(0);
        }

        Object json() {
            return Json.object("rss", mib(rss), "pss", mib(pss), "peak", mib(peak));
        }
    }

    @Override
    public Integer call() throws Exception {
        if (spec == null) {
            throw new IllegalStateException("made by picocli");
        }
        PrintWriter out = spec.commandLine().getOut();
        Path folder = Files.createTempDirectory("tallystick-bench-");
        List<Process> agents = new ArrayList<>();
        try (AutoCloseable cleaned = () -> Fleet.delete(folder);
                AutoCloseable ended = () -> agents.forEach(FootprintBench::end);
                SimulatedClouds clouds = SimulatedClouds.start(
                        folder.resolve("clouds"), Files.createDirectory(folder.resolve("trust")), Clock.systemUTC())) {
            run(folder, clouds, agents, out);
        }
        return 0;
    }

    private void run(Path folder, SimulatedClouds clouds, List<Process> agents, PrintWriter out) throws Exception {
        Memory rest;
        Memory busy;
        double idleCpu;
        double busyCpu;
        long calls;
        int port = freePort();
        List<String> command;
        clouds.trust(Fleet.REGION);
        try (Service service = Service.start(root, folder, clouds.trustFolder(), "")) {
            String code = Fleet.product(service, List.of("requests", "uptime-hours"));
            SimulatedVm vm = clouds.launch(
                    VmSpec.of(Fleet.CLOUD_ACCOUNT).region(Fleet.REGION).productCodes(code));
            command = command(root, home, service, vm, folder, port);
            Process agent = start(command, folder);
            agents.add(agent);
            awaitAllowed(agent, port, folder);
            out.printf(Locale.ROOT, "at rest for %d s%n", idle);
            double before = Processors.secondsOf(agent.pid());
            TimeUnit.SECONDS.sleep(idle);
            idleCpu = (Processors.secondsOf(agent.pid()) - before) / idle;
            rest = Memory.of(agent.pid());
            out.printf(Locale.ROOT, "%d calls a second for %d s%n", rate, load);
            before = Processors.secondsOf(agent.pid());
            calls = play(port);
            busyCpu = (Processors.secondsOf(agent.pid()) - before) / load;
            busy = Memory.of(agent.pid());
            end(agent);
        }
        // The aggregator is gone: what is answered now is the kept lease.
        List<Double> millis = new ArrayList<>();
        for (int i = 0; i < starts; i++) {
            long from = System.nanoTime();
            Process agent = start(command, folder);
            agents.add(agent);
            awaitAllowed(agent, port, folder);
            millis.add((System.nanoTime() - from) / 1e6);
            end(agent);
        }
        report(out, rest, busy, idleCpu, busyCpu, calls, millis);
    }

    /** @param home a package's folder instead of the built agent */
    static List<String> command(
            Path root, @Nullable Path home, Service service, SimulatedVm vm, Path folder, int port) {
        Path launcher =
                home == null ? root.resolve("deploy/bin/tallystick-agent") : home.resolve("bin/tallystick-agent");
        List<String> command = new ArrayList<>(List.of(launcher.toString(), "run"));
        for (String s : List.of(
                "sandbox=true",
                "aggregator.url=" + service.url(),
                "metadata.url=" + vm.metadata(),
                "state.dir=" + folder.resolve("agent"),
                "listen.port=" + port)) {
            command.add("--set");
            command.add(s);
        }
        return command;
    }

    static Process start(List<String> command, Path folder) throws IOException {
        return new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.appendTo(
                        folder.resolve("agent.log").toFile()))
                .start();
    }

    static void end(Process agent) {
        agent.destroy();
        try {
            if (!agent.waitFor(20, TimeUnit.SECONDS)) {
                agent.destroyForcibly();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            agent.destroyForcibly();
        }
    }

    static void awaitAllowed(Process agent, int port, Path folder) throws IOException {
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(START_SECONDS_MAX);
        while (!allowed(port)) {
            if (!agent.isAlive() || System.nanoTime() - end > 0) {
                throw new IllegalStateException("the agent does not answer that the VM is entitled: "
                        + Files.readString(folder.resolve("agent.log")));
            }
            LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(2));
        }
    }

    private static boolean allowed(int port) {
        try {
            HttpURLConnection c = (HttpURLConnection) URI.create("http://127.0.0.1:" + port + "/v1/entitlement")
                    .toURL()
                    .openConnection();
            try (var in = c.getInputStream()) {
                return "allow".equals(Json.parseObject(in.readAllBytes()).get("decision"));
            }
        } catch (IOException e) {
            return false;
        }
    }

    /** Plays the load: mostly usage, some questions, a scrape now and then. Answers how many calls were answered. */
    private long play(int port) throws Exception {
        ExecutorService threads = Executors.newFixedThreadPool(CONNECTIONS);
        try {
            long start = System.nanoTime();
            long gap = TimeUnit.SECONDS.toNanos(CONNECTIONS) / rate;
            List<Future<Long>> running = new ArrayList<>();
            for (int c = 0; c < CONNECTIONS; c++) {
                int number = c;
                running.add(threads.submit(() -> play(port, number, start + number * gap / CONNECTIONS, gap)));
            }
            long calls = 0;
            for (Future<Long> f : running) {
                calls += f.get();
            }
            return calls;
        } finally {
            threads.shutdownNow();
        }
    }

    private long play(int port, int number, long start, long gap) throws IOException {
        long calls = 0;
        long end = start + TimeUnit.SECONDS.toNanos(load);
        try (Connection connection = new Connection(port)) {
            for (long due = start; due < end; due += gap) {
                LockSupport.parkNanos(Math.max(0, due - System.nanoTime()));
                byte[] request;
                if (calls % 1000 == 999) {
                    request = http("GET", "/metrics", port, "");
                } else if (calls % 20 == 19) {
                    request = http("GET", "/v1/entitlement?nonce=n" + calls, port, "");
                } else {
                    request = http(
                            "POST",
                            "/v1/usage",
                            port,
                            "{\"dimension\":\"requests\",\"quantity\":\"1\",\"idempotencyKey\":\"" + number + "-"
                                    + calls + "\"}");
                }
                connection.exchange(request);
                calls++;
            }
        }
        return calls;
    }

    static byte[] http(String method, String path, int port, String body) {
        return (method + " " + path + " HTTP/1.1\r\nHost: 127.0.0.1:" + port
                        + (body.isEmpty()
                                ? ""
                                : "\r\nContent-Type: application/json\r\nContent-Length: " + body.length())
                        + "\r\n\r\n" + body)
                .getBytes(StandardCharsets.US_ASCII);
    }

    static int freePort() throws IOException {
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return socket.getLocalPort();
        }
    }

    /** The memory of node-exporter after as many scrapes as a busy Prometheus makes; null where it is not installed. */
    private static @Nullable Memory nodeExporter() throws IOException, InterruptedException {
        int port = freePort();
        Process process;
        try {
            process = new ProcessBuilder("prometheus-node-exporter", "--web.listen-address=127.0.0.1:" + port)
                    .redirectErrorStream(true)
                    .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                    .start();
        } catch (IOException e) {
            return null;
        }
        try {
            int done = 0;
            for (int tries = 0; done < SCRAPES && tries < SCRAPES * 10; tries++) {
                try {
                    HttpURLConnection c = (HttpURLConnection) URI.create("http://127.0.0.1:" + port + "/metrics")
                            .toURL()
                            .openConnection();
                    try (var in = c.getInputStream()) {
                        in.readAllBytes();
                        done++;
                    }
                } catch (IOException e) {
                    TimeUnit.MILLISECONDS.sleep(20);
                }
            }
            return Memory.of(process.pid());
        } finally {
            process.destroyForcibly();
        }
    }

    private void report(
            PrintWriter out, Memory rest, Memory busy, double idleCpu, double busyCpu, long calls, List<Double> millis)
            throws IOException, InterruptedException {
        Path lib = home == null ? root.resolve("agent/target/app") : home;
        double disk = size(lib) / BYTES_PER_MB;
        List<Double> sorted = millis.stream().sorted().toList();
        double median = sorted.get(sorted.size() / 2);
        Memory exporter = nodeExporter();
        out.println();
        out.printf(Locale.ROOT, "%-44s %8s %8s %8s%n", "memory, MiB", "RSS", "PSS", "peak");
        line(out, "agent at rest for " + idle + " s", rest);
        line(out, "agent after " + calls + " calls in " + load + " s", busy);
        if (exporter != null) {
            line(out, "prometheus-node-exporter, " + SCRAPES + " scrapes", exporter);
        }
        out.printf(Locale.ROOT, "%-44s %8.2f %%%n", "CPU of one core at rest", idleCpu * 100);
        out.printf(Locale.ROOT, "%-44s %8.2f %%%n", "CPU of one core under load", busyCpu * 100);
        out.printf(
                Locale.ROOT,
                "%-44s %8.0f ms (%.0f to %.0f in %d)%n",
                "start to an answer from a kept lease",
                median,
                sorted.get(0),
                sorted.get(sorted.size() - 1),
                starts);
        out.printf(Locale.ROOT, "%-44s %8.1f MB%n", "disk, " + (home == null ? "as built" : home), disk);
        out.println(Json.write(Json.object(
                "bench",
                "footprint",
                "rest",
                rest.json(),
                "busy",
                busy.json(),
                "calls",
                calls,
                "seconds",
                load,
                "cpuAtRestPercent",
                text(idleCpu * 100),
                "cpuUnderLoadPercent",
                text(busyCpu * 100),
                "startMillis",
                Math.round(median),
                "diskMegabytes",
                text(disk),
                "nodeExporter",
                exporter == null ? null : exporter.json(),
                "cores",
                Runtime.getRuntime().availableProcessors(),
                "java",
                Runtime.version().toString())));
        out.flush();
    }

    private static void line(PrintWriter out, String what, Memory m) {
        out.printf(
                Locale.ROOT,
                "%-44s %8.1f %8.1f %8.1f%n",
                what,
                m.rss() / KIB_PER_MIB,
                m.pss() / KIB_PER_MIB,
                m.peak() / KIB_PER_MIB);
    }

    private static String mib(long kib) {
        return text(kib / KIB_PER_MIB);
    }

    private static String text(double value) {
        return String.format(Locale.ROOT, "%.2f", value);
    }

    private static long size(Path folder) throws IOException {
        long bytes = 0;
        try (Stream<Path> files = Files.walk(folder)) {
            for (Path f : files.filter(Files::isRegularFile).toList()) {
                bytes += Files.size(f);
            }
        }
        return bytes;
    }
}
