package io.tallystick.aggregator.report.http;

import static io.tallystick.aggregator.web.Role.OPERATOR;
import static io.tallystick.aggregator.web.Role.SELLER;

import io.tallystick.aggregator.report.Report;
import io.tallystick.aggregator.report.Reports;
import io.tallystick.aggregator.web.PageRequest;
import io.tallystick.aggregator.web.Requests;
import io.tallystick.aggregator.web.Responder;
import io.tallystick.aggregator.web.Role;
import io.tallystick.aggregator.web.Route;
import io.tallystick.common.json.Fields;
import io.vertx.core.Future;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpHeaders;
import io.vertx.ext.web.RoutingContext;
import java.time.LocalDate;
import java.time.format.DateTimeParseException;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** {@code /v1/reports}: sellers' reports. */
public final class ReportRoutes {
    private static final int ID_CHARS_MAX = 64;
    private static final String CSV = "text/csv; charset=utf-8";

    private final Reports reports;

    public ReportRoutes(Reports reports) {
        this.reports = reports;
    }

    public List<Route> routes() {
        return List.of(
                Route.get("/v1/reports", "listReports")
                        .roles(OPERATOR, SELLER)
                        .paged()
                        .query("seller")
                        .to(Responder.json(200, this::list)),
                Route.post("/v1/reports", "makeReport")
                        .roles(OPERATOR, SELLER)
                        .json()
                        .to(Responder.json(200, this::make)),
                Route.get("/v1/reports/{id}", "getReport")
                        .roles(OPERATOR, SELLER)
                        .to(this::get));
    }

    private Future<Map<String, Object>> list(RoutingContext ctx) {
        Optional<String> seller = Requests.query(ctx, "seller", ReportRoutes::id);
        return reports.list(Requests.caller(ctx), seller, PageRequest.of(ctx)).map(page -> page.json(Report::json));
    }

    private Future<Map<String, Object>> make(RoutingContext ctx) {
        Fields in = Requests.json(ctx);
        Report.Kind kind = in.parsed("kind", Report.Kind::ofWire, Report.Kind.USAGE_BY_INSTANCE_TYPE);
        LocalDate day = in.parsed("day", ReportRoutes::day, LocalDate.EPOCH);
        Optional<String> seller = in.optionalString("seller", ID_CHARS_MAX);
        if (seller.isEmpty() && Requests.caller(ctx).role() == Role.OPERATOR) {
            in.problem("seller", "is missing");
        }
        in.done();
        return reports.make(Requests.caller(ctx), kind, day, seller).map(Report::json);
    }

    private Future<?> get(RoutingContext ctx) {
        return reports.file(Requests.caller(ctx), Requests.path(ctx, "id")).compose(file -> ctx.response()
                .putHeader(HttpHeaders.CONTENT_TYPE, CSV)
                .putHeader(
                        "Content-Disposition",
                        "attachment; filename=\"" + file.report().fileName() + "\"")
                .putHeader("Tallystick-Report-Sha256", file.report().sha256().toString())
                .end(Buffer.buffer(file.content())));
    }

    private static LocalDate day(String text) {
        try {
            LocalDate day = LocalDate.parse(text);
            if (text.length() != "2026-11-21".length()) {
                throw new IllegalArgumentException("must be a day such as 2026-11-21");
            }
            return day;
        } catch (DateTimeParseException e) {
            throw new IllegalArgumentException("must be a day such as 2026-11-21", e);
        }
    }

    private static String id(String text) {
        if (!text.matches("[!-~]{1," + ID_CHARS_MAX + "}")) {
            throw new IllegalArgumentException("must be an id of 1 to " + ID_CHARS_MAX + " characters");
        }
        return text;
    }
}
