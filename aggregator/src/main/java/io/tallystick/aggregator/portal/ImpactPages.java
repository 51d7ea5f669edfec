package io.tallystick.aggregator.portal;

import io.tallystick.aggregator.catalog.Catalog;
import io.tallystick.aggregator.catalog.Versions;
import io.tallystick.aggregator.portal.pages.JteimpactGenerated;
import io.tallystick.aggregator.report.Impact;
import io.tallystick.aggregator.web.Caller;
import io.tallystick.aggregator.web.Requests;
import io.tallystick.aggregator.web.Role;
import io.tallystick.aggregator.web.Route;
import io.vertx.core.Future;
import io.vertx.ext.web.RoutingContext;
import io.vertx.sqlclient.SqlClient;
import java.util.List;

/** What would this hit? Shown before a version or product is taken away, with the button that does it. */
final class ImpactPages {
    private static final String RESTRICT = "restrict";
    private static final String UNPUBLISH = "unpublish";

    private final Impact impact;
    private final Catalog catalog;
    private final Versions versions;
    private final SqlClient reads;
    private final Html html;

    ImpactPages(Impact impact, Catalog catalog, Versions versions, SqlClient reads, Html html) {
        this.impact = impact;
        this.catalog = catalog;
        this.versions = versions;
        this.reads = reads;
        this.html = html;
    }

    List<Route> routes() {
        return List.of(
                Route.get("/portal/versions/{id}/impact", "versionImpactPage")
                        .page(Role.SELLER)
                        .query("action")
                        .to(this::version),
                Route.get("/portal/products/{id}/impact", "productImpactPage")
                        .page(Role.SELLER)
                        .to(this::product));
    }

    private Future<Void> version(RoutingContext ctx) {
        Caller caller = Requests.caller(ctx);
        String action = Requests.query(ctx, "action").orElse(RESTRICT);
        if (!List.of(RESTRICT, UNPUBLISH).contains(action)) {
            throw Requests.invalid("action", "must be " + RESTRICT + " or " + UNPUBLISH);
        }
        return versions.get(reads, caller, Requests.path(ctx, "id"))
                .compose(found -> impact.ofVersion(caller, found.version().id())
                        .compose(touched -> send(
                                ctx,
                                new ImpactView(
                                        action,
                                        found.version().title(),
                                        found.version().productId(),
                                        "/portal/versions/" + found.version().id() + "/change",
                                        touched))));
    }

    private Future<Void> product(RoutingContext ctx) {
        Caller caller = Requests.caller(ctx);
        return catalog.managed(reads, caller, Requests.path(ctx, "id"))
                .compose(product -> impact.ofProduct(caller, product.id())
                        .compose(touched -> send(
                                ctx,
                                new ImpactView(
                                        "product",
                                        product.title(),
                                        product.id(),
                                        "/portal/products/" + product.id() + "/unpublish",
                                        touched))));
    }

    private Future<Void> send(RoutingContext ctx, ImpactView view) {
        return html.send(ctx, 200, (output, page) -> JteimpactGenerated.render(output, null, page, view));
    }
}
