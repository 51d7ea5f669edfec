package io.tallystick.agent.api;

import io.micrometer.core.instrument.Gauge;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import io.tallystick.agent.clock.TrustedTime;
import io.tallystick.agent.enroll.Board;
import io.tallystick.agent.enroll.State;
import java.util.function.ToDoubleFunction;

/** The metrics of {@code GET /metrics}. Names are part of the contract with dashboards. */
public final class Metrics {
    private final PrometheusMeterRegistry registry = new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
    private volatile Status.Queue queue = new Status.Queue(0, 0, 0, 0);
    private volatile double oldestSeconds;

    public Metrics(Board board, TrustedTime time) {
        gauge("tallystick_agent_pending_sums", "Sums not cut into a batch yet", m -> m.queue.pendingSums());
        gauge("tallystick_agent_unsent_batches", "Batches without a receipt", m -> m.queue.unsentBatches());
        gauge("tallystick_agent_unsent_seconds", "Age of the oldest batch without a receipt", m -> m.oldestSeconds);
        gauge("tallystick_agent_quarantined_records", "Records the aggregator refused", m -> m.queue.quarantined());
        gauge(
                "tallystick_agent_online",
                "1 if the last contact with the aggregator succeeded",
                m -> board.standing().online() ? 1 : 0);
        for (State s : State.values()) {
            Gauge.builder("tallystick_agent_state", board, b -> b.standing().state(time.now()) == s ? 1 : 0)
                    .description("1 for the state the agent is in")
                    .tag("state", s.name())
                    .register(registry);
        }
    }

    private void gauge(String name, String description, ToDoubleFunction<Metrics> value) {
        Gauge.builder(name, this, value).description(description).register(registry);
    }

    void answered(String path, int status) {
        registry.counter("tallystick_agent_requests_total", "path", path, "status", Integer.toString(status))
                .increment();
    }

    void usage(int records) {
        registry.counter("tallystick_agent_usage_records_total").increment(records);
    }

    void refresh(Status status) {
        Status.Queue q = status.queue();
        queue = q;
        oldestSeconds = status.oldestUnsentSeconds(q);
    }

    String text() {
        return registry.scrape();
    }
}
