package io.tallystick.aggregator.agreement;

import io.tallystick.aggregator.db.Columns;
import io.vertx.core.Future;
import io.vertx.core.buffer.Buffer;
import io.vertx.sqlclient.Row;
import io.vertx.sqlclient.RowSet;
import io.vertx.sqlclient.SqlClient;
import io.vertx.sqlclient.Tuple;
import io.vertx.sqlclient.data.Numeric;
import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** SQL of what agreements buy by the year. An amendment is read with the items before it, so that it can show what it changed. */
final class AmendmentStore {
    private static final String READ =
            """
            SELECT m.id, m.agreement_id, m.number, m.kind, m.term_start, m.term_end, m.effective_at, m.offer_id, m.rate,
              m.currency, m.yearly_change, m.amount, m.client_token, m.request_sha256, m.made_by, m.made_at,
              i.instance_type, i.count, i.yearly_price, (i.amendment_id <> m.id) AS earlier
            FROM amendment AS m
            LEFT JOIN amendment AS b ON b.agreement_id = m.agreement_id AND b.number = m.number - 1 AND m.kind = 'amendment'
            JOIN agreement_item AS i ON i.amendment_id IN (m.id, b.id)
            """;
    private static final String ORDER = " ORDER BY m.number, i.instance_type";
    static final String READ_LAST = READ
            + "WHERE m.agreement_id = $1 AND m.number = (SELECT max(l.number) FROM amendment AS l WHERE l.agreement_id"
            + " = $1)"
            + ORDER;
    static final String READ_TOKEN = READ + "WHERE m.agreement_id = $1 AND m.client_token = $2" + ORDER;
    static final String READ_PAGE = READ
            + """
              WHERE m.agreement_id = $1 AND m.number IN (
                SELECT p.number FROM amendment AS p WHERE p.agreement_id = $1 AND p.number > $2 ORDER BY p.number LIMIT $3)
              """
            + ORDER;
    static final String INSERT =
            """
            INSERT INTO amendment (id, agreement_id, number, kind, term_start, term_end, effective_at, offer_id, rate,
              currency, exponent, yearly_change, amount, client_token, request_sha256, made_by, made_at)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)""";
    static final String INSERT_ITEMS =
            """
            INSERT INTO agreement_item (amendment_id, instance_type, count, yearly_price)
            SELECT $1, t.instance_type, t.count, t.yearly_price
            FROM unnest($2::text[], $3::integer[], $4::numeric[]) AS t(instance_type, count, yearly_price)""";

    /** One that came under a client token, with the hash of what was asked for. */
    record Known(Amendment amendment, byte[] sha256) {}

    /** The newest, of whichever term. */
    Future<Optional<Amendment>> readLast(SqlClient db, String agreementId) {
        return db.preparedQuery(READ_LAST).execute(Tuple.of(agreementId)).map(rows -> amendments(rows).stream()
                .findFirst());
    }

    Future<Optional<Known>> readToken(SqlClient db, String agreementId, String clientToken) {
        return db.preparedQuery(READ_TOKEN)
                .execute(Tuple.of(agreementId, clientToken))
                .map(rows -> amendments(rows).stream()
                        .findFirst()
                        .map(a -> new Known(
                                a,
                                rows.iterator()
                                        .next()
                                        .getBuffer("request_sha256")
                                        .getBytes())));
    }

    /** Those behind this number, in order. */
    Future<List<Amendment>> readPage(SqlClient db, String agreementId, int after, int limit) {
        return db.preparedQuery(READ_PAGE)
                .execute(Tuple.of(agreementId, after, limit))
                .map(AmendmentStore::amendments);
    }

    Future<Void> insert(SqlClient db, Amendment amendment, Optional<String> clientToken, byte[] sha256) {
        Tuple values = Tuple.from(new @Nullable Object[] {
            amendment.id(),
            amendment.agreementId(),
            amendment.number(),
            amendment.kind(),
            Columns.time(amendment.term().start()),
            Columns.time(amendment.term().end()),
            Columns.time(amendment.effectiveAt()),
            amendment.accepted().offerId(),
            amendment.accepted().rate(),
            amendment.currency(),
            (short) Amendment.places(amendment.currency()),
            Numeric.create(amendment.yearlyChange()),
            Numeric.create(amendment.amount()),
            clientToken.orElse(null),
            clientToken.isPresent() ? Buffer.buffer(sha256) : null,
            amendment.madeBy(),
            Columns.time(amendment.madeAt())
        });
        List<String> types = List.copyOf(amendment.items().keySet());
        return db.preparedQuery(INSERT)
                .execute(values)
                .compose(done -> db.preparedQuery(INSERT_ITEMS)
                        .execute(Tuple.of(
                                amendment.id(),
                                types.toArray(String[]::new),
                                amendment.items().values().stream()
                                        .map(Amendment.Item::count)
                                        .toArray(Integer[]::new),
                                amendment.items().values().stream()
                                        .map(i -> Numeric.create(i.yearlyPrice()))
                                        .toArray(Numeric[]::new))))
                .mapEmpty();
    }

    /** Rows come one per item, of the amendment and of the one before. */
    private static List<Amendment> amendments(RowSet<Row> rows) {
        List<Amendment> all = new ArrayList<>();
        List<Row> of = new ArrayList<>();
        for (Row row : rows) {
            if (!of.isEmpty() && !of.get(0).getString("id").equals(row.getString("id"))) {
                all.add(amendment(of));
                of.clear();
            }
            of.add(row);
        }
        if (!of.isEmpty()) {
            all.add(amendment(of));
        }
        return all;
    }

    private static Amendment amendment(List<Row> rows) {
        Map<String, Amendment.Item> items = new TreeMap<>();
        Map<String, Amendment.Item> before = new TreeMap<>();
        for (Row row : rows) {
            (row.getBoolean("earlier") ? before : items)
                    .put(
                            row.getString("instance_type"),
                            new Amendment.Item(row.getInteger("count"), decimal(row, "yearly_price")));
        }
        Row row = rows.get(0);
        return new Amendment(
                row.getString("id"),
                row.getString("agreement_id"),
                row.getInteger("number"),
                row.getString("kind").equals("purchase"),
                new YearlyTerm(Columns.instant(row, "term_start"), Columns.instant(row, "term_end")),
                Columns.instant(row, "effective_at"),
                new Agreement.Accepted(row.getString("offer_id"), row.getInteger("rate")),
                row.getString("currency"),
                items,
                before,
                decimal(row, "yearly_change"),
                decimal(row, "amount"),
                row.getString("made_by"),
                Columns.instant(row, "made_at"));
    }

    private static BigDecimal decimal(Row row, String column) {
        return row.get(Numeric.class, column).bigDecimalValue();
    }
}
