package io.tallystick.aggregator.agreement;

import io.tallystick.aggregator.db.Columns;
import io.tallystick.aggregator.db.PgErrors;
import io.tallystick.aggregator.web.PageRequest;
import io.tallystick.common.error.ErrorCode;
import io.tallystick.common.error.Failure;
import io.vertx.core.Future;
import io.vertx.sqlclient.Row;
import io.vertx.sqlclient.RowSet;
import io.vertx.sqlclient.SqlClient;
import io.vertx.sqlclient.Tuple;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Optional;

/** SQL of agreements. */
final class AgreementStore {
    private static final String COLUMNS =
            "SELECT a.id, a.product_id, a.account_id, a.offer_id, a.rate, a.accepted_at, a.ended_at FROM agreement a ";
    static final String INSERT =
            """
            INSERT INTO agreement (id, product_id, account_id, offer_id, rate, accepted_at)
            VALUES ($1, $2, $3, $4, $5, $6)""";
    static final String END = "UPDATE agreement SET ended_at = $2 WHERE id = $1";
    static final String READ = COLUMNS + "WHERE a.id = $1";
    static final String READ_FOR_UPDATE = READ + " FOR UPDATE";
    static final String READ_FOR_ACCOUNT =
            COLUMNS + "WHERE a.account_id = $1 AND a.product_id = ANY($2) ORDER BY a.accepted_at, a.id";
    static final String READ_PAGE = COLUMNS
            + """
              JOIN product p ON p.id = a.product_id
              WHERE ($1::text IS NULL OR a.id > $1)
                AND ($2::text IS NULL OR a.product_id = $2)
                AND ($3::text IS NULL OR a.account_id = $3)
                AND ($4::text IS NULL OR p.seller_account_id = $4)
              ORDER BY a.id LIMIT $5
              """;

    /** What a page is cut down to; empty means all. */
    record Filter(Optional<String> productId, Optional<String> accountId, Optional<String> sellerAccountId) {}

    Future<Void> insert(SqlClient db, Agreement agreement) {
        return db.preparedQuery(INSERT)
                .execute(Tuple.of(
                        agreement.id(),
                        agreement.productId(),
                        agreement.accountId(),
                        agreement.accepted().map(Agreement.Accepted::offerId).orElse(null),
                        agreement.accepted().map(Agreement.Accepted::rate).orElse(null),
                        Columns.time(agreement.acceptedAt())))
                .<Void>mapEmpty()
                .recover(PgErrors.onConstraint(
                        "agreement_open_unique",
                        () -> Failure.of(
                                ErrorCode.ALREADY_EXISTS, "the account already has an agreement on this product")));
    }

    Future<Void> end(SqlClient db, Agreement ended) {
        return db.preparedQuery(END)
                .execute(Tuple.of(ended.id(), Columns.timeOrNull(ended.endedAt())))
                .mapEmpty();
    }

    Future<Optional<Agreement>> read(SqlClient db, String id) {
        return db.preparedQuery(READ).execute(Tuple.of(id)).map(rows -> agreements(rows).stream()
                .findFirst());
    }

    Future<Optional<Agreement>> readForUpdate(SqlClient db, String id) {
        return db.preparedQuery(READ_FOR_UPDATE).execute(Tuple.of(id)).map(rows -> agreements(rows).stream()
                .findFirst());
    }

    Future<List<Agreement>> readForAccount(SqlClient db, String accountId, Collection<String> productIds) {
        return db.preparedQuery(READ_FOR_ACCOUNT)
                .execute(Tuple.of(accountId).addArrayOfString(productIds.toArray(String[]::new)))
                .map(AgreementStore::agreements);
    }

    Future<List<Agreement>> readPage(SqlClient db, PageRequest page, Filter filter) {
        return db.preparedQuery(READ_PAGE)
                .execute(Tuple.of(
                        page.after(),
                        filter.productId().orElse(null),
                        filter.accountId().orElse(null),
                        filter.sellerAccountId().orElse(null),
                        page.limit() + 1))
                .map(AgreementStore::agreements);
    }

    private static List<Agreement> agreements(RowSet<Row> rows) {
        List<Agreement> agreements = new ArrayList<>();
        rows.forEach(row -> agreements.add(new Agreement(
                row.getString("id"),
                row.getString("product_id"),
                row.getString("account_id"),
                Optional.ofNullable(row.getString("offer_id"))
                        .map(offer -> new Agreement.Accepted(offer, row.getInteger("rate"))),
                Columns.instant(row, "accepted_at"),
                Columns.optionalInstant(row, "ended_at"))));
        return agreements;
    }
}
