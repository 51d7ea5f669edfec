package io.tallystick.aggregator.agreement.http;

import static io.tallystick.aggregator.web.Role.BUYER;
import static io.tallystick.aggregator.web.Role.OPERATOR;
import static io.tallystick.aggregator.web.Role.SELLER;

import io.tallystick.aggregator.agreement.Agreement;
import io.tallystick.aggregator.agreement.Agreements;
import io.tallystick.aggregator.web.PageRequest;
import io.tallystick.aggregator.web.Requests;
import io.tallystick.aggregator.web.Responder;
import io.tallystick.aggregator.web.Route;
import io.tallystick.common.json.Fields;
import io.vertx.core.Future;
import io.vertx.ext.web.RoutingContext;
import io.vertx.sqlclient.SqlClient;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** {@code /v1/agreements}. */
public final class AgreementRoutes {
    private static final int ID_CHARS_MAX = 64;

    private final Agreements agreements;
    private final SqlClient reads;

    public AgreementRoutes(Agreements agreements, SqlClient reads) {
        this.agreements = agreements;
        this.reads = reads;
    }

    public List<Route> routes() {
        return List.of(
                Route.post("/v1/agreements", "createAgreement")
                        .roles(OPERATOR, BUYER)
                        .json()
                        .to(Responder.json(201, this::create)),
                Route.get("/v1/agreements", "listAgreements")
                        .roles(OPERATOR, SELLER, BUYER)
                        .paged()
                        .query("product")
                        .to(Responder.json(200, this::list)),
                Route.get("/v1/agreements/{id}", "getAgreement")
                        .roles(OPERATOR, SELLER, BUYER)
                        .to(Responder.json(200, this::get)),
                Route.post("/v1/agreements/{id}/end", "endAgreement")
                        .roles(OPERATOR, BUYER)
                        .to(Responder.json(200, this::end)));
    }

    private Future<Map<String, Object>> create(RoutingContext ctx) {
        Fields in = Requests.json(ctx);
        String product = in.string("product", ID_CHARS_MAX);
        Optional<String> account = in.optionalString("account", ID_CHARS_MAX);
        Optional<String> offer = in.optionalString("offer", ID_CHARS_MAX);
        in.done();
        return agreements.accept(Requests.caller(ctx), product, account, offer).map(Agreement::json);
    }

    private Future<Map<String, Object>> list(RoutingContext ctx) {
        return agreements
                .list(reads, Requests.caller(ctx), Requests.query(ctx, "product"), PageRequest.of(ctx))
                .map(page -> page.json(Agreements.View::json));
    }

    private Future<Map<String, Object>> get(RoutingContext ctx) {
        return agreements
                .get(reads, Requests.caller(ctx), Requests.path(ctx, "id"))
                .map(Agreements.View::json);
    }

    private Future<Map<String, Object>> end(RoutingContext ctx) {
        return agreements.end(Requests.caller(ctx), Requests.path(ctx, "id")).map(Agreement::json);
    }
}
