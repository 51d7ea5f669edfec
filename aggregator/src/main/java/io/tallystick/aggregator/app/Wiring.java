package io.tallystick.aggregator.app;

import io.micrometer.core.instrument.binder.jvm.JvmGcMetrics;
import io.micrometer.core.instrument.binder.jvm.JvmMemoryMetrics;
import io.micrometer.core.instrument.binder.jvm.JvmThreadMetrics;
import io.micrometer.core.instrument.binder.system.ProcessorMetrics;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import io.tallystick.aggregator.account.Accounts;
import io.tallystick.aggregator.account.Tokens;
import io.tallystick.aggregator.account.http.AccountRoutes;
import io.tallystick.aggregator.account.http.TokenRoutes;
import io.tallystick.aggregator.agreement.Agreements;
import io.tallystick.aggregator.agreement.http.AgreementRoutes;
import io.tallystick.aggregator.audit.Audit;
import io.tallystick.aggregator.catalog.Catalog;
import io.tallystick.aggregator.catalog.http.ProductRoutes;
import io.tallystick.aggregator.db.Database;
import io.tallystick.aggregator.db.Ids;
import io.tallystick.aggregator.db.PgErrors;
import io.tallystick.aggregator.db.SchemaCheck;
import io.tallystick.aggregator.web.ApiRouter;
import io.tallystick.aggregator.web.OperationsRoutes;
import io.tallystick.aggregator.web.Problems;
import io.tallystick.aggregator.web.RequestMetrics;
import io.tallystick.aggregator.web.Route;
import io.tallystick.common.time.SandboxClock;
import io.vertx.core.Vertx;
import io.vertx.core.VertxOptions;
import io.vertx.micrometer.MetricsDomain;
import io.vertx.micrometer.MicrometerMetricsFactory;
import io.vertx.micrometer.MicrometerMetricsOptions;
import java.security.SecureRandom;
import java.time.Clock;
import java.util.ArrayList;
import java.util.List;

/** The composition root: every object of the process, made once, in the order of the tiers. */
public final class Wiring {
    final PrometheusMeterRegistry registry = new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
    final Clock clock;
    final Ids ids;
    final Vertx vertx;
    final Database database;
    final Audit audit;
    final Accounts accounts;
    final Tokens tokens;
    final Catalog catalog;
    final Agreements agreements;
    final Problems problems = new Problems(PgErrors::translate, PgErrors::code);
    final ApiRouter router;

    /** Makes everything and starts nothing: no connection, no timer, no thread but Vert.x's own. */
    public Wiring(Config config, SchemaCheck schema) {
        clock = config.sandboxClockFile()
                .<Clock>map(file -> new SandboxClock(file, Clock.systemUTC()))
                .orElseGet(Clock::systemUTC);
        ids = new Ids(clock, new SecureRandom());
        vertx = vertx();
        database =
                Database.open(vertx, config.database().url(), config.database().poolSize());

        audit = new Audit(clock);
        accounts = new Accounts(database.transactor(), audit, ids, clock);
        tokens = new Tokens(accounts, database.reads(), database.transactor(), audit, ids, clock);
        catalog = new Catalog(accounts, database.transactor(), audit, ids, clock);
        agreements = new Agreements(catalog, accounts, database.transactor(), audit, ids, clock);

        List<Route> routes = new ArrayList<>();
        routes.addAll(OperationsRoutes.routes(registry, () -> schema.isCurrent(database.reads())));
        routes.addAll(new AccountRoutes(accounts, database.reads()).routes());
        routes.addAll(new TokenRoutes(tokens, database.reads()).routes());
        routes.addAll(new ProductRoutes(catalog, database.reads()).routes());
        routes.addAll(new AgreementRoutes(agreements, database.reads()).routes());
        router = new ApiRouter(routes, tokens, problems, new RequestMetrics(registry), () -> ids.next("req"));
    }

    /** Every declared route, for the tests that enumerate them. */
    public List<Route> routes() {
        return router.routes();
    }

    private Vertx vertx() {
        new JvmMemoryMetrics().bindTo(registry);
        new JvmThreadMetrics().bindTo(registry);
        new ProcessorMetrics().bindTo(registry);
        JvmGcMetrics gc = new JvmGcMetrics();
        gc.bindTo(registry);
        MicrometerMetricsOptions metrics = new MicrometerMetricsOptions().setEnabled(true);
        // Requests are timed by operation in RequestMetrics; of Vert.x's own figures only the pools are wanted.
        for (MetricsDomain domain : MetricsDomain.values()) {
            if (domain != MetricsDomain.NAMED_POOLS) {
                metrics.addDisabledMetricsCategory(domain);
            }
        }
        return Vertx.builder()
                .with(new VertxOptions().setMetricsOptions(metrics))
                .withMetrics(new MicrometerMetricsFactory(registry))
                .build();
    }
}
