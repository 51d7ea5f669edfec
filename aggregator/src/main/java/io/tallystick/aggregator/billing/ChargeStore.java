package io.tallystick.aggregator.billing;

import io.tallystick.aggregator.db.Columns;
import io.vertx.core.Future;
import io.vertx.sqlclient.Row;
import io.vertx.sqlclient.RowSet;
import io.vertx.sqlclient.SqlClient;
import io.vertx.sqlclient.Tuple;
import io.vertx.sqlclient.data.Numeric;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Reads of charges. What a charge does not hold itself comes from its usage line and runs, which never change either. */
final class ChargeStore {
    private static final String COLUMNS = "SELECT " + PostingStore.LINE_COLUMNS
            + """
            ,
              l.instance_type, l.region, c.month, c.seller_id, c.seller_name, c.product_title, c.offer_id, c.rate, c.sku,
              c.priced_quantity, c.unit_price, c.currency, c.amount, c.reason, f.issuer
            FROM charge AS c JOIN usage_line AS l USING (run, line)
            JOIN posting_run AS r USING (run) JOIN rating_run AS f USING (run)
            """;
    /** Of one run, finished or not: for its hash. */
    static final String OF_RUN = COLUMNS + "WHERE c.run = $1 AND c.line > $2 ORDER BY c.run, c.line LIMIT $3";

    static final String OF_STATEMENT_LINE = COLUMNS
            + """
            JOIN statement_charge AS s ON s.run = c.run AND s.charge = c.line
            WHERE s.statement_id = $1 AND s.line = $2 AND (s.run, s.charge) > ($3, $4)
            ORDER BY s.run, s.charge LIMIT $5""";

    private static final String PAGE = COLUMNS
            + """
            WHERE (c.run, c.line) > ($1, $2)
              AND c.run >= (SELECT coalesce(min(run), 9223372036854775807) FROM posting_run
                            WHERE finished_at IS NOT NULL AND ($3::timestamptz IS NULL OR booked_at >= $3))
              AND c.run <= (SELECT coalesce(max(run), 0) FROM posting_run
                            WHERE finished_at IS NOT NULL AND ($4::timestamptz IS NULL OR booked_at < $4))
              -- Runs are rated in order: up to the last one that is finished.
              AND c.run <= (SELECT coalesce(max(run), 0) FROM rating_run WHERE finished_at IS NOT NULL)
            """;
    static final String ALL = PAGE + "AND $5::text IS NULL AND $6::text IS NULL ORDER BY c.run, c.line LIMIT $7";
    static final String OF_PRODUCT =
            PAGE + "AND c.product_id = $5 AND ($6::text IS NULL OR c.account_id = $6) ORDER BY c.run, c.line LIMIT $7";
    static final String OF_ACCOUNT =
            PAGE + "AND c.account_id = $6 AND $5::text IS NULL ORDER BY c.run, c.line LIMIT $7";
    /** Up to where booking times are final for charges: what is posted, short of what is not rated yet. */
    static final String CLOSED_THROUGH =
            """
            SELECT nullif(least(s.closed_through, (
                SELECT min(p.booked_at) FROM posting_run AS p WHERE p.finished_at IS NOT NULL
                  AND p.run > (SELECT coalesce(max(run), 0) FROM rating_run WHERE finished_at IS NOT NULL))),
              '-infinity') AS closed_through
            FROM posting_state AS s""";

    Future<List<Charge>> ofRun(SqlClient client, long run, long afterLine, int limit) {
        return client.preparedQuery(OF_RUN)
                .execute(Tuple.of(run, afterLine, limit))
                .map(ChargeStore::readCharges);
    }

    Future<List<Charge>> ofStatementLine(
            SqlClient client, String statement, int line, UsagePull.Cursor after, int limit) {
        return client.preparedQuery(OF_STATEMENT_LINE)
                .execute(Tuple.of(statement, line, after.run(), after.line(), limit))
                .map(ChargeStore::readCharges);
    }

    /** One charge more than asked for, where there is one. */
    Future<List<Charge>> page(SqlClient client, UsagePull.Query query) {
        String sql =
                query.productId().isPresent() ? OF_PRODUCT : query.accountId().isPresent() ? OF_ACCOUNT : ALL;
        return client.preparedQuery(sql)
                .execute(Tuple.of(
                        query.after().run(),
                        query.after().line(),
                        Columns.timeOrNull(query.from()),
                        Columns.timeOrNull(query.to()),
                        query.productId().orElse(null),
                        query.accountId().orElse(null),
                        query.limit() + 1))
                .map(ChargeStore::readCharges);
    }

    Future<Optional<Instant>> closedThrough(SqlClient client) {
        return client.preparedQuery(CLOSED_THROUGH)
                .execute()
                .map(rows -> Columns.optionalInstant(rows.iterator().next(), "closed_through"));
    }

    static List<Charge> readCharges(RowSet<Row> rows) {
        List<UsageLine> lines = PostingStore.readLines(rows);
        List<Charge> charges = new ArrayList<>(lines.size());
        for (Row row : rows) {
            charges.add(new Charge(
                    lines.get(charges.size()),
                    Optional.ofNullable(row.getString("instance_type")),
                    Optional.ofNullable(row.getString("region")),
                    row.getLocalDate("month"),
                    row.getString("seller_id"),
                    row.getString("seller_name"),
                    row.getString("product_title"),
                    row.getString("offer_id"),
                    row.getInteger("rate"),
                    row.getString("sku"),
                    Columns.quantity(row, "priced_quantity"),
                    row.get(Numeric.class, "unit_price").bigDecimalValue(),
                    row.getString("currency"),
                    row.get(Numeric.class, "amount").bigDecimalValue(),
                    Optional.ofNullable(row.getString("reason")),
                    row.getString("issuer")));
        }
        return charges;
    }
}
