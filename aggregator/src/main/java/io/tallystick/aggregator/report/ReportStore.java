package io.tallystick.aggregator.report;

import io.tallystick.aggregator.db.Columns;
import io.tallystick.common.model.Hash;
import io.vertx.core.Future;
import io.vertx.core.buffer.Buffer;
import io.vertx.sqlclient.Row;
import io.vertx.sqlclient.RowSet;
import io.vertx.sqlclient.SqlClient;
import io.vertx.sqlclient.SqlConnection;
import io.vertx.sqlclient.Tuple;
import io.vertx.sqlclient.data.Numeric;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** All SQL of {@code report_file}, and the sums over lines and charges that go into one. */
final class ReportStore {
    /** In one snapshot: a run and what it closes become visible together. */
    static final String STATE =
            """
            SELECT (SELECT closed_through FROM posting_state WHERE isfinite(closed_through)) AS closed_through,
              (SELECT coalesce(max(run), 0) FROM posting_run WHERE finished_at IS NOT NULL) AS posted,
              (SELECT coalesce(max(run), 0) FROM rating_run WHERE finished_at IS NOT NULL) AS rated""";
    /** Sellers with usage: the day after the last report, at first the day of the earliest usage. */
    static final String SELLERS =
            """
            SELECT s.seller_id, s.delay, s.through_run, n.day AS next
            FROM (SELECT p.seller_account_id AS seller_id, max(p.close_delay_seconds) AS delay,
                    (SELECT max(f.day) FROM report_file AS f
                     WHERE f.kind = $1 AND f.seller_id = p.seller_account_id) AS last,
                    (SELECT coalesce(max(f.through_run), 0) FROM report_file AS f
                     WHERE f.kind = $1 AND f.seller_id = p.seller_account_id) AS through_run
                  FROM product AS p WHERE $2::text IS NULL OR p.seller_account_id = $2 GROUP BY p.seller_account_id) AS s
            CROSS JOIN LATERAL (SELECT coalesce(s.last + 1,
                    (SELECT (min(l.hour) AT TIME ZONE 'UTC')::date FROM usage_line AS l
                     JOIN posting_run AS r ON r.run = l.run AND r.finished_at IS NOT NULL
                     JOIN product AS p ON p.id = l.product_id
                     WHERE p.seller_account_id = s.seller_id)) AS day) AS n
            WHERE n.day IS NOT NULL ORDER BY s.seller_id""";

    /**
     * $4 is up to where runs are in earlier reports. A line of the day itself is in no run that was booked before the day
     * began, which bounds the search.
     */
    static final String ROWS =
            """
            SELECT l.account_id, l.product_id, p.title, l.product_code, coalesce(l.instance_type, '') AS instance_type,
              l.dimension, l.unit, c.offer_id, o.private, c.currency, sum(l.quantity) AS quantity, sum(c.amount) AS amount,
              count(*) AS lines
            FROM product AS p
            JOIN usage_line AS l ON l.product_id = p.id
            LEFT JOIN charge AS c ON c.run = l.run AND c.line = l.line
            LEFT JOIN offer AS o ON o.id = c.offer_id
            WHERE p.seller_account_id = $1 AND l.run <= $5 AND l.hour < $3
              AND l.run > least($4, (SELECT coalesce(max(r.run), 0) FROM posting_run AS r WHERE r.booked_at <= $2))
              AND (l.run > $4 OR l.hour >= $2)
            GROUP BY l.account_id, l.product_id, p.title, l.product_code, l.instance_type, l.dimension, l.unit, c.offer_id,
              o.private, c.currency""";

    static final String INSERT =
            """
            INSERT INTO report_file (id, kind, seller_id, day, through_run, lines, rows, made_at, content, sha256)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT ON CONSTRAINT report_file_once DO NOTHING""";
    private static final String COLUMNS =
            "id, kind, seller_id, day, lines, rows, made_at, octet_length(content) AS size, sha256";
    static final String BY_DAY =
            "SELECT " + COLUMNS + " FROM report_file WHERE kind = $1 AND seller_id = $2 AND day = $3";
    static final String PAGE = "SELECT " + COLUMNS
            + " FROM report_file WHERE ($1::text IS NULL OR seller_id = $1) AND (day, id) > ($2, $3) ORDER BY day, id LIMIT $4";
    static final String FILE = "SELECT " + COLUMNS + ", content FROM report_file WHERE id = $1";

    /** How far posting is, and whether every posted line is rated. */
    record State(Optional<Instant> closedThrough, long posted, boolean rated) {}

    /** A seller, the day to be reported next, and up to which run lines are in earlier reports. */
    record Seller(String id, Duration closeDelay, long throughRun, LocalDate next) {}

    Future<State> state(SqlClient client) {
        return client.preparedQuery(STATE).execute().map(rows -> {
            Row row = rows.iterator().next();
            long posted = row.getLong("posted");
            return new State(Columns.optionalInstant(row, "closed_through"), posted, row.getLong("rated") == posted);
        });
    }

    /** Those with usage; the list may be changed. */
    Future<List<Seller>> sellers(SqlClient client, Report.Kind kind) {
        return sellers(client, kind, Optional.empty());
    }

    Future<Optional<Seller>> seller(SqlClient client, Report.Kind kind, String id) {
        return sellers(client, kind, Optional.of(id))
                .map(found -> found.stream().findFirst());
    }

    private static Future<List<Seller>> sellers(SqlClient client, Report.Kind kind, Optional<String> only) {
        return client.preparedQuery(SELLERS)
                .execute(Tuple.of(kind.wire(), only.orElse(null)))
                .map(ReportStore::sellers);
    }

    private static List<Seller> sellers(RowSet<Row> rows) {
        List<Seller> sellers = new ArrayList<>();
        for (Row row : rows) {
            sellers.add(new Seller(
                    row.getString("seller_id"),
                    Duration.ofSeconds(row.getInteger("delay")),
                    row.getLong("through_run"),
                    row.getLocalDate("next")));
        }
        return sellers;
    }

    /** The sums of the lines that are in the report from start to end and in none before. */
    Future<List<UsageByInstanceType.Row>> rows(
            SqlConnection tx, Seller seller, Instant start, Instant end, State state) {
        return tx.preparedQuery(ROWS)
                .execute(Tuple.of(
                        seller.id(), Columns.time(start), Columns.time(end), seller.throughRun(), state.posted()))
                .map(rows -> {
                    List<UsageByInstanceType.Row> list = new ArrayList<>();
                    for (Row row : rows) {
                        list.add(new UsageByInstanceType.Row(
                                row.getString("account_id"),
                                row.getString("product_id"),
                                row.getString("title"),
                                row.getString("product_code"),
                                row.getString("instance_type"),
                                row.getString("dimension"),
                                row.getString("unit"),
                                row.get(Numeric.class, "quantity").bigDecimalValue(),
                                row.getLong("lines"),
                                charged(row)));
                    }
                    return list;
                });
    }

    private static Optional<UsageByInstanceType.Charged> charged(Row row) {
        return Optional.ofNullable(row.getString("offer_id"))
                .map(offer -> new UsageByInstanceType.Charged(
                        offer,
                        row.getBoolean("private"),
                        row.getString("currency"),
                        row.get(Numeric.class, "amount").bigDecimalValue()));
    }

    /** Does nothing where the day's report is there already: somebody was quicker. */
    Future<Void> insert(SqlConnection tx, Report report, long throughRun, byte[] content) {
        return tx.preparedQuery(INSERT)
                .execute(Tuple.of(
                        report.id(),
                        report.kind().wire(),
                        report.sellerId(),
                        report.day(),
                        throughRun,
                        report.lines(),
                        report.rows(),
                        Columns.time(report.madeAt()),
                        Buffer.buffer(content),
                        Buffer.buffer(report.sha256().bytes())))
                .mapEmpty();
    }

    Future<Optional<Report>> byDay(SqlClient client, Report.Kind kind, String seller, LocalDate day) {
        return client.preparedQuery(BY_DAY)
                .execute(Tuple.of(kind.wire(), seller, day))
                .map(rows -> reports(rows).stream().findFirst());
    }

    /** Those behind this day and id. */
    Future<List<Report>> page(
            SqlClient client, Optional<String> seller, LocalDate afterDay, String afterId, int limit) {
        return client.preparedQuery(PAGE)
                .execute(Tuple.of(seller.orElse(null), afterDay, afterId, limit))
                .map(ReportStore::reports);
    }

    Future<Optional<Reports.File>> file(SqlClient client, String id) {
        return client.preparedQuery(FILE).execute(Tuple.of(id)).map(rows -> {
            var it = rows.iterator();
            if (!it.hasNext()) {
                return Optional.<Reports.File>empty();
            }
            Row row = it.next();
            return Optional.of(
                    new Reports.File(report(row), row.getBuffer("content").getBytes()));
        });
    }

    private static List<Report> reports(RowSet<Row> rows) {
        List<Report> list = new ArrayList<>();
        for (Row row : rows) {
            list.add(report(row));
        }
        return list;
    }

    private static Report report(Row row) {
        return new Report(
                row.getString("id"),
                Report.Kind.ofWire(row.getString("kind")),
                row.getString("seller_id"),
                row.getLocalDate("day"),
                row.getLong("lines"),
                row.getInteger("rows"),
                Columns.instant(row, "made_at"),
                row.getInteger("size"),
                Hash.ofBytes(row.getBuffer("sha256").getBytes()));
    }
}
