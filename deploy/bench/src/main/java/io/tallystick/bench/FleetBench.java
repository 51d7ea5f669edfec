package io.tallystick.bench;

import io.tallystick.cloudsim.CloudCa;
import io.tallystick.common.json.Json;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Clock;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.PriorityQueue;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import java.util.zip.GZIPOutputStream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code bench fleet}. */
@Command(
        name = "fleet",
        mixinStandardHelpOptions = true,
        description = {
            "Virtual agents in one process, with the real protocol: each is enrolled with evidence a simulated cloud"
                    + " signed,",
            "and sends a signed batch every minute or so over a connection of its own, to a real aggregator over"
                    + " PostgreSQL.",
            "Shows how late batches are stored, what is refused, and what a million records cost."
        })
final class FleetBench implements Callable<Integer> {
    private static final double JITTER = 0.1;
    private static final double MILLION = 1e6;
    private static final int SAMPLE = 20_000;
    private static final int P50 = 50;
    private static final int P99 = 99;

    @Option(names = "--agents", defaultValue = "2000", description = "Virtual agents. Default: ${DEFAULT-VALUE}.")
    private int agents;

    @Option(
            names = "--interval",
            defaultValue = "60",
            description = "Seconds between two batches of an agent, give or take a tenth. Default: ${DEFAULT-VALUE}.")
    private int interval;

    @Option(names = "--seconds", defaultValue = "180", description = "How long it goes on. Default: ${DEFAULT-VALUE}.")
    private int seconds;

    @Option(names = "--records", defaultValue = "5", description = "Records in a batch. Default: ${DEFAULT-VALUE}.")
    private int records;

    @Option(
            names = "--threads",
            defaultValue = "32",
            description = "Agents that may send at the same moment. Default: ${DEFAULT-VALUE}.")
    private int threads;

    @Spec
    private @Nullable CommandSpec spec;

    private final Clock clock = Clock.systemUTC();

    /** An agent's next batch: signed when it is sent first, the same bytes until there is a receipt. */
    private static final class Virtual implements Comparable<Virtual> {
        private final Sender sender;
        private long due;
        /** When it may be sent, which is later than due after it was refused for load. */
        private long next;

        private byte @Nullable [] signed;

        Virtual(Sender sender, long due) {
            this.sender = sender;
            this.due = due;
            this.next = due;
        }

        @Override
        public int compareTo(Virtual other) {
            return Long.compare(next, other.next);
        }
    }

    private final PriorityQueue<Virtual> queue = new PriorityQueue<>();
    private final AtomicLong shed = new AtomicLong();
    private final AtomicLong errors = new AtomicLong();
    private long[] lags = new long[1024];
    private int stored;

    @Override
    public Integer call() throws Exception {
        if (spec == null) {
            throw new IllegalStateException("made by picocli");
        }
        if (agents < 1 || interval < 1 || seconds < interval || records < 1 || threads < 1) {
            throw new ParameterException(
                    spec.commandLine(), "needs agents, interval, records and threads >= 1, seconds >= interval");
        }
        PrintWriter out = spec.commandLine().getOut();
        Path root = Path.of(System.getProperty("tallystick.root", "."));
        Fleet.withService(root, clock, (service, ca) -> run(service, ca, out));
        return errors.get() == 0 ? 0 : 1;
    }

    private void run(Service service, CloudCa ca, PrintWriter out) throws Exception {
        List<String> dimensions = Fleet.dimensions(records);
        out.printf(Locale.ROOT, "enrolling %,d agents%n", agents);
        out.flush();
        long before = System.nanoTime();
        List<Sender> senders = new Fleet(service, ca, clock).enroll(agents, dimensions);
        out.printf(Locale.ROOT, "enrolled in %.0f s%n", (System.nanoTime() - before) / 1e9);
        out.flush();
        ask(service, "CHECKPOINT");
        Costs start = Costs.of(service);
        long begin = System.nanoTime();
        long end = begin + TimeUnit.SECONDS.toNanos(seconds);
        Random random = new Random(1);
        for (Sender sender : senders) {
            queue.add(new Virtual(sender, begin + (long) (random.nextDouble() * TimeUnit.SECONDS.toNanos(interval))));
        }
        ExecutorService pool = Executors.newFixedThreadPool(threads);
        try {
            for (int t = 0; t < threads; t++) {
                Random own = new Random(t);
                pool.execute(() -> work(service, dimensions, end, own));
            }
            pool.shutdown();
            long told = begin;
            while (!pool.awaitTermination(1, TimeUnit.SECONDS)) {
                if (System.nanoTime() - told > TimeUnit.SECONDS.toNanos(interval)) {
                    told = System.nanoTime();
                    out.printf(
                            Locale.ROOT,
                            "%4d s: %,d batches stored, %,d shed, %,d errors%n",
                            TimeUnit.NANOSECONDS.toSeconds(told - begin),
                            storedSoFar(),
                            shed.get(),
                            errors.get());
                    out.flush();
                }
            }
        } finally {
            pool.shutdownNow();
        }
        double took = (System.nanoTime() - begin) / 1e9;
        Costs used = Costs.of(service).since(start);
        checkStored(service);
        report(service, out, took, used);
    }

    private void work(Service service, List<String> dimensions, long end, Random random) {
        for (Virtual agent = take(end); agent != null; agent = take(end)) {
            for (long left = agent.next - System.nanoTime(); left > 0; left = agent.next - System.nanoTime()) {
                LockSupport.parkNanos(left);
            }
            long wait = send(service, agent, dimensions);
            long now = System.nanoTime();
            if (wait == 0) {
                note(now - agent.due);
                double length = interval * (1 + JITTER * (2 * random.nextDouble() - 1));
                agent.due = Math.max(now, agent.due + (long) (length * TimeUnit.SECONDS.toNanos(1)));
                agent.next = agent.due;
                agent.signed = null;
            } else {
                // As agents do: what was asked for, and up to as much again.
                agent.next = now + (long) (TimeUnit.SECONDS.toNanos(wait) * (1 + random.nextDouble()));
            }
            give(agent);
        }
    }

    private synchronized @Nullable Virtual take(long end) {
        Virtual first = queue.peek();
        // A batch that was sent before the end is sent again until it is stored.
        return first == null || (first.next > end && first.signed == null) ? null : queue.poll();
    }

    private synchronized void give(Virtual agent) {
        queue.add(agent);
    }

    private synchronized void note(long lag) {
        if (stored == lags.length) {
            lags = Arrays.copyOf(lags, stored * 2);
        }
        lags[stored++] = lag;
    }

    private synchronized int storedSoFar() {
        return stored;
    }

    /** Answers 0 when it is stored, otherwise the seconds to stay away. */
    private long send(Service service, Virtual agent, List<String> dimensions) {
        byte[] request = agent.signed == null ? agent.sender.nextRequest(dimensions, records) : agent.signed;
        agent.signed = request;
        try (Connection connection = new Connection(service.port())) {
            Connection.Answer answer = connection.send(request);
            if (answer.status() == 200) {
                return 0;
            }
            if (answer.status() == Connection.SHED) {
                shed.incrementAndGet();
                return Math.max(1, answer.retryAfterSeconds());
            }
        } catch (IOException e) {
            // Counted below, and sent again as agents do.
        }
        errors.incrementAndGet();
        return 1;
    }

    private static String ask(Service service, String sql) throws SQLException {
        try (var connection = DriverManager.getConnection(service.jdbcUrl());
                Statement statement = connection.createStatement()) {
            if (!statement.execute(sql)) {
                return "";
            }
            try (ResultSet rows = statement.getResultSet()) {
                rows.next();
                return rows.getString(1);
            }
        }
    }

    /** Figures of batches that were not added up would be worth nothing. */
    private void checkStored(Service service) throws SQLException {
        long sum = Long.parseLong(ask(service, "SELECT coalesce(sum(quantity), 0)::bigint FROM usage_hour"));
        long batches = Long.parseLong(ask(service, "SELECT count(*) FROM usage_batch"));
        long perBatch = (long) records * (records + 1) / 2;
        if (batches != storedSoFar() || sum != batches * perBatch) {
            throw new IllegalStateException(
                    "receipts for " + storedSoFar() + " batches, stored are " + batches + " over " + sum + " units");
        }
    }

    /** Bytes of a batch's line in an archive: as many as there are, or a sample of them. */
    private static double archivedBytesPerBatch(Service service) throws SQLException, IOException {
        AtomicLong bytes = new AtomicLong();
        OutputStream count = new OutputStream() {
            @Override
            public void write(int b) {
                bytes.incrementAndGet();
            }

            @Override
            public void write(byte[] b, int off, int len) {
                bytes.addAndGet(len);
            }
        };
        long batches = 0;
        try (var connection = DriverManager.getConnection(service.jdbcUrl());
                Statement statement = connection.createStatement();
                ResultSet rows = statement.executeQuery("SELECT enrollment_id, epoch, seq, received, jws, receipt FROM"
                        + " usage_batch ORDER BY enrollment_id, epoch, seq LIMIT " + SAMPLE);
                GZIPOutputStream out = new GZIPOutputStream(count)) {
            for (; rows.next(); batches++) {
                for (int column = 1; column <= 6; column++) {
                    out.write(rows.getString(column).getBytes(StandardCharsets.UTF_8));
                }
            }
            out.finish();
        }
        return bytes.get() / (double) batches;
    }

    private void report(Service service, PrintWriter out, double took, Costs used) throws SQLException, IOException {
        long[] sorted = Arrays.copyOf(lags, stored);
        Arrays.sort(sorted);
        double millions = stored * (double) records / MILLION;
        double archive = archivedBytesPerBatch(service) / records;
        double batchTable = Double.parseDouble(ask(
                        service,
                        "SELECT sum(pg_total_relation_size(inhrelid)) FROM pg_inherits WHERE inhparent ="
                                + " 'usage_batch'::regclass"))
                / millions;
        out.println();
        out.printf(
                Locale.ROOT,
                "%,d agents every %d s with %d records, for %.0f s; %d cores, shared with the agents' own work; load"
                        + " %.1f%n",
                agents,
                interval,
                records,
                took,
                Runtime.getRuntime().availableProcessors(),
                Figures.load());
        out.printf(Locale.ROOT, "%-52s %,14d%n", "batches stored", stored);
        out.printf(Locale.ROOT, "%-52s %,14.0f%n", "  a second", stored / took);
        out.printf(Locale.ROOT, "%-52s %,14d%n", "refused for load (429), sent again", shed.get());
        out.printf(Locale.ROOT, "%-52s %,14d%n", "errors", errors.get());
        out.printf(Locale.ROOT, "%-52s %,14.0f%n", "due to receipt, half within, ms", Figures.millis(sorted, P50));
        out.printf(Locale.ROOT, "%-52s %,14.0f%n", "  p99, ms", Figures.millis(sorted, P99));
        out.printf(Locale.ROOT, "%-52s %,14.0f%n", "  longest, ms", Figures.millis(sorted, 100));
        out.printf(Locale.ROOT, "%-52s %14.2f%n", "CPU of the aggregator, cores", used.service() / took);
        out.printf(Locale.ROOT, "%-52s %14.2f%n", "CPU of PostgreSQL, cores", used.database() / took);
        out.printf(Locale.ROOT, "%-52s %14.2f%n", "CPU of the virtual agents, cores", used.client() / took);
        out.println("for a million records:");
        out.printf(Locale.ROOT, "%-52s %,14.0f%n", "  CPU of the aggregator, s", used.service() / millions);
        out.printf(Locale.ROOT, "%-52s %,14.0f%n", "  CPU of PostgreSQL, s", used.database() / millions);
        out.printf(Locale.ROOT, "%-52s %,14.0f%n", "  WAL, MB", used.walBytes() / millions / MILLION);
        out.printf(Locale.ROOT, "%-52s %,14.0f%n", "  database grown by, MB", used.diskBytes() / millions / MILLION);
        out.printf(Locale.ROOT, "%-52s %,14.0f%n", "    of it signed batches and receipts, MB", batchTable / MILLION);
        out.printf(Locale.ROOT, "%-52s %,14.0f%n", "  archived, MB", archive);
        out.println(Json.write(Json.object(
                "bench",
                "fleet",
                "agents",
                agents,
                "interval",
                interval,
                "records",
                records,
                "seconds",
                Math.round(took),
                "batches",
                stored,
                "batchesPerSecond",
                Math.round(stored / took),
                "shed",
                shed.get(),
                "errors",
                errors.get(),
                "lagP50Millis",
                Math.round(Figures.millis(sorted, P50)),
                "lagP99Millis",
                Math.round(Figures.millis(sorted, P99)),
                "lagMaxMillis",
                Math.round(Figures.millis(sorted, 100)),
                "aggregatorCores",
                text(used.service() / took),
                "postgresqlCores",
                text(used.database() / took),
                "agentsCores",
                text(used.client() / took),
                "aggregatorCpuSecondsPerMillion",
                text(used.service() / millions),
                "postgresqlCpuSecondsPerMillion",
                text(used.database() / millions),
                "walBytesPerMillion",
                Math.round(used.walBytes() / millions),
                "diskBytesPerMillion",
                Math.round(used.diskBytes() / millions),
                "batchTableBytesPerMillion",
                Math.round(batchTable),
                "archiveBytesPerMillion",
                Math.round(archive * MILLION),
                "aggregatorMib",
                service.residentMib(),
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
