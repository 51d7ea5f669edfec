package io.tallystick.aggregator.billing;

import io.tallystick.aggregator.db.Columns;
import io.vertx.core.Future;
import io.vertx.sqlclient.Row;
import io.vertx.sqlclient.SqlConnection;
import io.vertx.sqlclient.Tuple;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** The SQL that closes months into statements. */
final class ClosingStore {
    static final String OPEN = "SELECT month FROM statement_month WHERE closed_at IS NULL";
    /**
     * The month after the last one, or that of the first charge; not before its end and the delay have passed, by the
     * clock and by what is posted and rated, and not in the middle of a run.
     */
    static final String START =
            """
            INSERT INTO statement_month (month, cut)
            SELECT next.month, through.closed_through
            FROM (SELECT coalesce((SELECT (max(m.month) + interval '1 month')::date FROM statement_month AS m),
                    (SELECT min(c.month) FROM charge AS c)) AS month) AS next,
            """
                    + "(" + ChargeStore.CLOSED_THROUGH + ") AS through\n"
                    + """
            WHERE next.month IS NOT NULL AND NOT EXISTS (SELECT FROM rating_run WHERE finished_at IS NULL)
              -- A run that ended since rating looked may hold usage of the month, however late it was booked.
              AND NOT EXISTS (SELECT FROM posting_run AS p WHERE p.finished_at IS NOT NULL
                AND p.run > (SELECT coalesce(max(r.run), 0) FROM rating_run AS r))
              AND (next.month + interval '1 month')::timestamp AT TIME ZONE 'UTC' + make_interval(secs => $2)
                <= least($1::timestamptz, through.closed_through)
            RETURNING month""";

    static final String PARTIES =
            """
            SELECT DISTINCT c.account_id, c.seller_id, c.currency FROM charge AS c
            WHERE c.month = $1 AND NOT EXISTS (
              SELECT FROM statement AS s WHERE (s.month, s.account_id, s.seller_id, s.currency)
                = (c.month, c.account_id, c.seller_id, c.currency))
            ORDER BY 1, 2, 3 LIMIT $2""";
    /**
     * A whole statement. {@code round} of PostgreSQL takes halves away from zero; amounts are never negative, so that is
     * half up. Each line is rounded once, from its exact sum.
     */
    static final String CLOSE =
            """
            WITH mine AS (
              SELECT c.*, coalesce(l.product_code, p.product_code) AS product_code,
                coalesce(l.dimension, CASE m.kind WHEN 'purchase' THEN 'year' ELSE 'amendment' END) AS dimension,
                coalesce(l.unit, CASE m.kind WHEN 'purchase' THEN 'Instance-Years' ELSE 'Amendments' END) AS unit,
                CASE WHEN c.kind <> 'purchase' AND c.hour < c.month::timestamp AT TIME ZONE 'UTC' THEN 'adjustment'
                  ELSE c.kind END AS as_kind
              FROM charge AS c LEFT JOIN usage_line AS l ON l.run = c.run AND l.line = c.usage_line
              JOIN product AS p ON p.id = c.product_id LEFT JOIN amendment AS m ON m.id = c.amendment_id
              WHERE c.month = $2 AND c.account_id = $3 AND c.seller_id = $4 AND c.currency = $5
            ), sums AS (
              SELECT as_kind, product_id, product_code, max(product_title) AS product_title, dimension, unit, sku,
                agreement_id, offer_id, rate, unit_price, reason, sum(quantity) AS quantity,
                sum(covered_quantity) AS covered_quantity, sum(priced_quantity) AS priced_quantity, min(hour) AS first_hour, max(hour) AS last_hour,
                count(*) AS charges, sum(amount) AS exact
              FROM mine
              GROUP BY as_kind, product_id, product_code, dimension, unit, sku, agreement_id, offer_id, rate, unit_price,
                reason
            ), numbered AS (
              SELECT s.*, round(s.exact, $6) AS amount, row_number() OVER (
                ORDER BY product_id, dimension, sku, agreement_id, offer_id, rate, as_kind DESC, unit_price, reason)
                AS line
              FROM sums AS s
            ), made AS (
              INSERT INTO statement (id, month, account_id, seller_id, currency, exponent, amount, lines, charges)
              SELECT $1, $2, $3, $4, $5, $6, sum(amount), count(*), sum(charges) FROM numbered
            ), lines AS (
              INSERT INTO statement_line (statement_id, line, kind, product_id, product_code, product_title, dimension,
                unit, sku, agreement_id, offer_id, rate, unit_price, reason, quantity, covered_quantity, priced_quantity,
                first_hour, last_hour, charges, exact, amount)
              SELECT $1, line, as_kind, product_id, product_code, product_title, dimension, unit, sku, agreement_id,
                offer_id, rate, unit_price, reason, quantity, covered_quantity, priced_quantity, first_hour, last_hour,
                charges, exact, amount
              FROM numbered
            )
            INSERT INTO statement_charge (run, charge, statement_id, line)
            SELECT c.run, c.line, $1, n.line FROM mine AS c JOIN numbered AS n
              ON (n.as_kind, n.product_id, n.dimension, n.sku, n.agreement_id, n.offer_id, n.rate, n.unit_price)
                = (c.as_kind, c.product_id, c.dimension, c.sku, c.agreement_id, c.offer_id, c.rate, c.unit_price)
              AND n.reason IS NOT DISTINCT FROM c.reason""";

    static final String FINISH = "UPDATE statement_month SET closed_at = $2 WHERE month = $1 AND closed_at IS NULL";

    /** Who owes whom, in which currency. */
    record Parties(String accountId, String sellerId, String currency) {}

    /** The month to go on with: the unfinished one, or the next if it is due. */
    Future<Optional<LocalDate>> openOrStart(SqlConnection tx, Instant now, Duration delay) {
        return tx.preparedQuery(OPEN)
                .execute()
                .compose(open -> open.size() > 0
                        ? Future.succeededFuture(open)
                        : tx.preparedQuery(START).execute(Tuple.of(Columns.time(now), (double) delay.toSeconds())))
                .map(rows -> {
                    var it = rows.iterator();
                    return it.hasNext() ? Optional.of(it.next().getLocalDate("month")) : Optional.<LocalDate>empty();
                });
    }

    /** Those who have charges of the month and no statement yet. */
    Future<List<Parties>> parties(SqlConnection tx, LocalDate month, int limit) {
        return tx.preparedQuery(PARTIES).execute(Tuple.of(month, limit)).map(rows -> {
            List<Parties> parties = new ArrayList<>();
            for (Row row : rows) {
                parties.add(new Parties(
                        row.getString("account_id"), row.getString("seller_id"), row.getString("currency")));
            }
            return parties;
        });
    }

    Future<Void> close(SqlConnection tx, String id, LocalDate month, Parties of, int exponent) {
        return tx.preparedQuery(CLOSE)
                .execute(Tuple.of(id, month, of.accountId(), of.sellerId(), of.currency(), exponent))
                .mapEmpty();
    }

    Future<Void> finish(SqlConnection tx, LocalDate month, Instant now) {
        return tx.preparedQuery(FINISH)
                .execute(Tuple.of(month, Columns.time(now)))
                .mapEmpty();
    }
}
