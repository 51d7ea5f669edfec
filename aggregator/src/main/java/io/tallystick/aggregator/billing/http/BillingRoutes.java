package io.tallystick.aggregator.billing.http;

import static io.tallystick.aggregator.web.Role.BILLING;
import static io.tallystick.aggregator.web.Role.BUYER;
import static io.tallystick.aggregator.web.Role.OPERATOR;

import io.tallystick.aggregator.billing.ChargePull;
import io.tallystick.aggregator.billing.Explanation;
import io.tallystick.aggregator.billing.FocusFormat;
import io.tallystick.aggregator.billing.LineFormat;
import io.tallystick.aggregator.billing.UsagePull;
import io.tallystick.aggregator.usage.Evidence;
import io.tallystick.aggregator.web.Page;
import io.tallystick.aggregator.web.PageRequest;
import io.tallystick.aggregator.web.Requests;
import io.tallystick.aggregator.web.Responder;
import io.tallystick.aggregator.web.Route;
import io.vertx.core.Future;
import io.vertx.ext.web.RoutingContext;
import java.util.List;
import java.util.Map;

/** {@code /v1/billing}: the pulls of booked usage and of charges. */
public final class BillingRoutes {
    private static final byte[] NOTHING = new byte[0];

    private final UsagePull pull;
    private final ChargePull charges;
    private final Explanation explanation;

    public BillingRoutes(UsagePull pull, ChargePull charges, Explanation explanation) {
        this.pull = pull;
        this.charges = charges;
        this.explanation = explanation;
    }

    public List<Route> routes() {
        return List.of(
                Route.get("/v1/billing/usage", "pullUsage")
                        .roles(OPERATOR, BILLING, BUYER)
                        .query(PullHttp.PARAMETERS)
                        .to(this::usage),
                Route.get("/v1/billing/charges", "pullCharges")
                        .roles(OPERATOR, BILLING, BUYER)
                        .query(PullHttp.PARAMETERS)
                        .to(this::charges),
                Route.get("/v1/billing/charges/focus", "pullFocus")
                        .roles(OPERATOR, BILLING, BUYER)
                        .query(PullHttp.PARAMETERS)
                        .to(this::focus),
                Route.get("/v1/billing/usage/{id}/evidence", "explainUsage")
                        .roles(OPERATOR, BILLING, BUYER)
                        .query("after")
                        .to(Responder.json(200, this::explain)),
                Route.get("/v1/billing/runs", "listRuns")
                        .roles(OPERATOR, BILLING)
                        .paged()
                        .to(Responder.json(200, this::runs)));
    }

    private Future<?> usage(RoutingContext ctx) {
        boolean csv = PullHttp.wantsCsv(ctx);
        return pull.page(PullHttp.query(ctx))
                .compose(page -> PullHttp.send(
                        ctx,
                        csv ? PullHttp.CSV : PullHttp.NDJSON,
                        csv ? LineFormat.csvHeader() : NOTHING,
                        page.lines(),
                        csv ? LineFormat::csv : LineFormat::ndjson,
                        page.next(),
                        page.more()));
    }

    private Future<?> charges(RoutingContext ctx) {
        return charges.page(PullHttp.query(ctx)).compose(page -> PullHttp.sendCharges(ctx, page));
    }

    private Future<Map<String, Object>> explain(RoutingContext ctx) {
        // An id that cannot be one is an id that is not there.
        String id = Requests.path(ctx, "id");
        return explanation.of(
                Requests.caller(ctx),
                id.matches("[0-9]{1,18}\\.[0-9]{1,18}") ? UsagePull.Cursor.parse(id) : UsagePull.Cursor.START,
                Requests.query(ctx, "after", Evidence.Place::parse).orElse(Evidence.Place.START));
    }

    private Future<?> focus(RoutingContext ctx) {
        return charges.page(PullHttp.query(ctx))
                .compose(page -> PullHttp.send(
                        ctx,
                        PullHttp.CSV,
                        FocusFormat.csvHeader(),
                        page.charges(),
                        FocusFormat::csv,
                        page.next(),
                        page.more()));
    }

    private Future<Map<String, Object>> runs(RoutingContext ctx) {
        PageRequest page = PageRequest.of(ctx);
        long after = page.afterNumber();
        return pull.closedThrough()
                .compose(closed -> pull.runs(after, page.limit() + 1).map(rows -> {
                    Map<String, Object> json =
                            Page.of(rows, page, r -> Long.toString(r.run())).json(UsagePull.Run::toJson);
                    closed.ifPresent(c -> json.put("closedThrough", c));
                    return json;
                }));
    }
}
