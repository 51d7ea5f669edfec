package io.tallystick.aggregator.web;

import io.tallystick.common.error.ErrorCode;
import io.tallystick.common.error.Failure;
import io.vertx.core.Future;
import io.vertx.ext.web.RoutingContext;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** What routes for browsers need beside those for programs: sessions instead of tokens, pages instead of documents. */
public interface PageGate {
    /** Who is signed in, or empty for a session that is missing, unknown or over. Called before the body is read. */
    Future<Optional<Caller>> enter(RoutingContext ctx);

    /** Sends somebody who is not signed in where that can be done. */
    Future<Void> askToSignIn(RoutingContext ctx);

    /** Fails with {@code forbidden} unless the posted form came from a page of ours in this very browser. */
    void checkForm(RoutingContext ctx);

    /** Answers with a page that tells this problem; the failure is null for what was nobody's mistake but ours. */
    void problem(RoutingContext ctx, ErrorCode code, @Nullable Failure failure, String correlationId);
}
