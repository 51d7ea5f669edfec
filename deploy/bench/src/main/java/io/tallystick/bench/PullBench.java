package io.tallystick.bench;

import io.tallystick.cloudsim.CloudCa;
import io.tallystick.common.json.Json;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintWriter;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
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
import org.postgresql.PGConnection;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code bench pull}. */
@Command(
        name = "pull",
        mixinStandardHelpOptions = true,
        description = {
            "The billing pull of everything that is booked, as CSV over HTTP in pages, in rounds that alternate with a",
            "COPY of the same table to this process. Usage hours are copied from a few that were metered and then"
                    + " booked",
            "by the service's own posting runs."
        })
final class PullBench implements Callable<Integer> {
    private static final int VMS = 200;
    private static final List<String> DIMENSIONS = List.of("a", "b", "c", "d", "e");
    private static final int LINES_AN_HOUR = VMS * DIMENSIONS.size();
    private static final long BOOKED_MINUTES_MAX = 30;
    private static final String FIRST_PAGE = "0.0";

    @Option(names = "--lines", defaultValue = "2000000", description = "Usage lines. Default: ${DEFAULT-VALUE}.")
    private int lines;

    @Option(names = "--page", defaultValue = "10000", description = "Lines in a page. Default: ${DEFAULT-VALUE}.")
    private int page;

    @Option(names = "--rounds", defaultValue = "3", description = "Rounds of each kind. Default: ${DEFAULT-VALUE}.")
    private int rounds;

    @Spec
    private @Nullable CommandSpec spec;

    private final HttpClient http =
            HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();

    @Override
    public Integer call() throws Exception {
        if (spec == null) {
            throw new IllegalStateException("made by picocli");
        }
        if (lines < LINES_AN_HOUR || page < 1 || rounds < 1) {
            throw new ParameterException(
                    spec.commandLine(), "needs lines >= " + LINES_AN_HOUR + ", page and rounds >= 1");
        }
        PrintWriter out = spec.commandLine().getOut();
        Clock clock = Clock.systemUTC();
        Fleet.withService(
                Path.of(System.getProperty("tallystick.root", ".")),
                clock,
                "billing.posting-interval = PT1S\n",
                (service, ca) -> run(service, ca, clock, out));
        return 0;
    }

    private void run(Service service, CloudCa ca, Clock clock, PrintWriter out) throws Exception {
        meter(service, new Fleet(service, ca, clock).enroll(VMS, DIMENSIONS));
        out.printf(Locale.ROOT, "making %,d usage hours and waiting until they are booked%n", lines);
        long booked = book(service);
        long pulled = pull(service).lines();
        if (pulled != booked) {
            throw new IllegalStateException("booked " + booked + " lines, pulled " + pulled);
        }
        long before = service.residentMib();
        List<Double> pulls = new ArrayList<>();
        List<Double> copies = new ArrayList<>();
        List<Double> ratios = new ArrayList<>();
        for (int r = 1; r <= rounds; r++) {
            Run pull = pull(service);
            Run copy = copy(service);
            pulls.add(pull.perSecond());
            copies.add(copy.perSecond());
            ratios.add(pull.perSecond() / copy.perSecond());
            out.printf(
                    Locale.ROOT,
                    "round %d: pull %,.0f lines/s, COPY %,.0f rows/s; aggregator %d MiB%n",
                    r,
                    pull.perSecond(),
                    copy.perSecond(),
                    service.residentMib());
        }
        report(out, booked, Figures.median(pulls), Figures.median(copies), Figures.median(ratios), before, service);
    }

    private static void meter(Service service, List<Sender> senders) throws IOException {
        try (Connection connection = new Connection(service.port())) {
            for (Sender sender : senders) {
                connection.exchange(sender.nextRequest(DIMENSIONS, DIMENSIONS.size()));
            }
        }
    }

    /** Copies the metered hour into as many earlier ones as are needed; answers how many lines were booked. */
    private long book(Service service) throws SQLException, InterruptedException {
        int hours = lines / LINES_AN_HOUR;
        try (var db = DriverManager.getConnection(service.jdbcUrl());
                PreparedStatement copy = db.prepareStatement(
                        "INSERT INTO usage_hour (hour, enrollment_id, dimension_id, allocation, agreement_id, quantity)"
                                + " SELECT u.hour - n * interval '1 hour', u.enrollment_id, u.dimension_id,"
                                + " u.allocation, u.agreement_id, u.quantity"
                                + " FROM usage_hour AS u, generate_series(3, 2 + ?) AS n");
                Statement statement = db.createStatement()) {
            copy.setInt(1, hours);
            copy.executeUpdate();
            long deadline = System.nanoTime() + TimeUnit.MINUTES.toNanos(BOOKED_MINUTES_MAX);
            long wanted = (long) hours * LINES_AN_HOUR;
            while (true) {
                try (ResultSet found = statement.executeQuery(
                        "SELECT coalesce(sum(lines), 0) FROM posting_run WHERE finished_at IS NOT NULL")) {
                    found.next();
                    if (found.getLong(1) >= wanted) {
                        return found.getLong(1);
                    }
                    if (System.nanoTime() - deadline > 0) {
                        throw new IllegalStateException(
                                "booked " + found.getLong(1) + " of " + wanted + " lines in time");
                    }
                }
                TimeUnit.SECONDS.sleep(1);
            }
        }
    }

    /** Lines and how long they took. */
    private record Run(long lines, double seconds) {
        double perSecond() {
            return lines / seconds;
        }
    }

    private Run pull(Service service) throws IOException, InterruptedException {
        long start = System.nanoTime();
        long count = 0;
        String after = FIRST_PAGE;
        boolean more = true;
        while (more) {
            HttpResponse<byte[]> answer = http.send(
                    HttpRequest.newBuilder(service.url().resolve("/v1/billing/usage?limit=" + page + "&after=" + after))
                            .header("Authorization", "Bearer " + service.token())
                            .header("Accept", "text/csv")
                            .build(),
                    HttpResponse.BodyHandlers.ofByteArray());
            if (answer.statusCode() != 200) {
                throw new IOException("the pull answers " + answer.statusCode());
            }
            count += Long.parseLong(
                    answer.headers().firstValue("Tallystick-Page-Count").orElseThrow());
            after = answer.headers().firstValue("Tallystick-Next-After").orElseThrow();
            more = Boolean.parseBoolean(
                    answer.headers().firstValue("Tallystick-Page-More").orElseThrow());
        }
        return new Run(count, (System.nanoTime() - start) / 1e9);
    }

    private static Run copy(Service service) throws SQLException, IOException {
        try (var db = DriverManager.getConnection(service.jdbcUrl())) {
            long start = System.nanoTime();
            long rows = db.unwrap(PGConnection.class)
                    .getCopyAPI()
                    .copyOut("COPY usage_line TO STDOUT (FORMAT csv)", OutputStream.nullOutputStream());
            return new Run(rows, (System.nanoTime() - start) / 1e9);
        }
    }

    private void report(
            PrintWriter out, long booked, double pull, double copy, double ratio, long before, Service service)
            throws IOException {
        long after = service.residentMib();
        out.println();
        out.printf(
                Locale.ROOT,
                "%,d lines in pages of %,d; medians of %d rounds; %d cores, shared by client, aggregator and"
                        + " PostgreSQL%n",
                booked,
                page,
                rounds,
                Runtime.getRuntime().availableProcessors());
        out.printf(Locale.ROOT, "%-28s %,12.0f%n", "lines pulled a second", pull);
        out.printf(Locale.ROOT, "%-28s %,12.0f%n", "rows by COPY a second", copy);
        out.printf(Locale.ROOT, "%-28s %12.2f%n", "pull / COPY", ratio);
        out.printf(Locale.ROOT, "%-28s %8d, %d%n", "MiB before and after", before, after);
        out.println(Json.write(Json.object(
                "bench",
                "pull",
                "lines",
                booked,
                "page",
                page,
                "rounds",
                rounds,
                "linesPerSecond",
                Math.round(pull),
                "copyRowsPerSecond",
                Math.round(copy),
                "ratio",
                String.format(Locale.ROOT, "%.3f", ratio),
                "residentMibBefore",
                before,
                "residentMibAfter",
                after,
                "cores",
                Runtime.getRuntime().availableProcessors())));
        out.flush();
    }
}
