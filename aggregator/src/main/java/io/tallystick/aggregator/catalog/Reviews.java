package io.tallystick.aggregator.catalog;

import io.tallystick.aggregator.audit.Audit;
import io.tallystick.aggregator.audit.AuditEvent;
import io.tallystick.aggregator.db.Columns;
import io.tallystick.aggregator.db.Ids;
import io.tallystick.aggregator.db.Transactor;
import io.tallystick.aggregator.web.Caller;
import io.tallystick.aggregator.web.Page;
import io.tallystick.aggregator.web.PageRequest;
import io.tallystick.common.error.ErrorCode;
import io.tallystick.common.error.Failure;
import io.vertx.core.Future;
import io.vertx.sqlclient.SqlClient;
import io.vertx.sqlclient.SqlConnection;
import java.time.Clock;
import java.util.Optional;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** The queue in which sellers ask for another visibility and operators decide. One open request per product. */
public final class Reviews {
    private final ReviewStore store = new ReviewStore();
    private final Catalog catalog;
    private final Transactor transactor;
    private final Audit audit;
    private final Ids ids;
    private final Clock clock;

    public Reviews(Catalog catalog, Transactor transactor, Audit audit, Ids ids, Clock clock) {
        this.catalog = catalog;
        this.transactor = transactor;
        this.audit = audit;
        this.ids = ids;
        this.clock = clock;
    }

    /**
     * Asks for a visibility that the product may take next. Asking again for the same while it is open answers the open
     * request; asking for another is refused.
     */
    public Future<Review> request(Caller caller, String productId, Visibility wanted, Optional<String> note) {
        return transactor.inTx(tx -> catalog.lockManaged(tx, caller, productId)
                .compose(product -> store.readOpen(tx, productId).compose(open -> {
                    if (open.isPresent()) {
                        return open.get().visibility() == wanted
                                ? Future.succeededFuture(open.get())
                                : Future.failedFuture(Failure.of(
                                        ErrorCode.CONFLICT,
                                        "a request for " + open.get().visibility()
                                                + " waits for review; one request per product at a time"));
                    }
                    Catalog.requireMove(product, wanted);
                    Review made = new Review(
                            ids.next("rev"),
                            productId,
                            wanted,
                            note,
                            Review.Status.OPEN,
                            caller.actor(),
                            Columns.micros(clock.instant()),
                            Optional.empty(),
                            Optional.empty(),
                            Optional.empty());
                    return store.insert(tx, made)
                            .compose(done -> record(tx, caller, "review.request", null, made))
                            .map(made);
                })));
    }

    /** Moves the product as asked. Approving what is approved already changes nothing. */
    public Future<Review> approve(Caller operator, String id, Optional<String> reason) {
        return decide(
                operator,
                id,
                Review.Status.APPROVED,
                reason,
                tx -> review -> catalog.lock(tx, review.productId())
                        .compose(product -> catalog.move(tx, operator.actor(), product, review.visibility()))
                        .mapEmpty());
    }

    /** Leaves the product as it is; the seller reads the reason and may ask again. */
    public Future<Review> reject(Caller operator, String id, String reason) {
        return decide(
                operator, id, Review.Status.REJECTED, Optional.of(reason), tx -> review -> Future.succeededFuture());
    }

    private Future<Review> decide(
            Caller operator,
            String id,
            Review.Status decision,
            Optional<String> reason,
            Function<SqlConnection, Function<Review, Future<Void>>> effect) {
        return transactor.inTx(tx -> store.readForUpdate(tx, id).compose(found -> {
            Review before = found.orElseThrow(() -> Failure.of(ErrorCode.NOT_FOUND, "there is no such review"));
            if (before.status() == decision) {
                return Future.succeededFuture(before);
            }
            if (before.status() != Review.Status.OPEN) {
                throw Failure.of(
                        ErrorCode.CONFLICT, "the request is " + before.status().wire() + " already");
            }
            Review after = before.decided(decision, operator.actor(), Columns.micros(clock.instant()), reason);
            return effect.apply(tx)
                    .apply(before)
                    .compose(done -> store.decide(tx, after))
                    .compose(done -> record(tx, operator, "review." + decision.wire(), before, after))
                    .map(after);
        }));
    }

    private Future<Void> record(SqlConnection tx, Caller caller, String action, @Nullable Review before, Review after) {
        return audit.append(
                tx,
                new AuditEvent.Change(
                        caller.actor(), action, after.id(), before == null ? null : before.json(), after.json()));
    }

    /** All requests, or those for a seller's own products, oldest first. */
    public Future<Page<Review>> list(SqlClient db, Caller caller, Optional<Review.Status> status, PageRequest page) {
        return store.readPage(db, page, status, caller.account()).map(rows -> Page.of(rows, page, Review::id));
    }
}
