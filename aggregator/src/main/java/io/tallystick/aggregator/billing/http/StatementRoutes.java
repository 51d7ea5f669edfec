package io.tallystick.aggregator.billing.http;

import static io.tallystick.aggregator.web.Role.BILLING;
import static io.tallystick.aggregator.web.Role.BUYER;
import static io.tallystick.aggregator.web.Role.OPERATOR;
import static io.tallystick.aggregator.web.Role.SELLER;

import io.tallystick.aggregator.billing.Revenue;
import io.tallystick.aggregator.billing.Statements;
import io.tallystick.aggregator.billing.UsagePull;
import io.tallystick.aggregator.web.PageRequest;
import io.tallystick.aggregator.web.Requests;
import io.tallystick.aggregator.web.Responder;
import io.tallystick.aggregator.web.Route;
import io.tallystick.common.error.ErrorCode;
import io.tallystick.common.error.Failure;
import io.tallystick.common.json.Json;
import io.vertx.core.Future;
import io.vertx.ext.web.RoutingContext;
import java.time.YearMonth;
import java.time.format.DateTimeParseException;
import java.util.List;
import java.util.Map;

/** {@code /v1/billing/statements} and {@code /v1/billing/revenue}. */
public final class StatementRoutes {
    private static final int LINE_DIGITS_MAX = 9;

    private final Statements statements;
    private final Revenue revenue;

    public StatementRoutes(Statements statements, Revenue revenue) {
        this.statements = statements;
        this.revenue = revenue;
    }

    public List<Route> routes() {
        return List.of(
                Route.get("/v1/billing/statements", "listStatements")
                        .roles(OPERATOR, BILLING, BUYER, SELLER)
                        .paged()
                        .query("month", "account")
                        .to(Responder.json(200, this::list)),
                Route.get("/v1/billing/statements/{id}", "getStatement")
                        .roles(OPERATOR, BILLING, BUYER, SELLER)
                        .to(Responder.json(200, this::get)),
                Route.get("/v1/billing/statements/{id}/lines/{line}/charges", "pullStatementCharges")
                        .roles(OPERATOR, BILLING, BUYER)
                        .query("after", "limit")
                        .to(this::charges),
                Route.get("/v1/billing/revenue", "getRevenue")
                        .roles(OPERATOR, BILLING, SELLER)
                        .query("month")
                        .to(Responder.json(200, this::revenue)));
    }

    private Future<Map<String, Object>> list(RoutingContext ctx) {
        return statements
                .list(
                        Requests.caller(ctx),
                        Requests.query(ctx, "account", PullHttp::id),
                        Requests.query(ctx, "month", StatementRoutes::month),
                        PageRequest.of(ctx))
                .map(page -> page.json(s -> s));
    }

    private Future<Map<String, Object>> get(RoutingContext ctx) {
        return statements.get(Requests.caller(ctx), Requests.path(ctx, "id"));
    }

    private Future<?> charges(RoutingContext ctx) {
        UsagePull.Query query = PullHttp.place(ctx);
        return statements
                .charges(
                        Requests.caller(ctx),
                        Requests.path(ctx, "id"),
                        line(Requests.path(ctx, "line")),
                        query.after(),
                        query.limit())
                .compose(page -> PullHttp.sendCharges(ctx, page));
    }

    private Future<Map<String, Object>> revenue(RoutingContext ctx) {
        YearMonth month = Requests.query(ctx, "month", StatementRoutes::month)
                .orElseThrow(() -> Requests.invalid("month", "is missing"));
        return Requests.caller(ctx)
                .account()
                .map(seller -> revenue.byMonth(seller, month, month))
                .orElseGet(() -> revenue.ofAllByMonth(month, month))
                .map(rows -> Json.object(
                        "items", rows.stream().map(Revenue.Row::json).toList()));
    }

    private static YearMonth month(String text) {
        String rule = "must be a month such as 2026-11";
        if (!text.matches("[0-9]{4}-[0-9]{2}")) {
            throw new IllegalArgumentException(rule);
        }
        try {
            return YearMonth.parse(text);
        } catch (DateTimeParseException e) {
            throw new IllegalArgumentException(rule, e);
        }
    }

    private static int line(String text) {
        if (!text.matches("[0-9]{1," + LINE_DIGITS_MAX + "}")) {
            throw Failure.of(ErrorCode.NOT_FOUND, "there is no such line of this statement");
        }
        return Integer.parseInt(text);
    }
}
