package io.tallystick.aggregator.catalog.http;

import static io.tallystick.aggregator.web.Role.OPERATOR;
import static io.tallystick.aggregator.web.Role.SELLER;

import io.tallystick.aggregator.catalog.Review;
import io.tallystick.aggregator.catalog.Reviews;
import io.tallystick.aggregator.catalog.Visibility;
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
import java.util.Optional;

/** {@code /v1/products/{id}/visibility-requests} and {@code /v1/reviews}. */
public final class ReviewRoutes {
    private static final int TEXT_CHARS_MAX = 2000;

    private final Reviews reviews;
    private final SqlClient reads;

    public ReviewRoutes(Reviews reviews, SqlClient reads) {
        this.reviews = reviews;
        this.reads = reads;
    }

    public List<Route> routes() {
        return List.of(
                Route.post("/v1/products/{id}/visibility-requests", "requestVisibility")
                        .roles(OPERATOR, SELLER)
                        .json()
                        .to(Responder.json(201, this::request)),
                Route.get("/v1/reviews", "listReviews")
                        .roles(OPERATOR, SELLER)
                        .paged()
                        .query("status")
                        .to(Responder.json(200, this::list)),
                Route.post("/v1/reviews/{id}/approve", "approveReview")
                        .roles(OPERATOR)
                        .json()
                        .to(Responder.json(200, this::approve)),
                Route.post("/v1/reviews/{id}/reject", "rejectReview")
                        .roles(OPERATOR)
                        .json()
                        .to(Responder.json(200, this::reject)),
                Route.post("/v1/reviews/{id}/return", "returnReview")
                        .roles(OPERATOR)
                        .json()
                        .to(Responder.json(200, this::sendBack)),
                Route.post("/v1/reviews/{id}/cancel", "cancelReview")
                        .roles(OPERATOR, SELLER)
                        .to(Responder.json(200, this::cancel)));
    }

    private Future<Map<String, Object>> request(RoutingContext ctx) {
        Fields in = Requests.json(ctx);
        Visibility wanted = in.parsed("visibility", Visibility::ofWire, Visibility.LIMITED);
        Optional<String> note = in.optionalString("note", TEXT_CHARS_MAX);
        in.done();
        return reviews.request(Requests.caller(ctx), Requests.path(ctx, "id"), wanted, note)
                .compose(review -> reviews.withQueue(reads, review));
    }

    private Future<Map<String, Object>> list(RoutingContext ctx) {
        Optional<Review.Status> status = Requests.query(ctx, "status", Review.Status::ofWire);
        return reviews.list(reads, Requests.caller(ctx), status, PageRequest.of(ctx))
                .map(page -> page.json(Review::json));
    }

    private Future<Map<String, Object>> sendBack(RoutingContext ctx) {
        Fields in = Requests.json(ctx);
        String reason = in.string("reason", TEXT_CHARS_MAX);
        in.done();
        return reviews.sendBack(Requests.caller(ctx), Requests.path(ctx, "id"), reason)
                .map(Review::json);
    }

    private Future<Map<String, Object>> cancel(RoutingContext ctx) {
        return reviews.cancel(Requests.caller(ctx), Requests.path(ctx, "id")).map(Review::json);
    }

    private Future<Map<String, Object>> approve(RoutingContext ctx) {
        Fields in = Requests.json(ctx);
        Optional<String> reason = in.optionalString("reason", TEXT_CHARS_MAX);
        in.done();
        return reviews.approve(Requests.caller(ctx), Requests.path(ctx, "id"), reason)
                .map(Review::json);
    }

    private Future<Map<String, Object>> reject(RoutingContext ctx) {
        Fields in = Requests.json(ctx);
        String reason = in.string("reason", TEXT_CHARS_MAX);
        in.done();
        return reviews.reject(Requests.caller(ctx), Requests.path(ctx, "id"), reason)
                .map(Review::json);
    }
}
