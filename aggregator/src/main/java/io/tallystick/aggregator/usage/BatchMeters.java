package io.tallystick.aggregator.usage;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import java.util.List;

/** What operators watch on the ingest path. */
final class BatchMeters {
    private final Counter stored;
    private final Counter repeated;
    private final Counter gap;
    private final Counter fork;
    private final Counter shed;
    private final Counter records;
    private final Counter quarantined;

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
