package io.tallystick.aggregator.portal;

import io.tallystick.aggregator.catalog.Catalog;
import io.tallystick.aggregator.catalog.Product;
import io.tallystick.aggregator.portal.pages.JteproductGenerated;
import io.tallystick.aggregator.portal.pages.JteproductsGenerated;
import io.tallystick.aggregator.web.Caller;
import io.tallystick.aggregator.web.PageRequest;
import io.tallystick.aggregator.web.Requests;
import io.tallystick.aggregator.web.Role;
import io.tallystick.aggregator.web.Route;
import io.tallystick.common.error.ErrorCode;
import io.tallystick.common.error.Failure;
import io.vertx.core.Future;
import io.vertx.ext.web.RoutingContext;
import io.vertx.sqlclient.SqlClient;
import java.util.List;

/** My products, and one product. */
final class ProductPages {
    private final Catalog catalog;
    private final SqlClient reads;
    private final Html html;

    ProductPages(Catalog catalog, SqlClient reads, Html html) {
        this.catalog = catalog;
        this.reads = reads;
        this.html = html;
    }

    List<Route> routes() {
        return List.of(
                Route.get("/portal/products", "productsPage")
                        .page(Role.SELLER, Role.OPERATOR)
                        .paged()
                        .to(this::products),
                Route.get("/portal/products/{id}", "productPage")
                        .page(Role.SELLER, Role.OPERATOR)
                        .to(this::product));
    }

    private Future<Void> products(RoutingContext ctx) {
        return catalog.list(reads, Requests.caller(ctx), PageRequest.of(ctx))
                .compose(found -> html.send(
                        ctx,
                        200,
                        (output, page) -> JteproductsGenerated.render(
                                output,
                                null,
                                page,
                                found.items(),
                                found.nextParameter().orElse(null))));
    }

    private Future<Void> product(RoutingContext ctx) {
        Caller caller = Requests.caller(ctx);
        return catalog.byIds(reads, List.of(Requests.path(ctx, "id")))
                .map(found -> found.stream()
                        .filter(p -> mayManage(caller, p))
                        .findFirst()
                        .orElseThrow(() -> Failure.of(ErrorCode.NOT_FOUND, "there is no such product")))
                .compose(product ->
                        html.send(ctx, 200, (output, page) -> JteproductGenerated.render(output, null, page, product)));
    }

    private static boolean mayManage(Caller caller, Product product) {
        return caller.isOperator() || product.sellerAccountId().equals(caller.accountId());
    }
}
