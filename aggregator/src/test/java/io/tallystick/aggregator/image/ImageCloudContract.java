package io.tallystick.aggregator.image;

import static io.tallystick.aggregator.image.CloudRig.MARKETPLACE;
import static io.tallystick.aggregator.image.CloudRig.await;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.tallystick.aggregator.app.ManualClock;
import io.tallystick.cloudsim.ApiFault;
import io.tallystick.cloudsim.Cloud;
import io.tallystick.cloudsim.ImageSnapshot;
import io.tallystick.cloudsim.ImageSpec;
import io.tallystick.cloudsim.SimulatedVm;
import io.tallystick.cloudsim.VmImage;
import io.tallystick.cloudsim.VmSpec;
import io.tallystick.common.error.Failure;
import io.tallystick.testkit.Rule;
import io.vertx.core.Future;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What {@link ImageCloud} promises, against each cloud's API through its real client. */
abstract class ImageCloudContract {
    static final String SELLER = "111111111111";
    static final String BUYER = "222222222222";
    static final String CODE = "thecode";

    @TempDir
    Path dir = Path.of("");

    final ManualClock clock = new ManualClock(Instant.parse("2026-03-10T09:30:00Z"));
    private final Cloud kind;
    final String region;
    CloudRig rig;
    ImageCloud cloud;
    VmImage source;

    ImageCloudContract(Cloud kind, String region) {
        this.kind = kind;
        this.region = region;
    }

    @BeforeEach
    void start() throws Exception {
        rig = new CloudRig(dir, clock, clock);
        cloud = rig.marketplace(kind);
        source = image("The Product 1.0", CODE);
    }

    @AfterEach
    void close() {
        rig.close();
    }

    final VmImage image(String name, String... codes) {
        return rig.clouds.register(new ImageSpec(kind, SELLER, region, name, List.of(codes), Set.of(MARKETPLACE)));
    }

    final String copy(String token) throws Exception {
        return await(cloud.copy(region, region, source.imageId(), "The Product 1.0", token));
    }

    final void finishCopies() {
        clock.advance(Duration.ofMinutes(1));
    }

    final CloudImage find(String id) throws Exception {
        return await(cloud.find(region, id)).orElseThrow();
    }

    final void fault(ApiFault.Kind fault, String action) {
        rig.clouds.inject(List.of(ApiFault.once(kind, fault, action)));
    }

    static ImageCloudException refused(Future<?> future) {
        return assertThrows(ImageCloudException.class, () -> await(future));
    }

    abstract String copyAction();

    private long copies() {
        return rig.clouds.images().stream()
                .filter(i -> i.accountId().equals(MARKETPLACE))
                .count();
    }

    @Test
    void aSellersImageIsFoundAsItIs() throws Exception {
        CloudImage found = find(source.imageId());
        assertEquals(
                new CloudImage(
                        source.imageId(),
                        region,
                        "The Product 1.0",
                        SELLER,
                        CloudImage.State.AVAILABLE,
                        "",
                        List.of(CODE),
                        Set.of(),
                        false,
                        Instant.parse("2026-03-10T09:30:00Z")),
                found);
    }

    @Test
    void whatIsNotThereOrNotForUsIsNotFound() throws Exception {
        String hidden = rig.clouds
                .register(new ImageSpec(kind, SELLER, region, "hidden", List.of(), Set.of()))
                .imageId();
        assertEquals(Optional.empty(), await(cloud.find(region, hidden)));
        assertEquals(Optional.empty(), await(cloud.find(region, hidden.replaceAll("[0-9a-f]$", "x"))));
        assertEquals(Optional.empty(), await(cloud.find(region, hidden.substring(0, hidden.length() - 4) + "0000")));
    }

    @Test
    void sellersChooseFromTheirImagesOfTheCodeByName() throws Exception {
        VmImage second = image("Another name", CODE);
        image("without the code");
        image("with a longer code", CODE + "r");
        rig.clouds.register(new ImageSpec(kind, BUYER, region, "others", List.of(CODE), Set.of(MARKETPLACE)));
        assertEquals(
                List.of(second.imageId(), source.imageId()),
                await(cloud.ownedBy(region, SELLER, CODE)).stream()
                        .map(CloudImage::id)
                        .toList());
    }

    @Test
    void aCopyIsPendingThenAvailableAndOurs() throws Exception {
        String id = copy("token-1");
        CloudImage pending = find(id);
        assertEquals(CloudImage.State.PENDING, pending.state());
        assertEquals(MARKETPLACE, pending.ownerAccount());
        assertEquals(List.of(CODE), pending.productCodes());
        finishCopies();
        assertEquals(CloudImage.State.AVAILABLE, find(id).state());
    }

    @Test
    void theSameTokenGivesTheSameCopy() throws Exception {
        String id = copy("token-1");
        assertEquals(id, copy("token-1"));
        finishCopies();
        assertEquals(id, copy("token-1"));
        assertNotEquals(id, copy("token-2"));
        String longToken = "a token that is longer than any cloud takes, and has signs: é/*?".repeat(3);
        assertEquals(copy(longToken), copy(longToken));
        assertEquals(3, copies());
    }

    @Test
    void aCopyWhoseAnswerWasLostIsFoundByAskingAgain() throws Exception {
        rig.clouds.inject(
                List.of(ApiFault.once(kind, ApiFault.Kind.LOST, copyAction()).times(2)));
        while (!rig.clouds.apiFaults().isEmpty()) {
            Future<String> lost = cloud.copy(region, region, source.imageId(), "The Product 1.0", "token-1");
            try {
                await(lost);
            } catch (ImageCloudException e) {
                assertTrue(e.isRetryable(), e.toString());
                assertEquals("unreachable", e.code());
            }
            if (copies() == 1 && rig.clouds.apiFaults().size() == 1) {
                rig.clouds.inject(List.of());
            }
        }
        String id = copy("token-1");
        assertEquals(1, copies());
        assertEquals(MARKETPLACE, find(id).ownerAccount());
    }

    @Test
    void aFailedCopySaysSo() throws Exception {
        fault(ApiFault.Kind.COPY_FAILS, copyAction());
        String id = copy("token-1");
        assertEquals(CloudImage.State.PENDING, find(id).state());
        finishCopies();
        assertEquals(CloudImage.State.FAILED, find(id).state());
        assertFalse(find(id).stateReason().isEmpty());
        assertEquals(id, copy("token-1"));
    }

    @Test
    void aSlowCopyIsPendingForLonger() throws Exception {
        rig.clouds.inject(List.of(new ApiFault(kind, ApiFault.Kind.COPY_SLOW, copyAction(), 1, Duration.ofHours(2))));
        String id = copy("token-1");
        clock.advance(Duration.ofHours(1));
        assertEquals(CloudImage.State.PENDING, find(id).state());
        clock.advance(Duration.ofHours(2));
        assertEquals(CloudImage.State.AVAILABLE, find(id).state());
    }

    @Test
    void sharingTwiceIsSharingOnce() throws Exception {
        String id = copy("token-1");
        finishCopies();
        await(cloud.share(region, id, Set.of(BUYER, SELLER)));
        await(cloud.share(region, id, Set.of(BUYER)));
        await(cloud.share(region, id, Set.of()));
        assertEquals(Set.of(BUYER, SELLER), find(id).sharedWith());
        await(cloud.unshare(region, id, Set.of(BUYER)));
        await(cloud.unshare(region, id, Set.of(BUYER)));
        assertEquals(Set.of(SELLER), find(id).sharedWith());
    }

    @Test
    void onlyWhomItIsSharedWithCanLaunchIt() throws Exception {
        String id = copy("token-1");
        finishCopies();
        VmSpec wish = VmSpec.of(BUYER).fromImage(id);
        assertThrows(Failure.class, () -> rig.clouds.launch(wish));
        await(cloud.share(region, id, Set.of(BUYER)));
        assertEquals(List.of(CODE), rig.clouds.launch(wish).info().identity().productCodes());
        await(cloud.unshare(region, id, Set.of(BUYER)));
        assertThrows(Failure.class, () -> rig.clouds.launch(wish));
    }

    @Test
    void othersImagesCannotBeSharedOrDeleted() {
        assertFalse(
                refused(cloud.share(region, source.imageId(), Set.of(BUYER))).isRetryable());
        assertFalse(refused(cloud.delete(region, source.imageId())).isRetryable());
    }

    @Test
    void deletingWhatIsGoneIsFine() throws Exception {
        String id = copy("token-1");
        finishCopies();
        await(cloud.delete(region, id));
        assertEquals(Optional.empty(), await(cloud.find(region, id)));
        await(cloud.delete(region, id));
        await(cloud.delete(region, id.substring(0, id.length() - 4) + "0000"));
    }

    @Test
    void aDeletionWhoseAnswerWasLostIsFineAskedAgain() throws Exception {
        String id = copy("token-1");
        finishCopies();
        fault(ApiFault.Kind.LOST, kind == Cloud.AWS ? "DeregisterImage" : "DeleteImage");
        try {
            await(cloud.delete(region, id));
        } catch (ImageCloudException e) {
            assertTrue(e.isRetryable(), e.toString());
        }
        await(cloud.delete(region, id));
        assertEquals(Optional.empty(), await(cloud.find(region, id)));
    }

    @Test
    void aVmGoesOnAfterItsImageIsDeletedAndCanBeStoppedAndStarted() throws Exception {
        String id = copy("token-1");
        finishCopies();
        await(cloud.share(region, id, Set.of(BUYER)));
        SimulatedVm vm = rig.clouds.launch(VmSpec.of(BUYER).fromImage(id));
        await(cloud.delete(region, id));
        vm.stop();
        vm.start();
        assertEquals("running", vm.state().wire());
        assertThrows(Failure.class, () -> rig.clouds.launch(VmSpec.of(BUYER).fromImage(id)));
        ImageCloud buyers = rig.clients.readOnly(kind.wire(), BUYER, rig.key(kind, BUYER, true));
        CloudVm seen = await(buyers.vm(region, vm.instanceId())).orElseThrow();
        assertEquals(id, seen.imageId());
        assertEquals(List.of(CODE), seen.productCodes());
    }

    @Test
    @Rule("R18")
    void aDerivedImageKeepsTheCodeAndItsLineageIsKnown() throws Exception {
        String id = copy("token-1");
        finishCopies();
        await(cloud.share(region, id, Set.of(BUYER)));
        SimulatedVm vm = rig.clouds.launch(VmSpec.of(BUYER).fromImage(id));
        VmImage derived = rig.clouds.image(vm, "mine now");
        assertEquals(List.of(CODE), derived.productCodes());
        assertEquals(Optional.of(id), derived.source());
        assertEquals(
                List.of(CODE),
                rig.clouds
                        .launch(VmSpec.of(BUYER).fromImage(derived.imageId()))
                        .info()
                        .identity()
                        .productCodes());
    }

    @Test
    void aVmIsSeenAsItIsByItsOwnersKeyOnly() throws Exception {
        SimulatedVm vm = rig.clouds.launch(
                VmSpec.of(BUYER).cloud(kind).region(region).productCodes(CODE).tags(Map.of("team", "x")));
        vm.tag(Map.of("tallystick-key", "thumbprint"));
        ImageCloud buyers = rig.clients.readOnly(kind.wire(), BUYER, rig.key(kind, BUYER, true));
        assertEquals(
                new CloudVm(
                        vm.instanceId(),
                        BUYER,
                        region,
                        vm.info().identity().imageId(),
                        vm.info().identity().instanceType(),
                        "running",
                        List.of(CODE),
                        Map.of("team", "x", "tallystick-key", "thumbprint")),
                await(buyers.vm(region, vm.instanceId())).orElseThrow());
        assertEquals(Optional.empty(), await(cloud.vm(region, vm.instanceId())));
        vm.stop();
        assertEquals(
                "stopped",
                await(buyers.vm(region, vm.instanceId())).orElseThrow().state());
    }

    private SimulatedVm running(String account, String at, String... codes) {
        return rig.clouds.launch(VmSpec.of(account).cloud(kind).region(at).productCodes(codes));
    }

    @Test
    void whatRunsWithACodeIsListedWholeOfTheOwnAccountOnly() throws Exception {
        Set<String> wanted = new TreeSet<>();
        for (int i = 0; i < 5; i++) {
            wanted.add(running(MARKETPLACE, region, CODE).instanceId());
        }
        wanted.add(running(MARKETPLACE, region, "second", CODE).instanceId());
        running(MARKETPLACE, region, CODE).stop();
        running(MARKETPLACE, region, "another");
        running(MARKETPLACE, "us-east-2", CODE);
        running(BUYER, region, CODE);
        rig.clouds.pageMax(2);
        List<CloudVm> found = await(cloud.running(region, Set.of("none", "second", CODE)));
        assertEquals(
                List.copyOf(wanted),
                found.stream().map(CloudVm::instanceId).sorted().toList());
        assertTrue(found.stream()
                .allMatch(vm -> vm.ownerAccount().equals(MARKETPLACE)
                        && vm.state().equals("running")
                        && vm.productCodes().contains(CODE)));
        assertEquals(List.of(), await(cloud.running(region, Set.of("none"))));
    }

    /** More codes than a request takes. */
    @Test
    void manyCodesAreAskedForInParts() throws Exception {
        Set<String> codes = new TreeSet<>();
        for (int i = 0; i < 450; i++) {
            codes.add("code-%03d".formatted(i));
        }
        String first = running(MARKETPLACE, region, "code-000").instanceId();
        String last = running(MARKETPLACE, region, "code-449", "code-001").instanceId();
        assertEquals(
                Set.of(first, last),
                await(cloud.running(region, codes)).stream()
                        .map(CloudVm::instanceId)
                        .collect(Collectors.toSet()));
    }

    @Test
    void aListThatLagsBehindMissesWhatIsNewAndATroubledOneIsRetryable() throws Exception {
        String action = kind == Cloud.AWS ? "DescribeInstances" : "ReadVms";
        String old = running(MARKETPLACE, region, CODE).instanceId();
        clock.advance(Duration.ofMinutes(5));
        running(MARKETPLACE, region, CODE);
        rig.clouds.inject(List.of(new ApiFault(kind, ApiFault.Kind.STALE, action, 1, Duration.ofMinutes(1))));
        assertEquals(
                List.of(old),
                await(cloud.running(region, Set.of(CODE))).stream()
                        .map(CloudVm::instanceId)
                        .toList());
        assertEquals(2, await(cloud.running(region, Set.of(CODE))).size());
        for (ApiFault.Kind trouble : List.of(ApiFault.Kind.THROTTLE, ApiFault.Kind.ERROR, ApiFault.Kind.ERROR_AFTER)) {
            fault(trouble, action);
            assertTrue(refused(cloud.running(region, Set.of(CODE))).isRetryable());
        }
    }

    /** The cloud has made it, said 500, and its lists do not show it yet. */
    @Test
    void aCopyThatIsNotListedYetIsNotMadeTwice() throws Exception {
        String list = kind == Cloud.AWS ? "DescribeImages" : "ReadImages";
        rig.clouds.inject(List.of(
                ApiFault.once(kind, ApiFault.Kind.ERROR_AFTER, copyAction()),
                new ApiFault(kind, ApiFault.Kind.STALE, list, 3, Duration.ofMinutes(5))));
        Optional<String> id = Optional.empty();
        for (int i = 0; i < 5 && id.isEmpty(); i++) {
            try {
                id = Optional.of(copy("token-1"));
            } catch (ImageCloudException e) {
                assertTrue(e.isRetryable(), e.toString());
            }
        }
        rig.clouds.inject(List.of());
        assertEquals(1, copies());
        assertEquals(MARKETPLACE, find(id.orElseThrow()).ownerAccount());
    }

    private Set<String> snapshots(String account) {
        return rig.clouds.snapshots().stream()
                .filter(s -> s.accountId().equals(account))
                .map(ImageSnapshot::imageId)
                .collect(Collectors.toSet());
    }

    @Test
    void nothingIsLeftBehindADeletedCopyWhateverIsLost() throws Exception {
        String kept = copy("kept");
        List<String> actions = kind == Cloud.AWS
                ? List.of("DeregisterImage")
                : List.of("ReadImages", "ReadSnapshots", "CreateTags", "DeleteImage", "DeleteSnapshot");
        for (String action : actions) {
            for (ApiFault.Kind trouble : List.of(ApiFault.Kind.ERROR, ApiFault.Kind.ERROR_AFTER)) {
                String id = copy("token-" + action + trouble);
                finishCopies();
                assertEquals(Set.of(kept, id), snapshots(MARKETPLACE));
                fault(trouble, action);
                try {
                    await(cloud.delete(region, id));
                } catch (ImageCloudException e) {
                    assertTrue(e.isRetryable(), e.toString());
                }
                assertEquals(List.of(), rig.clouds.apiFaults(), "the trouble came");
                await(cloud.delete(region, id));
                assertEquals(Set.of(kept), snapshots(MARKETPLACE), action + " " + trouble);
            }
        }
        assertEquals(Set.of(source.imageId()), snapshots(SELLER));
    }

    @Test
    void aReadOnlyKeyChangesNothing() throws Exception {
        ImageCloud readOnly = rig.clients.readOnly(kind.wire(), MARKETPLACE, rig.key(kind, MARKETPLACE, true));
        assertTrue(await(readOnly.find(region, source.imageId())).isPresent());
        assertFalse(refused(readOnly.copy(region, region, source.imageId(), "name", "token"))
                .isRetryable());
        assertEquals(0, copies());
    }

    @Test
    void throttlingAndTroubleAreRetryable() throws Exception {
        fault(ApiFault.Kind.THROTTLE, "");
        assertTrue(refused(cloud.find(region, source.imageId())).isRetryable());
        fault(ApiFault.Kind.ERROR, "");
        assertTrue(refused(cloud.find(region, source.imageId())).isRetryable());
        assertTrue(await(cloud.find(region, source.imageId())).isPresent());
    }

    @Test
    void aCloudThatIsAwayIsRetryable() {
        rig.api.close();
        ImageCloudException away = refused(cloud.find(region, source.imageId()));
        assertTrue(away.isRetryable());
        assertEquals("unreachable", away.code());
    }

    @Test
    void aWrongKeyIsNotRetryableAndKeepsItsSecret() {
        String secret = "0123456789012345678901234567890123456789";
        CloudKey right = rig.key(kind, MARKETPLACE, false);
        for (CloudKey wrong : List.of(
                new CloudKey(right.accessKeyId(), secret), new CloudKey("AKIA0123456789ABCDEF", right.secretKey()))) {
            ImageCloudException refused = refused(
                    rig.clients.readOnly(kind.wire(), MARKETPLACE, wrong).find(region, source.imageId()));
            assertFalse(refused.isRetryable(), refused.toString());
            assertFalse(refused.toString().contains(secret));
            assertFalse(wrong.toString().contains(wrong.secretKey()));
        }
    }
}
