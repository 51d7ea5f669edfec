package io.tallystick.aggregator.agreement.http;

import static io.tallystick.aggregator.web.Role.BUYER;
import static io.tallystick.aggregator.web.Role.OPERATOR;
import static io.tallystick.aggregator.web.Role.SELLER;

import io.tallystick.aggregator.agreement.Amendments;
import io.tallystick.aggregator.web.Caller;
import io.tallystick.aggregator.web.PageRequest;
import io.tallystick.aggregator.web.Requests;
import io.tallystick.aggregator.web.Responder;
import io.tallystick.aggregator.web.Route;
import io.tallystick.common.json.Fields;
import io.vertx.core.Future;
import io.vertx.ext.web.RoutingContext;
import io.vertx.sqlclient.SqlClient;
import java.util.List;
import java.util.Map;

/** What an agreement buys by the year: {@code /v1/agreements/{id}/years}, {@code …/amendments} and {@code …/quotes}. */
public final class AmendmentRoutes {
    private final Amendments amendments;
    private final SqlClient reads;

    public AmendmentRoutes(Amendments amendments, SqlClient reads) {
        this.amendments = amendments;
        this.reads = reads;
    }

    public List<Route> routes() {
        return List.of(
                Route.post("/v1/agreements/{id}/years", "buyYear")
                        .roles(OPERATOR, BUYER)
                        .json()
                        .to(Responder.json(201, ctx -> change(ctx, amendments::buy))),
                Route.post("/v1/agreements/{id}/amendments", "amendAgreement")
                        .roles(OPERATOR, BUYER)
                        .json()
                        .to(Responder.json(201, ctx -> change(ctx, amendments::amend))),
                Route.post("/v1/agreements/{id}/quotes", "quoteAmendment")
                        .roles(OPERATOR, BUYER)
                        .json()
                        .to(Responder.json(
                                200,
                                ctx -> change(
                                        ctx,
                                        (caller, id, request, in) ->
                                                amendments.quote(caller, reads, id, request, in)))),
                Route.get("/v1/agreements/{id}/amendments", "listAmendments")
                        .roles(OPERATOR, SELLER, BUYER)
                        .paged()
                        .to(Responder.json(200, this::list)));
    }

    /** A change, or what it would cost. */
    @FunctionalInterface
    private interface Change {
        Future<Map<String, Object>> of(Caller caller, String id, Amendments.Request request, Fields in);
    }

    private static Future<Map<String, Object>> change(RoutingContext ctx, Change change) {
        Fields in = Requests.json(ctx);
        Amendments.Request request = Amendments.Request.read(in);
        in.done();
        return change.of(Requests.caller(ctx), Requests.path(ctx, "id"), request, in);
    }

    private Future<Map<String, Object>> list(RoutingContext ctx) {
        return amendments
                .list(reads, Requests.caller(ctx), Requests.path(ctx, "id"), PageRequest.of(ctx))
                .map(page -> page.json(a -> a));
    }
}
