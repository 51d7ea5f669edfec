package io.tallystick.aggregator.portal;

import io.tallystick.aggregator.portal.pages.JtequarantineGenerated;
import io.tallystick.aggregator.usage.Quarantine;
import io.tallystick.aggregator.web.Page;
import io.tallystick.aggregator.web.PageRequest;
import io.tallystick.aggregator.web.Requests;
import io.tallystick.aggregator.web.Role;
import io.tallystick.aggregator.web.Route;
import io.vertx.core.Future;
import io.vertx.ext.web.RoutingContext;
import java.util.List;

/** Records that were stored and not added up, and why. */
final class QuarantinePages {
    private final Quarantine quarantine;
    private final Html html;

    QuarantinePages(Quarantine quarantine, Html html) {
        this.quarantine = quarantine;
        this.html = html;
    }

    List<Route> routes() {
        return List.of(Route.get("/portal/quarantine", "quarantinePage")
                .page(Role.OPERATOR, Role.SELLER)
                .paged()
                .to(this::list));
    }

    private Future<Void> list(RoutingContext ctx) {
        PageRequest request = PageRequest.of(ctx);
        Quarantine.Position after = request.after(Quarantine.Position::ofKey).orElse(Quarantine.Position.START);
        return quarantine
                .page(Requests.caller(ctx).account(), after, request.limit() + 1)
                .map(rows -> Page.of(rows, request, q -> q.position().key()))
                .compose(found -> html.send(
                        ctx,
                        200,
                        (output, page) -> JtequarantineGenerated.render(
                                output,
                                null,
                                page,
                                found.items(),
                                found.nextParameter().orElse(null))));
    }
}
