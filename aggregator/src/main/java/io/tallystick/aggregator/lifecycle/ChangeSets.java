package io.tallystick.aggregator.lifecycle;

import io.tallystick.aggregator.account.Accounts;
import io.tallystick.aggregator.audit.Audit;
import io.tallystick.aggregator.audit.AuditEvent;
import io.tallystick.aggregator.catalog.Catalog;
import io.tallystick.aggregator.catalog.Offers;
import io.tallystick.aggregator.catalog.Product;
import io.tallystick.aggregator.catalog.ProductVersion;
import io.tallystick.aggregator.catalog.Removal;
import io.tallystick.aggregator.catalog.Reviews;
import io.tallystick.aggregator.catalog.VersionText;
import io.tallystick.aggregator.catalog.Versions;
import io.tallystick.aggregator.catalog.Visibility;
import io.tallystick.aggregator.db.Columns;
import io.tallystick.aggregator.db.Database;
import io.tallystick.aggregator.db.Ids;
import io.tallystick.aggregator.job.Jobs;
import io.tallystick.aggregator.web.Caller;
import io.tallystick.aggregator.web.Page;
import io.tallystick.aggregator.web.PageRequest;
import io.tallystick.aggregator.web.Requests;
import io.tallystick.common.error.ErrorCode;
import io.tallystick.common.error.Failure;
import io.tallystick.common.json.Json;
import io.tallystick.common.model.Hash;
import io.vertx.core.Future;
import io.vertx.sqlclient.SqlClient;
import io.vertx.sqlclient.SqlConnection;
import java.time.Clock;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/** Queues change sets, shows how far they are, cancels those that have not begun. {@link ChangeSetWorker} does the work. */
public final class ChangeSets {
    static final String JOB = "change-set";

    private final ChangeSetStore store = new ChangeSetStore();
    private final Accounts accounts;
    private final Catalog catalog;
    private final Versions versions;
    private final Reviews reviews;
    private final Offers offers;
    private final Naming naming;
    private final Jobs jobs;
    private final Database database;
    private final Audit audit;
    private final Ids ids;
    private final Clock clock;

    public ChangeSets(
            Accounts accounts,
            Catalog catalog,
            Versions versions,
            Reviews reviews,
            Offers offers,
            Jobs jobs,
            Database database,
            Audit audit,
            Ids ids,
            Clock clock) {
        this.catalog = catalog;
        this.versions = versions;
        this.reviews = reviews;
        this.accounts = accounts;
        this.offers = offers;
        this.naming = new Naming(catalog, versions, offers, ids);
        this.jobs = jobs;
        this.database = database;
        this.audit = audit;
        this.ids = ids;
        this.clock = clock;
    }

    /**
     * Queues the changes as one set, checked whole. All must be of one seller's products, none of which another open change
     * set holds ({@code resource-in-use}, which names it).
     */
    public Future<ChangeSet> start(Caller caller, Optional<String> name, List<Change.Wanted> wanted) {
        return start(caller, new Request(name, Optional.empty(), ChangeSet.Intent.APPLY, wanted));
    }

    /**
     * What somebody asks for.
     *
     * @param clientToken by which a repetition is known: the same request under it answers the same change set, for ever,
     *     another one is refused
     */
    public record Request(
            Optional<String> name, Optional<String> clientToken, ChangeSet.Intent intent, List<Change.Wanted> changes) {
        public Request {
            changes = List.copyOf(changes);
        }

        byte[] sha256() {
            return Hash.of(Json.writeBytes(Json.object(
                            "name",
                            name.orElse(null),
                            "intent",
                            intent.name(),
                            "changes",
                            changes.stream().map(Change.Wanted::json).toList())))
                    .bytes();
        }
    }

    /** As {@link #start(Caller, Optional, List)}; one that is only to be checked has ended, or is refused with its problems. */
    public Future<ChangeSet> start(Caller caller, Request request) {
        return images(caller, request.changes())
                .compose(images -> database.transactor().inTx(tx -> start(tx, caller, request, images)))
                .compose(set -> queued(database.reads(), List.of(set)).map(sets -> sets.get(0)));
    }

    private Future<ChangeSet> start(SqlConnection tx, Caller caller, Request request, Map<Integer, Failure> images) {
        return naming.named(tx, caller, request.changes()).compose(changes -> {
            Set<String> ofProducts = new TreeSet<>();
            changes.forEach(c -> ofProducts.add(c.productId()));
            changes.stream()
                    .filter(c -> c.type() == Change.Type.CREATE_PRODUCT)
                    .forEach(c -> ofProducts.remove(c.productId()));
            return lockAll(tx, caller, ofProducts).compose(products -> repeated(tx, seller(changes, products), request)
                    .compose(known -> known.isPresent()
                            ? Future.succeededFuture(known.get())
                            : checked(tx, caller, request, changes, products, images)));
        });
    }

    /**
     * What is wrong with the images of new versions, by change. The cloud is asked before the transaction, as it may take its
     * time; all else that is wrong is told there.
     */
    private Future<Map<Integer, Failure>> images(Caller caller, List<Change.Wanted> wanted) {
        Map<Integer, Failure> wrong = new HashMap<>();
        if (wanted.stream().noneMatch(w -> w.type() == Change.Type.ADD_VERSION)) {
            return Future.succeededFuture(wrong);
        }
        return naming.named(database.reads(), caller, wanted)
                .compose(changes -> catalog.byIds(
                                database.reads(),
                                changes.stream()
                                        .map(Change::productId)
                                        .distinct()
                                        .toList())
                        .compose(products -> {
                            Planned planned = Planned.of(changes, products, List.of(), catalog, versions);
                            Future<Void> all = Future.succeededFuture();
                            for (Change change : changes) {
                                if (change.type() == Change.Type.ADD_VERSION) {
                                    all = all.compose(done -> image(change, planned, wrong));
                                }
                            }
                            return all;
                        }))
                .recover(e -> e instanceof Failure ? Future.succeededFuture() : Future.failedFuture(e))
                .map(done -> wrong);
    }

    private Future<Void> image(Change change, Planned planned, Map<Integer, Failure> wrong) {
        Product product = planned.products().stream()
                .filter(p -> p.id().equals(change.productId()))
                .findFirst()
                .orElseThrow();
        Future<Void> checked;
        try {
            checked =
                    versions.checkedImage(product, change.addition().version()).mapEmpty();
        } catch (Failure f) {
            checked = Future.failedFuture(f);
        }
        return checked.recover(e -> {
            if (e instanceof Failure f) {
                wrong.put(change.index(), f);
                return Future.succeededFuture();
            }
            return Future.failedFuture(e);
        });
    }

    /** Whose all of it is, what the set makes included. */
    private static String seller(List<Change> changes, List<Product> products) {
        Set<String> sellers = new TreeSet<>();
        products.forEach(p -> sellers.add(p.sellerAccountId()));
        changes.stream()
                .filter(c -> c.type() == Change.Type.CREATE_PRODUCT)
                .forEach(c -> sellers.add(c.addition().product().seller().orElseThrow()));
        if (sellers.size() != 1) {
            throw Failure.of(ErrorCode.CONFLICT, "a change set changes products of one seller");
        }
        return sellers.iterator().next();
    }

    private Future<Optional<ChangeSet>> repeated(SqlConnection tx, String seller, Request request) {
        if (request.clientToken().isEmpty()) {
            return Future.succeededFuture(Optional.empty());
        }
        return store.readToken(tx, seller, request.clientToken().get()).compose(found -> {
            if (found.isEmpty()) {
                return Future.succeededFuture(Optional.empty());
            }
            if (!Arrays.equals(found.get().sha256(), request.sha256())) {
                throw Failure.of(
                                ErrorCode.CONFLICT,
                                "another request came under this client token, as change set "
                                        + found.get().changeSet())
                        .with("changeSet", found.get().changeSet());
            }
            return store.read(tx, found.get().changeSet());
        });
    }

    private Future<ChangeSet> checked(
            SqlConnection tx,
            Caller caller,
            Request request,
            List<Change> changes,
            List<Product> products,
            Map<Integer, Failure> images) {
        Set<String> ids = new TreeSet<>();
        products.forEach(p -> ids.add(p.id()));
        return refuseHeld(tx, ids)
                .compose(free -> refuseReviewed(tx, ids))
                .compose(free -> replacements(tx, caller, changes))
                .compose(found -> versions.ofProducts(tx, ids))
                .compose(all -> {
                    Planned planned = Planned.of(changes, products, all, catalog, versions);
                    ChangeRules.check(changes, planned.products(), planned.versions());
                    return outside(tx, caller, changes, images)
                            .compose(done -> queue(tx, caller, request, changes, planned.products()));
                });
    }

    /** What rules over products and versions cannot see: codes, accounts, images, and prices that rose lately. */
    private Future<Void> outside(SqlConnection tx, Caller caller, List<Change> changes, Map<Integer, Failure> images) {
        List<Failure.Problem> problems = new ArrayList<>();
        Future<Void> all = Future.succeededFuture();
        for (Change change : changes) {
            if (change.type().adds()) {
                all = all.compose(done -> outside(tx, caller, change, Optional.ofNullable(images.get(change.index()))))
                        .recover(e -> {
                            if (!(e instanceof Failure f)) {
                                return Future.failedFuture(e);
                            }
                            String path = "changes[" + change.index() + "].details";
                            if (f.problems().isEmpty()) {
                                problems.add(new Failure.Problem(path, f.detail()));
                            }
                            f.problems()
                                    .forEach(p -> problems.add(new Failure.Problem(path + "." + p.path(), p.detail())));
                            return Future.succeededFuture();
                        });
            }
        }
        return all.map(done -> {
            if (!problems.isEmpty()) {
                throw Failure.of(ErrorCode.CONFLICT, problems);
            }
            return null;
        });
    }

    private Future<Void> outside(SqlConnection tx, Caller caller, Change change, Optional<Failure> image) {
        Addition addition = change.addition();
        return switch (change.type()) {
            case CREATE_PRODUCT ->
                catalog.hasCode(tx, addition.product().code().orElseThrow()).map(taken -> {
                    if (taken) {
                        throw Requests.invalid("productCode", "another product has this code");
                    }
                    return null;
                });
            case ADD_VERSION -> image.isPresent() ? Future.failedFuture(image.get()) : Future.succeededFuture();
            case UPDATE_TARGETING -> strangers(tx, addition.accounts()).map(ChangeSets::refuse);
            case CREATE_OFFER ->
                strangers(tx, addition.accounts()).map(strangers -> {
                    List<Failure.Problem> problems = new ArrayList<>(strangers);
                    addition.newOffer()
                            .wrongEnd(Columns.micros(clock.instant()))
                            .ifPresent(wrong -> problems.add(new Failure.Problem("closesAt", wrong)));
                    return refuse(problems);
                });
            case UPDATE_PRICING_TERMS ->
                offers.refuseSoonAfterARise(tx, caller, addition.offer().orElseThrow());
            default -> Future.succeededFuture();
        };
    }

    private Future<List<Failure.Problem>> strangers(SqlConnection tx, Set<String> named) {
        return accounts.byIds(tx, named).map(found -> {
            Set<String> missing = new TreeSet<>(named);
            found.forEach(account -> missing.remove(account.id()));
            return missing.stream()
                    .map(id -> new Failure.Problem("accounts", "names " + id + ", which is no account"))
                    .toList();
        });
    }

    private static @Nullable Void refuse(List<Failure.Problem> problems) {
        if (!problems.isEmpty()) {
            throw Failure.of(ErrorCode.INVALID_REQUEST, problems);
        }
        return null;
    }

    private Future<ChangeSet> queue(
            SqlConnection tx, Caller caller, Request request, List<Change> changes, List<Product> products) {
        boolean apply = request.intent() == ChangeSet.Intent.APPLY;
        Instant now = Columns.micros(clock.instant());
        ChangeSet set = new ChangeSet(
                ids.next("chg"),
                seller(changes, products),
                request.name(),
                apply ? ChangeSet.Status.PREPARING : ChangeSet.Status.SUCCEEDED,
                caller.actor(),
                now,
                Optional.empty(),
                apply ? Optional.empty() : Optional.of(now),
                Optional.empty(),
                Optional.empty(),
                changes,
                List.of(),
                request.intent(),
                Optional.empty());
        List<String> locked = apply ? products.stream().map(Product::id).toList() : List.of();
        return store.insert(tx, set, request.clientToken(), request.sha256(), locked)
                .compose(done -> apply ? jobs.add(tx, JOB, set.id()) : Future.succeededFuture())
                .compose(done -> audit.append(
                        tx,
                        new AuditEvent.Change(
                                caller.actor(),
                                apply ? "change-set.start" : "change-set.validate",
                                set.id(),
                                null,
                                set.json())))
                .map(set);
    }

    /** Rule R28: while an operator looks at a product, it stays as it is. */
    private Future<Void> refuseReviewed(SqlConnection tx, Set<String> productIds) {
        return reviews.waiting(tx, productIds).map(found -> {
            found.ifPresent(review -> {
                throw Failure.of(
                                ErrorCode.RESOURCE_IN_USE,
                                "product " + review.productId() + " is under review (" + review.id()
                                        + "); wait for the decision or cancel the request")
                        .with("review", review.id());
            });
            return null;
        });
    }

    /** What is to be taken instead of a removed product must be another one of the same seller that can be taken. */
    private Future<Void> replacements(SqlConnection tx, Caller caller, List<Change> changes) {
        Future<Void> all = Future.succeededFuture();
        for (Change change : changes) {
            Optional<String> replacement = change.details().removal().flatMap(Removal::replacement);
            if (replacement.isPresent()) {
                String path = "changes[" + change.index() + "].details.replacement";
                all = all.compose(done -> catalog.byIds(tx, List.of(replacement.get())))
                        .map(found -> {
                            if (found.stream()
                                    .noneMatch(p -> (caller.isOperator()
                                                    || p.sellerAccountId().equals(caller.accountId()))
                                            && p.visibility() == Visibility.PUBLIC)) {
                                throw Requests.invalid(path, "must be a PUBLIC product of the same seller");
                            }
                            return null;
                        });
            }
        }
        return all;
    }

    /** Locks in the order of ids, so that two requests wait for rather than deadlock each other. */
    private Future<List<Product>> lockAll(SqlConnection tx, Caller caller, Set<String> productIds) {
        List<Product> products = new ArrayList<>();
        Future<Void> all = Future.succeededFuture();
        for (String id : productIds) {
            all = all.compose(done -> catalog.lockManaged(tx, caller, id))
                    .onSuccess(products::add)
                    .mapEmpty();
        }
        return all.map(done -> products);
    }

    private Future<Void> refuseHeld(SqlConnection tx, Set<String> productIds) {
        return store.readLocks(tx, productIds).map(held -> {
            if (!held.isEmpty()) {
                Map.Entry<String, String> first = held.entrySet().iterator().next();
                throw Failure.of(
                                ErrorCode.RESOURCE_IN_USE,
                                "change set " + first.getValue() + " is changing product " + first.getKey()
                                        + "; wait for its end or cancel it")
                        .with("changeSet", first.getValue());
            }
            return null;
        });
    }

    /** Takes it back before anything was done; one that is cancelled already stays so, all else is refused. */
    public Future<ChangeSet> cancel(Caller caller, String id) {
        return database.transactor().inTx(tx -> store.readForUpdate(tx, id).compose(found -> {
            ChangeSet before = found.filter(s -> maySee(caller, s)).orElseThrow(ChangeSets::notFound);
            if (before.status() == ChangeSet.Status.CANCELLED) {
                return Future.succeededFuture(before);
            }
            if (before.status() != ChangeSet.Status.PREPARING) {
                throw Failure.of(
                        ErrorCode.CONFLICT,
                        "only a change set that is PREPARING can be cancelled, this one is " + before.status());
            }
            ChangeSet after = before.ended(
                    ChangeSet.Status.CANCELLED, Columns.micros(clock.instant()), Optional.empty(), Optional.empty());
            return store.end(tx, after)
                    .compose(done -> audit.append(
                            tx,
                            new AuditEvent.Change(
                                    caller.actor(), "change-set.cancel", id, before.summary(), after.summary())))
                    .map(after);
        }));
    }

    /** A change set the caller may see; else {@code not-found}. */
    public Future<ChangeSet> get(SqlClient db, Caller caller, String id) {
        return store.read(db, id)
                .map(found -> found.filter(s -> maySee(caller, s)).orElseThrow(ChangeSets::notFound))
                .compose(set -> queued(db, List.of(set)).map(sets -> sets.get(0)));
    }

    /** As {@link #get}, and it cannot change before the transaction ends. */
    Future<ChangeSet> hold(SqlConnection tx, Caller caller, String id) {
        return store.readForUpdate(tx, id)
                .map(found -> found.filter(s -> maySee(caller, s)).orElseThrow(ChangeSets::notFound));
    }

    /** Says of each open one where it stands. */
    private Future<List<ChangeSet>> queued(SqlClient db, List<ChangeSet> sets) {
        return store.queues(db, sets).map(at -> sets.stream()
                .map(s -> Optional.ofNullable(at.get(s.id())).map(s::queued).orElse(s))
                .toList());
    }

    /**
     * Which change sets are looked for; all of it must hold.
     *
     * @param since asked for then or later
     * @param until asked for before
     */
    public record Filter(
            Optional<String> productId,
            Optional<ChangeSet.Status> status,
            Optional<String> name,
            Optional<Instant> since,
            Optional<Instant> until) {
        /** Those about a product, or all. */
        public static Filter ofProduct(Optional<String> productId) {
            return new Filter(productId, Optional.empty(), Optional.empty(), Optional.empty(), Optional.empty());
        }
    }

    /** All change sets, or a seller's own, newest first; those about a product where one is named. */
    public Future<Page<ChangeSet>> list(SqlClient db, Caller caller, Optional<String> productId, PageRequest page) {
        return list(db, caller, Filter.ofProduct(productId), page);
    }

    /** As {@link #list(SqlClient, Caller, Optional, PageRequest)}, of those that the filter lets by. */
    public Future<Page<ChangeSet>> list(SqlClient db, Caller caller, Filter filter, PageRequest page) {
        return store.readPage(db, page, caller.account(), filter)
                .compose(sets -> queued(db, sets))
                .map(rows -> Page.of(rows, page, ChangeSet::id));
    }

    /** Publishes a draft, as a change set of its own. */
    public Future<ChangeSet> publish(Caller caller, String versionId) {
        return single(caller, Change.Type.PUBLISH_VERSION, Optional.empty(), Optional.of(versionId));
    }

    /** Replaces a published version's texts, as a change set of its own; a mail about it only where it is asked for. */
    public Future<ChangeSet> modify(
            Caller caller, String versionId, VersionText text, boolean announce, Optional<Instant> revision) {
        return start(
                caller,
                Optional.empty(),
                List.of(Change.Wanted.ofVersion(
                        Change.Type.MODIFY_VERSION, versionId, ChangeDetails.text(text, announce, revision))));
    }

    /** Restricts a version to agreements accepted before, as a change set of its own. */
    public Future<ChangeSet> restrict(Caller caller, String versionId) {
        return single(caller, Change.Type.RESTRICT_VERSION, Optional.empty(), Optional.of(versionId));
    }

    /** Deletes a version's copy, as a change set of its own; running VMs go on. */
    public Future<ChangeSet> unpublish(Caller caller, String versionId) {
        return single(caller, Change.Type.UNPUBLISH_VERSION, Optional.empty(), Optional.of(versionId));
    }

    /** Unpublishes all versions and restricts the product, as a change set of its own. */
    public Future<ChangeSet> unpublishProduct(Caller caller, String productId) {
        return single(caller, Change.Type.UNPUBLISH_PRODUCT, Optional.of(productId), Optional.empty());
    }

    private Future<ChangeSet> single(
            Caller caller, Change.Type type, Optional<String> productId, Optional<String> versionId) {
        return start(
                caller, Optional.empty(), List.of(new Change.Wanted(type, productId, versionId, ChangeDetails.NONE)));
    }

    /** The changes that the rules allow for a version as things stand, so that nobody is offered what would be refused. */
    public static Set<Change.Type> possible(Product product, ProductVersion version, List<ProductVersion> ofProduct) {
        Set<Change.Type> possible = EnumSet.noneOf(Change.Type.class);
        for (Change.Type type : Change.Type.values()) {
            if (type.isOfVersion() && allowed(type, product, version, ofProduct)) {
                possible.add(type);
            }
        }
        return possible;
    }

    private static boolean allowed(
            Change.Type type, Product product, ProductVersion version, List<ProductVersion> ofProduct) {
        Change change = new Change(0, type, version.productId(), Optional.of(version.id()), ChangeDetails.NONE);
        try {
            ChangeRules.check(List.of(change), List.of(product), ofProduct);
            return true;
        } catch (Failure e) {
            return false;
        }
    }

    private static boolean maySee(Caller caller, ChangeSet set) {
        return caller.isOperator() || set.accountId().equals(caller.accountId());
    }

    private static Failure notFound() {
        return Failure.of(ErrorCode.NOT_FOUND, "there is no such change set");
    }
}
