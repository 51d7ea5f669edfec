package io.tallystick.aggregator.portal;

import io.tallystick.aggregator.catalog.Catalog;
import io.tallystick.aggregator.catalog.Product;
import io.tallystick.aggregator.catalog.Review;
import io.tallystick.aggregator.catalog.Reviews;
import io.tallystick.aggregator.portal.pages.JtereviewsGenerated;
import io.tallystick.aggregator.web.PageRequest;
import io.tallystick.aggregator.web.Requests;
import io.tallystick.aggregator.web.Role;
import io.tallystick.aggregator.web.Route;
import io.vertx.core.Future;
import io.vertx.ext.web.RoutingContext;
import io.vertx.sqlclient.SqlClient;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;

/** The operator's queue of requests for visibility. */
final class ReviewPages {
    private static final int REASON_CHARS_MAX = 2000;

    private final Reviews reviews;
    private final Catalog catalog;
    private final SqlClient reads;
    private final Html html;

    ReviewPages(Reviews reviews, Catalog catalog, SqlClient reads, Html html) {
        this.reviews = reviews;
        this.catalog = catalog;
        this.reads = reads;
        this.html = html;
    }

    List<Route> routes() {
        return List.of(
                Route.get("/portal/reviews", "reviewsPage")
                        .page(Role.OPERATOR)
                        .paged()
                        .query("status", Html.DONE)
                        .to(this::list),
                Route.post("/portal/reviews/{id}/approve", "approveReviewOnPage")
                        .page(Role.OPERATOR)
                        .to(this::approve),
                Route.post("/portal/reviews/{id}/send-back", "sendReviewBackOnPage")
                        .page(Role.OPERATOR)
                        .to(this::sendBack),
                Route.post("/portal/reviews/{id}/reject", "rejectReviewOnPage")
                        .page(Role.OPERATOR)
                        .to(this::reject));
    }

    private Future<Void> list(RoutingContext ctx) {
        Review.Status status =
                Requests.query(ctx, "status", Review.Status::ofWire).orElse(Review.Status.OPEN);
        return reviews.list(reads, Requests.caller(ctx), Optional.of(status), PageRequest.of(ctx))
                .compose(found -> catalog.byIds(
                                reads,
                                found.items().stream().map(Review::productId).toList())
                        .compose(products -> {
                            Map<String, Product> byId =
                                    products.stream().collect(Collectors.toMap(Product::id, p -> p));
                            return html.send(
                                    ctx,
                                    200,
                                    (output, page) -> JtereviewsGenerated.render(
                                            output,
                                            null,
                                            page,
                                            found.items(),
                                            byId,
                                            status,
                                            found.nextParameter().orElse(null)));
                        }));
    }

    private Future<Void> approve(RoutingContext ctx) {
        return reviews.approve(
                        Requests.caller(ctx), Requests.path(ctx, "id"), Forms.optional(ctx, "reason", REASON_CHARS_MAX))
                .compose(done -> html.redirect(ctx, "/portal/reviews?done=approved"));
    }

    private Future<Void> sendBack(RoutingContext ctx) {
        return reviews.sendBack(
                        Requests.caller(ctx), Requests.path(ctx, "id"), Forms.required(ctx, "reason", REASON_CHARS_MAX))
                .compose(done -> html.redirect(ctx, "/portal/reviews?done=sent-back"));
    }

    private Future<Void> reject(RoutingContext ctx) {
        return reviews.reject(
                        Requests.caller(ctx), Requests.path(ctx, "id"), Forms.required(ctx, "reason", REASON_CHARS_MAX))
                .compose(done -> html.redirect(ctx, "/portal/reviews?done=rejected"));
    }
}
