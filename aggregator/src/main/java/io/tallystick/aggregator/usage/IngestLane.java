package io.tallystick.aggregator.usage;

import io.tallystick.aggregator.signing.SigningKeys;
import io.tallystick.common.error.ErrorCode;
import io.tallystick.common.error.Failure;
import io.tallystick.common.jose.Typ;
import io.tallystick.common.json.Json;
import io.tallystick.common.model.EnrollmentId;
import io.tallystick.common.model.Quantity;
import io.tallystick.common.wire.Receipt;
import io.tallystick.common.wire.Watermark;
import io.vertx.core.Context;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import io.vertx.pgclient.PgException;
import io.vertx.sqlclient.Pool;
import io.vertx.sqlclient.SqlConnection;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Group commit. Batches that arrive while a transaction is in flight gather and go into the next one together, so the
 * cost of a commit is shared and falls per batch as load rises; a lone batch waits for nobody.
 *
 * <p>One group, one transaction, one connection:
 *
 * <ol>
 *   <li>lock the watermarks of the group's enrollments in id order. Awaited, because everything hangs on what they say;
 *   <li>decide each batch by its watermark (in sequence, seen before, gap, fork); sign the receipts;
 *   <li>without waiting in between: insert batches, advance watermarks, add up, quarantine, COMMIT.
 * </ol>
 *
 * <p>Why it is safe: a watermark row is held from step 1 to COMMIT, so two replicas never decide about one enrollment at
 * once; the batch, its sums and the watermark that remembers it become visible together or not at all. If the process
 * dies, or the connection is lost with COMMIT on its way, the client does not know and sends the same bytes again: the
 * watermark then says which it was. Nothing else deduplicates, and nothing forgets.
 *
 * <p>An enrollment always uses the same lane of a process and has at most one batch in a group, so a group's batches are
 * independent. A group that fails for its data is tried again one by one: one poisonous batch never sinks strangers.
 * All state but the queue's length belongs to the lane's event loop.
 */
final class IngestLane {
    /** Batches in one transaction. More would lengthen everybody's wait without lowering the cost of one much. */
    static final int GROUP_BATCHES_MAX = 500;
    /** Parts of records in one transaction, by the same argument. */
    static final int GROUP_PARTS_MAX = 50_000;
    /** Bytes of requests in one transaction: they travel to the database as one parameter. */
    static final int GROUP_BYTES_MAX = 16 * 1024 * 1024;
    /** Batches that may wait; beyond it new ones are shed before their signatures are checked. */
    static final int QUEUE_BATCHES_MAX = 4_000;
    /** Bytes of requests that may wait, by the same rule. */
    static final long QUEUE_BYTES_MAX = 64L * 1024 * 1024;
    /** Batches of one enrollment that may wait: an agent sends one at a time, so more is somebody's experiment. */
    static final int QUEUE_OF_ONE_MAX = 2;
    /** Longer than any transaction may last in the database: whoever waits beyond it waits for a lost connection. */
    static final Duration GROUP_TIME_MAX = Duration.ofSeconds(45);

    /** What became of a batch. */
    sealed interface Outcome {
        /** Stored now; the compact receipt. */
        record Fresh(String receipt, int refused) implements Outcome {}

        /** At or below the watermark: stored before, or a fork. Whoever asks looks it up. */
        record Old(Watermark current) implements Outcome {}

        /** Above the watermark. */
        record Gap(Watermark current) implements Outcome {}

        /** Another key is on trial: the sender has to be heard first, see {@link Takeovers}. */
        record Contended() implements Outcome {}

        /** Next in number, but built on another predecessor. */
        record WrongPrev(Watermark current) implements Outcome {}
    }

    private record Waiting(Submission submission, Promise<Outcome> promise, long sinceNanos) {}

    private record Decided(Waiting waiting, BatchRules.Plan plan, UsageStore.NewBatch batch, Outcome.Fresh outcome) {}

    private final Context context;
    private final Pool pool;
    private final SigningKeys keys;
    private final LongSupplier nanoTime;
    private final UsageStore store = new UsageStore();
    private final AtomicInteger queued = new AtomicInteger();
    private final AtomicLong queuedBytes = new AtomicLong();
    private final Pace pace = new Pace();
    private final Map<EnrollmentId, Integer> queuedOf = new ConcurrentHashMap<>();
    private final Deque<Waiting> queue = new ArrayDeque<>();
    private boolean inFlight;
    private @Nullable SqlConnection connection;
    /** Since when the oldest batch waits, that of a transaction included. */
    private volatile @Nullable Long oldestSinceNanos;
    /** The same of the queue alone. */
    private volatile @Nullable Long oldestQueuedSinceNanos;

    /** @param nanoTime a monotonic clock, for how long batches wait */
    IngestLane(Vertx vertx, Pool pool, SigningKeys keys, LongSupplier nanoTime) {
        this.context = OwnContext.of(vertx);
        this.pool = pool;
        this.keys = keys;
        this.nanoTime = nanoTime;
    }

    /** Whether new batches must be shed, whosever they are. Any thread. */
    boolean isFull() {
        return queued.get() >= QUEUE_BATCHES_MAX
                || queuedBytes.get() >= QUEUE_BYTES_MAX
                || pace.isTooMuch(queued.get(), queuedBytes.get(), since(oldestQueuedSinceNanos));
    }

    /** Whether this enrollment sends more at once than an agent does. Any thread. */
    boolean isFullOf(EnrollmentId of) {
        return queuedOf.getOrDefault(of, 0) >= QUEUE_OF_ONE_MAX;
    }

    int queued() {
        return queued.get();
    }

    /** How long the oldest batch waits, in the queue or in a transaction that has not ended; zero without one. Any thread. */
    Duration oldestWait() {
        return since(oldestSinceNanos);
    }

    private Duration since(@Nullable Long nanos) {
        return nanos == null ? Duration.ZERO : Duration.ofNanos(nanoTime.getAsLong() - nanos);
    }

    /** Any thread; the future completes on the lane's, after COMMIT. */
    Future<Outcome> submit(Submission submission) {
        queued.incrementAndGet();
        queuedBytes.addAndGet(submission.bytes());
        queuedOf.merge(submission.enrollment(), 1, Integer::sum);
        Promise<Outcome> promise = Promise.promise();
        long since = nanoTime.getAsLong();
        context.runOnContext(v -> {
            queue.add(new Waiting(submission, promise, since));
            noteOldestQueued();
            next();
        });
        return promise.future();
    }

    private void next() {
        if (inFlight) {
            return;
        }
        if (queue.isEmpty()) {
            oldestSinceNanos = null;
            return;
        }
        oldestSinceNanos = queue.getFirst().sinceNanos();
        Map<EnrollmentId, Waiting> group = gather();
        noteOldestQueued();
        inFlight = true;
        long bytes =
                group.values().stream().mapToLong(w -> w.submission().bytes()).sum();
        long start = nanoTime.getAsLong();
        commit(group)
                .onSuccess(done -> pace.worked(bytes, nanoTime.getAsLong() - start))
                .recover(e -> isDataError(e) && group.size() > 1 ? oneByOne(group.values()) : fail(group, e))
                .onComplete(done -> {
                    inFlight = false;
                    next();
                });
    }

    private void noteOldestQueued() {
        Waiting first = queue.peekFirst();
        oldestQueuedSinceNanos = first == null ? null : first.sinceNanos();
    }

    private Map<EnrollmentId, Waiting> gather() {
        Map<EnrollmentId, Waiting> group = new LinkedHashMap<>();
        int parts = 0;
        long bytes = 0;
        for (Iterator<Waiting> it = queue.iterator(); it.hasNext(); ) {
            Waiting w = it.next();
            int moreParts = w.submission().plan().parts().size();
            int moreBytes = w.submission().bytes();
            boolean full = parts + moreParts > GROUP_PARTS_MAX || bytes + moreBytes > GROUP_BYTES_MAX;
            if (group.size() >= GROUP_BATCHES_MAX || (full && !group.isEmpty())) {
                break;
            }
            if (group.putIfAbsent(w.submission().enrollment(), w) == null) {
                parts += moreParts;
                bytes += moreBytes;
                it.remove();
                leave(w.submission());
            }
        }
        return group;
    }

    private void leave(Submission submission) {
        queued.decrementAndGet();
        queuedBytes.addAndGet(-submission.bytes());
        queuedOf.computeIfPresent(submission.enrollment(), (id, count) -> count == 1 ? null : count - 1);
    }

    private Future<Void> oneByOne(Collection<Waiting> group) {
        Future<Void> chain = Future.succeededFuture();
        for (Waiting w : group) {
            Map<EnrollmentId, Waiting> alone = Map.of(w.submission().enrollment(), w);
            chain = chain.compose(done -> commit(alone).recover(e -> fail(alone, e)));
        }
        return chain;
    }

    private Future<Void> fail(Map<EnrollmentId, Waiting> group, Throwable e) {
        group.values().forEach(w -> w.promise().tryFail(e));
        return Future.succeededFuture();
    }

    /** Runs one group in bounded time. Its promises are completed only if the future succeeds. */
    private Future<Void> commit(Map<EnrollmentId, Waiting> group) {
        return transaction(group)
                .timeout(GROUP_TIME_MAX.toMillis(), TimeUnit.MILLISECONDS)
                .recover(e -> {
                    if (e instanceof TimeoutException) {
                        // Whether it was committed nobody knows; whoever sends the batch again will hear.
                        connection = null;
                    }
                    return Future.failedFuture(e);
                });
    }

    private Future<Void> transaction(Map<EnrollmentId, Waiting> group) {
        return connected().compose(tx -> {
            // Sent together: the lock needs BEGIN, but not its answer.
            Future<Void> begun = tx.query("BEGIN").execute().mapEmpty();
            return begun.compose(done -> store.lock(tx, group.keySet()))
                    .compose(locked ->
                            slotState(tx, group, locked).compose(slots -> write(tx, decide(group, locked, slots))))
                    .recover(e -> rollback(tx).transform(done -> Future.failedFuture(e)));
        });
    }

    private Future<SqlConnection> connected() {
        SqlConnection open = connection;
        if (open != null) {
            return Future.succeededFuture(open);
        }
        return pool.getConnection().map(fresh -> {
            fresh.closeHandler(v -> context.runOnContext(x -> {
                if (connection == fresh) {
                    connection = null;
                }
            }));
            connection = fresh;
            return fresh;
        });
    }

    private Future<Void> rollback(SqlConnection tx) {
        return tx.query("ROLLBACK").execute().<Void>mapEmpty().recover(e -> {
            // A connection in an unknown state is not used again.
            if (connection == tx) {
                connection = null;
            }
            return tx.close().otherwiseEmpty();
        });
    }

    private record SlotState(Map<UsageStore.SlotKey, String> slots, Set<UsageStore.SlotKey> used) {}

    /** Asked only where slots are in play: enrollments that never used the AWS-style door pay nothing for it. */
    private Future<SlotState> slotState(
            SqlConnection tx, Map<EnrollmentId, Waiting> group, Map<EnrollmentId, UsageStore.Locked> locked) {
        Set<UsageStore.SlotKey> wanted = new HashSet<>();
        for (Waiting w : group.values()) {
            UsageStore.Locked l = locked.get(w.submission().enrollment());
            if (l != null && (l.hasSlots() || !w.submission().plan().slots().isEmpty())) {
                wanted.addAll(SlotRules.keys(
                        w.submission().enrollment().uuid(), w.submission().plan()));
            }
        }
        if (wanted.isEmpty()) {
            return Future.succeededFuture(new SlotState(Map.of(), Set.of()));
        }
        return store.slotsOf(tx, wanted)
                .compose(slots -> store.hoursOf(tx, wanted).map(used -> new SlotState(slots, used.keySet())));
    }

    /** One entry per batch to store; the others' outcomes are remembered until the transaction is over. */
    private record Verdict(List<Decided> fresh, Map<Waiting, Outcome> others) {}

    private Verdict decide(
            Map<EnrollmentId, Waiting> group, Map<EnrollmentId, UsageStore.Locked> locked, SlotState slots) {
        List<Decided> fresh = new ArrayList<>();
        Map<Waiting, Outcome> others = new HashMap<>();
        for (Waiting w : group.values()) {
            Submission s = w.submission();
            UsageStore.Locked at = locked.get(s.enrollment());
            if (at == null) {
                w.promise().tryFail(Failure.of(ErrorCode.NOT_FOUND, "there is no enrollment " + s.enrollment()));
                continue;
            }
            if (!at.key().equals(s.key())) {
                w.promise()
                        .tryFail(
                                Failure.of(ErrorCode.INVALID_SIGNATURE, "another key speaks for this instance by now"));
                continue;
            }
            if (at.contended()) {
                others.put(w, new Outcome.Contended());
                continue;
            }
            Watermark mark = at.watermark();
            if (s.batch().epoch() < mark.epoch()
                    || (s.batch().epoch() == mark.epoch() && s.batch().seq() <= mark.seq())) {
                others.put(w, new Outcome.Old(mark));
            } else if (s.batch().epoch() > mark.epoch() || s.batch().seq() > mark.seq() + 1) {
                others.put(w, new Outcome.Gap(mark));
            } else if (!s.batch().prev().equals(mark.hash())) {
                others.put(w, new Outcome.WrongPrev(mark));
            } else {
                fresh.add(accept(w, at.hasSlots(), slots));
            }
        }
        return new Verdict(fresh, others);
    }

    private Decided accept(Waiting w, boolean hasSlots, SlotState slots) {
        Submission s = w.submission();
        BatchRules.Plan plan = hasSlots || !s.plan().slots().isEmpty()
                ? SlotRules.apply(s.enrollment().uuid(), s.plan(), slots.slots(), slots.used())
                : s.plan();
        Receipt receipt = new Receipt(
                s.enrollment(),
                s.batch().epoch(),
                s.batch().seq(),
                s.jws().hash(),
                s.received(),
                plan.refused(),
                plan.clamped());
        String signed = keys.sign(Typ.RECEIPT, receipt.toBytes()).compact();
        return new Decided(
                w,
                plan,
                new UsageStore.NewBatch(
                        s.enrollment(),
                        receipt,
                        s.jws().compact(),
                        signed,
                        !plan.slots().isEmpty()),
                new Outcome.Fresh(signed, plan.refused().size()));
    }

    private Future<Void> write(SqlConnection tx, Verdict verdict) {
        List<Future<?>> sent = new ArrayList<>();
        if (!verdict.fresh().isEmpty()) {
            List<UsageStore.NewBatch> batches =
                    verdict.fresh().stream().map(Decided::batch).toList();
            sent.add(store.insertBatches(tx, batches));
            sent.add(store.advance(tx, batches));
            addUp(tx, verdict.fresh(), sent);
        }
        sent.add(tx.query("COMMIT").execute());
        // All of them: after a failed statement COMMIT is answered by a rollback, without an error of its own.
        return Future.join(sent).map(done -> {
            verdict.fresh().forEach(d -> d.waiting().promise().tryComplete(d.outcome()));
            verdict.others().forEach((w, outcome) -> w.promise().tryComplete(outcome));
            return null;
        });
    }

    private void addUp(SqlConnection tx, List<Decided> fresh, List<Future<?>> sent) {
        Map<UsageStore.HourKey, Quantity> sums = new HashMap<>();
        Map<List<Object>, UsageStore.NewAllocation> allocations = new HashMap<>();
        Map<UsageStore.SlotKey, String> slots = new HashMap<>();
        List<UsageStore.NewQuarantined> quarantined = new ArrayList<>();
        for (Decided d : fresh) {
            Submission s = d.waiting().submission();
            java.util.UUID enrollment = s.enrollment().uuid();
            for (BatchRules.Part p : d.plan().parts()) {
                sums.merge(
                        new UsageStore.HourKey(p.hour(), enrollment, p.dimensionId(), p.allocation(), p.agreementId()),
                        p.quantity(),
                        Quantity::plus);
                if (!p.tags().isEmpty()) {
                    allocations.putIfAbsent(
                            List.of(enrollment, p.allocation()),
                            new UsageStore.NewAllocation(
                                    enrollment,
                                    p.allocation(),
                                    Json.write(p.tags().map())));
                }
            }
            d.plan()
                    .slots()
                    .forEach(slot -> slots.put(
                            new UsageStore.SlotKey(enrollment, slot.dimensionId(), slot.hour()), slot.slot()));
            d.plan()
                    .refused()
                    .forEach(r -> quarantined.add(new UsageStore.NewQuarantined(
                            d.batch().receipt(), r, s.batch().records().get(r.index()))));
        }
        if (!sums.isEmpty()) {
            sent.add(store.add(tx, sums));
        }
        if (!allocations.isEmpty()) {
            sent.add(store.insertAllocations(tx, allocations.values()));
        }
        if (!slots.isEmpty()) {
            sent.add(store.insertSlots(tx, slots));
        }
        if (!quarantined.isEmpty()) {
            sent.add(store.quarantine(tx, quarantined));
        }
    }

    /** Errors of the data (22) and of constraints (23), and sums that leave a quantity's range before SQL sees them. */
    static boolean isDataError(Throwable e) {
        if (e instanceof IllegalArgumentException) {
            return true;
        }
        return e instanceof PgException pg
                && pg.getSqlState() != null
                && (pg.getSqlState().startsWith("22") || pg.getSqlState().startsWith("23"));
    }
}
