package io.tallystick.chaos;

import io.tallystick.chaos.checker.AckLog;
import io.tallystick.cloudsim.CloudCa;
import java.io.IOException;
import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.TreeMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Ten times the rate that the aggregator sustains, from senders that do not care to be told to wait. Accepted batches are
 * answered within a second, the others are refused with 429 and a time to wait, and soon after the storm all is as before.
 */
final class Overload {
    /** How much, and how long each phase lasts. */
    record Share(int senders, int recordsPerBatch, Duration calm, Duration storm) {
        static final Share CI = new Share(200, 200, Duration.ofSeconds(2), Duration.ofSeconds(4));
        static final Share PART = new Share(1_000, 500, Duration.ofSeconds(10), Duration.ofSeconds(60));
        static final Share FULL = PART;
    }

    static final int TIMES = 10;
    static final Duration ACCEPTED_P99_MAX = Duration.ofSeconds(1);
    static final Duration NORMAL_AGAIN_MAX = Duration.ofSeconds(60);

    private static final Pattern COMMITS =
            Pattern.compile("tallystick_ingest_commit_seconds_bucket\\{le=\"([^\"]+)\"} (\\S+)");
    private static final Duration PATIENCE = Duration.ofSeconds(60);
    private static final int CALM_SENDERS = 32;
    private static final Duration WINDOW = Duration.ofSeconds(1);
    private static final int ENROLLING = 8;

    /** What came of a phase; latencies in milliseconds. */
    private record Phase(
            double seconds,
            long accepted,
            long refused,
            long refusedWithoutWord,
            double p50,
            double p99,
            BigDecimal sum) {
        double offeredPerSecond() {
            return (accepted + refused) / seconds;
        }

        double acceptedPerSecond() {
            return accepted / seconds;
        }
    }

    /** What a run came to. */
    record Result(
            double sustainable,
            double offered,
            long accepted,
            long refused,
            long refusedWithoutWord,
            double acceptedP99Millis,
            double normalAfterSeconds,
            double residentBefore,
            double residentMiddle,
            double residentEnd,
            boolean exact) {}

    private final World world;
    private final List<Sender> senders;
    private final List<Sender.Signed> waiting;
    private final List<Exchange> exchanges = new ArrayList<>();
    private final Share share;
    private final List<Instant> hours;
    private BigDecimal accepted = BigDecimal.ZERO;

    private Overload(World world, Share share, List<Sender> senders) {
        this.world = world;
        this.share = share;
        this.senders = senders;
        this.hours = List.of(world.now().truncatedTo(ChronoUnit.HOURS));
        this.waiting = new ArrayList<>(senders.stream()
                .map(s -> s.next(share.recordsPerBatch(), hours))
                .toList());
        for (int i = 0; i < senders.size(); i++) {
            exchanges.add(new Exchange(world.aggregatorPort(0), PATIENCE));
        }
    }

    static Result play(World world, Share share, long seed) throws Exception {
        World.Product product = world.product(Duration.ofMinutes(15), Duration.ZERO);
        world.tell("enrolling %d senders", share.senders());
        Overload o = new Overload(world, share, enroll(world, product, share, seed));
        ExecutorService threads = Executors.newFixedThreadPool(share.senders());
        try {
            o.phase(threads, CALM_SENDERS, 0, share.calm());
            Phase calm = o.phase(threads, CALM_SENDERS, 0, share.calm());
            world.tell(
                    "sustained: %.0f batches/s of %d records, p50 %.0f ms, p99 %.0f ms",
                    calm.acceptedPerSecond(), share.recordsPerBatch(), calm.p50(), calm.p99());
            double before = World.residentMib(world.aggregatorProcess(0));
            double rate = calm.acceptedPerSecond() * TIMES;
            Duration half = share.storm().dividedBy(2);
            Map<Double, Long> commits = o.commits();
            Phase first = o.phase(threads, share.senders(), rate, half);
            double middle = World.residentMib(world.aggregatorProcess(0));
            Phase second = o.phase(threads, share.senders(), rate, half);
            double end = World.residentMib(world.aggregatorProcess(0));
            double p99 = Math.max(first.p99(), second.p99());
            world.tell(
                    "overload: offered %.0f/s, accepted %.0f/s (p99 %.0f and %.0f ms), refused %d, memory %.0f, %.0f,"
                            + " %.0f MiB",
                    second.offeredPerSecond(),
                    second.acceptedPerSecond(),
                    first.p99(),
                    second.p99(),
                    first.refused() + second.refused(),
                    before,
                    middle,
                    end);
            world.tell(
                    "by the aggregator's own metrics p99 from coming to commit is within %s s",
                    o.committedWithin(commits));
            double normal = o.normalAgain(threads, calm);
            world.tell("normal again after %.1f s", normal);
            return new Result(
                    calm.acceptedPerSecond(),
                    (first.offeredPerSecond() + second.offeredPerSecond()) / 2,
                    first.accepted() + second.accepted(),
                    first.refused() + second.refused(),
                    first.refusedWithoutWord() + second.refusedWithoutWord(),
                    p99,
                    normal,
                    before,
                    middle,
                    end,
                    o.exact(product));
        } finally {
            threads.shutdownNow();
            o.exchanges.forEach(Exchange::close);
        }
    }

    private static List<Sender> enroll(World world, World.Product product, Share share, long seed)
            throws InterruptedException, ExecutionException {
        CloudCa ca = world.ca();
        ExecutorService threads = Executors.newFixedThreadPool(ENROLLING);
        try {
            List<Future<Sender>> running = new ArrayList<>();
            for (int i = 0; i < share.senders(); i++) {
                int number = i;
                running.add(threads.submit(() -> Sender.enroll(
                        world, ca, product, "load-" + number, 0x100000 + number, seed * 10_000 + number)));
            }
            List<Sender> senders = new ArrayList<>();
            for (Future<Sender> f : running) {
                senders.add(f.get());
            }
            return senders;
        } finally {
            threads.shutdown();
        }
    }

    /** What one sender saw. */
    private static final class Seen {
        private long[] nanos = new long[64];
        private int accepted;
        private long refused;
        private long refusedWithoutWord;
        private BigDecimal sum = BigDecimal.ZERO;

        void accepted(long took, Sender.Signed batch) {
            if (accepted == nanos.length) {
                nanos = Arrays.copyOf(nanos, accepted * 2);
            }
            nanos[accepted++] = took;
            for (AckLog.Entry e : batch.entries()) {
                sum = sum.add(e.quantity());
            }
        }
    }

    /** Lets the first {@code count} senders send, all together at {@code rate} a second, or as fast as they can for 0. */
    private Phase phase(ExecutorService threads, int count, double rate, Duration length)
            throws InterruptedException, ExecutionException {
        long start = System.nanoTime();
        long end = start + length.toNanos();
        List<Future<Seen>> running = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            int number = i;
            long step = rate == 0 ? 0 : (long) (count / rate * 1e9);
            running.add(threads.submit(() -> send(number, start + step * number / count, step, end)));
        }
        List<Seen> all = new ArrayList<>();
        for (Future<Seen> f : running) {
            all.add(f.get());
        }
        double seconds = (System.nanoTime() - start) / 1e9;
        long[] nanos = all.stream()
                .flatMapToLong(s -> Arrays.stream(s.nanos, 0, s.accepted))
                .sorted()
                .toArray();
        BigDecimal sum = all.stream().map(s -> s.sum).reduce(BigDecimal.ZERO, BigDecimal::add);
        accepted = accepted.add(sum);
        return new Phase(
                seconds,
                nanos.length,
                all.stream().mapToLong(s -> s.refused).sum(),
                all.stream().mapToLong(s -> s.refusedWithoutWord).sum(),
                percentile(nanos, 50),
                percentile(nanos, 99),
                sum);
    }

    private Seen send(int number, long first, long step, long end) throws IOException, InterruptedException {
        Seen seen = new Seen();
        Sender sender = senders.get(number);
        Exchange exchange = exchanges.get(number);
        for (long due = first; ; due += step) {
            long wait = due - System.nanoTime();
            if (step > 0 && wait > 0) {
                TimeUnit.NANOSECONDS.sleep(wait);
            }
            long now = System.nanoTime();
            if (now - end >= 0) {
                return seen;
            }
            // Who could not keep up does not catch up: that would be more than was asked for, later.
            due = Math.max(due, now - step);
            Sender.Signed batch = waiting.get(number);
            byte[] request = sender.request(world.aggregatorPort(0), batch);
            long since = System.nanoTime();
            Exchange.Answer answer = exchange.send(request);
            if (answer.status() == 200) {
                seen.accepted(System.nanoTime() - since, batch);
                sender.stored(batch, answer);
                waiting.set(number, sender.again(batch));
            } else if (answer.status() == 429) {
                seen.refused++;
                if (!answer.headers().getOrDefault("retry-after", "").matches("[1-9][0-9]*")) {
                    seen.refusedWithoutWord++;
                }
            } else {
                throw new IllegalStateException("a batch is answered " + answer.status() + " " + answer.text());
            }
        }
    }

    /** Batches by the upper bound of the seconds from their coming to their commit, as the aggregator counts them. */
    private NavigableMap<Double, Long> commits() {
        String metrics = new String(world.operator().get("/metrics").expect(200).body(), StandardCharsets.UTF_8);
        NavigableMap<Double, Long> counts = new TreeMap<>();
        Matcher m = COMMITS.matcher(metrics);
        while (m.find()) {
            double bound = m.group(1).equals("+Inf") ? Double.POSITIVE_INFINITY : Double.parseDouble(m.group(1));
            counts.put(bound, (long) Double.parseDouble(m.group(2)));
        }
        return counts;
    }

    /** The bound that 99 % of the batches since then are within. */
    private double committedWithin(Map<Double, Long> before) {
        NavigableMap<Double, Long> now = commits();
        now.replaceAll((bound, count) -> count - before.getOrDefault(bound, 0L));
        double most = now.lastEntry().getValue() * 0.99;
        return now.entrySet().stream()
                .filter(e -> e.getValue() >= most)
                .mapToDouble(Map.Entry::getKey)
                .min()
                .orElse(Double.NaN);
    }

    /** Seconds until a second comes in which half of the sustained rate is all accepted, with latencies as before. */
    private double normalAgain(ExecutorService threads, Phase calm) throws InterruptedException, ExecutionException {
        long since = System.nanoTime();
        while (true) {
            Phase now = phase(threads, CALM_SENDERS, calm.acceptedPerSecond() / 2, WINDOW);
            double seconds = (System.nanoTime() - since) / 1e9;
            if (now.refused() == 0 && now.p99() <= ACCEPTED_P99_MAX.toMillis()
                    || seconds > NORMAL_AGAIN_MAX.toSeconds()) {
                return seconds;
            }
        }
    }

    /** Whether the bill is what was accepted. Sums only: a log of every record of a load would be its own overload. */
    private boolean exact(World.Product product) {
        BigDecimal billed = world.billed(product);
        world.tell("accepted %s, billed %s", accepted.toPlainString(), billed.toPlainString());
        return billed.compareTo(accepted) == 0;
    }

    private static double percentile(long[] sorted, int percent) {
        return sorted.length == 0 ? Double.NaN : sorted[(int) ((sorted.length - 1L) * percent / 100)] / 1e6;
    }
}
