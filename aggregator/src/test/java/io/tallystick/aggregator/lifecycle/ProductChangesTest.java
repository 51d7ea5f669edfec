package io.tallystick.aggregator.lifecycle;

import static io.tallystick.aggregator.lifecycle.LifecycleWorld.await;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.tallystick.aggregator.account.Account;
import io.tallystick.aggregator.account.Contact;
import io.tallystick.aggregator.catalog.Catalog;
import io.tallystick.aggregator.catalog.Dimension;
import io.tallystick.aggregator.catalog.Offers;
import io.tallystick.aggregator.catalog.Place;
import io.tallystick.aggregator.catalog.Product;
import io.tallystick.aggregator.catalog.ProductPage;
import io.tallystick.aggregator.catalog.ProductVersion;
import io.tallystick.aggregator.catalog.Rate;
import io.tallystick.aggregator.catalog.Removal;
import io.tallystick.aggregator.catalog.Review;
import io.tallystick.aggregator.catalog.Terms;
import io.tallystick.aggregator.catalog.VersionStatus;
import io.tallystick.aggregator.catalog.VersionText;
import io.tallystick.aggregator.catalog.Versions;
import io.tallystick.aggregator.catalog.Visibility;
import io.tallystick.aggregator.db.DatabaseUrl;
import io.tallystick.aggregator.db.Migrations;
import io.tallystick.aggregator.web.Caller;
import io.tallystick.aggregator.web.PageRequest;
import io.tallystick.aggregator.web.Role;
import io.tallystick.common.error.ErrorCode;
import io.tallystick.common.error.Failure;
import io.tallystick.common.json.Fields;
import io.tallystick.common.json.Json;
import io.tallystick.testkit.Rule;
import io.tallystick.testkit.TestDatabase;
import io.vertx.core.Future;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Change sets about products: page, regions, instance types, removal; and what holds them back. */
class ProductChangesTest {
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

    private static ProductPage page(String json) {
        Fields in = Fields.of(Json.parseObject(json.replace('\'', '"')));
        ProductPage page = ProductPage.read(in);
        in.done();
        return page;
    }

    private Product product() {
        return await(world.catalog.managed(
                world.database.reads(), shop.seller(), shop.product().id()));
    }

    private Change.Wanted about(Change.Type type, ChangeDetails details) {
        return Change.Wanted.ofProduct(type, shop.product().id(), details);
    }

    private Change.Wanted inform(String pageJson) {
        return about(
                Change.Type.UPDATE_INFORMATION, ChangeDetails.page(Optional.empty(), page(pageJson), Optional.empty()));
    }

    private ChangeSet apply(Change.Wanted... wanted) {
        ChangeSet set = await(world.changeSets.start(shop.seller(), Optional.empty(), List.of(wanted)));
        world.work();
        set = world.changeSet(set.id());
        assertEquals(ChangeSet.Status.SUCCEEDED, set.status(), set.json().toString());
        return set;
    }

    private static Failure refused(Future<?> future) {
        return assertThrows(Failure.class, () -> await(future));
    }

    private Failure refused(Change.Wanted... wanted) {
        return refused(world.changeSets.start(shop.seller(), Optional.empty(), List.of(wanted)));
    }

    private static List<String> paths(Failure failure) {
        return failure.problems().stream().map(Failure.Problem::path).toList();
    }

    @Test
    @Rule({"R1", "R9", "R16", "R23"})
    void aProductsPageIsReplacedWholeAtAnyTimeAndTheChangeIsInTheLog() {
        apply(inform("{'texts':{'en':{'shortDescription':'A gateway','highlights':['Fast']}},'keywords':['proxy'],"
                + "'categories':['Networking'],'support':'Write to us.','refundPolicy':'None.',"
                + "'licence':{'name':'Standard','url':'https://example.com/eula'}}"));
        ProductPage first = product().page();
        assertEquals(List.of("proxy"), first.keywords());
        assertEquals(List.of("Fast"), first.texts().get("en").highlights());
        world.clock.advance(Duration.ofHours(1));
        ChangeSet set = apply(inform("{'texts':{'en':{'highlights':['Faster']}}}"));
        assertEquals(
                page("{'texts':{'en':{'highlights':['Faster']}}}"), product().page());
        assertTrue(product().modifiedAt().isAfter(set.requestedAt().minusSeconds(1)));
        List<String> log = world.texts("SELECT before_json || ' > ' || after_json FROM audit_event"
                + " WHERE action = 'product.inform' AND actor = 'change-set:" + set.id() + "'");
        assertEquals(1, log.size());
        assertTrue(log.get(0).contains("proxy") && log.get(0).contains("Faster"), log.get(0));
    }

    @Test
    @Rule("R24")
    void whoLookedAtAnOlderPageIsRefused() {
        Product before = product();
        world.clock.advance(Duration.ofHours(1));
        apply(inform("{'support':'One.'}"));
        Failure stale = refused(about(
                Change.Type.UPDATE_INFORMATION,
                ChangeDetails.page(Optional.empty(), page("{}"), Optional.of(before.modifiedAt()))));
        assertEquals(List.of("changes[0].product"), paths(stale));
        Failure late = refused(about(
                Change.Type.ADD_REGIONS,
                ChangeDetails.places("aws", List.of("eu-west-1"), Optional.of(before.modifiedAt()))));
        assertEquals(List.of("changes[0].product"), paths(late));
        apply(about(
                Change.Type.UPDATE_INFORMATION,
                ChangeDetails.page(
                        Optional.empty(),
                        page("{'support':'Two.'}"),
                        Optional.of(product().modifiedAt()))));
        assertEquals(Optional.of("Two."), product().page().support());
        ProductVersion version = world.published(shop, "aws", "1.0");
        VersionText text = version.text();
        assertEquals(
                List.of("changes[0].version"),
                paths(refused(world.changeSets.modify(
                        shop.seller(),
                        version.id(),
                        text,
                        false,
                        Optional.of(version.createdAt().minusSeconds(9))))));
    }

    @Test
    @Rule("N5")
    void aTitleIsForEverOnceTheProductIsPublic() {
        Failure failure = refused(about(
                Change.Type.UPDATE_INFORMATION,
                ChangeDetails.page(Optional.of("Another name"), page("{}"), Optional.empty())));
        assertEquals(List.of("changes[0].details.title"), paths(failure));
    }

    @Test
    @Rule("N4")
    void whatIsPublishedAtOutscaleIsDescribedInBothLanguages() {
        apply(inform("{'texts':{'en':{'shortDescription':'A gateway'}}}"));
        ProductVersion atOutscale = world.draft(shop, "outscale", "1.0");
        assertTrue(refused(world.changeSets.publish(shop.seller(), atOutscale.id()))
                .getMessage()
                .contains("page in fr"));
        world.published(shop, "aws", "1.0 on AWS");
        apply(inform("{'texts':{'en':{'shortDescription':'A gateway'},'fr':{'shortDescription':'Une passerelle'}}}"));
        apply(Change.Wanted.ofVersion(Change.Type.PUBLISH_VERSION, atOutscale.id(), ChangeDetails.NONE));
        assertEquals(
                List.of("changes[0].details.texts.fr"),
                paths(refused(inform("{'texts':{'en':{'shortDescription':'A gateway'}}}"))));
    }

    @Test
    @Rule({"R23", "R25", "R26"})
    void regionsAreAddedRestrictedAndAddedAgainAndNeverGoAway() {
        apply(about(Change.Type.ADD_REGIONS, ChangeDetails.places("aws", List.of("eu-west-1", "eu-west-3"))));
        ProductVersion version = world.published(shop, "aws", "1.0");
        assertEquals(List.of("eu-west-1", "eu-west-3"), version.regions());
        assertEquals(
                List.of("changes[0].details.regions[1]", "changes[1].details.regions[0]"),
                paths(refused(
                        about(Change.Type.ADD_REGIONS, ChangeDetails.places("aws", List.of("us-east-1", "eu-west-3"))),
                        about(Change.Type.RESTRICT_REGIONS, ChangeDetails.places("aws", List.of("eu-north-1"))))));
        apply(about(Change.Type.ADD_REGIONS, ChangeDetails.places("aws", List.of(LifecycleWorld.REGION))));
        apply(about(Change.Type.RESTRICT_REGIONS, ChangeDetails.places("aws", List.of("eu-west-1"))));
        List<Place> regions = product().places(Place.Kind.REGION, "aws");
        assertEquals(
                List.of("eu-west-1", "eu-west-2", "eu-west-3"),
                regions.stream().map(Place::name).toList());
        assertEquals(
                List.of(false, true, true), regions.stream().map(Place::isOpen).toList());
        apply(about(Change.Type.ADD_REGIONS, ChangeDetails.places("aws", List.of("eu-west-1"))));
        assertTrue(product().places(Place.Kind.REGION, "aws").stream().allMatch(Place::isOpen));
        assertEquals(
                List.of("eu-west-1", "eu-west-2", "eu-west-3"),
                world.version(version.id()).regions());
    }

    @Test
    @Rule({"R25", "R30"})
    void anInstanceTypeThatAVersionRecommendsStays() {
        apply(about(Change.Type.ADD_INSTANCE_TYPES, ChangeDetails.places("aws", List.of("m5.large", "m7i.xlarge"))));
        String image = world.aws.image(
                LifecycleWorld.REGION, shop.awsAccount(), shop.product().code());
        ProductVersion draft = await(world.versions.create(
                shop.seller(),
                shop.product().id(),
                new Versions.Draft(
                        "1.0",
                        "aws",
                        LifecycleWorld.REGION,
                        image,
                        new VersionText(
                                Optional.empty(),
                                Optional.empty(),
                                Optional.empty(),
                                "n",
                                Optional.empty(),
                                Optional.of("m5.large")))));
        apply(Change.Wanted.ofVersion(Change.Type.PUBLISH_VERSION, draft.id(), ChangeDetails.NONE));
        Change.Wanted restrict =
                about(Change.Type.RESTRICT_INSTANCE_TYPES, ChangeDetails.places("aws", List.of("m5.large")));
        assertTrue(refused(restrict).getMessage().contains("recommended by version 1.0"));
        world.published(shop, "aws", "1.1");
        apply(Change.Wanted.ofVersion(Change.Type.RESTRICT_VERSION, draft.id(), ChangeDetails.NONE), restrict);
        assertEquals(
                List.of(false, true),
                product().places(Place.Kind.INSTANCE_TYPE, "aws").stream()
                        .map(Place::isOpen)
                        .toList());
    }

    @Test
    @Rule("R14")
    void aRemovedProductSaysWhyWhomToAskAndWhatToTakeInstead() {
        LifecycleWorld.Buyer buyer = world.buyer(shop);
        world.published(shop, "outscale", "1.0");
        Product other = await(world.catalog.create(
                shop.seller(),
                new Catalog.NewProduct(Optional.empty(), "Gateway Two", Optional.empty(), Terms.DEFAULT, List.of())));
        Removal removal = new Removal(
                Optional.of("We have a better one."), Optional.of("help@example.com"), Optional.of(other.id()));
        assertTrue(refused(about(Change.Type.UNPUBLISH_PRODUCT, ChangeDetails.removal(removal)))
                .getMessage()
                .contains("must be a PUBLIC product"));
        await(world.catalog.setVisibility(LifecycleWorld.OPERATOR, other.id(), Visibility.LIMITED));
        await(world.catalog.setVisibility(LifecycleWorld.OPERATOR, other.id(), Visibility.PUBLIC));
        apply(about(Change.Type.UNPUBLISH_PRODUCT, ChangeDetails.removal(removal)));
        assertEquals(Optional.of(removal), product().removal());
        assertEquals(Visibility.RESTRICTED, product().visibility());
        String mail = world.texts("SELECT body FROM outbox WHERE event = 'product-withdrawn:"
                        + shop.product().id() + "' AND recipient = '" + buyer.account() + "@example.com'")
                .get(0);
        for (String said : List.of("We have a better one.", "help@example.com", "Gateway Two")) {
            assertTrue(mail.contains(said), mail);
        }
        assertEquals(List.of("Gateway Two"), found("gateway"));
        Failure late = refused(world.agreements.accept(
                LifecycleWorld.OPERATOR,
                shop.product().id(),
                Optional.of(world.account(Account.Kind.BUYER).id()),
                Optional.empty()));
        assertEquals(ErrorCode.PRODUCT_RESTRICTED, late.code());
        assertEquals(Optional.empty(), buyer.agreement().endedAt());
    }

    private List<String> found(String text) {
        Caller buyer = new Caller(
                "buyer", Role.BUYER, world.account(Account.Kind.BUYER).id());
        return await(world.catalog.search(
                        world.database.reads(), buyer, Catalog.Search.of(text), new PageRequest(1000, null)))
                .items()
                .stream()
                .filter(p -> p.sellerAccountId().equals(shop.seller().accountId()))
                .map(Product::title)
                .toList();
    }

    @Test
    void aSetThatIsOnlyToBeCheckedSaysWhatIsWrongAndChangesNothing() {
        ProductVersion draft = world.draft(shop, "aws", "1.0");
        Change.Wanted publish = Change.Wanted.ofVersion(Change.Type.PUBLISH_VERSION, draft.id(), ChangeDetails.NONE);
        ChangeSet checked = await(world.changeSets.start(
                shop.seller(),
                new ChangeSets.Request(
                        Optional.empty(), Optional.empty(), ChangeSet.Intent.VALIDATE, List.of(publish))));
        assertEquals(ChangeSet.Status.SUCCEEDED, checked.status());
        world.work();
        assertEquals(VersionStatus.DRAFT, world.version(draft.id()).status());
        assertEquals(List.of(), world.aws.calls());
        Failure wrong = refused(world.changeSets.start(
                shop.seller(),
                new ChangeSets.Request(
                        Optional.empty(), Optional.empty(), ChangeSet.Intent.VALIDATE, List.of(publish, publish))));
        assertEquals(List.of("changes[1].version"), paths(wrong));
        // It holds nothing: the same set can be applied.
        apply(publish);
    }

    @Test
    void theSameRequestUnderItsTokenIsOneChangeSet() {
        ChangeSets.Request request = new ChangeSets.Request(
                Optional.of("Name"),
                Optional.of("token-1"),
                ChangeSet.Intent.APPLY,
                List.of(inform("{'support':'Write to us.'}")));
        ChangeSet first = await(world.changeSets.start(shop.seller(), request));
        assertEquals(
                first.id(),
                await(world.changeSets.start(shop.seller(), request)).id());
        world.work();
        ChangeSet again = await(world.changeSets.start(shop.seller(), request));
        assertEquals(first.id(), again.id());
        assertEquals(ChangeSet.Status.SUCCEEDED, again.status());
        Failure other = refused(world.changeSets.start(
                shop.seller(),
                new ChangeSets.Request(
                        Optional.of("Name"),
                        Optional.of("token-1"),
                        ChangeSet.Intent.APPLY,
                        List.of(inform("{'support':'Do not.'}")))));
        assertEquals(first.id(), other.data().get("changeSet"));
        // Tokens are each seller's own.
        LifecycleWorld.Shop elsewhere = world.shop();
        ChangeSet foreign = await(world.changeSets.start(
                elsewhere.seller(),
                new ChangeSets.Request(
                        Optional.empty(),
                        Optional.of("token-1"),
                        ChangeSet.Intent.APPLY,
                        List.of(Change.Wanted.ofProduct(
                                Change.Type.ADD_REGIONS,
                                elsewhere.product().id(),
                                ChangeDetails.places("aws", List.of("eu-west-1")))))));
        assertNotEquals(first.id(), foreign.id());
        world.work();
    }

    @Test
    @Rule("R22")
    void everyOpenRequestShowsItsPlaceAndHowLongItMayTake() {
        world.work();
        ChangeSet first =
                await(world.changeSets.start(shop.seller(), Optional.empty(), List.of(inform("{'support':'One.'}"))));
        assertEquals(1, first.queue().orElseThrow().position());
        world.clock.advance(Duration.ofSeconds(40));
        world.work();
        assertEquals(Optional.empty(), world.changeSet(first.id()).queue());
        LifecycleWorld.Shop other = world.shop();
        await(world.changeSets.start(
                other.seller(),
                Optional.empty(),
                List.of(Change.Wanted.ofProduct(
                        Change.Type.UPDATE_INFORMATION,
                        other.product().id(),
                        ChangeDetails.page(Optional.empty(), page("{}"), Optional.empty())))));
        world.clock.advance(Duration.ofSeconds(1));
        ChangeSet second =
                await(world.changeSets.start(shop.seller(), Optional.empty(), List.of(inform("{'support':'Two.'}"))));
        assertEquals(2, second.queue().orElseThrow().position());
        assertTrue(second.queue().orElseThrow().expected().isPresent());
        List<ChangeSet> listed = await(world.changeSets.list(
                        world.database.reads(),
                        shop.seller(),
                        new ChangeSets.Filter(
                                Optional.of(shop.product().id()),
                                Optional.of(ChangeSet.Status.PREPARING),
                                Optional.empty(),
                                Optional.of(second.requestedAt()),
                                Optional.empty()),
                        new PageRequest(10, null)))
                .items();
        assertEquals(List.of(second), listed);
        LifecycleWorld.Shop third = world.shop();
        Review review = await(
                world.reviews.request(third.seller(), third.product().id(), Visibility.RESTRICTED, Optional.empty()));
        assertEquals(
                Map.of("position", 1),
                await(world.reviews.withQueue(world.database.reads(), review)).get("queue"));
        await(world.reviews.cancel(third.seller(), review.id()));
        world.work();
    }

    /** What a set was checked against is what its turn finds, and no rise of a price slips in before it (R29). */
    @Test
    @Rule({"R28", "R29"})
    void whatAChangeSetOrAReviewHoldsIsChangedAtOnceByNobodyButAnOperator() {
        String offer = String.valueOf(await(offer(shop.seller())).get("id"));
        String draft = world.draft(shop, "outscale", "8.0").id();
        ChangeSet set = await(
                world.changeSets.start(shop.seller(), Optional.empty(), List.of(inform("{'support':'Write to us.'}"))));
        Future<Review> request =
                world.reviews.request(shop.seller(), shop.product().id(), Visibility.RESTRICTED, Optional.empty());
        assertEquals(set.id(), refused(request).data().get("changeSet"));
        for (Future<?> change : atOnce(offer, draft)) {
            Failure held = refused(change);
            assertEquals(ErrorCode.RESOURCE_IN_USE, held.code(), held.toString());
            assertEquals(set.id(), held.data().get("changeSet"));
        }
        await(offer(LifecycleWorld.OPERATOR));
        await(world.changeSets.cancel(shop.seller(), set.id()));
        Review review = await(
                world.reviews.request(shop.seller(), shop.product().id(), Visibility.RESTRICTED, Optional.empty()));
        for (Future<?> change : atOnce(offer, draft)) {
            assertEquals(review.id(), refused(change).data().get("review"));
        }
        await(world.reviews.cancel(shop.seller(), review.id()));
        await(world.offers.close(shop.seller(), offer, Optional.empty()));
        world.work();
    }

    private List<Future<?>> atOnce(String offer, String draft) {
        Caller seller = shop.seller();
        String product = shop.product().id();
        Fields rate = Fields.of(Map.of());
        Versions.Draft version = new Versions.Draft(
                "9.0",
                "outscale",
                LifecycleWorld.REGION,
                world.outscale.image(
                        LifecycleWorld.REGION,
                        shop.outscaleAccount(),
                        shop.product().code()),
                based("glibc 2.39"));
        return List.of(
                offer(seller),
                world.offers.addRate(seller, offer, Rate.New.read(rate), rate),
                world.offers.close(seller, offer, Optional.empty()),
                world.catalog.addDimension(
                        seller, product, new Dimension.New("requests", "Requests", "Requests", Optional.empty())),
                world.catalog.setAllowList(seller, product, Set.of()),
                world.catalog.setVisibility(seller, product, Visibility.RESTRICTED),
                world.versions.create(seller, product, version),
                world.versions.edit(seller, draft, version, Optional.empty()));
    }

    private Future<Map<String, Object>> offer(Caller caller) {
        Fields in = Fields.of(Map.of("title", "S", "currency", "EUR", "kind", "free"));
        return world.offers.create(caller, shop.product().id(), Offers.NewOffer.read(in), in);
    }

    @Test
    @Rule({"R5", "R28"})
    void whileAReviewWaitsNothingElseIsAskedFor() {
        await(world.accounts.setContacts(
                LifecycleWorld.OPERATOR,
                shop.seller().accountId(),
                List.of(new Contact("seller@example.com", Contact.Language.FR, true))));
        Review review = await(
                world.reviews.request(shop.seller(), shop.product().id(), Visibility.RESTRICTED, Optional.empty()));
        Failure held = refused(inform("{'support':'Write to us.'}"));
        assertEquals(ErrorCode.RESOURCE_IN_USE, held.code());
        assertEquals(review.id(), held.data().get("review"));
        assertEquals(
                ErrorCode.NOT_FOUND,
                refused(world.reviews.cancel(world.shop().seller(), review.id()))
                        .code());

        await(world.reviews.sendBack(LifecycleWorld.OPERATOR, review.id(), "Say how to get help."));
        apply(inform("{'support':'Write to us.'}"));
        Review again = await(
                world.reviews.request(shop.seller(), shop.product().id(), Visibility.RESTRICTED, Optional.of("Done.")));
        assertEquals(review.id(), again.id());
        assertEquals(Review.Status.OPEN, again.status());
        await(world.reviews.cancel(shop.seller(), review.id()));
        assertEquals(
                ErrorCode.CONFLICT,
                refused(world.reviews.approve(LifecycleWorld.OPERATOR, review.id(), Optional.empty()))
                        .code());
        apply(inform("{'support':'Call us.'}"));
        List<String> told =
                world.texts("SELECT subject || ' / ' || body FROM outbox WHERE recipient = 'seller@example.com'");
        assertEquals(1, told.size());
        assertTrue(told.get(0).contains("demande une action") && told.get(0).contains("Say how to get help."));
    }

    @Test
    @Rule("R11")
    void theSellerIsToldOnceWhenTheSupportOfARestrictedVersionHasEnded() {
        await(world.accounts.setContacts(
                LifecycleWorld.OPERATOR,
                shop.seller().accountId(),
                List.of(new Contact("ended@example.com", Contact.Language.EN, true))));
        ProductVersion old = world.published(shop, "aws", "1.0");
        world.published(shop, "aws", "1.1");
        apply(Change.Wanted.ofVersion(Change.Type.RESTRICT_VERSION, old.id(), ChangeDetails.NONE));
        SupportEnds ends = new SupportEnds(
                world.accounts, world.catalog, world.versions, world.outbox, world.database, world.clock);
        world.clock.advance(SupportEnds.SUPPORT.minusHours(1));
        await(ends.tell());
        assertEquals(List.of(), world.mailed("support-ended:" + old.id()));
        world.clock.advance(Duration.ofHours(1));
        await(ends.tell());
        await(ends.tell());
        assertEquals(List.of("ended@example.com"), world.mailed("support-ended:" + old.id()));
    }

    /** More than one transaction takes, as when this begins in a marketplace that has been there for years. */
    @Test
    @Rule("R11")
    void theSellerIsToldOfAllVersionsHoweverManyThereAre() {
        await(world.accounts.setContacts(
                LifecycleWorld.OPERATOR,
                shop.seller().accountId(),
                List.of(
                        new Contact("many@example.com", Contact.Language.EN, true),
                        new Contact("beaucoup@example.com", Contact.Language.FR, false))));
        String at = "timestamptz '2020-01-01T00:00:00Z'";
        DB.execute("INSERT INTO product_version (id, product_id, title, release_notes, cloud, region, source_image_id,"
                + " source_image_name, status, created_at, modified_at, published_at, restricted_at, delivery,"
                + " package_url, package_sha256) SELECT 'ver-many-' || n, '"
                + shop.product().id()
                + "', 'many ' || n, 'n', 'aws', '', '', '', 'restricted', " + at + ", " + at + ", " + at + ", " + at
                + ", 'package', 'https://example.com/p', repeat('0a', 32) FROM generate_series(1, 250) AS n");
        SupportEnds ends = new SupportEnds(
                world.accounts, world.catalog, world.versions, world.outbox, world.database, world.clock);
        await(ends.tell());
        await(ends.tell());
        assertEquals(500, world.count("SELECT count(*) FROM outbox WHERE event LIKE 'support-ended:ver-many-%'"));
    }

    @Test
    void theSoftwareBaseOfAPublishedVersionOnlyGrows() {
        String image = world.aws.image(
                LifecycleWorld.REGION, shop.awsAccount(), shop.product().code());
        ProductVersion draft = await(world.versions.create(
                shop.seller(),
                shop.product().id(),
                new Versions.Draft("1.0", "aws", LifecycleWorld.REGION, image, based("OpenSSL 3\nnginx 1.24"))));
        apply(Change.Wanted.ofVersion(Change.Type.PUBLISH_VERSION, draft.id(), ChangeDetails.NONE));
        assertTrue(refused(world.changeSets.modify(
                        shop.seller(), draft.id(), based("nginx 1.24"), false, Optional.empty()))
                .getMessage()
                .contains("OpenSSL 3"));
        apply(Change.Wanted.ofVersion(
                Change.Type.MODIFY_VERSION,
                draft.id(),
                ChangeDetails.text(based("zlib 1.3\nOpenSSL 3\nnginx 1.24"), false, Optional.empty())));
    }

    private static VersionText based(String base) {
        return new VersionText(Optional.empty(), Optional.empty(), Optional.of(base), "n", Optional.empty());
    }
}
