package io.tallystick.aggregator.billing;

import io.tallystick.aggregator.db.Columns;
import io.tallystick.common.model.Hash;
import io.vertx.core.Future;
import io.vertx.core.buffer.Buffer;
import io.vertx.sqlclient.RowSet;
import io.vertx.sqlclient.SqlConnection;
import io.vertx.sqlclient.Tuple;
import java.time.Instant;
import java.util.Optional;

/** The SQL of rating: from the lines of a finished posting run, and what was bought by the year, to charges. */
final class RatingStore {
    static final String OPEN = "SELECT run, line FROM rating_run WHERE finished_at IS NULL";
    /** The next finished posting run, none while an earlier one is unfinished. */
    static final String START =
            """
            INSERT INTO rating_run (run, issuer)
            SELECT min(p.run), $1 FROM posting_run AS p
            WHERE p.finished_at IS NOT NULL AND p.run > (SELECT coalesce(max(run), 0) FROM rating_run)
            HAVING min(p.run) IS NOT NULL
            RETURNING run, line""";

    static final String CHUNK_END =
            """
            SELECT max(line) AS line FROM (
              SELECT line FROM usage_line WHERE run = $1 AND line > $2 ORDER BY line LIMIT $3) AS chunk""";
    /**
     * Instance hours of a type are covered, line after line, up to the count that the agreement has of it by the year in that hour.
     * What is left is charged: hours that count whole by what a line adds to the hours started, so the lines of one hour of one
     * instance, booked one after another, pay for the hour once. No instance runs for more than an hour in an hour: what its
     * agent reports beyond, as clocks are set, starts no other one.
     */
    static final String CHARGE =
            """
            WITH lines AS (
              SELECT l.*, a.offer_id, r.rate, r.partial_hours, coalesce(y.count, 0) AS bought,
                l.dimension = $4 AND r.partial_hours = 'full' AS whole
              FROM usage_line AS l
              JOIN agreement AS a ON a.id = l.agreement_id
              JOIN offer_rate AS r ON r.offer_id = a.offer_id AND r.rate = a.rate
              LEFT JOIN LATERAL (
                SELECT m.id, m.term_end FROM amendment AS m
                WHERE l.dimension = $4 AND m.agreement_id = l.agreement_id AND m.effective_at <= l.hour
                ORDER BY m.number DESC LIMIT 1) AS m ON true
              LEFT JOIN agreement_item AS y
                ON y.amendment_id = m.id AND y.instance_type = l.instance_type AND l.hour < m.term_end
              WHERE l.run = $1 AND l.line > $2 AND l.line <= $3
            ), shares AS (
              SELECT l.*, CASE WHEN l.bought = 0 THEN 0
                ELSE greatest(0, least(l.quantity, l.bought - e.covered - (
                  sum(l.quantity) OVER (PARTITION BY l.agreement_id, l.dimension_id, l.instance_type, l.hour ORDER BY l.line)
                  - l.quantity))) END AS covered
              FROM lines AS l
              CROSS JOIN LATERAL (
                SELECT coalesce(sum(c.covered_quantity), 0) AS covered FROM charge AS c
                WHERE l.bought > 0 AND c.agreement_id = l.agreement_id AND c.hour = l.hour
                  AND c.sku = l.product_id || ':' || l.instance_type AND c.covered_quantity > 0) AS e
            ), rest AS (
              SELECT s.*, s.quantity - s.covered AS more, b.before + coalesce(sum(s.quantity - s.covered) OVER (
                  PARTITION BY s.enrollment_id, s.hour, s.dimension_id, s.agreement_id ORDER BY s.line
                  ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS before
              FROM shares AS s
              CROSS JOIN LATERAL (
                SELECT coalesce(sum(e.quantity - coalesce(c.covered_quantity, 0)), 0) AS before
                FROM usage_line AS e LEFT JOIN charge AS c ON c.run = e.run AND c.line = e.line
                WHERE s.whole AND e.enrollment_id = s.enrollment_id AND e.hour = s.hour
                  AND e.dimension_id = s.dimension_id AND e.agreement_id = s.agreement_id
                  AND (e.run, e.line) <= ($1, $2)) AS b
            )
            INSERT INTO charge (run, line, kind, month, hour, seller_id, seller_name, product_id, product_title,
              account_id, agreement_id, offer_id, rate, sku, quantity, covered_quantity, priced_quantity, unit_price,
              currency, amount, reason)
            SELECT l.run, l.line, l.kind,
              greatest(date_trunc('month', l.hour AT TIME ZONE 'UTC')::date,
                (SELECT (max(m.month) + interval '1 month')::date FROM statement_month AS m)),
              l.hour, s.id, s.name, p.id, p.title, l.account_id, l.agreement_id, o.id, l.rate,
              l.product_id || ':' || CASE WHEN l.dimension = $4 THEN coalesce(l.instance_type, l.dimension)
                ELSE l.dimension END,
              l.quantity, l.covered, x.quantity, coalesce(t.unit_price, 0), o.currency,
              x.quantity * coalesce(t.unit_price, 0),
              CASE WHEN l.covered > 0 THEN 'covered' WHEN o.kind <> 'paid' THEN o.kind
                WHEN t.unit_price IS NULL THEN 'no-price' END
            FROM rest AS l
            JOIN offer AS o ON o.id = l.offer_id
            JOIN product AS p ON p.id = l.product_id
            JOIN account AS s ON s.id = p.seller_account_id
            LEFT JOIN LATERAL (
              SELECT c.unit_price FROM price_term AS c
              WHERE c.offer_id = l.offer_id AND c.rate = l.rate AND c.dimension_id = l.dimension_id AND NOT c.yearly
                AND c.instance_type IN ('', coalesce(l.instance_type, ''))
              ORDER BY c.instance_type DESC LIMIT 1) AS t ON true
            CROSS JOIN LATERAL (
              SELECT CASE WHEN l.whole THEN ceil(least(l.before + l.more, 1)) - ceil(least(l.before, 1))
                ELSE l.more END AS quantity) AS x""";
    /**
     * What was bought by the year and is not charged yet: of a purchase a charge for each type, of an amendment one, so that its cost
     * is rounded once. Numbered behind the run's usage lines. The key on amendment and SKU refuses a second charge.
     */
    static final String PURCHASES =
            """
            WITH due AS (
              SELECT m.* FROM amendment AS m
              WHERE NOT EXISTS (SELECT FROM charge AS c WHERE c.amendment_id = m.id)
              ORDER BY m.made_at, m.agreement_id, m.number LIMIT $2
            ), bought AS (
              SELECT m.*, ':year:' || i.instance_type AS sku, i.count AS quantity, i.yearly_price AS unit_price
              FROM due AS m JOIN agreement_item AS i ON i.amendment_id = m.id WHERE m.kind = 'purchase'
              UNION ALL
              SELECT m.*, ':amendment:' || m.id, 1, m.amount FROM due AS m WHERE m.kind = 'amendment'
            )
            INSERT INTO charge (run, line, kind, month, hour, seller_id, seller_name, product_id, product_title,
              account_id, agreement_id, offer_id, rate, sku, quantity, priced_quantity, unit_price, currency, amount,
              amendment_id)
            SELECT $1, n.last + row_number() OVER (ORDER BY b.made_at, b.agreement_id, b.number, b.sku), 'purchase',
              greatest(date_trunc('month', b.effective_at AT TIME ZONE 'UTC')::date,
                (SELECT (max(m.month) + interval '1 month')::date FROM statement_month AS m)),
              b.effective_at, s.id, s.name, p.id, p.title, a.account_id, a.id, b.offer_id, b.rate,
              p.id || b.sku, b.quantity, b.quantity, b.unit_price, b.currency, b.quantity * b.unit_price, b.id
            FROM bought AS b
            JOIN agreement AS a ON a.id = b.agreement_id
            JOIN product AS p ON p.id = a.product_id
            JOIN account AS s ON s.id = p.seller_account_id
            CROSS JOIN (SELECT greatest(r.lines, (SELECT coalesce(max(c.line), 0) FROM charge AS c WHERE c.run = $1)) AS last
                        FROM posting_run AS r WHERE r.run = $1) AS n""";

    static final String ADVANCE = "UPDATE rating_run SET line = $2 WHERE run = $1";
    static final String FINISH =
            "UPDATE rating_run SET finished_at = $2, charges = $3, sha256 = $4 WHERE run = $1 AND finished_at IS NULL";

    /** A run in the making, rated up to a line. */
    record Run(long number, long line) {}

    /** The run to go on with: the unfinished one, or the next. */
    Future<Optional<Run>> openOrStart(SqlConnection tx, String issuer) {
        return tx.preparedQuery(OPEN)
                .execute()
                .compose(open -> open.size() > 0
                        ? Future.succeededFuture(open)
                        : tx.preparedQuery(START).execute(Tuple.of(issuer)))
                .map(rows -> {
                    var it = rows.iterator();
                    if (!it.hasNext()) {
                        return Optional.<Run>empty();
                    }
                    var row = it.next();
                    return Optional.of(new Run(row.getLong("run"), row.getLong("line")));
                });
    }

    /** Rates up to so many lines more; answers how far it is, empty when there were none left. */
    Future<Optional<Long>> chunk(SqlConnection tx, long run, long after, int limit, String uptime) {
        return tx.preparedQuery(CHUNK_END).execute(Tuple.of(run, after, limit)).compose(rows -> {
            Long end = rows.iterator().next().getLong("line");
            return end == null
                    ? Future.succeededFuture(Optional.<Long>empty())
                    : tx.preparedQuery(CHARGE)
                            .execute(Tuple.of(run, after, end, uptime))
                            .compose(done -> tx.preparedQuery(ADVANCE).execute(Tuple.of(run, end)))
                            .map(done -> Optional.of(end));
        });
    }

    /** Charges up to so many purchases and amendments; answers how many charges that made. */
    Future<Integer> purchases(SqlConnection tx, long run, int limit) {
        return tx.preparedQuery(PURCHASES).execute(Tuple.of(run, limit)).map(RowSet::rowCount);
    }

    Future<Void> finish(SqlConnection tx, long run, Instant now, long charges, Hash sha256) {
        return tx.preparedQuery(FINISH)
                .execute(Tuple.of(run, Columns.time(now), charges, Buffer.buffer(sha256.bytes())))
                .mapEmpty();
    }
}
