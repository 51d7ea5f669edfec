package io.tallystick.aggregator.portal;

import io.tallystick.aggregator.portal.pages.JteusageGenerated;
import io.tallystick.aggregator.usage.UsageReport;
import io.tallystick.aggregator.usage.UsageReport.Bucket;
import io.tallystick.aggregator.usage.UsageReport.Part;
import io.tallystick.aggregator.web.Caller;
import io.tallystick.aggregator.web.Requests;
import io.tallystick.aggregator.web.Role;
import io.tallystick.aggregator.web.Route;
import io.vertx.core.Future;
import io.vertx.core.http.HttpHeaders;
import io.vertx.ext.web.RoutingContext;
import java.time.Clock;
import java.time.Instant;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.time.format.DateTimeParseException;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/** The usage dashboard, and its rows as CSV. */
final class UsagePages {
    private static final String[] PARAMETERS = {
        "from", "to", "by", "split", "product", "dimension", "customer", "version"
    };
    private static final Set<Part> PARTS = Set.of(Part.CUSTOMER, Part.VERSION, Part.IMAGE);
    /** Days shown when nothing is asked for, today included. */
    private static final int DAYS_DEFAULT = 7;

    private final UsageReport report;
    private final Html html;
    private final Clock clock;

    UsagePages(UsageReport report, Html html, Clock clock) {
        this.report = report;
        this.html = html;
        this.clock = clock;
    }

    List<Route> routes() {
        return List.of(
                Route.get("/portal/usage", "usagePage")
                        .page(Role.SELLER, Role.BUYER, Role.OPERATOR)
                        .query(PARAMETERS)
                        .to(this::page),
                Route.get("/portal/usage.csv", "usageCsv")
                        .page(Role.SELLER, Role.BUYER, Role.OPERATOR)
                        .query(PARAMETERS)
                        .to(this::csv));
    }

    private Future<Void> page(RoutingContext ctx) {
        Caller caller = Requests.caller(ctx);
        UsageView.Filter filter = filter(ctx);
        return report.subscriptions(caller)
                .compose(subscriptions -> report.read(caller, query(filter)).compose(rows -> {
                    UsageView view = UsageView.of(
                            filter,
                            UsageReport.starts(query(filter)),
                            subscriptions,
                            rows,
                            clock.instant(),
                            caller.role() != Role.BUYER);
                    return html.send(ctx, 200, (output, page) -> JteusageGenerated.render(output, null, page, view));
                }));
    }

    private Future<Void> csv(RoutingContext ctx) {
        UsageView.Filter filter = filter(ctx);
        return report.read(Requests.caller(ctx), query(filter)).compose(rows -> html.headers(ctx)
                .putHeader(HttpHeaders.CONTENT_TYPE, "text/csv; charset=utf-8; header=present")
                .putHeader(
                        "Content-Disposition",
                        "attachment; filename=\"usage-" + filter.from() + "-" + filter.to() + ".csv\"")
                .end(UsageCsv.write(rows)));
    }

    private UsageView.Filter filter(RoutingContext ctx) {
        LocalDate today = LocalDate.ofInstant(clock.instant(), ZoneOffset.UTC);
        LocalDate to = text(ctx, "to").map(t -> day("to", t)).orElse(today);
        LocalDate from = text(ctx, "from").map(t -> day("from", t)).orElse(to.minusDays(DAYS_DEFAULT - 1));
        Bucket bucket = Requests.query(ctx, "by", Bucket::ofWire).orElse(Bucket.DAY);
        return new UsageView.Filter(
                from,
                to,
                bucket,
                Requests.query(ctx, "split", UsageView.Split::ofWire).orElse(UsageView.Split.NONE),
                text(ctx, "product"),
                text(ctx, "dimension"),
                text(ctx, "customer"),
                text(ctx, "version"));
    }

    /** A form sends a field that was left alone as an empty one. */
    private static Optional<String> text(RoutingContext ctx, String name) {
        return Requests.query(ctx, name).filter(t -> !t.isEmpty()).map(t -> {
            if (t.indexOf('\0') >= 0) {
                throw Requests.invalid(name, "must not contain U+0000");
            }
            return t;
        });
    }

    private static LocalDate day(String name, String text) {
        try {
            LocalDate day = LocalDate.parse(text);
            if (day.getYear() >= 2000 && day.getYear() < 3000) {
                return day;
            }
        } catch (DateTimeParseException e) {
            // Told below.
        }
        throw Requests.invalid(name, "must be a day such as 2026-03-10");
    }

    private static UsageReport.Query query(UsageView.Filter filter) {
        return new UsageReport.Query(
                start(filter.from()),
                start(filter.to().plusDays(1)),
                filter.bucket(),
                ZoneOffset.UTC,
                PARTS,
                filter.product(),
                filter.dimension(),
                filter.customer(),
                filter.version(),
                Optional.empty());
    }

    private static Instant start(LocalDate day) {
        return day.atStartOfDay(ZoneOffset.UTC).toInstant();
    }
}
