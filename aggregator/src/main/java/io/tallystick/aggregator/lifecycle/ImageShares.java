package io.tallystick.aggregator.lifecycle;

import io.tallystick.aggregator.catalog.Catalog;
import io.tallystick.aggregator.catalog.Place;
import io.tallystick.aggregator.catalog.Product;
import io.tallystick.aggregator.catalog.ProductVersion;
import io.tallystick.aggregator.catalog.VersionCopy;
import io.tallystick.aggregator.catalog.VersionStatus;
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
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Function;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Makes who may launch a product's copies agree with its agreements, and with its offers where those are for everybody (rule
 * N6), by comparing with what the cloud says. Asked for when an agreement begins or ends, a version or a region is added or
 * restricted, an offer is made or closed, the product's visibility moves; it comes back by itself when an offer opens or
 * closes, and may run as often as it likes.
 */
final class ImageShares implements Handler {
    /** Accounts in one request to a cloud. */
    static final int CHUNK = 100;

    private static final Logger LOG = LoggerFactory.getLogger(ImageShares.class);

    private final CopyStore copies = new CopyStore();
    private final Catalog catalog;
    private final Versions versions;
    private final ImageClouds clouds;
    private final Jobs jobs;
    private final Database database;
    private final Clock clock;

    ImageShares(Catalog catalog, Versions versions, ImageClouds clouds, Jobs jobs, Database database, Clock clock) {
        this.catalog = catalog;
        this.versions = versions;
        this.clouds = clouds;
        this.jobs = jobs;
        this.database = database;
        this.clock = clock;
    }

    @Override
    public String kind() {
        return Catalog.SHARES_JOB;
    }

    /** @param job whose key is the product */
    @Override
    public Future<Outcome> run(Job job) {
        Instant now = Columns.micros(clock.instant());
        return catalog.byIds(database.reads(), List.of(job.key()))
                .compose(products -> copies.openKinds(database.reads(), job.key(), now)
                        .compose(open -> versions.ofProducts(database.reads(), List.of(job.key()))
                                .compose(all -> reconcile(job, products.get(0), all, open))
                                // Only a copy that is public where offers say so depends on the time.
                                .map(somewhere -> somewhere && open.changesAt().isPresent()
                                        ? Outcome.later(Duration.between(
                                                now, open.changesAt().get()))
                                        : Outcome.DONE)));
    }

    /** Answers whether there is a copy whose visibility follows the offers. */
    private Future<Boolean> reconcile(Job job, Product product, List<ProductVersion> all, CopyStore.OpenKinds open) {
        Future<Boolean> done = Future.succeededFuture(false);
        for (ProductVersion version : all) {
            if (version.status().isLaunchable() && version.delivery().hasImage()) {
                boolean published = version.status() == VersionStatus.PUBLISHED;
                boolean follows =
                        published && !Profile.of(version.cloud()).publicFor().isEmpty();
                for (VersionCopy copy : version.copies()) {
                    Optional<Instant> until = restrictedAt(product, version, copy);
                    boolean everybody = until.isEmpty() && open.toEverybody(product, version.cloud());
                    done = done.compose(before ->
                            reconcile(job, version, copy, until, everybody).map(before || follows));
                }
            }
        }
        return done;
    }

    /** From when on nobody new may launch a copy: its version was restricted, or its region was (rule R26). */
    private static Optional<Instant> restrictedAt(Product product, ProductVersion version, VersionCopy copy) {
        return Stream.concat(
                        version.restrictedAt().stream(),
                        product.places(Place.Kind.REGION, version.cloud()).stream()
                                .filter(place -> place.name().equals(copy.region()))
                                .flatMap(place -> place.restrictedAt().stream()))
                .min(Comparator.naturalOrder());
    }

    private Future<Void> reconcile(
            Job job, ProductVersion version, VersionCopy copy, Optional<Instant> restrictedAt, boolean everybody) {
        ImageCloud cloud = StepEffects.cloud(clouds, version.cloud());
        return copies.entitled(
                        database.reads(),
                        version.productId(),
                        version.cloud(),
                        Columns.micros(clock.instant()),
                        restrictedAt)
                .compose(wanted -> cloud.find(copy.region(), copy.imageId())
                        .compose(found -> found.isEmpty()
                                ? Future.succeededFuture()
                                : agree(job, version, cloud, found.get(), wanted)
                                        .compose(done -> found.get().isPublic() == everybody
                                                ? Future.succeededFuture()
                                                : cloud.setPublic(copy.region(), copy.imageId(), everybody))));
    }

    private Future<Void> agree(
            Job job, ProductVersion version, ImageCloud cloud, CloudImage image, Set<String> wanted) {
        return copies.shared(database.reads(), version.id(), image.region()).compose(known -> {
            Set<String> missing = new TreeSet<>(wanted);
            missing.removeAll(image.sharedWith());
            Set<String> surplus = new TreeSet<>(image.sharedWith());
            surplus.addAll(known);
            surplus.removeAll(wanted);
            return inChunks(missing, chunk -> cloud.share(image.region(), image.id(), chunk))
                    .compose(done -> inChunks(surplus, chunk -> cloud.unshare(image.region(), image.id(), chunk)))
                    .compose(done -> database.transactor().inTx(tx -> jobs.hold(tx, job)
                            .compose(held -> copies.unshare(tx, version.id(), image.region(), surplus))
                            .compose(gone -> copies.share(
                                    tx, version.id(), image.region(), wanted, Columns.micros(clock.instant())))));
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
