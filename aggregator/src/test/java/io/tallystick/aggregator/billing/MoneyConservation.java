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
                    WHERE c.kind <> 'purchase'
                      AND (c.kind, c.hour, c.product_id, c.account_id, c.agreement_id, c.quantity, c.offer_id, c.rate)
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
                      AND own.dimension_id = l.dimension_id AND own.instance_type = l.instance_type AND NOT own.yearly
                    LEFT JOIN price_term AS rest ON rest.offer_id = c.offer_id AND rest.rate = c.rate
                      AND rest.dimension_id = l.dimension_id AND rest.instance_type = ''
                    WHERE c.unit_price <> coalesce(own.unit_price, rest.unit_price, 0) OR c.currency <> o.currency
                      OR c.reason IS DISTINCT FROM CASE WHEN c.covered_quantity > 0 THEN 'covered' WHEN o.kind <> 'paid' THEN o.kind
                           WHEN own IS NULL AND rest IS NULL THEN 'no-price' END"""),
            Map.entry(
                    "a usage hour is charged for its quantity beside what was bought by the year, or for its started hours",
                    """
                    SELECT l.hour FROM charge AS c JOIN usage_line AS l USING (run, line)
                    JOIN offer_rate AS r ON r.offer_id = c.offer_id AND r.rate = c.rate
                    GROUP BY l.hour, l.enrollment_id, l.dimension_id, l.dimension, l.agreement_id, r.partial_hours
                    HAVING sum(c.priced_quantity) <> CASE WHEN l.dimension = 'uptime-hours' AND r.partial_hours = 'full'
                      THEN ceil(least(sum(l.quantity - c.covered_quantity), 1)) ELSE sum(l.quantity - c.covered_quantity) END"""),
            Map.entry(
                    "instance hours are covered up to what was bought of their type for that hour, and no further",
                    """
                    SELECT h.agreement_id, h.hour FROM (
                      SELECT c.agreement_id, c.hour, l.dimension, l.instance_type, sum(c.covered_quantity) AS covered,
                        sum(c.quantity) AS quantity
                      FROM charge AS c JOIN usage_line AS l USING (run, line) GROUP BY 1, 2, 3, 4) AS h
                    LEFT JOIN amendment AS m ON m.agreement_id = h.agreement_id AND h.hour BETWEEN m.effective_at
                        AND m.term_end - interval '1 hour'
                      AND NOT EXISTS (SELECT FROM amendment AS n WHERE n.agreement_id = m.agreement_id
                                      AND n.number > m.number AND n.effective_at <= h.hour)
                    LEFT JOIN agreement_item AS i ON i.amendment_id = m.id AND i.instance_type = h.instance_type
                      AND h.dimension = 'uptime-hours'
                    WHERE h.covered <> least(h.quantity, coalesce(i.count, 0))"""),
            Map.entry(
                    "what was bought by the year has its charges, each once, with its own amounts",
                    """
                    SELECT coalesce(c.amendment_id, d.id) FROM (
                      SELECT m.id, m.agreement_id, m.offer_id, m.rate, m.currency, m.effective_at,
                        ':year:' || i.instance_type AS what, i.count::numeric AS quantity, i.yearly_price AS price
                      FROM amendment AS m JOIN agreement_item AS i ON i.amendment_id = m.id WHERE m.kind = 'purchase'
                      UNION ALL
                      SELECT m.id, m.agreement_id, m.offer_id, m.rate, m.currency, m.effective_at,
                        ':amendment:' || m.id, 1, m.amount
                      FROM amendment AS m WHERE m.kind = 'amendment') AS d
                    FULL JOIN (SELECT * FROM charge WHERE kind = 'purchase') AS c
                      ON c.amendment_id = d.id AND c.sku = c.product_id || d.what
                    WHERE (c.agreement_id, c.offer_id, c.rate, c.currency, c.hour, c.quantity, c.priced_quantity,
                        c.unit_price)
                      IS DISTINCT FROM (d.agreement_id, d.offer_id, d.rate, d.currency, d.effective_at, d.quantity,
                        d.quantity, d.price)
                      -- What was made since the last run that is rated waits for the next.
                      AND (c.amendment_id IS NOT NULL OR EXISTS (SELECT FROM amendment AS m WHERE m.id = d.id
                        AND m.made_at < (SELECT max(p.started_at) FROM posting_run AS p JOIN rating_run AS r USING (run)
                                         WHERE r.finished_at IS NOT NULL)))"""),
            Map.entry(
                    "an amendment costs its share of the rest of the term, more than nothing, rounded once and half up",
                    """
                    SELECT m.id FROM amendment AS m
                    LEFT JOIN amendment AS b ON b.agreement_id = m.agreement_id AND b.number = m.number - 1
                      AND m.kind = 'amendment'
                    CROSS JOIN LATERAL (
                      SELECT (SELECT coalesce(sum(i.count * i.yearly_price), 0) FROM agreement_item AS i
                              WHERE i.amendment_id = m.id)
                        - (SELECT coalesce(sum(i.count * i.yearly_price), 0) FROM agreement_item AS i
                           WHERE i.amendment_id = b.id) AS change,
                        extract(epoch FROM m.term_end - m.effective_at) AS rest,
                        extract(epoch FROM m.term_end - m.term_start) AS term, 10 ^ m.exponent::numeric AS unit) AS x
                    WHERE m.yearly_change <> x.change OR m.kind = 'amendment' AND (x.change <= 0
                        OR m.amount <> div(2 * x.change * x.rest * x.unit + x.term, 2 * x.term) / x.unit)
                      OR m.kind = 'purchase' AND m.amount <> x.change"""),
            Map.entry(
                    "amendments are numbered without holes, in the order of time, within a term that a purchase began",
                    """
                    SELECT m.id FROM amendment AS m
                    LEFT JOIN amendment AS b ON b.agreement_id = m.agreement_id AND b.number = m.number - 1
                    JOIN agreement AS a ON a.id = m.agreement_id
                    WHERE (m.number > 1) <> (b.id IS NOT NULL) OR m.effective_at < b.effective_at
                      OR (m.offer_id, m.rate) IS DISTINCT FROM (a.offer_id, a.rate)
                      OR m.kind = 'purchase' AND m.term_start < b.term_end
                      OR m.kind = 'purchase' AND m.term_end <> (m.term_start AT TIME ZONE 'UTC' + interval '1 year')
                        AT TIME ZONE 'UTC'
                      OR m.kind = 'amendment' AND (m.term_start, m.term_end) IS DISTINCT FROM (b.term_start, b.term_end)
                      OR NOT EXISTS (SELECT FROM agreement_item AS i WHERE i.amendment_id = m.id)"""),
            Map.entry(
                    "an item's price is the accepted rate's for a year of the type",
                    """
                    SELECT i.amendment_id FROM agreement_item AS i JOIN amendment AS m ON m.id = i.amendment_id
                    LEFT JOIN price_term AS t ON t.offer_id = m.offer_id AND t.rate = m.rate AND t.yearly
                      AND t.instance_type = i.instance_type
                    WHERE i.yearly_price IS DISTINCT FROM t.unit_price"""),
            Map.entry(
                    "who bought by the year and what it was before is in the audit log",
                    """
                    SELECT m.id FROM amendment AS m WHERE NOT EXISTS (
                      SELECT FROM audit_event AS e WHERE e.subject = m.agreement_id AND e.actor = m.made_by
                        AND e.action = CASE m.kind WHEN 'purchase' THEN 'agreement.buy-year' ELSE 'agreement.amend' END
                        AND e.after_json::json ->> 'id' = m.id
                        AND (m.number = 1 OR (e.before_json::json ->> 'number')::integer = m.number - 1))"""),
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
                                 sum(c.quantity) AS quantity, sum(c.covered_quantity) AS covered_quantity,
                                 sum(c.priced_quantity) AS priced_quantity
                               FROM statement_charge AS x JOIN charge AS c ON c.run = x.run AND c.line = x.charge
                               GROUP BY x.statement_id, x.line) AS t
                      ON t.statement_id = l.statement_id AND t.line = l.line
                    WHERE (l.exact, l.charges, l.quantity, l.covered_quantity, l.priced_quantity)
                      IS DISTINCT FROM (t.exact, t.charges, t.quantity, t.covered_quantity, t.priced_quantity)
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
