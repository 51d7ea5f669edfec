package io.tallystick.aggregator.usage.http;

import io.tallystick.aggregator.enrollment.http.EnrollmentPath;
import io.tallystick.aggregator.usage.Batches;
import io.tallystick.aggregator.web.Requests;
import io.tallystick.aggregator.web.Route;
import io.tallystick.common.jose.Jws;
import io.tallystick.common.jose.Typ;
import io.tallystick.common.model.EnrollmentId;
import io.tallystick.common.wire.Wire;
import io.vertx.core.Future;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpHeaders;
import io.vertx.ext.web.RoutingContext;
import java.util.List;

/** {@code POST /v1/enrollments/{id}/batches}. */
public final class BatchRoutes {
    private final Batches batches;

    public BatchRoutes(Batches batches) {
        this.batches = batches;
    }

    public List<Route> routes() {
        return List.of(Route.post("/v1/enrollments/{id}/batches", "postBatch")
                .agent()
                .bodyBytesMax(Wire.BODY_BYTES_MAX)
                .gate(ctx -> batches.foresee(EnrollmentPath.id(ctx)))
                .to(this::post));
    }

    private Future<?> post(RoutingContext ctx) {
        EnrollmentId id = EnrollmentPath.id(ctx);
        return batches.accept(id, Requests.bytes(ctx)).compose(receipt -> ctx.response()
                .putHeader(HttpHeaders.CONTENT_TYPE, Wire.JOSE_JSON)
                .end(Buffer.buffer(Jws.parseCompact(receipt, Typ.RECEIPT).flattened())));
    }
}
