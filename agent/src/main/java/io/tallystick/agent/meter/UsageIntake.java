package io.tallystick.agent.meter;

import io.tallystick.agent.clock.TimeSource;
import io.tallystick.agent.clock.TrustedTime;
import io.tallystick.agent.enroll.Board;
import io.tallystick.agent.enroll.Standing;
import io.tallystick.agent.enroll.State;
import io.tallystick.agent.enroll.Verdict;
import io.tallystick.agent.store.Increment;
import io.tallystick.agent.store.Store;
import io.tallystick.agent.store.SumKey;
import io.tallystick.common.error.ErrorCode;
import io.tallystick.common.error.Failure;
import io.tallystick.common.model.Hash;
import io.tallystick.common.model.Hours;
import io.tallystick.common.model.Quantity;
import io.tallystick.common.wire.MeteringPlan;
import io.tallystick.common.wire.MeteringRecord;
import io.tallystick.common.wire.Wire;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Semaphore;

/**
 * Takes usage: checks a call against the stored plan, decides by the state table whether it may be kept, and keeps all
 * of it or nothing. Thread-safe; waits for the disk.
 *
 * <p>Before the first trusted time there is no hour to book in: such usage is kept by boot and uptime minute, and a
 * caller's timestamp is read as "that long ago by the same wall clock", which stays right however wrong that clock is.
 */
public final class UsageIntake {
    /** How long idempotency keys are remembered; a keyed record older than that is refused. */
    public static final Duration KEYS_KEPT = Duration.ofDays(7);
    /** How old a record may be where no plan says. */
    static final Duration LATE_DEFAULT = Duration.ofDays(31);

    private static final long MINUTE_MILLIS = 60_000;

    /**
     * Calls read at once. Being read, a call is many times its bytes; more at once than processors would not be done
     * sooner, and live through collections of a small heap.
     */
    private static final int READ_AT_ONCE = 2;

    private final Store store;
    private final TrustedTime time;
    private final TimeSource source;
    private final Board board;
    private final Semaphore reading = new Semaphore(READ_AT_ONCE);
    /** Whether one of the files set aside may turn out to be this VM's own, which knows keys that the open one does not. */
    private final boolean keysBeside;

    private volatile boolean stopped;

    /** How many records were taken, and whether the instance was known to be entitled: 200 or 202. */
    public record Taken(int accepted, boolean entitled) {}

    public UsageIntake(Store store, TrustedTime time, TimeSource source, Board board) {
        this.store = store;
        this.time = time;
        this.source = source;
        this.board = board;
        this.keysBeside = !store.folder().setAside().isEmpty();
    }

    /** Refuses everything from now on: the process is stopping. */
    public void stop() {
        stopped = true;
    }

    /** Returns only once the call's records are on disk; otherwise {@link Failure}, and none of them is. */
    public Taken take(byte[] body) {
        if (stopped) {
            throw Failure.of(ErrorCode.UNAVAILABLE, "the agent is stopping");
        }
        Call call;
        reading.acquireUninterruptibly();
        try {
            call = read(body);
        } finally {
            reading.release();
        }
        // A wall clock in 1970 would have the key forgotten as soon as the time is known.
        long second = time.now().map(Instant::getEpochSecond).orElse(Increment.SOME_TIME);
        int accepted = Store.join(store.usage(tx -> {
            if (call.nameless
                    && (keysBeside && call.isKeyed()
                            || Increment.anyKeyOfAnother(tx, call.increments, source.bootId()))) {
                throw Failure.of(
                        ErrorCode.UNAVAILABLE,
                        "idempotencyKey: cannot be compared before the metadata service says which VM this is: it may be"
                                + " a key that this VM used, or one of the VM whose disk this was; try again");
            }
            Increment.addAll(tx, call.increments, call.refusal, second);
            return call.records;
        }));
        return new Taken(accepted, call.entitled);
    }

    /** A call that was checked; only this waits for the disk, not what it was read from. */
    private record Call(
            int records, List<Increment> increments, Optional<Failure> refusal, boolean entitled, boolean nameless) {
        boolean isKeyed() {
            return increments.stream().anyMatch(i -> i.key().isPresent());
        }
    }

    private Call read(byte[] body) {
        List<UsageRecord> records = UsageRecord.read(body);
        Standing standing = board.standing();
        Optional<Instant> now = time.now();
        List<ErrorCode> codes = new ArrayList<>();
        List<Failure.Problem> problems = new ArrayList<>();
        List<Increment> increments = new ArrayList<>();
        Optional<Failure> refusal = Optional.empty();
        boolean entitled = true;
        Map<Optional<String>, Verdict> verdicts = new HashMap<>();
        for (UsageRecord r : records) {
            Optional<Failure> denied = Optional.empty();
            try {
                Verdict v = verdicts.computeIfAbsent(r.product(), product -> standing.verdict(product, now));
                entitled &= v.word() == Verdict.Word.ALLOW || v.state() == State.CONTESTED;
                denied = refused(v);
            } catch (Failure e) {
                // The product must be named; nothing else of this record can be judged without it.
                problems.add(
                        new Failure.Problem(r.at("product"), e.problems().get(0).detail()));
                codes.add(e.code());
                continue;
            }
            if (refusal.isEmpty()) {
                refusal = denied;
            }
            check(r, standing, now, codes, problems);
            increments.add(increment(r, standing, now));
        }
        if (refusal.isEmpty() && !problems.isEmpty()) {
            ErrorCode code = codes.stream().distinct().count() == 1 ? codes.get(0) : ErrorCode.INVALID_REQUEST;
            throw Failure.of(code, problems);
        }
        return new Call(
                records.size(),
                Increment.summed(increments),
                refusal,
                entitled,
                standing.identity().isEmpty());
    }

    private static Optional<Failure> refused(Verdict v) {
        if (v.state() != State.DENIED) {
            return Optional.empty();
        }
        ErrorCode code = v.code().flatMap(ErrorCode::ofWire).orElse(ErrorCode.DENIED);
        // Whatever the reason's own kind, the answer to usage is a refusal: nothing was kept.
        ErrorCode shown = code.kind() == ErrorCode.Kind.FORBIDDEN ? code : ErrorCode.DENIED;
        Failure f = Failure.of(shown, v.sentence().orElse("This instance is not entitled to the product."))
                .with("state", v.state().name())
                .with("reason", v.code().orElse(code.wire()))
                .with("sentence", v.sentence().orElse(""));
        return Optional.of(v.remedy().isPresent() ? f.with("remedy", v.remedy().get()) : f);
    }

    private void check(
            UsageRecord r,
            Standing standing,
            Optional<Instant> now,
            List<ErrorCode> codes,
            List<Failure.Problem> problems) {
        Optional<MeteringPlan.Product> product = planned(r, standing);
        if (product.isPresent()) {
            Optional<MeteringPlan.Dimension> dimension = product.get().dimension(r.dimension());
            if (dimension.isEmpty()) {
                codes.add(ErrorCode.UNKNOWN_DIMENSION);
                problems.add(new Failure.Problem(
                        r.at("dimension"),
                        "is not one of "
                                + product.get().dimensions().stream()
                                        .map(MeteringPlan.Dimension::key)
                                        .toList()));
            } else {
                Optional<Quantity> max = dimension.get().max();
                if (max.isPresent() && r.quantity().compareTo(max.get()) > 0) {
                    codes.add(ErrorCode.OUT_OF_RANGE);
                    problems.add(new Failure.Problem(r.at("quantity"), "must be at most " + max.get()));
                }
            }
        }
        if (r.timestamp().isEmpty()) {
            return;
        }
        Instant at = r.timestamp().get();
        Instant reference = now.orElseGet(source::wall);
        Duration late = product.map(MeteringPlan.Product::lateLimit).orElse(LATE_DEFAULT);
        if (at.isAfter(reference.plus(Wire.FUTURE_TOLERANCE))) {
            codes.add(ErrorCode.OUT_OF_RANGE);
            problems.add(new Failure.Problem(
                    r.at("timestamp"),
                    "must be at most " + Wire.FUTURE_TOLERANCE.toMinutes() + " minutes ahead of " + reference));
        } else if (at.isBefore(reference.minus(late))) {
            codes.add(ErrorCode.TOO_LATE);
            problems.add(new Failure.Problem(r.at("timestamp"), "must not be before " + reference.minus(late)));
        } else if (r.idempotencyKey().isPresent() && at.isBefore(reference.minus(KEYS_KEPT))) {
            codes.add(ErrorCode.TOO_LATE);
            problems.add(new Failure.Problem(
                    r.at("timestamp"),
                    "must not be older than the " + KEYS_KEPT.toDays() + " days idempotency keys are kept"));
        }
    }

    private static Optional<MeteringPlan.Product> planned(UsageRecord r, Standing standing) {
        if (standing.plan().isEmpty()) {
            return Optional.empty();
        }
        Optional<String> code = r.product().isPresent() || standing.codes().size() != 1
                ? r.product()
                : Optional.of(standing.codes().get(0));
        return code.flatMap(standing.plan().get()::product);
    }

    private Increment increment(UsageRecord r, Standing standing, Optional<Instant> now) {
        String product = r.product()
                .filter(p -> !(standing.codes().size() == 1 && standing.codes().contains(p)))
                .orElse("");
        String boot;
        long bucket;
        if (now.isPresent()) {
            boot = "";
            bucket = Hours.of(r.timestamp().orElse(now.get())).getEpochSecond();
        } else {
            boot = source.bootId();
            long ago = r.timestamp()
                    .map(t -> Duration.between(t, source.wall()).toMillis())
                    .orElse(0L);
            bucket = Math.floorDiv(source.bootMillis() - ago, MINUTE_MILLIS);
        }
        Map<SumKey, Quantity> parts;
        if (r.allocations().isEmpty()) {
            parts = Map.of(new SumKey(product, r.dimension(), boot, bucket, ""), r.quantity());
        } else {
            parts = new HashMap<>();
            for (MeteringRecord.Allocation a : r.allocations()) {
                parts.put(new SumKey(product, r.dimension(), boot, bucket, SumKey.tagText(a.tags())), a.quantity());
            }
        }
        // Without a key nothing is ever compared, and the hash would be most of a record's work.
        Hash content = r.idempotencyKey().isPresent() ? r.content() : Hash.NONE;
        return new Increment(r.path(), parts, r.idempotencyKey(), content);
    }
}
