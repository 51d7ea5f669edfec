package io.tallystick.aggregator.lifecycle;

import io.tallystick.aggregator.audit.Audit;
import io.tallystick.aggregator.audit.AuditEvent;
import io.tallystick.aggregator.catalog.Catalog;
import io.tallystick.aggregator.catalog.Product;
import io.tallystick.aggregator.catalog.ProductVersion;
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
import io.vertx.core.Future;
import io.vertx.sqlclient.SqlClient;
import io.vertx.sqlclient.SqlConnection;
import java.time.Clock;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;

/** Queues change sets, shows how far they are, cancels those that have not begun. {@link ChangeSetWorker} does the work. */
public final class ChangeSets {
    static final String JOB = "change-set";

    private final ChangeSetStore store = new ChangeSetStore();
    private final Catalog catalog;
    private final Versions versions;
    private final Jobs jobs;
    private final Database database;
    private final Audit audit;
    private final Ids ids;
    private final Clock clock;

    public ChangeSets(
            Catalog catalog, Versions versions, Jobs jobs, Database database, Audit audit, Ids ids, Clock clock) {
        this.catalog = catalog;
        this.versions = versions;
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
        return database.transactor().inTx(tx -> named(tx, caller, wanted).compose(changes -> {
            Set<String> products = new TreeSet<>();
            changes.forEach(c -> products.add(c.productId()));
            return lockAll(tx, caller, products)
                    .compose(seller -> refuseHeld(tx, products).map(seller))
                    .compose(seller -> versions.ofProducts(tx, products).compose(all -> {
                        ChangeRules.check(changes, all);
                        ChangeSet set = new ChangeSet(
                                ids.next("chg"),
                                seller,
                                name,
                                ChangeSet.Status.PREPARING,
                                caller.actor(),
                                Columns.micros(clock.instant()),
                                Optional.empty(),
                                Optional.empty(),
                                Optional.empty(),
                                Optional.empty(),
                                changes,
                                List.of());
                        return store.insert(tx, set, products)
                                .compose(done -> jobs.add(tx, JOB, set.id()))
                                .compose(done -> audit.append(
                                        tx,
                                        new AuditEvent.Change(
                                                caller.actor(), "change-set.start", set.id(), null, set.json())))
                                .map(set);
                    }));
        }));
    }

    /** Finds the product of each change; what is not the caller's does not exist. */
    private Future<List<Change>> named(SqlConnection tx, Caller caller, List<Change.Wanted> wanted) {
        Map<Integer, String> productOf = new HashMap<>();
        List<Failure.Problem> problems = new ArrayList<>();
        Future<Void> all = Future.succeededFuture();
        for (int i = 0; i < wanted.size(); i++) {
            int index = i;
            Change.Wanted change = wanted.get(i);
            all = all.compose(done -> productOf(tx, caller, change)
                    .onSuccess(id -> productOf.put(index, id))
                    .<Void>mapEmpty()
                    .recover(e -> {
                        if (!(e instanceof Failure f) || f.code() != ErrorCode.NOT_FOUND) {
                            return Future.failedFuture(e);
                        }
                        String field = change.versionId().isPresent() ? "version" : "product";
                        problems.add(
                                new Failure.Problem("changes[" + index + "]." + field, "there is no such " + field));
                        return Future.succeededFuture();
                    }));
        }
        return all.map(done -> {
            if (!problems.isEmpty()) {
                throw Failure.of(ErrorCode.INVALID_REQUEST, problems);
            }
            List<Change> changes = new ArrayList<>();
            for (int i = 0; i < wanted.size(); i++) {
                Change.Wanted w = wanted.get(i);
                changes.add(
                        new Change(i, w.type(), productOf.getOrDefault(i, ""), w.versionId(), w.text(), w.announce()));
            }
            return changes;
        });
    }

    private Future<String> productOf(SqlConnection tx, Caller caller, Change.Wanted change) {
        Future<String> productId = change.versionId().isPresent()
                ? versions.require(tx, change.versionId().get()).map(ProductVersion::productId)
                : Future.succeededFuture(change.productId().orElse(""));
        return productId.compose(id -> catalog.managed(tx, caller, id)).map(Product::id);
    }

    /** Locks in the order of ids, so that two requests wait for rather than deadlock each other. */
    private Future<String> lockAll(SqlConnection tx, Caller caller, Set<String> productIds) {
        Set<String> sellers = new TreeSet<>();
        Future<Void> all = Future.succeededFuture();
        for (String id : productIds) {
            all = all.compose(done -> catalog.lockManaged(tx, caller, id))
                    .onSuccess(p -> sellers.add(p.sellerAccountId()))
                    .mapEmpty();
        }
        return all.map(done -> {
            if (sellers.size() != 1) {
                throw Failure.of(ErrorCode.CONFLICT, "a change set changes products of one seller");
            }
            return sellers.iterator().next();
        });
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
                .map(found -> found.filter(s -> maySee(caller, s)).orElseThrow(ChangeSets::notFound));
    }

    /** All change sets, or a seller's own, newest first; those about a product where one is named. */
    public Future<Page<ChangeSet>> list(SqlClient db, Caller caller, Optional<String> productId, PageRequest page) {
        return store.readPage(db, page, caller.account(), productId).map(rows -> Page.of(rows, page, ChangeSet::id));
    }

    /** Publishes a draft, as a change set of its own. */
    public Future<ChangeSet> publish(Caller caller, String versionId) {
        return single(caller, Change.Type.PUBLISH_VERSION, Optional.empty(), Optional.of(versionId));
    }

    /** Replaces a published version's texts, as a change set of its own; a mail about it only where it is asked for. */
    public Future<ChangeSet> modify(Caller caller, String versionId, VersionText text, boolean announce) {
        return start(
                caller,
                Optional.empty(),
                List.of(new Change.Wanted(
                        Change.Type.MODIFY_VERSION,
                        Optional.empty(),
                        Optional.of(versionId),
                        Optional.of(text),
                        announce)));
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
                caller,
                Optional.empty(),
                List.of(new Change.Wanted(type, productId, versionId, Optional.empty(), false)));
    }

    /** The changes that the rules allow for a version as things stand, so that nobody is offered what would be refused. */
    public static Set<Change.Type> possible(ProductVersion version, List<ProductVersion> ofProduct) {
        Set<Change.Type> possible = EnumSet.noneOf(Change.Type.class);
        for (Change.Type type : Change.Type.values()) {
            if (type != Change.Type.UNPUBLISH_PRODUCT && allowed(type, version, ofProduct)) {
                possible.add(type);
            }
        }
        return possible;
    }

    private static boolean allowed(Change.Type type, ProductVersion version, List<ProductVersion> ofProduct) {
        Change change = new Change(0, type, version.productId(), Optional.of(version.id()), Optional.empty(), false);
        try {
            ChangeRules.check(List.of(change), ofProduct);
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
