package io.tallystick.aggregator.catalog;

import io.tallystick.aggregator.account.Accounts;
import io.tallystick.aggregator.audit.Audit;
import io.tallystick.aggregator.audit.AuditEvent;
import io.tallystick.aggregator.db.Columns;
import io.tallystick.aggregator.db.Ids;
import io.tallystick.aggregator.db.Transactor;
import io.tallystick.aggregator.notice.Outbox;
import io.tallystick.aggregator.web.Caller;
import io.tallystick.aggregator.web.Page;
import io.tallystick.aggregator.web.PageRequest;
import io.tallystick.common.error.ErrorCode;
import io.tallystick.common.error.Failure;
import io.tallystick.common.json.Json;
import io.vertx.core.Future;
import io.vertx.sqlclient.SqlClient;
import io.vertx.sqlclient.SqlConnection;
import java.time.Clock;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** The queue in which sellers ask for another visibility and operators decide. One open request per product. */
public final class Reviews {
    private final ReviewStore store = new ReviewStore();
    private final Holds holds = new Holds();
    private final Catalog catalog;
    private final Accounts accounts;
    private final Outbox outbox;
    private final Transactor transactor;
    private final Audit audit;
    private final Ids ids;
    private final Clock clock;

    public Reviews(
            Catalog catalog,
            Accounts accounts,
            Outbox outbox,
            Transactor transactor,
            Audit audit,
            Ids ids,
            Clock clock) {
        this.catalog = catalog;
        this.accounts = accounts;
        this.outbox = outbox;
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
                    if (open.filter(r -> r.status() == Review.Status.ACTION_REQUIRED && r.visibility() == wanted)
                            .isPresent()) {
                        Review before = open.get();
                        Review again = before.again(note, caller.actor(), Columns.micros(clock.instant()));
                        return holds.refuse(tx, caller, product)
                                .compose(free -> store.reopen(tx, again))
                                .compose(done -> record(tx, caller, "review.request", before, again))
                                .map(again);
                    }
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
                    return holds.refuse(tx, caller, product)
                            .compose(free -> store.insert(tx, made))
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

    /** Sends it back: the seller reads what has to be changed, changes it and asks again. */
    public Future<Review> sendBack(Caller operator, String id, String reason) {
        return decide(
                operator,
                id,
                Review.Status.ACTION_REQUIRED,
                Optional.of(reason),
                tx -> review -> Future.succeededFuture());
    }

    /** Takes a request back that nobody has decided; one that is cancelled already stays so. */
    public Future<Review> cancel(Caller caller, String id) {
        return transactor.inTx(tx -> store.readForUpdate(tx, id)
                .map(found -> found.orElseThrow(Reviews::notFound))
                .compose(before -> catalog.managed(tx, caller, before.productId())
                        .recover(e -> Future.failedFuture(notFound()))
                        .compose(product -> {
                            if (before.status() == Review.Status.CANCELLED) {
                                return Future.succeededFuture(before);
                            }
                            refuseEnded(before);
                            Review after = before.decided(
                                    Review.Status.CANCELLED,
                                    caller.actor(),
                                    Columns.micros(clock.instant()),
                                    Optional.empty());
                            return store.decide(tx, after)
                                    .compose(done -> record(tx, caller, "review.cancelled", before, after))
                                    .map(after);
                        })));
    }

    private static void refuseEnded(Review review) {
        if (review.status().isEnded()) {
            throw Failure.of(
                    ErrorCode.CONFLICT, "the request is " + review.status().wire() + " already");
        }
    }

    private static Failure notFound() {
        return Failure.of(ErrorCode.NOT_FOUND, "there is no such review");
    }

    /** A product's request that waits for an operator, or came back from one. For those who manage the product. */
    public Future<Optional<Review>> ofProduct(SqlClient db, String productId) {
        return store.readOpen(db, productId);
    }

    /** The request with its place in the queue, and how long decisions took lately; nothing of it once it is decided. */
    public Future<Map<String, Object>> withQueue(SqlClient db, Review review) {
        Map<String, Object> json = review.json();
        return review.status() != Review.Status.OPEN
                ? Future.succeededFuture(json)
                : store.ahead(db, review.id())
                        .compose(ahead -> store.expected(db).map(expected -> {
                            json.put("queue", Json.object("position", ahead + 1, "expected", expected.orElse(null)));
                            return json;
                        }));
    }

    private Future<Review> decide(
            Caller operator,
            String id,
            Review.Status decision,
            Optional<String> reason,
            Function<SqlConnection, Function<Review, Future<Void>>> effect) {
        return transactor.inTx(tx -> store.readForUpdate(tx, id).compose(found -> {
            Review before = found.orElseThrow(Reviews::notFound);
            if (before.status() == decision) {
                return Future.succeededFuture(before);
            }
            refuseEnded(before);
            Review after = before.decided(decision, operator.actor(), Columns.micros(clock.instant()), reason);
            return effect.apply(tx)
                    .apply(before)
                    .compose(done -> store.decide(tx, after))
                    .compose(done -> tellSeller(tx, after))
                    .compose(done -> record(tx, operator, "review." + decision.wire(), before, after))
                    .map(after);
        }));
    }

    /** A mail to each of the seller's contacts, in the transaction that decides. */
    private Future<Void> tellSeller(SqlConnection tx, Review decided) {
        return catalog.byIds(tx, List.of(decided.productId()))
                .map(products -> products.get(0))
                .compose(product -> accounts.contacts(tx, List.of(product.sellerAccountId()))
                        .compose(contacts -> outbox.write(
                                tx,
                                contacts.stream()
                                        .map(contact -> ReviewMails.decided(contact, product, decided))
                                        .toList())));
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
