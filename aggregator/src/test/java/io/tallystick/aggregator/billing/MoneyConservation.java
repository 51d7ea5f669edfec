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
                      THEN ceil(sum(l.quantity)) ELSE sum(l.quantity) END"""));

    private MoneyConservation() {}

    public static void check(Connection connection) throws SQLException {
        Conservation.check(connection, VIOLATIONS);
    }
}
