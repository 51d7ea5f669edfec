package io.tallystick.aggregator.lifecycle;

import static io.tallystick.aggregator.lifecycle.LifecycleWorld.await;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.tallystick.aggregator.catalog.Delivery;
import io.tallystick.aggregator.catalog.ProductVersion;
import io.tallystick.aggregator.catalog.VersionCopy;
import io.tallystick.aggregator.catalog.VersionStatus;
import io.tallystick.aggregator.catalog.Versions;
import io.tallystick.aggregator.db.DatabaseUrl;
import io.tallystick.aggregator.db.Migrations;
import io.tallystick.aggregator.image.CloudImage;
import io.tallystick.aggregator.job.Jobs;
import io.tallystick.aggregator.web.Caller;
import io.tallystick.common.error.ErrorCode;
import io.tallystick.common.error.Failure;
import io.tallystick.common.json.Fields;
import io.tallystick.common.json.Json;
import io.tallystick.testkit.TestDatabase;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Promise R9: a worker that stops for ever before a step's effect, between effect and record, or after the record is
 * followed by one that ends the change set, with each effect once: no orphan or duplicate image, one mail per subscriber,
 * version and event. The one that stopped then wakes up and can change nothing any more.
 */
class WorkerKillTest {
    @RegisterExtension
    static final TestDatabase DB = TestDatabase.migratedBy(url -> new Migrations(DatabaseUrl.parse(url)).migrate())
            .checkedBy(LifecycleChecks::check);

    private LifecycleWorld world;
    private LifecycleWorld.Shop shop;

    @BeforeEach
    void open() {
        world = new LifecycleWorld(DB);
        shop = world.shop();
    }

    @AfterEach
    void close() {
        world.close();
    }

    /** Stops the first time it comes by a place, until it is woken up. */
    private static final class Killed implements ChangeSetWorker.Boundary {
        private final String place;
        private final Promise<Void> reached = Promise.promise();
        private final Promise<Void> woken = Promise.promise();

        Killed(String place) {
            this.place = place;
        }

        @Override
        public Future<Void> reached(String name) {
            if (!name.equals(place) || !reached.tryComplete()) {
                return Future.succeededFuture();
            }
            return woken.future();
        }
    }

    private static Stream<String> places(String... steps) {
        return Stream.concat(
                Stream.of("begun"),
                Stream.of(steps).flatMap(s -> Stream.of(s + " attempted", s + " asked", s + " recorded")));
    }

    static Stream<String> whilePublishing() {
        return places("copy", "available", "attach", "share", "publish");
    }

    static Stream<String> whileRestricting() {
        return places("deprecate", "restrict");
    }

    static Stream<String> whileAddingARegion() {
        return places("copy", "available", "attach", "share", "place");
    }

    static Stream<String> whileUnpublishing() {
        return places("delete", "unpublish");
    }

    /** Lets a worker die at the place, another one finish, and the dead one wake up. */
    private void killAt(String place, ChangeSet set) {
        Killed killed = new Killed(place);
        Future<?> dead = world.process(killed).drain();
        await(killed.reached.future());
        world.clock.advance(Jobs.LEASE.plusSeconds(1));
        world.work();
        ChangeSet ended = world.changeSet(set.id());
        assertEquals(ChangeSet.Status.SUCCEEDED, ended.status(), ended.json().toString());
        killed.woken.complete();
        await(dead);
        world.work();
        assertEquals(ended.json(), world.changeSet(set.id()).json());
        assertTrue(
                ended.steps().stream().allMatch(s -> s.attempts() <= 2),
                ended.json().toString());
        assertEquals(0, world.count("SELECT count(*) FROM job WHERE done_at IS NULL"));
        assertEquals(0, world.count("SELECT count(*) FROM change_lock"));
    }

    @ParameterizedTest
    @MethodSource("whilePublishing")
    void publishing(String place) {
        LifecycleWorld.Buyer buyer = world.buyer(shop);
        world.work();
        ProductVersion draft = world.draft(shop, "outscale", "1.0");
        killAt(place, await(world.changeSets.publish(shop.seller(), draft.id())));
        ProductVersion version = world.version(draft.id());
        assertEquals(VersionStatus.PUBLISHED, version.status());
        assertEquals(1, world.outscale.copiesMade());
        assertEquals(
                List.of(version.copies().get(0).imageId()),
                world.outscale.ownImages().stream().map(CloudImage::id).toList());
        assertEquals(Set.of(buyer.outscale()), world.outscale.ownImages().get(0).sharedWith());
        assertEquals(2, world.mailed("version-published:" + draft.id()).size());
    }

    @ParameterizedTest
    @MethodSource("whileRestricting")
    void restricting(String place) {
        world.buyer(shop);
        ProductVersion old = world.published(shop, "aws", "1.0");
        world.published(shop, "aws", "2.0");
        killAt(place, await(world.changeSets.restrict(shop.seller(), old.id())));
        assertEquals(VersionStatus.RESTRICTED, world.version(old.id()).status());
        assertTrue(world.aws.isDeprecated(old.copies().get(0).imageId()));
        assertEquals(2, world.mailed("version-restricted:" + old.id()).size());
        assertEquals(2, world.aws.copiesMade());
    }

    @ParameterizedTest
    @MethodSource("whileAddingARegion")
    void addingARegion(String place) {
        LifecycleWorld.Buyer buyer = world.buyer(shop);
        List<ProductVersion> versions =
                List.of(world.published(shop, "aws", "1.0"), world.published(shop, "aws", "2.0"));
        Change.Wanted add = Change.Wanted.ofProduct(
                Change.Type.ADD_REGIONS,
                shop.product().id(),
                ChangeDetails.places("aws", List.of("eu-west-2", "eu-west-3", "us-west-2")));
        killAt(place, await(world.changeSets.start(shop.seller(), Optional.empty(), List.of(add))));
        TreeSet<String> copies = new TreeSet<>();
        for (ProductVersion version : versions) {
            ProductVersion now = world.version(version.id());
            assertEquals(List.of("eu-west-2", "eu-west-3", "us-west-2"), now.regions());
            for (VersionCopy copy : now.copies()) {
                copies.add(copy.imageId());
                assertEquals(
                        copy.region(),
                        await(world.aws.find(copy.region(), copy.imageId()))
                                .orElseThrow()
                                .region());
            }
        }
        assertEquals(6, world.aws.copiesMade());
        assertEquals(
                copies,
                new TreeSet<>(world.aws.ownImages().stream().map(CloudImage::id).toList()));
        world.aws.ownImages().forEach(copy -> assertEquals(Set.of(buyer.aws()), copy.sharedWith()));
    }

    @ParameterizedTest
    @MethodSource("whileUnpublishing")
    void unpublishing(String place) {
        world.buyer(shop);
        ProductVersion old = world.published(shop, "outscale", "1.0");
        ProductVersion latest = world.published(shop, "outscale", "2.0");
        killAt(place, await(world.changeSets.unpublish(shop.seller(), old.id())));
        assertEquals(VersionStatus.UNPUBLISHED, world.version(old.id()).status());
        assertEquals(
                List.of(latest.copies().get(0).imageId()),
                world.outscale.ownImages().stream().map(CloudImage::id).toList());
        assertEquals(2, world.mailed("version-unpublished:" + old.id()).size());
    }

    /** A package is nowhere at a cloud, and taken for its publication all the same. */
    @Test
    void aPackageIsNotEditedWhileItIsPublished() {
        Fields in = Fields.of(Json.parseObject("{\"title\":\"1.0\",\"cloud\":\"outscale\",\"releaseNotes\":\"n\","
                + "\"delivery\":\"package\",\"package\":{\"url\":\"https://example.com/1.0.tar.gz\",\"sha256\":\""
                + "0a".repeat(32) + "\"}}"));
        Versions.Draft wanted = Versions.Draft.read(in);
        in.done();
        LifecycleWorld.Shop packages = world.shop(Delivery.Kind.PACKAGE);
        ProductVersion draft = await(
                world.versions.create(packages.seller(), packages.product().id(), wanted));
        await(world.changeSets.publish(packages.seller(), draft.id()));
        Killed killed = new Killed("begun");
        Future<?> dead = world.process(killed).drain();
        await(killed.reached.future());
        assertEquals(VersionStatus.PUBLISHING, world.version(draft.id()).status());
        // Its seller may not edit anything of the product meanwhile; what an operator may, stops at what is begun.
        for (Map.Entry<Caller, ErrorCode> each : Map.of(
                        packages.seller(), ErrorCode.RESOURCE_IN_USE, LifecycleWorld.OPERATOR, ErrorCode.CONFLICT)
                .entrySet()) {
            Failure refused = assertThrows(
                    Failure.class,
                    () -> await(world.versions.edit(each.getKey(), draft.id(), wanted, Optional.empty())));
            assertEquals(each.getValue(), refused.code());
        }
        killed.woken.complete();
        await(dead);
        world.work();
        assertEquals(VersionStatus.PUBLISHED, world.version(draft.id()).status());
    }

    /** Begun on what was read before somebody edited it, publishing would put the old draft back. */
    @Test
    void aDraftThatWasEditedMeanwhileIsNotTakenAsItWas() {
        ProductVersion read = world.draft(shop, "outscale", "1.0");
        Versions.Draft renamed = new Versions.Draft(
                "1.0.1", "outscale", LifecycleWorld.REGION, read.sourceImageId(), read.text(), read.delivery());
        await(world.versions.edit(shop.seller(), read.id(), renamed, Optional.empty()));
        assertThrows(
                Failure.class,
                () -> await(world.database.transactor().inTx(tx -> world.versions.beginPublishing(tx, read))));
        assertEquals("1.0.1", world.version(read.id()).title());
        assertEquals(VersionStatus.DRAFT, world.version(read.id()).status());
    }
}
