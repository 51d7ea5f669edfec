package io.tallystick.aggregator.lifecycle.http;

import static io.tallystick.aggregator.web.Role.OPERATOR;
import static io.tallystick.aggregator.web.Role.SELLER;

import io.tallystick.aggregator.catalog.Delivery;
import io.tallystick.aggregator.lifecycle.ChangeSet;
import io.tallystick.aggregator.lifecycle.LoadForms;
import io.tallystick.aggregator.web.Requests;
import io.tallystick.aggregator.web.Responder;
import io.tallystick.aggregator.web.Route;
import io.tallystick.common.json.Fields;
import io.tallystick.common.json.Json;
import io.vertx.core.Future;
import io.vertx.core.http.HttpHeaders;
import io.vertx.ext.web.RoutingContext;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Product load forms: {@code /v1/load-forms} and {@code /v1/products/{id}/load-form}. */
public final class LoadFormRoutes {
    private static final String CSV = "text/csv; charset=utf-8";
    private static final int ID_CHARS_MAX = 64;

    /** A character of the form may take six bytes on the way. */
    private static final int BYTES_MAX = LoadForms.CHARS_MAX * 6;

    private final LoadForms forms;

    public LoadFormRoutes(LoadForms forms) {
        this.forms = forms;
    }

    public List<Route> routes() {
        return List.of(
                Route.get("/v1/load-forms/blank", "getBlankLoadForm")
                        .roles(OPERATOR, SELLER)
                        .query("type")
                        .to(ctx -> send(ctx, "product.csv", LoadForms.blank(type(ctx)))),
                Route.post("/v1/load-forms", "createProductByLoadForm")
                        .roles(OPERATOR, SELLER)
                        .json()
                        .bodyBytesMax(BYTES_MAX)
                        .to(Responder.json(201, this::create)),
                Route.get("/v1/products/{id}/load-form", "getLoadForm")
                        .roles(OPERATOR, SELLER)
                        .to(this::get),
                Route.put("/v1/products/{id}/load-form", "uploadLoadForm")
                        .roles(OPERATOR, SELLER)
                        .json()
                        .bodyBytesMax(BYTES_MAX)
                        .to(Responder.json(200, this::upload)));
    }

    private static Delivery.Kind type(RoutingContext ctx) {
        return Requests.query(ctx, "type", Delivery.Kind::ofWire).orElse(Delivery.Kind.IMAGE);
    }

    private static Future<Void> send(RoutingContext ctx, String name, String csv) {
        return ctx.response()
                .putHeader(HttpHeaders.CONTENT_TYPE, CSV)
                .putHeader("Content-Disposition", "attachment; filename=\"" + name + "\"")
                .end(csv);
    }

    private Future<Void> get(RoutingContext ctx) {
        String id = Requests.path(ctx, "id");
        // Only an id that there is gets as far as the file's name.
        return forms.of(Requests.caller(ctx), id).compose(csv -> send(ctx, id + ".csv", csv));
    }

    private Future<Map<String, Object>> upload(RoutingContext ctx) {
        Fields in = Requests.json(ctx);
        String form = in.string("form", LoadForms.CHARS_MAX);
        ChangeSet.Intent intent =
                in.optionalParsed("intent", ChangeSet.Intent::ofWire).orElse(ChangeSet.Intent.APPLY);
        in.done();
        return forms.upload(Requests.caller(ctx), Requests.path(ctx, "id"), form, intent)
                .map(set -> Json.object("changeSet", set.map(ChangeSet::json).orElse(null)));
    }

    private Future<Map<String, Object>> create(RoutingContext ctx) {
        Fields in = Requests.json(ctx);
        String form = in.string("form", LoadForms.CHARS_MAX);
        Optional<String> seller = in.optionalString("seller", ID_CHARS_MAX);
        in.done();
        return forms.create(Requests.caller(ctx), seller, form)
                .map(made -> Json.object(
                        "product",
                        made.product().json(),
                        "changeSet",
                        made.changeSet().map(ChangeSet::json).orElse(null)));
    }
}
