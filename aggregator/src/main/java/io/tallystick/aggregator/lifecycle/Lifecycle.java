package io.tallystick.aggregator.lifecycle;

import io.tallystick.aggregator.account.Accounts;
import io.tallystick.aggregator.audit.Audit;
import io.tallystick.aggregator.catalog.Catalog;
import io.tallystick.aggregator.catalog.Offers;
import io.tallystick.aggregator.catalog.Versions;
import io.tallystick.aggregator.db.Database;
import io.tallystick.aggregator.db.Ids;
import io.tallystick.aggregator.image.ImageClouds;
import io.tallystick.aggregator.job.Handler;
import io.tallystick.aggregator.job.Jobs;
import io.tallystick.aggregator.notice.Outbox;
import java.time.Clock;
import java.util.List;

/** The feature, put together: what people ask through, and what does the work. */
public record Lifecycle(ChangeSets changeSets, List<Handler> handlers) {
    public Lifecycle {
        handlers = List.copyOf(handlers);
    }

    public static Lifecycle of(
            Accounts accounts,
            Catalog catalog,
            Versions versions,
            Offers offers,
            ImageClouds clouds,
            Outbox outbox,
            Jobs jobs,
            Database database,
            Audit audit,
            Ids ids,
            Clock clock) {
        return of(
                accounts,
                catalog,
                versions,
                offers,
                clouds,
                outbox,
                jobs,
                database,
                audit,
                ids,
                clock,
                ChangeSetWorker.Boundary.NONE);
    }

    /** @param boundary where the worker of change sets may die */
    static Lifecycle of(
            Accounts accounts,
            Catalog catalog,
            Versions versions,
            Offers offers,
            ImageClouds clouds,
            Outbox outbox,
            Jobs jobs,
            Database database,
            Audit audit,
            Ids ids,
            Clock clock,
            ChangeSetWorker.Boundary boundary) {
        StepEffects effects = new StepEffects(versions, catalog, clouds, database, clock);
        StepRecords records =
                new StepRecords(versions, catalog, offers, new VersionNews(accounts, catalog, versions, outbox), jobs);
        return new Lifecycle(
                new ChangeSets(accounts, catalog, versions, offers, jobs, database, audit, ids, clock),
                List.of(
                        new ChangeSetWorker(
                                effects, records, catalog, versions, jobs, database, audit, ids, clock, boundary),
                        new ImageShares(catalog, versions, clouds, jobs, database, clock),
                        new AccountShares(jobs, database),
                        new DiscardedCopies(clouds, jobs, database, clock)));
    }
}
