package io.tallystick.aggregator.report;

import io.tallystick.aggregator.account.Accounts;
import io.tallystick.aggregator.account.Pseudonym;
import io.tallystick.aggregator.db.Columns;
import io.tallystick.aggregator.db.Database;
import io.tallystick.aggregator.db.Ids;
import io.tallystick.aggregator.web.Caller;
import io.tallystick.aggregator.web.Page;
import io.tallystick.aggregator.web.PageRequest;
import io.tallystick.common.error.ErrorCode;
import io.tallystick.common.error.Failure;
import io.tallystick.common.model.Hash;
import io.vertx.core.Future;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Makes reports once their day is closed, each seller's day by day and each day once, and gives them out for ever as they
 * were made.
 *
 * <p>A report of a day holds the lines of hours before the day's end that were booked by then and are in no earlier report of
 * the seller: the day's usage, and adjustments of older hours. So a seller who adds up all reports has every line once.
 */
public final class Reports {
    /** How often to look for days that are due. */
    public static final Duration EVERY = Duration.ofMinutes(1);
    /** Reports in one round: after a long absence the rest follows in the next. */
    static final int ROUND_MAX = 500;

    /** The bytes of a report, with what is said about them. */
    public record File(Report report, byte[] content) {
        @Override
        public String toString() {
            return report.toString();
        }
    }

    /** How long after a day's end its agreements are all there: far longer than a transaction takes. */
    static final Duration AGREEMENTS_CLOSED_AFTER = Duration.ofHours(1);

    /** What is not asked for by a caller of the API is made for all sellers. */
    private static final Report.Kind SCHEDULED = Report.Kind.USAGE_BY_INSTANCE_TYPE;

    /** Where a page ends; its key is the days since 1970 and the id. */
    private record Position(LocalDate day, String id) {
        static final Position START = new Position(LocalDate.EPOCH, "");
        private static final Pattern KEY = Pattern.compile("([0-9]{1,7}) ([!-~]{0,64})");

        static Position of(Report report) {
            return new Position(report.day(), report.id());
        }

        String key() {
            return day.toEpochDay() + " " + id;
        }

        static Position ofKey(String key) {
            Matcher parts = KEY.matcher(key);
            if (!parts.matches()) {
                throw new IllegalArgumentException("is no position");
            }
            return new Position(LocalDate.EPOCH.plusDays(Long.parseLong(parts.group(1))), parts.group(2));
        }
    }

    private final Database database;
    private final Accounts accounts;
    private final ReportStore store = new ReportStore();
    private final AgreementReportStore agreements = new AgreementReportStore();
    private final Ids ids;
    private final Clock clock;

    public Reports(Database database, Accounts accounts, Ids ids, Clock clock) {
        this.database = database;
        this.accounts = accounts;
        this.ids = ids;
        this.clock = clock;
    }

    /** Makes what is due, for all sellers, days that were missed included; answers how many it made. */
    public Future<Integer> makeDue() {
        return store.state(database.reads()).compose(state -> {
            if (!state.rated()) {
                return Future.succeededFuture(0);
            }
            return store.sellers(database.reads(), SCHEDULED).compose(sellers -> makeAll(sellers, 0, state, 0));
        });
    }

    private Future<Integer> makeAll(List<ReportStore.Seller> sellers, int index, ReportStore.State state, int made) {
        if (index >= sellers.size() || made >= ROUND_MAX) {
            return Future.succeededFuture(made);
        }
        ReportStore.Seller seller = sellers.get(index);
        if (!isClosed(seller, seller.next(), state)) {
            return makeAll(sellers, index + 1, state, made);
        }
        return make(SCHEDULED, seller, state)
                .compose(report -> store.seller(database.reads(), SCHEDULED, seller.id()))
                .compose(after -> {
                    // Another process may have been quicker; either way the next day is this one's successor.
                    after.ifPresent(s -> sellers.set(index, s));
                    return makeAll(sellers, index, state, made + 1);
                });
    }

    /**
     * The report of this day, made now if it is not there yet. A seller asks for its own, an operator for anybody's. Fails
     * with {@code not-closed} while the day's usage is not all posted and rated, or its agreements may not all be there yet, and
     * with {@code not-found} where the seller has no usage, or no agreement, on that day or before.
     */
    public Future<Report> make(Caller caller, Report.Kind kind, LocalDate day, Optional<String> asked) {
        String seller = caller.account().or(() -> asked).orElseThrow(Reports::noSeller);
        if (asked.isPresent() && !asked.get().equals(seller)) {
            return Future.failedFuture(noSeller());
        }
        return store.byDay(database.reads(), kind, seller, day).compose(found -> {
            if (found.isPresent()) {
                return Future.succeededFuture(found.get());
            }
            return switch (kind) {
                case USAGE_BY_INSTANCE_TYPE ->
                    store.state(database.reads()).compose(state -> makeUpTo(kind, seller, day, state));
                case AGREEMENTS_AND_RENEWALS -> makeOfAgreements(seller, day);
            };
        });
    }

    /** Of one day alone, so in any order and only those that somebody asks for. */
    private Future<Report> makeOfAgreements(String sellerId, LocalDate day) {
        Instant closed = end(day).plus(AGREEMENTS_CLOSED_AFTER);
        if (clock.instant().isBefore(closed)) {
            throw Failure.of(ErrorCode.NOT_CLOSED, "day: " + day + " can be reported from " + closed + " on");
        }
        return agreements.first(database.reads(), sellerId).compose(first -> {
            if (first.filter(f -> f.isBefore(end(day))).isEmpty()) {
                throw Failure.of(ErrorCode.NOT_FOUND, "day: there is no agreement on it or before it");
            }
            return accounts.pseudonyms(database.reads(), List.of(sellerId)).compose(keys -> {
                Pseudonym buyers = Optional.ofNullable(keys.get(sellerId)).orElseThrow(Reports::noSeller);
                return database.transactor()
                        .inTx(tx -> agreements
                                .rows(tx, sellerId, start(day), end(day))
                                .compose(rows -> {
                                    byte[] content = AgreementsAndRenewals.csv(rows, buyers);
                                    return store.insert(
                                            tx,
                                            report(
                                                    Report.Kind.AGREEMENTS_AND_RENEWALS,
                                                    sellerId,
                                                    day,
                                                    0,
                                                    rows.size(),
                                                    content),
                                            0,
                                            content);
                                }))
                        // Somebody may have been quicker.
                        .compose(done ->
                                store.byDay(database.reads(), Report.Kind.AGREEMENTS_AND_RENEWALS, sellerId, day))
                        .map(Optional::orElseThrow);
            });
        });
    }

    private Report report(Report.Kind kind, String sellerId, LocalDate day, long lines, int rows, byte[] content) {
        return new Report(
                ids.next("rep"),
                kind,
                sellerId,
                day,
                lines,
                rows,
                Columns.micros(clock.instant()),
                content.length,
                Hash.of(content));
    }

    private Future<Report> makeUpTo(Report.Kind kind, String sellerId, LocalDate day, ReportStore.State state) {
        return store.seller(database.reads(), kind, sellerId).compose(found -> {
            ReportStore.Seller seller = found.orElseThrow(
                    () -> Failure.of(ErrorCode.NOT_FOUND, "seller: there is no usage to report, or no such seller"));
            if (seller.next().isAfter(day)) {
                // Made in the meantime, or before everything.
                return store.byDay(database.reads(), kind, sellerId, day)
                        .map(made -> made.orElseThrow(
                                () -> Failure.of(ErrorCode.NOT_FOUND, "day: there is no usage on it or before it")));
            }
            if (!state.rated() || !isClosed(seller, day, state)) {
                throw Failure.of(
                        ErrorCode.NOT_CLOSED,
                        "day: " + day + " can be reported once its usage is posted and rated, not before "
                                + closedFrom(seller, day));
            }
            return make(kind, seller, state).compose(done -> makeUpTo(kind, sellerId, day, state));
        });
    }

    /** Makes the report of the seller's next day. */
    private Future<Void> make(Report.Kind kind, ReportStore.Seller seller, ReportStore.State state) {
        return accounts.pseudonyms(database.reads(), List.of(seller.id())).compose(keys -> {
            Pseudonym buyers = Optional.ofNullable(keys.get(seller.id())).orElseThrow(Reports::noSeller);
            return database.transactor()
                    .inTx(tx -> store.rows(tx, seller, start(seller.next()), end(seller.next()), state)
                            .compose(rows -> {
                                byte[] content = UsageByInstanceType.csv(rows, buyers);
                                long lines = rows.stream()
                                        .mapToLong(UsageByInstanceType.Row::lines)
                                        .sum();
                                return store.insert(
                                        tx,
                                        report(kind, seller.id(), seller.next(), lines, rows.size(), content),
                                        state.posted(),
                                        content);
                            }));
        });
    }

    private static boolean isClosed(ReportStore.Seller seller, LocalDate day, ReportStore.State state) {
        return state.closedThrough()
                .map(closed -> !closed.isBefore(closedFrom(seller, day)))
                .orElse(false);
    }

    /** From when on the day's last hour has been posted, unless posting stands still. */
    private static Instant closedFrom(ReportStore.Seller seller, LocalDate day) {
        return end(day).plus(seller.closeDelay());
    }

    /** Reports the caller may see, by day: a seller its own, an operator all or those of one seller. */
    public Future<Page<Report>> list(Caller caller, Optional<String> asked, PageRequest page) {
        Optional<String> seller = caller.account().or(() -> asked);
        if (asked.isPresent() && !asked.equals(seller)) {
            return Future.failedFuture(noSeller());
        }
        Position after = page.after(Position::ofKey).orElse(Position.START);
        return store.page(database.reads(), seller, after.day(), after.id(), page.limit() + 1)
                .map(rows -> Page.of(rows, page, r -> Position.of(r).key()));
    }

    /** One report the caller may see, with its bytes. */
    public Future<File> file(Caller caller, String id) {
        return store.file(database.reads(), id).map(found -> found.filter(
                        f -> caller.account().map(f.report().sellerId()::equals).orElse(true))
                .orElseThrow(() -> Failure.of(ErrorCode.NOT_FOUND, "there is no such report")));
    }

    private static Failure noSeller() {
        return Failure.of(ErrorCode.NOT_FOUND, "seller: there is no such seller, or not for you");
    }

    private static Instant start(LocalDate day) {
        return day.atStartOfDay(ZoneOffset.UTC).toInstant();
    }

    private static Instant end(LocalDate day) {
        return start(day.plusDays(1));
    }
}
