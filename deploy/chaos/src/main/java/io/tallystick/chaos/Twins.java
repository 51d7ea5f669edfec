package io.tallystick.chaos;

import io.tallystick.chaos.checker.AckLog;
import io.tallystick.chaos.checker.Verdict;
import io.tallystick.cloudsim.CloudCa;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.LongAdder;

/**
 * Two aggregators over one database, each batch sent to both at the same moment, and for hours that are closed already, so
 * that posting runs, which both try for each second, race the ingest of the very hours they post.
 */
final class Twins {
    /** How much: batches are in total, and each goes to both. */
    record Share(int senders, int batches, int recordsPerBatch) {
        static final Share CI = new Share(16, 256, 10);
        static final Share PART = new Share(64, 25_000, 20);
        static final Share FULL = new Share(64, 100_000, 20);
    }

    private static final Duration PATIENCE = Duration.ofMinutes(2);
    private static final Duration FLUSH = Duration.ofMinutes(15);
    private static final Duration SHED_PAUSE = Duration.ofMillis(100);
    private static final int HOURS = 3;
    private static final int SECOND = 1;

    private Twins() {}

    static Verdict play(World world, Share share, long seed) throws Exception {
        World.Product product = world.product(FLUSH, Duration.ZERO);
        CloudCa ca = world.ca();
        // The hours to come are of the agreement's time, and over.
        world.advance(Duration.ofHours(HOURS + 1L));
        world.startAggregator(SECOND);
        List<Sender> senders = new ArrayList<>();
        for (int i = 0; i < share.senders(); i++) {
            senders.add(Sender.enroll(world, ca, product, "twin-" + i, 0x1000 + i, seed * 1_000 + i));
        }
        Instant hour = world.now().truncatedTo(ChronoUnit.HOURS);
        List<Instant> hours = new ArrayList<>();
        for (int i = 1; i <= HOURS; i++) {
            hours.add(hour.minus(i, ChronoUnit.HOURS));
        }
        long deadlocksBefore = deadlocks(world);
        long runsBefore = world.ask("SELECT count(*) FROM posting_run");
        LongAdder repeatedAtOnce = new LongAdder();
        Path logFile = world.file("twins.acknowledged");
        ExecutorService threads = Executors.newFixedThreadPool(share.senders());
        ExecutorService seconds = Executors.newFixedThreadPool(share.senders());
        try (AckLog log = new AckLog(logFile)) {
            long start = System.nanoTime();
            List<Future<?>> running = new ArrayList<>();
            for (Sender sender : senders) {
                running.add(threads.submit(() -> {
                    send(world, sender, share, hours, log, seconds, repeatedAtOnce);
                    return null;
                }));
            }
            for (Future<?> f : running) {
                f.get();
            }
            double took = (System.nanoTime() - start) / 1e9;
            long deadlocks = deadlocks(world) - deadlocksBefore;
            world.tell(
                    "%,d batches to both aggregators in %.0f s; %d posting runs meanwhile; deadlocks %d",
                    repeatedAtOnce.sum(), took, world.ask("SELECT count(*) FROM posting_run") - runsBefore, deadlocks);
            long stored = world.ask("SELECT count(*) FROM usage_batch b JOIN enrollment e USING (enrollment_id)"
                    + " WHERE e.instance IN (" + instances(share.senders()) + ")");
            if (stored != repeatedAtOnce.sum()) {
                throw new IllegalStateException(stored + " batches are stored of " + repeatedAtOnce.sum());
            }
            if (deadlocks > 0) {
                throw new IllegalStateException(deadlocks + " deadlocks in PostgreSQL");
            }
            Verdict verdict = world.judge(product, log, logFile);
            world.tell("%s", verdict);
            return verdict;
        } finally {
            threads.shutdownNow();
            seconds.shutdownNow();
            world.killAggregator(SECOND);
        }
    }

    private static String instances(int senders) {
        List<String> names = new ArrayList<>();
        for (int i = 0; i < senders; i++) {
            names.add("'" + Sender.instance(0x1000 + i) + "'");
        }
        return String.join(",", names);
    }

    private static void send(
            World world,
            Sender sender,
            Share share,
            List<Instant> hours,
            AckLog log,
            ExecutorService seconds,
            LongAdder sent)
            throws IOException, InterruptedException, ExecutionException {
        int first = world.aggregatorPort(0);
        int second = world.aggregatorPort(SECOND);
        try (Exchange one = new Exchange(first, PATIENCE);
                Exchange other = new Exchange(second, PATIENCE)) {
            for (int b = 0; b < share.batches() / share.senders(); b++) {
                Sender.Signed batch = sender.next(share.recordsPerBatch(), hours);
                Future<Exchange.Answer> beside = seconds.submit(() -> answered(other, sender.request(second, batch)));
                Exchange.Answer a = answered(one, sender.request(first, batch));
                Exchange.Answer z = beside.get();
                if (a.status() != 200 || z.status() != 200 || !Arrays.equals(a.body(), z.body())) {
                    throw new IllegalStateException("not the same receipt twice: " + a.status() + " " + a.text()
                            + " and " + z.status() + " " + z.text());
                }
                sender.stored(batch, a);
                log.add(batch.entries());
                sent.increment();
            }
        }
    }

    /** Sends until it is not told to wait, as an agent would: a process that has just begun takes little at once. */
    private static Exchange.Answer answered(Exchange exchange, byte[] request) throws IOException {
        while (true) {
            Exchange.Answer answer = exchange.send(request);
            if (answer.status() != 429) {
                return answer;
            }
            World.pause(SHED_PAUSE);
        }
    }

    private static long deadlocks(World world) {
        return world.ask("SELECT sum(deadlocks) FROM pg_stat_database");
    }
}
