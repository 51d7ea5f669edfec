package io.tallystick.aggregator.catalog.http;

import static io.tallystick.aggregator.web.Role.BUYER;
import static io.tallystick.aggregator.web.Role.OPERATOR;
import static io.tallystick.aggregator.web.Role.SELLER;

import io.tallystick.aggregator.catalog.Offers;
import io.tallystick.aggregator.catalog.Rate;
import io.tallystick.aggregator.web.PageRequest;
import io.tallystick.aggregator.web.Requests;
import io.tallystick.aggregator.web.Responder;
import io.tallystick.aggregator.web.Route;
import io.tallystick.common.json.Fields;
import io.vertx.core.Future;
import io.vertx.ext.web.RoutingContext;
import io.vertx.sqlclient.SqlClient;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** {@code /v1/products/{id}/offers} and {@code /v1/offers}. */
public final class OfferRoutes {
    private final Offers offers;
    private final SqlClient reads;

    public OfferRoutes(Offers offers, SqlClient reads) {
        this.offers = offers;
        this.reads = reads;
    }

    public List<Route> routes() {
        return List.of(
                Route.post("/v1/products/{id}/offers", "createOffer")
                        .roles(OPERATOR, SELLER)
                        .json()
                        .to(Responder.json(201, this::create)),
                Route.get("/v1/products/{id}/offers", "listOffers")
                        .roles(OPERATOR, SELLER, BUYER)
                        .paged()
                        .to(Responder.json(200, this::list)),
                Route.get("/v1/offers/{id}", "getOffer")
                        .roles(OPERATOR, SELLER, BUYER)
                        .to(Responder.json(200, this::get)),
                Route.post("/v1/offers/{id}/close", "closeOffer")
                        .roles(OPERATOR, SELLER)
                        .json()
                        .to(Responder.json(200, this::close)),
                Route.post("/v1/offers/{id}/rates", "addRate")
                        .roles(OPERATOR, SELLER)
                        .json()
                        .to(Responder.json(201, this::addRate)));
    }

    private Future<Map<String, Object>> create(RoutingContext ctx) {
        Fields in = Requests.json(ctx);
        Offers.NewOffer wanted = Offers.NewOffer.read(in);
        return offers.create(Requests.caller(ctx), Requests.path(ctx, "id"), wanted, in);
    }

    private Future<Map<String, Object>> list(RoutingContext ctx) {
        return offers.list(reads, Requests.caller(ctx), Requests.path(ctx, "id"), PageRequest.of(ctx))
                .map(page -> page.json(o -> o));
    }

    private Future<Map<String, Object>> get(RoutingContext ctx) {
        return offers.get(reads, Requests.caller(ctx), Requests.path(ctx, "id"));
    }

    private Future<Map<String, Object>> close(RoutingContext ctx) {
        Fields in = Requests.json(ctx);
        Optional<Instant> at = in.optionalInstant("closesAt");
        in.done();
        return offers.close(Requests.caller(ctx), Requests.path(ctx, "id"), at);
    }

    private Future<Map<String, Object>> addRate(RoutingContext ctx) {
        Fields in = Requests.json(ctx);
        Rate.New wanted = Rate.New.read(in);
        return offers.addRate(Requests.caller(ctx), Requests.path(ctx, "id"), wanted, in);
    }
}
