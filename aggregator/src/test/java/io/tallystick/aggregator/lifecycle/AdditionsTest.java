package io.tallystick.aggregator.lifecycle;

import static io.tallystick.aggregator.lifecycle.LifecycleWorld.await;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.tallystick.aggregator.account.Account;
import io.tallystick.aggregator.catalog.Dimension;
import io.tallystick.aggregator.catalog.Offer;
import io.tallystick.aggregator.catalog.Product;
import io.tallystick.aggregator.catalog.Rate;
import io.tallystick.aggregator.catalog.VersionStatus;
import io.tallystick.aggregator.catalog.Visibility;
import io.tallystick.aggregator.db.DatabaseUrl;
import io.tallystick.aggregator.db.Migrations;
import io.tallystick.aggregator.web.Caller;
import io.tallystick.aggregator.web.Role;
import io.tallystick.common.error.Failure;
import io.tallystick.common.json.Fields;
import io.tallystick.common.json.Json;
import io.tallystick.testkit.Rule;
import io.tallystick.testkit.TestDatabase;
import io.vertx.core.Future;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Change sets that add things, and whose later changes refer to what earlier ones make. */
class AdditionsTest {
    @RegisterExtension
    static final TestDatabase DB = TestDatabase.migratedBy(url -> new Migrations(DatabaseUrl.parse(url)).migrate())
            .checkedBy(LifecycleChecks::check);

    private static final String CODE = "code-of-the-gateway";

    private LifecycleWorld world;
    private Caller seller;
    private String owner = "";

    @BeforeEach
    void open() {
        world = new LifecycleWorld(DB);
        Account account = world.account(Account.Kind.SELLER);
        seller = new Caller("seller", Role.SELLER, account.id());
        owner = world.cloudAccount(account.id(), "outscale");
    }

    @AfterEach
    void close() {
        world.close();
    }

    private static List<Change.Wanted> wanted(String json) {
        Fields in = Fields.of(Json.parseObject(json.replace('\'', '"')));
        List<Change.Wanted> wanted = in.objects("changes", ChangeSet.CHANGES_MAX).stream()
                .map(Change.Wanted::read)
                .toList();
        in.done();
        return wanted;
    }

    private ChangeSet start(String changes) {
        return await(world.changeSets.start(seller, Optional.empty(), wanted("{'changes':[" + changes + "]}")));
    }

    private ChangeSet apply(String changes) {
        ChangeSet set = start(changes);
        world.work();
        return world.changeSet(set.id());
    }

    private List<String> refused(String changes) {
        return assertThrows(Failure.class, () -> start(changes)).problems().stream()
                .map(Failure.Problem::toString)
                .toList();
    }

    private Product product(String id) {
        return await(world.catalog.managed(world.database.reads(), seller, id));
    }

    private String whole(String code, String image) {
        return "{'name':'A','type':'CreateProduct','details':{'title':'Gateway','productCode':'" + code + "'}},"
                + "{'type':'AddDimensions','product':'$A.Entity.Identifier','details':{'dimensions':["
                + "{'key':'requests','unit':'Requests'},{'key':'bytes','unit':'Bytes'}]}},"
                + "{'name':'V','type':'AddVersion','product':'$A.Entity.Identifier','details':{'title':'1.0',"
                + "'cloud':'outscale','region':'eu-west-2','imageId':'" + image + "','releaseNotes':'First.'}},"
                + "{'type':'PublishVersion','version':'$V.Entity.Identifier'},"
                + "{'name':'O','type':'CreateOffer','product':'$A.Entity.Identifier','details':{'title':'Standard',"
                + "'currency':'EUR','prices':[{'dimension':'requests','unitPrice':'0.10'}]}},"
                + "{'type':'UpdatePricingTerms','offer':'$O.Entity.Identifier','details':{"
                + "'prices':[{'dimension':'requests','unitPrice':'0.08'},{'dimension':'bytes','unitPrice':'0.01'}]}}";
    }

    @Test
    @Rule("R23")
    void aProductComesToBeInOneSetWhoseChangesNameEachOther() {
        String image = world.outscale.image(LifecycleWorld.REGION, owner, CODE);
        ChangeSet set = apply(whole(CODE, image));
        assertEquals(ChangeSet.Status.SUCCEEDED, set.status(), set.json().toString());
        Product product = product(set.changes().get(0).productId());
        assertEquals(CODE, product.code());
        assertEquals(Visibility.STAGING, product.visibility());
        assertEquals(
                List.of("requests", "bytes"),
                product.dimensions().stream().map(Dimension::key).toList());
        String version = set.changes().get(3).versionId().orElseThrow();
        assertEquals(set.changes().get(2).versionId(), Optional.of(version));
        assertEquals(VersionStatus.PUBLISHED, world.version(version).status());
        assertEquals(
                1,
                world.outscale.ownImages().stream()
                        .filter(i -> world.version(version).isCopy(i.id()))
                        .count());
        Offer offer = await(world.offers.managed(
                world.database.reads(),
                seller,
                set.changes().get(5).addition().offer().orElseThrow()));
        assertEquals(2, offer.rate().number());
        assertEquals(product.id(), offer.productId());
        assertEquals(
                List.of(
                        "offer.create",
                        "offer.rate",
                        "product.create",
                        "product.dimension.add",
                        "version.create",
                        "version.publish"),
                world.texts("SELECT action FROM audit_event WHERE actor = 'change-set:" + set.id()
                        + "' AND action <> 'change-set.end' ORDER BY action"));
    }

    /** A product with dimensions and an offer that prices one of them; answers their ids. */
    private List<String> priced() {
        LifecycleWorld.Shop shop = world.shop();
        seller = shop.seller();
        String product = shop.product().id();
        ChangeSet set = apply("{'type':'AddDimensions','product':'" + product + "','details':{'dimensions':["
                + "{'key':'requests','unit':'Requests'},{'key':'bytes','unit':'GB','quantityMax':'9'}]}},"
                + "{'type':'CreateOffer','product':'" + product + "','details':{'title':'S','currency':'EUR',"
                + "'prices':[{'dimension':'requests','unitPrice':'1'},{'dimension':'bytes','unitPrice':'1'}]}}");
        return List.of(product, set.changes().get(1).addition().offer().orElseThrow());
    }

    private Dimension dimension(String product, String key) {
        return product(product).dimension(key).orElseThrow();
    }

    @Test
    @Rule({"R23", "R25", "R26"})
    void aDimensionIsRestrictedAndAddedAgainAndNeverGoesAwayOrCountsSomethingElse() {
        List<String> ids = priced();
        String dimensions = "'product':'" + ids.get(0) + "','details':{'dimensions':";
        Instant looked = product(ids.get(0)).modifiedAt();
        world.clock.advance(Duration.ofSeconds(1));
        ChangeSet set = apply("{'type':'RestrictDimensions'," + dimensions + "['bytes']}},"
                + "{'type':'UpdateDimensions'," + dimensions + "[{'key':'bytes','title':'Gigabytes'}]}}");
        assertEquals(ChangeSet.Status.SUCCEEDED, set.status(), set.json().toString());
        Dimension bytes = dimension(ids.get(0), "bytes");
        assertFalse(bytes.isOpen());
        assertEquals("Gigabytes", bytes.title());
        assertTrue(dimension(ids.get(0), "requests").isOpen());
        assertTrue(product(ids.get(0)).modifiedAt().isAfter(looked), "a form filled in before says nothing any more");
        // The offer that there is goes on at its rate; nothing new prices it, whether by a change set or at once.
        String prices = "'prices':[{'dimension':'bytes','unitPrice':'1'}]}}";
        String why = "the dimension bytes is restricted: no new offer or rate prices it";
        assertEquals(
                List.of(
                        "changes[0].details.prices[0].dimension: " + why,
                        "changes[1].details.prices[0].dimension: " + why,
                        "changes[2].details.dimensions[0]: is restricted already",
                        "changes[2].details.dimensions[1]: the product has no dimension files",
                        "changes[3].details.dimensions[0].key: was there before, with another unit or quantityMax;"
                                + " these stay, as bills name what they count",
                        "changes[4].details.dimensions[0].key: the product has no dimension files"),
                refused("{'type':'UpdatePricingTerms','offer':'" + ids.get(1) + "','details':{" + prices
                        + ",{'type':'CreateOffer','product':'" + ids.get(0)
                        + "','details':{'title':'T','currency':'EUR'," + prices
                        + ",{'type':'RestrictDimensions'," + dimensions + "['bytes','files']}},"
                        + "{'type':'AddDimensions'," + dimensions + "[{'key':'bytes','unit':'MB','quantityMax':'9'}]}},"
                        + "{'type':'UpdateDimensions'," + dimensions + "[{'key':'files','title':'Files'}]}}"));
        Fields rate = Fields.of(Json.parseObject("{" + prices.replace('\'', '"').replace("}}", "}")));
        assertEquals(
                List.of("prices[0].dimension: " + why),
                assertThrows(
                                Failure.class,
                                () -> await(world.offers.addRate(seller, ids.get(1), Rate.New.read(rate), rate)))
                        .problems()
                        .stream()
                        .map(Failure.Problem::toString)
                        .toList());
        // Who restricts it in a set cannot price it in the next change, and who adds it again can.
        assertEquals(
                List.of("changes[1].details.prices[0].dimension: " + why.replace("bytes", "requests")),
                refused("{'type':'RestrictDimensions'," + dimensions + "['requests']}},"
                        + "{'type':'UpdatePricingTerms','offer':'" + ids.get(1) + "','details':{"
                        + prices.replace("bytes", "requests")));
        set = apply("{'type':'AddDimensions'," + dimensions + "[{'key':'bytes','unit':'GB','quantityMax':'9'}]}},"
                + "{'type':'UpdatePricingTerms','offer':'" + ids.get(1) + "','details':{" + prices);
        assertEquals(ChangeSet.Status.SUCCEEDED, set.status(), set.json().toString());
        assertEquals(bytes.id(), dimension(ids.get(0), "bytes").id(), "the ledger's number stays");
        assertTrue(dimension(ids.get(0), "bytes").isOpen());
        assertEquals(2, product(ids.get(0)).dimensions().size());
    }

    @Test
    @Rule({"R23", "N5"})
    void anOfferIsClosedByAChangeSetAndAgreementsGoOn() {
        List<String> ids = priced();
        String end = "{'type':'UpdateAvailability','offer':'" + ids.get(1) + "','details':{";
        Instant later = Instant.parse("2027-01-01T00:00:00Z");
        assertEquals(
                ChangeSet.Status.SUCCEEDED,
                apply(end + "'closesAt':'" + later + "'}}").status());
        Offer offer = await(world.offers.managed(world.database.reads(), seller, ids.get(1)));
        assertEquals(Optional.of(later), offer.closesAt());
        assertEquals(
                List.of("changes[1].details: changes[0] moves the end of this offer already"),
                refused(end + "}}," + end + "}}"));
        assertTrue(refused(end + "'closesAt':'2020-01-01T00:00:00Z'}}")
                .get(0)
                .startsWith("changes[0].details.closesAt: must not be before now"));
        // Asked for in time, and late when its turn comes: then it ends there.
        Instant soon = world.clock.instant().plusSeconds(1);
        ChangeSet set = start(end + "'closesAt':'" + soon + "'}}");
        world.clock.advance(Duration.ofHours(1));
        world.work();
        assertEquals(ChangeSet.Status.SUCCEEDED, world.changeSet(set.id()).status());
        offer = await(world.offers.managed(world.database.reads(), seller, ids.get(1)));
        assertFalse(offer.isOpen(world.clock.instant()));
        assertTrue(offer.closesAt().orElseThrow().isAfter(soon), "nobody loses an hour that was sold");
        assertTrue(refused(end + "}}").get(0).contains("the offer has closed at"));
        // One that the set makes itself may be made to end.
        set = apply("{'name':'O','type':'CreateOffer','product':'" + ids.get(0) + "','details':{'title':'T',"
                + "'currency':'EUR','prices':[{'dimension':'bytes','unitPrice':'1'}]}},"
                + "{'type':'UpdateAvailability','offer':'$O.Entity.Identifier','details':{'closesAt':'" + later
                + "'}}");
        assertEquals(ChangeSet.Status.SUCCEEDED, set.status(), set.json().toString());
    }

    @Test
    void whatIsWrongIsToldWithItsPathBeforeAnythingIsDone() {
        int products = world.count("SELECT count(*) FROM product");
        int sets = world.count("SELECT count(*) FROM change_set");
        assertEquals(
                List.of(
                        "changes[1].name: is the name of changes[0] already",
                        "changes[2].product: refers to B, and no earlier change has that name",
                        "changes[3].version: refers to changes[0], which has no version but is about a product",
                        "changes[4].product: must be an id, or $Name.Entity.Identifier with the name of an earlier"
                                + " change",
                        "changes[5].product: there is no such product"),
                refused("{'name':'A','type':'CreateProduct','details':{'title':'G'}},"
                        + "{'name':'A','type':'CreateProduct','details':{'title':'H'}},"
                        + "{'type':'UpdateTargeting','product':'$B.Entity.Identifier','details':{'accounts':[]}},"
                        + "{'type':'PublishVersion','version':'$A.Entity.Identifier'},"
                        + "{'type':'UpdateTargeting','product':'$A','details':{'accounts':[]}},"
                        + "{'name':'B','type':'UpdateTargeting','product':'prod-none','details':{'accounts':[]}}"));
        String other = world.outscale.image(LifecycleWorld.REGION, owner, "another-code");
        assertEquals(
                List.of("changes[2].details.imageId: must carry the product's code, a-code-of-its-own"),
                refused(whole("a-code-of-its-own", other)));
        assertEquals(
                List.of(
                        "changes[1].details.dimensions[0].key: the product already has a dimension with this key",
                        "changes[2].details.prices[0].dimension: the product has no dimension bytes"),
                refused("{'name':'A','type':'CreateProduct','details':{'title':'G','dimensions':["
                        + "{'key':'requests','unit':'Requests'}]}},"
                        + "{'type':'AddDimensions','product':'$A.Entity.Identifier','details':{'dimensions':["
                        + "{'key':'requests','unit':'Requests'}]}},"
                        + "{'type':'CreateOffer','product':'$A.Entity.Identifier','details':{'title':'S',"
                        + "'currency':'EUR','prices':[{'dimension':'bytes','unitPrice':'1'}]}}"));
        assertEquals(
                List.of("changes[2].details.productCode: changes[0] has this code"),
                refused("{'type':'CreateProduct','details':{'title':'G','productCode':'one-code-for-two'}},"
                        + "{'type':'CreateProduct','details':{'title':'H'}},"
                        + "{'type':'CreateProduct','details':{'title':'I','productCode':'one-code-for-two'}}"));
        assertEquals(
                List.of(
                        "changes[1].details.accounts: names acc-neither, which is no account",
                        "changes[1].details.accounts: names acc-none, which is no account"),
                refused("{'name':'A','type':'CreateProduct','details':{'title':'G'}},"
                        + "{'type':'UpdateTargeting','product':'$A.Entity.Identifier','details':{"
                        + "'accounts':['acc-none','" + seller.accountId() + "','acc-neither']}}"));
        assertEquals(products, world.count("SELECT count(*) FROM product"));
        assertEquals(sets, world.count("SELECT count(*) FROM change_set"));
    }

    @Test
    @Rule({"R23", "R29"})
    void whatIsThereIsAddedToAndItsPricesStayForNinetyDaysAfterARise() {
        LifecycleWorld.Shop shop = world.shop();
        seller = shop.seller();
        String product = shop.product().id();
        String invited = world.account(Account.Kind.BUYER).id();
        ChangeSet set = apply("{'type':'AddDimensions','product':'" + product
                + "','details':{'dimensions':[{'key':'requests','unit':'Requests'}]}},"
                + "{'type':'UpdateTargeting','product':'" + product + "','details':{'accounts':['" + invited + "']}},"
                + "{'type':'CreateOffer','product':'" + product + "','details':{'title':'S','currency':'EUR',"
                + "'prices':[{'dimension':'requests','unitPrice':'1'}]}}");
        assertEquals(ChangeSet.Status.SUCCEEDED, set.status(), set.json().toString());
        assertTrue(await(world.catalog.isAllowListed(world.database.reads(), product, invited)));
        String offer = set.changes().get(2).addition().offer().orElseThrow();
        String dearer = "{'type':'UpdatePricingTerms','offer':'" + offer
                + "','details':{'prices':[{'dimension':'requests','unitPrice':'2'}]}}";
        assertEquals(ChangeSet.Status.SUCCEEDED, apply(dearer).status());
        assertTrue(refused(dearer).toString().contains("the last rate raised prices"));
        world.clock.advance(Duration.ofDays(91));
        assertEquals(
                List.of("changes[1].details: changes[0] gives this offer new prices already"),
                refused(dearer + "," + dearer.replace("'2'", "'3'")));
        assertEquals(ChangeSet.Status.SUCCEEDED, apply(dearer).status());
    }

    @Test
    void anOfferThatCannotOpenAnyMoreIsTheRequestsFault() {
        LifecycleWorld.Shop shop = world.shop();
        seller = shop.seller();
        String offer = "{'type':'CreateOffer','product':'" + shop.product().id()
                + "','details':{'title':'S','currency':'EUR','kind':'free','closesAt':'";
        Instant now = world.clock.instant();
        assertEquals(
                List.of("changes[0].details.closesAt: must be after the opening, " + now),
                refused(offer + now.minus(Duration.ofDays(1)) + "'}}"));
        assertEquals(
                List.of("changes[0].details.closesAt: must be after the opening, " + now.plusSeconds(60)),
                refused(offer + now.plusSeconds(60) + "','opensAt':'" + now.plusSeconds(60) + "'}}"));
        // It was right when it was asked for, and its turn comes too late.
        ChangeSet set = start(offer + now.plusSeconds(60) + "'}}");
        world.clock.advance(Duration.ofHours(1));
        world.work();
        ChangeSet ended = world.changeSet(set.id());
        assertEquals(
                Optional.of(ChangeSet.FailureCode.CLIENT_ERROR),
                ended.failureCode(),
                ended.json().toString());
        assertEquals(
                0,
                world.count("SELECT count(*) FROM offer WHERE product_id = '"
                        + shop.product().id() + "'"));
    }

    /** What another did meanwhile: a title is taken when its turn comes. */
    @Test
    void whatIsTakenWhenItsTurnComesFailsTheSetAsTheRequests() {
        LifecycleWorld.Shop shop = world.shop();
        seller = shop.seller();
        String image = world.outscale.image(
                LifecycleWorld.REGION, shop.outscaleAccount(), shop.product().code());
        ChangeSet set = start(
                "{'name':'V','type':'AddVersion','product':'" + shop.product().id()
                        + "','details':{'title':'1.0','cloud':'outscale','region':'eu-west-2','imageId':'" + image
                        + "','releaseNotes':'First.'}},{'type':'PublishVersion','version':'$V.Entity.Identifier'}");
        // Operators may, while the set holds the product.
        LifecycleWorld.Shop operated = new LifecycleWorld.Shop(
                LifecycleWorld.OPERATOR, shop.product(), shop.awsAccount(), shop.outscaleAccount());
        world.draft(operated, "outscale", "1.0", image);
        int copies = world.outscale.copiesMade();
        world.work();
        ChangeSet ended = world.changeSet(set.id());
        assertEquals(ChangeSet.Status.FAILED, ended.status());
        assertEquals(Optional.of(ChangeSet.FailureCode.CLIENT_ERROR), ended.failureCode());
        assertEquals(copies, world.outscale.copiesMade());
    }

    /** Who accepts an offer holds the product meanwhile, so that it finds all of what a change set adds, or nothing. */
    @ParameterizedTest
    @ValueSource(strings = {"UpdateTargeting", "CreateOffer", "UpdatePricingTerms", "AddVersion"})
    void nothingIsAddedToAProductThatSomebodyHolds(String type) throws SQLException {
        LifecycleWorld.Shop shop = world.shop();
        seller = shop.seller();
        String product = shop.product().id();
        String offer = apply("{'type':'CreateOffer','product':'" + product
                        + "','details':{'title':'S','currency':'EUR','kind':'free'}}")
                .changes()
                .get(0)
                .addition()
                .offer()
                .orElseThrow();
        String image = world.outscale.image(
                LifecycleWorld.REGION, shop.outscaleAccount(), shop.product().code());
        ChangeSet set = start("{'type':'" + type + "',"
                + switch (type) {
                    case "UpdateTargeting" -> "'product':'" + product + "','details':{'accounts':[]}}";
                    case "CreateOffer" ->
                        "'product':'" + product + "','details':{'title':'T','currency':'EUR','kind':'free'}}";
                    case "UpdatePricingTerms" -> "'offer':'" + offer + "','details':{}}";
                    default ->
                        "'product':'" + product + "','details':{'title':'1.0','cloud':'outscale','region':'eu-west-2',"
                                + "'imageId':'" + image + "','releaseNotes':'First.'}}";
                });
        try (Connection accepting = DB.connect()) {
            accepting.setAutoCommit(false);
            accepting.createStatement().execute("SELECT id FROM product WHERE id = '" + product + "' FOR SHARE");
            Future<?> work = world.process(ChangeSetWorker.Boundary.NONE).drain();
            // It comes to wait for this transaction, or it is through without that.
            while (!work.isComplete() && waiting() == 0) {
                Thread.onSpinWait();
            }
            assertEquals(ChangeSet.Status.APPLYING, world.changeSet(set.id()).status());
            accepting.rollback();
            await(work);
        }
        assertEquals(ChangeSet.Status.SUCCEEDED, world.changeSet(set.id()).status());
    }

    /** Transactions that wait for another. */
    private int waiting() {
        return world.count("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
                + " AND cardinality(pg_blocking_pids(pid)) > 0");
    }

    private Future<ChangeSet> started(String token, String changes) {
        return world.changeSets.start(
                seller,
                new ChangeSets.Request(
                        Optional.empty(),
                        Optional.of(token),
                        ChangeSet.Intent.APPLY,
                        wanted("{'changes':[" + changes + "]}")));
    }

    /** There is no product yet that would hold the two apart. */
    @Test
    void theSameRequestTwiceAtATimeMakesOneProduct() throws SQLException {
        String change = "{'type':'CreateProduct','details':{'title':'Asked for twice'}}";
        Future<ChangeSet> one;
        Future<ChangeSet> two;
        try (Connection before = DB.connect()) {
            before.setAutoCommit(false);
            before.createStatement().execute("LOCK TABLE change_set IN SHARE ROW EXCLUSIVE MODE");
            one = started("at-once", change);
            two = started("at-once", change);
            while (waiting() < 2) {
                Thread.onSpinWait();
            }
            before.rollback();
        }
        assertEquals(await(one).id(), await(two).id());
        world.work();
        assertEquals(1, world.count("SELECT count(*) FROM product WHERE title = 'Asked for twice'"));
    }

    @Test
    void aRequestThatIsKnownNeedsNoCloud() {
        LifecycleWorld.Shop shop = world.shop();
        seller = shop.seller();
        String image = world.outscale.image(
                LifecycleWorld.REGION, shop.outscaleAccount(), shop.product().code());
        String change = "{'type':'AddVersion','product':'" + shop.product().id()
                + "','details':{'title':'1.0','cloud':'outscale','region':'eu-west-2','imageId':'" + image
                + "','releaseNotes':'First.'}}";
        ChangeSet first = await(started("known", change));
        int finds = world.outscale.finds();
        assertEquals(first.id(), await(started("known", change)).id());
        assertEquals(finds, world.outscale.finds());
        world.work();
    }

    @Test
    void othersProductsAndOffersAreNotThere() {
        LifecycleWorld.Shop shop = world.shop();
        assertEquals(
                List.of("changes[0].product: there is no such product", "changes[1].offer: there is no such offer"),
                refused("{'type':'AddDimensions','product':'" + shop.product().id()
                        + "','details':{'dimensions':[{'key':'requests','unit':'Requests'}]}},"
                        + "{'type':'UpdatePricingTerms','offer':'offer-none','details':{}}"));
    }
}
