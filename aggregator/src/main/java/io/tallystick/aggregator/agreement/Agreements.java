package io.tallystick.aggregator.agreement;

import io.tallystick.aggregator.account.Accounts;
import io.tallystick.aggregator.account.Pseudonym;
import io.tallystick.aggregator.audit.Audit;
import io.tallystick.aggregator.audit.AuditEvent;
import io.tallystick.aggregator.catalog.Catalog;
import io.tallystick.aggregator.catalog.Offer;
import io.tallystick.aggregator.catalog.Offers;
import io.tallystick.aggregator.catalog.Product;
import io.tallystick.aggregator.catalog.Visibility;
import io.tallystick.aggregator.db.Columns;
import io.tallystick.aggregator.db.Ids;
import io.tallystick.aggregator.db.Transactor;
import io.tallystick.aggregator.job.Jobs;
import io.tallystick.aggregator.web.Caller;
import io.tallystick.aggregator.web.Page;
import io.tallystick.aggregator.web.PageRequest;
import io.tallystick.aggregator.web.Requests;
import io.tallystick.aggregator.web.Role;
import io.tallystick.common.error.ErrorCode;
import io.tallystick.common.error.Failure;
import io.vertx.core.Future;
import io.vertx.sqlclient.SqlClient;
import io.vertx.sqlclient.SqlConnection;
import java.time.Clock;
import java.time.Instant;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Accepts, ends and finds agreements. */
public final class Agreements {
    private final AgreementStore store = new AgreementStore();
    private final AmendmentStore amendments = new AmendmentStore();
    private final Catalog catalog;
    private final Offers offers;
    private final Accounts accounts;
    private final Transactor transactor;
    private final Audit audit;
    private final Jobs jobs;
    private final Ids ids;
    private final Clock clock;

    public Agreements(
            Catalog catalog,
            Offers offers,
            Accounts accounts,
            Transactor transactor,
            Audit audit,
            Jobs jobs,
            Ids ids,
            Clock clock) {
        this.catalog = catalog;
        this.offers = offers;
        this.accounts = accounts;
        this.transactor = transactor;
        this.audit = audit;
        this.jobs = jobs;
        this.ids = ids;
        this.clock = clock;
    }

    /** An agreement as one caller may see it. */
    public record View(Agreement agreement, Map<String, Object> json) {}

    /**
     * Accepts the product's terms now, for the caller's account or, from an operator, for the one named. Neither the
     * product's visibility nor its offers and rates can change between the check and the commit.
     *
     * @param offerId the offer to accept; absent for the product's only open public one, or for no price where the product
     *     has no offers
     */
    public Future<Agreement> accept(Caller caller, String productId, Optional<String> named, Optional<String> offerId) {
        String accountId = accountOf(caller, named);
        return transactor.inTx(tx -> checked(tx, caller, productId, accountId).compose(product -> {
            Instant now = Columns.micros(clock.instant());
            return offers.toAccept(tx, caller, product.id(), accountId, offerId, now)
                    .compose(offer -> accept(tx, caller, product, accountId, offer, now));
        }));
    }

    private Future<Agreement> accept(
            SqlConnection tx, Caller caller, Product product, String accountId, Optional<Offer> offer, Instant now) {
        Agreement agreement = new Agreement(
                ids.next("agr"),
                product.id(),
                accountId,
                offer.map(o -> new Agreement.Accepted(o.id(), o.rate().number())),
                now,
                Optional.empty());
        return store.insert(tx, agreement)
                .compose(done -> record(tx, caller, "agreement.accept", Optional.empty(), agreement))
                .map(agreement);
    }

    private static String accountOf(Caller caller, Optional<String> named) {
        if (caller.isOperator()) {
            return named.orElseThrow(() -> Requests.invalid("account", "is missing"));
        }
        String own = caller.account().orElseThrow(() -> notFound("account"));
        if (named.isPresent() && !named.get().equals(own)) {
            throw notFound("account");
        }
        return own;
    }

    private Future<Product> checked(SqlConnection tx, Caller caller, String productId, String accountId) {
        return catalog.holdVisibility(tx, productId)
                .map(found -> found.orElseThrow(() -> notFound("product")))
                .compose(product -> catalog.mayUseLimited(tx, product, accountId)
                        .compose(mayUse -> accounts.require(tx, accountId).map(account -> {
                            if (!caller.isOperator() && isHidden(product, mayUse)) {
                                throw notFound("product");
                            }
                            Acceptance.check(product, account, mayUse);
                            return product;
                        })));
    }

    /** What a buyer may not even know to exist looks missing. */
    private static boolean isHidden(Product product, boolean mayUseLimited) {
        return product.visibility() == Visibility.STAGING
                || (product.visibility() == Visibility.LIMITED && !mayUseLimited);
    }

    /** Ends an agreement now; one already ended stays as it is. Fails with {@code not-found} for a foreign one. */
    public Future<Agreement> end(Caller caller, String id) {
        return transactor.inTx(tx -> store.readForUpdate(tx, id).compose(found -> {
            Agreement before = found.filter(a -> caller.isOperator() || isBuyer(caller, a))
                    .orElseThrow(() -> notFound("agreement"));
            if (before.endedAt().isPresent()) {
                return Future.succeededFuture(before);
            }
            Instant now = Columns.micros(clock.instant());
            // A clock that was set back must not make an agreement end before it began.
            Agreement after = before.ended(now.isBefore(before.acceptedAt()) ? before.acceptedAt() : now);
            return store.end(tx, after)
                    .compose(done -> record(tx, caller, "agreement.end", Optional.of(before), after))
                    .map(after);
        }));
    }

    /** Every beginning and end comes by here, and so do those who must act on it. */
    private Future<Void> record(
            SqlConnection tx, Caller caller, String action, Optional<Agreement> before, Agreement after) {
        return jobs.add(tx, Catalog.SHARES_JOB, after.productId())
                .compose(done -> audit.append(
                        tx,
                        new AuditEvent.Change(
                                caller.actor(),
                                action,
                                after.id(),
                                before.map(Agreement::json).orElse(null),
                                after.json())));
    }

    /**
     * An agreement the caller may see, with the terms it accepted as {@code terms}, and as {@code yearly} what it bought last by
     * the year; else {@code not-found}.
     */
    public Future<View> get(SqlClient db, Caller caller, String id) {
        return visible(db, caller, id)
                .compose(view -> view.agreement()
                        .accepted()
                        .map(a -> offers.accepted(db, a.offerId(), a.rate()).map(offer -> {
                            view.json().put("terms", offer.json());
                            return view;
                        }))
                        .orElse(Future.succeededFuture(view)))
                .compose(view -> amendments.readLast(db, id).map(last -> {
                    last.ifPresent(a -> view.json().put("yearly", a.termJson()));
                    return view;
                }));
    }

    private Future<View> visible(SqlClient db, Caller caller, String id) {
        return store.read(db, id)
                .map(found -> found.orElseThrow(() -> notFound("agreement")))
                .compose(agreement -> {
                    if (caller.role() == Role.SELLER) {
                        return getAsSeller(db, caller, agreement);
                    }
                    if (caller.isOperator() || isBuyer(caller, agreement)) {
                        return Future.succeededFuture(new View(agreement, agreement.json()));
                    }
                    return Future.failedFuture(notFound("agreement"));
                });
    }

    private Future<View> getAsSeller(SqlClient db, Caller caller, Agreement agreement) {
        return catalog.byIds(db, List.of(agreement.productId())).compose(products -> {
            boolean own = products.stream().anyMatch(p -> p.sellerAccountId().equals(caller.accountId()));
            return own
                    ? pseudonym(db, caller).map(p -> sellerView(agreement, p))
                    : Future.failedFuture(notFound("agreement"));
        });
    }

    /** The caller's agreements: all, a buyer's own, or those on a seller's products under pseudonyms. */
    public Future<Page<View>> list(SqlClient db, Caller caller, Optional<String> productId, PageRequest page) {
        boolean seller = caller.role() == Role.SELLER;
        AgreementStore.Filter filter = new AgreementStore.Filter(
                productId, seller ? Optional.empty() : caller.account(), seller ? caller.account() : Optional.empty());
        Future<Page<Agreement>> found =
                store.readPage(db, page, filter).map(rows -> Page.of(rows, page, Agreement::id));
        return seller
                ? found.compose(p -> pseudonym(db, caller).map(names -> p.map(a -> sellerView(a, names))))
                : found.map(p -> p.map(a -> new View(a, a.json())));
    }

    private Future<Pseudonym> pseudonym(SqlClient db, Caller caller) {
        String seller = caller.account().orElseThrow(() -> notFound("account"));
        return accounts.pseudonyms(db, List.of(seller))
                .map(all -> Optional.ofNullable(all.get(seller)).orElseThrow(() -> notFound("account")));
    }

    private static View sellerView(Agreement agreement, Pseudonym names) {
        return new View(agreement, agreement.jsonForSeller(names.of(agreement.accountId())));
    }

    /** All agreements of an account on these products, ended ones too, oldest first. */
    public Future<List<Agreement>> forAccountAndProducts(
            SqlClient db, String accountId, Collection<String> productIds) {
        return productIds.isEmpty()
                ? Future.succeededFuture(List.of())
                : store.readForAccount(db, accountId, productIds);
    }

    static boolean isBuyer(Caller caller, Agreement agreement) {
        return caller.role() == Role.BUYER && agreement.accountId().equals(caller.accountId());
    }

    static Failure notFound(String what) {
        return Failure.of(ErrorCode.NOT_FOUND, "there is no such " + what);
    }
}
