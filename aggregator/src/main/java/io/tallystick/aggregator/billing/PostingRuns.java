package io.tallystick.aggregator.billing;

import io.tallystick.aggregator.db.Columns;
import io.tallystick.aggregator.db.Database;
import io.tallystick.common.model.Hash;
import io.vertx.core.Future;
import io.vertx.sqlclient.SqlConnection;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Optional;

/**
 * Turns usage hours into immutable usage lines, in numbered runs.
 *
 * <p>Ingest never asks whether an hour is closed: it adds to the usage hour and marks it dirty. A run takes the dirty
 * hours that ended longer ago than their product's close delay, writes for each a line over {@code quantity − posted},
 * and sets {@code posted = quantity}. The row lock decides on which side of a run an increment falls: in {@code
 * quantity} already, then it is in this line; not yet, then the row is dirty again afterwards and a later run has it as
 * an adjustment. So every increment is in exactly one line, and the lines of an hour always add up to its {@code posted}.
 *
 * <p>Runs are serial: a process posts only while it holds the fence, a number in {@code posting_state} that each taker
 * raises; every transaction of a run checks it under a row lock, so a process that was paused and believes it still
 * posts changes nothing. A run is written in chunks and becomes visible by its {@code finished_at} in one update; if its
 * process dies, the next holder of the fence finishes the same run under the same number and booking time.
 *
 * <p>Lock order: usage hours in key order, the order in which ingest writes them.
 */
public final class PostingRuns {
    /** Usage hours in one transaction: bounds how long their rows stay locked against ingest. */
    static final int CHUNK_HOURS_MAX = 5_000;
    /** How long a fence lasts without a chunk, or a page that is hashed; then another process may take over. */
    static final Duration FENCE_LENGTH = Duration.ofMinutes(2);

    /** What a tick did. */
    public record Posted(Optional<Long> run, long lines, Instant closedThrough) {}

    private final Database database;
    private final PostingStore store = new PostingStore();
    private final Clock clock;
    private final int chunkHours;

    public PostingRuns(Database database, Clock clock) {
        this(database, clock, CHUNK_HOURS_MAX);
    }

    /** With chunks of so many hours. */
    PostingRuns(Database database, Clock clock, int chunkHours) {
        this.database = database;
        this.clock = clock;
        this.chunkHours = chunkHours;
    }

    /**
     * Posts what is due now. Empty if another process is posting. Writes no run where nothing is due, but moves {@code
     * closed_through} on, so that pulls by booking time can follow the clock.
     */
    public Future<Optional<Posted>> post() {
        Instant now = Columns.micros(clock.instant());
        return database.transactor()
                .inTx(tx -> store.takeFence(tx, now, now.plus(FENCE_LENGTH)))
                .compose(fence -> fence.isEmpty()
                        ? Future.succeededFuture(Optional.empty())
                        : postWith(fence.get(), now).map(Optional::of));
    }

    private Future<Posted> postWith(long fence, Instant now) {
        return database.transactor()
                .inTx(tx -> store.holdFence(tx, fence, now.plus(FENCE_LENGTH))
                        .compose(done -> store.openRun(tx))
                        .compose(open -> open.isPresent() ? Future.succeededFuture(open) : startIfDue(tx, now)))
                .compose(run -> run.isPresent()
                        ? chunks(fence, run.get()).compose(done -> finish(fence, run.get()))
                        : database.transactor()
                                .inTx(tx -> store.release(tx, fence, now))
                                .map(through -> new Posted(Optional.empty(), 0, through)));
    }

    private Future<Optional<PostingStore.Run>> startIfDue(SqlConnection tx, Instant now) {
        return store.anythingDue(tx, now)
                .compose(due -> due
                        ? store.startRun(tx, now).map(Optional::of)
                        : Future.succeededFuture(Optional.<PostingStore.Run>empty()));
    }

    private Future<Void> chunks(long fence, PostingStore.Run run) {
        return database.transactor()
                .inTx(tx -> hold(tx, fence).compose(done -> store.postChunk(tx, run, chunkHours)))
                .compose(taken -> taken < chunkHours ? Future.succeededFuture() : chunks(fence, run));
    }

    private Future<Posted> finish(long fence, PostingStore.Run run) {
        // Hashed once, before the transaction, which may run again; and outside the transaction: nobody else may write
        // lines of this run, and the hash takes a while: with each page the fence is held anew.
        LineHasher hasher = new LineHasher();
        return hash(fence, run.number(), 0, hasher)
                .map(done -> Hash.ofBytes(hasher.digest()))
                .compose(sha256 -> database.transactor().inTx(tx -> hold(tx, fence)
                        .compose(held -> store.finishRun(
                                tx, run.number(), Columns.micros(clock.instant()), hasher.count(), sha256))
                        // The end of a range is exclusive: closed just beyond the run, a pull can have it at once.
                        .compose(finished ->
                                store.release(tx, fence, run.bookedAt().plus(1, ChronoUnit.MICROS)))))
                .map(through -> new Posted(Optional.of(run.number()), hasher.count(), through));
    }

    private Future<Void> hash(long fence, long run, long afterLine, LineHasher hasher) {
        return store.lines(database.reads(), run, afterLine, chunkHours).compose(lines -> {
            lines.forEach(line -> hasher.add(LineFormat.ndjson(line)));
            return lines.size() < chunkHours
                    ? Future.succeededFuture()
                    : database.transactor()
                            .inTx(tx -> hold(tx, fence))
                            .compose(held ->
                                    hash(fence, run, lines.get(lines.size() - 1).line(), hasher));
        });
    }

    private Future<Void> hold(SqlConnection tx, long fence) {
        return store.holdFence(tx, fence, clock.instant().plus(FENCE_LENGTH));
    }
}
