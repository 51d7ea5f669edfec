package io.tallystick.aggregator.lifecycle;

import io.tallystick.aggregator.agreement.Agreements;
import io.tallystick.aggregator.catalog.ProductVersion;
import io.tallystick.aggregator.catalog.Versions;
import io.tallystick.aggregator.db.Columns;
import io.tallystick.aggregator.db.Database;
import io.tallystick.aggregator.image.CloudImage;
import io.tallystick.aggregator.image.ImageCloud;
import io.tallystick.aggregator.image.ImageClouds;
import io.tallystick.aggregator.job.Handler;
import io.tallystick.aggregator.job.Job;
import io.tallystick.aggregator.job.Jobs;
import io.vertx.core.Future;
import java.time.Clock;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Function;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Makes who may launch a product's copies agree with its agreements, by comparing with what the cloud says. Asked for when
 * an agreement begins or ends and when a version is published or restricted; it may run as often as it likes.
 */
final class ImageShares implements Handler {
    /** Accounts in one request to a cloud. */
    static final int CHUNK = 100;

    private static final Logger LOG = LoggerFactory.getLogger(ImageShares.class);

    private final CopyStore copies = new CopyStore();
    private final Versions versions;
    private final ImageClouds clouds;
    private final Jobs jobs;
    private final Database database;
    private final Clock clock;

    ImageShares(Versions versions, ImageClouds clouds, Jobs jobs, Database database, Clock clock) {
        this.versions = versions;
        this.clouds = clouds;
        this.jobs = jobs;
        this.database = database;
        this.clock = clock;
    }

    @Override
    public String kind() {
        return Agreements.SHARES_JOB;
    }

    /** @param job whose key is the product */
    @Override
    public Future<Outcome> run(Job job) {
        return versions.ofProducts(database.reads(), List.of(job.key())).compose(all -> {
            Future<Void> done = Future.succeededFuture();
            for (ProductVersion version : all) {
                if (version.status().isLaunchable() && version.delivery().hasImage()) {
                    done = done.compose(before -> reconcile(job, version));
                }
            }
            return done.map(Outcome.DONE);
        });
    }

    private Future<Void> reconcile(Job job, ProductVersion version) {
        ImageCloud cloud = StepEffects.cloud(clouds, version.cloud());
        String image = version.copyImageId().orElseThrow();
        return copies.entitled(
                        database.reads(),
                        version.productId(),
                        version.cloud(),
                        Columns.micros(clock.instant()),
                        version.restrictedAt())
                .compose(wanted -> cloud.find(version.region(), image)
                        .compose(found -> found.isEmpty()
                                ? Future.succeededFuture()
                                : agree(job, version, cloud, found.get(), wanted)));
    }

    private Future<Void> agree(
            Job job, ProductVersion version, ImageCloud cloud, CloudImage image, Set<String> wanted) {
        return copies.shared(database.reads(), version.id()).compose(known -> {
            Set<String> missing = new TreeSet<>(wanted);
            missing.removeAll(image.sharedWith());
            Set<String> surplus = new TreeSet<>(image.sharedWith());
            surplus.addAll(known);
            surplus.removeAll(wanted);
            return inChunks(missing, chunk -> cloud.share(version.region(), image.id(), chunk))
                    .compose(done -> inChunks(surplus, chunk -> cloud.unshare(version.region(), image.id(), chunk)))
                    .compose(done -> database.transactor().inTx(tx -> jobs.hold(tx, job)
                            .compose(held -> copies.unshare(tx, version.id(), surplus))
                            .compose(gone -> copies.share(tx, version.id(), wanted, Columns.micros(clock.instant())))));
        });
    }

    /** In sorted order, one request after the other. */
    static Future<Void> inChunks(Set<String> accounts, Function<Set<String>, Future<Void>> request) {
        List<String> sorted = new ArrayList<>(new TreeSet<>(accounts));
        Future<Void> done = Future.succeededFuture();
        for (int from = 0; from < sorted.size(); from += CHUNK) {
            Set<String> chunk = new HashSet<>(sorted.subList(from, Math.min(from + CHUNK, sorted.size())));
            done = done.compose(before -> request.apply(chunk));
        }
        return done;
    }

    @Override
    public Future<Void> poisoned(Job job, String lastError) {
        LOG.error("who may launch the copies of {} is not as its agreements say: {}", job.key(), lastError);
        return Future.succeededFuture();
    }
}
