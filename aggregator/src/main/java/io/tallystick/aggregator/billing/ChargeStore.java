package io.tallystick.aggregator.billing;

import io.tallystick.aggregator.db.Columns;
import io.tallystick.common.model.EnrollmentId;
import io.tallystick.common.model.Quantity;
import io.vertx.core.Future;
import io.vertx.sqlclient.Row;
import io.vertx.sqlclient.RowSet;
import io.vertx.sqlclient.SqlClient;
import io.vertx.sqlclient.Tuple;
import io.vertx.sqlclient.data.Numeric;
import java.math.BigDecimal;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Reads of charges. What a charge does not hold itself comes from its usage line or amendment, its product's code and its runs,
 * which never change either.
 */
final class ChargeStore {
    private static final String COLUMNS =
            """
            SELECT c.run, c.line, c.kind, r.booked_at, c.hour, c.month, c.seller_id, c.seller_name, c.product_id,
              coalesce(l.product_code, p.product_code) AS product_code, c.product_title, c.account_id, c.agreement_id,
              c.offer_id, c.rate, c.sku, l.dimension, l.unit, c.quantity, c.priced_quantity, c.unit_price, c.currency,
              c.amount, c.reason, f.issuer, l.enrollment_id, l.cloud, l.cloud_account, l.region, l.instance,
              l.instance_type, l.tags, c.covered_quantity, c.amendment_id, m.kind AS bought, m.term_start, m.term_end,
              y.yearly_price, y.hours
            FROM charge AS c LEFT JOIN usage_line AS l ON l.run = c.run AND l.line = c.usage_line
            JOIN product AS p ON p.id = c.product_id
            JOIN posting_run AS r ON r.run = c.run JOIN rating_run AS f ON f.run = c.run
            LEFT JOIN amendment AS m ON m.id = c.amendment_id
            LEFT JOIN LATERAL (
              SELECT i.yearly_price, extract(epoch FROM n.term_end - n.term_start)::bigint / 3600 AS hours
              FROM amendment AS n JOIN agreement_item AS i ON i.amendment_id = n.id
              WHERE c.covered_quantity > 0 AND n.agreement_id = c.agreement_id AND n.effective_at <= c.hour
                AND i.instance_type = l.instance_type
              ORDER BY n.number DESC LIMIT 1) AS y ON true
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

    private static List<Charge> readCharges(RowSet<Row> rows) {
        List<Charge> charges = new ArrayList<>(rows.size());
        for (Row row : rows) {
            charges.add(charge(row));
        }
        return charges;
    }

    private static Charge charge(Row row) {
        Optional<Charge.Bought> bought = Optional.ofNullable(row.getString("amendment_id"))
                .map(id -> new Charge.Bought(
                        id,
                        isPurchase(row) ? Optional.of(typeBought(row)) : Optional.empty(),
                        Columns.instant(row, "term_start"),
                        Columns.instant(row, "term_end")));
        return new Charge(
                row.getLong("run"),
                row.getLong("line"),
                row.getString("kind"),
                Columns.instant(row, "booked_at"),
                Columns.instant(row, "hour"),
                row.getLocalDate("month"),
                row.getString("seller_id"),
                row.getString("seller_name"),
                row.getString("product_id"),
                row.getString("product_code"),
                row.getString("product_title"),
                row.getString("account_id"),
                row.getString("agreement_id"),
                row.getString("offer_id"),
                row.getInteger("rate"),
                row.getString("sku"),
                bought.isEmpty() ? row.getString("dimension") : isPurchase(row) ? Charge.YEAR : Charge.AMENDMENT,
                bought.isEmpty() ? row.getString("unit") : isPurchase(row) ? Charge.YEAR_UNIT : Charge.AMENDMENT_UNIT,
                Columns.quantity(row, "quantity"),
                Columns.quantity(row, "priced_quantity"),
                decimal(row, "unit_price"),
                row.getString("currency"),
                decimal(row, "amount"),
                Optional.ofNullable(row.getString("reason")),
                row.getString("issuer"),
                bought.isEmpty() ? Optional.of(vm(row)) : Optional.empty(),
                covered(row),
                bought);
    }

    private static boolean isPurchase(Row row) {
        return "purchase".equals(row.getString("bought"));
    }

    /** The last part of the SKU that {@link RatingStore} gave it. */
    private static String typeBought(Row row) {
        String sku = row.getString("sku");
        return sku.substring(sku.lastIndexOf(':') + 1);
    }

    private static Charge.Vm vm(Row row) {
        return new Charge.Vm(
                new EnrollmentId(row.getUUID("enrollment_id")),
                row.getString("cloud"),
                row.getString("cloud_account"),
                Optional.ofNullable(row.getString("region")),
                row.getString("instance"),
                Optional.ofNullable(row.getString("instance_type")),
                row.getString("tags"));
    }

    private static Optional<Charge.Covered> covered(Row row) {
        Quantity quantity = Columns.quantity(row, "covered_quantity");
        return quantity.isZero()
                ? Optional.empty()
                : Optional.of(new Charge.Covered(quantity, decimal(row, "yearly_price"), row.getLong("hours")));
    }

    private static BigDecimal decimal(Row row, String column) {
        return row.get(Numeric.class, column).bigDecimalValue();
    }
}
