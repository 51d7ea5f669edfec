package io.tallystick.aggregator.lifecycle.http;

import static io.tallystick.aggregator.web.Role.OPERATOR;
import static io.tallystick.aggregator.web.Role.SELLER;

import io.tallystick.aggregator.lifecycle.Change;
import io.tallystick.aggregator.lifecycle.ChangeSet;
import io.tallystick.aggregator.lifecycle.ChangeSetThread;
import io.tallystick.aggregator.lifecycle.ChangeSets;
import io.tallystick.aggregator.lifecycle.Message;
import io.tallystick.aggregator.web.PageRequest;
import io.tallystick.aggregator.web.Requests;
import io.tallystick.aggregator.web.Responder;
import io.tallystick.aggregator.web.Route;
import io.tallystick.common.json.Fields;
import io.tallystick.common.json.Json;
import io.vertx.core.Future;
import io.vertx.ext.web.RoutingContext;
import io.vertx.sqlclient.SqlClient;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** {@code /v1/change-sets}. */
public final class ChangeSetRoutes {
    private final ChangeSets changeSets;
    private final ChangeSetThread messages;
    private final SqlClient reads;

    public ChangeSetRoutes(ChangeSets changeSets, ChangeSetThread messages, SqlClient reads) {
        this.changeSets = changeSets;
        this.messages = messages;
        this.reads = reads;
    }

    public List<Route> routes() {
        return List.of(
                Route.post("/v1/change-sets", "startChangeSet")
                        .roles(OPERATOR, SELLER)
                        .json()
                        .to(Responder.json(201, this::start)),
                Route.get("/v1/change-sets", "listChangeSets")
                        .roles(OPERATOR, SELLER)
                        .paged()
                        .query("product", "status", "name", "since", "until")
                        .to(Responder.json(200, this::list)),
                Route.get("/v1/change-sets/{id}", "getChangeSet")
                        .roles(OPERATOR, SELLER)
                        .to(Responder.json(200, this::get)),
                Route.post("/v1/change-sets/{id}/cancel", "cancelChangeSet")
                        .roles(OPERATOR, SELLER)
                        .to(Responder.json(200, this::cancel)),
                Route.get("/v1/change-sets/{id}/messages", "listChangeSetMessages")
                        .roles(OPERATOR, SELLER)
                        .to(Responder.json(200, this::thread)),
                Route.post("/v1/change-sets/{id}/messages", "writeChangeSetMessage")
                        .roles(OPERATOR, SELLER)
                        .json()
                        .to(Responder.json(201, this::write)));
    }

    private Future<Map<String, Object>> start(RoutingContext ctx) {
        Fields in = Requests.json(ctx);
        Optional<String> name = in.optionalString("name", ChangeSet.NAME_CHARS_MAX);
        Optional<String> token = in.optionalString("clientToken", ChangeSet.TOKEN_CHARS_MAX);
        ChangeSet.Intent intent =
                in.optionalParsed("intent", ChangeSet.Intent::ofWire).orElse(ChangeSet.Intent.APPLY);
        List<Change.Wanted> wanted = in.objects("changes", ChangeSet.CHANGES_MAX).stream()
                .map(Change.Wanted::read)
                .toList();
        if (in.has("changes") && wanted.isEmpty()) {
            in.problem("changes", "must have at least one change");
        }
        in.done();
        return changeSets
                .start(Requests.caller(ctx), new ChangeSets.Request(name, token, intent, wanted))
                .map(ChangeSet::json);
    }

    private Future<Map<String, Object>> list(RoutingContext ctx) {
        return changeSets
                .list(
                        reads,
                        Requests.caller(ctx),
                        new ChangeSets.Filter(
                                Requests.query(ctx, "product"),
                                Requests.query(ctx, "status", ChangeSet.Status::ofWire),
                                Requests.query(ctx, "name"),
                                Requests.query(ctx, "since", Fields::parseInstant),
                                Requests.query(ctx, "until", Fields::parseInstant)),
                        PageRequest.of(ctx))
                .map(page -> page.json(ChangeSet::json));
    }

    private Future<Map<String, Object>> get(RoutingContext ctx) {
        return changeSets
                .get(reads, Requests.caller(ctx), Requests.path(ctx, "id"))
                .map(ChangeSet::json);
    }

    private Future<Map<String, Object>> thread(RoutingContext ctx) {
        return messages.list(reads, Requests.caller(ctx), Requests.path(ctx, "id"))
                .map(all -> Json.object("items", all.stream().map(Message::json).toList()));
    }

    private Future<Map<String, Object>> write(RoutingContext ctx) {
        Fields in = Requests.json(ctx);
        String text = in.string("text", Message.TEXT_CHARS_MAX);
        in.done();
        return messages.write(Requests.caller(ctx), Requests.path(ctx, "id"), text)
                .map(Message::json);
    }

    private Future<Map<String, Object>> cancel(RoutingContext ctx) {
        return changeSets.cancel(Requests.caller(ctx), Requests.path(ctx, "id")).map(ChangeSet::json);
    }
}
