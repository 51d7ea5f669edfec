package io.tallystick.aggregator.lifecycle;

import io.tallystick.aggregator.catalog.Catalog;
import io.tallystick.aggregator.catalog.Offers;
import io.tallystick.aggregator.catalog.Place;
import io.tallystick.aggregator.catalog.Product;
import io.tallystick.aggregator.catalog.ProductVersion;
import io.tallystick.aggregator.catalog.VersionCopy;
import io.tallystick.aggregator.catalog.Versions;
import io.tallystick.aggregator.catalog.Visibility;
import io.tallystick.aggregator.job.Jobs;
import io.vertx.core.Future;
import io.vertx.sqlclient.SqlConnection;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** What steps leave in our own rows, mails included, in the transaction that marks them done. */
final class StepRecords {
    private static final int COPY_NAME_CHARS_MAX = 60;

    private final CopyStore copies = new CopyStore();
    private final Versions versions;
    private final Catalog catalog;
    private final Offers offers;
    private final VersionNews news;
    private final Jobs jobs;

    StepRecords(Versions versions, Catalog catalog, Offers offers, VersionNews news, Jobs jobs) {
        this.offers = offers;
        this.versions = versions;
        this.catalog = catalog;
        this.news = news;
        this.jobs = jobs;
    }

    /** Takes the drafts that are there, of packages too, and writes down each copy before it is asked for. */
    Future<Void> beginPublishing(SqlConnection tx, List<Step> steps, List<ProductVersion> all, Instant now) {
        Future<Void> begun = Future.succeededFuture();
        for (Step step : steps) {
            Optional<ProductVersion> there = all.stream()
                    .filter(v -> step.versionId().equals(Optional.of(v.id())))
                    .findFirst();
            if (there.isPresent()) {
                ProductVersion version = there.get();
                begun = begun.compose(done -> switch (step.name()) {
                    case COPY -> writeCopy(tx, step, version, now);
                    case PUBLISH -> versions.beginPublishing(tx, version);
                    default -> Future.succeededFuture();
                });
            }
        }
        return begun;
    }

    private Future<Void> writeCopy(SqlConnection tx, Step step, ProductVersion version, Instant now) {
        return catalog.byIds(tx, List.of(version.productId()))
                .compose(products -> copies.insert(
                        tx,
                        new CopyStore.Copy(
                                step.token(),
                                version.id(),
                                version.cloud(),
                                step.region().orElse(version.region()),
                                version.region(),
                                version.sourceImageId(),
                                copyName(products.get(0), version),
                                Optional.empty(),
                                "requested",
                                false),
                        now));
    }

    /** For people who look at the marketplace's account: clouds take letters, digits and little else. */
    static String copyName(Product product, ProductVersion version) {
        String name = (product.title() + " " + version.title())
                .replaceAll("[^A-Za-z0-9_./()-]+", " ")
                .strip();
        String cut = name.length() > COPY_NAME_CHARS_MAX
                ? name.substring(0, COPY_NAME_CHARS_MAX).strip()
                : name;
        return cut.length() < 3 ? "version " + cut : cut;
    }

    Future<Void> record(SqlConnection tx, ChangeSet set, Step step, StepEffects.Effect effect, Instant now) {
        String actor = ChangeSetWorker.actor(set);
        return switch (step.name()) {
            case COPY -> copies.pending(tx, step.token(), effect.imageId().orElseThrow());
            case AVAILABLE -> copies.tokenOf(tx, set.id(), step).compose(token -> copies.available(tx, token, now));
            case ATTACH, DEPRECATE -> Future.succeededFuture();
            case SHARE ->
                region(tx, step).compose(region -> copies.share(tx, version(step), region, effect.accounts(), now));
            case PUBLISH ->
                askForShares(tx, step)
                        .compose(done -> copies.made(tx, set.id(), step.changeIndex()))
                        .compose(made -> versions.published(
                                tx, actor, version(step), made.getOrDefault(version(step), List.of())))
                        .compose(done -> copies.published(tx, version(step), now))
                        .compose(done -> versions.require(tx, version(step)))
                        .compose(published -> news.published(tx, published, now));
            case MODIFY -> {
                Change change = set.changes().get(step.changeIndex());
                yield versions.modified(
                                tx,
                                actor,
                                version(step),
                                change.details().text().orElseThrow())
                        .compose(modified -> change.announce()
                                ? news.modified(tx, modified, set.id(), now)
                                : Future.succeededFuture());
            }
            case RESTRICT ->
                askForShares(tx, step)
                        .compose(done -> versions.restricted(tx, actor, version(step)))
                        .compose(restricted -> news.restricted(tx, restricted, now));
            case DELETE -> region(tx, step).compose(region -> copies.deletedOfVersion(tx, version(step), region, now));
            case UNPUBLISH -> {
                boolean whole = set.changes().get(step.changeIndex()).type() == Change.Type.UNPUBLISH_PRODUCT;
                yield versions.unpublished(tx, actor, version(step))
                        .compose(gone -> whole ? Future.succeededFuture() : news.unpublished(tx, gone, now));
            }
            case WITHDRAW -> withdraw(tx, actor, set.changes().get(step.changeIndex()), now);
            case INFORM -> inform(tx, actor, set.changes().get(step.changeIndex()));
            case PLACE ->
                jobs.add(
                                tx,
                                Catalog.SHARES_JOB,
                                set.changes().get(step.changeIndex()).productId())
                        .compose(done -> place(tx, actor, set.changes().get(step.changeIndex())))
                        .compose(done -> copies.made(tx, set.id(), step.changeIndex()))
                        .compose(made -> distributed(tx, actor, made, now));
            case CREATE, MEASURE, TARGET, OFFER, PRICE, CLOSE ->
                add(tx, actor, set.changes().get(step.changeIndex()));
            case DRAFT -> draft(tx, actor, set, step, effect, now);
        };
    }

    /** Before anything is audited: all who need both the job's row and the log's head take them in this order. */
    private Future<Void> askForShares(SqlConnection tx, Step step) {
        return versions.require(tx, version(step))
                .compose(version -> jobs.add(tx, Catalog.SHARES_JOB, version.productId()));
    }

    /** What is there is held as it is when people ask for the same: who accepts meanwhile sees all of it, or nothing. */
    private Future<Void> add(SqlConnection tx, String actor, Change change) {
        return change.type() == Change.Type.CREATE_PRODUCT
                ? create(tx, actor, change)
                : catalog.lock(tx, change.productId()).compose(product -> add(tx, actor, change, product));
    }

    private Future<Void> create(SqlConnection tx, String actor, Change change) {
        Catalog.NewProduct wanted = change.addition().product();
        return catalog.make(
                        tx,
                        actor,
                        catalog.planned(
                                change.productId(),
                                wanted.code().orElseThrow(),
                                wanted.seller().orElseThrow(),
                                wanted),
                        wanted.dimensions())
                .mapEmpty();
    }

    private Future<Void> add(SqlConnection tx, String actor, Change change, Product product) {
        Addition addition = change.addition();
        return switch (change.type()) {
            case ADD_DIMENSIONS ->
                catalog.dimensions()
                        .add(tx, actor, product, addition.dimensions())
                        .mapEmpty();
            case RESTRICT_DIMENSIONS ->
                catalog.dimensions()
                        .restrict(tx, actor, product, addition.restricted())
                        .mapEmpty();
            case UPDATE_DIMENSIONS ->
                catalog.dimensions()
                        .rename(tx, actor, product, addition.renamed())
                        .mapEmpty();
            case UPDATE_AVAILABILITY -> offers.close(tx, actor, addition.offer().orElseThrow(), addition.closesAt());
            case UPDATE_TARGETING ->
                catalog.target(tx, actor, product.id(), addition.accounts()).mapEmpty();
            case CREATE_OFFER ->
                offers.make(tx, actor, addition.offer().orElseThrow(), product.id(), addition.newOffer());
            case UPDATE_PRICING_TERMS ->
                offers.addRate(tx, actor, addition.offer().orElseThrow(), addition.rate());
            default -> throw new IllegalStateException(change.type() + " adds nothing by itself");
        };
    }

    /** One that its own change set publishes is taken for that at once, as others were when the set began. */
    private Future<Void> draft(
            SqlConnection tx, String actor, ChangeSet set, Step step, StepEffects.Effect effect, Instant now) {
        Change change = set.changes().get(step.changeIndex());
        return catalog.lock(tx, change.productId())
                .compose(product -> versions.make(
                        tx,
                        actor,
                        version(step),
                        product.id(),
                        change.addition().version(),
                        effect.source()))
                .compose(made -> beginPublishing(
                        tx,
                        set.steps().stream()
                                .filter(s -> s.versionId().equals(step.versionId()))
                                .toList(),
                        List.of(made),
                        now));
    }

    private Future<Void> inform(SqlConnection tx, String actor, Change change) {
        return catalog.lock(tx, change.productId())
                .compose(product -> catalog.inform(
                        tx,
                        actor,
                        product,
                        change.details().title().orElse(product.title()),
                        change.details().page().orElseThrow()))
                .mapEmpty();
    }

    private Future<Void> place(SqlConnection tx, String actor, Change change) {
        ChangeDetails.Places places = change.details().places().orElseThrow();
        Place.Kind kind =
                switch (change.type()) {
                    case ADD_REGIONS, RESTRICT_REGIONS -> Place.Kind.REGION;
                    case ADD_INSTANCE_TYPES, RESTRICT_INSTANCE_TYPES -> Place.Kind.INSTANCE_TYPE;
                    default -> throw new IllegalStateException(change.type() + " has no places");
                };
        boolean add = change.type() == Change.Type.ADD_REGIONS || change.type() == Change.Type.ADD_INSTANCE_TYPES;
        return catalog.lock(tx, change.productId())
                .compose(product -> catalog.place(tx, actor, product, kind, places.cloud(), places.names(), add));
    }

    private Future<Void> distributed(SqlConnection tx, String actor, Map<String, List<VersionCopy>> made, Instant now) {
        Future<Void> done = Future.succeededFuture();
        for (Map.Entry<String, List<VersionCopy>> each : made.entrySet()) {
            done = done.compose(before -> versions.distributed(tx, actor, each.getKey(), each.getValue()))
                    .compose(after -> copies.published(tx, each.getKey(), now));
        }
        return done;
    }

    private Future<Void> withdraw(SqlConnection tx, String actor, Change change, Instant now) {
        return removed(tx, change)
                .compose(done -> catalog.lock(tx, change.productId()))
                .compose(product -> product.visibility() == Visibility.STAGING
                        ? Future.succeededFuture(product)
                        : catalog.move(tx, actor, product, Visibility.RESTRICTED))
                .compose(product -> news.withdrawn(tx, product, now));
    }

    private Future<Void> removed(SqlConnection tx, Change change) {
        return change.details()
                .removal()
                .map(removal -> catalog.removed(tx, change.productId(), removal))
                .orElse(Future.succeededFuture());
    }

    private static String version(Step step) {
        return step.versionId().orElseThrow();
    }

    /** Steps that servers before copies by region planned may name none: they are about the one of the image. */
    private Future<String> region(SqlConnection tx, Step step) {
        return step.region().isPresent()
                ? Future.succeededFuture(step.region().get())
                : versions.require(tx, version(step)).map(ProductVersion::region);
    }
}
