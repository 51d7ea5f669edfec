package io.tallystick.aggregator.lifecycle;

import static io.tallystick.aggregator.lifecycle.LifecycleWorld.await;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.tallystick.aggregator.catalog.ProductVersion;
import io.tallystick.aggregator.catalog.VersionStatus;
import io.tallystick.aggregator.catalog.VersionText;
import io.tallystick.aggregator.catalog.Versions;
import io.tallystick.aggregator.db.DatabaseUrl;
import io.tallystick.aggregator.db.Migrations;
import io.tallystick.aggregator.web.Caller;
import io.tallystick.aggregator.web.Role;
import io.tallystick.common.error.ErrorCode;
import io.tallystick.common.error.Failure;
import io.tallystick.testkit.Rule;
import io.tallystick.testkit.TestDatabase;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** The example in the guide for sellers of AMI products: 1.0.0, 1.1.0 with a bug, 1.1.1 without, and what each means to whom. */
class VersionsLifeTest {
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

    private static VersionText advice() {
        return new VersionText(
                Optional.empty(), Optional.empty(), Optional.empty(), "Please move to 1.1.1.", Optional.empty());
    }

    /** What a buyer may choose from, newest first. */
    private List<String> offered(String account) {
        Caller buyer = new Caller("buyer", Role.BUYER, account);
        return await(world.versions.list(
                        world.database.reads(), buyer, shop.product().id()))
                .stream()
                .map(v -> v.version().title())
                .toList();
    }

    @Test
    @Rule({"R6", "R7", "R8", "R10", "R12", "R15"})
    void threeVersionsAreThereAndNewBuyersChooseFromTwo() {
        LifecycleWorld.Buyer before = world.buyer(shop);
        world.published(shop, "aws", "1.0.0");
        assertEquals(List.of("1.0.0"), offered(before.account()));
        ProductVersion buggy = world.published(shop, "aws", "1.1.0");
        assertEquals(List.of("1.1.0", "1.0.0"), offered(before.account()));
        ProductVersion mended = world.published(shop, "aws", "1.1.1");
        await(world.changeSets.restrict(shop.seller(), buggy.id()));
        world.work();
        assertEquals(List.of("1.1.1", "1.0.0"), offered(before.account()));
        assertTrue(mended.latest());
        ChangeSet advised = await(world.changeSets.modify(shop.seller(), buggy.id(), advice(), true, Optional.empty()));
        world.work();
        assertEquals(ChangeSet.Status.SUCCEEDED, world.changeSet(advised.id()).status());
        ProductVersion after = world.version(buggy.id());
        assertEquals(advice(), after.text());
        assertEquals(VersionStatus.RESTRICTED, after.status());
        assertEquals(
                2,
                world.mailed("version-modified:" + buggy.id() + ":" + advised.id())
                        .size());
        LifecycleWorld.Buyer later = world.buyer(shop);
        world.work();
        String copy = buggy.copies().get(0).imageId();
        assertEquals(
                Set.of(before.aws()),
                await(world.aws.find(LifecycleWorld.REGION, copy)).orElseThrow().sharedWith());
        assertEquals(
                Set.of(before.aws(), later.aws()),
                await(world.aws.find(
                                LifecycleWorld.REGION, mended.copies().get(0).imageId()))
                        .orElseThrow()
                        .sharedWith());
    }

    @Test
    @Rule({"R12", "R16", "O11", "O14"})
    void whatIsPublishedChangesByChangeSetsOnlyAndItsImageNotAtAll() {
        ProductVersion version = world.published(shop, "outscale", "1.0");
        String another = world.outscale.image(
                LifecycleWorld.REGION, shop.outscaleAccount(), shop.product().code());
        Versions.Draft draft = new Versions.Draft("1.0", "outscale", LifecycleWorld.REGION, another, advice());
        Failure refused = assertThrows(
                Failure.class, () -> await(world.versions.edit(shop.seller(), version.id(), draft, Optional.empty())));
        assertEquals(ErrorCode.CONFLICT, refused.code());
        assertEquals(version, world.version(version.id()));
    }
}
