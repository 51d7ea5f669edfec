package io.tallystick.aggregator.catalog;

import io.tallystick.aggregator.web.Caller;
import io.tallystick.common.error.ErrorCode;
import io.tallystick.common.error.Failure;
import io.vertx.core.Future;
import io.vertx.sqlclient.SqlConnection;
import java.util.Collection;
import java.util.List;
import java.util.Map;

/**
 * What keeps a product as it is for a while, with all that belongs to it: an open change set, whose checks would be worth
 * nothing if something else changed the product before its turn, and an operator's review (rule R28). Ask it with the
 * product locked in the same transaction.
 */
public final class Holds {
    private final HoldStore store = new HoldStore();
    private final ReviewStore reviews = new ReviewStore();

    /** Fails with {@code resource-in-use} where something else holds one of the products. */
    public Future<Void> refuse(SqlConnection tx, Collection<String> productIds) {
        return store.read(tx, productIds)
                .map(holders -> {
                    for (Map.Entry<String, String> held : holders.entrySet()) {
                        throw Failure.of(
                                        ErrorCode.RESOURCE_IN_USE,
                                        "change set " + held.getValue() + " is changing product " + held.getKey()
                                                + "; wait for its end or cancel it")
                                .with("changeSet", held.getValue());
                    }
                    return null;
                })
                .compose(free -> reviews.readWaiting(tx, productIds))
                .map(waiting -> {
                    waiting.ifPresent(review -> {
                        throw Failure.of(
                                        ErrorCode.RESOURCE_IN_USE,
                                        "product " + review.productId() + " is under review (" + review.id()
                                                + "); wait for the decision or cancel the request")
                                .with("review", review.id());
                    });
                    return null;
                });
    }

    /** As {@link #refuse}, for a change that is made at once. Operators are not held to it: they mend what went wrong. */
    Future<Product> refuse(SqlConnection tx, Caller caller, Product product) {
        return caller.isOperator()
                ? Future.succeededFuture(product)
                : refuse(tx, List.of(product.id())).map(product);
    }

    /** Holds the products for a change set, until {@link #release}. */
    public Future<Void> take(SqlConnection tx, String changeSetId, Collection<String> productIds) {
        return store.insert(tx, changeSetId, productIds);
    }

    public Future<Void> release(SqlConnection tx, String changeSetId) {
        return store.delete(tx, changeSetId);
    }
}
