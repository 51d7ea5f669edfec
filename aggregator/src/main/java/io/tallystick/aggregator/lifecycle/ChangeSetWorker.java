package io.tallystick.aggregator.lifecycle;

import io.tallystick.aggregator.audit.Audit;
import io.tallystick.aggregator.audit.AuditEvent;
import io.tallystick.aggregator.catalog.Catalog;
import io.tallystick.aggregator.catalog.Holds;
import io.tallystick.aggregator.catalog.Versions;
import io.tallystick.aggregator.db.Columns;
import io.tallystick.aggregator.db.Database;
import io.tallystick.aggregator.db.Ids;
import io.tallystick.aggregator.image.ImageCloudException;
import io.tallystick.aggregator.job.Handler;
import io.tallystick.aggregator.job.Job;
import io.tallystick.aggregator.job.Jobs;
import io.tallystick.common.error.ErrorCode;
import io.tallystick.common.error.Failure;
import io.vertx.core.Future;
import io.vertx.sqlclient.SqlConnection;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.TreeSet;

/**
 * Carries change sets out, one step after the other. Each step is: say that it is attempted, ask for its effect, record
 * what came of it; the first and the last in transactions that hold the job's fence. A worker may die before, between and
 * after these: the next one finds the step not done and asks for the same effect under the same token.
 */
public final class ChangeSetWorker implements Handler {
    /** How soon to look again at something the cloud is still doing. */
    static final Duration WAIT = Duration.ofSeconds(5);

    /** A copy that is not there by then will not come. */
    static final Duration WAIT_MAX = Duration.ofHours(24);

    /** Steps in one taking of the job: what waits for one after the other is on the stack when the last one ends. */
    private static final int STEPS_AT_ONCE = 50;

    /** Called at the places where a worker may die; a test has it die there. */
    interface Boundary {
        Boundary NONE = name -> Future.succeededFuture();

        /** @param name for example {@code copy asked} */
        Future<Void> reached(String name);
    }

    private final ChangeSetStore store = new ChangeSetStore();
    private final Holds holds = new Holds();
    private final CopyStore copies = new CopyStore();
    private final StepEffects effects;
    private final StepRecords records;
    private final Catalog catalog;
    private final Versions versions;
    private final Jobs jobs;
    private final Database database;
    private final Audit audit;
    private final Ids ids;
    private final Clock clock;
    private final Boundary boundary;

    ChangeSetWorker(
            StepEffects effects,
            StepRecords records,
            Catalog catalog,
            Versions versions,
            Jobs jobs,
            Database database,
            Audit audit,
            Ids ids,
            Clock clock,
            Boundary boundary) {
        this.effects = effects;
        this.records = records;
        this.catalog = catalog;
        this.versions = versions;
        this.jobs = jobs;
        this.database = database;
        this.audit = audit;
        this.ids = ids;
        this.clock = clock;
        this.boundary = boundary;
    }

    @Override
    public String kind() {
        return ChangeSets.JOB;
    }

    @Override
    public Future<Outcome> run(Job job) {
        return run(job, STEPS_AT_ONCE);
    }

    private Future<Outcome> run(Job job, int left) {
        return store.read(database.reads(), job.key()).compose(found -> {
            if (found.isEmpty() || !found.get().status().isOpen()) {
                return Future.succeededFuture(Outcome.DONE);
            }
            ChangeSet set = found.get();
            if (set.status() == ChangeSet.Status.PREPARING) {
                return begin(job).compose(done -> boundary.reached("begun")).compose(done -> run(job, left));
            }
            Optional<Step> next = set.next();
            if (next.isPresent() && left == 0) {
                return Future.succeededFuture(Outcome.later(Duration.ZERO));
            }
            return next.isPresent()
                    ? step(job, set, next.get(), left - 1)
                    : end(job, ChangeSet.Status.SUCCEEDED, Optional.empty(), Optional.empty())
                            .map(Outcome.DONE);
        });
    }

    /** From PREPARING to APPLYING: checked again, since things may have changed; then every step and token is written. */
    private Future<Void> begin(Job job) {
        return holding(job, (tx, set) -> {
            if (set.status() != ChangeSet.Status.PREPARING) {
                return Future.succeededFuture();
            }
            TreeSet<String> products = new TreeSet<>();
            set.changes().forEach(c -> products.add(c.productId()));
            return catalog.byIds(tx, products)
                    .compose(found -> versions.ofProducts(tx, products).compose(all -> {
                        Planned planned = Planned.of(set.changes(), found, all, catalog, versions);
                        try {
                            planned.check(set.changes());
                        } catch (Failure f) {
                            return ended(
                                    tx,
                                    set,
                                    ChangeSet.Status.FAILED,
                                    Optional.of(ChangeSet.FailureCode.CLIENT_ERROR),
                                    Optional.of(String.valueOf(f.getMessage())));
                        }
                        Instant now = now();
                        List<Step> steps = ChangeSteps.of(set.changes(), planned, () -> ids.next("stp"));
                        return store.apply(tx, set.id(), now)
                                .compose(done -> store.insertSteps(tx, set.id(), steps))
                                .compose(done -> records.beginPublishing(tx, steps, all, now))
                                .compose(done -> jobs.progressed(tx, job));
                    }));
        });
    }

    private Future<Outcome> step(Job job, ChangeSet set, Step step, int left) {
        String name = step.name().wire();
        Future<StepEffects.Effect> asked = holding(job, (tx, locked) -> store.attempt(tx, set.id(), step, now()))
                .compose(done -> boundary.reached(name + " attempted"))
                .compose(done -> guarded(() -> effects.ask(set, step)))
                .compose(effect -> boundary.reached(name + " asked").map(effect));
        return asked.compose(effect -> {
                    if (effect.waiting()) {
                        return waiting(job, step);
                    }
                    return holding(job, (tx, locked) -> records.record(tx, set, step, effect, now())
                                    .compose(done -> store.stepDone(tx, set.id(), step, now()))
                                    .compose(done -> jobs.progressed(tx, job)))
                            .compose(done -> boundary.reached(name + " recorded"))
                            .compose(done -> run(job, left));
                })
                .recover(e -> failed(job, set, step, e));
    }

    private Future<Outcome> waiting(Job job, Step step) {
        boolean tooLong = step.startedAt()
                .map(since -> since.plus(WAIT_MAX).isBefore(now()))
                .orElse(false);
        return tooLong
                ? end(
                                job,
                                ChangeSet.Status.FAILED,
                                Optional.of(ChangeSet.FailureCode.SERVER_FAULT),
                                Optional.of(step.name().wire() + ": the cloud did not finish within " + WAIT_MAX))
                        .map(Outcome.DONE)
                : Future.succeededFuture(Outcome.later(WAIT));
    }

    private Future<Outcome> failed(Job job, ChangeSet set, Step step, Throwable e) {
        if (e instanceof Jobs.StaleFence) {
            return Future.failedFuture(e);
        }
        boolean forGood = e instanceof ImageCloudException cloud && !cloud.isRetryable()
                || e instanceof Failure f
                        && set.changes().get(step.changeIndex()).type().adds()
                        && isTheRequests(f);
        String detail = step.name().wire() + ": " + e.getMessage();
        if (forGood) {
            return end(
                            job,
                            ChangeSet.Status.FAILED,
                            Optional.of(ChangeSet.FailureCode.CLIENT_ERROR),
                            Optional.of(detail))
                    .map(Outcome.DONE);
        }
        return holding(job, (tx, locked) -> store.stepError(tx, set.id(), step, String.valueOf(e.getMessage())))
                .transform(done -> Future.failedFuture(e));
    }

    /** What was right when it was asked for may be so no more: a title is taken by now, an account gone. */
    private static boolean isTheRequests(Failure f) {
        return f.code() == ErrorCode.INVALID_REQUEST
                || f.code() == ErrorCode.ALREADY_EXISTS
                || f.code() == ErrorCode.CONFLICT;
    }

    @Override
    public Future<Void> poisoned(Job job, String lastError) {
        return end(
                job,
                ChangeSet.Status.FAILED,
                Optional.of(ChangeSet.FailureCode.SERVER_FAULT),
                Optional.of("given up after many attempts: " + lastError));
    }

    private Future<Void> end(
            Job job, ChangeSet.Status status, Optional<ChangeSet.FailureCode> code, Optional<String> detail) {
        return holding(
                job,
                (tx, set) -> set.status().isOpen() ? ended(tx, set, status, code, detail) : Future.succeededFuture());
    }

    /** Versions whose publication came to nothing are drafts again, and what was copied for them is thrown away. */
    private Future<Void> ended(
            SqlConnection tx,
            ChangeSet set,
            ChangeSet.Status status,
            Optional<ChangeSet.FailureCode> code,
            Optional<String> detail) {
        ChangeSet after = set.ended(status, now(), code, detail);
        Future<Void> undone = Future.succeededFuture();
        if (status == ChangeSet.Status.FAILED) {
            for (Change change : set.changes()) {
                if (change.type() == Change.Type.PUBLISH_VERSION) {
                    undone = undone.compose(done ->
                            versions.abandonPublishing(tx, change.versionId().orElseThrow()));
                }
            }
            undone = undone.compose(done -> copies.discard(tx, set.id())).compose(tokens -> {
                Future<Void> asked = Future.succeededFuture();
                for (String token : tokens) {
                    asked = asked.compose(done -> jobs.add(tx, DiscardedCopies.JOB, token));
                }
                return asked;
            });
        }
        return undone.compose(done -> store.end(tx, after))
                .compose(done -> holds.release(tx, set.id()))
                .compose(done -> audit.append(
                        tx,
                        new AuditEvent.Change(actor(set), "change-set.end", set.id(), set.summary(), after.summary())));
    }

    /** How the audit log names what a worker does for a change set. */
    static String actor(ChangeSet set) {
        return "change-set:" + set.id();
    }

    /** What is done to a change set in a transaction that holds it and its job. */
    @FunctionalInterface
    private interface Work {
        Future<Void> apply(SqlConnection tx, ChangeSet locked);
    }

    /** A transaction in which nobody else has the job or the change set. */
    private Future<Void> holding(Job job, Work work) {
        return database.transactor().inTx(tx -> jobs.hold(tx, job)
                .compose(held -> store.readForUpdate(tx, job.key()))
                .compose(found -> work.apply(tx, found.orElseThrow())));
    }

    private Instant now() {
        return Columns.micros(clock.instant());
    }

    private static <T> Future<T> guarded(java.util.function.Supplier<Future<T>> work) {
        try {
            return work.get();
        } catch (RuntimeException e) {
            return Future.failedFuture(e);
        }
    }
}
