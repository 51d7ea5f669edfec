package io.tallystick.aggregator.billing;

import io.tallystick.aggregator.db.Columns;
import io.tallystick.aggregator.web.PageRequest;
import io.vertx.core.Future;
import io.vertx.sqlclient.Row;
import io.vertx.sqlclient.SqlClient;
import io.vertx.sqlclient.Tuple;
import io.vertx.sqlclient.data.Numeric;
import java.math.BigDecimal;
import java.time.LocalDate;
import java.time.YearMonth;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Reads of the statements of closed months, and of revenue. */
final class StatementStore {
    private static final String COLUMNS =
            """
            SELECT s.id, s.month, s.account_id, s.seller_id, s.currency, s.exponent, s.amount, s.lines, s.charges, m.cut,
              m.closed_at
            FROM statement AS s JOIN statement_month AS m ON m.month = s.month AND m.closed_at IS NOT NULL
            """;
    static final String PAGE = COLUMNS
            + """
            WHERE ($1::text IS NULL OR s.id > $1) AND ($2::text IS NULL OR s.account_id = $2)
              AND ($3::text IS NULL OR s.seller_id = $3) AND ($4::date IS NULL OR s.month = $4)
            ORDER BY s.id LIMIT $5""";
    static final String READ = COLUMNS + "WHERE s.id = $1";
    static final String LINES =
            """
            SELECT line, kind, product_id, product_code, product_title, dimension, unit, sku, agreement_id, offer_id, rate,
              unit_price, reason, quantity, covered_quantity, priced_quantity, first_hour, last_hour, charges, exact, amount
            FROM statement_line WHERE statement_id = $1 ORDER BY line""";
    /** A month is closed or open as a whole, so each row is of one kind. */
    static final String REVENUE =
            """
            SELECT s.month, s.seller_id, l.product_id, max(l.product_title) AS product_title, s.currency, true AS closed,
              round(sum(l.amount), s.exponent) AS amount, count(DISTINCT s.account_id) AS buyers
            FROM statement AS s JOIN statement_month AS m ON m.month = s.month AND m.closed_at IS NOT NULL
            JOIN statement_line AS l ON l.statement_id = s.id
            WHERE ($1::text IS NULL OR s.seller_id = $1) AND s.month BETWEEN $2 AND $3
            GROUP BY s.month, s.seller_id, l.product_id, s.currency, s.exponent
            UNION ALL
            SELECT c.month, c.seller_id, c.product_id, max(c.product_title), c.currency, false, sum(c.amount),
              count(DISTINCT c.account_id)
            FROM charge AS c JOIN rating_run AS r ON r.run = c.run AND r.finished_at IS NOT NULL
            WHERE ($1::text IS NULL OR c.seller_id = $1) AND c.month BETWEEN $2 AND $3
              AND NOT EXISTS (SELECT FROM statement_month AS m WHERE m.month = c.month AND m.closed_at IS NOT NULL)
            GROUP BY c.month, c.seller_id, c.product_id, c.currency
            ORDER BY 1, 2, 3, 5""";

    Future<List<Statement>> page(SqlClient db, PageRequest page, Statements.Filter filter) {
        return db.preparedQuery(PAGE)
                .execute(Tuple.of(
                        page.after(),
                        filter.accountId().orElse(null),
                        filter.sellerId().orElse(null),
                        filter.month().map(m -> m.atDay(1)).orElse(null),
                        page.limit() + 1))
                .map(rows -> {
                    List<Statement> statements = new ArrayList<>();
                    rows.forEach(row -> statements.add(statement(row)));
                    return statements;
                });
    }

    Future<Optional<Statement>> read(SqlClient db, String id) {
        return db.preparedQuery(READ).execute(Tuple.of(id)).map(rows -> {
            var it = rows.iterator();
            return it.hasNext() ? Optional.of(statement(it.next())) : Optional.<Statement>empty();
        });
    }

    Future<List<Statement.Line>> lines(SqlClient db, Statement of) {
        return db.preparedQuery(LINES).execute(Tuple.of(of.id())).map(rows -> {
            List<Statement.Line> lines = new ArrayList<>();
            rows.forEach(row -> lines.add(line(row, of.exponent())));
            return lines;
        });
    }

    Future<List<Revenue.Row>> revenue(SqlClient db, Optional<String> sellerId, YearMonth from, YearMonth to) {
        LocalDate first = from.atDay(1);
        return db.preparedQuery(REVENUE)
                .execute(Tuple.of(sellerId.orElse(null), first, to.atDay(1)))
                .map(rows -> {
                    List<Revenue.Row> revenue = new ArrayList<>();
                    for (Row row : rows) {
                        boolean closed = row.getBoolean("closed");
                        revenue.add(new Revenue.Row(
                                YearMonth.from(row.getLocalDate("month")),
                                row.getString("seller_id"),
                                row.getString("product_id"),
                                row.getString("product_title"),
                                row.getString("currency"),
                                closed,
                                decimal(row, "amount"),
                                row.getLong("buyers")));
                    }
                    return revenue;
                });
    }

    private static Statement statement(Row row) {
        int exponent = row.getInteger("exponent");
        return new Statement(
                row.getString("id"),
                YearMonth.from(row.getLocalDate("month")),
                row.getString("account_id"),
                row.getString("seller_id"),
                row.getString("currency"),
                exponent,
                decimal(row, "amount").setScale(exponent),
                row.getInteger("lines"),
                row.getLong("charges"),
                Columns.instant(row, "cut"),
                Columns.instant(row, "closed_at"));
    }

    private static Statement.Line line(Row row, int exponent) {
        return new Statement.Line(
                row.getInteger("line"),
                row.getString("kind"),
                row.getString("product_id"),
                row.getString("product_code"),
                row.getString("product_title"),
                row.getString("dimension"),
                row.getString("unit"),
                row.getString("sku"),
                row.getString("agreement_id"),
                row.getString("offer_id"),
                row.getInteger("rate"),
                decimal(row, "unit_price"),
                Optional.ofNullable(row.getString("reason")),
                decimal(row, "quantity"),
                decimal(row, "covered_quantity"),
                decimal(row, "priced_quantity"),
                Columns.instant(row, "first_hour"),
                Columns.instant(row, "last_hour"),
                row.getLong("charges"),
                decimal(row, "exact"),
                decimal(row, "amount").setScale(exponent));
    }

    private static BigDecimal decimal(Row row, String column) {
        return row.get(Numeric.class, column).bigDecimalValue();
    }
}
