package io.tallystick.aggregator.billing;

import io.tallystick.aggregator.db.Columns;
import io.tallystick.common.model.Hash;
import io.vertx.core.Future;
import io.vertx.core.buffer.Buffer;
import io.vertx.sqlclient.SqlConnection;
import io.vertx.sqlclient.Tuple;
import java.time.Instant;
import java.util.Optional;

/** The SQL of rating: from the lines of a finished posting run to charges. */
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
     * Instance hours that count whole are charged by what a line adds to the hours started: the lines of one hour of one
     * instance, booked one after another, pay for the hour once.
     */
    static final String CHARGE =
            """
            INSERT INTO charge (run, line, kind, month, hour, seller_id, seller_name, product_id, product_title,
              account_id, agreement_id, offer_id, rate, sku, quantity, priced_quantity, unit_price, currency, amount,
              reason)
            SELECT l.run, l.line, l.kind,
              greatest(date_trunc('month', l.hour AT TIME ZONE 'UTC')::date,
                (SELECT (max(m.month) + interval '1 month')::date FROM statement_month AS m)),
              l.hour, s.id, s.name, p.id, p.title, l.account_id, l.agreement_id, o.id, r.rate,
              l.product_id || ':' || CASE WHEN l.dimension = $4 THEN coalesce(l.instance_type, l.dimension)
                ELSE l.dimension END,
              l.quantity, x.quantity, coalesce(t.unit_price, 0), o.currency, x.quantity * coalesce(t.unit_price, 0),
              CASE WHEN o.kind <> 'paid' THEN o.kind WHEN t.unit_price IS NULL THEN 'no-price' END
            FROM usage_line AS l
            JOIN agreement AS a ON a.id = l.agreement_id
            JOIN offer AS o ON o.id = a.offer_id
            JOIN offer_rate AS r ON r.offer_id = a.offer_id AND r.rate = a.rate
            JOIN product AS p ON p.id = l.product_id
            JOIN account AS s ON s.id = p.seller_account_id
            LEFT JOIN LATERAL (
              SELECT c.unit_price FROM price_term AS c
              WHERE c.offer_id = r.offer_id AND c.rate = r.rate AND c.dimension_id = l.dimension_id
                AND c.instance_type IN ('', coalesce(l.instance_type, ''))
              ORDER BY c.instance_type DESC LIMIT 1) AS t ON true
            CROSS JOIN LATERAL (
              SELECT CASE WHEN l.dimension = $4 AND r.partial_hours = 'full'
                THEN ceil(b.before + l.quantity) - ceil(b.before) ELSE l.quantity END AS quantity
              FROM (SELECT coalesce(sum(e.quantity), 0) AS before FROM usage_line AS e
                    WHERE l.dimension = $4 AND r.partial_hours = 'full'
                      AND e.enrollment_id = l.enrollment_id AND e.hour = l.hour AND e.dimension_id = l.dimension_id
                      AND e.agreement_id = l.agreement_id AND (e.run, e.line) < (l.run, l.line)) AS b) AS x
            WHERE l.run = $1 AND l.line > $2 AND l.line <= $3""";

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

    Future<Void> finish(SqlConnection tx, long run, Instant now, long charges, Hash sha256) {
        return tx.preparedQuery(FINISH)
                .execute(Tuple.of(run, Columns.time(now), charges, Buffer.buffer(sha256.bytes())))
                .mapEmpty();
    }
}
