package io.tallystick.aggregator.lifecycle;

import static io.tallystick.aggregator.lifecycle.LifecycleWorld.await;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.tallystick.aggregator.catalog.Place;
import io.tallystick.aggregator.catalog.Product;
import io.tallystick.aggregator.catalog.ProductPage;
import io.tallystick.aggregator.catalog.ProductVersion;
import io.tallystick.aggregator.catalog.VersionCopy;
import io.tallystick.aggregator.catalog.VersionStatus;
import io.tallystick.aggregator.catalog.VersionText;
import io.tallystick.aggregator.catalog.Visibility;
import io.tallystick.aggregator.db.DatabaseUrl;
import io.tallystick.aggregator.db.Migrations;
import io.tallystick.aggregator.image.CloudImage;
import io.tallystick.aggregator.image.MemoryCloud;
import io.tallystick.aggregator.job.JobRunner;
import io.tallystick.aggregator.job.Jobs;
import io.tallystick.common.json.Fields;
import io.tallystick.common.json.Json;
import io.tallystick.testkit.TestDatabase;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Promise R9 in bad weather: workers die again and again, before a step's effect, after it and before its record, and after
 * that, and some wake up later; the clouds lose requests, and answers of what they have done. Whatever is changed ends as it
 * was wished, with no orphan and no second image, and one mail a person.
 *
 * <p>The build plays {@value #RUNS_DEFAULT} runs of each change; {@code -Dtallystick.storm.runs=100} plays a hundred. Runs are
 * seeded by {@code -Dtallystick.storm.seed}, which a failure names.
 */
class SagaStormTest {
    private static final int RUNS_DEFAULT = 3;
    private static final int RUNS = Integer.getInteger("tallystick.storm.runs", RUNS_DEFAULT);
    private static final long SEED = Long.getLong("tallystick.storm.seed", 1);
    /** So that back-off ends: a job is given up after twenty attempts without progress. */
    private static final int TROUBLES_MAX = 12;

    private static final int ROUNDS_MAX = 400;

    @RegisterExtension
    static final TestDatabase DB = TestDatabase.migratedBy(url -> new Migrations(DatabaseUrl.parse(url)).migrate())
            .checkedBy(LifecycleChecks::check);

    private LifecycleWorld world;

    @BeforeEach
    void open() {
        world = new LifecycleWorld(DB);
    }

    @AfterEach
    void close() {
        world.close();
    }

    /** What dies at a boundary now and then, and may wake up when its work is done by another. */
    private static final class Mortal implements ChangeSetWorker.Boundary {
        private final Random random;
        private final AtomicInteger troubles;
        private final List<Promise<Void>> dead = new ArrayList<>();
        private boolean awake;

        Mortal(Random random, AtomicInteger troubles) {
            this.random = random;
            this.troubles = troubles;
        }

        @Override
        public synchronized Future<Void> reached(String name) {
            if (awake || random.nextInt(3) > 0 || troubles.incrementAndGet() > TROUBLES_MAX) {
                return Future.succeededFuture();
            }
            Promise<Void> sleep = Promise.promise();
            dead.add(sleep);
            return sleep.future();
        }

        synchronized boolean isDead() {
            return !dead.isEmpty();
        }

        synchronized void wake() {
            awake = true;
            dead.forEach(Promise::tryComplete);
        }
    }

    /** One change, and what must be true when it has ended. */
    enum Kind {
        PUBLISH_AT_AWS,
        PUBLISH_AT_OUTSCALE,
        MODIFY,
        RESTRICT,
        UNPUBLISH,
        UNPUBLISH_PRODUCT,
        INFORM,
        RESTRICT_REGION,
        WHERE_IT_RUNS,
        WHAT_IS_SOLD,
        MANY_AT_ONCE,
        NEW_PRODUCT
    }

    private final class Run {
        final LifecycleWorld.Shop shop = world.shop();
        final LifecycleWorld.Buyer buyer = world.buyer(shop);
        final Kind kind;
        ProductVersion first;
        ProductVersion second;
        String offer = "";
        final List<String> products = new ArrayList<>();

        Run(Kind kind) {
            this.kind = kind;
            products.add(shop.product().id());
            boolean aws = kind == Kind.PUBLISH_AT_AWS || kind == Kind.RESTRICT || kind == Kind.WHERE_IT_RUNS;
            String cloud = aws ? "aws" : "outscale";
            if (kind == Kind.PUBLISH_AT_AWS || kind == Kind.RESTRICT) {
                await(world.changeSets.start(
                        shop.seller(),
                        Optional.empty(),
                        List.of(product(
                                Change.Type.ADD_REGIONS,
                                ChangeDetails.places("aws", List.of(LifecycleWorld.REGION, "r1"))))));
                world.work();
            }
            first = world.published(shop, cloud, "1.0");
            second = kind.name().startsWith("PUBLISH") || kind == Kind.MANY_AT_ONCE || kind == Kind.NEW_PRODUCT
                    ? world.draft(shop, cloud, "2.0")
                    : world.published(shop, cloud, "2.0");
            if (kind == Kind.RESTRICT_REGION) {
                await(world.changeSets.start(
                        shop.seller(),
                        Optional.empty(),
                        List.of(product(Change.Type.ADD_REGIONS, ChangeDetails.places("aws", List.of("r1", "r2"))))));
                world.work();
            }
            if (kind == Kind.WHERE_IT_RUNS) {
                await(world.changeSets.start(
                        shop.seller(),
                        Optional.empty(),
                        List.of(product(
                                Change.Type.ADD_INSTANCE_TYPES, ChangeDetails.places("aws", List.of("t1", "t2"))))));
                world.work();
            }
            if (kind == Kind.WHAT_IS_SOLD) {
                ChangeSet set = await(world.changeSets.start(
                        shop.seller(),
                        Optional.empty(),
                        read(
                                "{'type':'AddDimensions','product':'ID','details':{'dimensions':["
                                        + "{'key':'requests','unit':'Requests'},{'key':'bytes','unit':'GB'}]}}",
                                "{'type':'CreateOffer','product':'ID','details':{'title':'S','currency':'EUR',"
                                        + "'prices':[{'dimension':'bytes','unitPrice':'1'}]}}")));
                world.work();
                offer = set.changes().get(1).addition().offer().orElseThrow();
            }
        }

        private List<Change.Wanted> read(String... changes) {
            return Stream.of(changes)
                    .map(json ->
                            json.replace('\'', '"').replace("ID", shop.product().id()))
                    .map(json -> Change.Wanted.read(Fields.of(Json.parseObject(json))))
                    .toList();
        }

        private Change.Wanted product(Change.Type type, ChangeDetails details) {
            return Change.Wanted.ofProduct(type, shop.product().id(), details);
        }

        private static Change.Wanted version(Change.Type type, ProductVersion of) {
            return Change.Wanted.ofVersion(type, of.id(), ChangeDetails.NONE);
        }

        List<Change.Wanted> wanted() {
            return switch (kind) {
                case PUBLISH_AT_AWS, PUBLISH_AT_OUTSCALE -> List.of(version(Change.Type.PUBLISH_VERSION, second));
                case MODIFY ->
                    List.of(Change.Wanted.ofVersion(
                            Change.Type.MODIFY_VERSION,
                            first.id(),
                            ChangeDetails.text(advice(), true, Optional.empty())));
                case RESTRICT -> List.of(version(Change.Type.RESTRICT_VERSION, first));
                case UNPUBLISH -> List.of(version(Change.Type.UNPUBLISH_VERSION, first));
                case UNPUBLISH_PRODUCT -> List.of(product(Change.Type.UNPUBLISH_PRODUCT, ChangeDetails.NONE));
                case INFORM ->
                    List.of(product(
                            Change.Type.UPDATE_INFORMATION,
                            ChangeDetails.page(Optional.empty(), page(), Optional.empty())));
                case RESTRICT_REGION ->
                    List.of(product(Change.Type.RESTRICT_REGIONS, ChangeDetails.places("aws", List.of("r1"))));
                case WHERE_IT_RUNS ->
                    List.of(
                            product(
                                    Change.Type.ADD_REGIONS,
                                    ChangeDetails.places("aws", List.of(LifecycleWorld.REGION, "r1", "r2"))),
                            product(
                                    Change.Type.RESTRICT_INSTANCE_TYPES,
                                    ChangeDetails.places("aws", List.of("t1", "t2"))),
                            product(Change.Type.ADD_INSTANCE_TYPES, ChangeDetails.places("aws", List.of("t2", "t3"))));
                case WHAT_IS_SOLD ->
                    read(
                            "{'type':'RestrictDimensions','product':'ID','details':{'dimensions':['bytes']}}",
                            "{'type':'UpdateDimensions','product':'ID','details':{'dimensions':["
                                    + "{'key':'bytes','title':'Gigabytes'}]}}",
                            "{'type':'UpdateAvailability','offer':'" + offer + "','details':{}}");
                case MANY_AT_ONCE ->
                    List.of(
                            version(Change.Type.PUBLISH_VERSION, second),
                            version(Change.Type.UNPUBLISH_VERSION, first),
                            product(
                                    Change.Type.UPDATE_INFORMATION,
                                    ChangeDetails.page(Optional.empty(), page(), Optional.empty())));
                case NEW_PRODUCT -> newProduct();
            };
        }

        private List<Change.Wanted> newProduct() {
            String code = "code-of-" + shop.product().id();
            String image = world.outscale.image(LifecycleWorld.REGION, shop.outscaleAccount(), code);
            return Stream.of(
                            "{'name':'A','type':'CreateProduct','details':{'title':'New','productCode':'" + code
                                    + "'}}",
                            "{'type':'AddDimensions','product':'$A.Entity.Identifier','details':{'dimensions':["
                                    + "{'key':'requests','unit':'Requests'}]}}",
                            "{'name':'V','type':'AddVersion','product':'$A.Entity.Identifier','details':{'title':'1.0',"
                                    + "'cloud':'outscale','region':'" + LifecycleWorld.REGION + "','imageId':'" + image
                                    + "','releaseNotes':'First.'}}",
                            "{'type':'PublishVersion','version':'$V.Entity.Identifier'}",
                            "{'name':'O','type':'CreateOffer','product':'$A.Entity.Identifier','details':{'title':'S',"
                                    + "'currency':'EUR','prices':[{'dimension':'requests','unitPrice':'1'}]}}",
                            "{'type':'UpdatePricingTerms','offer':'$O.Entity.Identifier','details':{'prices':["
                                    + "{'dimension':'requests','unitPrice':'0.9'}]}}",
                            "{'type':'UpdateTargeting','product':'$A.Entity.Identifier','details':{'accounts':['"
                                    + buyer.account() + "']}}")
                    .map(json -> Change.Wanted.read(Fields.of(Json.parseObject(json.replace('\'', '"')))))
                    .toList();
        }

        void check(ChangeSet set, String which) {
            assertEquals(ChangeSet.Status.SUCCEEDED, set.status(), () -> which + " " + set.json());
            VersionStatus one = world.version(first.id()).status();
            VersionStatus two = world.version(second.id()).status();
            switch (kind) {
                case PUBLISH_AT_AWS, PUBLISH_AT_OUTSCALE -> {
                    assertEquals(VersionStatus.PUBLISHED, two, which);
                    copiedTo(
                            second,
                            kind == Kind.PUBLISH_AT_AWS
                                    ? List.of(LifecycleWorld.REGION, "r1")
                                    : List.of(LifecycleWorld.REGION),
                            which);
                    mailed("version-published:" + second.id(), which);
                }
                case MODIFY -> {
                    assertEquals(advice(), world.version(first.id()).text(), which);
                    mailed("version-modified:" + first.id() + ":" + set.id(), which);
                }
                case RESTRICT -> {
                    assertEquals(VersionStatus.RESTRICTED, one, which);
                    copiedTo(first, List.of(LifecycleWorld.REGION, "r1"), which);
                    assertTrue(first.copies().stream().allMatch(c -> world.aws.isDeprecated(c.imageId())), which);
                    mailed("version-restricted:" + first.id(), which);
                }
                case UNPUBLISH -> {
                    assertEquals(VersionStatus.UNPUBLISHED, one, which);
                    mailed("version-unpublished:" + first.id(), which);
                }
                case UNPUBLISH_PRODUCT -> {
                    assertEquals(VersionStatus.UNPUBLISHED, one, which);
                    assertEquals(VersionStatus.UNPUBLISHED, two, which);
                    assertEquals(Visibility.RESTRICTED, now().visibility(), which);
                    mailed("product-withdrawn:" + shop.product().id(), which);
                }
                case INFORM -> assertEquals(page(), now().page(), which);
                case RESTRICT_REGION ->
                    assertEquals(
                            List.of(false, true),
                            now().places().stream().map(Place::isOpen).toList(),
                            which);
                case WHERE_IT_RUNS -> {
                    copiedTo(first, List.of(LifecycleWorld.REGION, "r1", "r2"), which);
                    copiedTo(second, List.of(LifecycleWorld.REGION, "r1", "r2"), which);
                    assertEquals(
                            List.of(
                                    LifecycleWorld.REGION + " true",
                                    "r1 true",
                                    "r2 true",
                                    "t1 false",
                                    "t2 true",
                                    "t3 true"),
                            now().places().stream()
                                    .map(p -> p.name() + " " + p.isOpen())
                                    .sorted()
                                    .toList(),
                            which);
                    assertEquals(
                            List.of("product.place.add 3", "product.place.restrict 1"),
                            world.texts("SELECT action || ' ' || count(*) FROM audit_event WHERE subject = '"
                                    + shop.product().id()
                                    + "' AND action LIKE 'product.place.%' GROUP BY action ORDER BY action"),
                            which + ": each once, with the types at first");
                }
                case WHAT_IS_SOLD -> {
                    assertEquals(
                            List.of("requests true", "Gigabytes false"),
                            now().dimensions().stream()
                                    .map(d -> d.title() + " " + d.isOpen())
                                    .toList(),
                            which);
                    assertEquals(
                            List.of("offer.close", "product.dimension.rename", "product.dimension.restrict"),
                            world.texts("SELECT action FROM audit_event WHERE subject IN ('" + offer + "', '"
                                    + shop.product().id()
                                    + "') AND action ~ 'close|rename|dimension.restrict' ORDER BY action"),
                            which + ": each once");
                }
                case MANY_AT_ONCE -> {
                    assertEquals(VersionStatus.UNPUBLISHED, one, which);
                    assertEquals(VersionStatus.PUBLISHED, two, which);
                    assertEquals(page(), now().page(), which);
                    mailed("version-published:" + second.id(), which);
                    mailed("version-unpublished:" + first.id(), which);
                }
                case NEW_PRODUCT -> {
                    String made = set.changes().get(0).productId();
                    products.add(made);
                    ProductVersion version =
                            world.version(set.changes().get(2).versionId().orElseThrow());
                    assertEquals(VersionStatus.PUBLISHED, version.status(), which);
                    assertEquals(
                            List.of("1 1 1 2 1"),
                            world.texts("SELECT (SELECT count(*) FROM dimension WHERE product_id = p.id) || ' '"
                                    + " || (SELECT count(*) FROM product_version WHERE product_id = p.id) || ' '"
                                    + " || (SELECT count(*) FROM offer WHERE product_id = p.id) || ' '"
                                    + " || (SELECT count(*) FROM offer_rate r JOIN offer o ON o.id = r.offer_id"
                                    + " WHERE o.product_id = p.id) || ' '"
                                    + " || (SELECT count(*) FROM visibility_grant WHERE product_id = p.id)"
                                    + " FROM product p WHERE p.id = '" + made + "'"),
                            which);
                }
            }
        }

        /** One copy in each region, and the buyer may launch it. */
        private void copiedTo(ProductVersion version, List<String> regions, String which) {
            ProductVersion now = world.version(version.id());
            assertEquals(regions, now.regions(), which);
            MemoryCloud cloud = now.cloud().equals("aws") ? world.aws : world.outscale;
            String account = now.cloud().equals("aws") ? buyer.aws() : buyer.outscale();
            for (VersionCopy copy : now.copies()) {
                assertEquals(
                        Set.of(account),
                        await(cloud.find(copy.region(), copy.imageId()))
                                .orElseThrow()
                                .sharedWith(),
                        which + " " + copy);
            }
        }

        private Product now() {
            return await(world.catalog.managed(
                    world.database.reads(), shop.seller(), shop.product().id()));
        }

        /** The outbox keeps an event and a person apart from nothing else, so twice would be seen. */
        private void mailed(String event, String which) {
            assertEquals(
                    List.of("admin-" + buyer.account() + "@example.com", buyer.account() + "@example.com").stream()
                            .sorted()
                            .toList(),
                    world.mailed(event),
                    which);
        }
    }

    private static VersionText advice() {
        return new VersionText(
                Optional.empty(), Optional.empty(), Optional.empty(), "Please upgrade.", Optional.empty());
    }

    private static ProductPage page() {
        return ProductPage.read(Fields.of(Json.parseObject(
                "{\"texts\":{\"en\":{\"highlights\":[\"Fast\"]},\"fr\":{\"highlights\":[\"Rapide\"]}}}")));
    }

    @ParameterizedTest
    @EnumSource(Kind.class)
    void endsAsWished(Kind kind) {
        TreeSet<String> products = new TreeSet<>();
        for (int i = 0; i < RUNS; i++) {
            long seed = SEED + i * 1009L + kind.ordinal() * 7L;
            String which = kind + " with -Dtallystick.storm.seed=" + SEED + ", run " + i;
            Run run = new Run(kind);
            play(run, new Random(seed), which);
            run.products.forEach(p -> products.add("'" + p + "'"));
        }
        calm();
        for (MemoryCloud cloud : List.of(world.aws, world.outscale)) {
            assertEquals(
                    new TreeSet<>(world.texts(
                            "SELECT c.image_id FROM product_version v JOIN image_copy c ON c.version_id = v.id"
                                    + " AND c.published_at IS NOT NULL WHERE v.cloud = '" + cloud.cloud()
                                    + "' AND v.status IN ('published', 'restricted') AND v.product_id IN ("
                                    + String.join(",", products) + ")")),
                    new TreeSet<>(cloud.ownImages().stream().map(CloudImage::id).toList()),
                    "images at " + cloud.cloud());
        }
        assertEquals(0, world.count("SELECT count(*) FROM job WHERE poisoned_at IS NOT NULL"));
    }

    private void calm() {
        world.aws.weather(() -> MemoryCloud.Trouble.NONE);
        world.outscale.weather(() -> MemoryCloud.Trouble.NONE);
        world.aws.finishCopies(CloudImage.State.AVAILABLE);
        world.outscale.finishCopies(CloudImage.State.AVAILABLE);
        world.work();
    }

    private void play(Run run, Random random, String which) {
        world.work();
        AtomicInteger troubles = new AtomicInteger();
        for (MemoryCloud cloud : List.of(world.aws, world.outscale)) {
            cloud.weather(() -> random.nextInt(3) > 0 || troubles.incrementAndGet() > TROUBLES_MAX
                    ? MemoryCloud.Trouble.NONE
                    : random.nextBoolean() ? MemoryCloud.Trouble.BEFORE : MemoryCloud.Trouble.AFTER);
        }
        boolean slow = random.nextBoolean();
        if (slow) {
            world.aws.keepCopiesPending();
            world.outscale.keepCopiesPending();
        }
        ChangeSet set = await(world.changeSets.start(run.shop.seller(), Optional.empty(), run.wanted()));
        List<Mortal> workers = new ArrayList<>();
        List<Future<?>> rounds = new ArrayList<>();
        for (int round = 0;
                round < ROUNDS_MAX && world.changeSet(set.id()).status().isOpen();
                round++) {
            Mortal worker = new Mortal(random, troubles);
            JobRunner process = world.process(worker);
            workers.add(worker);
            Future<?> did = process.round();
            rounds.add(did);
            until(() -> did.isComplete() || worker.isDead());
            world.clock.advance(worker.isDead() ? Jobs.LEASE.plusSeconds(1) : Duration.ofSeconds(30));
            if (slow && random.nextInt(4) == 0) {
                world.aws.finishCopies(CloudImage.State.AVAILABLE);
                world.outscale.finishCopies(CloudImage.State.AVAILABLE);
                slow = false;
            }
            if (random.nextInt(5) == 0) {
                workers.forEach(Mortal::wake);
            }
        }
        calm();
        workers.forEach(Mortal::wake);
        await(Future.join(rounds));
        world.work();
        run.check(world.changeSet(set.id()), which);
    }

    private static void until(java.util.function.BooleanSupplier done) {
        while (!done.getAsBoolean()) {
            Thread.onSpinWait();
        }
    }
}
