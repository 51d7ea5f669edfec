package io.tallystick.aggregator.lifecycle;

import io.tallystick.aggregator.account.Accounts;
import io.tallystick.aggregator.catalog.Catalog;
import io.tallystick.aggregator.catalog.Holds;
import io.tallystick.aggregator.catalog.Offers;
import io.tallystick.aggregator.catalog.Product;
import io.tallystick.aggregator.catalog.Removal;
import io.tallystick.aggregator.catalog.Versions;
import io.tallystick.aggregator.catalog.Visibility;
import io.tallystick.aggregator.db.Columns;
import io.tallystick.aggregator.web.Caller;
import io.tallystick.aggregator.web.Requests;
import io.tallystick.common.error.ErrorCode;
import io.tallystick.common.error.Failure;
import io.tallystick.common.json.Fields;
import io.vertx.core.Future;
import io.vertx.sqlclient.SqlConnection;
import java.time.Clock;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/** Whether a change set may be queued: {@link ChangeRules}, and what these cannot see. */
final class Admission {
    private final Holds holds = new Holds();
    private final Accounts accounts;
    private final Catalog catalog;
    private final Versions versions;
    private final Offers offers;
    private final Clock clock;

    Admission(Accounts accounts, Catalog catalog, Versions versions, Offers offers, Clock clock) {
        this.accounts = accounts;
        this.catalog = catalog;
        this.versions = versions;
        this.offers = offers;
        this.clock = clock;
    }

    /**
     * What is wrong with the images of new versions, by change. The cloud is asked before the transaction, as it may take its
     * time; all else that is wrong is told there.
     *
     * @param products all that the changes are about, but those that the set makes
     */
    Future<Map<Integer, Failure>> images(List<Change> changes, List<Product> products) {
        Map<Integer, Failure> wrong = new HashMap<>();
        Planned planned = Planned.of(changes, products, List.of(), catalog, versions);
        Future<Void> all = Future.succeededFuture();
        for (Change change : changes) {
            if (change.type() == Change.Type.ADD_VERSION) {
                all = all.compose(done -> image(change, planned, wrong));
            }
        }
        return all.map(done -> wrong);
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

    /**
     * Throws what forbids the set.
     *
     * @param products all that the changes are about, held in this transaction, but those that the set makes
     * @param images what {@link #images} found
     */
    Future<Void> check(
            SqlConnection tx,
            Caller caller,
            List<Change> changes,
            List<Product> products,
            Map<Integer, Failure> images) {
        Set<String> ids = new TreeSet<>();
        products.forEach(p -> ids.add(p.id()));
        return holds.refuse(tx, ids)
                .compose(free -> replacements(tx, caller, changes))
                .compose(found -> versions.ofProducts(tx, ids))
                .compose(all -> {
                    Planned.of(changes, products, all, catalog, versions).check(changes);
                    return outside(tx, caller, changes, images);
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
                throw Failure.of(ErrorCode.CONFLICT, Fields.told(problems));
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
            case UPDATE_TARGETING -> strangers(tx, addition.accounts()).map(Admission::refuse);
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
            case UPDATE_AVAILABILITY ->
                offers.refuseToClose(tx, addition.offer().orElseThrow(), addition.closesAt());
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
}
