package io.tallystick.aggregator.app;

import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.tallystick.aggregator.db.Database;
import io.tallystick.aggregator.usage.Incidents;
import io.vertx.core.Future;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import java.util.function.Function;
import java.util.function.ToDoubleFunction;

/**
 * Gauges over the whole service, read from the database now and then and never by a scrape. Every process shows the same,
 * so take the maximum over them, not the sum. Ages are kept as instants and subtracted when asked, so they grow on where
 * reading stops.
 */
final class Figures {
    static final Duration READ_EVERY = Duration.ofSeconds(15);
    /** An incident counts as active for so long after it was last seen. */
    static final Duration INCIDENT_ACTIVE = Duration.ofHours(24);
    /** An agent reports if a batch came within this time: the longest flush interval there is. */
    static final Duration REPORTING = Duration.ofHours(1);
    /** As the entitlement rules: renewing leases so long without a batch is stalled metering. */
    static final Duration STALLED = Duration.ofHours(24);

    private final Database database;
    private final MeterRegistry registry;
    private final Clock clock;
    private final FiguresStore store = new FiguresStore();
    private volatile FiguresStore.Read last = FiguresStore.Read.NOTHING;
    private volatile Instant readAt;

    Figures(Database database, MeterRegistry registry, Clock clock) {
        this.database = database;
        this.registry = registry;
        this.clock = clock;
        this.readAt = clock.instant();
        for (Incidents.Kind kind : Incidents.Kind.values()) {
            Gauge.builder("tallystick.incidents.active", this, f -> f.last.incidents()
                            .getOrDefault(kind.wire(), 0L))
                    .description("Incidents seen within a day")
                    .tag("kind", kind.wire())
                    .register(registry);
        }
        count("tallystick.agents.enrolled", "Enrollments there are", FiguresStore.Read::enrolled);
        count(
                "tallystick.agents.reporting",
                "Enrollments with a batch within the last hour",
                FiguresStore.Read::reporting);
        count(
                "tallystick.agents.stalled",
                "Enrollments seen within a day whose last batch is older than a day",
                FiguresStore.Read::stalled);
        age(
                "tallystick.posting.lag",
                "How far booking times that are final are behind the clock; 0 before the first posting run",
                FiguresStore.Read::closedThrough);
        age(
                "tallystick.rating.lag",
                "Age of the oldest posting run whose charges are not there yet",
                FiguresStore.Read::oldestUnrated);
        age(
                "tallystick.statements.lag",
                "Time since the end of the oldest month that has charges and no closed statements",
                FiguresStore.Read::openMonthEnd);
        age(
                "tallystick.outbox.oldest",
                "Age of the oldest mail that is neither sent nor given up",
                FiguresStore.Read::oldestMail);
        count("tallystick.outbox.refused", "Mails given up within a day", FiguresStore.Read::refusedMails);
        age("tallystick.job.oldest.due", "How long the oldest job is due", FiguresStore.Read::oldestJob);
        count("tallystick.jobs.poisoned", "Jobs that were given up", FiguresStore.Read::poisonedJobs);
        Gauge.builder("tallystick.figures.age", this, f -> f.since(readAt))
                .description("Age of the figures that are read from the database")
                .baseUnit("seconds")
                .register(registry);
    }

    /** Reads them; what fails leaves the figures before. */
    Future<Void> read() {
        Instant now = clock.instant();
        return store.read(database.reads(), now).map(read -> {
            last = read;
            readAt = now;
            return null;
        });
    }

    private void count(String name, String description, ToDoubleFunction<FiguresStore.Read> figure) {
        Gauge.builder(name, this, f -> figure.applyAsDouble(f.last))
                .description(description)
                .register(registry);
    }

    /** How long ago something was, 0 where it is not. */
    private void age(String name, String description, Function<FiguresStore.Read, Optional<Instant>> of) {
        Gauge.builder(name, this, f -> of.apply(f.last).map(f::since).orElse(0.0))
                .description(description)
                .baseUnit("seconds")
                .register(registry);
    }

    private double since(Instant then) {
        return Math.max(0, Duration.between(then, clock.instant()).toMillis() / 1000.0);
    }
}
