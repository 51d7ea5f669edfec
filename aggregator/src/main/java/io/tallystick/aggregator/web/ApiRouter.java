package io.tallystick.aggregator.web;

import io.netty.handler.codec.DecoderException;
import io.tallystick.common.error.ErrorCode;
import io.tallystick.common.error.Failure;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.core.http.HttpHeaders;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.ext.web.Router;
import io.vertx.ext.web.RoutingContext;
import io.vertx.ext.web.handler.BodyHandler;
import io.vertx.ext.web.handler.HttpException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Supplier;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Builds the Vert.x router of one server from the declared routes. The order for every request: correlation id, limits by
 * address, query and headers, who is asking and whether this role may and how often, only then the body, then the
 * endpoint. So nothing of an unauthenticated body is kept, and who asks too often costs a look into memory.
 */
public final class ApiRouter {
    static final String CALLER = "tallystick.caller";
    static final String CORRELATION = "tallystick.correlation";
    static final String CLIENT_ADDRESS = "tallystick.client-address";
    private static final String BEARER = "Bearer ";
    private static final int TOKEN_CHARS_MAX = 200;
    private static final Pattern CORRELATION_FORM = Pattern.compile("[A-Za-z0-9._-]{1,64}");

    private final List<Route> routes;
    private final Authenticator authenticator;
    private final PageGate pages;
    private final Problems problems;
    private final RequestMetrics metrics;
    private final ClientAddresses addresses;
    private final RateLimits limits;
    private final Supplier<String> correlationIds;

    public ApiRouter(
            List<Route> routes,
            Authenticator authenticator,
            PageGate pages,
            Problems problems,
            RequestMetrics metrics,
            ClientAddresses addresses,
            RateLimits limits,
            Supplier<String> correlationIds) {
        this.routes = List.copyOf(routes);
        this.authenticator = authenticator;
        this.pages = pages;
        this.problems = problems;
        this.metrics = metrics;
        this.addresses = addresses;
        this.limits = limits;
        this.correlationIds = correlationIds;
        refuseDuplicates();
    }

    /** All declared routes, for the tests that enumerate them. */
    public List<Route> routes() {
        return routes;
    }

    /** A new router; every event loop gets its own. */
    public Router build(Vertx vertx) {
        Router router = Router.router(vertx);
        router.route().handler(this::begin);
        routes.forEach(route -> add(router, route));
        methodsByPath().forEach((path, methods) -> router.route(path).handler(ctx -> {
            ctx.response().putHeader(HttpHeaders.ALLOW, String.join(", ", methods));
            refuse(ctx, Failure.of(ErrorCode.METHOD_NOT_ALLOWED, "this path has only " + String.join(", ", methods)));
        }));
        router.route().handler(ctx -> refuse(ctx, nothingHere()));
        for (int status : new int[] {400, 404, 405, 406, 413, 414, 415, 431, 500, 501}) {
            router.errorHandler(status, ctx -> fail(ctx, "none", cause(ctx, status)));
        }
        return router;
    }

    /** Answers what is not even HTTP; for {@code HttpServer.invalidRequestHandler}. */
    void malformed(HttpServerRequest request) {
        Throwable cause = request.decoderResult().cause();
        String name = cause == null ? "" : cause.getClass().getSimpleName();
        Failure failure =
                switch (name) {
                    case "TooLongHttpLineException" ->
                        Failure.of(
                                ErrorCode.TOO_LARGE,
                                "the request line is longer than " + HttpLimits.REQUEST_LINE_BYTES_MAX + " bytes");
                    case "TooLongHttpHeaderException" ->
                        Failure.of(
                                ErrorCode.TOO_LARGE,
                                "the headers are longer than " + HttpLimits.HEADER_BYTES_MAX + " bytes");
                    default -> Failure.of(ErrorCode.INVALID_REQUEST, "the request is not well-formed HTTP/1.1");
                };
        request.response().putHeader(HttpHeaders.CONNECTION, HttpHeaders.CLOSE);
        Problems.send(request.response(), failure.code(), failure, correlationIds.get());
        request.connection().close();
    }

    private void begin(RoutingContext ctx) {
        String given = ctx.request().getHeader(Problems.CORRELATION_HEADER);
        String id = given != null && CORRELATION_FORM.matcher(given).matches() ? given : correlationIds.get();
        ctx.put(CORRELATION, id);
        ctx.put(
                CLIENT_ADDRESS,
                addresses.of(
                        ctx.request().remoteAddress().hostAddress(),
                        ctx.request().headers().getAll(addresses.header().wire())));
        ctx.response().putHeader(Problems.CORRELATION_HEADER, id).putHeader("X-Content-Type-Options", "nosniff");
        ctx.next();
    }

    private void add(Router router, Route route) {
        BodyHandler body = BodyHandler.create(false).setBodyLimit(route.bodyBytesMax());
        var vertxRoute = router.route(route.method(), route.vertxPath());
        vertxRoute.handler(ctx -> {
            metrics.time(ctx, route.operationId());
            guarded(ctx, route, () -> {
                count(ctx, route);
                RequestChecks.check(ctx, route);
                route.gate().accept(ctx);
                return admit(ctx, route);
            });
        });
        if (route.body() != Route.Body.NONE) {
            // Wrapped, because Vert.x wants body handlers first and we authenticate first.
            vertxRoute.handler(ctx -> {
                if (route.body() == Route.Body.UPLOAD) {
                    Uploads.collect(ctx, route.bodyBytesMax());
                } else {
                    body.handle(ctx);
                }
            });
        }
        if (route.access().isPage() && route.body().isForm()) {
            vertxRoute.handler(ctx -> guarded(ctx, route, () -> {
                pages.checkForm(ctx);
                ctx.next();
                return Future.succeededFuture();
            }));
        }
        vertxRoute.handler(ctx -> guarded(ctx, route, () -> route.endpoint().handle(ctx)));
        vertxRoute.failureHandler(ctx -> fail(ctx, route, readingForm(route, cause(ctx, ctx.statusCode()))));
    }

    /** Counts a request against what can be known of it from its head. */
    private void count(RoutingContext ctx, Route route) {
        String client = RateLimits.client(ctx.get(CLIENT_ADDRESS));
        for (RateLimits.Limit limit : route.limits()) {
            limits.take(limit, limit == RateLimits.Limit.ENROLLMENT ? client + " " + ctx.pathParam("id") : client);
        }
    }

    /** Answers what no route takes. It counts as well: looking for holes is asking, too. */
    private void refuse(RoutingContext ctx, Failure failure) {
        try {
            limits.take(RateLimits.Limit.ADDRESS, RateLimits.client(ctx.get(CLIENT_ADDRESS)));
            fail(ctx, "none", failure);
        } catch (Failure tooMany) {
            fail(ctx, "none", tooMany);
        }
    }

    /** Runs a step; what it throws and what its future fails with take the same path. */
    private void guarded(RoutingContext ctx, Route route, Supplier<Future<?>> step) {
        Future<?> done;
        try {
            done = step.get();
        } catch (RuntimeException e) {
            done = Future.failedFuture(e);
        }
        done.onFailure(e -> fail(ctx, route, e));
    }

    private Future<?> admit(RoutingContext ctx, Route route) {
        if (route.access().isPage()) {
            return admitToPage(ctx, route);
        }
        if (route.access() != Route.Access.TOKEN) {
            ctx.next();
            return Future.succeededFuture();
        }
        ctx.response().putHeader(HttpHeaders.CACHE_CONTROL, "no-store");
        String token = bearer(ctx.request().getHeader(HttpHeaders.AUTHORIZATION));
        ctx.request().pause();
        return authenticator
                .authenticate(token)
                .map(found -> found.orElseThrow(ApiRouter::unauthenticated))
                .onComplete(done -> ctx.request().resume())
                .map(caller -> {
                    limits.take(RateLimits.Limit.CALLER, caller.id());
                    requireRole(caller, route);
                    ctx.put(CALLER, caller);
                    ctx.next();
                    return caller;
                });
    }

    private Future<?> admitToPage(RoutingContext ctx, Route route) {
        ctx.request().pause();
        return pages.enter(ctx).onComplete(done -> ctx.request().resume()).compose(found -> {
            if (found.isEmpty() && route.access() == Route.Access.PAGE) {
                return pages.askToSignIn(ctx);
            }
            found.ifPresent(caller -> {
                limits.take(RateLimits.Limit.CALLER, caller.id());
                ctx.put(CALLER, caller);
            });
            if (route.access() == Route.Access.PAGE) {
                requireRole(found.get(), route);
            }
            ctx.next();
            return Future.succeededFuture();
        });
    }

    private static void requireRole(Caller caller, Route route) {
        if (!route.roles().contains(caller.role())) {
            throw Failure.of(ErrorCode.FORBIDDEN, "the role " + caller.role().wire() + " may not do that");
        }
    }

    private static String bearer(@Nullable String header) {
        if (header == null
                || header.length() > TOKEN_CHARS_MAX
                || !header.regionMatches(true, 0, BEARER, 0, BEARER.length())) {
            throw unauthenticated();
        }
        return header.substring(BEARER.length()).strip();
    }

    private static Failure unauthenticated() {
        return Failure.of(
                ErrorCode.UNAUTHENTICATED, "send a valid, unexpired, unrevoked token as Authorization: Bearer tks_…");
    }

    private static Failure nothingHere() {
        return Failure.of(ErrorCode.NOT_FOUND, "there is nothing at this path");
    }

    private void fail(RoutingContext ctx, String operationId, Throwable error) {
        String correlation = ctx.get(CORRELATION);
        problems.fail(ctx, operationId, correlation == null ? correlationIds.get() : correlation, error);
    }

    private void fail(RoutingContext ctx, Route route, Throwable error) {
        if (!route.access().isPage()) {
            fail(ctx, route.operationId(), error);
            return;
        }
        String correlation = ctx.get(CORRELATION);
        problems.fail(
                ctx,
                route.operationId(),
                correlation,
                error,
                (code, failure) -> pages.problem(ctx, code, failure, correlation));
    }

    private static Throwable cause(RoutingContext ctx, int status) {
        Throwable failure = ctx.failure();
        return failure != null ? failure : new HttpException(status);
    }

    /** Our own steps are guarded, so what fails otherwise is the reading of a body: escapes that are none, for one. */
    private static Throwable readingForm(Route route, Throwable error) {
        boolean decoding = error instanceof DecoderException || error instanceof IllegalArgumentException;
        return route.body().isForm() && decoding
                ? Failure.of(ErrorCode.INVALID_REQUEST, "the form is not well formed")
                : error;
    }

    private Map<String, Set<String>> methodsByPath() {
        Map<String, Set<String>> methods = new LinkedHashMap<>();
        for (Route route : routes) {
            methods.computeIfAbsent(route.vertxPath(), p -> new TreeSet<>())
                    .add(route.method().name());
        }
        return methods;
    }

    private void refuseDuplicates() {
        Set<String> seen = new TreeSet<>();
        List<String> twice = new ArrayList<>();
        for (Route route : routes) {
            String key = route.method().name() + " " + route.path().toLowerCase(Locale.ROOT);
            if (!seen.add(key) || !seen.add(route.operationId())) {
                twice.add(key);
            }
        }
        if (!twice.isEmpty()) {
            throw new IllegalArgumentException("declared twice: " + twice);
        }
    }
}
