package io.tallystick.aggregator.entitlement.http;

import static io.tallystick.aggregator.web.Role.BUYER;
import static io.tallystick.aggregator.web.Role.OPERATOR;

import io.tallystick.aggregator.enrollment.Invitation;
import io.tallystick.aggregator.enrollment.Invitations;
import io.tallystick.aggregator.entitlement.JoinCodeIssuer;
import io.tallystick.aggregator.web.PageRequest;
import io.tallystick.aggregator.web.Requests;
import io.tallystick.aggregator.web.Responder;
import io.tallystick.aggregator.web.Route;
import io.tallystick.common.json.Fields;
import io.vertx.core.Future;
import io.vertx.ext.web.RoutingContext;
import java.util.List;
import java.util.Map;

/** {@code /v1/join-codes}. */
public final class JoinCodeRoutes {
    private static final int ID_CHARS_MAX = 64;

    private final JoinCodeIssuer issuer;
    private final Invitations invitations;

    public JoinCodeRoutes(JoinCodeIssuer issuer, Invitations invitations) {
        this.issuer = issuer;
        this.invitations = invitations;
    }

    public List<Route> routes() {
        return List.of(
                Route.post("/v1/join-codes", "createJoinCode")
                        .roles(OPERATOR, BUYER)
                        .json()
                        .to(Responder.json(201, this::create)),
                Route.get("/v1/join-codes", "listJoinCodes")
                        .roles(OPERATOR, BUYER)
                        .paged()
                        .to(Responder.json(200, this::list)),
                Route.delete("/v1/join-codes/{id}", "revokeJoinCode")
                        .roles(OPERATOR, BUYER)
                        .to(Responder.json(200, this::revoke)));
    }

    private Future<Map<String, Object>> create(RoutingContext ctx) {
        Fields in = Requests.json(ctx);
        JoinCodeIssuer.Wanted wanted = new JoinCodeIssuer.Wanted(
                in.string("agreement", ID_CHARS_MAX),
                in.optionalString("cloudAccount", ID_CHARS_MAX),
                in.optionalNumber("uses", 1, Invitation.USES_MAX).orElse(1L).intValue(),
                in.optionalString("description", Invitation.DESCRIPTION_CHARS_MAX),
                in.optionalInstant("expiresAt"));
        in.done();
        return issuer.issue(Requests.caller(ctx), wanted).map(issued -> {
            Map<String, Object> json = issued.invitation().json();
            json.put("code", issued.code());
            return json;
        });
    }

    private Future<Map<String, Object>> list(RoutingContext ctx) {
        return invitations.list(Requests.caller(ctx), PageRequest.of(ctx)).map(page -> page.json(Invitation::json));
    }

    private Future<Map<String, Object>> revoke(RoutingContext ctx) {
        return invitations
                .revoke(Requests.caller(ctx), Requests.path(ctx, "id"))
                .map(Invitation::json);
    }
}
