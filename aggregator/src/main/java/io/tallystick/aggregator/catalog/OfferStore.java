package io.tallystick.aggregator.catalog;

import io.tallystick.aggregator.db.Columns;
import io.tallystick.aggregator.db.PgErrors;
import io.tallystick.aggregator.web.PageRequest;
import io.tallystick.aggregator.web.Requests;
import io.vertx.core.Future;
import io.vertx.sqlclient.Row;
import io.vertx.sqlclient.RowSet;
import io.vertx.sqlclient.SqlClient;
import io.vertx.sqlclient.Tuple;
import io.vertx.sqlclient.data.Numeric;
import java.math.BigDecimal;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** SQL of offers, their rates and prices. An offer is read with the rates asked for. */
final class OfferStore {
    static final String INSERT =
            """
            INSERT INTO offer (id, product_id, kind, title, currency, private, opens_at, closes_at, created_at)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)""";
    static final String CLOSE = "UPDATE offer SET closes_at = $2 WHERE id = $1";
    static final String INSERT_ACCOUNTS =
            "INSERT INTO offer_account (offer_id, account_id) SELECT $1, t.id FROM unnest($2::text[]) AS t(id)";
    static final String INSERT_RATE =
            "INSERT INTO offer_rate (offer_id, rate, partial_hours, created_at) VALUES ($1, $2, $3, $4)";
    static final String INSERT_PRICES =
            """
            INSERT INTO price_term (offer_id, rate, dimension_id, instance_type, unit_price, yearly)
            SELECT $1, $2, d.id, t.instance_type, t.unit_price, t.yearly
            FROM unnest($4::text[], $5::text[], $6::numeric[], $7::boolean[])
              AS t(dimension, instance_type, unit_price, yearly)
            JOIN dimension AS d ON d.product_id = $3 AND d.key = t.dimension""";

    private static final String CURRENT = "r.rate = (SELECT max(n.rate) FROM offer_rate AS n WHERE n.offer_id = o.id)";
    static final String READ = select("o.id = $1");
    static final String READ_CURRENT = select("o.id = $1 AND " + CURRENT);
    static final String READ_AT_RATE = select("o.id = $1 AND r.rate = $2");
    static final String READ_OF_PRODUCT = select("o.product_id = $1 AND " + CURRENT);
    static final String READ_PAGE = select(
            CURRENT
                    + """

                       AND o.id IN (
                         SELECT q.id FROM offer AS q
                         WHERE q.product_id = $1 AND ($2::text IS NULL OR q.id > $2)
                           AND ($3::text IS NULL OR q.opens_at <= $4 AND (q.closes_at > $4) IS NOT FALSE
                             AND (NOT q.private OR EXISTS (SELECT FROM offer_account AS a
                                                           WHERE a.offer_id = q.id AND a.account_id = $3)))
                         ORDER BY q.id LIMIT $5)""");

    private static String select(String where) {
        return """
               SELECT o.id, o.product_id, o.kind, o.title, o.currency, o.private, o.opens_at, o.closes_at, o.created_at,
                 ARRAY(SELECT a.account_id FROM offer_account AS a WHERE a.offer_id = o.id ORDER BY 1) AS accounts,
                 r.rate, r.partial_hours, r.created_at AS rate_created_at, d.key, t.instance_type, t.unit_price, t.yearly
               FROM offer AS o JOIN offer_rate AS r ON r.offer_id = o.id
               LEFT JOIN price_term AS t ON t.offer_id = r.offer_id AND t.rate = r.rate
               LEFT JOIN dimension AS d ON d.id = t.dimension_id
               WHERE """
                + " " + where + " ORDER BY o.id, r.rate, d.id, t.instance_type, t.yearly";
    }

    /** With its first rate. */
    Future<Void> insert(SqlClient db, Offer offer) {
        Tuple values = Tuple.from(new @Nullable Object[] {
            offer.id(),
            offer.productId(),
            offer.kind().wire(),
            offer.title(),
            offer.currency(),
            offer.isPrivate(),
            Columns.time(offer.opensAt()),
            Columns.timeOrNull(offer.closesAt()),
            Columns.time(offer.createdAt())
        });
        return db.preparedQuery(INSERT)
                .execute(values)
                .compose(done -> db.preparedQuery(INSERT_ACCOUNTS)
                        .execute(Tuple.of(offer.id())
                                .addArrayOfString(offer.accounts().toArray(String[]::new))))
                .<Void>mapEmpty()
                .recover(PgErrors.onConstraint(
                        "offer_account_account_fk",
                        () -> Requests.invalid("accounts", "names an account that does not exist")))
                .compose(done -> insertRate(db, offer, offer.rate()));
    }

    Future<Void> insertRate(SqlClient db, Offer offer, Rate rate) {
        List<Rate.Price> prices = new ArrayList<>(rate.prices());
        prices.addAll(rate.yearly());
        Boolean[] yearly = new Boolean[prices.size()];
        Arrays.setAll(yearly, i -> i >= rate.prices().size());
        return db.preparedQuery(INSERT_RATE)
                .execute(
                        Tuple.of(offer.id(), rate.number(), rate.partialHours().wire(), Columns.time(rate.createdAt())))
                .compose(done -> db.preparedQuery(INSERT_PRICES)
                        .execute(Tuple.of(
                                offer.id(),
                                rate.number(),
                                offer.productId(),
                                prices.stream().map(Rate.Price::dimension).toArray(String[]::new),
                                prices.stream()
                                        .map(p -> p.instanceType().orElse(""))
                                        .toArray(String[]::new),
                                prices.stream()
                                        .map(p -> Numeric.create(p.unitPrice()))
                                        .toArray(Numeric[]::new),
                                yearly)))
                .mapEmpty();
    }

    Future<Void> close(SqlClient db, String id, Instant at) {
        return db.preparedQuery(CLOSE).execute(Tuple.of(id, Columns.time(at))).mapEmpty();
    }

    /** With all its rates. */
    Future<Optional<Offer>> read(SqlClient db, String id) {
        return db.preparedQuery(READ).execute(Tuple.of(id)).map(OfferStore::first);
    }

    Future<Optional<Offer>> readCurrent(SqlClient db, String id) {
        return db.preparedQuery(READ_CURRENT).execute(Tuple.of(id)).map(OfferStore::first);
    }

    Future<Optional<Offer>> readAtRate(SqlClient db, String id, int rate) {
        return db.preparedQuery(READ_AT_RATE).execute(Tuple.of(id, rate)).map(OfferStore::first);
    }

    Future<List<Offer>> readOfProduct(SqlClient db, String productId) {
        return db.preparedQuery(READ_OF_PRODUCT).execute(Tuple.of(productId)).map(OfferStore::offers);
    }

    /** All of a product, or those open now for one account. */
    Future<List<Offer>> readPage(
            SqlClient db, PageRequest page, String productId, Optional<String> accountId, Instant now) {
        return db.preparedQuery(READ_PAGE)
                .execute(Tuple.of(productId, page.after(), accountId.orElse(null), Columns.time(now), page.limit() + 1))
                .map(OfferStore::offers);
    }

    private static Optional<Offer> first(RowSet<Row> rows) {
        return offers(rows).stream().findFirst();
    }

    /** Rows come one per price, and one with nulls for a rate without any. */
    private static List<Offer> offers(RowSet<Row> rows) {
        Map<String, Map<Integer, List<Rate.Price>>> prices = new LinkedHashMap<>();
        Map<String, Map<Integer, List<Rate.Price>>> yearly = new LinkedHashMap<>();
        Map<String, Row> firsts = new LinkedHashMap<>();
        Map<String, Map<Integer, Row>> rates = new LinkedHashMap<>();
        for (Row row : rows) {
            String id = row.getString("id");
            int rate = row.getInteger("rate");
            firsts.putIfAbsent(id, row);
            rates.computeIfAbsent(id, k -> new LinkedHashMap<>()).putIfAbsent(rate, row);
            if (row.getString("key") != null) {
                (row.getBoolean("yearly") ? yearly : prices)
                        .computeIfAbsent(id, k -> new LinkedHashMap<>())
                        .computeIfAbsent(rate, k -> new ArrayList<>())
                        .add(price(row));
            }
        }
        List<Offer> offers = new ArrayList<>();
        firsts.forEach((id, row) -> {
            List<Rate> all = new ArrayList<>();
            rates.getOrDefault(id, Map.of())
                    .forEach((n, r) -> all.add(new Rate(
                            n,
                            Rate.PartialHours.ofWire(r.getString("partial_hours")),
                            prices.getOrDefault(id, Map.of()).getOrDefault(n, List.of()),
                            yearly.getOrDefault(id, Map.of()).getOrDefault(n, List.of()),
                            Columns.instant(r, "rate_created_at"))));
            offers.add(offer(row, all));
        });
        return offers;
    }

    private static Offer offer(Row row, List<Rate> rates) {
        return new Offer(
                row.getString("id"),
                row.getString("product_id"),
                Offer.Kind.ofWire(row.getString("kind")),
                row.getString("title"),
                row.getString("currency"),
                row.getBoolean("private"),
                List.of(row.getArrayOfStrings("accounts")),
                Columns.instant(row, "opens_at"),
                Columns.optionalInstant(row, "closes_at"),
                Columns.instant(row, "created_at"),
                rates);
    }

    private static Rate.Price price(Row row) {
        String type = row.getString("instance_type");
        BigDecimal unitPrice = row.get(Numeric.class, "unit_price").bigDecimalValue();
        return new Rate.Price(row.getString("key"), type.isEmpty() ? Optional.empty() : Optional.of(type), unitPrice);
    }
}
