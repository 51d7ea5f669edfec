package io.tallystick.aggregator.portal;

import io.tallystick.aggregator.enrollment.CloudInstance;
import io.tallystick.aggregator.enrollment.CloudSamples;
import io.tallystick.aggregator.portal.pages.JtecloudinstancesGenerated;
import io.tallystick.aggregator.web.PageRequest;
import io.tallystick.aggregator.web.Requests;
import io.tallystick.aggregator.web.Role;
import io.tallystick.aggregator.web.Route;
import io.tallystick.common.model.EnrollmentId;
import io.vertx.core.Future;
import io.vertx.ext.web.RoutingContext;
import io.vertx.sqlclient.SqlClient;
import java.util.List;
import java.util.Optional;

/** What clouds show running, beside what is enrolled. */
final class CloudInstancePages {
    private final CloudSamples samples;
    private final SqlClient reads;
    private final Html html;

    CloudInstancePages(CloudSamples samples, SqlClient reads, Html html) {
        this.samples = samples;
        this.reads = reads;
        this.html = html;
    }

    List<Route> routes() {
        return List.of(Route.get("/portal/cloud-instances", "cloudInstancesPage")
                .page(Role.OPERATOR)
                .paged()
                .query("state")
                .to(this::list));
    }

    private Future<Void> list(RoutingContext ctx) {
        PageRequest request = PageRequest.of(ctx);
        CloudInstance.State state =
                Requests.query(ctx, "state", CloudInstance.State::ofWire).orElse(CloudInstance.State.UNENROLLED);
        Optional<EnrollmentId> after = request.after(EnrollmentId::parse);
        return samples.overview()
                .compose(comparison -> samples.list(reads, request, after, Optional.of(state), Optional.empty())
                        .compose(found -> html.send(
                                ctx,
                                200,
                                (output, page) -> JtecloudinstancesGenerated.render(
                                        output,
                                        null,
                                        page,
                                        comparison,
                                        found.items(),
                                        state,
                                        found.nextParameter().orElse(null)))));
    }
}
