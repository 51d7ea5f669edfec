package io.tallystick.aggregator.portal;

import io.tallystick.aggregator.catalog.Catalog;
import io.tallystick.aggregator.catalog.Delivery;
import io.tallystick.aggregator.catalog.Product;
import io.tallystick.aggregator.lifecycle.ChangeSet;
import io.tallystick.aggregator.lifecycle.LoadForms;
import io.tallystick.aggregator.portal.pages.JteloadformGenerated;
import io.tallystick.aggregator.web.Caller;
import io.tallystick.aggregator.web.Problems;
import io.tallystick.aggregator.web.Requests;
import io.tallystick.aggregator.web.Role;
import io.tallystick.aggregator.web.Route;
import io.tallystick.common.error.ErrorCode;
import io.tallystick.common.error.Failure;
import io.vertx.core.Future;
import io.vertx.core.http.HttpHeaders;
import io.vertx.ext.web.RoutingContext;
import io.vertx.sqlclient.SqlClient;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import java.util.function.Supplier;

/**
 * Product load forms (rule R27): handed out as files, sent back as files, looked at as what they would change, and then carried
 * out. What was looked at is sent again with the page, so nothing is kept in between.
 */
final class LoadFormPages {
    /** A form with the parts around it: their heads, and the token. */
    private static final int BYTES_MAX = LoadForms.BYTES_MAX + 8 * 1024;

    private static final int ID_CHARS_MAX = 64;
    /** What is the visitor's to mend. */
    private static final Set<ErrorCode> TOLD =
            Set.of(ErrorCode.INVALID_REQUEST, ErrorCode.CONFLICT, ErrorCode.RESOURCE_IN_USE, ErrorCode.ALREADY_EXISTS);

    private final LoadForms forms;
    private final Catalog catalog;
    private final SqlClient reads;
    private final Html html;

    LoadFormPages(LoadForms forms, Catalog catalog, SqlClient reads, Html html) {
        this.forms = forms;
        this.catalog = catalog;
        this.reads = reads;
        this.html = html;
    }

    List<Route> routes() {
        return List.of(
                Route.get("/portal/load-forms", "newLoadFormPage")
                        .page(Role.SELLER, Role.OPERATOR)
                        .to(ctx -> send(ctx, LoadFormView.of(Optional.empty()))),
                Route.get("/portal/load-forms/blank", "blankLoadFormOnPage")
                        .page(Role.SELLER, Role.OPERATOR)
                        .query("type")
                        .to(ctx -> file(ctx, "product.csv", LoadForms.blank(type(ctx)))),
                Route.post("/portal/load-forms", "checkNewLoadFormOnPage")
                        .page(Role.SELLER, Role.OPERATOR)
                        .upload(BYTES_MAX)
                        .to(this::checkNew),
                Route.post("/portal/load-forms/create", "createProductOnPage")
                        .page(Role.SELLER, Role.OPERATOR)
                        .upload(BYTES_MAX)
                        .to(this::create),
                Route.get("/portal/products/{id}/load-form", "loadFormPage")
                        .page(Role.SELLER, Role.OPERATOR)
                        .to(ctx -> managed(ctx).compose(product -> send(ctx, LoadFormView.of(Optional.of(product))))),
                Route.get("/portal/products/{id}/load-form.csv", "loadFormOnPage")
                        .page(Role.SELLER, Role.OPERATOR)
                        .to(this::filled),
                Route.post("/portal/products/{id}/load-form", "checkLoadFormOnPage")
                        .page(Role.SELLER, Role.OPERATOR)
                        .upload(BYTES_MAX)
                        .to(this::check),
                Route.post("/portal/products/{id}/load-form/apply", "applyLoadFormOnPage")
                        .page(Role.SELLER, Role.OPERATOR)
                        .upload(BYTES_MAX)
                        .to(this::apply));
    }

    private Future<Void> filled(RoutingContext ctx) {
        String id = Requests.path(ctx, "id");
        // Only an id that there is gets as far as the file's name.
        return forms.of(Requests.caller(ctx), id).compose(csv -> file(ctx, id + ".csv", csv));
    }

    private static Delivery.Kind type(RoutingContext ctx) {
        return Requests.query(ctx, "type", Delivery.Kind::ofWire).orElse(Delivery.Kind.IMAGE);
    }

    private Future<Void> file(RoutingContext ctx, String name, String csv) {
        return html.headers(ctx)
                .putHeader(HttpHeaders.CONTENT_TYPE, "text/csv; charset=utf-8")
                .putHeader("Content-Disposition", "attachment; filename=\"" + name + "\"")
                .end(csv);
    }

    private Future<Product> managed(RoutingContext ctx) {
        return catalog.managed(reads, Requests.caller(ctx), Requests.path(ctx, "id"));
    }

    private Future<Void> check(RoutingContext ctx) {
        Caller caller = Requests.caller(ctx);
        return managed(ctx).compose(product -> {
            LoadFormView view = LoadFormView.of(Optional.of(product));
            return orPage(ctx, view, () -> {
                String csv = sent(ctx);
                return forms.check(caller, product.id(), csv).compose(found -> send(ctx, view.checked(csv, found)));
            });
        });
    }

    private Future<Void> apply(RoutingContext ctx) {
        Caller caller = Requests.caller(ctx);
        return managed(ctx)
                .compose(product -> orPage(ctx, LoadFormView.of(Optional.of(product)), () -> forms.upload(
                                caller, product.id(), sent(ctx), ChangeSet.Intent.APPLY)
                        .compose(set -> html.redirect(
                                ctx,
                                set.map(LoadFormPages::started)
                                        .orElse("/portal/products/" + product.id() + "?done=form-same")))));
    }

    private Future<Void> checkNew(RoutingContext ctx) {
        return ofSeller(ctx, seller -> {
            LoadFormView view = LoadFormView.of(Optional.empty()).by(seller.orElse(""));
            String csv = sent(ctx);
            return forms.checkNew(Requests.caller(ctx), seller, csv)
                    .compose(found -> send(ctx, view.checked(csv, found)));
        });
    }

    private Future<Void> create(RoutingContext ctx) {
        return ofSeller(ctx, seller -> forms.create(Requests.caller(ctx), seller, sent(ctx))
                .compose(made -> html.redirect(
                        ctx,
                        made.changeSet()
                                .map(LoadFormPages::started)
                                .orElse("/portal/products/" + made.product().id() + "?done=product-created"))));
    }

    /** A seller is its own; an operator names one. */
    private Future<Void> ofSeller(RoutingContext ctx, Function<Optional<String>, Future<Void>> work) {
        String given = Requests.form(ctx, "seller").orElse("").strip();
        LoadFormView view = LoadFormView.of(Optional.empty()).by(given);
        return orPage(
                ctx,
                view,
                () -> work.apply(
                        Requests.caller(ctx).isOperator()
                                ? Forms.optional(ctx, "seller", ID_CHARS_MAX)
                                : Optional.empty()));
    }

    private static String started(ChangeSet set) {
        return "/portal/change-sets/" + set.id() + "?done=queued";
    }

    /** The form as a file, or as the page that showed it sends it again; with the ends of lines that browsers change. */
    private static String sent(RoutingContext ctx) {
        String text = Requests.file(ctx, "file")
                .map(LoadFormPages::decoded)
                .or(() -> Requests.form(ctx, "form"))
                .orElseThrow(() -> Requests.invalid("form", "is missing; choose the file"))
                .replace("\r\n", "\n");
        if (text.length() > LoadForms.CHARS_MAX || text.indexOf('\0') >= 0) {
            throw Requests.invalid("form", "must have at most " + LoadForms.CHARS_MAX + " characters and no U+0000");
        }
        return text;
    }

    private static String decoded(byte[] bytes) {
        try {
            return StandardCharsets.UTF_8
                    .newDecoder()
                    .decode(ByteBuffer.wrap(bytes))
                    .toString();
        } catch (CharacterCodingException e) {
            throw Requests.invalid("form", "must be UTF-8 text; save the sheet as \"CSV UTF-8\"");
        }
    }

    /** Does the work, or shows the page with what is wrong. */
    private Future<Void> orPage(RoutingContext ctx, LoadFormView view, Supplier<Future<Void>> work) {
        Future<Void> done;
        try {
            done = work.get();
        } catch (Failure e) {
            done = Future.failedFuture(e);
        }
        return done.recover(e -> {
            if (!(e instanceof Failure failure) || !TOLD.contains(failure.code())) {
                return Future.failedFuture(e);
            }
            int status = Problems.status(failure.code().kind());
            return html.send(
                    ctx,
                    status,
                    (output, page) -> JteloadformGenerated.render(
                            output, null, page, view.refused(LoadFormView.Refusal.of(status, failure))));
        });
    }

    private Future<Void> send(RoutingContext ctx, LoadFormView view) {
        return html.send(ctx, 200, (output, page) -> JteloadformGenerated.render(output, null, page, view));
    }
}
