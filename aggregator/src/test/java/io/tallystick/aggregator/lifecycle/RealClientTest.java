package io.tallystick.aggregator.lifecycle;

import static io.tallystick.aggregator.lifecycle.LifecycleWorld.await;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.tallystick.aggregator.app.ManualClock;
import io.tallystick.aggregator.catalog.ProductVersion;
import io.tallystick.aggregator.catalog.VersionStatus;
import io.tallystick.aggregator.db.DatabaseUrl;
import io.tallystick.aggregator.db.Migrations;
import io.tallystick.aggregator.image.CloudClients;
import io.tallystick.aggregator.image.CloudImage;
import io.tallystick.aggregator.image.CloudKey;
import io.tallystick.aggregator.image.ImageCloud;
import io.tallystick.aggregator.image.ImageClouds;
import io.tallystick.cloudsim.AccessKey;
import io.tallystick.cloudsim.ApiFault;
import io.tallystick.cloudsim.Cloud;
import io.tallystick.cloudsim.ControlApi;
import io.tallystick.cloudsim.ImageSpec;
import io.tallystick.cloudsim.SharedKeys;
import io.tallystick.cloudsim.SimulatedClouds;
import io.tallystick.cloudsim.VmImage;
import io.tallystick.testkit.TestDatabase;
import io.vertx.core.Vertx;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** A version's life through the clouds' real clients, against their simulated APIs. */
class RealClientTest {
    private static final String MARKETPLACE = "999999999999";

    @RegisterExtension
    static final TestDatabase DB = TestDatabase.migratedBy(url -> new Migrations(DatabaseUrl.parse(url)).migrate())
            .checkedBy(LifecycleChecks::check);

    @TempDir
    Path folder = Path.of("");

    private final ManualClock clock = new ManualClock(Instant.parse("2026-03-10T09:30:00Z"));
    private final Vertx vertx = Vertx.vertx();
    private SimulatedClouds simulated;
    private ControlApi api;
    private CloudClients clients;
    private LifecycleWorld world;

    @BeforeEach
    void open() throws Exception {
        simulated = SimulatedClouds.startWithKeys(folder, SharedKeys.folder(), clock);
        api = new ControlApi(simulated, 0);
        clients = new CloudClients(
                vertx, clock, Map.of("aws", settings(Cloud.AWS), "outscale", settings(Cloud.OUTSCALE)));
        world = new LifecycleWorld(DB, clock, clients.own());
    }

    private CloudClients.Settings settings(Cloud cloud) {
        AccessKey key = simulated.key(cloud, MARKETPLACE, false);
        return new CloudClients.Settings(
                Optional.of(new CloudClients.Own(MARKETPLACE, new CloudKey(key.accessKeyId(), key.secretKey()))),
                Optional.of("http://127.0.0.1:" + api.port()));
    }

    @AfterEach
    void close() {
        world.close();
        clients.close();
        await(vertx.close());
        api.close();
        simulated.close();
    }

    private ProductVersion draft(LifecycleWorld.Shop shop, Cloud cloud, String title) {
        String owner = cloud == Cloud.AWS ? shop.awsAccount() : shop.outscaleAccount();
        VmImage image = simulated.register(new ImageSpec(
                cloud,
                owner,
                LifecycleWorld.REGION,
                "Gateway " + title + " " + owner,
                List.of(shop.product().code()),
                Set.of(MARKETPLACE)));
        return world.draft(shop, cloud.wire(), title, image.imageId());
    }

    private List<VmImage> copies() {
        return simulated.images().stream()
                .filter(i -> i.accountId().equals(MARKETPLACE))
                .toList();
    }

    private ChangeSet ended(ChangeSet set) {
        world.work();
        ChangeSet ended = world.changeSet(set.id());
        assertEquals(ChangeSet.Status.SUCCEEDED, ended.status(), ended.json().toString());
        return ended;
    }

    @ParameterizedTest
    @EnumSource(Cloud.class)
    void publishedSharedAndWithdrawnAgain(Cloud cloud) {
        ImageCloud asked = new ImageClouds(clients.own()).of(cloud.wire()).orElseThrow();
        LifecycleWorld.Shop shop = world.shop();
        LifecycleWorld.Buyer buyer = world.buyer(shop);
        ProductVersion first = draft(shop, cloud, "1.0");
        assertEquals(
                List.of(first.sourceImageId()),
                await(world.versions.images(shop.seller(), shop.product().id(), cloud.wire(), LifecycleWorld.REGION))
                        .stream()
                        .map(CloudImage::id)
                        .toList());
        // The first copy is made, and its answer lost.
        simulated.inject(
                List.of(ApiFault.once(cloud, ApiFault.Kind.LOST, cloud == Cloud.AWS ? "CopyImage" : "CreateImage")));
        ended(await(world.changeSets.publish(shop.seller(), first.id())));
        first = world.version(first.id());
        assertEquals(1, copies().size());
        CloudImage copy = await(
                        asked.find(LifecycleWorld.REGION, first.copies().get(0).imageId()))
                .orElseThrow();
        assertEquals(Set.of(cloud == Cloud.AWS ? buyer.aws() : buyer.outscale()), copy.sharedWith());
        assertTrue(copy.productCodes().contains(shop.product().code()));

        ended(await(world.changeSets.publish(
                shop.seller(), draft(shop, cloud, "2.0").id())));
        assertEquals(2, copies().size());
        if (cloud == Cloud.AWS) {
            ended(await(world.changeSets.restrict(shop.seller(), first.id())));
            String restricted = first.copies().get(0).imageId();
            assertTrue(copies().stream()
                    .filter(i -> i.imageId().equals(restricted))
                    .allMatch(i -> i.life().deprecatedAt().isPresent()));
            assertEquals(2, copies().size());
        } else {
            ended(await(world.changeSets.unpublish(shop.seller(), first.id())));
            assertEquals(VersionStatus.UNPUBLISHED, world.version(first.id()).status());
            assertEquals(
                    Optional.empty(),
                    await(asked.find(
                            LifecycleWorld.REGION, first.copies().get(0).imageId())));
        }
    }
}
