package io.tallystick.aggregator.portal;

import io.tallystick.aggregator.account.User;
import io.tallystick.aggregator.account.Users;
import io.tallystick.aggregator.portal.pages.JtesigninGenerated;
import io.tallystick.aggregator.web.Problems;
import io.tallystick.aggregator.web.RateLimits;
import io.tallystick.aggregator.web.Requests;
import io.tallystick.aggregator.web.Role;
import io.tallystick.aggregator.web.Route;
import io.tallystick.common.error.ErrorCode;
import io.tallystick.common.error.Failure;
import io.vertx.core.Future;
import io.vertx.ext.web.RoutingContext;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Signing in and out, the language, and where a role starts. */
final class SignInPages {
    private static final int PASSWORD_CHARS_MAX = 1000;
    private static final Map<Role, String> FIRST =
            Map.of(Role.SELLER, "/portal/products", Role.BUYER, "/portal/agreements", Role.OPERATOR, "/portal/reviews");

    private final Users users;
    private final Sessions sessions;
    private final PortalGate gate;
    private final Html html;

    SignInPages(Users users, Sessions sessions, PortalGate gate, Html html) {
        this.users = users;
        this.sessions = sessions;
        this.gate = gate;
        this.html = html;
    }

    List<Route> routes() {
        return List.of(
                Route.get("/", "getRoot").openPage().to(ctx -> html.redirect(ctx, "/portal")),
                Route.get("/portal", "getPortal")
                        .page(Role.SELLER, Role.BUYER, Role.OPERATOR)
                        .to(this::first),
                Route.get("/portal/sign-in", "getSignIn")
                        .openPage()
                        .query("next")
                        .to(this::form),
                Route.post("/portal/sign-in", "signIn")
                        .openPage()
                        .limited(RateLimits.Limit.SIGN_IN)
                        .to(this::signIn),
                Route.post("/portal/sign-out", "signOut").openPage().to(this::signOut),
                Route.post("/portal/language", "setLanguage").openPage().to(this::language));
    }

    private Future<Void> first(RoutingContext ctx) {
        return html.redirect(ctx, FIRST.getOrDefault(Requests.caller(ctx).role(), "/portal/sign-in"));
    }

    private Future<Void> form(RoutingContext ctx) {
        String next = PortalGate.next(Requests.query(ctx, "next"));
        if (PortalGate.signedIn(ctx).isPresent()) {
            return html.redirect(ctx, next);
        }
        return form(ctx, 200, "", next, Optional.empty());
    }

    private Future<Void> form(RoutingContext ctx, int status, String email, String next, Optional<String> error) {
        return html.send(
                ctx,
                status,
                (output, page) -> JtesigninGenerated.render(
                        output, null, page, email, next, error.map(page::t).orElse(null)));
    }

    private Future<Void> signIn(RoutingContext ctx) {
        String email = Requests.form(ctx, "email").orElse("");
        String password = Requests.form(ctx, "password").orElse("");
        String next = PortalGate.next(Requests.form(ctx, "next"));
        boolean tooLong = email.length() > User.EMAIL_CHARS_MAX || password.length() > PASSWORD_CHARS_MAX;
        if (tooLong || email.indexOf('\0') >= 0) {
            return form(ctx, 400, "", next, Optional.of("sign-in.wrong"));
        }
        return users.signIn(email, password, Requests.clientAddress(ctx))
                .compose(found -> found.map(user -> sessions.open(user, PortalGate.secret(ctx))
                                .compose(secret -> {
                                    gate.remember(ctx, secret);
                                    return html.redirect(ctx, next);
                                }))
                        .orElseGet(() -> form(ctx, 400, email, next, Optional.of("sign-in.wrong"))))
                .recover(e -> e instanceof Failure f && f.code() == ErrorCode.RATE_LIMITED
                        ? refused(ctx, email, next, f)
                        : Future.failedFuture(e));
    }

    private Future<Void> refused(RoutingContext ctx, String email, String next, Failure failure) {
        ctx.response()
                .putHeader("Retry-After", Problems.retryAfter(429, failure).orElse("60"));
        return form(ctx, 429, email, next, Optional.of("sign-in.throttled"));
    }

    private Future<Void> signOut(RoutingContext ctx) {
        return PortalGate.secret(ctx)
                .map(sessions::close)
                .orElseGet(Future::succeededFuture)
                .compose(done -> {
                    gate.forget(ctx);
                    return html.redirect(ctx, "/portal/sign-in");
                });
    }

    private Future<Void> language(RoutingContext ctx) {
        Language.ofTag(Requests.form(ctx, "language").orElse("")).ifPresent(l -> gate.choose(ctx, l));
        return html.redirect(
                ctx,
                Requests.form(ctx, "back")
                                .filter(b -> b.startsWith("/portal/sign-in"))
                                .isPresent()
                        ? "/portal/sign-in"
                        : PortalGate.next(Requests.form(ctx, "back")));
    }
}
