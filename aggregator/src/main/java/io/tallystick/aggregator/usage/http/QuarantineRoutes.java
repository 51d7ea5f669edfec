package io.tallystick.aggregator.usage.http;

import static io.tallystick.aggregator.web.Role.OPERATOR;
import static io.tallystick.aggregator.web.Role.SELLER;

import io.tallystick.aggregator.usage.Quarantine;
import io.tallystick.aggregator.web.Page;
import io.tallystick.aggregator.web.PageRequest;
import io.tallystick.aggregator.web.Requests;
import io.tallystick.aggregator.web.Responder;
import io.tallystick.aggregator.web.Route;
import io.vertx.core.Future;
import io.vertx.ext.web.RoutingContext;
import java.util.List;
import java.util.Map;

/** {@code GET /v1/quarantine}: operators see all, sellers what concerns their products. */
public final class QuarantineRoutes {
    private final Quarantine quarantine;

    public QuarantineRoutes(Quarantine quarantine) {
        this.quarantine = quarantine;
    }

    public List<Route> routes() {
        return List.of(Route.get("/v1/quarantine", "listQuarantine")
                .roles(OPERATOR, SELLER)
                .paged()
                .to(Responder.json(200, this::list)));
    }

    private Future<Map<String, Object>> list(RoutingContext ctx) {
        PageRequest page = PageRequest.of(ctx);
        Quarantine.Position after = page.after(Quarantine.Position::ofKey).orElse(Quarantine.Position.START);
        return quarantine
                .page(Requests.caller(ctx).account(), after, page.limit() + 1)
                .map(rows -> Page.of(rows, page, q -> q.position().key()).json(Quarantine.Quarantined::toJson));
    }
}
