package io.tallystick.aggregator.awsapi.http;

import static io.tallystick.aggregator.web.Role.OPERATOR;
import static io.tallystick.aggregator.web.Role.SELLER;

import io.tallystick.aggregator.awsapi.RegistrationKey;
import io.tallystick.aggregator.awsapi.Registrations;
import io.tallystick.aggregator.enrollment.http.EnrollmentPath;
import io.tallystick.aggregator.web.Requests;
import io.tallystick.aggregator.web.Responder;
import io.tallystick.aggregator.web.Route;
import io.tallystick.common.json.Json;
import io.tallystick.common.wire.Wire;
import io.vertx.core.Future;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpHeaders;
import io.vertx.ext.web.RoutingContext;
import java.util.List;
import java.util.Map;

/** Registrations of agents, and the keys sellers verify them with. */
public final class RegistrationRoutes {
    /** Small requests: a code, a number and a nonce. */
    private static final int REGISTRATION_BYTES_MAX = 8 * 1024;

    private final Registrations registrations;

    public RegistrationRoutes(Registrations registrations) {
        this.registrations = registrations;
    }

    public List<Route> routes() {
        return List.of(
                Route.post("/v1/enrollments/{id}/registrations", "registerUsage")
                        .agent()
                        .bodyBytesMax(REGISTRATION_BYTES_MAX)
                        .to(this::register),
                Route.get("/v1/products/{id}/registration-keys", "listRegistrationKeys")
                        .roles(OPERATOR, SELLER)
                        .to(Responder.json(200, this::list)),
                Route.post("/v1/products/{id}/registration-keys", "rotateRegistrationKey")
                        .roles(OPERATOR, SELLER)
                        .to(Responder.json(201, this::rotate)));
    }

    private Future<Void> register(RoutingContext ctx) {
        return registrations
                .register(EnrollmentPath.id(ctx), Requests.bytes(ctx))
                .compose(jws -> ctx.response()
                        .putHeader(HttpHeaders.CONTENT_TYPE, Wire.JOSE_JSON)
                        .end(Buffer.buffer(jws.flattened())));
    }

    private Future<Map<String, Object>> list(RoutingContext ctx) {
        return registrations
                .list(Requests.caller(ctx), Requests.path(ctx, "id"))
                .map(keys -> Json.object(
                        "items", keys.stream().map(RegistrationKey::json).toList()));
    }

    private Future<Map<String, Object>> rotate(RoutingContext ctx) {
        return registrations
                .rotate(Requests.caller(ctx), Requests.path(ctx, "id"))
                .map(RegistrationKey::json);
    }
}
