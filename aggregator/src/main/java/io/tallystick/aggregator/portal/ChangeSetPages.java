package io.tallystick.aggregator.portal;

import io.tallystick.aggregator.catalog.Catalog;
import io.tallystick.aggregator.catalog.Versions;
import io.tallystick.aggregator.lifecycle.Change;
import io.tallystick.aggregator.lifecycle.ChangeSet;
import io.tallystick.aggregator.lifecycle.ChangeSetThread;
import io.tallystick.aggregator.lifecycle.ChangeSets;
import io.tallystick.aggregator.lifecycle.Message;
import io.tallystick.aggregator.portal.pages.JtechangesetGenerated;
import io.tallystick.aggregator.portal.pages.JtechangesetsGenerated;
import io.tallystick.aggregator.web.PageRequest;
import io.tallystick.aggregator.web.Requests;
import io.tallystick.aggregator.web.Role;
import io.tallystick.aggregator.web.Route;
import io.vertx.core.Future;
import io.vertx.ext.web.RoutingContext;
import io.vertx.sqlclient.SqlClient;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Publishing, restricting and unpublishing versions, and how far that is. */
final class ChangeSetPages {
    private final ChangeSets changeSets;
    private final ChangeSetThread thread;
    private final Versions versions;
    private final Catalog catalog;
    private final SqlClient reads;
    private final Html html;

    ChangeSetPages(
            ChangeSets changeSets,
            ChangeSetThread thread,
            Versions versions,
            Catalog catalog,
            SqlClient reads,
            Html html) {
        this.changeSets = changeSets;
        this.thread = thread;
        this.versions = versions;
        this.catalog = catalog;
        this.reads = reads;
        this.html = html;
    }

    List<Route> routes() {
        return List.of(
                Route.get("/portal/change-sets", "changeSetsPage")
                        .page(Role.SELLER, Role.OPERATOR)
                        .paged()
                        .to(this::list),
                Route.get("/portal/change-sets/{id}", "changeSetPage")
                        .page(Role.SELLER, Role.OPERATOR)
                        .query(Html.DONE)
                        .to(this::one),
                Route.post("/portal/change-sets/{id}/cancel", "cancelChangeSetOnPage")
                        .page(Role.SELLER, Role.OPERATOR)
                        .to(this::cancel),
                Route.post("/portal/change-sets/{id}/messages", "writeMessageOnPage")
                        .page(Role.SELLER, Role.OPERATOR)
                        .to(this::write),
                Route.post("/portal/versions/{id}/change", "changeVersionOnPage")
                        .page(Role.SELLER)
                        .to(this::change));
    }

    private Future<Void> list(RoutingContext ctx) {
        return changeSets
                .list(reads, Requests.caller(ctx), Optional.empty(), PageRequest.of(ctx))
                .compose(found -> titles(found.items())
                        .compose(titles -> html.send(
                                ctx,
                                200,
                                (output, page) -> JtechangesetsGenerated.render(
                                        output,
                                        null,
                                        page,
                                        found.items(),
                                        titles,
                                        found.nextParameter().orElse(null)))));
    }

    /** What products and versions are called, by id. */
    private Future<Map<String, String>> titles(List<ChangeSet> sets) {
        List<String> ids = sets.stream()
                .flatMap(s -> s.changes().stream())
                .map(Change::productId)
                .distinct()
                .toList();
        return catalog.byIds(reads, ids)
                .compose(products -> versions.ofProducts(reads, ids).map(all -> {
                    Map<String, String> titles = new HashMap<>();
                    products.forEach(p -> titles.put(p.id(), p.title()));
                    all.forEach(v -> titles.put(v.id(), v.title()));
                    return titles;
                }));
    }

    private Future<Void> one(RoutingContext ctx) {
        return changeSets
                .get(reads, Requests.caller(ctx), Requests.path(ctx, "id"))
                .compose(set -> titles(List.of(set)).compose(titles -> thread.of(reads, set)
                        .compose(messages -> html.send(
                                ctx,
                                200,
                                (output, page) ->
                                        JtechangesetGenerated.render(output, null, page, set, titles, messages)))));
    }

    private Future<Void> write(RoutingContext ctx) {
        String id = Requests.path(ctx, "id");
        return thread.write(Requests.caller(ctx), id, Forms.required(ctx, "text", Message.TEXT_CHARS_MAX))
                .compose(done -> html.redirect(ctx, "/portal/change-sets/" + id + "?done=written"));
    }

    private Future<Void> cancel(RoutingContext ctx) {
        String id = Requests.path(ctx, "id");
        return changeSets
                .cancel(Requests.caller(ctx), id)
                .compose(done -> html.redirect(ctx, "/portal/change-sets/" + id + "?done=change-cancelled"));
    }

    /** The version is looked for first, so that a foreign one is missing here as it is everywhere. */
    private Future<Void> change(RoutingContext ctx) {
        String id = Requests.path(ctx, "id");
        String action = Forms.required(ctx, "action", 20);
        return versions.get(reads, Requests.caller(ctx), id)
                .compose(found -> switch (action) {
                    case "publish" -> changeSets.publish(Requests.caller(ctx), id);
                    case "restrict" -> changeSets.restrict(Requests.caller(ctx), id);
                    case "unpublish" -> changeSets.unpublish(Requests.caller(ctx), id);
                    default -> throw Requests.invalid("action", "must be publish, restrict or unpublish");
                })
                .compose(set -> html.redirect(ctx, "/portal/change-sets/" + set.id() + "?done=queued"));
    }
}
