package io.tallystick.aggregator.app;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.tallystick.aggregator.billing.PostingRuns;
import io.tallystick.aggregator.signing.SigningKeys;
import io.tallystick.aggregator.usage.Partitions;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What a process does without being asked: posting runs, partitions, picking up new signing keys. Looks at the clock
 * each second and does what is due, so a clock that jumps (the sandbox's, or a resumed machine's) makes each task run
 * once, not as often as it was missed. Tasks never overlap with themselves.
 */
final class Housekeeping {
    private static final Duration TICK = Duration.ofSeconds(1);
    private static final Duration KEYS_EVERY = Duration.ofMinutes(1);
    private static final Duration PARTITIONS_EVERY = Duration.ofMinutes(10);
    private static final Logger LOG = LoggerFactory.getLogger(Housekeeping.class);

    private final class Task {
        private final String name;
        private final Duration every;
        private final Supplier<Future<?>> work;
        private final Counter failures;
        private Instant due = Instant.MIN;
        private boolean running;

        Task(String name, Duration every, Supplier<Future<?>> work) {
            this.name = name;
            this.every = every;
            this.work = work;
            this.failures = Counter.builder("tallystick.housekeeping.failures")
                    .description("Failed rounds of a background task")
                    .tag("task", name)
                    .register(registry);
        }

        void runIfDue() {
            Instant now = clock.instant();
            // A clock set back must not stop a task for as long as it was ahead.
            if (running || (now.isBefore(due) && Duration.between(now, due).compareTo(every) <= 0)) {
                return;
            }
            due = now.plus(every);
            running = true;
            start().onComplete(done -> {
                running = false;
                if (done.failed()) {
                    failures.increment();
                    LOG.error("{} failed; tried again in {}", name, every, done.cause());
                }
            });
        }

        private Future<?> start() {
            try {
                return work.get();
            } catch (RuntimeException e) {
                return Future.failedFuture(e);
            }
        }
    }

    private final Vertx vertx;
    private final MeterRegistry registry;
    private final Clock clock;
    private final PostingRuns posting;
    private final Partitions partitions;
    private final SigningKeys keys;
    private final List<Task> tasks = new ArrayList<>();
    private final AtomicLong closedThroughSeconds = new AtomicLong();

    Housekeeping(
            Vertx vertx,
            MeterRegistry registry,
            Clock clock,
            PostingRuns posting,
            Partitions partitions,
            SigningKeys keys,
            Duration postingInterval) {
        this.vertx = vertx;
        this.registry = registry;
        this.clock = clock;
        this.posting = posting;
        this.partitions = partitions;
        this.keys = keys;
        Gauge.builder("tallystick.billing.closed.through", closedThroughSeconds, AtomicLong::doubleValue)
                .description("Booking time up to which usage is final, in seconds of Unix time")
                .baseUnit("seconds")
                .register(registry);
        add("posting", postingInterval, this::post);
        add("partitions", PARTITIONS_EVERY, partitions::ensure);
        add("keys", KEYS_EVERY, keys::refresh);
    }

    /**
     * Has this done every so often by the process's clock, on one event loop; before {@link #start} only. The name is a
     * label of {@code tallystick_housekeeping_failures_total}.
     */
    void add(String name, Duration every, Supplier<Future<?>> work) {
        tasks.add(new Task(name, every, work));
    }

    /** Makes what must be there before the first request, then starts ticking until Vert.x closes. */
    Future<Void> start() {
        // Without its partition a month goes to the default one: no reason not to start.
        return keys.start()
                .compose(done -> partitions.ensure().otherwiseEmpty())
                .map(done -> {
                    List<Task> all = List.copyOf(tasks);
                    vertx.getOrCreateContext()
                            .runOnContext(v -> vertx.setPeriodic(TICK.toMillis(), tick -> all.forEach(Task::runIfDue)));
                    return null;
                });
    }

    private Future<?> post() {
        return posting.post()
                .onSuccess(posted -> posted.ifPresent(p -> {
                    closedThroughSeconds.set(p.closedThrough().getEpochSecond());
                    p.run().ifPresent(run -> LOG.info("posting run {} booked {} lines", run, p.lines()));
                }));
    }
}
