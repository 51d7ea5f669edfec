package io.tallystick.aggregator.usage;

import io.micrometer.core.instrument.MeterRegistry;
import io.tallystick.aggregator.account.Accounts;
import io.tallystick.aggregator.agreement.Agreements;
import io.tallystick.aggregator.catalog.Catalog;
import io.tallystick.aggregator.db.Database;
import io.tallystick.aggregator.enrollment.Enrollments;
import io.tallystick.aggregator.signing.SigningKeys;
import io.vertx.core.Vertx;
import java.time.Clock;
import java.util.List;
import java.util.Set;
import java.util.function.LongSupplier;
import java.util.stream.IntStream;

/** Puts the ingest path together: contexts, lanes, meters. */
public final class Ingest {
    private Ingest() {}

    /**
     * @param issuers the public URL and its former ones
     * @param nanoTime a monotonic clock, for the age of what is kept in memory
     */
    public static Batches batches(
            Vertx vertx,
            Database database,
            SigningKeys keys,
            Enrollments enrollments,
            Accounts accounts,
            Catalog catalog,
            Agreements agreements,
            Incidents incidents,
            Takeovers takeovers,
            ServingTimes serving,
            MeterRegistry registry,
            Set<String> issuers,
            Clock clock,
            LongSupplier nanoTime) {
        UsageContexts contexts =
                new UsageContexts(vertx, database, enrollments, accounts, catalog, agreements, nanoTime);
        List<IngestLane> lanes = IntStream.range(0, Database.LANE_CONNECTIONS)
                .mapToObj(i -> new IngestLane(vertx, database.lanes(), keys, nanoTime))
                .toList();
        return new Batches(
                contexts,
                lanes,
                incidents,
                takeovers,
                new BatchMeters(registry, lanes),
                serving,
                issuers,
                clock,
                nanoTime);
    }
}
