package io.tallystick.aggregator.catalog.http;

import static io.tallystick.aggregator.web.Role.BUYER;
import static io.tallystick.aggregator.web.Role.OPERATOR;
import static io.tallystick.aggregator.web.Role.SELLER;

import io.tallystick.aggregator.catalog.Catalog;
import io.tallystick.aggregator.catalog.Delivery;
import io.tallystick.aggregator.catalog.Dimension;
import io.tallystick.aggregator.catalog.Product;
import io.tallystick.aggregator.catalog.Visibility;
import io.tallystick.aggregator.web.PageRequest;
import io.tallystick.aggregator.web.Requests;
import io.tallystick.aggregator.web.Responder;
import io.tallystick.aggregator.web.Route;
import io.tallystick.common.json.Fields;
import io.tallystick.common.json.Json;
import io.vertx.core.Future;
import io.vertx.ext.web.RoutingContext;
import io.vertx.sqlclient.SqlClient;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** {@code /v1/products}. */
public final class ProductRoutes {
    private static final int ID_CHARS_MAX = 64;

    private final Catalog catalog;
    private final SqlClient reads;

    public ProductRoutes(Catalog catalog, SqlClient reads) {
        this.catalog = catalog;
        this.reads = reads;
    }

    public List<Route> routes() {
        return List.of(
                Route.post("/v1/products", "createProduct")
                        .roles(OPERATOR, SELLER)
                        .json()
                        .to(Responder.json(201, this::create)),
                Route.get("/v1/products", "listProducts")
                        .roles(OPERATOR, SELLER, BUYER)
                        .paged()
                        .to(Responder.json(200, this::list)),
                Route.get("/v1/catalogue", "searchCatalogue")
                        .roles(OPERATOR, SELLER, BUYER)
                        .paged()
                        .query("q", "category", "cloud", "region", "type")
                        .to(Responder.json(200, this::search)),
                Route.get("/v1/products/{id}", "getProduct")
                        .roles(OPERATOR, SELLER, BUYER)
                        .to(Responder.json(200, this::get)),
                Route.post("/v1/products/{id}/dimensions", "addDimension")
                        .roles(OPERATOR, SELLER)
                        .json()
                        .to(Responder.json(201, this::addDimension)),
                Route.put("/v1/products/{id}/visibility", "setVisibility")
                        .roles(OPERATOR)
                        .json()
                        .to(Responder.json(200, this::setVisibility)),
                Route.put("/v1/products/{id}/allow-list", "setAllowList")
                        .roles(OPERATOR, SELLER)
                        .json()
                        .to(Responder.json(200, this::setAllowList)));
    }

    private Future<Map<String, Object>> create(RoutingContext ctx) {
        Fields in = Requests.json(ctx);
        Catalog.NewProduct wanted = Catalog.NewProduct.read(in);
        in.done();
        return catalog.create(Requests.caller(ctx), wanted).map(Product::json);
    }

    private Future<Map<String, Object>> list(RoutingContext ctx) {
        return catalog.list(reads, Requests.caller(ctx), PageRequest.of(ctx)).map(page -> page.json(Product::json));
    }

    private Future<Map<String, Object>> search(RoutingContext ctx) {
        String text = Requests.query(ctx, "q").orElse("");
        if (text.length() > Catalog.Search.TEXT_CHARS_MAX) {
            throw Requests.invalid("q", "must have at most " + Catalog.Search.TEXT_CHARS_MAX + " characters");
        }
        Catalog.Search wanted = Catalog.Search.of(
                text,
                Requests.query(ctx, "category"),
                Requests.query(ctx, "cloud"),
                Requests.query(ctx, "region"),
                Requests.query(ctx, "type", Delivery.Kind::ofWire));
        return catalog.search(reads, Requests.caller(ctx), wanted, PageRequest.of(ctx))
                .map(page -> page.json(Product::json));
    }

    private Future<Map<String, Object>> get(RoutingContext ctx) {
        return catalog.get(reads, Requests.caller(ctx), Requests.path(ctx, "id"));
    }

    private Future<Map<String, Object>> addDimension(RoutingContext ctx) {
        Fields in = Requests.json(ctx);
        Dimension.New added = Dimension.New.read(in);
        in.done();
        return catalog.addDimension(Requests.caller(ctx), Requests.path(ctx, "id"), added)
                .map(Product::json);
    }

    private Future<Map<String, Object>> setVisibility(RoutingContext ctx) {
        Fields in = Requests.json(ctx);
        Visibility next = in.parsed("visibility", Visibility::ofWire, Visibility.STAGING);
        in.done();
        return catalog.setVisibility(Requests.caller(ctx), Requests.path(ctx, "id"), next)
                .map(Product::json);
    }

    private Future<Map<String, Object>> setAllowList(RoutingContext ctx) {
        Fields in = Requests.json(ctx);
        if (!in.has("accounts")) {
            in.problem("accounts", "is missing");
        }
        Set<String> accounts = new HashSet<>(in.optionalStrings("accounts", Product.ALLOW_LIST_MAX, ID_CHARS_MAX));
        in.done();
        return catalog.setAllowList(Requests.caller(ctx), Requests.path(ctx, "id"), accounts)
                .map(list -> Json.object("accounts", list));
    }
}
