package io.tallystick.aggregator.catalog;

import io.tallystick.aggregator.audit.Audit;
import io.tallystick.aggregator.audit.AuditEvent;
import io.tallystick.aggregator.db.Columns;
import io.tallystick.aggregator.db.Ids;
import io.tallystick.aggregator.db.Transactor;
import io.tallystick.aggregator.web.Caller;
import io.tallystick.aggregator.web.Page;
import io.tallystick.aggregator.web.PageRequest;
import io.tallystick.aggregator.web.Requests;
import io.tallystick.aggregator.web.Role;
import io.tallystick.common.error.ErrorCode;
import io.tallystick.common.error.Failure;
import io.tallystick.common.json.Fields;
import io.vertx.core.Future;
import io.vertx.sqlclient.SqlClient;
import io.vertx.sqlclient.SqlConnection;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Makes and finds offers. An offer's prices are versioned: a new rate is for agreements accepted from then on, and what
 * was accepted before stays (marketplace rule: changes apply to new subscriptions only).
 */
public final class Offers {
    /** Rule R29. */
    static final Duration LOCKED_AFTER_RISE = Duration.ofDays(90);

    private final OfferStore store = new OfferStore();
    private final ProductStore products = new ProductStore();
    private final Holds holds = new Holds();
    private final Catalog catalog;
    private final Transactor transactor;
    private final Audit audit;
    private final Ids ids;
    private final Clock clock;

    public Offers(Catalog catalog, Transactor transactor, Audit audit, Ids ids, Clock clock) {
        this.catalog = catalog;
        this.transactor = transactor;
        this.audit = audit;
        this.ids = ids;
        this.clock = clock;
    }

    /**
     * What a new offer is to be.
     *
     * @param accounts whom it is only for; absent for a public one
     * @param opensAt now, when absent
     */
    public record NewOffer(
            Offer.Kind kind,
            String title,
            String currency,
            Optional<List<String>> accounts,
            Optional<Instant> opensAt,
            Optional<Instant> closesAt,
            Rate.New rate) {

        public static NewOffer read(Fields in) {
            boolean named = in.has("accounts");
            List<String> accounts = in.optionalStrings("accounts", Offer.ACCOUNTS_MAX, 64).stream()
                    .distinct()
                    .sorted()
                    .toList();
            if (named && accounts.isEmpty()) {
                in.problem("accounts", "must not be empty; leave it out for a public offer");
            }
            return new NewOffer(
                    in.optionalParsed("kind", Offer.Kind::ofWire).orElse(Offer.Kind.PAID),
                    in.string("title", Offer.TITLE_CHARS_MAX),
                    in.parsed("currency", Offer::checkCurrency, "EUR"),
                    named ? Optional.of(accounts) : Optional.empty(),
                    in.optionalInstant("opensAt"),
                    in.optionalInstant("closesAt"),
                    Rate.New.read(in));
        }

        /** What is wrong with its end, for one that is made now. */
        public Optional<String> wrongEnd(Instant now) {
            Instant opens = opens(now);
            return closesAt.map(Columns::micros)
                    .filter(c -> !c.isAfter(opens))
                    .map(c -> "must be after the opening, " + opens);
        }

        private Instant opens(Instant now) {
            return opensAt.map(Columns::micros).orElse(now);
        }
    }

    /**
     * Makes an offer with its first rate, for the product's seller or an operator.
     *
     * @param in the request it was read from: problems that only the product shows are added to its own, and all told
     */
    public Future<Map<String, Object>> create(Caller caller, String productId, NewOffer wanted, Fields in) {
        return changing(caller, productId, (tx, product) -> {
            Instant now = Columns.micros(clock.instant());
            wanted.wrongEnd(now).ifPresent(wrong -> in.problem("closesAt", wrong));
            wanted.rate().check(in, wanted.kind(), product::unpriced);
            in.done();
            Offer offer = made(ids.next("offer"), productId, wanted, now);
            return insert(tx, caller.actor(), offer);
        });
    }

    /**
     * Makes one under an id of its own, in this transaction, by somebody who was allowed to and whose wish was checked before:
     * the product has all it prices. One whose end has passed meanwhile is refused.
     */
    public Future<Void> make(SqlConnection tx, String actor, String id, String productId, NewOffer wanted) {
        Instant now = Columns.micros(clock.instant());
        wanted.wrongEnd(now).ifPresent(wrong -> {
            throw Requests.invalid("closesAt", wrong);
        });
        return insert(tx, actor, made(id, productId, wanted, now)).mapEmpty();
    }

    private static Offer made(String id, String productId, NewOffer wanted, Instant now) {
        return new Offer(
                id,
                productId,
                wanted.kind(),
                wanted.title(),
                wanted.currency(),
                wanted.accounts().isPresent(),
                wanted.accounts().orElse(List.of()),
                wanted.opens(now),
                wanted.closesAt().map(Columns::micros),
                now,
                List.of(new Rate(
                        1,
                        wanted.rate().partialHours(),
                        wanted.rate().prices(),
                        wanted.rate().yearly(),
                        now)));
    }

    private Future<Map<String, Object>> insert(SqlConnection tx, String actor, Offer offer) {
        return store.insert(tx, offer)
                .compose(done -> catalog.askForShares(tx, offer.productId()))
                .compose(done -> record(tx, actor, "offer.create", offer.id(), null, offer.managedJson()))
                .map(done -> offer.managedJson());
    }

    /** An offer of a product that the caller manages, at its newest rate; else {@code not-found}. */
    public Future<Offer> managed(SqlClient db, Caller caller, String offerId) {
        return store.readCurrent(db, offerId)
                .map(found -> found.orElseThrow(Offers::notFound))
                .compose(offer -> products.read(db, offer.productId())
                        .map(found ->
                                found.filter(p -> Catalog.manages(caller, p)).orElseThrow(Offers::notFound))
                        .map(offer));
    }

    /** Adds a rate in this transaction, by somebody who was allowed to and whose wish was checked before. */
    public Future<Void> addRate(SqlConnection tx, String actor, String offerId, Rate.New wanted) {
        return store.readCurrent(tx, offerId)
                .map(found -> found.orElseThrow(Offers::notFound))
                .compose(before -> addRate(tx, actor, before, wanted))
                .mapEmpty();
    }

    /** Adds a rate, for agreements accepted from now on; answers the offer. Problems as in {@link #create}. */
    public Future<Map<String, Object>> addRate(Caller caller, String offerId, Rate.New wanted, Fields in) {
        return transactor.inTx(tx -> store.readCurrent(tx, offerId)
                .map(found -> found.orElseThrow(Offers::notFound))
                // Agreements hold the product while they accept, so none sees half a rate.
                .compose(offer -> changing(tx, caller, offer.productId())
                        .compose(product -> store.readCurrent(tx, offerId)
                                .map(Optional::orElseThrow)
                                .compose(before -> refuseSoonAfterARise(tx, caller, offerId)
                                        .compose(free -> addRate(tx, caller, product, before, wanted, in))))));
    }

    /** Rule R29. Operators are not held to it: they mend what went wrong. An offer that is not there yet has not risen. */
    public Future<Void> refuseSoonAfterARise(SqlConnection tx, Caller caller, String offerId) {
        if (caller.isOperator()) {
            return Future.succeededFuture();
        }
        return store.read(tx, offerId).map(found -> {
            found.flatMap(Offer::raisedAt).map(at -> at.plus(LOCKED_AFTER_RISE)).ifPresent(until -> {
                if (clock.instant().isBefore(until)) {
                    throw Failure.of(
                            ErrorCode.CONFLICT,
                            "the last rate raised prices, so there is no other before " + until + "; ask an operator");
                }
            });
            return null;
        });
    }

    private Future<Map<String, Object>> addRate(
            SqlConnection tx, Caller caller, Product product, Offer before, Rate.New wanted, Fields in) {
        wanted.check(in, before.kind(), product::unpriced);
        in.done();
        return addRate(tx, caller.actor(), before, wanted);
    }

    private Future<Map<String, Object>> addRate(SqlConnection tx, String actor, Offer before, Rate.New wanted) {
        if (before.rate().number() >= Offer.RATES_MAX) {
            throw Failure.of(
                    ErrorCode.CONFLICT, "an offer has at most " + Offer.RATES_MAX + " rates; make a new offer");
        }
        Rate rate = new Rate(
                before.rate().number() + 1,
                wanted.partialHours(),
                wanted.prices(),
                wanted.yearly(),
                Columns.micros(clock.instant()));
        return store.insertRate(tx, before, rate)
                .compose(done -> store.readCurrent(tx, before.id()))
                .map(Optional::orElseThrow)
                .compose(after -> record(tx, actor, "offer.rate", after.id(), before.managedJson(), after.managedJson())
                        .map(done -> after.managedJson()));
    }

    /**
     * Ends an offer, now or at a time to come; agreements accepted before go on. The end of one that is still open can be
     * moved, one that has closed stays closed.
     */
    public Future<Map<String, Object>> close(Caller caller, String offerId, Optional<Instant> at) {
        return transactor.inTx(tx -> store.readCurrent(tx, offerId)
                .map(found -> found.orElseThrow(Offers::notFound))
                .compose(offer -> changing(tx, caller, offer.productId())
                        .compose(product -> store.readCurrent(tx, offerId).map(Optional::orElseThrow)))
                .compose(before -> {
                    Instant now = Columns.micros(clock.instant());
                    requireClosable(before, at, now);
                    return close(tx, caller.actor(), before, at.orElse(now)).map(Offer::managedJson);
                }));
    }

    private static void requireClosable(Offer offer, Optional<Instant> at, Instant now) {
        offer.closesAt().filter(c -> !c.isAfter(now)).ifPresent(c -> {
            throw Failure.of(ErrorCode.CONFLICT, "the offer has closed at " + c + "; make a new one");
        });
        at.filter(a -> a.isBefore(now)).ifPresent(a -> {
            throw Requests.invalid("closesAt", "must not be before now, " + now);
        });
    }

    /** Fails where {@link #close} would now. An offer that is not there yet has not closed. */
    public Future<Void> refuseToClose(SqlConnection tx, String offerId, Optional<Instant> at) {
        Instant now = Columns.micros(clock.instant());
        return store.readCurrent(tx, offerId).map(found -> {
            found.ifPresent(offer -> requireClosable(offer, at, now));
            return null;
        });
    }

    /**
     * Ends an offer in this transaction, by somebody who was allowed to and whose wish was checked before. Where the time has
     * passed meanwhile it ends now; where the offer has closed meanwhile and is to be, nothing is left to do.
     */
    public Future<Void> close(SqlConnection tx, String actor, String offerId, Optional<Instant> at) {
        return store.readCurrent(tx, offerId)
                .map(found -> found.orElseThrow(Offers::notFound))
                .compose(before -> {
                    Instant now = Columns.micros(clock.instant());
                    Instant end = at.filter(a -> a.isAfter(now)).orElse(now);
                    boolean closed =
                            before.closesAt().filter(c -> !c.isAfter(now)).isPresent();
                    if (closed && end.equals(now)) {
                        return Future.succeededFuture();
                    }
                    requireClosable(before, Optional.of(end), now);
                    return close(tx, actor, before, end).mapEmpty();
                });
    }

    private Future<Offer> close(SqlConnection tx, String actor, Offer before, Instant at) {
        Instant end = Columns.micros(at);
        // One that has not opened yet never will, if it is to end before.
        Instant closes = end.isBefore(before.opensAt()) ? before.opensAt() : end;
        return store.close(tx, before.id(), closes)
                .compose(done -> catalog.askForShares(tx, before.productId()))
                .compose(done -> store.readCurrent(tx, before.id()))
                .map(Optional::orElseThrow)
                .compose(after -> record(
                                tx, actor, "offer.close", before.id(), before.managedJson(), after.managedJson())
                        .map(after));
    }

    /** The product of an offer that the caller manages, locked; a foreign offer is not there. */
    private Future<Product> changing(SqlConnection tx, Caller caller, String productId) {
        return products.readForUpdate(tx, productId)
                .map(found -> found.filter(p -> Catalog.manages(caller, p)).orElseThrow(Offers::notFound))
                .compose(product -> holds.refuse(tx, caller, product));
    }

    /** A change to a product's offers; the product stays locked against others and against new agreements. */
    @FunctionalInterface
    private interface Change<T> {
        Future<T> apply(SqlConnection tx, Product product);
    }

    private <T> Future<T> changing(Caller caller, String productId, Change<T> change) {
        return transactor.inTx(
                tx -> catalog.lockToChange(tx, caller, productId).compose(product -> change.apply(tx, product)));
    }

    private Future<Void> record(
            SqlConnection tx,
            String actor,
            String action,
            String subject,
            @Nullable Object before,
            @Nullable Object after) {
        return audit.append(tx, new AuditEvent.Change(actor, action, subject, before, after));
    }

    /** An offer the caller may see, with all its rates for those who manage it; else {@code not-found}. */
    public Future<Map<String, Object>> get(SqlClient db, Caller caller, String offerId) {
        return store.read(db, offerId)
                .map(found -> found.orElseThrow(Offers::notFound))
                .compose(offer -> products.read(db, offer.productId())
                        .map(Optional::orElseThrow)
                        .compose(product -> {
                            if (Catalog.manages(caller, product)) {
                                Map<String, Object> json = offer.managedJson();
                                json.put(
                                        "rates",
                                        offer.rates().stream().map(Rate::json).toList());
                                return Future.succeededFuture(json);
                            }
                            return catalog.buyerSees(db, caller, product).map(sees -> {
                                if (!sees || !caller.account().map(offer::isFor).orElse(false)) {
                                    throw notFound();
                                }
                                return offer.json();
                            });
                        }));
    }

    /** A product's offers: all for those who manage it, for buyers those open now for them. */
    public Future<Page<Map<String, Object>>> list(SqlClient db, Caller caller, String productId, PageRequest page) {
        return products.read(db, productId)
                .map(found -> found.orElseThrow(Catalog::notFound))
                .compose(product -> {
                    boolean manages = Catalog.manages(caller, product);
                    Future<Boolean> sees =
                            manages ? Future.succeededFuture(true) : catalog.buyerSees(db, caller, product);
                    return sees.compose(may -> {
                        if (!may) {
                            throw Catalog.notFound();
                        }
                        Optional<String> account = manages ? Optional.empty() : caller.account();
                        return store.readPage(db, page, productId, account, clock.instant())
                                .map(rows ->
                                        Page.of(rows, page, Offer::id).map(o -> manages ? o.managedJson() : o.json()));
                    });
                });
    }

    /**
     * The offer that an account accepts: the one named or, where none is, the product's only open public one. Empty
     * where the product has no offers at all: then the agreement has no price. Call it with the product held ({@link
     * Catalog#holdVisibility}), so that neither offer nor rate changes before the commit.
     */
    public Future<Optional<Offer>> toAccept(
            SqlConnection tx, Caller caller, String productId, String accountId, Optional<String> named, Instant now) {
        return store.readOfProduct(tx, productId).map(offers -> {
            if (named.isPresent()) {
                return Optional.of(named(caller, offers, named.get(), accountId, now));
            }
            if (offers.isEmpty()) {
                return Optional.empty();
            }
            List<Offer> open =
                    offers.stream().filter(o -> !o.isPrivate() && o.isOpen(now)).toList();
            if (open.size() == 1) {
                return Optional.of(open.get(0));
            }
            throw Requests.invalid(
                    "offer",
                    open.isEmpty()
                            ? "is missing: the product has no open public offer to take instead"
                            : "is missing: choose one of "
                                    + open.stream().map(Offer::id).collect(Collectors.joining(", ")));
        });
    }

    private static Offer named(Caller caller, List<Offer> offers, String id, String accountId, Instant now) {
        Offer offer = offers.stream()
                .filter(o -> o.id().equals(id))
                .filter(o -> caller.role() != Role.BUYER || o.isFor(accountId))
                .findFirst()
                .orElseThrow(Offers::notFound);
        if (!offer.isFor(accountId)) {
            throw Requests.invalid("offer", "is private and does not name this account");
        }
        if (!offer.isOpen(now)) {
            throw Failure.of(
                    ErrorCode.CONFLICT,
                    "the offer is open from " + offer.opensAt()
                            + offer.closesAt().map(c -> " until " + c).orElse("") + ", it is " + now);
        }
        return offer;
    }

    /** What was accepted: the offer with exactly this rate. */
    public Future<Offer> accepted(SqlClient db, String offerId, int rate) {
        return store.readAtRate(db, offerId, rate).map(found -> found.orElseThrow(Offers::notFound));
    }

    private static Failure notFound() {
        return Failure.of(ErrorCode.NOT_FOUND, "there is no such offer");
    }
}
