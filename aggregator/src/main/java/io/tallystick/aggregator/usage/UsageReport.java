package io.tallystick.aggregator.usage;

import io.tallystick.aggregator.account.Accounts;
import io.tallystick.aggregator.account.Pseudonym;
import io.tallystick.aggregator.db.Database;
import io.tallystick.aggregator.web.Caller;
import io.tallystick.aggregator.web.Requests;
import io.tallystick.aggregator.web.Role;
import io.tallystick.common.error.ErrorCode;
import io.tallystick.common.error.Failure;
import io.tallystick.common.model.Quantity;
import io.vertx.core.Future;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/**
 * Usage as it stands this moment, added up for people: what is provisional may still grow, so no bill is made from this
 * (those come from {@code usage_line}). Sellers see the usage of their products under pseudonyms, buyers their own,
 * operators all. Reads only; each answer is one statement.
 */
public final class UsageReport {
    public static final Duration HOURS_RANGE_MAX = Duration.ofDays(32);
    public static final Duration DAYS_RANGE_MAX = Duration.ofDays(400);
    /** Sums in one answer; a query that finds more is refused and asked to be narrower. */
    public static final int ROWS_MAX = 20_000;

    static final int SUBSCRIPTIONS_MAX = 5_000;

    /** How long one sum is, in UTC. */
    public enum Bucket {
        HOUR,
        DAY;

        public String wire() {
            return name().toLowerCase(Locale.ROOT);
        }

        /** The bucket written so; {@link IllegalArgumentException} names the choices. */
        public static Bucket ofWire(String wire) {
            for (Bucket bucket : values()) {
                if (bucket.wire().equals(wire)) {
                    return bucket;
                }
            }
            throw new IllegalArgumentException("must be hour or day");
        }

        public Duration length() {
            return this == HOUR ? Duration.ofHours(1) : Duration.ofDays(1);
        }
    }

    /**
     * What is asked for; empty parts do not filter.
     *
     * @param from first hour
     * @param to the hour after the last
     * @param dimension its key, of whatever product
     * @param customer as {@link Row#customer} says it to the same caller
     * @param image of the instance, as the cloud names it
     */
    public record Query(
            Instant from,
            Instant to,
            Bucket bucket,
            Optional<String> product,
            Optional<String> dimension,
            Optional<String> customer,
            Optional<String> image) {}

    /**
     * One sum.
     *
     * @param start of the bucket
     * @param customer a pseudonym for sellers, an account id for buyers (their own) and operators
     * @param provisional whether a part of it has not been posted yet
     */
    public record Row(
            Instant start,
            String product,
            String productTitle,
            String dimension,
            String unit,
            String customer,
            String image,
            Quantity quantity,
            boolean provisional) {}

    /** A product somebody subscribed to at some time, and who, as {@link Row#customer}. */
    public record Subscription(String product, String productTitle, String customer) {}

    /** Whose usage a caller sees; one of the two, or none for operators. */
    record Scope(Optional<String> seller, Optional<String> buyer) {
        static Scope of(Caller caller) {
            return new Scope(
                    caller.account().filter(id -> caller.role() == Role.SELLER),
                    caller.account().filter(id -> caller.role() == Role.BUYER));
        }
    }

    private final Database database;
    private final Accounts accounts;
    private final UsageReportStore store = new UsageReportStore();

    public UsageReport(Database database, Accounts accounts) {
        this.database = database;
        this.accounts = accounts;
    }

    /**
     * The sums, by start, product, dimension, customer and image. A product or customer that is not the caller's
     * business simply has none. Fails with {@code too-large} beyond {@link #ROWS_MAX}.
     */
    public Future<List<Row>> read(Caller caller, Query query) {
        check(query);
        Scope scope = scope(caller);
        return names(scope).compose(names -> customerId(scope, query, names).compose(customer -> {
            if (customer.isEmpty() && query.customer().isPresent()) {
                return Future.succeededFuture(List.of());
            }
            return store.read(database.reads(), scope, query, customer).map(rows -> checkCount(rows).stream()
                    .map(row -> named(row, names))
                    .toList());
        }));
    }

    private static void check(Query query) {
        Duration max = query.bucket() == Bucket.HOUR ? HOURS_RANGE_MAX : DAYS_RANGE_MAX;
        if (!query.from().isBefore(query.to())) {
            throw Requests.invalid("to", "must be after from");
        }
        if (Duration.between(query.from(), query.to()).compareTo(max) > 0) {
            throw Requests.invalid(
                    "to",
                    "must be within " + max.toDays() + " days of from for sums by the "
                            + query.bucket().wire());
        }
    }

    private static List<Row> checkCount(List<Row> rows) {
        if (rows.size() > ROWS_MAX) {
            throw Failure.of(
                    ErrorCode.TOO_LARGE,
                    "more than " + ROWS_MAX + " sums: ask for a shorter time, a product, a dimension or a customer");
        }
        return rows;
    }

    private static Scope scope(Caller caller) {
        if (caller.role() == Role.BILLING) {
            throw Failure.of(ErrorCode.FORBIDDEN, "the billing job reads posted usage");
        }
        return Scope.of(caller);
    }

    /** What the caller has to do with: each product with each of its subscribers, by title and name. */
    public Future<List<Subscription>> subscriptions(Caller caller) {
        Scope scope = scope(caller);
        return names(scope)
                .compose(names -> store.subscriptions(database.reads(), scope).map(all -> all.stream()
                        .map(s -> new Subscription(s.product(), s.productTitle(), name(s.customer(), names)))
                        .toList()));
    }

    private Future<Optional<Pseudonym>> names(Scope scope) {
        return scope.seller()
                .map(seller -> accounts.pseudonyms(database.reads(), List.of(seller))
                        .map(all -> Optional.ofNullable(all.get(seller))))
                .orElseGet(() -> Future.succeededFuture(Optional.empty()));
    }

    private Future<Optional<String>> customerId(Scope scope, Query query, Optional<Pseudonym> names) {
        if (query.customer().isEmpty() || names.isEmpty()) {
            // A buyer has no other customer than itself.
            return Future.succeededFuture(
                    query.customer().filter(id -> scope.buyer().map(id::equals).orElse(true)));
        }
        return store.subscriptions(database.reads(), scope).map(all -> all.stream()
                .map(Subscription::customer)
                .filter(id -> name(id, names).equals(query.customer().get()))
                .findFirst());
    }

    private static String name(String accountId, Optional<Pseudonym> names) {
        return names.map(n -> n.of(accountId)).orElse(accountId);
    }

    private static Row named(Row row, Optional<Pseudonym> names) {
        return new Row(
                row.start(),
                row.product(),
                row.productTitle(),
                row.dimension(),
                row.unit(),
                name(row.customer(), names),
                row.image(),
                row.quantity(),
                row.provisional());
    }
}
