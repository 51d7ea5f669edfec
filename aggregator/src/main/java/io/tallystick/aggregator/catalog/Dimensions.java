package io.tallystick.aggregator.catalog;

import io.tallystick.aggregator.audit.Audit;
import io.tallystick.aggregator.audit.AuditEvent;
import io.tallystick.aggregator.db.Columns;
import io.tallystick.common.error.ErrorCode;
import io.tallystick.common.error.Failure;
import io.vertx.core.Future;
import io.vertx.sqlclient.SqlConnection;
import java.time.Clock;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;

/**
 * Changes dimensions of a product that is locked in the caller's transaction, for somebody who was allowed to before. None goes
 * away, and none comes to count something else: bills name them.
 */
public final class Dimensions {
    private final DimensionStore store = new DimensionStore();
    private final ProductStore products = new ProductStore();
    private final Audit audit;
    private final Clock clock;

    Dimensions(Audit audit, Clock clock) {
        this.audit = audit;
        this.clock = clock;
    }

    /** Those that a product is made with. */
    Future<Void> make(SqlConnection tx, Product product, List<Dimension.New> measured) {
        return store.insert(tx, product.id(), measured, product.createdAt());
    }

    /** Adds some, those again that were restricted. */
    public Future<Product> add(SqlConnection tx, String actor, Product before, List<Dimension.New> added) {
        List<Dimension.New> again = added.stream()
                .filter(d -> before.dimension(d.key()).filter(k -> !k.isOpen()).isPresent())
                .toList();
        List<Dimension.New> fresh =
                added.stream().filter(d -> !again.contains(d)).toList();
        if (before.dimensions().size() + fresh.size() > Product.DIMENSIONS_MAX) {
            throw Failure.of(ErrorCode.CONFLICT, "a product has at most " + Product.DIMENSIONS_MAX + " dimensions");
        }
        again.forEach(d -> {
            if (!d.countsAs(before.dimension(d.key()).orElseThrow())) {
                throw Failure.of(ErrorCode.CONFLICT, "the dimension " + d.key() + " " + Dimension.COUNTS_OTHERWISE);
            }
        });
        return change(
                tx,
                actor,
                "product.dimension.add",
                before,
                // More on the page overwrites nothing that anybody looked at.
                !again.isEmpty(),
                () -> store.insert(tx, before.id(), fresh, clock.instant())
                        .compose(done -> store.reopen(tx, before.id(), again)));
    }

    /** From now on no new offer or rate prices them. */
    public Future<Product> restrict(SqlConnection tx, String actor, Product before, List<String> keys) {
        return change(
                tx,
                actor,
                "product.dimension.restrict",
                before,
                true,
                () -> store.restrict(tx, before.id(), keys, Columns.micros(clock.instant())));
    }

    /** Gives some other titles. */
    public Future<Product> rename(SqlConnection tx, String actor, Product before, List<Dimension.Renamed> renamed) {
        return change(
                tx, actor, "product.dimension.rename", before, true, () -> store.rename(tx, before.id(), renamed));
    }

    private Future<Product> change(
            SqlConnection tx,
            String actor,
            String action,
            Product before,
            boolean touch,
            Supplier<Future<Void>> change) {
        return change.get()
                .compose(done -> touch
                        ? products.touch(tx, before.id(), Columns.micros(clock.instant()))
                        : Future.succeededFuture())
                .compose(done -> products.read(tx, before.id()))
                .map(Optional::orElseThrow)
                .compose(after -> audit.append(
                                tx, new AuditEvent.Change(actor, action, before.id(), before.json(), after.json()))
                        .map(after));
    }
}
