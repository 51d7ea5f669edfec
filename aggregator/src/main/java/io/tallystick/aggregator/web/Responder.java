package io.tallystick.aggregator.web;

import io.tallystick.common.json.Json;
import io.vertx.core.Future;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpHeaders;
import io.vertx.ext.web.RoutingContext;
import java.util.function.Function;

/** Turns "decode, call the service" into an {@link Endpoint} by adding "encode". */
public final class Responder {
    private Responder() {}

    /** Writes what the future gives as JSON with this status. Values as {@link Json#write} takes them. */
    public static Endpoint json(int status, Function<RoutingContext, ? extends Future<?>> fn) {
        return ctx -> fn.apply(ctx).compose(value -> sendJson(ctx, status, value));
    }

    /** Answers with this status and no body. */
    public static Endpoint empty(int status, Function<RoutingContext, ? extends Future<?>> fn) {
        return ctx -> fn.apply(ctx)
                .compose(value -> ctx.response().setStatusCode(status).end());
    }

    /** As {@link #json}, for an endpoint that decides the status itself. */
    public static Future<Void> sendJson(RoutingContext ctx, int status, Object value) {
        return ctx.response()
                .setStatusCode(status)
                .putHeader(HttpHeaders.CONTENT_TYPE, Route.Body.JSON.mediaType())
                .end(Buffer.buffer(Json.writeBytes(value)));
    }
}
