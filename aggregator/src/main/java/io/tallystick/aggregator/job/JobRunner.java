package io.tallystick.aggregator.job;

import io.tallystick.aggregator.db.Columns;
import io.tallystick.aggregator.db.Database;
import io.vertx.core.Future;
import java.time.Clock;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.random.RandomGenerator;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Takes due jobs and has them done. One round at a time in a process; any number of processes. */
public final class JobRunner {
    /** Jobs of one round, done beside each other. */
    static final int ROUND_MAX = 8;

    private static final int ROUNDS_MAX = 20;

    private static final Logger LOG = LoggerFactory.getLogger(JobRunner.class);

    private final Jobs jobs;
    private final Map<String, Handler> handlers;
    private final Database database;
    private final RandomGenerator random;
    private final Clock clock;

    public JobRunner(Jobs jobs, List<Handler> handlers, Database database, RandomGenerator random, Clock clock) {
        this.jobs = jobs;
        this.handlers = handlers.stream().collect(Collectors.toMap(Handler::kind, Function.identity()));
        this.database = database;
        this.random = random;
        this.clock = clock;
    }

    /** Does what is due now, once each; answers how many jobs that were. Fails only if the database cannot be asked. */
    public Future<Integer> round() {
        Instant now = Columns.micros(clock.instant());
        return jobs.store
                .take(database.reads(), handlers.keySet(), now, now.plus(Jobs.LEASE), ROUND_MAX)
                .compose(taken ->
                        Future.join(taken.stream().map(this::run).toList()).map(taken.size()));
    }

    /** Rounds until nothing is due, but not for ever: others have work for this process, too. */
    public Future<?> drain() {
        return drain(ROUNDS_MAX);
    }

    private Future<Integer> drain(int rounds) {
        return round().compose(did -> did == 0 || rounds == 1 ? Future.succeededFuture(did) : drain(rounds - 1));
    }

    private Future<Void> run(JobStore.Taken taken) {
        Job job = taken.job();
        Handler handler = handlers.get(job.kind());
        if (handler == null) {
            return Future.failedFuture("no handler for " + job.kind());
        }
        if (job.attempts() > Backoff.ATTEMPTS_MAX) {
            return poison(handler, taken);
        }
        return guarded(() -> handler.run(job))
                .compose(outcome -> record(job, outcome))
                .recover(e -> failed(job, e));
    }

    private Future<Void> poison(Handler handler, JobStore.Taken taken) {
        Job job = taken.job();
        LOG.error(
                "{} {} is given up after {} attempts: {}",
                job.kind(),
                job.key(),
                job.attempts() - 1,
                taken.lastError());
        return guarded(() -> handler.poisoned(job, taken.lastError()))
                .compose(done -> jobs.store.poison(database.reads(), job, Columns.micros(clock.instant())))
                .recover(e -> failed(job, e));
    }

    private Future<Void> record(Job job, Handler.Outcome outcome) {
        Instant now = Columns.micros(clock.instant());
        return outcome instanceof Handler.Outcome.Later later
                ? jobs.store.later(database.reads(), job, now.plus(later.pause()))
                : jobs.store.complete(database.reads(), job, now);
    }

    private Future<Void> failed(Job job, Throwable e) {
        if (e instanceof Jobs.StaleFence) {
            LOG.info("{}", e.getMessage());
            return Future.succeededFuture();
        }
        // A cloud that is away would fill the log with its stack.
        LOG.warn("{} {} failed, attempt {}: {}", job.kind(), job.key(), job.attempts(), e.toString());
        LOG.debug("{} {}", job.kind(), job.key(), e);
        Instant due = Columns.micros(clock.instant()).plus(Backoff.after(job.attempts(), Backoff.MAX, random));
        return jobs.store.retry(database.reads(), job, due, String.valueOf(e.getMessage()));
    }

    private static <T> Future<T> guarded(java.util.function.Supplier<Future<T>> work) {
        try {
            return work.get();
        } catch (RuntimeException e) {
            return Future.failedFuture(e);
        }
    }
}
