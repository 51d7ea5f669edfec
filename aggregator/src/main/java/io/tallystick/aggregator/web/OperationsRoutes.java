package io.tallystick.aggregator.web;

import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import io.tallystick.common.error.ErrorCode;
import io.tallystick.common.error.Failure;
import io.tallystick.common.json.Json;
import io.vertx.core.Future;
import io.vertx.core.http.HttpHeaders;
import java.util.List;
import java.util.function.Supplier;

/** Health and metrics, for the machinery around the process. They tell no tenant's data and need no token. */
public final class OperationsRoutes {
    private static final String PROMETHEUS_TEXT = "text/plain; version=0.0.4; charset=utf-8";

    private OperationsRoutes() {}

    /**
     * @param ready whether requests can be served now: the database answers and has the schema of this program; a failed
     *     future is a no
     */
    public static List<Route> routes(PrometheusMeterRegistry registry, Supplier<Future<Boolean>> ready) {
        return List.of(
                Route.get("/healthz", "getHealth")
                        .anonymous()
                        .unlimited()
                        .to(Responder.json(200, ctx -> Future.succeededFuture(Json.object("status", "up")))),
                Route.get("/readyz", "getReadiness").anonymous().unlimited().to(Responder.json(200, ctx -> ready.get()
                        .map(yes -> {
                            if (!yes) {
                                throw Failure.of(ErrorCode.UNAVAILABLE, "the schema is not this program's");
                            }
                            return Json.object("status", "ready");
                        }))),
                Route.get("/metrics", "getMetrics").anonymous().unlimited().to(ctx -> ctx.response()
                        .putHeader(HttpHeaders.CONTENT_TYPE, PROMETHEUS_TEXT)
                        .end(registry.scrape())));
    }
}
