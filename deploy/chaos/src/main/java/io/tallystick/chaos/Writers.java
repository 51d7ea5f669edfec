package io.tallystick.chaos;

import io.tallystick.chaos.checker.AckLog;
import io.tallystick.chaos.checker.Checker;
import io.tallystick.sandbox.Agent;
import java.io.IOException;
import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.LongAdder;

/**
 * Vendors' programs: each meters arrays of keyed records at an agent, repeats a call under the same keys until it has its
 * 2xx, and only then writes the records into the log.
 */
final class Writers implements AutoCloseable {
    private static final Duration CALL_PATIENCE = Duration.ofSeconds(10);
    private static final Duration REPEAT_PATIENCE = Duration.ofMinutes(3);
    private static final Duration REPEAT_PAUSE = Duration.ofMillis(150);

    private final World world;
    private final AckLog log;
    private final String name;
    private final int recordsMax;
    private final Duration pauseMax;
    private final ExecutorService threads;
    private final List<Future<?>> running = new ArrayList<>();
    private final LongAdder repeated = new LongAdder();
    private volatile boolean stopping;

    /**
     * Starts them, evenly over the agents.
     *
     * @param name begins the ids of all records; another one for each set of writers
     * @param recordsMax calls carry one to so many records
     * @param pauseMax the longest time between two calls of a writer
     */
    Writers(
            World world,
            AckLog log,
            String name,
            List<Agent> agents,
            int writers,
            int recordsMax,
            Duration pauseMax,
            long seed) {
        this.world = world;
        this.log = log;
        this.name = name;
        this.recordsMax = recordsMax;
        this.pauseMax = pauseMax;
        this.threads = Executors.newFixedThreadPool(writers);
        List<String> enrollments = agents.stream().map(world::enrollment).toList();
        for (int w = 0; w < writers; w++) {
            int number = w;
            Agent agent = agents.get(w % agents.size());
            String enrollment = enrollments.get(w % agents.size());
            running.add(threads.submit(
                    () -> write(number, agent, enrollment, new SplittableRandom(seed * 1_000 + number))));
        }
        threads.shutdown();
    }

    private Void write(int number, Agent agent, String enrollment, SplittableRandom random) throws IOException {
        int port = agent.url().getPort();
        long serial = 0;
        try (Exchange exchange = new Exchange(port, CALL_PATIENCE)) {
            while (!stopping) {
                int records = 1 + random.nextInt(recordsMax);
                Instant time = world.now().truncatedTo(ChronoUnit.SECONDS);
                String hour = time.truncatedTo(ChronoUnit.HOURS).toString();
                List<AckLog.Entry> entries = new ArrayList<>(records);
                StringBuilder body = new StringBuilder(records * 130).append('[');
                for (int i = 0; i < records; i++) {
                    String id = name + "-" + number + "-" + serial++;
                    String dimension = World.DIMENSIONS.get(random.nextInt(World.DIMENSIONS.size()));
                    BigDecimal quantity = Checker.mark(random.nextInt(Checker.MARKS));
                    entries.add(new AckLog.Entry(AckLog.Fate.ACKNOWLEDGED, id, enrollment, dimension, hour, quantity));
                    body.append(i == 0 ? "" : ",")
                            .append("{\"dimension\":\"")
                            .append(dimension)
                            .append("\",\"quantity\":\"")
                            .append(quantity.toPlainString())
                            .append("\",\"timestamp\":\"")
                            .append(time)
                            .append("\",\"idempotencyKey\":\"")
                            .append(id)
                            .append("\"}");
                }
                byte[] json = body.append(']').toString().getBytes(StandardCharsets.UTF_8);
                untilAcknowledged(exchange, Exchange.post(port, "/v1/usage", "application/json", json));
                log.add(entries);
                if (!pauseMax.isZero()) {
                    World.pause(Duration.ofMillis(random.nextLong(pauseMax.toMillis() + 1)));
                }
            }
        }
        return null;
    }

    /** It may have counted or not when no answer comes; only its keys tell, so it is sent again as it was. */
    private void untilAcknowledged(Exchange exchange, byte[] request) {
        long deadline = System.nanoTime() + REPEAT_PATIENCE.toNanos();
        while (true) {
            String came;
            try {
                Exchange.Answer answer = exchange.send(request);
                if (answer.status() == 200 || answer.status() == 202) {
                    return;
                }
                came = answer.status() + " " + answer.text();
                if (answer.status() != 503 && answer.status() != 429) {
                    throw new IllegalStateException("usage is refused: " + came);
                }
            } catch (IOException e) {
                came = e.toString();
            }
            if (System.nanoTime() - deadline > 0) {
                throw new IllegalStateException("usage is not taken for " + REPEAT_PATIENCE + ", last: " + came);
            }
            repeated.increment();
            World.pause(REPEAT_PAUSE);
        }
    }

    /** Throws what a writer died of, if one did. */
    void check() {
        for (Future<?> f : running) {
            if (f.isDone()) {
                result(f);
            }
        }
    }

    /** Lets every call under way come to its 2xx; answers how many were repeated. */
    long finish() {
        stopping = true;
        running.forEach(Writers::result);
        return repeated.sum();
    }

    private static void result(Future<?> f) {
        try {
            f.get(REPEAT_PATIENCE.toSeconds() * 2, TimeUnit.SECONDS);
        } catch (ExecutionException | java.util.concurrent.TimeoutException e) {
            throw new IllegalStateException("a writer failed", e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        }
    }

    @Override
    public void close() {
        stopping = true;
        threads.shutdownNow();
    }
}
