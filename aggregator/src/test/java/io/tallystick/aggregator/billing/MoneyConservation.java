package io.tallystick.aggregator.billing;

import io.tallystick.aggregator.usage.Conservation;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.Map;

/** The money part of promise R7, checked after every database test, in SQL of its own. */
public final class MoneyConservation {
    private static final Map<String, String> VIOLATIONS = Map.ofEntries(
            Map.entry(
                    "an agreement's offer is of its product",
                    """
                    SELECT a.id FROM agreement AS a JOIN offer AS o ON o.id = a.offer_id
                    WHERE o.product_id <> a.product_id"""),
            Map.entry(
                    "every rated line of an agreement with a price has a charge",
                    """
                    SELECT l.run || '.' || l.line FROM usage_line AS l JOIN agreement AS a ON a.id = l.agreement_id
                    JOIN rating_run AS r ON r.run = l.run AND (r.finished_at IS NOT NULL OR l.line <= r.line)
                    WHERE a.offer_id IS NOT NULL
                      AND NOT EXISTS (SELECT FROM charge AS c WHERE c.run = l.run AND c.line = l.line)"""),
            Map.entry(
                    "a charge is of its line, at the offer and rate its agreement accepted",
                    """
                    SELECT c.run || '.' || c.line FROM charge AS c
                    LEFT JOIN usage_line AS l USING (run, line) LEFT JOIN agreement AS a ON a.id = l.agreement_id
                    WHERE (c.kind, c.hour, c.product_id, c.account_id, c.agreement_id, c.quantity, c.offer_id, c.rate)
                      IS DISTINCT FROM
                      (l.kind, l.hour, l.product_id, l.account_id, l.agreement_id, l.quantity, a.offer_id, a.rate)"""),
            Map.entry(
                    "posting runs are rated in order, none left out",
                    """
                    SELECT p.run FROM posting_run AS p WHERE p.run < (SELECT max(run) FROM rating_run)
                      AND NOT EXISTS (SELECT FROM rating_run AS r WHERE r.run = p.run AND r.finished_at IS NOT NULL)"""),
            Map.entry(
                    "a finished rating has the charges it says",
                    """
                    SELECT r.run FROM rating_run AS r WHERE r.finished_at IS NOT NULL
                      AND r.charges <> (SELECT count(*) FROM charge AS c WHERE c.run = r.run)"""),
            Map.entry(
                    "a charge's price is its rate's for the dimension and type, or none with the reason",
                    """
                    SELECT c.run || '.' || c.line FROM charge AS c JOIN usage_line AS l USING (run, line)
                    JOIN offer AS o ON o.id = c.offer_id
                    LEFT JOIN price_term AS own ON own.offer_id = c.offer_id AND own.rate = c.rate
                      AND own.dimension_id = l.dimension_id AND own.instance_type = l.instance_type
                    LEFT JOIN price_term AS rest ON rest.offer_id = c.offer_id AND rest.rate = c.rate
                      AND rest.dimension_id = l.dimension_id AND rest.instance_type = ''
                    WHERE c.unit_price <> coalesce(own.unit_price, rest.unit_price, 0) OR c.currency <> o.currency
                      OR c.reason IS DISTINCT FROM CASE WHEN o.kind <> 'paid' THEN o.kind
                           WHEN own IS NULL AND rest IS NULL THEN 'no-price' END"""),
            Map.entry(
                    "a usage hour is charged for its quantity, or for its started hours",
                    """
                    SELECT l.hour FROM charge AS c JOIN usage_line AS l USING (run, line)
                    JOIN offer_rate AS r ON r.offer_id = c.offer_id AND r.rate = c.rate
                    GROUP BY l.hour, l.enrollment_id, l.dimension_id, l.dimension, l.agreement_id, r.partial_hours
                    HAVING sum(c.priced_quantity) <> CASE WHEN l.dimension = 'uptime-hours' AND r.partial_hours = 'full'
                      THEN ceil(sum(l.quantity)) ELSE sum(l.quantity) END"""),
            Map.entry(
                    "all charges of a closed month are in its statements, and no others",
                    """
                    SELECT c.run || '.' || c.line FROM charge AS c
                    LEFT JOIN statement_charge AS x ON x.run = c.run AND x.charge = c.line
                    LEFT JOIN statement AS s ON s.id = x.statement_id
                    JOIN statement_month AS m ON m.month = c.month AND m.closed_at IS NOT NULL
                    WHERE (c.month, c.account_id, c.seller_id, c.currency)
                      IS DISTINCT FROM (s.month, s.account_id, s.seller_id, s.currency)"""),
            Map.entry(
                    "a charge is in the statement of its hour's month, or of a later one if that was cut before",
                    """
                    SELECT c.run || '.' || c.line FROM charge AS c JOIN posting_run AS r USING (run)
                    LEFT JOIN statement_month AS m ON m.month = date_trunc('month', c.hour AT TIME ZONE 'UTC')::date
                    WHERE c.month < date_trunc('month', c.hour AT TIME ZONE 'UTC')::date
                      OR c.month > date_trunc('month', c.hour AT TIME ZONE 'UTC')::date AND r.booked_at < m.cut
                      OR c.month = m.month AND r.booked_at >= m.cut"""),
            Map.entry(
                    "a charge is in one statement line at most",
                    "SELECT run || '.' || charge FROM statement_charge GROUP BY run, charge HAVING count(*) > 1"),
            Map.entry(
                    "a statement line is the sum of its charges, rounded once and half up",
                    """
                    SELECT l.statement_id FROM statement_line AS l JOIN statement AS s ON s.id = l.statement_id
                    LEFT JOIN (SELECT x.statement_id, x.line, sum(c.amount) AS exact, count(*) AS charges,
                                 sum(c.quantity) AS quantity, sum(c.priced_quantity) AS priced_quantity
                               FROM statement_charge AS x JOIN charge AS c ON c.run = x.run AND c.line = x.charge
                               GROUP BY x.statement_id, x.line) AS t
                      ON t.statement_id = l.statement_id AND t.line = l.line
                    WHERE (l.exact, l.charges, l.quantity, l.priced_quantity)
                      IS DISTINCT FROM (t.exact, t.charges, t.quantity, t.priced_quantity)
                      OR l.exact <> l.priced_quantity * l.unit_price
                      OR l.amount <> floor(l.exact * 10 ^ s.exponent::numeric + 0.5) / 10 ^ s.exponent::numeric"""),
            Map.entry(
                    "a statement is the sum of its lines, numbered from 1 without holes",
                    """
                    SELECT s.id FROM statement AS s LEFT JOIN statement_line AS l ON l.statement_id = s.id
                    GROUP BY s.id, s.amount, s.lines, s.charges
                    HAVING s.amount <> sum(l.amount) OR s.lines <> count(*) OR s.lines <> max(l.line)
                      OR s.charges <> sum(l.charges)"""),
            Map.entry(
                    "months are closed in order, none left out",
                    """
                    SELECT m.month::text FROM statement_month AS m
                    WHERE m.month > (SELECT min(month) FROM statement_month)
                      AND NOT EXISTS (SELECT FROM statement_month AS b WHERE b.closed_at IS NOT NULL
                                      AND b.month = (m.month - interval '1 month')::date)"""));

    private MoneyConservation() {}

    public static void check(Connection connection) throws SQLException {
        Conservation.check(connection, VIOLATIONS);
    }
}
