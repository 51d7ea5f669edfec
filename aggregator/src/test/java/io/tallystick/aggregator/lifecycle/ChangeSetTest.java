package io.tallystick.aggregator.lifecycle;

import static io.tallystick.aggregator.lifecycle.LifecycleWorld.await;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.tallystick.aggregator.account.Account;
import io.tallystick.aggregator.catalog.Dimension;
import io.tallystick.aggregator.catalog.Offers;
import io.tallystick.aggregator.catalog.ProductVersion;
import io.tallystick.aggregator.catalog.VersionCopy;
import io.tallystick.aggregator.catalog.VersionStatus;
import io.tallystick.aggregator.catalog.VersionText;
import io.tallystick.aggregator.catalog.Visibility;
import io.tallystick.aggregator.db.DatabaseUrl;
import io.tallystick.aggregator.db.Migrations;
import io.tallystick.aggregator.image.CloudImage;
import io.tallystick.common.error.ErrorCode;
import io.tallystick.common.error.Failure;
import io.tallystick.common.json.Fields;
import io.tallystick.common.json.Json;
import io.tallystick.testkit.Rule;
import io.tallystick.testkit.TestDatabase;
import io.vertx.core.Future;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What change sets do, rule by rule. That workers may die anywhere is in {@link WorkerKillTest}. */
class ChangeSetTest {
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

    private static Failure refused(Future<?> future) {
        return assertThrows(Failure.class, () -> await(future));
    }

    private static Change.Wanted change(Change.Type type, ProductVersion version) {
        return Change.Wanted.ofVersion(type, version.id(), ChangeDetails.NONE);
    }

    private ChangeSet ended(ChangeSet set) {
        world.work();
        return world.changeSet(set.id());
    }

    @ParameterizedTest
    @ValueSource(strings = {"aws", "outscale"})
    @Rule({"O2", "O5"})
    void publishingCopiesSharesAndWritesOneMailEach(String cloudName) {
        var cloud = cloudName.equals("aws") ? world.aws : world.outscale;
        LifecycleWorld.Buyer buyer = world.buyer(shop);
        ProductVersion draft = world.draft(shop, cloudName, "1.0");
        ChangeSet set = ended(await(world.changeSets.publish(shop.seller(), draft.id())));
        assertEquals(ChangeSet.Status.SUCCEEDED, set.status(), set.json().toString());
        assertEquals(
                List.of("copy", "available", "attach", "share", "publish"),
                set.steps().stream().map(s -> s.name().wire()).toList());
        assertTrue(set.steps().stream().allMatch(s -> s.doneAt().isPresent() && s.attempts() == 1));

        ProductVersion version = world.version(draft.id());
        assertEquals(VersionStatus.PUBLISHED, version.status());
        assertTrue(version.latest());
        CloudImage copy = cloud.ownImages().get(0);
        assertEquals(List.of(new VersionCopy(LifecycleWorld.REGION, copy.id())), version.copies());
        assertEquals(List.of(shop.product().code()), copy.productCodes());
        assertEquals(Set.of(cloudName.equals("aws") ? buyer.aws() : buyer.outscale()), copy.sharedWith());
        assertEquals(
                List.of(buyer.account() + "@example.com", "admin-" + buyer.account() + "@example.com").stream()
                        .sorted()
                        .toList(),
                world.mailed("version-published:" + draft.id()));
    }

    @Test
    @Rule("O6")
    void mailsRecommendTheUpgradeInTheLanguageOfTheContact() {
        LifecycleWorld.Buyer buyer = world.buyer(shop);
        ProductVersion version = world.published(shop, "outscale", "2.0");
        String english = world.texts("SELECT subject || ' / ' || body FROM outbox WHERE recipient = '" + buyer.account()
                        + "@example.com'")
                .get(0);
        String french = world.texts("SELECT subject || ' / ' || body FROM outbox WHERE recipient = 'admin-"
                        + buyer.account() + "@example.com'")
                .get(0);
        assertTrue(english.startsWith("Gateway: version 2.0 is published / "), english);
        assertTrue(english.contains("We recommend that you upgrade"), english);
        assertTrue(english.contains(version.copies().get(0).imageId()), english);
        assertTrue(french.startsWith("Gateway : la version 2.0 est publiée / "), french);
        assertTrue(french.contains("mettre à niveau"), french);
    }

    @Test
    @Rule("O6")
    void publicationMovesTheDatesOfVersionAndProductAndLatest() {
        ProductVersion first = world.published(shop, "outscale", "1.0");
        ProductVersion second = world.published(shop, "outscale", "2.0");
        assertFalse(world.version(first.id()).latest());
        assertTrue(second.latest());
        assertEquals(second.publishedAt(), Optional.of(second.modifiedAt()));
        assertEquals(
                second.modifiedAt(),
                await(world.catalog.managed(
                                world.database.reads(),
                                shop.seller(),
                                shop.product().id()))
                        .modifiedAt());
    }

    private Map<String, Object> offer(String json) {
        Fields in = Fields.of(Json.parseObject(json.replace('\'', '"')));
        return await(world.offers.create(LifecycleWorld.OPERATOR, shop.product().id(), Offers.NewOffer.read(in), in));
    }

    private boolean isPublic(ProductVersion version) {
        world.work();
        return await(world.outscale.find(
                        LifecycleWorld.REGION,
                        world.version(version.id()).copies().get(0).imageId()))
                .orElseThrow()
                .isPublic();
    }

    /** R26: nobody new there, so not everybody either. */
    @Test
    @Rule({"R26", "N6"})
    void copiesInARestrictedRegionAreNobodyElses() {
        offer("{'kind':'free','title':'Free','currency':'EUR'}");
        ProductVersion version = world.published(shop, "outscale", "1.0");
        LifecycleWorld.Buyer before = world.buyer(shop);
        for (Change.Type type : List.of(Change.Type.ADD_REGIONS, Change.Type.RESTRICT_REGIONS)) {
            world.work();
            assertTrue(isPublic(version));
            world.clock.advance(Duration.ofSeconds(1));
            await(world.changeSets.start(
                    shop.seller(),
                    Optional.empty(),
                    List.of(Change.Wanted.ofProduct(
                            type,
                            shop.product().id(),
                            ChangeDetails.places("outscale", List.of(LifecycleWorld.REGION))))));
        }
        world.work();
        assertFalse(isPublic(version));
        world.buyer(shop);
        world.work();
        assertEquals(
                Set.of(before.outscale()),
                await(world.outscale.find(
                                LifecycleWorld.REGION, version.copies().get(0).imageId()))
                        .orElseThrow()
                        .sharedWith());
    }

    @Test
    @Rule("N6")
    void copiesOfWhatCostsNothingAreEverybodysAtOutscale() {
        await(world.catalog.addDimension(
                shop.seller(),
                shop.product().id(),
                new Dimension.New("requests", "Requests", "Units", Optional.empty())));
        ProductVersion before = world.published(shop, "outscale", "1.0");
        assertFalse(isPublic(before));
        offer("{'kind':'free','title':'Free','currency':'EUR'}");
        assertTrue(isPublic(before));
        ProductVersion since = world.published(shop, "outscale", "1.1");
        assertTrue(isPublic(since));
        ProductVersion atAws = world.published(shop, "aws", "1.2");
        assertFalse(await(world.aws.find(
                        LifecycleWorld.REGION, atAws.copies().get(0).imageId()))
                .orElseThrow()
                .isPublic());

        // Private offers are for those they name, and change nothing; one that is to be paid does, while it is open.
        Instant open = world.clock.instant().plus(Duration.ofDays(1));
        Instant closed = open.plus(Duration.ofDays(1));
        String account = world.account(Account.Kind.BUYER).id();
        offer("{'title':'Ours','currency':'EUR','prices':[{'dimension':'requests','unitPrice':'1'}],'accounts':['"
                + account + "']}");
        offer("{'title':'Paid','currency':'EUR','prices':[{'dimension':'requests','unitPrice':'1'}],'opensAt':'" + open
                + "','closesAt':'" + closed + "'}");
        offer("{'kind':'byol','title':'Licence','currency':'EUR'}");
        await(world.process(ChangeSetWorker.Boundary.NONE).drain());
        assertTrue(await(world.outscale.find(
                        LifecycleWorld.REGION, since.copies().get(0).imageId()))
                .orElseThrow()
                .isPublic());
        world.clock.advance(Duration.ofHours(25));
        await(world.process(ChangeSetWorker.Boundary.NONE).drain());
        assertFalse(await(world.outscale.find(
                        LifecycleWorld.REGION, since.copies().get(0).imageId()))
                .orElseThrow()
                .isPublic());
        world.clock.advance(Duration.ofHours(24));
        assertTrue(isPublic(since));

        // Nobody new is to launch a restricted version, nor one of a product that takes nobody.
        await(world.changeSets.restrict(shop.seller(), before.id()));
        assertFalse(isPublic(before));
        await(world.catalog.setVisibility(
                LifecycleWorld.OPERATOR, shop.product().id(), Visibility.RESTRICTED));
        assertFalse(isPublic(since));
    }

    @Test
    void aCopyIsWaitedForWithoutCountingAsAFailure() {
        world.outscale.keepCopiesPending();
        ProductVersion draft = world.draft(shop, "outscale", "1.0");
        ChangeSet set = await(world.changeSets.publish(shop.seller(), draft.id()));
        var worker = world.process(ChangeSetWorker.Boundary.NONE);
        for (int i = 0; i < 30; i++) {
            await(worker.drain());
            world.clock.advance(ChangeSetWorker.WAIT);
        }
        assertEquals(VersionStatus.PUBLISHING, world.version(draft.id()).status());
        assertEquals(ChangeSet.Status.APPLYING, world.changeSet(set.id()).status());
        world.outscale.finishCopies(CloudImage.State.AVAILABLE);
        assertEquals(ChangeSet.Status.SUCCEEDED, ended(set).status());
        assertEquals(1, world.outscale.copiesMade());
    }

    @Test
    void aCopyThatTheCloudDoesNotListYetIsWaitedForAndOneThatIsGoneIsNot() {
        world.outscale.notListed(5);
        ChangeSet set = await(world.changeSets.publish(
                shop.seller(), world.draft(shop, "outscale", "1.0").id()));
        assertEquals(ChangeSet.Status.SUCCEEDED, ended(set).status());
        assertEquals(1, world.outscale.copiesMade());

        world.outscale.notListed(1_000_000);
        ChangeSet gone = await(world.changeSets.publish(
                shop.seller(), world.draft(shop, "outscale", "1.1").id()));
        assertEquals(ChangeSet.Status.FAILED, ended(gone).status());
    }

    @Test
    void aCopyThatTheCloudCannotMakeFailsTheSetAndLeavesNothing() {
        world.outscale.keepCopiesPending();
        ProductVersion draft = world.draft(shop, "outscale", "1.0");
        ChangeSet set = await(world.changeSets.publish(shop.seller(), draft.id()));
        await(world.process(ChangeSetWorker.Boundary.NONE).drain());
        world.outscale.finishCopies(CloudImage.State.FAILED);
        set = ended(set);
        assertEquals(ChangeSet.Status.FAILED, set.status());
        assertEquals(Optional.of(ChangeSet.FailureCode.CLIENT_ERROR), set.failureCode());
        assertEquals(VersionStatus.DRAFT, world.version(draft.id()).status());
        assertEquals(List.of(), world.outscale.ownImages());
        assertEquals(
                ChangeSet.Status.SUCCEEDED,
                ended(await(world.changeSets.publish(shop.seller(), draft.id())))
                        .status());
    }

    @ParameterizedTest
    @CsvSource({"3, 0", "0, 3", "2, 2"})
    void lostRequestsAndLostAnswersAreRepeatedIntoOneEffect(int before, int after) {
        world.buyer(shop);
        ProductVersion draft = world.draft(shop, "outscale", "1.0");
        world.outscale.fail(before, after, false);
        ChangeSet set = ended(await(world.changeSets.publish(shop.seller(), draft.id())));
        assertEquals(ChangeSet.Status.SUCCEEDED, set.status(), set.json().toString());
        assertEquals(1, world.outscale.copiesMade());
        assertEquals(1, world.outscale.ownImages().size());
        assertEquals(2, world.mailed("version-published:" + draft.id()).size());
    }

    @Test
    void whatNeverWorksIsGivenUpAndTheCopyNobodyKnewIsFoundAndDeleted() {
        ProductVersion draft = world.draft(shop, "outscale", "1.0");
        // The copy is made, but its id never arrives.
        world.outscale.fail(0, 21, false);
        ChangeSet set = ended(await(world.changeSets.publish(shop.seller(), draft.id())));
        assertEquals(ChangeSet.Status.FAILED, set.status());
        assertEquals(Optional.of(ChangeSet.FailureCode.SERVER_FAULT), set.failureCode());
        assertTrue(
                set.failureDetail().orElse("").contains("the answer was lost"),
                set.json().toString());
        assertEquals(1, world.outscale.copiesMade());
        assertEquals(List.of(), world.outscale.ownImages());
        assertEquals(
                List.of("deleted"),
                world.texts("SELECT status FROM image_copy WHERE version_id = '" + draft.id() + "'"));
        assertEquals(VersionStatus.DRAFT, world.version(draft.id()).status());
    }

    @Test
    void aProductIsChangedByOneOpenSetAtATime() {
        ProductVersion one = world.draft(shop, "outscale", "1.0");
        ProductVersion two = world.draft(shop, "outscale", "2.0");
        ChangeSet open = await(world.changeSets.publish(shop.seller(), one.id()));
        Failure failure = refused(world.changeSets.publish(shop.seller(), two.id()));
        assertEquals(ErrorCode.RESOURCE_IN_USE, failure.code());
        assertEquals(open.id(), failure.data().get("changeSet"));
        assertEquals(ChangeSet.Status.SUCCEEDED, ended(open).status());
        assertEquals(
                ChangeSet.Status.SUCCEEDED,
                ended(await(world.changeSets.publish(shop.seller(), two.id()))).status());
    }

    @Test
    void aSetCanBeCancelledUntilItIsApplied() {
        ProductVersion draft = world.draft(shop, "outscale", "1.0");
        ChangeSet set = await(world.changeSets.publish(shop.seller(), draft.id()));
        assertEquals(
                ChangeSet.Status.CANCELLED,
                await(world.changeSets.cancel(shop.seller(), set.id())).status());
        assertEquals(
                ChangeSet.Status.CANCELLED,
                await(world.changeSets.cancel(shop.seller(), set.id())).status());
        world.work();
        assertEquals(0, world.outscale.copiesMade());
        ChangeSet again = ended(await(world.changeSets.publish(shop.seller(), draft.id())));
        assertEquals(
                ErrorCode.CONFLICT,
                refused(world.changeSets.cancel(shop.seller(), again.id())).code());
    }

    /** Rule O15. */
    @Test
    @Rule({"R11", "O15"})
    void theOnlyRemainingVersionCannotBeUnpublished() {
        ProductVersion only = world.published(shop, "outscale", "1.0");
        world.published(shop, "aws", "1.0 on AWS");
        Failure failure = refused(world.changeSets.unpublish(shop.seller(), only.id()));
        assertTrue(failure.getMessage().contains("only remaining version in outscale"), failure.getMessage());
        assertTrue(refused(world.changeSets.restrict(shop.seller(), only.id()))
                .getMessage()
                .contains("only published"));
    }

    @Test
    void aSetIsCheckedWholeEachChangeAfterThoseBefore() {
        ProductVersion first = world.published(shop, "outscale", "1.0");
        ProductVersion second = world.draft(shop, "outscale", "2.0");
        var unpublish = change(Change.Type.UNPUBLISH_VERSION, first);
        var publish = change(Change.Type.PUBLISH_VERSION, second);
        Failure failure =
                refused(world.changeSets.start(shop.seller(), Optional.empty(), List.of(unpublish, publish, publish)));
        assertEquals(
                List.of("changes[0].version", "changes[2].version"),
                failure.problems().stream().map(Failure.Problem::path).toList());
        ChangeSet set = ended(
                await(world.changeSets.start(shop.seller(), Optional.of("Replace 1.0"), List.of(publish, unpublish))));
        assertEquals(ChangeSet.Status.SUCCEEDED, set.status());
        assertEquals(VersionStatus.UNPUBLISHED, world.version(first.id()).status());
    }

    @Test
    void foreignVersionsDoNotExist() {
        ProductVersion version = world.published(shop, "outscale", "1.0");
        Failure foreign = refused(world.changeSets.restrict(world.shop().seller(), version.id()));
        Failure missing = refused(world.changeSets.restrict(shop.seller(), "ver-none"));
        assertEquals(missing.getMessage(), foreign.getMessage());
    }

    /** Rules O7, O16 and O2: the copy goes, the version's date and status move, latest is found anew, one mail each. */
    @Test
    @Rule({"O2", "O7", "O16"})
    void unpublishingDeletesTheCopyAndFindsTheLatestAnew() {
        LifecycleWorld.Buyer buyer = world.buyer(shop);
        ProductVersion first = world.published(shop, "outscale", "1.0");
        ProductVersion second = world.published(shop, "outscale", "2.0");
        ChangeSet set = ended(await(world.changeSets.unpublish(shop.seller(), second.id())));
        assertEquals(ChangeSet.Status.SUCCEEDED, set.status());
        ProductVersion gone = world.version(second.id());
        assertEquals(VersionStatus.UNPUBLISHED, gone.status());
        assertEquals(gone.unpublishedAt(), Optional.of(gone.modifiedAt()));
        assertTrue(world.version(first.id()).latest());
        assertEquals(
                List.of(first.copies().get(0).imageId()),
                world.outscale.ownImages().stream().map(CloudImage::id).toList());
        assertEquals(2, world.mailed("version-unpublished:" + second.id()).size());
        assertTrue(world.texts("SELECT body FROM outbox WHERE event = 'version-unpublished:" + second.id()
                        + "' AND recipient = '" + buyer.account() + "@example.com'")
                .get(0)
                .contains("We recommend version 1.0"));
    }

    /** Rules R11 and R26. */
    @Test
    @Rule({"R11", "R26"})
    void atAwsAVersionIsRestrictedAndDeprecatedNeverUnpublished() {
        LifecycleWorld.Buyer before = world.buyer(shop);
        ProductVersion old = world.published(shop, "aws", "1.0");
        world.published(shop, "aws", "2.0");
        assertTrue(refused(world.changeSets.unpublish(shop.seller(), old.id()))
                .getMessage()
                .contains("can only be restricted"));
        ended(await(world.changeSets.restrict(shop.seller(), old.id())));
        LifecycleWorld.Buyer after = world.buyer(shop);
        world.work();
        String copy = old.copies().get(0).imageId();
        assertTrue(world.aws.isDeprecated(copy));
        CloudImage image = await(world.aws.find(LifecycleWorld.REGION, copy)).orElseThrow();
        assertEquals(Set.of(before.aws()), image.sharedWith());
        assertFalse(image.sharedWith().contains(after.aws()));
        assertEquals(2, world.mailed("version-restricted:" + old.id()).size());
    }

    @Test
    @Rule({"O5", "N11"})
    void whoMayLaunchFollowsTheAgreements() {
        ProductVersion version = world.published(shop, "outscale", "1.0");
        String copy = version.copies().get(0).imageId();
        LifecycleWorld.Buyer buyer = world.buyer(shop);
        world.work();
        assertEquals(Set.of(buyer.outscale()), shared(copy));
        String more = world.cloudAccount(buyer.account(), "outscale");
        world.work();
        assertEquals(Set.of(buyer.outscale(), more), shared(copy));
        await(world.agreements.end(LifecycleWorld.OPERATOR, buyer.agreement().id()));
        world.work();
        assertEquals(Set.of(), shared(copy));
        assertEquals(0, world.count("SELECT count(*) FROM image_share WHERE version_id = '" + version.id() + "'"));
    }

    private Set<String> shared(String image) {
        return await(world.outscale.find(LifecycleWorld.REGION, image))
                .orElseThrow()
                .sharedWith();
    }

    /** Rule O8. */
    @Test
    @Rule("O8")
    void aWholeProductIsUnpublishedWithOneMailEach() {
        world.buyer(shop);
        ProductVersion atOutscale = world.published(shop, "outscale", "1.0");
        ProductVersion atAws = world.published(shop, "aws", "1.0 on AWS");
        ChangeSet set = ended(await(
                world.changeSets.unpublishProduct(shop.seller(), shop.product().id())));
        assertEquals(ChangeSet.Status.SUCCEEDED, set.status(), set.json().toString());
        assertEquals(VersionStatus.UNPUBLISHED, world.version(atOutscale.id()).status());
        assertEquals(VersionStatus.PUBLISHED, world.version(atAws.id()).status());
        assertEquals(List.of(), world.outscale.ownImages());
        assertEquals(
                Visibility.RESTRICTED,
                await(world.catalog.managed(
                                world.database.reads(),
                                shop.seller(),
                                shop.product().id()))
                        .visibility());
        assertEquals(2, world.mailed("product-withdrawn:" + shop.product().id()).size());
        assertEquals(0, world.mailed("version-unpublished:" + atOutscale.id()).size());
    }

    /** Rule O6: texts and the version's date change, nobody is told unless the seller wants it. */
    @ParameterizedTest
    @CsvSource({"true, 2", "false, 0"})
    @Rule({"O6", "O14"})
    void modifyingChangesTextsAndTheVersionsDate(boolean announce, int mails) {
        world.buyer(shop);
        ProductVersion version = world.published(shop, "outscale", "1.0");
        Instant productDate = await(world.catalog.managed(
                        world.database.reads(), shop.seller(), shop.product().id()))
                .modifiedAt();
        world.clock.advance(Duration.ofHours(1));
        VersionText text = new VersionText(
                Optional.of("1.0.7"), Optional.empty(), Optional.empty(), "Please upgrade.", Optional.empty());
        ChangeSet set = ended(await(world.changeSets.start(
                shop.seller(),
                Optional.empty(),
                List.of(Change.Wanted.ofVersion(
                        Change.Type.MODIFY_VERSION,
                        version.id(),
                        ChangeDetails.text(text, announce, Optional.empty()))))));
        ProductVersion after = world.version(version.id());
        assertEquals(text, after.text());
        assertEquals(version.sourceImageId(), after.sourceImageId());
        assertTrue(after.modifiedAt().isAfter(version.modifiedAt()));
        assertEquals(
                productDate,
                await(world.catalog.managed(
                                world.database.reads(),
                                shop.seller(),
                                shop.product().id()))
                        .modifiedAt());
        assertEquals(
                mails,
                world.mailed("version-modified:" + version.id() + ":" + set.id())
                        .size());
    }

    @Test
    void manyWorkersAtOnceMakeEachEffectOnce() {
        world.buyer(shop);
        ProductVersion draft = world.draft(shop, "outscale", "1.0");
        ChangeSet set = await(world.changeSets.publish(shop.seller(), draft.id()));
        Future<?> all = Future.join(java.util.stream.IntStream.range(0, 8)
                .mapToObj(i -> world.process(ChangeSetWorker.Boundary.NONE).drain())
                .toList());
        await(all);
        assertEquals(ChangeSet.Status.SUCCEEDED, ended(set).status());
        assertEquals(
                1,
                world.outscale.calls().stream()
                        .filter(c -> c.startsWith("copy"))
                        .count());
        assertEquals(2, world.mailed("version-published:" + draft.id()).size());
    }
}
