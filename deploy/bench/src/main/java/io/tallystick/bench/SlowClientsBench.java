package io.tallystick.bench;

import io.tallystick.cloudsim.CloudCa;
import io.tallystick.common.json.Json;
import java.io.IOException;
import java.io.PrintWriter;
import java.net.InetAddress;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Clock;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code bench slow-clients}. */
@Command(
        name = "slow-clients",
        mixinStandardHelpOptions = true,
        description = {
            "How long a good client waits for the receipt of a batch, alone and beside clients that drip their"
                    + " requests",
            "and never end them, in rounds that alternate. Exits 1 if the p99 beside them is not under the limit."
        })
final class SlowClientsBench implements Callable<Integer> {
    private static final int RECORDS = 20;
    private static final int WARM_UP = 200;
    private static final long DRIP_NANOS = TimeUnit.MILLISECONDS.toNanos(500);
    private static final int P50 = 50;
    private static final int P99 = 99;
    private static final double NANOS_PER_MILLI = 1e6;
    private static final List<String> DIMENSIONS = List.of("a", "b", "c", "d", "e");

    @Option(names = "--slow", defaultValue = "1000", description = "Slow clients. Default: ${DEFAULT-VALUE}.")
    private int slow;

    @Option(names = "--rate", defaultValue = "50", description = "Batches a second. Default: ${DEFAULT-VALUE}.")
    private int rate;

    @Option(names = "--rounds", defaultValue = "3", description = "Rounds of each kind. Default: ${DEFAULT-VALUE}.")
    private int rounds;

    @Option(
            names = "--seconds",
            defaultValue = "20",
            description = "How long a round lasts. Default: ${DEFAULT-VALUE}.")
    private int seconds;

    @Option(names = "--limit-ms", defaultValue = "1000", description = "For the p99. Default: ${DEFAULT-VALUE}.")
    private int limitMillis;

    @Spec
    private @Nullable CommandSpec spec;

    private final Clock clock = Clock.systemUTC();
    private boolean within = true;

    @Override
    public Integer call() throws Exception {
        if (spec == null) {
            throw new IllegalStateException("made by picocli");
        }
        if (slow < 1 || rate < 1 || rounds < 1 || seconds < 1 || limitMillis < 1) {
            throw new ParameterException(
                    spec.commandLine(), "slow, rate, rounds, seconds and limit-ms must be at least 1");
        }
        PrintWriter out = spec.commandLine().getOut();
        Fleet.withService(
                Path.of(System.getProperty("tallystick.root", ".")), clock, (service, ca) -> run(service, ca, out));
        return within ? 0 : 1;
    }

    private void run(Service service, CloudCa ca, PrintWriter out) throws Exception {
        Sender sender = new Fleet(service, ca, clock).enroll(1, DIMENSIONS).get(0);
        try (Connection warm = new Connection(service.port())) {
            for (int i = 0; i < WARM_UP; i++) {
                warm.exchange(sender.nextRequest(DIMENSIONS, RECORDS));
            }
        }
        List<Double> alone = new ArrayList<>();
        List<Double> beside = new ArrayList<>();
        for (int round = 1; round <= rounds; round++) {
            long[] without = good(service, sender);
            alone.add(percentile(without, P99));
            try (SlowClients clients = new SlowClients(service.port(), slow)) {
                long[] with = good(service, sender);
                beside.add(percentile(with, P99));
                out.printf(
                        Locale.ROOT,
                        "round %d: alone p50 %.1f ms, p99 %.1f ms; beside %d slow clients p50 %.1f ms, p99 %.1f ms;"
                                + " %d of them cut off meanwhile%n",
                        round,
                        percentile(without, P50),
                        percentile(without, P99),
                        slow,
                        percentile(with, P50),
                        percentile(with, P99),
                        clients.cutOff());
            }
        }
        double p99Alone = Figures.median(alone);
        double p99Beside = Figures.median(beside);
        within = p99Beside < limitMillis;
        out.printf(
                Locale.ROOT,
                "%nmedian p99 of %d rounds of %d s at %d batches/s: alone %.1f ms, beside %d slow clients %.1f ms"
                        + " (limit %d ms)%n",
                rounds,
                seconds,
                rate,
                p99Alone,
                slow,
                p99Beside,
                limitMillis);
        out.println(Json.write(Json.object(
                "bench",
                "slow-clients",
                "slow",
                slow,
                "rate",
                rate,
                "rounds",
                rounds,
                "seconds",
                seconds,
                "p99AloneMs",
                String.format(Locale.ROOT, "%.1f", p99Alone),
                "p99BesideMs",
                String.format(Locale.ROOT, "%.1f", p99Beside),
                "limitMs",
                limitMillis,
                "cores",
                Runtime.getRuntime().availableProcessors())));
        out.flush();
    }

    /** Nanoseconds from when each batch was due until its receipt was there, sorted: a late start counts as waiting. */
    private long[] good(Service service, Sender sender) throws IOException {
        long[] waits = new long[rate * seconds];
        long pace = TimeUnit.SECONDS.toNanos(1) / rate;
        try (Connection connection = new Connection(service.port())) {
            long start = System.nanoTime();
            for (int i = 0; i < waits.length; i++) {
                byte[] request = sender.nextRequest(DIMENSIONS, RECORDS);
                long due = start + i * pace;
                for (long left = due - System.nanoTime(); left > 0; left = due - System.nanoTime()) {
                    LockSupport.parkNanos(left);
                }
                connection.exchange(request);
                waits[i] = System.nanoTime() - due;
            }
        }
        Arrays.sort(waits);
        return waits;
    }

    private static double percentile(long[] sorted, int percent) {
        int index = (int) Math.ceil(sorted.length * percent / 100.0) - 1;
        return sorted[index] / NANOS_PER_MILLI;
    }

    /** Clients that began a request, drip it, and connect again when they are cut off. */
    private static final class SlowClients implements AutoCloseable {
        private static final byte[] HEAD =
                "POST /v1/enrollments HTTP/1.1\r\nHost: x\r\nX: ".getBytes(StandardCharsets.US_ASCII);

        private final int port;
        private final List<Socket> sockets = new ArrayList<>();
        private final Thread thread;
        private volatile boolean stopped;
        private volatile int cutOff;

        SlowClients(int port, int count) throws IOException {
            this.port = port;
            for (int i = 0; i < count; i++) {
                sockets.add(begun());
            }
            thread = new Thread(this::drip, "slow-clients");
            thread.start();
        }

        int cutOff() {
            return cutOff;
        }

        private Socket begun() throws IOException {
            Socket socket = new Socket(InetAddress.getLoopbackAddress(), port);
            socket.setSoTimeout(1);
            socket.getOutputStream().write(HEAD);
            return socket;
        }

        private void drip() {
            int count = 0;
            while (!stopped) {
                for (int i = 0; i < sockets.size() && !stopped; i++) {
                    if (!goesOn(sockets.get(i))) {
                        count++;
                        cutOff = count;
                        try {
                            sockets.get(i).close();
                            sockets.set(i, begun());
                        } catch (IOException e) {
                            // Refused for now: the closed socket is found again in the next turn.
                        }
                    }
                }
                LockSupport.parkNanos(DRIP_NANOS);
            }
        }

        private static boolean goesOn(Socket socket) {
            try {
                socket.getOutputStream().write('a');
                return socket.getInputStream().read() >= 0;
            } catch (SocketTimeoutException quiet) {
                return true;
            } catch (IOException gone) {
                return false;
            }
        }

        @Override
        public void close() throws Exception {
            stopped = true;
            thread.join();
            for (Socket socket : sockets) {
                socket.close();
            }
        }
    }
}
