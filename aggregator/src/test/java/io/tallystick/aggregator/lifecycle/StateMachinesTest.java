package io.tallystick.aggregator.lifecycle;

import static io.tallystick.aggregator.lifecycle.LifecycleWorld.await;
import static org.junit.jupiter.api.Assertions.assertEquals;

import io.tallystick.aggregator.account.Account;
import io.tallystick.aggregator.catalog.Catalog;
import io.tallystick.aggregator.catalog.Product;
import io.tallystick.aggregator.catalog.ProductVersion;
import io.tallystick.aggregator.catalog.Review;
import io.tallystick.aggregator.catalog.Terms;
import io.tallystick.aggregator.catalog.VersionText;
import io.tallystick.aggregator.catalog.Visibility;
import io.tallystick.aggregator.db.DatabaseUrl;
import io.tallystick.aggregator.db.Migrations;
import io.tallystick.aggregator.web.Caller;
import io.tallystick.aggregator.web.Role;
import io.tallystick.common.error.Failure;
import io.tallystick.testkit.Rule;
import io.tallystick.testkit.TestDatabase;
import io.vertx.core.Future;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
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
        private Optional<ChangeSet> open = Optional.empty();

        Pair(String cloud, long seed) {
            this.cloud = cloud;
            model = new Model(cloud.equals("outscale"));
            random = new Random(seed);
            String seller = world.account(Account.Kind.SELLER).id();
            Caller caller = new Caller("seller", Role.SELLER, seller);
            String account = world.cloudAccount(seller, cloud);
            Product product = await(world.catalog.create(
                    caller,
                    new Catalog.NewProduct(Optional.empty(), "Gateway", Optional.empty(), Terms.DEFAULT, List.of())));
            shop = new LifecycleWorld.Shop(caller, product, account, account);
            for (int i = 0; i < VERSIONS; i++) {
                versions.add(world.draft(shop, cloud, "1." + i));
                model.versions.add("draft");
            }
        }

        private static boolean accepted(Future<?> future) {
            try {
                await(future);
                return true;
            } catch (Failure refused) {
                return false;
            }
        }

        void step() {
            int version = random.nextInt(VERSIONS);
            String wanted = List.of("LIMITED", "PUBLIC", "RESTRICTED").get(random.nextInt(3));
            switch (random.nextInt(12)) {
                case 0 -> ask(wanted);
                case 1 ->
                    decide(List.of("approve", "reject", "return", "cancel").get(random.nextInt(4)));
                case 2 -> cancel();
                case 3, 4, 5 -> work();
                case 6, 7 -> start("publish", version);
                case 8 -> start("modify", version);
                case 9 -> start("restrict", version);
                case 10 -> start("unpublish", version);
                default -> start(random.nextInt(4) == 0 ? "withdraw" : "publish", version);
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

        private void start(String kind, int version) {
            boolean expected = model.start(kind, version);
            String id = versions.get(version).id();
            Future<ChangeSet> set =
                    switch (kind) {
                        case "publish" -> world.changeSets.publish(shop.seller(), id);
                        case "modify" ->
                            world.changeSets.modify(shop.seller(), id, text(), random.nextBoolean(), Optional.empty());
                        case "restrict" -> world.changeSets.restrict(shop.seller(), id);
                        case "unpublish" -> world.changeSets.unpublish(shop.seller(), id);
                        default ->
                            world.changeSets.unpublishProduct(
                                    shop.seller(), shop.product().id());
                    };
            same(kind + " " + version, expected, accepted(set));
            if (set.succeeded()) {
                open = Optional.of(set.result());
            }
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
            open = Optional.empty();
            model.work();
        }

        private void compare() {
            String where = String.join("; ", history);
            assertEquals(
                    model.visibility,
                    await(world.catalog.managed(
                                    world.database.reads(),
                                    shop.seller(),
                                    shop.product().id()))
                            .visibility()
                            .name(),
                    where);
            assertEquals(
                    model.versions,
                    versions.stream()
                            .map(v -> world.version(v.id()).status().wire())
                            .toList(),
                    where);
        }
    }

    private static VersionText text() {
        return new VersionText(Optional.empty(), Optional.empty(), Optional.empty(), "n", Optional.empty());
    }

    @ParameterizedTest
    @CsvSource({"aws, 1", "aws, 2", "outscale, 3", "outscale, 4"})
    @Rule({"R5", "R26", "R28", "O8", "O15"})
    void theProgramTakesAndRefusesWhatTheModelDoes(String cloud, long seed) {
        Pair pair = new Pair(cloud, seed);
        for (int i = 0; i < OPERATIONS; i++) {
            pair.step();
        }
        world.work();
    }
}
