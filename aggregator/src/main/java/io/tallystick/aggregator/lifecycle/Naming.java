package io.tallystick.aggregator.lifecycle;

import io.tallystick.aggregator.catalog.Catalog;
import io.tallystick.aggregator.catalog.Offer;
import io.tallystick.aggregator.catalog.Offers;
import io.tallystick.aggregator.catalog.Product;
import io.tallystick.aggregator.catalog.Versions;
import io.tallystick.aggregator.db.Ids;
import io.tallystick.aggregator.web.Caller;
import io.tallystick.common.error.ErrorCode;
import io.tallystick.common.error.Failure;
import io.vertx.core.Future;
import io.vertx.sqlclient.SqlClient;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Makes changes of what somebody asks for: each with the ids of what it is about, and of what it will make. */
final class Naming {
    private final Catalog catalog;
    private final Versions versions;
    private final Offers offers;
    private final Ids ids;

    Naming(Catalog catalog, Versions versions, Offers offers, Ids ids) {
        this.catalog = catalog;
        this.versions = versions;
        this.offers = offers;
        this.ids = ids;
    }

    /**
     * Finds what each change is about, and gives ids to what it makes; what is not the caller's does not exist. References are
     * resolved here, so what is kept names everything by its id.
     */
    Future<List<Change>> named(SqlClient db, Caller caller, List<Change.Wanted> wanted) {
        References references = new References();
        List<Change> changes = new ArrayList<>();
        Future<Void> all = Future.succeededFuture();
        for (int i = 0; i < wanted.size(); i++) {
            int index = i;
            Change.Wanted change = wanted.get(i);
            all = all.compose(done -> {
                Optional<String> target = references.resolve(index, change);
                return target.isEmpty()
                        ? Future.<Void>succeededFuture()
                        : found(db, caller, index, change, target.get(), changes)
                                .<Void>map(made -> {
                                    changes.add(made);
                                    references.name(index, change, resultOf(made));
                                    return null;
                                })
                                .recover(e -> {
                                    if (!(e instanceof Failure f) || f.code() != ErrorCode.NOT_FOUND) {
                                        return Future.failedFuture(e);
                                    }
                                    String field = change.type().subject().wire();
                                    references.problem(index, field, "there is no such " + field);
                                    return Future.succeededFuture();
                                });
            });
        }
        return all.map(done -> {
            if (!references.problems().isEmpty()) {
                throw Failure.of(ErrorCode.INVALID_REQUEST, references.problems());
            }
            return changes;
        });
    }

    private static String resultOf(Change change) {
        return switch (change.type().result()) {
            case VERSION -> change.versionId().orElseThrow();
            case OFFER -> change.addition().offer().orElseThrow();
            case PRODUCT, NONE -> change.productId();
        };
    }

    /** The change with all its ids; {@code not-found} for what it is about. */
    private Future<Change> found(
            SqlClient tx, Caller caller, int index, Change.Wanted wanted, String target, List<Change> before) {
        Change.Type type = wanted.type();
        ChangeDetails details = wanted.details();
        return switch (type.subject()) {
            case NONE ->
                catalog.seller(
                                tx,
                                caller,
                                details.addition().orElseThrow().product().seller())
                        .map(seller -> new Change(
                                index,
                                type,
                                ids.next("prod"),
                                Optional.empty(),
                                ChangeDetails.addition(details.addition()
                                        .orElseThrow()
                                        .withCode(catalog.newCode())
                                        .withSeller(seller))));
            case PRODUCT ->
                made(before, Change.Type.CREATE_PRODUCT, target)
                        .map(c -> Future.succeededFuture(target))
                        .orElseGet(() -> catalog.managed(tx, caller, target).map(Product::id))
                        .map(product -> ofProduct(index, type, product, details));
            case VERSION ->
                made(before, Change.Type.ADD_VERSION, target)
                        .map(c -> Future.succeededFuture(c.productId()))
                        .orElseGet(() -> versions.require(tx, target)
                                .compose(v -> catalog.managed(tx, caller, v.productId()))
                                .map(Product::id))
                        .map(product -> new Change(index, type, product, Optional.of(target), details));
            case OFFER ->
                made(before, Change.Type.CREATE_OFFER, target)
                        .map(c -> Future.succeededFuture(priced(
                                index,
                                type,
                                c.productId(),
                                target,
                                c.addition().newOffer().kind(),
                                details)))
                        .orElseGet(() -> offers.managed(tx, caller, target)
                                .map(offer -> priced(index, type, offer.productId(), target, offer.kind(), details)));
        };
    }

    /** The change that makes what has this id. */
    private static Optional<Change> made(List<Change> before, Change.Type by, String id) {
        return before.stream()
                .filter(c -> c.type() == by && resultOf(c).equals(id))
                .findFirst();
    }

    private Change ofProduct(int index, Change.Type type, String product, ChangeDetails details) {
        return switch (type) {
            case ADD_VERSION -> new Change(index, type, product, Optional.of(ids.next("ver")), details);
            case CREATE_OFFER -> {
                Addition offer = details.addition().orElseThrow();
                yield priced(
                        index,
                        type,
                        product,
                        ids.next("offer"),
                        offer.newOffer().kind(),
                        details);
            }
            default -> new Change(index, type, product, Optional.empty(), details);
        };
    }

    private static Change priced(
            int index, Change.Type type, String product, String offer, Offer.Kind kind, ChangeDetails details) {
        return new Change(
                index,
                type,
                product,
                Optional.empty(),
                ChangeDetails.addition(details.addition().orElseThrow().ofOffer(offer, kind)));
    }
}
