package io.tallystick.aggregator.lifecycle;

import io.tallystick.aggregator.catalog.Catalog;
import io.tallystick.aggregator.catalog.VersionCopy;
import io.tallystick.aggregator.catalog.Versions;
import io.tallystick.aggregator.db.Columns;
import io.tallystick.aggregator.db.Database;
import io.tallystick.aggregator.image.CloudImage;
import io.tallystick.aggregator.image.ImageCloud;
import io.tallystick.aggregator.image.ImageCloudException;
import io.tallystick.aggregator.image.ImageClouds;
import io.vertx.core.Future;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/** What steps ask of clouds. Everything here may be asked for again. Steps on our own rows only ask for nothing. */
final class StepEffects {
    /** A cloud that has just made a copy may take a while to tell of it. */
    static final Duration LISTED_WITHIN = Duration.ofMinutes(10);

    private final CopyStore copies = new CopyStore();
    private final Versions versions;
    private final Catalog catalog;
    private final ImageClouds clouds;
    private final Database database;
    private final Clock clock;

    StepEffects(Versions versions, Catalog catalog, ImageClouds clouds, Database database, Clock clock) {
        this.versions = versions;
        this.catalog = catalog;
        this.clouds = clouds;
        this.database = database;
        this.clock = clock;
    }

    /**
     * What came of it.
     *
     * @param imageId the copy, for those steps that are about one
     * @param accounts who was let in, for a share
     * @param waiting the cloud is not done; nothing is to be recorded yet
     * @param source the seller's image, for a new version
     */
    record Effect(Optional<String> imageId, Set<String> accounts, boolean waiting, Optional<CloudImage> source) {
        Effect(Optional<String> imageId, Set<String> accounts, boolean waiting) {
            this(imageId, accounts, waiting, Optional.empty());
        }

        static final Effect NONE = new Effect(Optional.empty(), Set.of(), false);
        static final Effect WAIT = new Effect(Optional.empty(), Set.of(), true);

        static Effect of(String imageId) {
            return new Effect(Optional.of(imageId), Set.of(), false);
        }
    }

    Future<Effect> ask(ChangeSet set, Step step) {
        return switch (step.name()) {
            case COPY -> copy(step);
            case AVAILABLE -> withCopy(set, step, (cloud, copy) -> available(step, cloud, copy));
            case ATTACH -> withCopy(set, step, this::attach);
            case SHARE -> withCopy(set, step, this::share);
            case DEPRECATE -> withPublished(step, (cloud, copy) -> cloud.deprecate(copy.region(), copy.imageId()));
            case DELETE -> withPublished(step, (cloud, copy) -> cloud.delete(copy.region(), copy.imageId()));
            case DRAFT -> draft(set.changes().get(step.changeIndex()));
            case PUBLISH,
                    MODIFY,
                    RESTRICT,
                    UNPUBLISH,
                    WITHDRAW,
                    INFORM,
                    PLACE,
                    CREATE,
                    MEASURE,
                    TARGET,
                    OFFER,
                    PRICE,
                    CLOSE -> Future.succeededFuture(Effect.NONE);
        };
    }

    /** The image was looked at when the change was asked for; it may have changed since. */
    private Future<Effect> draft(Change change) {
        return catalog.byIds(database.reads(), List.of(change.productId()))
                .compose(products ->
                        versions.checkedImage(products.get(0), change.addition().version()))
                .map(image -> new Effect(Optional.empty(), Set.of(), false, image));
    }

    private Future<Effect> copy(Step step) {
        return copies.read(database.reads(), step.token())
                .map(Optional::orElseThrow)
                .compose(copy -> copy.ask(cloud(copy.cloud())))
                .map(Effect::of);
    }

    private Future<Effect> available(Step step, ImageCloud cloud, CopyStore.Copy copy) {
        return cloud.find(copy.region(), image(copy)).map(found -> {
            if (found.isEmpty() && !isPast(step.startedAt(), LISTED_WITHIN)) {
                return Effect.WAIT;
            }
            CloudImage image = found.orElseThrow(() -> forGood("the copy " + image(copy) + " is gone"));
            return switch (image.state()) {
                case PENDING -> Effect.WAIT;
                case AVAILABLE -> Effect.of(image.id());
                case FAILED -> throw forGood("the cloud could not make the copy: " + image.stateReason());
            };
        });
    }

    private boolean isPast(Optional<Instant> since, Duration time) {
        return since.map(s -> s.plus(time).isBefore(clock.instant())).orElse(false);
    }

    private Future<Effect> attach(ImageCloud cloud, CopyStore.Copy copy) {
        return versions.require(database.reads(), copy.versionId())
                .compose(version -> catalog.byIds(database.reads(), List.of(version.productId())))
                .compose(products -> cloud.attachProductCode(
                        copy.region(), image(copy), products.get(0).code()))
                .map(Effect.of(image(copy)));
    }

    /** Those who subscribe from here on are let in by {@link ImageShares}, once the version is published. */
    private Future<Effect> share(ImageCloud cloud, CopyStore.Copy copy) {
        return versions.require(database.reads(), copy.versionId())
                .compose(version -> copies.entitled(
                        database.reads(),
                        version.productId(),
                        version.cloud(),
                        Columns.micros(clock.instant()),
                        Optional.empty()))
                .compose(accounts -> ImageShares.inChunks(
                                accounts, chunk -> cloud.share(copy.region(), image(copy), chunk))
                        .compose(done -> openToAll(cloud, copy))
                        .map(new Effect(copy.imageId(), accounts, false)));
    }

    /** Rule N6. What changes later is {@link ImageShares}'s. */
    private Future<Void> openToAll(ImageCloud cloud, CopyStore.Copy copy) {
        return versions.require(database.reads(), copy.versionId())
                .compose(version -> catalog.byIds(database.reads(), List.of(version.productId())))
                .compose(products -> copies.openKinds(
                                database.reads(), products.get(0).id(), Columns.micros(clock.instant()))
                        .compose(open -> open.toEverybody(products.get(0), copy.cloud())
                                ? cloud.setPublic(copy.region(), image(copy), true)
                                : Future.succeededFuture()));
    }

    @FunctionalInterface
    private interface OnCopy {
        Future<Effect> ask(ImageCloud cloud, CopyStore.Copy copy);
    }

    @FunctionalInterface
    private interface OnPublished {
        Future<Void> ask(ImageCloud cloud, VersionCopy copy);
    }

    private Future<Effect> withCopy(ChangeSet set, Step step, OnCopy on) {
        return copies.tokenOf(database.reads(), set.id(), step)
                .compose(token -> copies.read(database.reads(), token))
                .map(Optional::orElseThrow)
                .compose(copy -> on.ask(cloud(copy.cloud()), copy));
    }

    private Future<Effect> withPublished(Step step, OnPublished on) {
        return versions.require(database.reads(), step.versionId().orElseThrow())
                .compose(version -> on.ask(
                        cloud(version.cloud()),
                        version.copyIn(step.region().orElse(version.region())).orElseThrow()))
                .map(Effect.NONE);
    }

    private static String image(CopyStore.Copy copy) {
        return copy.imageId().orElseThrow();
    }

    private ImageCloud cloud(String name) {
        return cloud(clouds, name);
    }

    /** A cloud whose access was taken out of the configuration may come back: retryable. */
    static ImageCloud cloud(ImageClouds clouds, String name) {
        return clouds.of(name)
                .orElseThrow(() ->
                        new ImageCloudException("not-configured", "this process has no access to " + name, true, null));
    }

    private static ImageCloudException forGood(String message) {
        return new ImageCloudException("copy-failed", message, false, null);
    }
}
