package io.tallystick.aggregator.lifecycle;

import io.tallystick.aggregator.account.Accounts;
import io.tallystick.aggregator.audit.Audit;
import io.tallystick.aggregator.audit.AuditEvent;
import io.tallystick.aggregator.catalog.Catalog;
import io.tallystick.aggregator.catalog.Holds;
import io.tallystick.aggregator.catalog.Offers;
import io.tallystick.aggregator.catalog.Product;
import io.tallystick.aggregator.catalog.VersionText;
import io.tallystick.aggregator.catalog.Versions;
import io.tallystick.aggregator.db.Columns;
import io.tallystick.aggregator.db.Database;
import io.tallystick.aggregator.db.Ids;
import io.tallystick.aggregator.job.Jobs;
import io.tallystick.aggregator.web.Caller;
import io.tallystick.aggregator.web.Page;
import io.tallystick.aggregator.web.PageRequest;
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
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;

/** Queues change sets, shows how far they are, cancels those that have not begun. {@link ChangeSetWorker} does the work. */
public final class ChangeSets {
    static final String JOB = "change-set";

    private final ChangeSetStore store = new ChangeSetStore();
    private final Holds holds = new Holds();
    private final Catalog catalog;
    private final Naming naming;
    private final Admission admission;
    private final Jobs jobs;
    private final Database database;
    private final Audit audit;
    private final Ids ids;
    private final Clock clock;

    public ChangeSets(
            Accounts accounts,
            Catalog catalog,
            Versions versions,
            Offers offers,
            Jobs jobs,
            Database database,
            Audit audit,
            Ids ids,
            Clock clock) {
        this.catalog = catalog;
        this.naming = new Naming(catalog, versions, offers, ids);
        this.admission = new Admission(accounts, catalog, versions, offers, clock);
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

    /**
     * As {@link #start(Caller, Optional, List)}; one that is only to be checked has ended, or is refused with its problems.
     * Which product a version or an offer is of never changes, so changes are named before the transaction.
     */
    public Future<ChangeSet> start(Caller caller, Request request) {
        return naming.named(database.reads(), caller, request.changes())
                .compose(changes -> catalog.byIds(database.reads(), there(changes))
                        .compose(products -> start(caller, request, changes, products)))
                .compose(set -> queued(database.reads(), List.of(set)).map(sets -> sets.get(0)));
    }

    /** The products that are not made by the changes themselves, in the order in which they are locked. */
    private static Set<String> there(List<Change> changes) {
        Set<String> there = new TreeSet<>();
        changes.forEach(c -> there.add(c.productId()));
        changes.stream().filter(c -> c.type() == Change.Type.CREATE_PRODUCT).forEach(c -> there.remove(c.productId()));
        return there;
    }

    private Future<ChangeSet> start(Caller caller, Request request, List<Change> changes, List<Product> products) {
        String seller = seller(changes, products);
        return repeated(database.reads(), seller, request)
                .compose(known -> known.isPresent()
                        ? Future.succeededFuture(known.get())
                        : admission
                                .images(changes, products)
                                .compose(images -> database.transactor()
                                        .inTx(tx -> start(tx, caller, request, seller, changes, images)))
                                // The same came twice at a time, and the other was faster.
                                .recover(e -> e instanceof ChangeSetStore.TokenTaken
                                        ? repeated(database.reads(), seller, request)
                                                .map(Optional::orElseThrow)
                                        : Future.failedFuture(e)));
    }

    private Future<ChangeSet> start(
            SqlConnection tx,
            Caller caller,
            Request request,
            String seller,
            List<Change> changes,
            Map<Integer, Failure> images) {
        return lockAll(tx, caller, there(changes)).compose(products -> repeated(tx, seller, request)
                .compose(known -> known.isPresent()
                        ? Future.succeededFuture(known.get())
                        : admission
                                .check(tx, caller, changes, products, images)
                                .compose(done -> queue(tx, caller, request, seller, changes))));
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

    private Future<Optional<ChangeSet>> repeated(SqlClient db, String seller, Request request) {
        if (request.clientToken().isEmpty()) {
            return Future.succeededFuture(Optional.empty());
        }
        return store.readToken(db, seller, request.clientToken().get()).compose(found -> {
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
            return store.read(db, found.get().changeSet());
        });
    }

    private Future<ChangeSet> queue(
            SqlConnection tx, Caller caller, Request request, String seller, List<Change> changes) {
        boolean apply = request.intent() == ChangeSet.Intent.APPLY;
        Instant now = Columns.micros(clock.instant());
        ChangeSet set = new ChangeSet(
                ids.next("chg"),
                seller,
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
        Set<String> locked = new TreeSet<>();
        if (apply) {
            changes.forEach(c -> locked.add(c.productId()));
        }
        return store.insert(tx, set, request.clientToken(), request.sha256())
                .compose(done -> holds.take(tx, set.id(), locked))
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
                    .compose(done -> holds.release(tx, id))
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

    private static boolean maySee(Caller caller, ChangeSet set) {
        return caller.isOperator() || set.accountId().equals(caller.accountId());
    }

    private static Failure notFound() {
        return Failure.of(ErrorCode.NOT_FOUND, "there is no such change set");
    }
}
