package io.tallystick.aggregator.usage;

import io.tallystick.aggregator.account.Account;
import io.tallystick.aggregator.account.Accounts;
import io.tallystick.aggregator.agreement.Agreement;
import io.tallystick.aggregator.agreement.Agreements;
import io.tallystick.aggregator.catalog.Catalog;
import io.tallystick.aggregator.catalog.Product;
import io.tallystick.aggregator.db.Database;
import io.tallystick.aggregator.enrollment.Enrollment;
import io.tallystick.aggregator.enrollment.Enrollments;
import io.tallystick.common.error.ErrorCode;
import io.tallystick.common.error.Failure;
import io.tallystick.common.model.EnrollmentId;
import io.vertx.core.Context;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import io.vertx.sqlclient.SqlClient;
import java.time.Duration;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.LongSupplier;
import java.util.stream.Collectors;

/**
 * What booking needs to know of an enrollment, kept for {@link #KEPT} so that a batch costs no look-ups. Staleness is
 * harmless by construction: a refusal that a newer context might turn round is decided by a fresh one ({@link
 * #reload}), and a batch under a replaced key is refused by the key that stands beside the watermark. Any thread.
 */
final class UsageContexts {
    static final Duration KEPT = Duration.ofSeconds(60);
    /** Contexts kept at once, about a kilobyte each; beyond it all are forgotten and read again as needed. */
    static final int COUNT_MAX = 200_000;

    private record Kept(UsageContext context, long atNanos) {}

    private final Context loading;
    private final Database database;
    private final Enrollments enrollments;
    private final Accounts accounts;
    private final Catalog catalog;
    private final Agreements agreements;
    private final LongSupplier nanoTime;
    private final Map<EnrollmentId, Kept> kept = new ConcurrentHashMap<>();

    /** @param nanoTime a monotonic clock: how old an entry is must not depend on the wall clock */
    UsageContexts(
            Vertx vertx,
            Database database,
            Enrollments enrollments,
            Accounts accounts,
            Catalog catalog,
            Agreements agreements,
            LongSupplier nanoTime) {
        this.loading = OwnContext.of(vertx);
        this.database = database;
        this.enrollments = enrollments;
        this.accounts = accounts;
        this.catalog = catalog;
        this.agreements = agreements;
        this.nanoTime = nanoTime;
    }

    SqlClient reads() {
        return database.reads();
    }

    /** The kept context, or a fresh one. {@code not-found} for an enrollment that is not there. */
    Future<UsageContext> of(EnrollmentId id) {
        Kept entry = kept.get(id);
        if (entry != null && nanoTime.getAsLong() - entry.atNanos() < KEPT.toNanos()) {
            return Future.succeededFuture(entry.context());
        }
        return reload(id);
    }

    /** A context read just now, in steps that wait for no turn of the caller's loop; the future completes on that loop. */
    Future<UsageContext> reload(EnrollmentId id) {
        Context caller = Vertx.currentContext();
        Promise<UsageContext> promise = Promise.promise();
        // Composed, so that what is thrown fails the future, too: nobody else would ever answer the caller.
        loading.runOnContext(begin -> Future.<Void>succeededFuture()
                .compose(none -> read(id))
                .onComplete(done -> {
                    if (caller == null) {
                        promise.handle(done);
                    } else {
                        caller.runOnContext(back -> promise.handle(done));
                    }
                }));
        return promise.future();
    }

    private Future<UsageContext> read(EnrollmentId id) {
        return enrollments
                .find(reads(), id)
                .map(found -> found.orElseThrow(() -> Failure.of(ErrorCode.NOT_FOUND, "there is no enrollment " + id)))
                .compose(enrollment -> accounts.byCloudAccount(reads(), enrollment.cloud(), enrollment.cloudAccount())
                        .compose(account -> catalog.byProductCodes(reads(), new HashSet<>(enrollment.productCodes()))
                                .compose(products -> load(enrollment, account, products))))
                .map(context -> {
                    if (kept.size() >= COUNT_MAX) {
                        kept.clear();
                    }
                    kept.put(id, new Kept(context, nanoTime.getAsLong()));
                    return context;
                });
    }

    private Future<UsageContext> load(Enrollment enrollment, Optional<Account> account, List<Product> products) {
        if (account.isEmpty() || products.isEmpty()) {
            return Future.succeededFuture(context(enrollment, products, List.of()));
        }
        List<String> ids = products.stream().map(Product::id).toList();
        return agreements
                .forAccountAndProducts(reads(), account.get().id(), ids)
                .map(found -> context(enrollment, products, found));
    }

    private static UsageContext context(Enrollment enrollment, List<Product> products, List<Agreement> agreements) {
        Map<String, UsageContext.BookedProduct> byCode = new HashMap<>();
        for (Product p : products) {
            List<UsageContext.Term> terms = agreements.stream()
                    .filter(a -> a.productId().equals(p.id()))
                    .map(a -> new UsageContext.Term(a.id(), a.acceptedAt(), a.endedAt()))
                    .toList();
            Map<String, UsageContext.BookedDimension> dimensions = p.dimensions().stream()
                    .collect(Collectors.toMap(
                            d -> d.key(), d -> new UsageContext.BookedDimension(d.id(), d.quantityMax())));
            byCode.put(
                    p.code(), new UsageContext.BookedProduct(p.code(), p.terms().lateLimit(), dimensions, terms));
        }
        return new UsageContext(enrollment, byCode);
    }
}
