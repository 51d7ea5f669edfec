package io.tallystick.aggregator.lifecycle;

import io.tallystick.aggregator.account.Account;
import io.tallystick.aggregator.account.Accounts;
import io.tallystick.aggregator.account.CloudAccount;
import io.tallystick.aggregator.account.Contact;
import io.tallystick.aggregator.agreement.Agreement;
import io.tallystick.aggregator.agreement.Agreements;
import io.tallystick.aggregator.app.ManualClock;
import io.tallystick.aggregator.audit.Audit;
import io.tallystick.aggregator.catalog.Catalog;
import io.tallystick.aggregator.catalog.Delivery;
import io.tallystick.aggregator.catalog.Offers;
import io.tallystick.aggregator.catalog.Product;
import io.tallystick.aggregator.catalog.ProductPage;
import io.tallystick.aggregator.catalog.ProductVersion;
import io.tallystick.aggregator.catalog.Reviews;
import io.tallystick.aggregator.catalog.Terms;
import io.tallystick.aggregator.catalog.VersionText;
import io.tallystick.aggregator.catalog.Versions;
import io.tallystick.aggregator.catalog.Visibility;
import io.tallystick.aggregator.db.Database;
import io.tallystick.aggregator.db.DatabaseUrl;
import io.tallystick.aggregator.db.Ids;
import io.tallystick.aggregator.image.ImageCloud;
import io.tallystick.aggregator.image.ImageClouds;
import io.tallystick.aggregator.image.MemoryCloud;
import io.tallystick.aggregator.job.JobRunner;
import io.tallystick.aggregator.job.Jobs;
import io.tallystick.aggregator.notice.Outbox;
import io.tallystick.aggregator.web.Caller;
import io.tallystick.aggregator.web.Role;
import io.tallystick.testkit.TestDatabase;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import java.security.SecureRandom;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/** The services around the lifecycle on a real database, two clouds in memory, and worker processes to start and kill. */
final class LifecycleWorld implements AutoCloseable {
    static final String REGION = "eu-west-2";
    static final Caller OPERATOR = new Caller("test", Role.OPERATOR, null);
    private static final Duration WAIT = Duration.ofMinutes(1);
    private static final int ROUNDS_MAX = 200;
    private static long accountNumber = 100_000_000_000L;

    final ManualClock clock;
    final MemoryCloud aws = new MemoryCloud("aws", "999999999999");
    final MemoryCloud outscale = new MemoryCloud("outscale", "888888888888");
    final Database database;
    final Jobs jobs;
    final Accounts accounts;
    final Catalog catalog;
    final Versions versions;
    final Reviews reviews;
    final Offers offers;
    final Agreements agreements;
    final Outbox outbox;
    final ChangeSets changeSets;
    private final Vertx vertx = Vertx.vertx();
    private final TestDatabase db;
    private final SecureRandom random = new SecureRandom();
    private final Ids ids;
    private final Audit audit;
    private final ImageClouds clouds;

    /** With {@link #aws} and {@link #outscale}. */
    LifecycleWorld(TestDatabase db) {
        this(db, new ManualClock(Instant.parse("2026-03-10T09:30:00Z")), List.of());
    }

    /** With clouds of the test's own, or the two in memory where it has none. */
    LifecycleWorld(TestDatabase db, ManualClock clock, List<ImageCloud> own) {
        this.db = db;
        this.clock = clock;
        jobs = new Jobs(clock);
        ids = new Ids(clock, random);
        audit = new Audit(clock);
        clouds = new ImageClouds(own.isEmpty() ? List.of(aws, outscale) : own);
        database = Database.open(vertx, DatabaseUrl.parse(db.url()), TestDatabase.POOL_SIZE);
        accounts = new Accounts(database.transactor(), audit, jobs, ids, clock);
        catalog = new Catalog(accounts, database.transactor(), audit, jobs, ids, clock);
        versions = new Versions(catalog, accounts, clouds, database, audit, ids, clock);
        offers = new Offers(catalog, database.transactor(), audit, ids, clock);
        agreements = new Agreements(catalog, offers, accounts, database.transactor(), audit, jobs, ids, clock);
        outbox = new Outbox(ids, "example.com", clock);
        reviews = new Reviews(catalog, accounts, outbox, database.transactor(), audit, ids, clock);
        changeSets = lifecycle(ChangeSetWorker.Boundary.NONE).changeSets();
    }

    private Lifecycle lifecycle(ChangeSetWorker.Boundary boundary) {
        return Lifecycle.of(
                accounts, catalog, versions, offers, clouds, outbox, jobs, database, audit, ids, clock, boundary);
    }

    /** A worker process of its own. */
    JobRunner process(ChangeSetWorker.Boundary boundary) {
        return new JobRunner(jobs, lifecycle(boundary).handlers(), database, random, clock);
    }

    /** Has a healthy worker do everything that is or becomes due within an hour or so. */
    void work() {
        JobRunner worker = process(ChangeSetWorker.Boundary.NONE);
        for (int i = 0;
                i < ROUNDS_MAX && count("SELECT count(*) FROM job WHERE done_at IS NULL AND poisoned_at IS NULL") > 0;
                i++) {
            if (await(worker.round()) == 0) {
                clock.advance(Duration.ofSeconds(30));
            }
        }
    }

    /** One seller with a PUBLIC product, and cloud accounts of its own at both clouds. */
    record Shop(Caller seller, Product product, String awsAccount, String outscaleAccount) {}

    Shop shop() {
        return shop(Delivery.Kind.IMAGE);
    }

    /** Whose product has versions of this kind. */
    Shop shop(Delivery.Kind type) {
        Account seller = account(Account.Kind.SELLER);
        String aws = cloudAccount(seller.id(), "aws");
        String outscale = cloudAccount(seller.id(), "outscale");
        Caller caller = new Caller("seller", Role.SELLER, seller.id());
        Product product = await(catalog.create(
                caller,
                new Catalog.NewProduct(
                        Optional.empty(),
                        type,
                        "Gateway",
                        Optional.empty(),
                        Terms.DEFAULT,
                        List.of(),
                        ProductPage.EMPTY)));
        await(catalog.setVisibility(OPERATOR, product.id(), Visibility.LIMITED));
        product = await(catalog.setVisibility(OPERATOR, product.id(), Visibility.PUBLIC));
        return new Shop(caller, product, aws, outscale);
    }

    Account account(Account.Kind kind) {
        return await(accounts.create("test", new Accounts.NewAccount(kind, "An account", List.of())));
    }

    String cloudAccount(String account, String cloud) {
        String number = String.valueOf(++accountNumber);
        await(accounts.addCloudAccount("test", account, new CloudAccount(cloud, number)));
        return number;
    }

    /** A buyer with an open agreement, two contacts, and an account at each cloud. */
    record Buyer(String account, String aws, String outscale, Agreement agreement) {}

    Buyer buyer(Shop shop) {
        String id = account(Account.Kind.BUYER).id();
        String aws = cloudAccount(id, "aws");
        String outscale = cloudAccount(id, "outscale");
        await(accounts.setContacts(
                OPERATOR,
                id,
                List.of(
                        new Contact(id + "@example.com", Contact.Language.EN, false),
                        new Contact("admin-" + id + "@example.com", Contact.Language.FR, true))));
        return new Buyer(id, aws, outscale, accept(shop, id));
    }

    Agreement accept(Shop shop, String account) {
        return await(agreements.accept(OPERATOR, shop.product().id(), Optional.of(account), Optional.empty()));
    }

    /** A draft of a new image of the seller's. */
    ProductVersion draft(Shop shop, String cloud, String title) {
        MemoryCloud at = cloud.equals("aws") ? aws : outscale;
        String owner = cloud.equals("aws") ? shop.awsAccount() : shop.outscaleAccount();
        return draft(shop, cloud, title, at.image(REGION, owner, shop.product().code()));
    }

    /** A draft of this image. */
    ProductVersion draft(Shop shop, String cloud, String title, String image) {
        clock.advance(Duration.ofSeconds(1));
        return await(versions.create(
                shop.seller(),
                shop.product().id(),
                new Versions.Draft(
                        title,
                        cloud,
                        REGION,
                        image,
                        new VersionText(
                                Optional.empty(), Optional.empty(), Optional.empty(), "Faster.", Optional.empty()))));
    }

    /** A version that is published, its mails written and its shares settled. */
    ProductVersion published(Shop shop, String cloud, String title) {
        ProductVersion draft = draft(shop, cloud, title);
        await(changeSets.publish(shop.seller(), draft.id()));
        work();
        return version(draft.id());
    }

    ProductVersion version(String id) {
        return await(versions.require(database.reads(), id));
    }

    ChangeSet changeSet(String id) {
        return await(changeSets.get(database.reads(), OPERATOR, id));
    }

    /** Recipients of mails about an event, sorted. */
    List<String> mailed(String event) {
        return texts("SELECT recipient FROM outbox WHERE event = '" + event + "' ORDER BY recipient");
    }

    List<String> texts(String sql) {
        try (Connection connection = db.connect();
                ResultSet rows = connection.createStatement().executeQuery(sql)) {
            List<String> texts = new ArrayList<>();
            while (rows.next()) {
                texts.add(rows.getString(1));
            }
            return texts;
        } catch (SQLException e) {
            throw new AssertionError(e);
        }
    }

    int count(String sql) {
        return Integer.parseInt(texts(sql).get(0));
    }

    static <T> T await(Future<T> future) {
        try {
            return future.await(WAIT.toMillis(), TimeUnit.MILLISECONDS);
        } catch (TimeoutException e) {
            throw new AssertionError("took longer than " + WAIT, e);
        }
    }

    @Override
    public void close() {
        await(database.close());
        await(vertx.close());
    }
}
