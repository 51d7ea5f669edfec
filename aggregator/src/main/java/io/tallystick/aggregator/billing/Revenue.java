package io.tallystick.aggregator.billing;

import io.tallystick.aggregator.db.Database;
import io.tallystick.common.json.Json;
import io.vertx.core.Future;
import java.math.BigDecimal;
import java.time.YearMonth;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** What sellers earn, by month, product and currency, before tax. */
public final class Revenue {
    private final Database database;
    private final StatementStore store = new StatementStore();

    public Revenue(Database database) {
        this.database = database;
    }

    /**
     * Revenue of one product in one month and currency. Currencies are never added up.
     *
     * @param month the statements' month, of UTC: what came late counts in the month it is stated in
     * @param closed whether the month is closed; until then the amount still grows
     * @param amount of a closed month the sum of its statement lines, rounded as they are; of an open one the exact sum of
     *     the charges so far
     * @param buyers how many accounts it comes from
     */
    public record Row(
            YearMonth month,
            String sellerId,
            String productId,
            String productTitle,
            String currency,
            boolean closed,
            BigDecimal amount,
            long buyers) {

        public Map<String, Object> json() {
            return Json.object(
                    "month", month.toString(),
                    "seller", sellerId,
                    "productId", productId,
                    "productTitle", productTitle,
                    "currency", currency,
                    "closed", closed,
                    "amount", closed ? amount.toPlainString() : ChargeFormat.plain(amount),
                    "buyers", buyers);
        }
    }

    /** One seller's, for the months from {@code from} to {@code to}, both included, in order. */
    public Future<List<Row>> byMonth(String sellerId, YearMonth from, YearMonth to) {
        return store.revenue(database.reads(), Optional.of(sellerId), from, to);
    }

    /** All sellers', as {@link #byMonth}. */
    public Future<List<Row>> ofAllByMonth(YearMonth from, YearMonth to) {
        return store.revenue(database.reads(), Optional.empty(), from, to);
    }
}
