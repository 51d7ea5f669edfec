package io.tallystick.aggregator.usage;

import io.tallystick.aggregator.db.Database;
import io.vertx.core.Future;
import java.time.Clock;
import java.time.Instant;
import java.time.YearMonth;
import java.time.ZoneOffset;
import java.util.HashSet;
import java.util.Set;

/**
 * Makes the monthly partitions of {@code usage_batch} ahead of need: this month's and those of the next {@value #MONTHS_AHEAD}, so that a failure can wait. A month whose evidence
 * already lies in the default partition cannot be split off any more and stays there.
 */
public final class Partitions {
    private static final int MONTHS_AHEAD = 3;

    private final Database database;
    private final PartitionStore store = new PartitionStore();
    private final Clock clock;
    private final Set<YearMonth> made = new HashSet<>();

    public Partitions(Database database, Clock clock) {
        this.database = database;
        this.clock = clock;
    }

    /** Cheap when there is nothing to do; called at start and with every posting tick, on one thread. */
    public Future<Void> ensure() {
        Instant now = clock.instant();
        YearMonth month = YearMonth.from(now.atOffset(ZoneOffset.UTC));
        Future<Void> chain = Future.succeededFuture();
        for (int ahead = 0; ahead <= MONTHS_AHEAD; ahead++) {
            YearMonth wanted = month.plusMonths(ahead);
            chain = chain.compose(done -> ensure(wanted));
        }
        return chain;
    }

    private Future<Void> ensure(YearMonth month) {
        if (made.contains(month)) {
            return Future.succeededFuture();
        }
        return database.transactor().inTx(tx -> store.ensure(tx, month)).map(done -> {
            made.add(month);
            return null;
        });
    }
}
