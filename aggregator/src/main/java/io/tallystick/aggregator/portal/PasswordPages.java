package io.tallystick.aggregator.portal;

import io.tallystick.aggregator.account.Passwords;
import io.tallystick.aggregator.account.User;
import io.tallystick.aggregator.account.Users;
import io.tallystick.aggregator.portal.pages.JtepasswordGenerated;
import io.tallystick.aggregator.web.Problems;
import io.tallystick.aggregator.web.Requests;
import io.tallystick.aggregator.web.Role;
import io.tallystick.aggregator.web.Route;
import io.tallystick.common.error.ErrorCode;
import io.tallystick.common.error.Failure;
import io.vertx.core.Future;
import io.vertx.ext.web.RoutingContext;
import java.util.List;
import java.util.Optional;

/**
 * One's own password. Whoever found an open session does not know the old one, and guessing it is counted with the attempts to
 * sign in; all other sessions end, which is what a person wants whose password is known to others.
 */
final class PasswordPages {
    private static final int CHARS_MAX = 1000;

    private final Users users;
    private final Sessions sessions;
    private final PortalGate gate;
    private final Html html;

    PasswordPages(Users users, Sessions sessions, PortalGate gate, Html html) {
        this.users = users;
        this.sessions = sessions;
        this.gate = gate;
        this.html = html;
    }

    List<Route> routes() {
        return List.of(
                Route.get("/portal/password", "passwordPage")
                        .page(Role.SELLER, Role.BUYER, Role.OPERATOR)
                        .query(Html.DONE)
                        .to(ctx -> form(ctx, 200, Optional.empty())),
                Route.post("/portal/password", "changePasswordOnPage")
                        .page(Role.SELLER, Role.BUYER, Role.OPERATOR)
                        .to(this::change));
    }

    private Future<Void> form(RoutingContext ctx, int status, Optional<String> error) {
        return html.send(
                ctx,
                status,
                (output, page) -> JtepasswordGenerated.render(
                        output, null, page, error.map(page::t).orElse(null)));
    }

    private Future<Void> change(RoutingContext ctx) {
        String old = Requests.form(ctx, "old").orElse("");
        String wanted = Requests.form(ctx, "new").orElse("");
        Optional<String> problem =
                problem(old, wanted, Requests.form(ctx, "again").orElse(""));
        if (problem.isPresent()) {
            return form(ctx, 400, problem);
        }
        User user = PortalGate.signedIn(ctx)
                .orElseThrow(() -> Failure.of(ErrorCode.FORBIDDEN, "nobody is signed in"))
                .user();
        return users.changePassword(Requests.caller(ctx).actor(), user, old, wanted, Requests.clientAddress(ctx))
                .compose(changed -> changed
                        ? sessions.open(user, PortalGate.secret(ctx)).compose(secret -> {
                            gate.remember(ctx, secret);
                            return html.redirect(ctx, "/portal/password?done=password");
                        })
                        : form(ctx, 400, Optional.of("password.wrong")))
                .recover(e -> e instanceof Failure f && f.code() == ErrorCode.RATE_LIMITED
                        ? throttled(ctx, f)
                        : Future.failedFuture(e));
    }

    private Future<Void> throttled(RoutingContext ctx, Failure failure) {
        ctx.response()
                .putHeader("Retry-After", Problems.retryAfter(429, failure).orElse("60"));
        return form(ctx, 429, Optional.of("sign-in.throttled"));
    }

    private static Optional<String> problem(String old, String wanted, String again) {
        if (old.isEmpty() || old.length() > CHARS_MAX) {
            return Optional.of("password.wrong");
        }
        try {
            Passwords.check(wanted);
        } catch (IllegalArgumentException e) {
            return Optional.of("password.rule");
        }
        if (!wanted.equals(again)) {
            return Optional.of("password.again.differs");
        }
        return wanted.equals(old) ? Optional.of("password.same") : Optional.empty();
    }
}
