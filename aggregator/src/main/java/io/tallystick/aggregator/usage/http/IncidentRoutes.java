package io.tallystick.aggregator.usage.http;

import static io.tallystick.aggregator.web.Role.OPERATOR;

import io.tallystick.aggregator.usage.Incidents;
import io.tallystick.aggregator.web.Page;
import io.tallystick.aggregator.web.PageRequest;
import io.tallystick.aggregator.web.Requests;
import io.tallystick.aggregator.web.Responder;
import io.tallystick.aggregator.web.Route;
import io.tallystick.common.json.Fields;
import io.vertx.core.Future;
import io.vertx.ext.web.RoutingContext;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** {@code /v1/incidents}. */
public final class IncidentRoutes {
    private final Incidents incidents;

    public IncidentRoutes(Incidents incidents) {
        this.incidents = incidents;
    }

    public List<Route> routes() {
        return List.of(
                Route.get("/v1/incidents", "listIncidents")
                        .roles(OPERATOR)
                        .paged()
                        .query("status")
                        .to(Responder.json(200, this::list)),
                Route.post("/v1/incidents/{id}/acknowledge", "acknowledgeIncident")
                        .roles(OPERATOR)
                        .json()
                        .to(Responder.json(200, this::acknowledge)),
                Route.post("/v1/incidents/{id}/reopen", "reopenIncident")
                        .roles(OPERATOR)
                        .to(Responder.json(200, this::reopen)));
    }

    private Future<Map<String, Object>> list(RoutingContext ctx) {
        PageRequest page = PageRequest.of(ctx);
        Optional<Incidents.Status> status = Requests.query(ctx, "status", Incidents.Status::ofWire);
        return incidents
                .page(status, page.afterNumber(), page.limit() + 1)
                .map(rows -> Page.of(rows, page, i -> Long.toString(i.id())).json(Incidents.Incident::toJson));
    }

    private Future<Map<String, Object>> acknowledge(RoutingContext ctx) {
        Fields in = Requests.json(ctx);
        Optional<String> note = in.optionalString("note", Incidents.NOTE_CHARS_MAX);
        in.done();
        return incidents
                .acknowledge(Requests.caller(ctx).actor(), Requests.path(ctx, "id"), note)
                .map(Incidents.Incident::toJson);
    }

    private Future<Map<String, Object>> reopen(RoutingContext ctx) {
        return incidents
                .reopen(Requests.caller(ctx).actor(), Requests.path(ctx, "id"))
                .map(Incidents.Incident::toJson);
    }
}
