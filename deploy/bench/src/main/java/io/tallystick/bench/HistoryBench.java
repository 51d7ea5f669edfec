package io.tallystick.bench;

import io.tallystick.common.json.Json;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Clock;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code bench history}. */
@Command(
        name = "history",
        mixinStandardHelpOptions = true,
        description = {
            "What history costs: two services, of which one has usage hours of years, take signed batches in turns.",
            "100 million rows take about 50 GB of disk, and a while to make."
        })
final class HistoryBench implements Callable<Integer> {
    private static final int RECORDS = 20;
    private static final int KEYS = 5;
    private static final int CONNECTIONS = 64;
    /** Hours copied by one statement. */
    private static final int CHUNK_HOURS = 200;

    private static final int PROGRESS_ROWS = 10_000_000;
    private static final double RATIO_MIN = 0.9;

    @Option(names = "--rows", defaultValue = "100000000", description = "Usage hours. Default: ${DEFAULT-VALUE}.")
    private long rows;

    @Option(names = "--enrollments", defaultValue = "1000", description = "VMs that send. Default: ${DEFAULT-VALUE}.")
    private int enrollments;

    @Option(names = "--rounds", defaultValue = "9", description = "Rounds of each kind. Default: ${DEFAULT-VALUE}.")
    private int rounds;

    @Option(names = "--seconds", defaultValue = "3", description = "How long a round lasts. Default: ${DEFAULT-VALUE}.")
    private int seconds;

    @Spec
    private @Nullable CommandSpec spec;

    private final Clock clock = Clock.systemUTC();
    private final List<String> dimensions = Fleet.dimensions(KEYS);

    /** A round of each, one right after the other. */
    private record Round(double without, double with) {
        double ratio() {
            return with / without;
        }
    }

    @Override
    public Integer call() throws Exception {
        if (spec == null) {
            throw new IllegalStateException("made by picocli");
        }
        if (rows < 1 || enrollments < CONNECTIONS || rounds < 1 || seconds < 1) {
            throw new ParameterException(
                    spec.commandLine(), "needs rows, rounds and seconds >= 1, enrollments >= " + CONNECTIONS);
        }
        PrintWriter out = spec.commandLine().getOut();
        Path root = Path.of(System.getProperty("tallystick.root", "."));
        Fleet.withService(root, clock, (without, ca) -> {
            try (Load one = load(without, new Fleet(without, ca, clock))) {
                Fleet.withService(root, clock, (with, ca2) -> {
                    try (Load other = load(with, new Fleet(with, ca2, clock))) {
                        long made = fill(with, out);
                        run(one, other, made, out);
                    }
                });
            }
        });
        return 0;
    }

    /** Warmed up, so that there is an hour to copy, too. */
    private Load load(Service service, Fleet fleet) throws Exception {
        Load load = new Load(service, fleet.enroll(enrollments, dimensions), dimensions, RECORDS, CONNECTIONS);
        load.warmUp();
        return load;
    }

    /** Copies the hour that was metered into earlier ones, as posting would have left them; answers how many rows there are. */
    private long fill(Service service, PrintWriter out) throws SQLException {
        out.printf(Locale.ROOT, "making %,d usage hours%n", rows);
        out.flush();
        long start = System.nanoTime();
        try (var db = DriverManager.getConnection(service.jdbcUrl());
                Statement statement = db.createStatement();
                PreparedStatement copy = db.prepareStatement(
                        "INSERT INTO usage_hour (hour, enrollment_id, dimension_id, allocation, agreement_id, quantity,"
                                + " posted, dirty)"
                                + " SELECT u.hour - n * interval '1 hour', u.enrollment_id, u.dimension_id,"
                                + " u.allocation, u.agreement_id, u.quantity, u.quantity, false"
                                + " FROM bench_hour AS u, generate_series(?, ?, -1) AS n ORDER BY 1, 2, 3, 4, 5")) {
            statement.execute("CREATE TEMPORARY TABLE bench_hour AS SELECT * FROM usage_hour"
                    + " WHERE hour = (SELECT max(hour) FROM usage_hour)");
            // Two references looked up for each row would be most of the time; what is copied has them already.
            statement.execute("SET session_replication_role = replica");
            long perHour = number(statement, "SELECT count(*) FROM bench_hour");
            long hours = (rows + perHour - 1) / perHour;
            long made = 0;
            // The oldest first, as they came.
            for (long n = hours; n > 0; n -= CHUNK_HOURS) {
                copy.setLong(1, n + 1);
                copy.setLong(2, Math.max(1, n - CHUNK_HOURS + 1) + 1);
                long before = made;
                made += copy.executeLargeUpdate();
                if (made / PROGRESS_ROWS > before / PROGRESS_ROWS) {
                    out.printf(
                            Locale.ROOT,
                            "%,d after %d s%n",
                            made,
                            TimeUnit.NANOSECONDS.toSeconds(System.nanoTime() - start));
                    out.flush();
                }
            }
            statement.execute("VACUUM ANALYZE usage_hour");
            statement.execute("CHECKPOINT");
            return number(statement, "SELECT count(*) FROM usage_hour");
        }
    }

    private static long number(Statement statement, String sql) throws SQLException {
        try (ResultSet found = statement.executeQuery(sql)) {
            found.next();
            return found.getLong(1);
        }
    }

    private void run(Load without, Load with, long made, PrintWriter out) throws Exception {
        List<Round> results = new ArrayList<>();
        for (int r = 1; r <= rounds; r++) {
            boolean first = r % 2 == 1;
            double one = first ? play(without) : 0;
            double other = play(with);
            Round round = new Round(first ? one : play(without), other);
            results.add(round);
            out.printf(
                    Locale.ROOT,
                    "round %d: %,.0f batches/s without, %,.0f with: %.2f%n",
                    r,
                    round.without(),
                    round.with(),
                    round.ratio());
            out.flush();
        }
        double plain = Figures.median(results.stream().map(Round::without).toList());
        double full = Figures.median(results.stream().map(Round::with).toList());
        double ratio = Figures.median(results.stream().map(Round::ratio).toList());
        out.println();
        out.printf(
                Locale.ROOT,
                "%,d usage hours; %d rounds of %d s; %d VMs, %d connections, %d records a batch over %d usage hours;"
                        + " %d cores, shared by all%n",
                made,
                rounds,
                seconds,
                enrollments,
                CONNECTIONS,
                RECORDS,
                KEYS,
                Runtime.getRuntime().availableProcessors());
        out.printf(Locale.ROOT, "%-36s %12s %8s%n", "", "median", "target");
        out.printf(Locale.ROOT, "%-36s %,12.0f%n", "batches a second without history", plain);
        out.printf(Locale.ROOT, "%-36s %,12.0f%n", "with", full);
        out.printf(Locale.ROOT, "%-36s %12.2f %8.1f%n", "with / without, of each round", ratio, RATIO_MIN);
        out.println(Json.write(Json.object(
                "bench",
                "history",
                "rows",
                made,
                "withoutPerSecond",
                Math.round(plain),
                "withPerSecond",
                Math.round(full),
                "ratio",
                String.format(Locale.ROOT, "%.3f", ratio),
                "rounds",
                rounds,
                "seconds",
                seconds,
                "enrollments",
                enrollments,
                "cores",
                Runtime.getRuntime().availableProcessors())));
        out.flush();
    }

    private double play(Load load) throws Exception {
        load.sign(seconds);
        double rate = load.play(seconds).batchesPerSecond();
        load.sendRest();
        return rate;
    }
}
