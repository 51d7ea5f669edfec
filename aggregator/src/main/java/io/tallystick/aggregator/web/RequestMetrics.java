package io.tallystick.aggregator.web;

import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import io.vertx.ext.web.RoutingContext;
import java.time.Duration;

/** {@code tallystick_http_requests_seconds} by operation and status; operations are declared, so labels are bounded. */
public final class RequestMetrics {
    private static final String NAME = "tallystick.http.requests";

    /** Few, as there are as many series of each as operations and statuses. */
    private static final Duration[] BUCKETS = {
        Duration.ofMillis(50), Duration.ofMillis(250), Duration.ofSeconds(1), Duration.ofSeconds(5)
    };

    private final MeterRegistry registry;

    public RequestMetrics(MeterRegistry registry) {
        this.registry = registry;
    }

    void time(RoutingContext ctx, String operationId) {
        Timer.Sample sample = Timer.start(registry);
        ctx.addEndHandler(done -> sample.stop(Timer.builder(NAME)
                .description("Time from the head of a request to the end of its answer")
                .serviceLevelObjectives(BUCKETS)
                .tag("operation", operationId)
                .tag("status", done.succeeded() ? String.valueOf(ctx.response().getStatusCode()) : "aborted")
                .register(registry)));
    }
}
