package io.tallystick.aggregator.portal;

import gg.jte.html.OwaspHtmlTemplateOutput;
import gg.jte.output.StringOutput;
import io.tallystick.aggregator.web.Role;
import io.vertx.core.Future;
import io.vertx.core.http.HttpHeaders;
import io.vertx.core.http.HttpServerResponse;
import io.vertx.ext.web.RoutingContext;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Writes pages: the headers that keep a browser from doing anything but showing them, and what every page knows. */
final class Html {
    /** Only our own files run, style, load and are posted to; {@code data:} is for the style sheet's small pictures. */
    static final String CONTENT_SECURITY_POLICY = "default-src 'none'; script-src 'self'; style-src 'self';"
            + " img-src 'self' data:; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

    /** Where the request's language is kept. */
    static final String LANGUAGE = "tallystick.language";

    /** The query parameter that names what was just done, for the page to say so. */
    static final String DONE = "done";

    private static final Map<Role, List<String>> SECTIONS = Map.of(
            Role.SELLER, List.of("products", "change-sets", "usage", "revenue", "statements", "quarantine"),
            Role.BUYER, List.of("agreements", "catalogue", "usage", "statements", "join-codes"),
            Role.OPERATOR,
                    List.of(
                            "reviews",
                            "change-sets",
                            "incidents",
                            "cloud-instances",
                            "quarantine",
                            "products",
                            "usage",
                            "revenue",
                            "statements"));

    private final Assets assets;
    private final boolean secure;

    Html(Assets assets, boolean secure) {
        this.assets = assets;
        this.secure = secure;
    }

    /** Fills a template. */
    @FunctionalInterface
    interface Template {
        void render(OwaspHtmlTemplateOutput output, PageView page);
    }

    /** Answers with a page. */
    Future<Void> send(RoutingContext ctx, int status, Template template) {
        StringOutput text = new StringOutput(8 * 1024);
        template.render(new OwaspHtmlTemplateOutput(text), view(ctx));
        return headers(ctx)
                .setStatusCode(status)
                .putHeader(HttpHeaders.CONTENT_TYPE, "text/html; charset=utf-8")
                .end(text.toString());
    }

    /** Goes on with a GET of one of our paths. */
    Future<Void> redirect(RoutingContext ctx, String path) {
        return headers(ctx)
                .setStatusCode(303)
                .putHeader(HttpHeaders.LOCATION, path)
                .end();
    }

    /** The response with the headers of everything a person may see: never kept by anybody, never framed. */
    HttpServerResponse headers(RoutingContext ctx) {
        HttpServerResponse response = ctx.response()
                .putHeader("Content-Security-Policy", CONTENT_SECURITY_POLICY)
                .putHeader("X-Frame-Options", "DENY")
                .putHeader("X-Content-Type-Options", "nosniff")
                .putHeader("Referrer-Policy", "same-origin")
                .putHeader("Cross-Origin-Opener-Policy", "same-origin")
                .putHeader(HttpHeaders.CACHE_CONTROL, "no-store");
        if (secure) {
            response.putHeader("Strict-Transport-Security", "max-age=31536000");
        }
        return response;
    }

    PageView view(RoutingContext ctx) {
        Optional<Sessions.SignedIn> in = PortalGate.signedIn(ctx);
        Language language = Optional.<Language>ofNullable(ctx.get(LANGUAGE)).orElse(Language.ENGLISH);
        List<String> sections =
                in.map(s -> SECTIONS.getOrDefault(s.user().role(), List.of())).orElse(List.of());
        return new PageView(
                language,
                Messages.of(language),
                in.map(s -> s.user().email()),
                in.flatMap(Sessions.SignedIn::accountName),
                sections,
                ctx.request().path(),
                PortalGate.next(Optional.of(ctx.request().uri())),
                Optional.ofNullable(ctx.queryParams().get(DONE))
                        .flatMap(done -> Messages.of(language).find("done." + done)),
                PortalGate.csrfToken(ctx),
                assets);
    }
}
