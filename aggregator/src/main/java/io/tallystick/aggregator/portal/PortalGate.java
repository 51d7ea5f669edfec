package io.tallystick.aggregator.portal;

import io.tallystick.aggregator.web.Caller;
import io.tallystick.aggregator.web.PageGate;
import io.tallystick.aggregator.web.Problems;
import io.tallystick.aggregator.web.Requests;
import io.tallystick.common.error.ErrorCode;
import io.tallystick.common.error.Failure;
import io.tallystick.common.jose.Base64Url;
import io.vertx.core.Future;
import io.vertx.core.http.Cookie;
import io.vertx.core.http.CookieSameSite;
import io.vertx.core.http.HttpHeaders;
import io.vertx.core.http.HttpMethod;
import io.vertx.ext.web.RoutingContext;
import java.net.URI;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.security.InvalidKeyException;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.util.Optional;
import java.util.Set;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;
import org.jspecify.annotations.Nullable;

/**
 * Cookies, sessions and forms of browsers. A form carries a token derived from a secret that only this browser's cookie
 * holds: the session's, or before anybody is signed in, one of its own. Cookies are HttpOnly and SameSite, and Secure
 * (with the {@code __Host-} prefix, which binds them to this host) where the public URL is https.
 */
public final class PortalGate implements PageGate {
    /** The field of every form. */
    static final String CSRF_FIELD = "csrf";

    private static final String SIGNED_IN = "tallystick.signed-in";
    private static final String CSRF = "tallystick.csrf";
    private static final String SECRET = "tallystick.session-secret";
    private static final String MAC = "HmacSHA256";
    private static final Duration LANGUAGE_KEPT = Duration.ofDays(365);
    private static final int NEXT_CHARS_MAX = 1000;

    private final Sessions sessions;
    private final Html html;
    private final boolean secure;

    PortalGate(Sessions sessions, Html html, URI publicUrl) {
        this.sessions = sessions;
        this.html = html;
        this.secure = "https".equals(publicUrl.getScheme());
    }

    @Override
    public Future<Optional<Caller>> enter(RoutingContext ctx) {
        ctx.put(Html.LANGUAGE, language(ctx));
        Optional<String> secret = cookie(ctx, "session").filter(Sessions::isSecret);
        return secret.map(sessions::find)
                .orElseGet(() -> Future.succeededFuture(Optional.empty()))
                .map(found -> {
                    if (found.isPresent()) {
                        ctx.put(SIGNED_IN, found.get());
                        ctx.put(SECRET, secret.get());
                        ctx.put(CSRF, csrf(secret.get()));
                    } else {
                        ctx.put(CSRF, csrf(formSecret(ctx)));
                    }
                    return found.map(in -> in.user().caller());
                });
    }

    /** The secret of forms before anybody is signed in; one is made where the browser has none. */
    private String formSecret(RoutingContext ctx) {
        return cookie(ctx, "form").filter(Sessions::isSecret).orElseGet(() -> {
            String made = sessions.newSecret();
            ctx.response().addCookie(newCookie("form", made));
            return made;
        });
    }

    private static Language language(RoutingContext ctx) {
        Cookie chosen = ctx.request().getCookie("tallystick-language");
        return Language.ofTag(chosen == null ? null : chosen.getValue())
                .orElseGet(() -> Language.ofHeader(ctx.request().getHeader(HttpHeaders.ACCEPT_LANGUAGE)));
    }

    /** Remembers a choice for this browser. */
    void choose(RoutingContext ctx, Language language) {
        ctx.response()
                .addCookie(Cookie.cookie("tallystick-language", language.tag())
                        .setPath("/")
                        .setSameSite(CookieSameSite.LAX)
                        .setSecure(secure)
                        .setHttpOnly(true)
                        .setMaxAge(LANGUAGE_KEPT.toSeconds()));
    }

    @Override
    public Future<Void> askToSignIn(RoutingContext ctx) {
        if (ctx.request().getHeader("HX-Request") != null) {
            // htmx follows redirects unseen and would put the sign-in page into a corner of the old one.
            return ctx.response()
                    .setStatusCode(204)
                    .putHeader("HX-Redirect", "/portal/sign-in")
                    .end();
        }
        boolean back = ctx.request().method().equals(HttpMethod.GET);
        String next = back ? "?next=" + URLEncoder.encode(ctx.request().uri(), StandardCharsets.UTF_8) : "";
        return html.redirect(ctx, "/portal/sign-in" + next);
    }

    @Override
    public void checkForm(RoutingContext ctx) {
        String from = ctx.request().getHeader("Sec-Fetch-Site");
        boolean ours = from == null || Set.of("same-origin", "none").contains(from);
        byte[] expected = csrfToken(ctx).getBytes(StandardCharsets.US_ASCII);
        byte[] given = Requests.form(ctx, CSRF_FIELD).orElse("").getBytes(StandardCharsets.UTF_8);
        if (!ours || expected.length == 0 || !MessageDigest.isEqual(expected, given)) {
            throw Failure.of(
                    ErrorCode.FORBIDDEN, "this form was not made for your session: go back, reload, try again");
        }
    }

    @Override
    public void problem(RoutingContext ctx, ErrorCode code, @Nullable Failure failure, String correlationId) {
        if (ctx.get(Html.LANGUAGE) == null) {
            ctx.put(Html.LANGUAGE, language(ctx));
        }
        int status = Problems.status(code.kind());
        Problems.retryAfter(status, failure)
                .ifPresent(seconds -> ctx.response().putHeader(HttpHeaders.RETRY_AFTER, seconds));
        Pages.problem(html, ctx, status, code, failure, correlationId);
    }

    /** Puts a new session's secret into the browser, and takes away what forms had before it. */
    void remember(RoutingContext ctx, String secret) {
        ctx.response().addCookie(newCookie("session", secret));
        ctx.response().addCookie(newCookie("form", "").setMaxAge(0));
    }

    /** Takes the session out of the browser. */
    void forget(RoutingContext ctx) {
        ctx.response().addCookie(newCookie("session", "").setMaxAge(0));
    }

    /** The session's secret as the browser sent it, where it is a live one. */
    static Optional<String> secret(RoutingContext ctx) {
        return Optional.ofNullable(ctx.get(SECRET));
    }

    static Optional<Sessions.SignedIn> signedIn(RoutingContext ctx) {
        return Optional.ofNullable(ctx.get(SIGNED_IN));
    }

    /** What forms made for this request carry; empty where the router has not been past the gate. */
    static String csrfToken(RoutingContext ctx) {
        String token = ctx.get(CSRF);
        return token == null ? "" : token;
    }

    /** A path of ours to go on to after signing in; anything else becomes the portal's first page. */
    static String next(Optional<String> wanted) {
        return wanted.filter(path ->
                        path.length() <= NEXT_CHARS_MAX && path.matches("/portal(/[!-\\[\\]-~]*)?(\\?[!-\\[\\]-~]*)?"))
                .filter(path -> !path.startsWith("/portal/sign-"))
                .orElse("/portal");
    }

    private Optional<String> cookie(RoutingContext ctx, String name) {
        return Optional.ofNullable(ctx.request().getCookie(cookieName(name))).map(Cookie::getValue);
    }

    private Cookie newCookie(String name, String value) {
        return Cookie.cookie(cookieName(name), value)
                .setPath("/")
                .setHttpOnly(true)
                .setSecure(secure)
                .setSameSite(CookieSameSite.LAX);
    }

    private String cookieName(String name) {
        return (secure ? "__Host-" : "") + "tallystick-" + name;
    }

    private static String csrf(String secret) {
        try {
            Mac mac = Mac.getInstance(MAC);
            mac.init(new SecretKeySpec(secret.getBytes(StandardCharsets.US_ASCII), MAC));
            return Base64Url.encode(mac.doFinal("tallystick form".getBytes(StandardCharsets.US_ASCII)));
        } catch (NoSuchAlgorithmException | InvalidKeyException e) {
            throw new IllegalStateException("every JDK has " + MAC, e);
        }
    }
}
