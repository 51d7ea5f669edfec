package io.tallystick.aggregator.catalog.http;

import static io.tallystick.aggregator.web.Role.BUYER;
import static io.tallystick.aggregator.web.Role.OPERATOR;
import static io.tallystick.aggregator.web.Role.SELLER;

import io.tallystick.aggregator.catalog.ProductVersion;
import io.tallystick.aggregator.catalog.Versions;
import io.tallystick.aggregator.image.CloudImage;
import io.tallystick.aggregator.web.Requests;
import io.tallystick.aggregator.web.Responder;
import io.tallystick.aggregator.web.Route;
import io.tallystick.common.json.Fields;
import io.tallystick.common.json.Json;
import io.vertx.core.Future;
import io.vertx.ext.web.RoutingContext;
import io.vertx.sqlclient.SqlClient;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** {@code /v1/products/{id}/versions} and {@code /v1/versions}. */
public final class VersionRoutes {
    private final Versions versions;
    private final SqlClient reads;

    public VersionRoutes(Versions versions, SqlClient reads) {
        this.versions = versions;
        this.reads = reads;
    }

    public List<Route> routes() {
        return List.of(
                Route.post("/v1/products/{id}/versions", "createVersion")
                        .roles(OPERATOR, SELLER)
                        .json()
                        .to(Responder.json(201, this::create)),
                Route.get("/v1/products/{id}/versions", "listVersions")
                        .roles(OPERATOR, SELLER, BUYER)
                        .to(Responder.json(200, this::list)),
                Route.get("/v1/products/{id}/versions/template", "getVersionTemplate")
                        .roles(OPERATOR, SELLER)
                        .to(Responder.json(200, this::template)),
                Route.get("/v1/products/{id}/versions/images", "listSelectableImages")
                        .roles(OPERATOR, SELLER)
                        .query("cloud", "region")
                        .to(Responder.json(200, this::images)),
                Route.get("/v1/versions/{id}", "getVersion")
                        .roles(OPERATOR, SELLER, BUYER)
                        .query("region")
                        .to(Responder.json(200, this::get)),
                Route.put("/v1/versions/{id}", "editVersion")
                        .roles(OPERATOR, SELLER)
                        .json()
                        .to(Responder.json(200, this::edit)));
    }

    private static Versions.Draft draft(RoutingContext ctx) {
        Fields in = Requests.json(ctx);
        Versions.Draft draft = Versions.Draft.read(in);
        in.done();
        return draft;
    }

    private Future<Map<String, Object>> create(RoutingContext ctx) {
        return versions.create(Requests.caller(ctx), Requests.path(ctx, "id"), draft(ctx))
                .map(ProductVersion::json);
    }

    private Future<Map<String, Object>> edit(RoutingContext ctx) {
        return versions.edit(Requests.caller(ctx), Requests.path(ctx, "id"), draft(ctx), Optional.empty())
                .map(ProductVersion::json);
    }

    private Future<Map<String, Object>> list(RoutingContext ctx) {
        return versions.list(reads, Requests.caller(ctx), Requests.path(ctx, "id"))
                .map(found -> Json.object(
                        "items", found.stream().map(Versions.View::json).toList()));
    }

    private Future<Map<String, Object>> get(RoutingContext ctx) {
        return versions.get(reads, Requests.caller(ctx), Requests.path(ctx, "id"), Requests.query(ctx, "region"))
                .map(Versions.View::json);
    }

    /** The fields of a new version as {@link #create} takes them, without a title; empty for the first version. */
    private Future<Map<String, Object>> template(RoutingContext ctx) {
        return versions.template(reads, Requests.caller(ctx), Requests.path(ctx, "id"))
                .map(found -> found.map(VersionRoutes::prefilled).orElseGet(Json::object));
    }

    private static Map<String, Object> prefilled(ProductVersion last) {
        Map<String, Object> json = Json.object(
                "cloud", last.cloud(), "delivery", last.delivery().kind().wire());
        if (last.delivery().hasImage()) {
            json.put("region", last.region());
            json.put("imageId", last.sourceImageId());
        }
        json.putAll(last.text().json());
        return json;
    }

    private Future<Map<String, Object>> images(RoutingContext ctx) {
        String cloud = Requests.query(ctx, "cloud").orElse("");
        String region = Requests.query(ctx, "region").orElse("");
        return versions.images(Requests.caller(ctx), Requests.path(ctx, "id"), cloud, region)
                .map(found -> Json.object(
                        "items", found.stream().map(VersionRoutes::json).toList()));
    }

    private static Map<String, Object> json(CloudImage image) {
        return Json.object(
                "id",
                image.id(),
                "name",
                image.name(),
                "region",
                image.region(),
                "ownerAccount",
                image.ownerAccount(),
                "createdAt",
                image.createdAt());
    }
}
