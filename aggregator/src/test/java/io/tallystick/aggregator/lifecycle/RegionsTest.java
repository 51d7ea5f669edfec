package io.tallystick.aggregator.lifecycle;

import static io.tallystick.aggregator.lifecycle.LifecycleWorld.await;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.tallystick.aggregator.catalog.Delivery;
import io.tallystick.aggregator.catalog.Place;
import io.tallystick.aggregator.catalog.ProductVersion;
import io.tallystick.aggregator.catalog.VersionCopy;
import io.tallystick.aggregator.catalog.VersionStatus;
import io.tallystick.aggregator.catalog.VersionText;
import io.tallystick.aggregator.catalog.Versions;
import io.tallystick.aggregator.db.DatabaseUrl;
import io.tallystick.aggregator.db.Migrations;
import io.tallystick.aggregator.image.CloudImage;
import io.tallystick.aggregator.web.Caller;
import io.tallystick.aggregator.web.Role;
import io.tallystick.common.error.ErrorCode;
import io.tallystick.common.error.Failure;
import io.tallystick.testkit.Rule;
import io.tallystick.testkit.TestDatabase;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Where versions have copies: one in each region that their product is offered in, at a cloud that copies across regions. */
class RegionsTest {
    private static final String HOME = LifecycleWorld.REGION;
    private static final String PARIS = "eu-west-3";
    private static final String OREGON = "us-west-2";

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

    private Change.Wanted places(Change.Type type, String cloud, String... regions) {
        return Change.Wanted.ofProduct(type, shop.product().id(), ChangeDetails.places(cloud, List.of(regions)));
    }

    private static Change.Wanted publish(ProductVersion version) {
        return Change.Wanted.ofVersion(Change.Type.PUBLISH_VERSION, version.id(), ChangeDetails.NONE);
    }

    private ChangeSet apply(Change.Wanted... changes) {
        ChangeSet set = await(world.changeSets.start(shop.seller(), Optional.empty(), List.of(changes)));
        world.work();
        return world.changeSet(set.id());
    }

    private void succeed(Change.Wanted... changes) {
        ChangeSet set = apply(changes);
        assertEquals(ChangeSet.Status.SUCCEEDED, set.status(), set.json().toString());
    }

    /** Who may launch a version's copy in a region, as the cloud says. */
    private Set<String> sharedIn(ProductVersion version, String region) {
        String image = world.version(version.id()).copyIn(region).orElseThrow().imageId();
        return await(world.aws.find(region, image)).orElseThrow().sharedWith();
    }

    @Test
    void aPublicationCopiesToEachRegionOfTheProductAndSharesThere() {
        LifecycleWorld.Buyer buyer = world.buyer(shop);
        succeed(places(Change.Type.ADD_REGIONS, "aws", PARIS, OREGON));
        // The seller's image is in none of them.
        ProductVersion version = world.published(shop, "aws", "1.0");
        assertEquals(HOME, version.region());
        assertEquals(List.of(PARIS, OREGON), version.regions());
        for (String region : version.regions()) {
            assertEquals(Set.of(buyer.aws()), sharedIn(version, region));
        }
        String mail = world.texts("SELECT body FROM outbox WHERE event = 'version-published:" + version.id()
                        + "' AND recipient = '" + buyer.account() + "@example.com'")
                .get(0);
        for (VersionCopy copy : version.copies()) {
            assertTrue(mail.contains(copy.imageId() + " (" + copy.region() + ")"), mail);
        }
    }

    @Test
    void anAddedRegionGetsWhatIsPublishedAndNothingElse() {
        LifecycleWorld.Buyer buyer = world.buyer(shop);
        ProductVersion restricted = world.published(shop, "aws", "1.0");
        ProductVersion published = world.published(shop, "aws", "2.0");
        ProductVersion elsewhere = world.published(shop, "outscale", "2.0 at another cloud");
        ProductVersion draft = world.draft(shop, "aws", "3.0");
        await(world.changeSets.restrict(shop.seller(), restricted.id()));
        world.work();
        succeed(places(Change.Type.ADD_REGIONS, "aws", HOME, PARIS));
        assertEquals(List.of(HOME, PARIS), world.version(published.id()).regions());
        assertEquals(Set.of(buyer.aws()), sharedIn(published, PARIS));
        for (ProductVersion other : List.of(restricted, elsewhere)) {
            assertEquals(List.of(HOME), world.version(other.id()).regions());
        }
        assertEquals(List.of(), world.version(draft.id()).regions());
        assertEquals(
                List.of("[] [" + HOME + "]", "[" + HOME + "] [" + HOME + ", " + PARIS + "]"),
                world
                        .texts(
                                "SELECT coalesce(jsonb_path_query_array(before_json::jsonb, '$.copies[*].region')::text, '')"
                                        + " || ' ' || jsonb_path_query_array(after_json::jsonb, '$.copies[*].region')"
                                        + " FROM audit_event WHERE subject = '" + published.id()
                                        + "' AND action IN ('version.publish', 'version.distribute') ORDER BY seq")
                        .stream()
                        .map(line -> line.replace("\"", ""))
                        .toList());
    }

    /** When its copies are shared already, and are not the version's yet. */
    @Test
    void whoSubscribesWhileARegionIsAddedIsLetInThere() {
        ProductVersion version = world.published(shop, "aws", "1.0");
        Promise<Void> there = Promise.promise();
        Promise<Void> goOn = Promise.promise();
        await(world.changeSets.start(
                shop.seller(), Optional.empty(), List.of(places(Change.Type.ADD_REGIONS, "aws", HOME, PARIS))));
        Future<?> working = world.process(name -> {
                    if (!name.equals("place attempted")) {
                        return Future.succeededFuture();
                    }
                    there.tryComplete();
                    return goOn.future();
                })
                .drain();
        await(there.future());
        LifecycleWorld.Buyer buyer = world.buyer(shop);
        world.work();
        assertEquals(Set.of(buyer.aws()), sharedIn(version, HOME));
        goOn.complete();
        await(working);
        world.work();
        assertEquals(Set.of(buyer.aws()), sharedIn(version, PARIS));
    }

    @Test
    void aTemplateLaunchesTheCopyOfTheRegionThatIsAskedFor() {
        LifecycleWorld.Shop templates = world.shop(Delivery.Kind.TEMPLATE);
        await(world.changeSets.start(
                templates.seller(),
                Optional.empty(),
                List.of(Change.Wanted.ofProduct(
                        Change.Type.ADD_REGIONS,
                        templates.product().id(),
                        ChangeDetails.places("aws", List.of(HOME, PARIS))))));
        world.work();
        String image = world.aws.image(
                HOME, templates.awsAccount(), templates.product().code());
        VersionText text = new VersionText(Optional.empty(), Optional.empty(), Optional.empty(), "n", Optional.empty());
        ProductVersion draft = await(world.versions.create(
                templates.seller(),
                templates.product().id(),
                new Versions.Draft("1.0", "aws", HOME, image, text)
                        .delivered(new Delivery(
                                Delivery.Kind.TEMPLATE,
                                Optional.of("{\"Resources\":{\"a\":\"" + image + "\"}}"),
                                Optional.empty()))));
        await(world.changeSets.publish(templates.seller(), draft.id()));
        world.work();
        ProductVersion version = world.version(draft.id());
        Caller buyer = new Caller("buyer", Role.BUYER, world.buyer(templates).account());
        for (String asked : List.of(HOME, PARIS, OREGON)) {
            Object given = await(world.versions.get(world.database.reads(), buyer, draft.id(), Optional.of(asked)))
                    .json()
                    .get("template");
            String expected = version.copyIn(asked.equals(PARIS) ? PARIS : HOME)
                    .orElseThrow()
                    .imageId();
            assertEquals("{\"Resources\":{\"a\":\"" + expected + "\"}}", given);
        }
    }

    @Test
    void oneSetMayAddRegionsBeforeAndAfterItPublishes() {
        ProductVersion first = world.draft(shop, "aws", "1.0");
        succeed(
                places(Change.Type.ADD_REGIONS, "aws", PARIS),
                publish(first),
                places(Change.Type.ADD_REGIONS, "aws", OREGON));
        assertEquals(List.of(PARIS, OREGON), world.version(first.id()).regions());
    }

    /** R25, R26: what was provided stays for those who had it, and takes nobody new; added again, it is not copied again. */
    @Test
    @Rule("R26")
    void aRestrictedRegionKeepsItsCopyForThoseWhoSubscribedBefore() {
        LifecycleWorld.Buyer before = world.buyer(shop);
        succeed(places(Change.Type.ADD_REGIONS, "aws", HOME, PARIS));
        ProductVersion version = world.published(shop, "aws", "1.0");
        succeed(places(Change.Type.RESTRICT_REGIONS, "aws", PARIS));
        LifecycleWorld.Buyer after = world.buyer(shop);
        world.work();
        assertEquals(Set.of(before.aws(), after.aws()), sharedIn(version, HOME));
        assertEquals(Set.of(before.aws()), sharedIn(version, PARIS));
        assertEquals(List.of(HOME), world.published(shop, "aws", "2.0").regions());

        succeed(places(Change.Type.ADD_REGIONS, "aws", PARIS));
        assertEquals(List.of(HOME, PARIS), world.version(version.id()).regions());
        assertEquals(Set.of(before.aws(), after.aws()), sharedIn(version, PARIS));
        assertEquals(4, world.aws.copiesMade());
    }

    @Test
    void aRestrictionDeprecatesEachCopy() {
        succeed(places(Change.Type.ADD_REGIONS, "aws", HOME, PARIS));
        ProductVersion old = world.published(shop, "aws", "1.0");
        ProductVersion latest = world.published(shop, "aws", "2.0");
        await(world.changeSets.restrict(shop.seller(), old.id()));
        world.work();
        assertTrue(old.copies().stream().allMatch(copy -> world.aws.isDeprecated(copy.imageId())));
        assertTrue(latest.copies().stream().noneMatch(copy -> world.aws.isDeprecated(copy.imageId())));
    }

    @Test
    void aCloudThatCopiesWithinARegionOnlyHasOneCopy() {
        ProductVersion version = world.published(shop, "outscale", "1.0");
        succeed(places(Change.Type.ADD_REGIONS, "outscale", HOME, "cloudgouv-eu-west-1"));
        assertEquals(List.of(HOME), world.version(version.id()).regions());
        succeed(places(Change.Type.RESTRICT_REGIONS, "outscale", HOME));
        Failure refused = assertThrows(Failure.class, () -> apply(publish(world.draft(shop, "outscale", "2.0"))));
        assertTrue(refused.detail().contains("not offered in at outscale"), refused.detail());
    }

    @Test
    void aRegionWhoseCopiesCannotBeMadeIsNotAdded() {
        ProductVersion version = world.published(shop, "aws", "1.0");
        world.aws.keepCopiesPending();
        ChangeSet set = await(world.changeSets.start(
                shop.seller(), Optional.empty(), List.of(places(Change.Type.ADD_REGIONS, "aws", HOME, PARIS, OREGON))));
        await(world.process(ChangeSetWorker.Boundary.NONE).drain());
        world.aws.finishCopies(CloudImage.State.FAILED);
        world.work();
        assertEquals(ChangeSet.Status.FAILED, world.changeSet(set.id()).status());
        assertEquals(List.of(HOME), world.version(version.id()).regions());
        assertEquals(
                List.of(),
                await(world.catalog.byIds(
                                world.database.reads(), List.of(shop.product().id())))
                        .get(0)
                        .places(Place.Kind.REGION, "aws"));
        // What was made of it is thrown away.
        assertEquals(
                new TreeSet<>(List.of(version.copies().get(0).imageId())),
                new TreeSet<>(world.aws.ownImages().stream().map(CloudImage::id).toList()));
        assertEquals(VersionStatus.PUBLISHED, world.version(version.id()).status());
    }

    @Test
    void whatIsOfferedNowhereIsNotPublished() {
        succeed(places(Change.Type.ADD_REGIONS, "aws", PARIS));
        succeed(places(Change.Type.RESTRICT_REGIONS, "aws", PARIS));
        ProductVersion draft = world.draft(shop, "aws", "1.0");
        Failure refused = assertThrows(Failure.class, () -> apply(publish(draft)));
        assertEquals(ErrorCode.CONFLICT, refused.code());
        assertTrue(refused.detail().contains("offered in no region at aws; add one first"), refused.detail());
    }

    /** What is listed is all there is: whoever lists the first region would else leave the one where versions are. */
    @Test
    void theFirstRegionsNameThoseWhereVersionsAre() {
        world.published(shop, "aws", "1.0");
        Failure refused = assertThrows(Failure.class, () -> apply(places(Change.Type.ADD_REGIONS, "aws", PARIS)));
        assertTrue(refused.detail().contains("must name " + HOME + ", too, where version 1.0 is"), refused.detail());
        succeed(places(Change.Type.ADD_REGIONS, "aws", HOME, PARIS));
        succeed(places(Change.Type.RESTRICT_REGIONS, "aws", HOME));
        assertEquals(List.of(PARIS), world.published(shop, "aws", "2.0").regions());
    }

    /** What was offered in a region before copies went to all of them. */
    @Test
    void aRegionWithoutItsCopiesMayBeAddedAgain() {
        ProductVersion version = world.published(shop, "aws", "1.0");
        world.texts("INSERT INTO product_place (product_id, kind, cloud, name, added_at) SELECT '"
                + shop.product().id() + "', 'region', 'aws', r, now() FROM unnest('{" + HOME + "," + PARIS + ","
                + OREGON + "}'::text[]) AS r RETURNING name");
        assertThrows(Failure.class, () -> apply(places(Change.Type.ADD_REGIONS, "aws", HOME)));
        succeed(places(Change.Type.ADD_REGIONS, "aws", PARIS));
        assertEquals(List.of(HOME, PARIS), world.version(version.id()).regions());
        succeed(places(Change.Type.ADD_REGIONS, "aws", OREGON));
        assertEquals(List.of(HOME, PARIS, OREGON), world.version(version.id()).regions());
        assertThrows(Failure.class, () -> apply(places(Change.Type.ADD_REGIONS, "aws", OREGON)));
    }

    /** All copies are asked for before the first is waited for, and a job is not taken for more than 50 steps at a time. */
    @Test
    void manyCopiesAreMadeBesideEachOtherAndInParts() {
        for (int i = 0; i < 4; i++) {
            world.published(shop, "aws", "1." + i);
        }
        String[] regions = Stream.concat(
                        Stream.of(HOME), Stream.iterate(0, i -> i + 1).limit(20).map(i -> "r" + i))
                .toArray(String[]::new);
        ChangeSet set = await(world.changeSets.start(
                shop.seller(), Optional.empty(), List.of(places(Change.Type.ADD_REGIONS, "aws", regions))));
        await(world.process(ChangeSetWorker.Boundary.NONE).round());
        List<Step> done = world.changeSet(set.id()).steps().stream()
                .filter(step -> step.doneAt().isPresent())
                .toList();
        assertEquals(50, done.size());
        assertTrue(done.stream().allMatch(step -> step.name() == Step.Name.COPY));
        world.work();
        ChangeSet ended = world.changeSet(set.id());
        assertEquals(ChangeSet.Status.SUCCEEDED, ended.status(), ended.json().toString());
        assertEquals(4 * 20 * 4 + 1, ended.steps().size());
    }

    @Test
    void aSetThatWouldCopyTooMuchIsRefused() {
        for (int i = 0; i < 11; i++) {
            world.published(shop, "aws", "1." + i);
        }
        String[] regions = Stream.concat(
                        Stream.of(HOME), Stream.iterate(0, i -> i + 1).limit(99).map(i -> "r" + i))
                .toArray(String[]::new);
        Failure refused = assertThrows(Failure.class, () -> apply(places(Change.Type.ADD_REGIONS, "aws", regions)));
        assertTrue(refused.detail().contains("more than 1000 images"), refused.detail());
    }
}
