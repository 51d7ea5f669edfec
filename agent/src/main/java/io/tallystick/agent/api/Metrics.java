package io.tallystick.agent.api;

import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import io.tallystick.agent.clock.TrustedTime;
import io.tallystick.agent.enroll.Board;
import io.tallystick.agent.enroll.State;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.ToDoubleFunction;
import org.jspecify.annotations.Nullable;

/**
 * The metrics of {@code GET /metrics}. Names are part of the contract with dashboards. Counted from the start; the library
 * that writes them comes with the first scrape, as a start must not wait for it and most VMs are never scraped.
 */
public final class Metrics {
    private final Board board;
    private final TrustedTime time;
    /** By status and path, as {@code 200 /healthz}. */
    private final Map<String, LongAdder> answered = new ConcurrentHashMap<>();

    private final LongAdder records = new LongAdder();
    private volatile Status.Queue queue = new Status.Queue(0, 0, 0, 0);
    private volatile double oldestSeconds;
    private @Nullable PrometheusMeterRegistry registry;

    public Metrics(Board board, TrustedTime time) {
        this.board = board;
        this.time = time;
    }

    private PrometheusMeterRegistry registry() {
        PrometheusMeterRegistry made = new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
        gauge(made, "tallystick_agent_pending_sums", "Sums not cut into a batch yet", m -> m.queue.pendingSums());
        gauge(made, "tallystick_agent_unsent_batches", "Batches without a receipt", m -> m.queue.unsentBatches());
        gauge(
                made,
                "tallystick_agent_unsent_seconds",
                "Age of the oldest batch without a receipt",
                m -> m.oldestSeconds);
        gauge(
                made,
                "tallystick_agent_quarantined_records",
                "Records the aggregator refused",
                m -> m.queue.quarantined());
        gauge(
                made,
                "tallystick_agent_online",
                "1 if the last contact with the aggregator succeeded",
                m -> m.board.standing().online() ? 1 : 0);
        for (State s : State.values()) {
            Gauge.builder("tallystick_agent_state", board, b -> b.standing().state(time.now()) == s ? 1 : 0)
                    .description("1 for the state the agent is in")
                    .tag("state", s.name())
                    .register(made);
        }
        FunctionCounter.builder("tallystick_agent_usage_records_total", records, LongAdder::sum)
                .register(made);
        return made;
    }

    private void gauge(MeterRegistry made, String name, String description, ToDoubleFunction<Metrics> value) {
        Gauge.builder(name, this, value).description(description).register(made);
    }

    void answered(String path, int status) {
        answered.computeIfAbsent(status + " " + path, a -> new LongAdder()).increment();
    }

    void usage(int taken) {
        records.add(taken);
    }

    void refresh(Status status) {
        Status.Queue q = status.queue();
        queue = q;
        oldestSeconds = status.oldestUnsentSeconds(q);
    }

    synchronized String text() {
        PrometheusMeterRegistry r = registry;
        if (r == null) {
            r = registry();
            registry = r;
        }
        for (Map.Entry<String, LongAdder> e : answered.entrySet()) {
            int space = e.getKey().indexOf(' ');
            // One that is registered stays as it is.
            FunctionCounter.builder("tallystick_agent_requests_total", e.getValue(), LongAdder::sum)
                    .tag("path", e.getKey().substring(space + 1))
                    .tag("status", e.getKey().substring(0, space))
                    .register(r);
        }
        return r.scrape();
    }
}
