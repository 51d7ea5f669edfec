package io.tallystick.aggregator.usage;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** What operators watch on the ingest path. */
final class BatchMeters {
    private static final Duration[] COMMIT_BUCKETS = {
        Duration.ofMillis(10),
        Duration.ofMillis(25),
        Duration.ofMillis(50),
        Duration.ofMillis(100),
        Duration.ofMillis(250),
        Duration.ofMillis(500),
        Duration.ofSeconds(1),
        Duration.ofSeconds(3),
        Duration.ofSeconds(10),
        Duration.ofSeconds(30)
    };

    private final Counter stored;
    private final Counter repeated;
    private final Counter gap;
    private final Counter fork;
    private final Counter shed;
    private final Counter records;
    private final Counter quarantined;
    private final Timer commit;

    BatchMeters(MeterRegistry registry, List<IngestLane> lanes) {
        stored = batches(registry, "stored");
        repeated = batches(registry, "repeated");
        gap = batches(registry, "gap");
        fork = batches(registry, "fork");
        shed = batches(registry, "shed");
        records = Counter.builder("tallystick.records.booked")
                .description("Metering records added up")
                .register(registry);
        quarantined = Counter.builder("tallystick.records.quarantined")
                .description("Metering records stored but not added up")
                .register(registry);
        commit = Timer.builder("tallystick.ingest.commit")
                .description("Time from the receipt of a batch to its commit, of those that were stored")
                .serviceLevelObjectives(COMMIT_BUCKETS)
                .register(registry);
        Gauge.builder("tallystick.ingest.oldest", lanes, l -> l.stream()
                        .map(IngestLane::oldestWait)
                        .mapToDouble(d -> d.toMillis() / 1000.0)
                        .max()
                        .orElse(0))
                .description("How long the oldest batch waits for its commit")
                .baseUnit("seconds")
                .register(registry);
        Gauge.builder("tallystick.ingest.queue", lanes, l -> l.stream()
                        .mapToInt(IngestLane::queued)
                        .sum())
                .description("Batches waiting for a transaction")
                .register(registry);
    }

    private static Counter batches(MeterRegistry registry, String outcome) {
        return Counter.builder("tallystick.batches")
                .description("Batches by outcome")
                .tag("outcome", outcome)
                .register(registry);
    }

    /** A lane has decided about a batch, so many nanoseconds after it came. */
    void decided(IngestLane.Outcome outcome, long nanos) {
        if (outcome instanceof IngestLane.Outcome.Fresh) {
            commit.record(nanos, TimeUnit.NANOSECONDS);
        }
    }

    void stored(int recordCount, int refusedCount) {
        stored.increment();
        records.increment((double) recordCount - refusedCount);
        quarantined.increment(refusedCount);
    }

    void repeated() {
        repeated.increment();
    }

    void gap() {
        gap.increment();
    }

    void fork() {
        fork.increment();
    }

    void shed() {
        shed.increment();
    }
}
