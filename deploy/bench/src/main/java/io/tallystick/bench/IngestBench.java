package io.tallystick.bench;

import io.tallystick.cloudsim.CloudCa;
import io.tallystick.common.json.Json;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Clock;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.function.Function;
import java.util.function.ToDoubleFunction;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code bench ingest}. */
@Command(
        name = "ingest",
        mixinStandardHelpOptions = true,
        description = {
            "Signed batches over HTTP into a real aggregator process, in rounds that alternate with a COPY of the same",
            "number of rows into the same PostgreSQL. Batches are signed before the timed part; verifying is in it."
        })
final class IngestBench implements Callable<Integer> {
    @Option(names = "--enrollments", defaultValue = "200", description = "VMs that send. Default: ${DEFAULT-VALUE}.")
    private int enrollments;

    @Option(
            names = "--connections",
            defaultValue = "64",
            description = "Keep-alive connections. Default: ${DEFAULT-VALUE}.")
    private int connections;

    @Option(names = "--records", defaultValue = "20", description = "Records in a batch. Default: ${DEFAULT-VALUE}.")
    private int records;

    @Option(
            names = "--keys",
            defaultValue = "5",
            description = "Usage hours a batch adds to. Default: ${DEFAULT-VALUE}.")
    private int keys;

    @Option(names = "--rounds", defaultValue = "5", description = "Rounds of each kind. Default: ${DEFAULT-VALUE}.")
    private int rounds;

    @Option(
            names = "--seconds",
            defaultValue = "3",
            description = "About how long a round lasts. Default: ${DEFAULT-VALUE}.")
    private int seconds;

    @Spec
    private @Nullable CommandSpec spec;

    private final Clock clock = Clock.systemUTC();

    /** One round's figures. */
    private record Round(double batchesPerSecond, double copyRowsPerSecond, Costs costs, long batches) {
        private double micros(ToDoubleFunction<Costs> part) {
            return Costs.microsEach(part.applyAsDouble(costs), batches);
        }
    }

    @Override
    public Integer call() throws Exception {
        if (spec == null) {
            throw new IllegalStateException("made by picocli");
        }
        if (enrollments < connections || connections < 1 || records < keys || keys < 1 || rounds < 1 || seconds < 1) {
            throw new ParameterException(
                    spec.commandLine(),
                    "needs enrollments >= connections >= 1, records >= keys >= 1, rounds and seconds >= 1");
        }
        PrintWriter out = spec.commandLine().getOut();
        Path root = Path.of(System.getProperty("tallystick.root", "."));
        Fleet.withService(root, clock, (service, ca) -> run(service, ca, out));
        return 0;
    }

    private void run(Service service, CloudCa ca, PrintWriter out) throws Exception {
        List<String> dimensions = Fleet.dimensions(keys);
        out.printf(Locale.ROOT, "enrolling %d VMs%n", enrollments);
        List<Sender> senders = new Fleet(service, ca, clock).enroll(enrollments, dimensions);
        try (Load load = new Load(service, senders, dimensions, records, connections)) {
            out.println("warming up");
            load.warmUp();
            CopyAnchor copy = new CopyAnchor(service.jdbcUrl());
            Instant hour = clock.instant().truncatedTo(ChronoUnit.HOURS);
            List<Round> results = new ArrayList<>();
            for (int r = 1; r <= rounds; r++) {
                load.sign(seconds);
                Costs before = Costs.of(service);
                Load.Played played = load.play(seconds);
                Costs costs = Costs.of(service).since(before);
                load.sendRest();
                double rows = copy.rowsPerSecond(Math.toIntExact(played.batches() * records), enrollments, hour);
                results.add(new Round(played.batchesPerSecond(), rows, costs, played.batches()));
                out.printf(
                        Locale.ROOT,
                        "round %d: %,.0f batches/s, %,.0f records/s; COPY %,.0f rows/s%n",
                        r,
                        played.batchesPerSecond(),
                        played.batchesPerSecond() * records,
                        rows);
            }
            checkStored(service, load.sent());
            report(service, results, out);
        }
    }

    /** A rate of batches that were not added up would be worth nothing. */
    private void checkStored(Service service, long sent) throws SQLException {
        long perBatch = (long) records * (records + 1) / 2;
        try (var connection = DriverManager.getConnection(service.jdbcUrl());
                Statement statement = connection.createStatement();
                ResultSet sums = statement.executeQuery("SELECT (SELECT sum(quantity)::bigint FROM usage_hour),"
                        + " (SELECT count(*) FROM usage_batch)")) {
            sums.next();
            if (sums.getLong(1) != sent * perBatch || sums.getLong(2) != sent) {
                throw new IllegalStateException("sent " + sent + " batches over " + sent * perBatch + " units, stored "
                        + sums.getLong(2) + " over " + sums.getLong(1));
            }
        }
    }

    private void report(Service service, List<Round> results, PrintWriter out) throws SQLException {
        double batches =
                Figures.median(results.stream().map(Round::batchesPerSecond).toList());
        double copy =
                Figures.median(results.stream().map(Round::copyRowsPerSecond).toList());
        double ratio = Figures.median(results.stream()
                .map(r -> r.batchesPerSecond() * records / r.copyRowsPerSecond())
                .toList());
        out.println();
        out.printf(
                Locale.ROOT,
                "%d rounds of %d s; %d VMs, %d connections, %d records a batch over %d usage hours; %d cores%n",
                rounds,
                seconds,
                enrollments,
                connections,
                records,
                keys,
                Runtime.getRuntime().availableProcessors());
        out.println("client, aggregator and PostgreSQL share the cores; batches were signed before, untimed");
        Map<String, Object> settings = settings(service);
        out.println("PostgreSQL: " + settings);
        out.printf(Locale.ROOT, "%-28s %12s%n", "median", "per second");
        out.printf(Locale.ROOT, "%-28s %,12.0f%n", "signed batches", batches);
        out.printf(Locale.ROOT, "%-28s %,12.0f%n", "records in them", batches * records);
        out.printf(Locale.ROOT, "%-28s %,12.0f%n", "rows by COPY", copy);
        out.printf(Locale.ROOT, "%-28s %12.2f%n", "records / COPY rows", ratio);
        Map<String, Object> cost = Json.object(
                "clientMicros",
                median(results, r -> r.micros(Costs::client)),
                "aggregatorMicros",
                median(results, r -> r.micros(Costs::service)),
                "postgresqlMicros",
                median(results, r -> r.micros(Costs::database)),
                "walBytes",
                median(results, r -> (double) r.costs().walBytes() / r.batches()));
        out.printf(Locale.ROOT, "%-28s %s%n", "processor and log, a batch", cost);
        out.println(Json.write(Json.object(
                "bench",
                "ingest",
                "batchesPerSecond",
                Math.round(batches),
                "recordsPerSecond",
                Math.round(batches * records),
                "copyRowsPerSecond",
                Math.round(copy),
                "ratio",
                String.format(Locale.ROOT, "%.3f", ratio),
                "perBatch",
                cost,
                "rounds",
                rounds,
                "seconds",
                seconds,
                "enrollments",
                enrollments,
                "connections",
                connections,
                "records",
                records,
                "keys",
                keys,
                "cores",
                Runtime.getRuntime().availableProcessors(),
                "java",
                Runtime.version().toString(),
                "postgresql",
                settings)));
        out.flush();
    }

    private static long median(List<Round> results, Function<Round, Double> of) {
        return Math.round(Figures.median(results.stream().map(of).toList()));
    }

    private static Map<String, Object> settings(Service service) throws SQLException {
        Map<String, Object> settings = new java.util.LinkedHashMap<>();
        try (var connection = DriverManager.getConnection(service.jdbcUrl());
                Statement statement = connection.createStatement()) {
            for (String name : Service.settings()) {
                try (ResultSet value = statement.executeQuery("SHOW " + name)) {
                    value.next();
                    settings.put(name, value.getString(1));
                }
            }
        }
        return settings;
    }
}
