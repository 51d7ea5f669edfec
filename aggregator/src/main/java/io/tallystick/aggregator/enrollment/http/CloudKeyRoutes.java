package io.tallystick.aggregator.enrollment.http;

import static io.tallystick.aggregator.web.Role.BUYER;
import static io.tallystick.aggregator.web.Role.OPERATOR;

import io.tallystick.aggregator.enrollment.CloudKeyEntry;
import io.tallystick.aggregator.enrollment.CloudKeys;
import io.tallystick.aggregator.image.CloudKey;
import io.tallystick.aggregator.web.PageRequest;
import io.tallystick.aggregator.web.Requests;
import io.tallystick.aggregator.web.Responder;
import io.tallystick.aggregator.web.Route;
import io.tallystick.common.json.Fields;
import io.tallystick.common.wire.EnrollRequest;
import io.vertx.core.Future;
import io.vertx.ext.web.RoutingContext;
import java.util.List;
import java.util.Map;

/** {@code /v1/cloud-keys}. */
public final class CloudKeyRoutes {
    private static final int ID_CHARS_MAX = 64;
    private static final int ACCESS_CHARS_MAX = 128;
    private static final int SECRET_CHARS_MAX = 256;

    private final CloudKeys keys;

    public CloudKeyRoutes(CloudKeys keys) {
        this.keys = keys;
    }

    public List<Route> routes() {
        return List.of(
                Route.post("/v1/cloud-keys", "setCloudKey")
                        .roles(OPERATOR, BUYER)
                        .json()
                        .to(Responder.json(200, this::set)),
                Route.get("/v1/cloud-keys", "listCloudKeys")
                        .roles(OPERATOR, BUYER)
                        .paged()
                        .to(Responder.json(200, this::list)),
                Route.delete("/v1/cloud-keys/{id}", "deleteCloudKey")
                        .roles(OPERATOR, BUYER)
                        .to(Responder.json(200, this::delete)));
    }

    private Future<Map<String, Object>> set(RoutingContext ctx) {
        Fields in = Requests.json(ctx);
        String cloud = in.string("cloud", ID_CHARS_MAX);
        if (!cloud.isEmpty() && !cloud.equals(EnrollRequest.OUTSCALE)) {
            in.problem("cloud", "must be outscale");
        }
        String account = in.string("cloudAccount", ID_CHARS_MAX);
        String accessKey = in.string("accessKey", ACCESS_CHARS_MAX);
        String secretKey = in.string("secretKey", SECRET_CHARS_MAX);
        in.done();
        return keys.set(Requests.caller(ctx), cloud, account, key(accessKey, secretKey))
                .map(CloudKeyEntry::json);
    }

    private static CloudKey key(String accessKey, String secretKey) {
        try {
            return new CloudKey(accessKey, secretKey);
        } catch (IllegalArgumentException e) {
            throw Requests.invalid("accessKey, secretKey", String.valueOf(e.getMessage()));
        }
    }

    private Future<Map<String, Object>> list(RoutingContext ctx) {
        return keys.list(Requests.caller(ctx), PageRequest.of(ctx)).map(page -> page.json(CloudKeyEntry::json));
    }

    private Future<Map<String, Object>> delete(RoutingContext ctx) {
        return keys.delete(Requests.caller(ctx), Requests.path(ctx, "id")).map(CloudKeyEntry::json);
    }
}
