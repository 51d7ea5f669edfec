package io.tallystick.aggregator.catalog;

import io.tallystick.aggregator.account.Account;
import io.tallystick.aggregator.account.Accounts;
import io.tallystick.aggregator.account.CloudAccount;
import io.tallystick.aggregator.audit.Audit;
import io.tallystick.aggregator.audit.AuditEvent;
import io.tallystick.aggregator.db.Columns;
import io.tallystick.aggregator.db.Database;
import io.tallystick.aggregator.db.Ids;
import io.tallystick.aggregator.image.CloudImage;
import io.tallystick.aggregator.image.ImageCloud;
import io.tallystick.aggregator.image.ImageClouds;
import io.tallystick.aggregator.web.Caller;
import io.tallystick.aggregator.web.Requests;
import io.tallystick.common.error.ErrorCode;
import io.tallystick.common.error.Failure;
import io.tallystick.common.json.Fields;
import io.vertx.core.Future;
import io.vertx.sqlclient.SqlClient;
import io.vertx.sqlclient.SqlConnection;
import java.time.Clock;
import java.time.Instant;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * Versions of products: made as drafts from an image the seller owns, found, and moved along by {@code lifecycle}. Methods
 * that take a client may be used inside another feature's transaction.
 */
public final class Versions {
    private final VersionStore store = new VersionStore();
    private final Catalog catalog;
    private final Accounts accounts;
    private final ImageClouds clouds;
    private final Database database;
    private final Audit audit;
    private final Ids ids;
    private final Clock clock;

    public Versions(
            Catalog catalog,
            Accounts accounts,
            ImageClouds clouds,
            Database database,
            Audit audit,
            Ids ids,
            Clock clock) {
        this.catalog = catalog;
        this.accounts = accounts;
        this.clouds = clouds;
        this.database = database;
        this.audit = audit;
        this.ids = ids;
        this.clock = clock;
    }

    /** What a draft is to be. */
    public record Draft(
            String title, String cloud, String region, String imageId, VersionText text, Delivery delivery) {
        private static final int CLOUD_CHARS_MAX = 32;
        private static final int PLACE_CHARS_MAX = 64;

        /** Reads all fields; the caller says when all is read. */
        public static Draft read(Fields in) {
            // A package is not an image, and nowhere.
            boolean software = in.has("package");
            String image = software
                    ? in.optionalString("imageId", PLACE_CHARS_MAX).orElse("")
                    : in.string("imageId", PLACE_CHARS_MAX);
            String region = software
                    ? in.optionalString("region", PLACE_CHARS_MAX).orElse("")
                    : in.string("region", PLACE_CHARS_MAX);
            if (software && !(image + region).isEmpty()) {
                in.problem("package", "is delivered without imageId and region");
            }
            return new Draft(
                    in.string("title", ProductVersion.TITLE_CHARS_MAX),
                    in.string("cloud", CLOUD_CHARS_MAX),
                    region,
                    image,
                    VersionText.read(in),
                    Delivery.read(in, image));
        }

        /** Delivered as an image. */
        public Draft(String title, String cloud, String region, String imageId, VersionText text) {
            this(title, cloud, region, imageId, text, Delivery.IMAGE);
        }

        public Draft delivered(Delivery other) {
            return new Draft(title, cloud, region, imageId, text, other);
        }
    }

    /** Makes a draft. The cloud is asked whether the image is the seller's, available, and carries the product's code. */
    public Future<ProductVersion> create(Caller caller, String productId, Draft wanted) {
        return catalog.managed(database.reads(), caller, productId)
                .compose(product -> checkedImage(product, wanted))
                .compose(image -> database.transactor().inTx(tx -> catalog.lockToChange(tx, caller, productId)
                        .compose(product -> make(tx, caller.actor(), ids.next("ver"), productId, wanted, image))));
    }

    /** Makes a draft whose image was checked, in this transaction, which holds the product. */
    public Future<ProductVersion> make(
            SqlConnection tx, String actor, String id, String productId, Draft wanted, Optional<CloudImage> image) {
        return store.readProducts(tx, List.of(productId)).compose(others -> {
            if (others.size() >= ProductVersion.PER_PRODUCT_MAX) {
                throw tooMany();
            }
            ProductVersion made = draft(id, productId, wanted, image, Columns.micros(clock.instant()));
            return store.insert(tx, made)
                    .compose(done -> record(tx, actor, "version.create", null, made))
                    .map(made);
        });
    }

    private static Failure tooMany() {
        return Failure.of(ErrorCode.CONFLICT, "a product has at most " + ProductVersion.PER_PRODUCT_MAX + " versions");
    }

    /** A draft as it will be once it is made. */
    public ProductVersion planned(String id, String productId, Draft wanted) {
        return draft(id, productId, wanted, Optional.empty(), Columns.micros(clock.instant()));
    }

    /**
     * Replaces a draft's data, its image too. A published version is changed by a change set, its image never.
     *
     * @param revision the modification date that the wish is based on; one that is not the version's any more is refused with
     *     {@code conflict}, because all fields are replaced (rule R24)
     */
    public Future<ProductVersion> edit(Caller caller, String id, Draft wanted, Optional<Instant> revision) {
        return requireManaged(database.reads(), caller, id)
                .compose(found -> catalog.managed(database.reads(), caller, found.productId()))
                .compose(product -> checkedImage(product, wanted).compose(image -> database.transactor()
                        .inTx(tx -> catalog.lockToChange(tx, caller, product.id())
                                .compose(held -> edit(tx, caller, id, wanted, image, revision)))));
    }

    private Future<ProductVersion> edit(
            SqlConnection tx,
            Caller caller,
            String id,
            Draft wanted,
            Optional<CloudImage> image,
            Optional<Instant> revision) {
        return lock(tx, id).compose(before -> {
            if (before.status() != VersionStatus.DRAFT) {
                throw Failure.of(
                        ErrorCode.CONFLICT,
                        "only a draft can be edited; its image cannot be changed after publication, its texts"
                                + " by the change ModifyVersion");
            }
            before.requireUnchanged(revision);
            ProductVersion after =
                    before.edited(draft(id, before.productId(), wanted, image, Columns.micros(clock.instant())));
            return store.update(tx, after)
                    .compose(done -> record(tx, caller.actor(), "version.edit", before, after))
                    .map(after);
        });
    }

    private static ProductVersion draft(
            String id, String productId, Draft wanted, Optional<CloudImage> image, Instant now) {
        return new ProductVersion(
                id,
                productId,
                wanted.title(),
                wanted.text(),
                wanted.cloud(),
                wanted.region(),
                image.map(CloudImage::id).orElse(""),
                image.map(CloudImage::name).orElse(""),
                List.of(),
                VersionStatus.DRAFT,
                now,
                now,
                Optional.empty(),
                Optional.empty(),
                Optional.empty(),
                false,
                wanted.delivery());
    }

    /**
     * Rule O12: only images of the seller's own account that carry the product's code. A package has none. What is delivered
     * otherwise than the product's versions are is refused.
     */
    public Future<Optional<CloudImage>> checkedImage(Product product, Draft wanted) {
        ImageCloud cloud = cloud(wanted.cloud());
        if (wanted.delivery().kind() != product.type()) {
            throw Requests.invalid(
                    "delivery", "must be " + product.type().wire() + ", as all versions of this product are delivered");
        }
        if (!wanted.delivery().hasImage()) {
            return Future.succeededFuture(Optional.empty());
        }
        return accounts.require(database.reads(), product.sellerAccountId())
                .compose(seller -> cloud.find(wanted.region(), wanted.imageId()).map(found -> {
                    CloudImage image = found.filter(i -> owned(seller, wanted.cloud(), i.ownerAccount()))
                            .orElseThrow(() -> Requests.invalid(
                                    "imageId",
                                    "must be an image in " + wanted.region()
                                            + " that one of the seller's registered " + wanted.cloud()
                                            + " accounts owns"));
                    if (!image.productCodes().contains(product.code())) {
                        throw Requests.invalid("imageId", "must carry the product's code, " + product.code());
                    }
                    if (image.state() != CloudImage.State.AVAILABLE) {
                        throw Requests.invalid(
                                "imageId", "must be available, is " + image.state() + image.stateReason());
                    }
                    return Optional.of(image);
                }));
    }

    private ImageCloud cloud(String name) {
        return clouds.of(name)
                .orElseThrow(() -> Requests.invalid(
                        "cloud",
                        clouds.names().isEmpty()
                                ? "cannot be any: this marketplace has access to no cloud"
                                : "must be one of " + String.join(", ", clouds.names())));
    }

    private static boolean owned(Account seller, String cloud, String account) {
        return seller.cloudAccounts().contains(new CloudAccount(cloud, account));
    }

    /** The clouds in which a product's seller has an account and this marketplace one of its own, sorted. */
    public Future<List<String>> clouds(Caller caller, String productId) {
        return catalog.managed(database.reads(), caller, productId)
                .compose(product -> accounts.require(database.reads(), product.sellerAccountId()))
                .map(seller -> clouds.names().stream()
                        .filter(name -> seller.cloudAccounts().stream()
                                .anyMatch(a -> a.cloud().equals(name)))
                        .toList());
    }

    /** What can be chosen from (rule O12), by name: available images of the seller's that carry the product's code. */
    public Future<List<CloudImage>> images(Caller caller, String productId, String cloudName, String region) {
        return catalog.managed(database.reads(), caller, productId).compose(product -> {
            ImageCloud cloud = cloud(cloudName);
            if (region.isEmpty()) {
                throw Requests.invalid("region", "is missing");
            }
            return accounts.require(database.reads(), product.sellerAccountId()).compose(seller -> {
                List<Future<List<CloudImage>>> asked = seller.cloudAccounts().stream()
                        .filter(a -> a.cloud().equals(cloudName))
                        .map(a -> cloud.ownedBy(region, a.accountId(), product.code()))
                        .toList();
                return Future.all(asked).map(done -> asked.stream()
                        .flatMap(f -> f.result().stream())
                        .filter(i -> i.state() == CloudImage.State.AVAILABLE)
                        .sorted(Comparator.comparing(CloudImage::name).thenComparing(CloudImage::id))
                        .toList());
            });
        });
    }

    /**
     * What the form for a new version starts with (rule O9): the last created one, whatever became of it; empty for the
     * first. Its image is proposed too, as the seller may only have forgotten to make another.
     */
    public Future<Optional<ProductVersion>> template(SqlClient db, Caller caller, String productId) {
        return catalog.managed(db, caller, productId)
                .compose(product -> store.readProducts(db, List.of(productId)))
                .map(versions -> versions.stream().findFirst());
    }

    /** A version as one caller may see it. */
    public record View(ProductVersion version, Map<String, Object> json) {}

    /** All versions of a product, newest first; a buyer sees the published ones of products open to it. */
    public Future<List<View>> list(SqlClient db, Caller caller, String productId) {
        return catalog.visible(db, caller, productId)
                .compose(product -> store.readProducts(db, List.of(productId)).map(versions -> versions.stream()
                        .flatMap(v -> view(caller, product, v, v.region()).stream())
                        .toList()));
    }

    /** A version the caller may see; else {@code not-found}. */
    public Future<View> get(SqlClient db, Caller caller, String id) {
        return get(db, caller, id, Optional.empty());
    }

    /**
     * As {@link #get(SqlClient, Caller, String)}.
     *
     * @param region whose copy a template is to launch, for buyers; empty for the one in the seller's region, or any
     */
    public Future<View> get(SqlClient db, Caller caller, String id, Optional<String> region) {
        return store.read(db, id)
                .map(found -> found.orElseThrow(Versions::notFound))
                .compose(version -> catalog.visible(db, caller, version.productId())
                        .map(product -> view(caller, product, version, region.orElse(version.region())))
                        .otherwise(e -> hidden(e)))
                .map(found -> found.orElseThrow(Versions::notFound));
    }

    private static Optional<View> hidden(Throwable e) {
        if (e instanceof Failure f && f.code() == ErrorCode.NOT_FOUND) {
            return Optional.empty();
        }
        throw e instanceof RuntimeException known ? known : new IllegalStateException(e);
    }

    private static Optional<View> view(Caller caller, Product product, ProductVersion version, String region) {
        if (Catalog.manages(caller, product)) {
            return Optional.of(new View(version, version.json()));
        }
        return version.status() == VersionStatus.PUBLISHED
                ? Optional.of(new View(version, version.jsonForBuyer(region)))
                : Optional.empty();
    }

    private Future<ProductVersion> requireManaged(SqlClient db, Caller caller, String id) {
        return get(db, caller, id)
                .compose(view ->
                        catalog.managed(db, caller, view.version().productId()).map(product -> view.version()));
    }

    /** The versions of these products, newest first. */
    public Future<List<ProductVersion>> ofProducts(SqlClient db, Collection<String> productIds) {
        return productIds.isEmpty() ? Future.succeededFuture(List.of()) : store.readProducts(db, productIds);
    }

    /**
     * The versions of these products that an image belongs to: those it is a copy of, and those it is the source of. Empty for
     * an image that a buyer derived.
     */
    public Future<List<ProductVersion>> ofImage(
            SqlClient db, Collection<String> productIds, String cloud, String image) {
        return productIds.isEmpty() ? Future.succeededFuture(List.of()) : store.readImage(db, productIds, cloud, image);
    }

    /** What somebody may launch of these products in a cloud, newest first, at most {@value VersionStore#LAUNCHABLE_MAX}. */
    public Future<List<ProductVersion>> launchable(SqlClient db, Collection<String> productIds, String cloud) {
        return productIds.isEmpty() ? Future.succeededFuture(List.of()) : store.readLaunchable(db, productIds, cloud);
    }

    /** The version, which cannot change before the transaction ends; fails with {@code not-found}. */
    public Future<ProductVersion> lock(SqlConnection tx, String id) {
        return store.readForUpdate(tx, id).map(found -> found.orElseThrow(Versions::notFound));
    }

    /** The version; fails with {@code not-found}. */
    public Future<ProductVersion> require(SqlClient db, String id) {
        return store.read(db, id).map(found -> found.orElseThrow(Versions::notFound));
    }

    /** Takes a draft for publishing, so that nobody edits it meanwhile; refused if it is not as it was read any more. */
    public Future<Void> beginPublishing(SqlConnection tx, ProductVersion draft) {
        return lock(tx, draft.id()).compose(now -> {
            if (!now.equals(draft)) {
                throw Failure.of(ErrorCode.CONFLICT, "the draft was changed meanwhile");
            }
            return store.update(tx, draft.publishing(true));
        });
    }

    /** Gives a version back whose publication came to nothing; one that was never made is fine. */
    public Future<Void> abandonPublishing(SqlConnection tx, String id) {
        return store.readForUpdate(tx, id).compose(found -> found.filter(v -> v.status() == VersionStatus.PUBLISHING)
                .map(v -> store.update(tx, v.publishing(false)))
                .orElse(Future.succeededFuture()));
    }

    /**
     * Publishes it now, and moves the product's modification date (rule O6).
     *
     * @param copies whose own rows the caller marks as the version's, in this transaction
     */
    public Future<ProductVersion> published(SqlConnection tx, String actor, String id, List<VersionCopy> copies) {
        return move(tx, actor, "version.publish", id, now -> v -> v.published(copies, now));
    }

    /** Distributes it to more regions, as {@link #published} does to the first. */
    public Future<ProductVersion> distributed(SqlConnection tx, String actor, String id, List<VersionCopy> more) {
        return move(tx, actor, "version.distribute", id, now -> v -> v.distributed(more, now));
    }

    public Future<ProductVersion> restricted(SqlConnection tx, String actor, String id) {
        return move(tx, actor, "version.restrict", id, now -> v -> v.restricted(now));
    }

    public Future<ProductVersion> unpublished(SqlConnection tx, String actor, String id) {
        return move(tx, actor, "version.unpublish", id, now -> v -> v.unpublished(now));
    }

    /** Versions that were restricted by then and whose sellers are to be told now that support has ended; each once. */
    public Future<List<ProductVersion>> supportEnded(SqlConnection tx, Instant restrictedUntil, int max) {
        return store.supportEnded(tx, restrictedUntil, Columns.micros(clock.instant()), max);
    }

    /** Changes its texts and its own modification date (rule O6). */
    public Future<ProductVersion> modified(SqlConnection tx, String actor, String id, VersionText text) {
        Instant now = Columns.micros(clock.instant());
        return change(tx, actor, "version.modify", id, v -> v.modified(text, now));
    }

    private Future<ProductVersion> move(
            SqlConnection tx,
            String actor,
            String action,
            String id,
            Function<Instant, UnaryOperator<ProductVersion>> step) {
        Instant now = Columns.micros(clock.instant());
        return change(tx, actor, action, id, step.apply(now))
                .compose(after -> catalog.touched(tx, after.productId(), now).map(after));
    }

    private Future<ProductVersion> change(
            SqlConnection tx, String actor, String action, String id, UnaryOperator<ProductVersion> step) {
        return lock(tx, id).compose(before -> {
            ProductVersion after = step.apply(before);
            return store.update(tx, after)
                    .compose(done -> record(tx, actor, action, before, after))
                    .compose(done -> require(tx, id));
        });
    }

    private Future<Void> record(
            SqlConnection tx, String actor, String action, @Nullable ProductVersion before, ProductVersion after) {
        return audit.append(
                tx,
                new AuditEvent.Change(actor, action, after.id(), before == null ? null : before.json(), after.json()));
    }

    private static Failure notFound() {
        return Failure.of(ErrorCode.NOT_FOUND, "there is no such version");
    }
}
