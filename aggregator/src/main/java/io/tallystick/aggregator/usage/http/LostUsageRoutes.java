package io.tallystick.aggregator.usage.http;

import static io.tallystick.aggregator.web.Role.BUYER;
import static io.tallystick.aggregator.web.Role.OPERATOR;
import static io.tallystick.aggregator.web.Role.SELLER;

import io.tallystick.aggregator.usage.LostRange;
import io.tallystick.aggregator.usage.LostRanges;
import io.tallystick.aggregator.web.Page;
import io.tallystick.aggregator.web.PageRequest;
import io.tallystick.aggregator.web.Requests;
import io.tallystick.aggregator.web.Responder;
import io.tallystick.aggregator.web.Route;
import io.vertx.core.Future;
import io.vertx.ext.web.RoutingContext;
import io.vertx.sqlclient.SqlClient;
import java.util.List;
import java.util.Map;

/** {@code GET /v1/lost-usage}: what a restored database forgot for good, for all whose money it is. */
public final class LostUsageRoutes {
    private final LostRanges lost;
    private final SqlClient reads;

    public LostUsageRoutes(LostRanges lost, SqlClient reads) {
        this.lost = lost;
        this.reads = reads;
    }

    public List<Route> routes() {
        return List.of(Route.get("/v1/lost-usage", "listLostUsage")
                .roles(OPERATOR, SELLER, BUYER)
                .paged()
                .to(Responder.json(200, this::list)));
    }

    private Future<Map<String, Object>> list(RoutingContext ctx) {
        PageRequest page = PageRequest.of(ctx);
        LostRange.Position after = page.after(LostRange.Position::ofKey).orElse(LostRange.Position.START);
        return lost.page(reads, Requests.caller(ctx).account(), after, page.limit() + 1)
                .map(rows ->
                        Page.of(rows, page, l -> l.range().position().key()).json(LostRange.Of::json));
    }
}
