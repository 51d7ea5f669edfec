package io.tallystick.aggregator.usage;

import io.tallystick.aggregator.account.Accounts;
import io.tallystick.aggregator.account.Pseudonym;
import io.tallystick.aggregator.db.Database;
import io.tallystick.aggregator.web.Caller;
import io.tallystick.aggregator.web.Role;
import io.tallystick.common.error.ErrorCode;
import io.tallystick.common.error.Failure;
import io.tallystick.common.model.Quantity;
import io.vertx.core.Future;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.util.Comparator;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;

/**
 * Usage as it stands this moment, added up for people and programs: what is provisional may still grow, so no bill is made
 * from this (those come from {@code usage_line}). Sellers see the usage of their products under pseudonyms, buyers their
 * own, operators all. Reads only; each answer is one statement. The dashboard and {@code GET /v1/usage} both ask here.
 */
public final class UsageReport {
    public static final Duration HOURS_RANGE_MAX = Duration.ofDays(32);
    public static final Duration DAYS_RANGE_MAX = Duration.ofDays(400);
    public static final Duration MONTHS_RANGE_MAX = Duration.ofDays(1100);
    /** Sums in one answer; a query that finds more is refused and asked to be narrower. */
    public static final int ROWS_MAX = 20_000;

    /** Instead of a version's id: instances of images that belong to no version, such as those buyers derived. */
    public static final String NO_VERSION = "none";

    /** Nothing was metered before, and nobody asks about later: what lies beyond is a slip. */
    public static final Instant EARLIEST = Instant.parse("2000-01-01T00:00:00Z");

    public static final Instant LATEST = Instant.parse("3000-01-01T00:00:00Z");

    static final int SUBSCRIPTIONS_MAX = 5_000;

    /** How long one sum is. */
    public enum Bucket {
        HOUR,
        DAY,
        MONTH;

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
            throw new IllegalArgumentException("must be hour, day or month; usage is kept by the hour");
        }
    }

    /** By what sums are divided, besides time, product and dimension, which always divide them: units differ by dimension. */
    public enum Part {
        CUSTOMER,
        VERSION,
        IMAGE,
        INSTANCE;

        public String wire() {
            return name().toLowerCase(Locale.ROOT);
        }

        /** The part written so; {@link IllegalArgumentException} names the choices. */
        public static Part ofWire(String wire) {
            for (Part part : values()) {
                if (part.wire().equals(wire)) {
                    return part;
                }
            }
            throw new IllegalArgumentException("must be a list of customer, version, image and instance");
        }
    }

    /**
     * What is asked for; empty parts do not filter.
     *
     * @param from first moment; hours that begin from then on
     * @param to the moment after the last
     * @param zone whose days and months are meant
     * @param parts what the sums are divided by
     * @param dimension its key, of whatever product
     * @param customer as {@link Row#customer} says it to the same caller
     * @param version its id, or {@link #NO_VERSION}
     * @param image of the instance, as the cloud names it
     */
    public record Query(
            Instant from,
            Instant to,
            Bucket bucket,
            ZoneId zone,
            Set<Part> parts,
            Optional<String> product,
            Optional<String> dimension,
            Optional<String> customer,
            Optional<String> version,
            Optional<String> image) {
        public Query {
            parts = parts.isEmpty() ? Set.of() : Set.copyOf(EnumSet.copyOf(parts));
        }
    }

    /**
     * One sum. A part that sums are not divided by is empty.
     *
     * @param start of the window
     * @param end of the window, exclusive
     * @param customer a pseudonym for sellers, an account id for buyers (their own) and operators
     * @param version the id of the version whose image or copy the instance runs, empty where it belongs to none
     * @param provisional whether a part of it has not been posted yet, or the window has not ended
     */
    public record Row(
            Instant start,
            Instant end,
            String product,
            String productTitle,
            String dimension,
            String unit,
            String customer,
            String version,
            String versionTitle,
            String image,
            String instance,
            Quantity quantity,
            boolean provisional) {
        /** What tells it from every other sum of the same answer. */
        public List<String> key() {
            return List.of(start.toString(), productTitle, product, dimension, customer, version, image, instance);
        }
    }

    private static final Comparator<Row> ORDER = Comparator.comparing(Row::start)
            .thenComparing(Row::productTitle)
            .thenComparing(Row::product)
            .thenComparing(Row::dimension)
            .thenComparing(Row::customer)
            .thenComparing(Row::versionTitle)
            .thenComparing(Row::version)
            .thenComparing(Row::image)
            .thenComparing(Row::instance);

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
    private final Clock clock;
    private final UsageReportStore store = new UsageReportStore();

    public UsageReport(Database database, Accounts accounts, Clock clock) {
        this.database = database;
        this.accounts = accounts;
        this.clock = clock;
    }

    /**
     * The sums, by start, product, dimension, customer, version, image and instance, as the caller reads these. A product or
     * customer that is not the caller's business simply has none. Fails with {@code too-large} beyond {@link #ROWS_MAX}.
     */
    public Future<List<Row>> read(Caller caller, Query query) {
        UsageWindows windows = UsageWindows.of(query.from(), query.to(), query.bucket(), query.zone());
        Scope scope = scope(caller);
        Instant now = clock.instant();
        return names(scope).compose(names -> customerId(scope, query, names).compose(customer -> {
            if (customer.isEmpty() && query.customer().isPresent()) {
                return Future.succeededFuture(List.of());
            }
            return store.read(database.reads(), scope, query, windows, customer).map(rows -> checkCount(rows).stream()
                    .map(row -> named(row, names, now))
                    .sorted(ORDER)
                    .toList());
        }));
    }

    /** A zone of the time zone database, such as {@code Europe/Paris}, or UTC; else {@link IllegalArgumentException}. */
    public static ZoneId zone(String name) {
        return UsageWindows.zone(name);
    }

    /** Where each window of the query begins, with usage or without. */
    public static List<Instant> starts(Query query) {
        return UsageWindows.of(query.from(), query.to(), query.bucket(), query.zone())
                .starts();
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
        return accountId.isEmpty() ? "" : names.map(n -> n.of(accountId)).orElse(accountId);
    }

    private static Row named(Row row, Optional<Pseudonym> names, Instant now) {
        return new Row(
                row.start(),
                row.end(),
                row.product(),
                row.productTitle(),
                row.dimension(),
                row.unit(),
                name(row.customer(), names),
                row.version(),
                row.versionTitle(),
                row.image(),
                row.instance(),
                row.quantity(),
                row.provisional() || row.end().isAfter(now));
    }
}
