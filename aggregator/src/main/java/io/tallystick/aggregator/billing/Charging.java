package io.tallystick.aggregator.billing;

import io.tallystick.aggregator.db.Columns;
import io.tallystick.aggregator.db.Database;
import io.tallystick.aggregator.db.Ids;
import io.tallystick.common.model.Hash;
import io.tallystick.common.wire.MeteringPlan;
import io.vertx.core.Future;
import io.vertx.sqlclient.SqlConnection;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.YearMonth;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Turns posted usage lines into charges, run after run, and charges into statements, month after month.
 *
 * <p>Each line of an agreement with a price becomes exactly one charge under the line's own number, at the rate the
 * agreement accepted; what was bought by the year until then is charged behind the run's lines, once. A run is rated in
 * chunks and its charges become visible together, by {@code finished_at}; if the process dies, the next one goes on behind
 * the last chunk. One process at a time does it: as with posting runs, a fence is checked under a row lock by every
 * transaction.
 */
public final class Charging {
    /** How often to look: cheap when there is nothing to do, and soon after a posting run. */
    public static final Duration EVERY = Duration.ofSeconds(10);
    /** Usage lines in one transaction. */
    static final int CHUNK_LINES_MAX = 5_000;
    /** How long a fence lasts without a chunk; then another process may take over. */
    static final Duration FENCE_LENGTH = Duration.ofMinutes(2);

    /** What a round did: the posting runs it finished rating, and the months it closed. */
    public record Done(List<Long> runs, List<YearMonth> months) {}

    private static final Logger LOG = LoggerFactory.getLogger(Charging.class);

    private final Database database;
    private final ChargingFenceStore fences = new ChargingFenceStore();
    private final RatingStore store = new RatingStore();
    private final ChargeStore charges = new ChargeStore();
    private final Closing closing;
    private final int chunkLines;
    private final String issuer;
    private final Clock clock;

    /**
     * @param issuer who issues the invoices, as exports name it
     * @param statementDelay how long after its end a month may be closed
     */
    public Charging(Database database, String issuer, Duration statementDelay, Ids ids, Clock clock) {
        this(database, issuer, statementDelay, ids, clock, CHUNK_LINES_MAX);
    }

    /** With chunks of so many lines. */
    Charging(Database database, String issuer, Duration statementDelay, Ids ids, Clock clock, int chunkLines) {
        this.database = database;
        this.chunkLines = chunkLines;
        this.closing = new Closing(statementDelay, ids, clock);
        this.issuer = issuer;
        this.clock = clock;
    }

    /**
     * Rates every finished posting run that is not rated yet, then closes the months that are due. Empty if another
     * process is at it.
     */
    public Future<Optional<Done>> charge() {
        Instant now = Columns.micros(clock.instant());
        return database.transactor()
                .inTx(tx -> fences.take(tx, now, now.plus(FENCE_LENGTH)))
                .compose(fence -> fence.isEmpty()
                        ? Future.succeededFuture(Optional.<Done>empty())
                        : chargeWith(fence.get()).map(Optional::of));
    }

    private Future<Done> chargeWith(long fence) {
        return runs(fence, new ArrayList<>())
                .compose(runs -> closing.close(fenced(fence)).compose(months -> database.transactor()
                        .inTx(tx -> fences.release(tx, fence))
                        .map(done -> new Done(List.copyOf(runs), List.copyOf(months)))));
    }

    private Closing.Fenced fenced(long fence) {
        return new Closing.Fenced() {
            @Override
            public <T> Future<T> inTx(Function<SqlConnection, Future<T>> work) {
                Instant until = clock.instant().plus(FENCE_LENGTH);
                return database.transactor()
                        .inTx(tx -> fences.hold(tx, fence, until).compose(held -> work.apply(tx)));
            }
        };
    }

    private Future<List<Long>> runs(long fence, List<Long> finished) {
        return fenced(fence).inTx(tx -> store.openOrStart(tx, issuer)).compose(run -> {
            if (run.isEmpty()) {
                return Future.succeededFuture(finished);
            }
            long number = run.get().number();
            return chunks(fence, number, run.get().line())
                    .compose(done -> finish(fence, number))
                    .compose(done -> {
                        LOG.info("rated posting run {}", number);
                        finished.add(number);
                        return runs(fence, finished);
                    });
        });
    }

    private Future<Void> chunks(long fence, long run, long after) {
        return fenced(fence)
                .inTx(tx -> store.chunk(tx, run, after, chunkLines, MeteringPlan.UPTIME_DIMENSION))
                .compose(end -> end.isEmpty() ? purchases(fence, run) : chunks(fence, run, end.get()));
    }

    private Future<Void> purchases(long fence, long run) {
        return fenced(fence)
                .inTx(tx -> store.purchases(tx, run, chunkLines))
                .compose(charged -> charged == 0 ? Future.succeededFuture() : purchases(fence, run));
    }

    private Future<Void> finish(long fence, long run) {
        // As with posting runs: hashed once, outside the transaction, and held anew with each page.
        LineHasher hasher = new LineHasher();
        return hash(fence, run, 0, hasher)
                .map(done -> Hash.ofBytes(hasher.digest()))
                .compose(sha256 -> fenced(fence)
                        .inTx(tx -> store.finish(tx, run, Columns.micros(clock.instant()), hasher.count(), sha256)));
    }

    private Future<Void> hash(long fence, long run, long afterLine, LineHasher hasher) {
        return charges.ofRun(database.reads(), run, afterLine, chunkLines).compose(page -> {
            page.forEach(charge -> hasher.add(ChargeFormat.ndjson(charge)));
            return page.size() < chunkLines
                    ? Future.succeededFuture()
                    : fenced(fence)
                            .<Void>inTx(tx -> Future.succeededFuture())
                            .compose(held ->
                                    hash(fence, run, page.get(page.size() - 1).line(), hasher));
        });
    }
}
