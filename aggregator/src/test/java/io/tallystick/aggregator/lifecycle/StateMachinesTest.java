package io.tallystick.aggregator.lifecycle;

import static io.tallystick.aggregator.lifecycle.LifecycleWorld.await;
import static org.junit.jupiter.api.Assertions.assertEquals;

import io.tallystick.aggregator.account.Account;
import io.tallystick.aggregator.catalog.Catalog;
import io.tallystick.aggregator.catalog.Dimension;
import io.tallystick.aggregator.catalog.Place;
import io.tallystick.aggregator.catalog.Product;
import io.tallystick.aggregator.catalog.ProductVersion;
import io.tallystick.aggregator.catalog.Review;
import io.tallystick.aggregator.catalog.Terms;
import io.tallystick.aggregator.catalog.VersionText;
import io.tallystick.aggregator.catalog.Versions;
import io.tallystick.aggregator.catalog.Visibility;
import io.tallystick.aggregator.db.DatabaseUrl;
import io.tallystick.aggregator.db.Migrations;
import io.tallystick.aggregator.image.MemoryCloud;
import io.tallystick.aggregator.web.Caller;
import io.tallystick.aggregator.web.Role;
import io.tallystick.common.error.Failure;
import io.tallystick.common.json.Fields;
import io.tallystick.common.json.Json;
import io.tallystick.testkit.Rule;
import io.tallystick.testkit.TestDatabase;
import io.vertx.core.Future;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Random operations, allowed and not, on the program and on {@link Model}: both take or refuse the same, and end alike. */
class StateMachinesTest {
    private static final int OPERATIONS = Integer.getInteger("tallystick.model.operations", 150);
    private static final int VERSIONS = 3;

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

    private final class Pair {
        private final String cloud;
        private final Model model;
        private final Random random;
        private final LifecycleWorld.Shop shop;
        private final List<ProductVersion> versions = new ArrayList<>();
        private final List<String> history = new ArrayList<>();
        private Optional<Review> review = Optional.empty();
        private final List<String> offers = new ArrayList<>();
        private Optional<ChangeSet> open = Optional.empty();

        Pair(String cloud, long seed) {
            this.cloud = cloud;
            model = new Model(cloud.equals("outscale"), LifecycleWorld.REGION);
            random = new Random(seed);
            String seller = world.account(Account.Kind.SELLER).id();
            Caller caller = new Caller("seller", Role.SELLER, seller);
            String account = world.cloudAccount(seller, cloud);
            Product product = await(world.catalog.create(
                    caller,
                    new Catalog.NewProduct(
                            Optional.empty(),
                            "Gateway",
                            Optional.empty(),
                            Terms.DEFAULT,
                            List.of(new Dimension.New("requests", "Requests", "Requests", Optional.empty())))));
            model.dimensions.add("requests");
            shop = new LifecycleWorld.Shop(caller, product, account, account);
            for (int i = 0; i < VERSIONS; i++) {
                String type = i == 0 ? "large" : "";
                versions.add(await(world.versions.create(
                        caller,
                        product.id(),
                        new Versions.Draft("1." + i, cloud, LifecycleWorld.REGION, image(), text(type)))));
                model.draft("1." + i, type);
            }
        }

        /** An image of the seller's that can be a version. */
        private String image() {
            MemoryCloud at = cloud.equals("aws") ? world.aws : world.outscale;
            return at.image(
                    LifecycleWorld.REGION, shop.awsAccount(), shop.product().code());
        }

        private static boolean accepted(Future<?> future) {
            try {
                await(future);
                return true;
            } catch (Failure refused) {
                return false;
            }
        }

        private String one(String... of) {
            return of[random.nextInt(of.length)];
        }

        void step() {
            int version = random.nextInt(versions.size());
            switch (random.nextInt(22)) {
                case 0 -> ask(one("LIMITED", "PUBLIC", "RESTRICTED"));
                case 1, 2 -> decide(one("approve", "reject", "return", "cancel"));
                case 3 -> cancel();
                case 4, 5, 6, 7, 8, 9, 10 -> {
                    if (open.isPresent()) {
                        work();
                    } else {
                        start("publish", version, "");
                    }
                }
                case 11 -> start("modify", version, "");
                case 12 -> start("restrict", version, "");
                case 13 -> start("unpublish", version, "");
                case 14 -> start(random.nextInt(4) == 0 ? "withdraw" : "publish", version, "");
                case 15 -> start(one("add-region", "restrict-region"), -1, one(LifecycleWorld.REGION, "elsewhere"));
                case 16 -> start(one("add-type", "restrict-type"), -1, one("large", "small"));
                case 17 -> start(one("measure", "measure", "shut", "name"), -1, one("requests", "bytes", "files"));
                case 18 -> start(one("version", "rename"), -1, one("1.0", "2.0", "2.1", "Gateway"));
                case 19 -> start("describe", -1, one("en", "both"));
                default -> {
                    if (offers.isEmpty() || random.nextInt(3) == 0) {
                        start("offer", -1, "");
                    } else {
                        start(one("raise", "lower", "lower", "close"), random.nextInt(offers.size()), "");
                    }
                }
            }
            compare();
        }

        private void same(String what, boolean expected, boolean got) {
            history.add(what + " " + (expected ? "taken" : "refused"));
            assertEquals(expected, got, () -> String.join("; ", history));
        }

        private void ask(String wanted) {
            boolean expected = model.ask(wanted);
            Future<Review> request = world.reviews.request(
                    shop.seller(), shop.product().id(), Visibility.ofWire(wanted), Optional.empty());
            same("ask for " + wanted, expected, accepted(request));
            if (request.succeeded()) {
                review = Optional.of(request.result());
            }
        }

        private void decide(String decision) {
            if (review.isEmpty()) {
                return;
            }
            String id = review.get().id();
            // Deciding again as decided already changes nothing and is fine; the model knows open ones only.
            if (model.asked.isEmpty() || model.sentBack && decision.equals("return")) {
                return;
            }
            boolean expected = model.decide(decision);
            same(
                    decision,
                    expected,
                    accepted(
                            switch (decision) {
                                case "approve" -> world.reviews.approve(LifecycleWorld.OPERATOR, id, Optional.empty());
                                case "reject" -> world.reviews.reject(LifecycleWorld.OPERATOR, id, "No.");
                                case "return" -> world.reviews.sendBack(LifecycleWorld.OPERATOR, id, "Change it.");
                                default -> world.reviews.cancel(shop.seller(), id);
                            }));
        }

        private void start(String kind, int about, String name) {
            boolean expected = model.start(kind, about, name);
            Future<ChangeSet> set = world.changeSets.start(
                    shop.seller(),
                    Optional.empty(),
                    List.of(Change.Wanted.read(
                            Fields.of(Json.parseObject(wanted(kind, about, name).replace('\'', '"'))))));
            same(kind + " " + about + " " + name, expected, accepted(set));
            if (set.succeeded()) {
                open = Optional.of(set.result());
            }
        }

        private String wanted(String kind, int about, String name) {
            String product = "'product':'" + shop.product().id() + "','details':";
            String places = product + "{'cloud':'" + cloud + "',";
            return "{"
                    + switch (kind) {
                        case "publish" ->
                            "'type':'PublishVersion','version':'"
                                    + versions.get(about).id() + "'";
                        case "modify" ->
                            "'type':'ModifyVersion','version':'"
                                    + versions.get(about).id() + "','announce':" + random.nextBoolean()
                                    + ",'details':{'releaseNotes':'n'}";
                        case "restrict" ->
                            "'type':'RestrictVersion','version':'"
                                    + versions.get(about).id() + "'";
                        case "unpublish" ->
                            "'type':'UnpublishVersion','version':'"
                                    + versions.get(about).id() + "'";
                        case "withdraw" -> "'type':'UnpublishProduct'," + product + "{}";
                        case "add-region" -> "'type':'AddRegions'," + places + "'regions':['" + name + "']}";
                        case "restrict-region" -> "'type':'RestrictRegions'," + places + "'regions':['" + name + "']}";
                        case "add-type" -> "'type':'AddInstanceTypes'," + places + "'instanceTypes':['" + name + "']}";
                        case "restrict-type" ->
                            "'type':'RestrictInstanceTypes'," + places + "'instanceTypes':['" + name + "']}";
                        case "measure" ->
                            "'type':'AddDimensions'," + product + "{'dimensions':[{'key':'" + name + "','unit':'"
                                    + (name.equals("requests") ? "Requests" : "u") + "'}]}";
                        case "shut" -> "'type':'RestrictDimensions'," + product + "{'dimensions':['" + name + "']}";
                        case "name" ->
                            "'type':'UpdateDimensions'," + product + "{'dimensions':[{'key':'" + name
                                    + "','title':'T'}]}";
                        case "close" -> "'type':'UpdateAvailability','offer':'" + offers.get(about) + "','details':{}";
                        case "version" ->
                            "'type':'AddVersion'," + product + "{'title':'" + name + "','cloud':'" + cloud
                                    + "','region':'" + LifecycleWorld.REGION + "','imageId':'" + image()
                                    + "','releaseNotes':'n'}";
                        case "rename" ->
                            "'type':'UpdateInformation'," + product + "{'title':'" + name + "'" + texts(model.page)
                                    + "}";
                        case "describe" ->
                            "'type':'UpdateInformation'," + product + "{"
                                    + texts(name).replaceFirst(",", "") + "}";
                        case "offer" ->
                            "'type':'CreateOffer'," + product
                                    + "{'title':'S','currency':'EUR','prices':["
                                    + "{'dimension':'requests','unitPrice':'1'}]}";
                        default ->
                            "'type':'UpdatePricingTerms','offer':'" + offers.get(about) + "','details':{'prices':["
                                    + "{'dimension':'requests','unitPrice':'"
                                    + (kind.equals("raise") ? "2" : "0." + (9 - Math.min(8, model.rates.get(about))))
                                    + "'}]}";
                    }
                    + "}";
        }

        /** What a page in these languages says, after something else. */
        private static String texts(String languages) {
            String en = ",'texts':{'en':{'shortDescription':'A gateway'}";
            return switch (languages) {
                case "" -> "";
                case "en" -> en + "}";
                default -> en + ",'fr':{'shortDescription':'Un portail'}}";
            };
        }

        private void cancel() {
            if (open.isPresent()) {
                same(
                        "cancel the set",
                        true,
                        accepted(world.changeSets.cancel(
                                shop.seller(), open.get().id())));
                open = Optional.empty();
                model.cancel();
            }
        }

        private void work() {
            history.add("work");
            world.work();
            open.map(set -> world.changeSet(set.id()).changes().get(0)).ifPresent(change -> {
                if (change.type() == Change.Type.ADD_VERSION) {
                    versions.add(world.version(change.versionId().orElseThrow()));
                }
                if (change.type() == Change.Type.CREATE_OFFER) {
                    offers.add(change.addition().offer().orElseThrow());
                }
            });
            open = Optional.empty();
            model.work();
        }

        private void compare() {
            String where = String.join("; ", history);
            Product product = await(world.catalog.managed(
                    world.database.reads(), shop.seller(), shop.product().id()));
            assertEquals(model.visibility, product.visibility().name(), where);
            assertEquals(model.title, product.title(), where);
            assertEquals(
                    model.page,
                    List.of("", "en", "both").get(product.page().texts().size()),
                    where);
            assertEquals(model.regions, open(product, Place.Kind.REGION), where);
            assertEquals(model.types, open(product, Place.Kind.INSTANCE_TYPE), where);
            for (boolean isOpen : new boolean[] {true, false}) {
                assertEquals(
                        isOpen ? model.dimensions : model.shut,
                        product.dimensions().stream()
                                .filter(d -> d.isOpen() == isOpen)
                                .map(Dimension::key)
                                .collect(Collectors.toCollection(TreeSet::new)),
                        where);
            }
            for (int i = 0; i < offers.size(); i++) {
                assertEquals(
                        !model.closed.contains(i),
                        await(world.offers.managed(world.database.reads(), shop.seller(), offers.get(i)))
                                .isOpen(world.clock.instant()),
                        where);
            }
            assertEquals(
                    model.rates,
                    offers.stream()
                            .map(o -> await(world.offers.managed(world.database.reads(), shop.seller(), o))
                                    .rate()
                                    .number())
                            .toList(),
                    where);
            Map<String, String> status =
                    await(world.versions.ofProducts(world.database.reads(), List.of(product.id()))).stream()
                            .collect(Collectors.toMap(
                                    ProductVersion::id, v -> v.status().wire()));
            assertEquals(
                    model.versions,
                    versions.stream()
                            .map(v -> status.getOrDefault(v.id(), "gone"))
                            .toList(),
                    where);
            assertEquals(model.versions.size(), status.size(), where);
            for (int i = 0; i < versions.size(); i++) {
                assertEquals(
                        List.copyOf(model.copies.get(i)),
                        world.version(versions.get(i).id()).regions(),
                        where);
            }
        }

        private Set<String> open(Product product, Place.Kind kind) {
            return product.places(kind, cloud).stream()
                    .filter(Place::isOpen)
                    .map(Place::name)
                    .collect(Collectors.toCollection(TreeSet::new));
        }
    }

    private static VersionText text(String type) {
        return new VersionText(
                Optional.empty(),
                Optional.empty(),
                Optional.empty(),
                "n",
                Optional.empty(),
                Optional.of(type).filter(t -> !t.isEmpty()));
    }

    @ParameterizedTest
    @CsvSource({"aws, 1", "aws, 2", "aws, 5", "outscale, 3", "outscale, 4"})
    @Rule({"R5", "R25", "R26", "R28", "R29", "R30", "O8", "O15"})
    void theProgramTakesAndRefusesWhatTheModelDoes(String cloud, long seed) {
        Pair pair = new Pair(cloud, seed);
        for (int i = 0; i < OPERATIONS; i++) {
            pair.step();
        }
        world.work();
    }
}
