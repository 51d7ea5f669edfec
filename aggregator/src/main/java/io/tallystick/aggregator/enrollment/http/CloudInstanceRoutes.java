package io.tallystick.aggregator.enrollment.http;

import static io.tallystick.aggregator.web.Role.OPERATOR;

import io.tallystick.aggregator.enrollment.CloudInstance;
import io.tallystick.aggregator.enrollment.CloudSamples;
import io.tallystick.aggregator.web.PageRequest;
import io.tallystick.aggregator.web.Requests;
import io.tallystick.aggregator.web.Responder;
import io.tallystick.aggregator.web.Route;
import io.tallystick.common.model.EnrollmentId;
import io.vertx.core.Future;
import io.vertx.ext.web.RoutingContext;
import io.vertx.sqlclient.SqlClient;
import java.util.List;
import java.util.Map;

/** {@code /v1/cloud-instances}. */
public final class CloudInstanceRoutes {
    private final CloudSamples samples;
    private final SqlClient reads;

    public CloudInstanceRoutes(CloudSamples samples, SqlClient reads) {
        this.samples = samples;
        this.reads = reads;
    }

    public List<Route> routes() {
        return List.of(Route.get("/v1/cloud-instances", "listCloudInstances")
                .roles(OPERATOR)
                .paged()
                .query("state", "productCode")
                .to(Responder.json(200, this::list)));
    }

    private Future<Map<String, Object>> list(RoutingContext ctx) {
        PageRequest page = PageRequest.of(ctx);
        return samples.list(
                        reads,
                        page,
                        page.after(EnrollmentId::parse),
                        Requests.query(ctx, "state", CloudInstance.State::ofWire),
                        Requests.query(ctx, "productCode"))
                .map(found -> found.json(CloudInstance::json));
    }
}
