package io.tallystick.aggregator.portal;

import io.tallystick.aggregator.billing.Revenue;
import io.tallystick.aggregator.billing.Statements;
import io.tallystick.aggregator.portal.pages.JterevenueGenerated;
import io.tallystick.aggregator.portal.pages.JtestatementGenerated;
import io.tallystick.aggregator.portal.pages.JtestatementsGenerated;
import io.tallystick.aggregator.web.Caller;
import io.tallystick.aggregator.web.PageRequest;
import io.tallystick.aggregator.web.Requests;
import io.tallystick.aggregator.web.Role;
import io.tallystick.aggregator.web.Route;
import io.vertx.core.Future;
import io.vertx.ext.web.RoutingContext;
import java.time.Clock;
import java.time.YearMonth;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Optional;

/** What sellers earn by month, and the statements of closed months for those on either side of them. */
final class RevenuePages {
    /** The current month and those before it. */
    private static final int MONTHS = 12;

    private final Revenue revenue;
    private final Statements statements;
    private final Html html;
    private final Clock clock;

    RevenuePages(Revenue revenue, Statements statements, Html html, Clock clock) {
        this.revenue = revenue;
        this.statements = statements;
        this.html = html;
        this.clock = clock;
    }

    List<Route> routes() {
        return List.of(
                Route.get("/portal/revenue", "revenuePage")
                        .page(Role.SELLER, Role.OPERATOR)
                        .to(this::revenue),
                Route.get("/portal/statements", "statementsPage")
                        .page(Role.BUYER, Role.SELLER, Role.OPERATOR)
                        .paged()
                        .to(this::statements),
                Route.get("/portal/statements/{id}", "statementPage")
                        .page(Role.BUYER, Role.SELLER, Role.OPERATOR)
                        .to(this::statement));
    }

    private Future<Void> revenue(RoutingContext ctx) {
        Caller caller = Requests.caller(ctx);
        YearMonth to = YearMonth.from(clock.instant().atOffset(ZoneOffset.UTC));
        YearMonth from = to.minusMonths(MONTHS - 1);
        Future<List<Revenue.Row>> rows = caller.account()
                .map(seller -> revenue.byMonth(seller, from, to))
                .orElseGet(() -> revenue.ofAllByMonth(from, to));
        return rows.compose(
                found -> html.send(ctx, 200, (output, page) -> JterevenueGenerated.render(output, null, page, found)));
    }

    private Future<Void> statements(RoutingContext ctx) {
        return statements
                .list(Requests.caller(ctx), Optional.empty(), Optional.empty(), PageRequest.of(ctx))
                .compose(found -> html.send(
                        ctx,
                        200,
                        (output, page) -> JtestatementsGenerated.render(
                                output,
                                null,
                                page,
                                found.items().stream().map(StatementView::of).toList(),
                                found.nextParameter().orElse(null))));
    }

    private Future<Void> statement(RoutingContext ctx) {
        return statements
                .get(Requests.caller(ctx), Requests.path(ctx, "id"))
                .map(StatementView::of)
                .compose(found ->
                        html.send(ctx, 200, (output, page) -> JtestatementGenerated.render(output, null, page, found)));
    }
}
