package io.tallystick.aggregator.entitlement.http;

import io.tallystick.aggregator.enrollment.http.EnrollmentPath;
import io.tallystick.aggregator.entitlement.Entitlements;
import io.tallystick.aggregator.signing.KeySet;
import io.tallystick.aggregator.signing.SigningKeys;
import io.tallystick.aggregator.web.Requests;
import io.tallystick.aggregator.web.Responder;
import io.tallystick.aggregator.web.Route;
import io.tallystick.common.jose.Jws;
import io.tallystick.common.wire.Wire;
import io.vertx.core.Future;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpHeaders;
import io.vertx.ext.web.RoutingContext;
import java.util.List;
import java.util.Map;

/** What agents call, batches apart: enrollment, leases, resume, and the keys that answers are verified with. */
public final class AgentRoutes {
    /** Small requests: a counter and two words. */
    private static final int LEASE_BYTES_MAX = 8 * 1024;

    private final Entitlements entitlements;
    private final SigningKeys keys;

    public AgentRoutes(Entitlements entitlements, SigningKeys keys) {
        this.entitlements = entitlements;
        this.keys = keys;
    }

    public List<Route> routes() {
        return List.of(
                Route.post(Wire.ENROLLMENTS_PATH, "enroll")
                        .agent()
                        .bodyBytesMax(Wire.ENROLL_BYTES_MAX)
                        .to(ctx -> signed(ctx, entitlements.enroll(Requests.bytes(ctx)))),
                Route.post("/v1/enrollments/{id}/lease", "renewLease")
                        .agent()
                        .bodyBytesMax(LEASE_BYTES_MAX)
                        .to(ctx -> signed(ctx, entitlements.renew(EnrollmentPath.id(ctx), Requests.bytes(ctx)))),
                Route.post("/v1/enrollments/{id}/resume", "resume")
                        .agent()
                        .bodyBytesMax(Wire.BODY_BYTES_MAX)
                        .to(ctx -> signed(ctx, entitlements.resume(EnrollmentPath.id(ctx), Requests.bytes(ctx)))),
                Route.get("/.well-known/jwks.json", "getKeys").anonymous().to(Responder.json(200, this::published)),
                Route.get("/v1/keys/{kid}", "getKey").anonymous().to(Responder.json(200, this::byKid)));
    }

    private static Future<Void> signed(RoutingContext ctx, Future<Jws> answer) {
        return answer.compose(jws -> ctx.response()
                .putHeader(HttpHeaders.CONTENT_TYPE, Wire.JOSE_JSON)
                .end(Buffer.buffer(jws.flattened())));
    }

    private Future<Map<String, Object>> published(RoutingContext ctx) {
        return Future.succeededFuture(KeySet.json(keys.published()));
    }

    private Future<Map<String, Object>> byKid(RoutingContext ctx) {
        return keys.byKid(Requests.path(ctx, "kid")).map(KeySet::json);
    }
}
