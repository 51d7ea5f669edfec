package io.tallystick.agent.ship;

import io.tallystick.agent.clock.TimeSource;
import io.tallystick.agent.clock.TrustedTime;
import io.tallystick.agent.enroll.Board;
import io.tallystick.agent.enroll.Enroller;
import io.tallystick.agent.enroll.Standing;
import io.tallystick.agent.meter.UptimeMeter;
import io.tallystick.agent.meter.UsageIntake;
import io.tallystick.agent.net.Aggregator;
import io.tallystick.agent.net.Backoff;
import io.tallystick.agent.net.IssuerKeys;
import io.tallystick.agent.net.Refused;
import io.tallystick.agent.net.Unreachable;
import io.tallystick.agent.store.Increment;
import io.tallystick.agent.store.SlotRecord;
import io.tallystick.agent.store.Store;
import io.tallystick.agent.store.Tx;
import io.tallystick.common.error.ErrorCode;
import io.tallystick.common.error.Failure;
import io.tallystick.common.json.Fields;
import io.tallystick.common.json.Json;
import io.tallystick.common.model.EnrollmentId;
import io.tallystick.common.model.Hours;
import io.tallystick.common.wire.MeteringPlan;
import io.tallystick.common.wire.Watermark;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import java.util.Optional;
import java.util.logging.Level;
import java.util.logging.Logger;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/**
 * Cuts batches when they are due and sends them strictly in order, one at a time. Called by the main loop only.
 *
 * <p>Nothing is cut before the watermark was compared in this process: a state rolled back to an older one would
 * otherwise sign another batch under a number that was already used. A batch leaves the queue only with a verified
 * receipt; whatever else is answered, it stays as it is and is sent again, or shipping is held and the reason shown.
 */
public final class Shipper {
    /** How long acknowledged batches are kept, for an aggregator restored from a backup. */
    static final Duration BATCHES_KEPT = Duration.ofDays(7);

    static final Duration RECEIPTS_KEPT = Duration.ofDays(400);
    /** Until a plan says otherwise. */
    private static final Duration FLUSH_DEFAULT = Duration.ofMinutes(15);

    private static final Duration FLUSH_MIN = Duration.ofSeconds(1);
    /** Batches cut in one flush, and sent in one turn of the loop: leases must not wait for a long backlog. */
    private static final int BATCHES_PER_TURN = 50;

    /** How soon a held agent asks where the aggregator stands, doubled each time it finds nothing better. */
    private static final Duration ASK_FIRST = Duration.ofMinutes(2);

    private static final int ASK_DOUBLINGS = 3;
    /** How often an agent that is told of stalled metering shows that its batches arrive; the first time at once. */
    private static final Duration PROVE_EVERY = Duration.ofMinutes(5);

    private static final Duration PRUNE_EVERY = Duration.ofHours(1);
    /** How long the kind of an hour is known: longer than the usual late limit, and the aggregator knows it for ever. */
    static final Duration KINDS_KEPT = Duration.ofDays(35);

    /** Later than any, and still a number of milliseconds. */
    private static final Instant LATEST = Instant.ofEpochMilli(Long.MAX_VALUE);

    private static final Logger LOG = Logger.getLogger(Shipper.class.getName());

    private final Store store;
    private final Aggregator aggregator;
    private final IssuerKeys keys;
    private final Enroller enroller;
    private final TrustedTime time;
    private final TimeSource source;
    private final Board board;
    private final UptimeMeter uptime;
    private final Cutter cutter;
    private final Sending sending;
    private final Resumption resumption;
    private final Backoff retry;
    /** Apart from {@link #retry}, which every exchange resets. */
    private final Backoff asking;

    private final long startedBootMillis;
    private Instant began = LATEST;
    private boolean synced;
    private @Nullable Watermark toReconcile;
    /** Whether the comparison could not be settled, so that only another answer of the aggregator helps. */
    private boolean askAgain;

    /** Whether a batch may wait to be sent; asked of the store only then. */
    private boolean unsent = true;

    private long lastFlush = Long.MIN_VALUE;
    private Instant lastHour = Instant.MAX;
    private long nextProof = Long.MIN_VALUE;
    private long nextPrune = Long.MIN_VALUE;
    private volatile Optional<Instant> flushedAt = Optional.empty();
    private volatile Optional<String> held = Optional.empty();
    private volatile boolean stopping;

    public Shipper(
            Store store,
            Aggregator aggregator,
            IssuerKeys keys,
            Enroller enroller,
            TrustedTime time,
            TimeSource source,
            Board board,
            UptimeMeter uptime,
            RandomGenerator random) {
        this.store = store;
        this.aggregator = aggregator;
        this.keys = keys;
        this.enroller = enroller;
        this.time = time;
        this.source = source;
        this.board = board;
        this.uptime = uptime;
        this.cutter = new Cutter(time, source, aggregator.issuer());
        this.sending = new Sending(store, aggregator, keys, time, this::note);
        this.resumption = new Resumption(store, aggregator, keys, enroller, cutter, Optional.empty());
        this.startedBootMillis = source.bootMillis();
        this.retry = new Backoff(random);
        this.asking = new Backoff(random);
    }

    /** Why shipping is held, for status. */
    public Optional<String> held() {
        return held;
    }

    /** The trusted time of this process's last flush: what was taken before it is in batches. For status. */
    public Optional<Instant> flushedAt() {
        return flushedAt;
    }

    /** Compares with the aggregator where it answered, cuts what is due and sends what waits. */
    public void turn() {
        enroller.takeWatermark().ifPresent(w -> {
            toReconcile = w;
            synced = false;
        });
        if (onTrial()) {
            return;
        }
        if (askAgain && asking.due(source.bootMillis())) {
            askAgain = false;
            enroller.askWatermark();
        }
        if (toReconcile != null && retry.due(source.bootMillis())) {
            reconcile(toReconcile);
        }
        if (!synced || forked()) {
            return;
        }
        cutIfDue();
        if (retry.due(source.bootMillis()) && enroller.enrolled()) {
            send(BATCHES_PER_TURN);
        }
        prune();
    }

    /** Cuts what is pending and sends what it can; for a stop. */
    public void lastTurn() {
        stopping = true;
        if (synced && !forked() && enroller.trialUntil().isEmpty()) {
            cut(false);
            if (enroller.enrolled()) {
                send(BATCHES_PER_TURN);
            }
        }
    }

    /** A key that is taking the instance over has a watermark to compare with only once it is the enrolled one. */
    private boolean onTrial() {
        Optional<Instant> until = enroller.trialUntil();
        if (until.isPresent()) {
            synced = false;
            toReconcile = null;
            hold("this key takes over from another one at " + until.get()
                    + " unless that one is heard of; usage is kept until then");
        }
        return until.isPresent();
    }

    private boolean forked() {
        return board.standing()
                .contest()
                .filter(c -> c.code().equals(ErrorCode.FORK.wire()))
                .isPresent();
    }

    // --- comparing with the aggregator -------------------------------------------------------------------------------

    private void reconcile(Watermark server) {
        unsent = true;
        Optional<EnrollmentId> id = board.standing().enrollment();
        if (id.isEmpty()) {
            return;
        }
        try {
            Meeting meeting = store.call(tx -> compare(tx, server));
            switch (meeting) {
                case SAME -> met();
                case EPOCH -> {
                    Chain.Sealed next =
                            store.call(tx -> Chain.after(tx, server)).orElseThrow();
                    if (resumption.reopen(id.get(), server, next)) {
                        met();
                    } else {
                        hold("the aggregator forgot epoch " + next.epoch() + " and opens another one");
                        askLater();
                    }
                }
                case AHEAD -> {
                    note("the aggregator is ahead of this state, which was rolled back; catching up");
                    Cutter.Terms terms = new Cutter.Terms(
                            board.standing().codes(), board.standing().plan());
                    resumption.catchUp(id.get(), terms, Optional.of(beginnings()));
                    met();
                }
                case FORK -> fork("The aggregator holds another batch under a number this agent used.");
                case LOST -> {
                    Optional<Watermark> moved = goOnBehind(id.get(), server);
                    if (moved.isPresent()) {
                        toReconcile = moved.get();
                        retry.succeeded();
                        return;
                    }
                    hold("the aggregator stands at batch " + server.epoch() + "/" + server.seq()
                            + " and the batches after it are no longer kept here");
                    askLater();
                }
            }
            toReconcile = null;
            retry.succeeded();
        } catch (Unreachable e) {
            unreachable(e);
        } catch (Refused e) {
            refused(e, null);
            askLater();
        }
    }

    /** Where the aggregator stands once it goes on behind what both have no more; empty where it does not. */
    private Optional<Watermark> goOnBehind(EnrollmentId id, Watermark server) throws Unreachable {
        Optional<String> receipt = store.call(tx -> Chain.receiptBehind(tx, server));
        if (receipt.isEmpty()) {
            return Optional.empty();
        }
        try {
            Watermark moved = resumption.goOn(id, server, receipt.get());
            note("the aggregator lost the batches after " + server.epoch() + "/" + server.seq() + " up to "
                    + moved.epoch() + "/" + moved.seq() + ", which are no longer kept here; going on behind them");
            return Optional.of(moved).filter(m -> m.isAfter(server));
        } catch (Refused e) {
            note("the aggregator does not go on behind what it lost: " + e.getMessage());
            return Optional.empty();
        }
    }

    /**
     * When this start did. The time may be corrected back, as after an answer that the machine slept over; but where it goes on,
     * a machine was paused whose boot clock stood still, and nothing began later by that.
     */
    private Instant began() {
        Instant known = time.at(startedBootMillis).orElse(began);
        began = known.isBefore(began) ? known : began;
        return began;
    }

    /** By machines' clocks only while this one is right: one that is wrong now was wrong before. */
    private Resumption.Beginnings beginnings() {
        Instant now = time.now().orElseGet(source::wall);
        boolean clockIsRight = Duration.between(now, source.wall()).abs().compareTo(Resumption.CLOCK_RIGHT_WITHIN) <= 0;
        return new Resumption.Beginnings(began(), clockIsRight);
    }

    private void noteBeginning() {
        try {
            long at = began().toEpochMilli();
            store.call(tx -> tx.change("UPDATE run SET began = ? WHERE id = ?", at, tx.run()));
        } catch (Failure e) {
            // A full store must still be emptied; until the next attempt it is known less well.
            note("when this start began cannot be kept: " + e.detail());
        }
    }

    private void met() {
        synced = true;
        noteBeginning();
        held = Optional.empty();
        askAgain = false;
        asking.succeeded();
    }

    /** A better restore of the aggregator may heal what cannot be settled now: asks again, ever more seldom. */
    private void askLater() {
        if (askAgain) {
            return;
        }
        askAgain = true;
        Duration wait = ASK_FIRST.multipliedBy(1L << Math.min(asking.failures(), ASK_DOUBLINGS));
        asking.failed(source.bootMillis(), Optional.of(wait));
    }

    private enum Meeting {
        SAME,
        /** The aggregator has all of an epoch and forgot the one we are in. */
        EPOCH,
        AHEAD,
        FORK,
        LOST
    }

    private static Meeting compare(Tx tx, Watermark server) throws SQLException {
        if (tx.meta("resume").isPresent()) {
            return Meeting.AHEAD;
        }
        Watermark last = Chain.last(tx);
        if (server.equals(last)) {
            return Meeting.SAME;
        }
        int order = server.epoch() != last.epoch()
                ? Long.compare(server.epoch(), last.epoch())
                : Long.compare(server.seq(), last.seq());
        if (order > 0) {
            return Meeting.AHEAD;
        }
        if (order == 0) {
            return Meeting.FORK;
        }
        Optional<Chain.Sealed> same = Chain.get(tx, server.epoch(), server.seq());
        if (same.isPresent() && !same.get().hash().equals(server.hash())) {
            return Meeting.FORK;
        }
        Optional<Chain.Sealed> next = Chain.after(tx, server);
        if (next.isEmpty() || next.get().epoch() == server.epoch() && next.get().seq() != server.seq() + 1) {
            return Meeting.LOST;
        }
        if (!next.get().prev().equals(server.hash())) {
            return next.get().epoch() == server.epoch() ? Meeting.FORK : Meeting.LOST;
        }
        Chain.unacknowledge(tx, server);
        return next.get().epoch() == server.epoch() ? Meeting.SAME : Meeting.EPOCH;
    }

    // --- cutting -----------------------------------------------------------------------------------------------------

    private void cutIfDue() {
        Optional<Instant> now = time.now();
        if (now.isEmpty()) {
            return;
        }
        Instant hour = Hours.of(now.get());
        if (lastHour.equals(Instant.MAX)) {
            lastHour = store.call(tx -> tx.first("SELECT max(cut) FROM batch WHERE origin = 'own'", r -> r.getLong(1)))
                    .filter(ms -> ms > 0)
                    .map(ms -> Hours.of(Instant.ofEpochMilli(ms)))
                    .orElse(hour);
        }
        Duration interval =
                board.standing().plan().map(MeteringPlan::flushInterval).orElse(FLUSH_DEFAULT);
        interval = interval.compareTo(FLUSH_MIN) < 0 ? FLUSH_MIN : interval;
        boolean hourEnded = hour.isAfter(lastHour);
        boolean intervalOver = lastFlush == Long.MIN_VALUE || source.bootMillis() - lastFlush >= interval.toMillis();
        boolean proofDue = proofDue();
        if (hourEnded || intervalOver || proofDue) {
            if (cut(hourEnded || proofDue)) {
                flushedAt = now;
            }
            lastFlush = source.bootMillis();
            lastHour = hourEnded ? hour : lastHour;
        }
    }

    /**
     * Whether leases wait for a batch that nothing else would make. A denied instance meters nothing, so without an
     * empty one it stays denied until the hour ends, though its batches would arrive.
     */
    private boolean proofDue() {
        if (!stalled()) {
            nextProof = Long.MIN_VALUE;
            return false;
        }
        if (unsent || source.bootMillis() < nextProof) {
            return false;
        }
        nextProof = source.bootMillis() + PROVE_EVERY.toMillis();
        return true;
    }

    /** Whether all that was pending is in batches now. */
    private boolean cut(boolean evenEmpty) {
        Standing standing = board.standing();
        Optional<EnrollmentId> id = standing.enrollment();
        if (id.isEmpty() || time.now().isEmpty()) {
            return false;
        }
        uptime.flush();
        Cutter.Terms terms = new Cutter.Terms(standing.codes(), standing.plan());
        boolean empty = evenEmpty;
        unsent = true;
        for (int i = 0; i < BATCHES_PER_TURN; i++) {
            boolean even = empty;
            try {
                if (!store.call(tx -> cutter.cut(tx, enroller.key(), id.get(), terms, even))) {
                    return true;
                }
            } catch (Failure e) {
                note("cutting waits: " + e.detail());
                return false;
            }
            empty = false;
        }
        return false;
    }

    // --- sending -----------------------------------------------------------------------------------------------------

    private void send(int most) {
        Optional<EnrollmentId> id = board.standing().enrollment();
        for (int i = 0; i < most && unsent && id.isPresent(); i++) {
            Optional<Chain.Sealed> next = sending.next();
            if (next.isEmpty()) {
                unsent = false;
                return;
            }
            Chain.Sealed batch = next.get();
            try {
                sending.send(batch, id.get());
                retry.succeeded();
                held = Optional.empty();
                board.online(true);
                if (stalled()) {
                    enroller.renewSoon();
                }
            } catch (Unreachable e) {
                unreachable(e);
                return;
            } catch (Refused e) {
                refused(e, batch);
                return;
            } catch (Failure e) {
                note("a receipt waits: " + e.detail());
                retry.failed(source.bootMillis(), Optional.empty());
                return;
            }
        }
    }

    /** Whether leases wait for exactly what just happened: progress of the batches. */
    private boolean stalled() {
        return board.standing().grants().values().stream()
                .anyMatch(g -> g.decision().code().equals(Optional.of(ErrorCode.METERING_STALLED.wire())));
    }

    private void unreachable(Unreachable e) {
        if (!stopping) {
            retry.failed(source.bootMillis(), e.retryAfter());
            board.online(false);
            note(String.valueOf(e.getMessage()));
        }
    }

    private void refused(Refused e, Chain.@Nullable Sealed batch) {
        retry.failed(source.bootMillis(), Optional.empty());
        if (e.is(ErrorCode.CONTESTED)) {
            enroller.contested(e);
            note(String.valueOf(e.getMessage()));
        } else if (e.is(ErrorCode.FORK)) {
            fork(e.detail());
        } else if (e.is(ErrorCode.GAP) && batch != null) {
            gap(e, batch);
        } else {
            hold("the aggregator refuses a batch: " + e.getMessage());
            if (e.status() == 401 || e.status() == 404) {
                enroller.enrollAgain();
            }
        }
    }

    private void gap(Refused e, Chain.Sealed batch) {
        Watermark expected = e.member("expected").map(Shipper::watermark).orElse(null);
        if (expected == null) {
            hold("the aggregator misses batches before " + batch.epoch() + "/" + batch.seq()
                    + " and does not say which");
            return;
        }
        note("the aggregator misses batches after " + expected.epoch() + "/" + expected.seq() + "; sending them again");
        toReconcile = expected;
        synced = false;
        retry.succeeded();
    }

    private static @Nullable Watermark watermark(Object member) {
        try {
            if (member instanceof Map<?, ?> m) {
                return Watermark.read(Fields.parse(Json.writeBytes(m)));
            }
        } catch (Failure e) {
            return null;
        }
        return null;
    }

    private void fork(String detail) {
        board.contest(Optional.of(new Standing.Trouble(
                ErrorCode.FORK.wire(),
                detail,
                "Two copies of this instance's state have sent batches. Usage is kept and not sent; ask the operator"
                        + " of the marketplace, and restart the agent once it is settled.",
                Optional.of(enroller.key().thumbprint().toString()))));
        note("fork: " + detail);
    }

    private void hold(String why) {
        held = Optional.of(why);
        note(why);
    }

    // --- forgetting --------------------------------------------------------------------------------------------------

    private void prune() {
        if (source.bootMillis() < nextPrune) {
            return;
        }
        nextPrune = source.bootMillis() + PRUNE_EVERY.toMillis();
        noteBeginning();
        time.now().ifPresent(now -> {
            long ms = now.toEpochMilli();
            store.call(tx -> {
                tx.change("DELETE FROM batch WHERE acked < ?", ms - BATCHES_KEPT.toMillis());
                tx.change("DELETE FROM receipt WHERE received < ?", ms - RECEIPTS_KEPT.toMillis());
                Increment.forgetKeys(tx, now.minus(UsageIntake.KEYS_KEPT).getEpochSecond(), now.getEpochSecond());
                tx.change(
                        "DELETE FROM hour_kind WHERE hour < ?",
                        now.minus(KINDS_KEPT).getEpochSecond());
                tx.change(
                        "DELETE FROM client_token WHERE at < ?",
                        now.minus(SlotRecord.TOKENS_KEPT).getEpochSecond());
                tx.change(
                        "DELETE FROM run WHERE id <> ? AND NOT EXISTS"
                                + " (SELECT 1 FROM pending WHERE pending.run = run.id) AND NOT EXISTS"
                                + " (SELECT 1 FROM slot_pending WHERE slot_pending.run = run.id)",
                        tx.run());
                return now;
            });
        });
    }

    private void note(String what) {
        if (board.note(time.nowOrWall(), "ship", what)) {
            LOG.log(Level.WARNING, "ship: {0}", what);
        }
    }
}
