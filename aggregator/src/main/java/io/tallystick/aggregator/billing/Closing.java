package io.tallystick.aggregator.billing;

import io.tallystick.aggregator.db.Columns;
import io.tallystick.aggregator.db.Ids;
import io.vertx.core.Future;
import io.vertx.sqlclient.SqlConnection;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDate;
import java.time.YearMonth;
import java.util.ArrayList;
import java.util.Currency;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Closes months of UTC into statements, one per buyer, seller and currency.
 *
 * <p>A month's cut is made by its row in {@code statement_month}: which month's statement a charge is in is decided when
 * it is rated, and from the cut on it is the next month's. So a closing that was interrupted goes on over the same
 * charges. Each statement is one transaction; all of a month become visible together.
 */
final class Closing {
    private static final int PARTIES_AT_ONCE = 1_000;
    private static final Logger LOG = LoggerFactory.getLogger(Closing.class);

    /** Runs work in a transaction that holds the fence. */
    interface Fenced {
        <T> Future<T> inTx(Function<SqlConnection, Future<T>> work);
    }

    private final ClosingStore store = new ClosingStore();
    private final Duration delay;
    private final Ids ids;
    private final Clock clock;

    Closing(Duration delay, Ids ids, Clock clock) {
        this.delay = delay;
        this.ids = ids;
        this.clock = clock;
    }

    /** Closes all months that are due, oldest first; answers which. */
    Future<List<YearMonth>> close(Fenced fenced) {
        return close(fenced, new ArrayList<>());
    }

    private Future<List<YearMonth>> close(Fenced fenced, List<YearMonth> closed) {
        return fenced.inTx(tx -> store.openOrStart(tx, Columns.micros(clock.instant()), delay))
                .compose((Optional<LocalDate> month) -> month.isEmpty()
                        ? Future.succeededFuture(closed)
                        : statements(fenced, month.get()).compose(done -> {
                            YearMonth closedMonth = YearMonth.from(month.get());
                            LOG.info("closed the statements of {}", closedMonth);
                            closed.add(closedMonth);
                            return close(fenced, closed);
                        }));
    }

    private Future<Void> statements(Fenced fenced, LocalDate month) {
        return fenced.inTx(tx -> store.parties(tx, month, PARTIES_AT_ONCE))
                .compose(parties -> parties.isEmpty()
                        ? fenced.inTx(tx -> finish(tx, month))
                        : each(fenced, month, parties.iterator()).compose(done -> statements(fenced, month)));
    }

    private Future<Void> each(Fenced fenced, LocalDate month, Iterator<ClosingStore.Parties> parties) {
        if (!parties.hasNext()) {
            return Future.succeededFuture();
        }
        ClosingStore.Parties of = parties.next();
        int exponent = Currency.getInstance(of.currency()).getDefaultFractionDigits();
        return fenced.inTx(tx -> store.close(tx, ids.next("stm"), month, of, exponent))
                .compose(done -> each(fenced, month, parties));
    }

    private Future<Void> finish(SqlConnection tx, LocalDate month) {
        Instant now = Columns.micros(clock.instant());
        return store.finish(tx, month, now);
    }
}
