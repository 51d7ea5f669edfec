package io.tallystick.aggregator.catalog;

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
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Optional;

/** SQL of reviews. */
final class ReviewStore {
    private static final String COLUMNS =
            """
            SELECT r.id, r.product_id, r.visibility, r.note, r.status, r.requested_by, r.requested_at, r.decided_by,
                   r.decided_at, r.reason
              FROM review r
            """;
    static final String INSERT =
            """
            INSERT INTO review (id, product_id, visibility, note, status, requested_by, requested_at)
            VALUES ($1, $2, $3, $4, $5, $6, $7)
            """;
    static final String DECIDE =
            "UPDATE review SET status = $2, decided_by = $3, decided_at = $4, reason = $5 WHERE id = $1";
    static final String READ = COLUMNS + "WHERE r.id = $1";
    static final String READ_FOR_UPDATE = READ + " FOR UPDATE";
    static final String READ_OPEN = COLUMNS + "WHERE r.product_id = $1 AND r.status IN ('open', 'action-required')";
    static final String READ_WAITING =
            COLUMNS + "WHERE r.product_id = ANY($1) AND r.status = 'open' ORDER BY r.id LIMIT 1";
    static final String REOPEN =
            """
            UPDATE review SET status = 'open', note = $2, requested_by = $3, requested_at = $4, decided_by = NULL,
                decided_at = NULL, reason = NULL
             WHERE id = $1
            """;
    static final String READ_AHEAD = "SELECT count(*) AS ahead FROM review WHERE status = 'open' AND id < $1";
    /** What the last decisions took, in seconds: half of them less. */
    static final String READ_EXPECTED =
            """
            SELECT percentile_disc(0.5) WITHIN GROUP (ORDER BY r.seconds) AS seconds FROM (
                SELECT extract(epoch FROM decided_at - requested_at)::bigint AS seconds FROM review
                 WHERE status IN ('approved', 'rejected') ORDER BY decided_at DESC LIMIT 50) AS r
            """;

    static final String READ_PAGE = COLUMNS
            + """
              JOIN product p ON p.id = r.product_id
              WHERE ($1::text IS NULL OR r.id > $1) AND ($2::text IS NULL OR r.status = $2)
                AND ($3::text IS NULL OR p.seller_account_id = $3)
              ORDER BY r.id LIMIT $4
              """;

    Future<Void> insert(SqlClient db, Review review) {
        return db.preparedQuery(INSERT)
                .execute(Tuple.of(
                        review.id(),
                        review.productId(),
                        review.visibility().name(),
                        review.note().orElse(null),
                        review.status().wire(),
                        review.requestedBy(),
                        Columns.time(review.requestedAt())))
                .<Void>mapEmpty()
                .recover(PgErrors.onConstraint(
                        "review_open_unique",
                        () -> Failure.of(ErrorCode.ALREADY_EXISTS, "a request for this product is already open")));
    }

    Future<Void> decide(SqlClient db, Review review) {
        return db.preparedQuery(DECIDE)
                .execute(Tuple.of(
                        review.id(),
                        review.status().wire(),
                        review.decidedBy().orElse(null),
                        Columns.timeOrNull(review.decidedAt()),
                        review.reason().orElse(null)))
                .mapEmpty();
    }

    Future<Optional<Review>> readForUpdate(SqlClient db, String id) {
        return db.preparedQuery(READ_FOR_UPDATE).execute(Tuple.of(id)).map(ReviewStore::first);
    }

    /** The first of these products that an operator is to look at. */
    Future<Optional<Review>> readWaiting(SqlClient db, Collection<String> productIds) {
        return db.preparedQuery(READ_WAITING)
                .execute(Tuple.tuple().addArrayOfString(productIds.toArray(String[]::new)))
                .map(ReviewStore::first);
    }

    Future<Void> reopen(SqlClient db, Review review) {
        return db.preparedQuery(REOPEN)
                .execute(Tuple.of(
                        review.id(),
                        review.note().orElse(null),
                        review.requestedBy(),
                        Columns.time(review.requestedAt())))
                .mapEmpty();
    }

    Future<Integer> ahead(SqlClient db, String id) {
        return db.preparedQuery(READ_AHEAD)
                .execute(Tuple.of(id))
                .map(rows -> rows.iterator().next().getLong("ahead").intValue());
    }

    Future<Optional<Duration>> expected(SqlClient db) {
        return db.preparedQuery(READ_EXPECTED).execute().map(rows -> Optional.ofNullable(
                        rows.iterator().next().getLong("seconds"))
                .map(Duration::ofSeconds));
    }

    Future<Optional<Review>> readOpen(SqlClient db, String productId) {
        return db.preparedQuery(READ_OPEN).execute(Tuple.of(productId)).map(ReviewStore::first);
    }

    Future<List<Review>> readPage(
            SqlClient db, PageRequest page, Optional<Review.Status> status, Optional<String> sellerAccountId) {
        return db.preparedQuery(READ_PAGE)
                .execute(Tuple.of(
                        page.after(),
                        status.map(Review.Status::wire).orElse(null),
                        sellerAccountId.orElse(null),
                        page.limit() + 1))
                .map(ReviewStore::reviews);
    }

    private static Optional<Review> first(RowSet<Row> rows) {
        return reviews(rows).stream().findFirst();
    }

    private static List<Review> reviews(RowSet<Row> rows) {
        List<Review> reviews = new ArrayList<>();
        rows.forEach(row -> reviews.add(new Review(
                row.getString("id"),
                row.getString("product_id"),
                Visibility.ofWire(row.getString("visibility")),
                Optional.ofNullable(row.getString("note")),
                Review.Status.ofWire(row.getString("status")),
                row.getString("requested_by"),
                Columns.instant(row, "requested_at"),
                Optional.ofNullable(row.getString("decided_by")),
                Columns.optionalInstant(row, "decided_at"),
                Optional.ofNullable(row.getString("reason")))));
        return reviews;
    }
}
