package io.tallystick.aggregator.billing;

import io.tallystick.aggregator.db.Database;
import io.vertx.core.Future;
import java.time.Instant;
import java.util.List;
import java.util.Optional;

/**
 * Reads charges by the rules of {@link UsagePull}: a charge has the number of its usage line and the booking time of its
 * run, and follows by cursor or by booking time. Charges of a run become visible together, in the order of runs.
 */
public final class ChargePull {
    /** Charges in order, and where to go on; {@code next} equals {@code after} on an empty page. */
    public record Page(List<Charge> charges, UsagePull.Cursor next, boolean more) {
        /** Cuts a page from charges read with a limit of one more than asked for. */
        static Page of(List<Charge> oneMore, UsagePull.Cursor after, int limit) {
            boolean more = oneMore.size() > limit;
            List<Charge> page = more ? oneMore.subList(0, limit) : oneMore;
            UsagePull.Cursor next =
                    page.isEmpty() ? after : page.get(page.size() - 1).cursor();
            return new Page(List.copyOf(page), next, more);
        }
    }

    private final Database database;
    private final ChargeStore store = new ChargeStore();

    public ChargePull(Database database) {
        this.database = database;
    }

    /** One page; {@code not-closed} with {@code closedThrough} where {@code to} reaches into the open. */
    public Future<Page> page(UsagePull.Query query) {
        return closedThrough()
                .map(closed -> UsagePull.checkClosed(query, closed))
                .compose(done -> store.page(database.reads(), query))
                .map(charges -> Page.of(charges, query.after(), query.limit()));
    }

    /** Up to which booking time all charges are final; empty before the first posting tick. */
    public Future<Optional<Instant>> closedThrough() {
        return store.closedThrough(database.reads());
    }
}
