package io.tallystick.aggregator.web;

import io.vertx.core.Future;
import io.vertx.ext.web.RoutingContext;

/**
 * What a route does. It writes the response itself (usually through {@link Responder}); a throw and a failed future both
 * become a problem document.
 */
@FunctionalInterface
public interface Endpoint {
    Future<?> handle(RoutingContext ctx);
}
