package io.tallystick.aggregator.lifecycle;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.tallystick.aggregator.account.Account;
import io.tallystick.aggregator.catalog.Catalog;
import io.tallystick.aggregator.catalog.Product;
import io.tallystick.aggregator.catalog.ProductPage;
import io.tallystick.aggregator.catalog.Terms;
import io.tallystick.aggregator.db.DatabaseUrl;
import io.tallystick.aggregator.db.Migrations;
import io.tallystick.aggregator.job.JobRunner;
import io.tallystick.aggregator.web.Caller;
import io.tallystick.aggregator.web.Role;
import io.tallystick.common.error.ErrorCode;
import io.tallystick.common.error.Failure;
import io.tallystick.common.json.Fields;
import io.tallystick.testkit.Rule;
import io.tallystick.testkit.TestDatabase;
import io.vertx.core.Future;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Many change sets at once, worked off by two processes: one after the other for a product, beside each other for many. */
class ManyChangeSetsTest {
    /** The build takes a share; 200 make it a thousand change sets. */
    private static final int PRODUCTS = Integer.getInteger("tallystick.change-sets.products", 60);

    private static final int SETS_EACH = 5;

    @RegisterExtension
    static final TestDatabase DB = TestDatabase.migratedBy(url -> new Migrations(DatabaseUrl.parse(url)).migrate())
            .checkedBy(LifecycleChecks::check);

    private LifecycleWorld one;
    private LifecycleWorld other;

    @BeforeEach
    void open() {
        one = new LifecycleWorld(DB);
        other = new LifecycleWorld(DB, one.clock, List.of(one.aws, one.outscale));
    }

    @AfterEach
    void close() {
        other.close();
        one.close();
    }

    private static void await(Future<?> future) {
        try {
            future.await(2, TimeUnit.MINUTES);
        } catch (TimeoutException e) {
            throw new AssertionError("the replicas are stuck", e);
        }
    }

    /** Counts what a replica does, and how much of it at the same time. */
    private static final class Meter implements ChangeSetWorker.Boundary {
        private final AtomicInteger now = new AtomicInteger();
        private final AtomicInteger most = new AtomicInteger();
        private final AtomicInteger all = new AtomicInteger();

        @Override
        public Future<Void> reached(String name) {
            if (name.endsWith("attempted")) {
                all.incrementAndGet();
                most.accumulateAndGet(now.incrementAndGet(), Math::max);
            } else if (name.endsWith("recorded")) {
                now.decrementAndGet();
            }
            return Future.succeededFuture();
        }
    }

    private static ProductPage saying(int number) {
        return ProductPage.read(Fields.of(Map.of("support", "Number " + number)));
    }

    private static Change.Wanted wanted(Product product, int number) {
        return Change.Wanted.ofProduct(
                Change.Type.UPDATE_INFORMATION,
                product.id(),
                ChangeDetails.page(Optional.empty(), saying(number), Optional.empty()));
    }

    /** Asks for the next change of each product as soon as it is free. */
    private final class Seller {
        private final Caller caller = new Caller(
                "seller", Role.SELLER, one.account(Account.Kind.SELLER).id());
        private final List<Product> products = new ArrayList<>();
        private final List<Integer> asked = new ArrayList<>();
        private int refused;

        Seller() {
            for (int i = 0; i < PRODUCTS; i++) {
                products.add(LifecycleWorld.await(one.catalog.create(
                        caller,
                        new Catalog.NewProduct(
                                Optional.empty(), "Product " + i, Optional.empty(), Terms.DEFAULT, List.of()))));
                asked.add(0);
            }
        }

        boolean isDone() {
            return asked.stream().allMatch(n -> n == SETS_EACH);
        }

        void ask() {
            List<Future<Void>> all = new ArrayList<>();
            for (int i = 0; i < PRODUCTS; i++) {
                if (asked.get(i) < SETS_EACH) {
                    all.add(ask(i));
                }
            }
            await(Future.join(all));
        }

        /** The services of either process. */
        private Future<Void> ask(int i) {
            ChangeSets through = i % 2 == 0 ? one.changeSets : other.changeSets;
            int number = asked.get(i) + 1;
            return through.start(caller, Optional.empty(), List.of(wanted(products.get(i), number)))
                    .<Void>map(set -> {
                        synchronized (this) {
                            asked.set(i, number);
                        }
                        return null;
                    })
                    .recover(e -> {
                        if (e instanceof Failure f && f.code() == ErrorCode.RESOURCE_IN_USE) {
                            synchronized (this) {
                                refused++;
                            }
                            return Future.succeededFuture();
                        }
                        return Future.failedFuture(e);
                    });
        }
    }

    @Test
    @Rule("R28")
    void manyOverManyProductsEndInOrderForEachAndBesideEachOther() {
        Meter first = new Meter();
        Meter second = new Meter();
        JobRunner left = one.process(first);
        JobRunner right = other.process(second);
        Seller seller = new Seller();
        while (!seller.isDone()) {
            // One more than fits, so that what is held is refused.
            seller.ask();
            Future<?> working = Future.join(left.round(), right.round());
            seller.ask();
            await(working);
            await(Future.join(left.drain(), right.drain()));
        }
        await(Future.join(left.drain(), right.drain()));
        assertEquals(PRODUCTS * SETS_EACH, one.count("SELECT count(*) FROM change_set WHERE status = 'SUCCEEDED'"));
        assertTrue(seller.refused > 0, "nothing was ever held");
        assertEquals(
                List.of("Number " + SETS_EACH),
                one.texts("SELECT DISTINCT page_json::json ->> 'support' FROM product"));
        // Each product's changes are in the log in the order in which they were asked for, each on top of the one
        // before.
        assertEquals(
                0,
                one.count("SELECT count(*) FROM (SELECT subject, after_json::json -> 'page' ->> 'support' AS said,"
                        + " 'Number ' || row_number() OVER (PARTITION BY subject ORDER BY seq) AS expected"
                        + " FROM audit_event WHERE action = 'product.inform') AS l WHERE said <> expected"));
        assertEquals(
                PRODUCTS * SETS_EACH, one.count("SELECT count(*) FROM audit_event WHERE action = 'product.inform'"));
        for (Meter meter : List.of(first, second)) {
            assertTrue(meter.all.get() > PRODUCTS, "a replica did " + meter.all.get() + " steps");
            assertTrue(meter.most.get() > 1, "a replica did one step at a time");
        }
        assertEquals(PRODUCTS * SETS_EACH, first.all.get() + second.all.get(), "steps that were attempted");
    }
}
