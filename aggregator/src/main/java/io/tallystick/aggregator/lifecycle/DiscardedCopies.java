package io.tallystick.aggregator.lifecycle;

import io.tallystick.aggregator.db.Columns;
import io.tallystick.aggregator.db.Database;
import io.tallystick.aggregator.image.ImageCloud;
import io.tallystick.aggregator.image.ImageCloudException;
import io.tallystick.aggregator.image.ImageClouds;
import io.tallystick.aggregator.job.Handler;
import io.tallystick.aggregator.job.Job;
import io.tallystick.aggregator.job.Jobs;
import io.vertx.core.Future;
import java.time.Clock;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Deletes copies whose publication came to nothing. Where the cloud's answer to the request for a copy was lost, nobody
 * knows its id: the same request is sent once more, which by its token gives the same copy, and that is deleted.
 */
final class DiscardedCopies implements Handler {
    static final String JOB = "discard-copy";
    private static final Logger LOG = LoggerFactory.getLogger(DiscardedCopies.class);

    private final CopyStore copies = new CopyStore();
    private final ImageClouds clouds;
    private final Jobs jobs;
    private final Database database;
    private final Clock clock;

    DiscardedCopies(ImageClouds clouds, Jobs jobs, Database database, Clock clock) {
        this.clouds = clouds;
        this.jobs = jobs;
        this.database = database;
        this.clock = clock;
    }

    @Override
    public String kind() {
        return JOB;
    }

    /** @param job whose key is the copy's token */
    @Override
    public Future<Outcome> run(Job job) {
        return copies.read(database.reads(), job.key())
                .map(Optional::orElseThrow)
                .compose(copy -> copy.status().equals("discarded")
                        ? remove(copy).compose(gone -> database.transactor().inTx(tx -> jobs.hold(tx, job)
                                .compose(held -> copies.deleted(tx, copy.token(), Columns.micros(clock.instant())))))
                        : Future.succeededFuture())
                .map(Outcome.DONE);
    }

    private Future<Void> remove(CopyStore.Copy copy) {
        if (!copy.askedFor()) {
            return Future.succeededFuture();
        }
        ImageCloud cloud = StepEffects.cloud(clouds, copy.cloud());
        return imageOf(cloud, copy)
                .compose(id -> id.isPresent() ? cloud.delete(copy.region(), id.get()) : Future.succeededFuture());
    }

    /** Empty where the cloud refuses the request for good: then it never made a copy. */
    private static Future<Optional<String>> imageOf(ImageCloud cloud, CopyStore.Copy copy) {
        return copy.imageId().isPresent()
                ? Future.succeededFuture(copy.imageId())
                : copy.ask(cloud)
                        .map(Optional::of)
                        .recover(e -> e instanceof ImageCloudException refused && !refused.isRetryable()
                                ? Future.succeededFuture(Optional.empty())
                                : Future.failedFuture(e));
    }

    @Override
    public Future<Void> poisoned(Job job, String lastError) {
        LOG.error("the copy of token {} could not be deleted and may cost storage: {}", job.key(), lastError);
        return Future.succeededFuture();
    }
}
