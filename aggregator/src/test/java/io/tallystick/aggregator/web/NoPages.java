package io.tallystick.aggregator.web;

import io.tallystick.common.error.ErrorCode;
import io.tallystick.common.error.Failure;
import io.vertx.core.Future;
import io.vertx.ext.web.RoutingContext;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** For a router without pages. */
final class NoPages implements PageGate {
    @Override
    public Future<Optional<Caller>> enter(RoutingContext ctx) {
        throw new AssertionError("no page");
    }

    @Override
    public Future<Void> askToSignIn(RoutingContext ctx) {
        throw new AssertionError("no page");
    }

    @Override
    public void checkForm(RoutingContext ctx) {
        throw new AssertionError("no page");
    }

    @Override
    public void problem(RoutingContext ctx, ErrorCode code, @Nullable Failure failure, String correlationId) {
        throw new AssertionError("no page");
    }
}
