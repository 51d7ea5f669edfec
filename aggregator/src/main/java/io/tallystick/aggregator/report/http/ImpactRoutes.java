package io.tallystick.aggregator.report.http;

import static io.tallystick.aggregator.web.Role.OPERATOR;
import static io.tallystick.aggregator.web.Role.SELLER;

import io.tallystick.aggregator.report.Impact;
import io.tallystick.aggregator.web.Requests;
import io.tallystick.aggregator.web.Responder;
import io.tallystick.aggregator.web.Route;
import java.util.List;

/** What would this hit? */
public final class ImpactRoutes {
    private final Impact impact;

    public ImpactRoutes(Impact impact) {
        this.impact = impact;
    }

    public List<Route> routes() {
        return List.of(
                Route.get("/v1/products/{id}/impact", "getProductImpact")
                        .roles(OPERATOR, SELLER)
                        .to(Responder.json(200, ctx -> impact.ofProduct(Requests.caller(ctx), Requests.path(ctx, "id"))
                                .map(Impact.Touched::json))),
                Route.get("/v1/versions/{id}/impact", "getVersionImpact")
                        .roles(OPERATOR, SELLER)
                        .to(Responder.json(200, ctx -> impact.ofVersion(Requests.caller(ctx), Requests.path(ctx, "id"))
                                .map(Impact.Touched::json))));
    }
}
