package io.tallystick.aggregator.report;

import io.tallystick.aggregator.db.Columns;
import io.vertx.core.Future;
import io.vertx.sqlclient.Row;
import io.vertx.sqlclient.SqlClient;
import io.vertx.sqlclient.SqlConnection;
import io.vertx.sqlclient.Tuple;
import io.vertx.sqlclient.data.Numeric;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** SQL of what happened to a seller's agreements on a day; reads only. */
final class AgreementReportStore {
    static final String FIRST =
            """
            SELECT min(a.accepted_at) AS first FROM agreement AS a JOIN product AS p ON p.id = a.product_id
            WHERE p.seller_account_id = $1""";
    static final String ROWS =
            """
            SELECT e.at, e.event, a.id, a.account_id, p.id AS product_id, p.title, p.product_code, a.offer_id, o.private,
              a.rate, a.accepted_at, a.ended_at, m.term_start, m.term_end,
              (SELECT string_agg(i.count || ' ' || i.instance_type, '; ' ORDER BY i.instance_type)
               FROM agreement_item AS i WHERE i.amendment_id = m.id) AS items,
              o.currency, m.amount,
              (SELECT sum(n.amount) FROM amendment AS n WHERE n.agreement_id = m.agreement_id AND n.number <= m.number
                AND n.term_start = m.term_start) AS value
            FROM (
              SELECT id AS agreement_id, NULL AS amendment_id, accepted_at AS at, 'accepted' AS event, 0 AS number
              FROM agreement
              UNION ALL
              SELECT agreement_id, id, made_at,
                CASE WHEN kind = 'amendment' THEN 'amended' WHEN number > 1 THEN 'renewed' ELSE 'bought' END, number
              FROM amendment
              UNION ALL
              SELECT id, NULL, ended_at, 'ended', 2147483647 FROM agreement) AS e
            JOIN agreement AS a ON a.id = e.agreement_id
            JOIN product AS p ON p.id = a.product_id
            LEFT JOIN offer AS o ON o.id = a.offer_id
            LEFT JOIN amendment AS m ON m.id = e.amendment_id
            WHERE p.seller_account_id = $1 AND e.at >= $2 AND e.at < $3
            ORDER BY e.at, a.id, e.number""";

    /** When the seller's first agreement was accepted. */
    Future<Optional<Instant>> first(SqlClient client, String sellerId) {
        return client.preparedQuery(FIRST)
                .execute(Tuple.of(sellerId))
                .map(rows -> Columns.optionalInstant(rows.iterator().next(), "first"));
    }

    /** What happened from start to end, in order. */
    Future<List<AgreementsAndRenewals.Row>> rows(SqlConnection tx, String sellerId, Instant start, Instant end) {
        return tx.preparedQuery(ROWS)
                .execute(Tuple.of(sellerId, Columns.time(start), Columns.time(end)))
                .map(rows -> {
                    List<AgreementsAndRenewals.Row> list = new ArrayList<>();
                    rows.forEach(row -> list.add(row(row)));
                    return list;
                });
    }

    private static AgreementsAndRenewals.Row row(Row row) {
        return new AgreementsAndRenewals.Row(
                Columns.instant(row, "at"),
                row.getString("event"),
                row.getString("id"),
                row.getString("account_id"),
                row.getString("product_id"),
                row.getString("title"),
                row.getString("product_code"),
                Optional.ofNullable(row.getString("offer_id"))
                        .map(offer -> new AgreementsAndRenewals.Accepted(
                                offer, row.getBoolean("private"), row.getInteger("rate"), row.getString("currency"))),
                Columns.instant(row, "accepted_at"),
                Columns.optionalInstant(row, "ended_at")
                        .filter(e -> row.getString("event").equals("ended")),
                Columns.optionalInstant(row, "term_start")
                        .map(from -> new AgreementsAndRenewals.Bought(
                                from,
                                Columns.instant(row, "term_end"),
                                row.getString("items"),
                                row.get(Numeric.class, "amount").bigDecimalValue(),
                                row.get(Numeric.class, "value").bigDecimalValue())));
    }
}
