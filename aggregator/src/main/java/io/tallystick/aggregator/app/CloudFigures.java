package io.tallystick.aggregator.app;

import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.tallystick.aggregator.enrollment.CloudInstance;
import io.tallystick.aggregator.enrollment.CloudSamples;
import io.vertx.core.Future;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.Optional;

/** Gauges of what clouds say beside what agents say, of the whole service, as {@link Figures} does it. */
final class CloudFigures {
    static final Duration READ_EVERY = Duration.ofMinutes(1);

    private final CloudSamples samples;
    private final Clock clock;
    private volatile CloudSamples.Comparison last = new CloudSamples.Comparison(Optional.empty(), 0, 0, List.of());

    CloudFigures(CloudSamples samples, MeterRegistry registry, Clock clock) {
        this.samples = samples;
        this.clock = clock;
        for (CloudInstance.State state : CloudInstance.State.values()) {
            Gauge.builder("tallystick.cloud.instances", this, f -> f.last.of(state))
                    .description("VMs by how what their cloud says and what their agent says agree")
                    .tag("state", state.wire())
                    .register(registry);
        }
        Gauge.builder("tallystick.cloud.samples.failing", this, f -> f.last.failing())
                .description("Accounts and regions at clouds that were asked within the hour without an answer")
                .register(registry);
        Gauge.builder("tallystick.cloud.samples.oldest", this, CloudFigures::age)
                .description("Age of the oldest answer of a cloud that is counted; 0 without any")
                .baseUnit("seconds")
                .register(registry);
    }

    /** Reads them; what fails leaves the figures before. */
    Future<Void> read() {
        return samples.overview().map(read -> {
            last = read;
            return null;
        });
    }

    private double age() {
        return last.asOf()
                .map(at -> Math.max(0, Duration.between(at, clock.instant()).toMillis() / 1000.0))
                .orElse(0.0);
    }
}
