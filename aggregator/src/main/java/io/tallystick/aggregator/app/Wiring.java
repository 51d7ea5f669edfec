package io.tallystick.aggregator.app;

import io.micrometer.core.instrument.binder.jvm.JvmGcMetrics;
import io.micrometer.core.instrument.binder.jvm.JvmMemoryMetrics;
import io.micrometer.core.instrument.binder.jvm.JvmThreadMetrics;
import io.micrometer.core.instrument.binder.system.ProcessorMetrics;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import io.tallystick.aggregator.account.Accounts;
import io.tallystick.aggregator.account.Passwords;
import io.tallystick.aggregator.account.Tokens;
import io.tallystick.aggregator.account.Users;
import io.tallystick.aggregator.account.http.AccountRoutes;
import io.tallystick.aggregator.account.http.TokenRoutes;
import io.tallystick.aggregator.account.http.UserRoutes;
import io.tallystick.aggregator.agreement.Agreements;
import io.tallystick.aggregator.agreement.Amendments;
import io.tallystick.aggregator.agreement.http.AgreementRoutes;
import io.tallystick.aggregator.agreement.http.AmendmentRoutes;
import io.tallystick.aggregator.audit.Audit;
import io.tallystick.aggregator.awsapi.Registrations;
import io.tallystick.aggregator.awsapi.http.RegistrationRoutes;
import io.tallystick.aggregator.billing.ChargePull;
import io.tallystick.aggregator.billing.Charging;
import io.tallystick.aggregator.billing.Explanation;
import io.tallystick.aggregator.billing.PostingRuns;
import io.tallystick.aggregator.billing.Revenue;
import io.tallystick.aggregator.billing.Statements;
import io.tallystick.aggregator.billing.UsagePull;
import io.tallystick.aggregator.billing.http.BillingRoutes;
import io.tallystick.aggregator.billing.http.StatementRoutes;
import io.tallystick.aggregator.catalog.Catalog;
import io.tallystick.aggregator.catalog.Offers;
import io.tallystick.aggregator.catalog.Reviews;
import io.tallystick.aggregator.catalog.Versions;
import io.tallystick.aggregator.catalog.http.OfferRoutes;
import io.tallystick.aggregator.catalog.http.ProductRoutes;
import io.tallystick.aggregator.catalog.http.ReviewRoutes;
import io.tallystick.aggregator.catalog.http.VersionRoutes;
import io.tallystick.aggregator.db.Database;
import io.tallystick.aggregator.db.Ids;
import io.tallystick.aggregator.db.PgErrors;
import io.tallystick.aggregator.db.SchemaCheck;
import io.tallystick.aggregator.enrollment.CloudKeys;
import io.tallystick.aggregator.enrollment.CloudSamples;
import io.tallystick.aggregator.enrollment.Confirmations;
import io.tallystick.aggregator.enrollment.Enrollments;
import io.tallystick.aggregator.enrollment.Invitations;
import io.tallystick.aggregator.enrollment.Joining;
import io.tallystick.aggregator.enrollment.evidence.AwsEvidenceVerifier;
import io.tallystick.aggregator.enrollment.evidence.TrustAnchors;
import io.tallystick.aggregator.enrollment.http.CloudInstanceRoutes;
import io.tallystick.aggregator.enrollment.http.CloudKeyRoutes;
import io.tallystick.aggregator.entitlement.Decisions;
import io.tallystick.aggregator.entitlement.Entitlements;
import io.tallystick.aggregator.entitlement.JoinCodeIssuer;
import io.tallystick.aggregator.entitlement.http.AgentRoutes;
import io.tallystick.aggregator.entitlement.http.EnrollmentRoutes;
import io.tallystick.aggregator.entitlement.http.JoinCodeRoutes;
import io.tallystick.aggregator.image.CloudClients;
import io.tallystick.aggregator.image.ImageCloud;
import io.tallystick.aggregator.image.ImageCloudException;
import io.tallystick.aggregator.image.ImageClouds;
import io.tallystick.aggregator.job.JobRunner;
import io.tallystick.aggregator.job.Jobs;
import io.tallystick.aggregator.lifecycle.ChangeSetThread;
import io.tallystick.aggregator.lifecycle.ChangeSets;
import io.tallystick.aggregator.lifecycle.Lifecycle;
import io.tallystick.aggregator.lifecycle.LoadForms;
import io.tallystick.aggregator.lifecycle.SupportEnds;
import io.tallystick.aggregator.lifecycle.http.ChangeSetRoutes;
import io.tallystick.aggregator.lifecycle.http.LoadFormRoutes;
import io.tallystick.aggregator.notice.MailSender;
import io.tallystick.aggregator.notice.Outbox;
import io.tallystick.aggregator.portal.Portal;
import io.tallystick.aggregator.report.Impact;
import io.tallystick.aggregator.report.Reports;
import io.tallystick.aggregator.report.http.ImpactRoutes;
import io.tallystick.aggregator.report.http.ReportRoutes;
import io.tallystick.aggregator.signing.KeyWrap;
import io.tallystick.aggregator.signing.SigningKeys;
import io.tallystick.aggregator.usage.Batches;
import io.tallystick.aggregator.usage.Evidence;
import io.tallystick.aggregator.usage.Incidents;
import io.tallystick.aggregator.usage.Ingest;
import io.tallystick.aggregator.usage.LostRanges;
import io.tallystick.aggregator.usage.Partitions;
import io.tallystick.aggregator.usage.Quarantine;
import io.tallystick.aggregator.usage.ServingTimes;
import io.tallystick.aggregator.usage.Takeovers;
import io.tallystick.aggregator.usage.UsageReport;
import io.tallystick.aggregator.usage.Watermarks;
import io.tallystick.aggregator.usage.http.BatchRoutes;
import io.tallystick.aggregator.usage.http.IncidentRoutes;
import io.tallystick.aggregator.usage.http.LostUsageRoutes;
import io.tallystick.aggregator.usage.http.QuarantineRoutes;
import io.tallystick.aggregator.usage.http.UsageRoutes;
import io.tallystick.aggregator.web.ApiRouter;
import io.tallystick.aggregator.web.OperationsRoutes;
import io.tallystick.aggregator.web.Problems;
import io.tallystick.aggregator.web.RateLimits;
import io.tallystick.aggregator.web.RequestMetrics;
import io.tallystick.aggregator.web.Route;
import io.tallystick.common.error.ErrorCode;
import io.vertx.core.Vertx;
import io.vertx.core.VertxOptions;
import io.vertx.ext.mail.MailClient;
import io.vertx.micrometer.MetricsDomain;
import io.vertx.micrometer.MicrometerMetricsFactory;
import io.vertx.micrometer.MicrometerMetricsOptions;
import java.net.URI;
import java.security.SecureRandom;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** The composition root: every object of the process, made once, in the order of the tiers. */
public final class Wiring {
    /**
     * Event loops beside those of HTTP, for the ingest lanes, the contexts they need, the database's pool, housekeeping, and
     * what is begun outside of any. Loops are given in turn: with fewer of them a lane would share one with HTTP, and wait
     * for it at every step when requests flood in.
     */
    private static final int OTHER_LOOPS = Database.LANE_CONNECTIONS + Database.POOL_LOOPS + 3;

    final PrometheusMeterRegistry registry = new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
    final Clock clock;
    final Ids ids;
    final Vertx vertx;
    final Database database;
    final Audit audit;
    final Accounts accounts;
    final Tokens tokens;
    final Users users;
    final Catalog catalog;
    final Jobs jobs;
    final Versions versions;
    final Reviews reviews;
    final Offers offers;
    final Agreements agreements;
    final Outbox outbox;
    final ChangeSets changeSets;
    final LoadForms loadForms;
    final SigningKeys keys;
    final TrustAnchors anchors;
    /** Asks clouds with the marketplace's keys, and with those of others. */
    final CloudClients cloudClients;

    final CloudKeys cloudKeys;
    final CloudSamples samples;
    final Registrations registrations;
    final Enrollments enrollments;
    final LostRanges lost;
    final Watermarks watermarks;
    final Incidents incidents;
    final ServingTimes serving;
    final JobRunner runner;
    final PostingRuns posting;
    final Charging charging;
    final Figures figures;
    final Reports reports;
    final Housekeeping housekeeping;
    final Problems problems = new Problems(PgErrors::translate, Wiring::code, System::nanoTime);
    final ApiRouter router;

    /** Makes everything and starts nothing: no connection, no timer, no thread but Vert.x's own. */
    public Wiring(Config config, SchemaCheck schema, Clock clock, List<ImageCloud> moreClouds) {
        this.clock = clock;
        SecureRandom random = new SecureRandom();
        ids = new Ids(clock, random);
        vertx = vertx();
        database =
                Database.open(vertx, config.database().url(), config.database().poolSize());

        cloudClients = new CloudClients(vertx, clock, config.images().clouds());
        ImageClouds clouds = new ImageClouds(
                Stream.concat(cloudClients.own().stream(), moreClouds.stream()).toList());

        audit = new Audit(clock);
        jobs = new Jobs(clock);
        accounts = new Accounts(database.transactor(), audit, jobs, ids, clock);
        tokens = new Tokens(accounts, database.reads(), database.transactor(), audit, ids, clock);
        Passwords.Cost passwordCost = config.sandbox() ? Passwords.Cost.SANDBOX : Passwords.Cost.STANDARD;
        users = new Users(accounts, new Passwords(vertx, passwordCost, ids), database.transactor(), audit, ids, clock);
        catalog = new Catalog(accounts, database.transactor(), audit, jobs, ids, clock);
        versions = new Versions(catalog, accounts, clouds, database, audit, ids, clock);
        outbox = new Outbox(ids, config.publicUrl().getHost(), clock);
        reviews = new Reviews(catalog, accounts, outbox, database.transactor(), audit, ids, clock);
        offers = new Offers(catalog, database.transactor(), audit, ids, clock);
        agreements = new Agreements(catalog, offers, accounts, database.transactor(), audit, jobs, ids, clock);
        Lifecycle lifecycle =
                Lifecycle.of(accounts, catalog, versions, offers, clouds, outbox, jobs, database, audit, ids, clock);
        changeSets = lifecycle.changeSets();
        loadForms = new LoadForms(catalog, changeSets, database);
        runner = new JobRunner(jobs, lifecycle.handlers(), database, random, clock);

        String issuer = config.publicUrl().toString();
        Set<String> issuers = Stream.concat(Stream.of(config.publicUrl()), config.formerUrls().stream())
                .map(URI::toString)
                .collect(Collectors.toSet());
        KeyWrap wrap = new KeyWrap(config.wrappingKeys(), random);
        keys = new SigningKeys(database, wrap, ids, clock);
        anchors = config.trustDir().map(TrustAnchors::withFolder).orElseGet(TrustAnchors::shipped);
        enrollments = new Enrollments(database, clock);
        incidents = new Incidents(database, audit, clock);
        lost = new LostRanges(keys, incidents, clock);
        watermarks = new Watermarks(lost);
        // Only the real clock is not moved by hand.
        serving = new ServingTimes(database, clock, System::nanoTime, !clock.equals(Clock.systemUTC()));
        Takeovers takeovers = new Takeovers(database, enrollments, watermarks, incidents, serving, audit, clock);
        Batches batches = Ingest.batches(
                vertx,
                database,
                keys,
                enrollments,
                accounts,
                catalog,
                agreements,
                incidents,
                takeovers,
                serving,
                registry,
                issuers,
                clock,
                System::nanoTime);
        cloudKeys = new CloudKeys(database, accounts, wrap, audit, ids, clock);
        Confirmations confirmations =
                new Confirmations(database, cloudKeys, cloudClients::readOnly, clouds::of, audit, clock);
        samples = new CloudSamples(
                database,
                cloudKeys,
                cloudClients::readOnly,
                clouds,
                config.images().sampleEvery().orElse(CloudSamples.EVERY),
                clock);
        Decisions decisions = new Decisions(database, accounts, catalog, versions, agreements, keys, issuer, serving);
        Entitlements entitlements = new Entitlements(
                database,
                new AwsEvidenceVerifier(anchors),
                enrollments,
                takeovers,
                config.documentAgeMax(),
                new Joining(database, audit, clock),
                confirmations,
                samples,
                serving,
                watermarks,
                decisions,
                incidents,
                keys,
                audit,
                issuer,
                clock);
        registrations = new Registrations(vertx, database, entitlements, catalog, keys, wrap, audit, random, clock);
        Invitations invitations = new Invitations(database, audit, ids, clock);
        posting = new PostingRuns(database, clock);
        charging = new Charging(
                database, config.billing().issuer(), config.billing().statementDelay(), ids, clock);
        housekeeping = new Housekeeping(
                vertx,
                registry,
                clock,
                posting,
                new Partitions(database, clock),
                keys,
                config.billing().postingInterval());
        housekeeping.add("charges", Charging.EVERY, charging::charge);
        figures = new Figures(database, registry, clock);
        housekeeping.add("figures", Figures.READ_EVERY, figures::read);
        reports = new Reports(database, accounts, ids, clock);
        housekeeping.add("reports", Reports.EVERY, reports::makeDue);
        CloudFigures cloudFigures = new CloudFigures(samples, registry, clock);
        config.images().sampleEvery().ifPresent(every -> {
            housekeeping.add("cloud-samples", CloudSamples.ROUND, samples::round);
            housekeeping.add("cloud-figures", CloudFigures.READ_EVERY, cloudFigures::read);
        });
        housekeeping.add("jobs", Duration.ofSeconds(1), runner::drain);
        config.mail().ifPresent(mail -> {
            MailClient client = MailClient.createShared(vertx, mail.client());
            MailSender sender = new MailSender(outbox, client, mail.from(), database, random, clock);
            housekeeping.add("mail", Duration.ofSeconds(1), sender::round);
        });
        SupportEnds supportEnds = new SupportEnds(accounts, catalog, versions, outbox, database, clock);
        housekeeping.add("support-ends", SupportEnds.EVERY, supportEnds::tell);
        housekeeping.add("heartbeat", ServingTimes.BEAT_EVERY, serving::beat);

        JoinCodeIssuer joinCodes = new JoinCodeIssuer(database, agreements, accounts, invitations, clock);
        Quarantine quarantine = new Quarantine(database);
        Revenue revenue = new Revenue(database);
        Statements statements = new Statements(database, accounts);
        Impact impact = new Impact(catalog, versions, samples, database, clock);
        ChangeSetThread messages = new ChangeSetThread(changeSets, accounts, outbox, database, audit, ids, clock);
        UsageReport usageReport = new UsageReport(database, accounts, clock);
        Portal portal = new Portal(
                config.publicUrl(),
                database,
                ids,
                clock,
                new Portal.Services(
                        users,
                        accounts,
                        catalog,
                        versions,
                        reviews,
                        changeSets,
                        messages,
                        loadForms,
                        impact,
                        offers,
                        agreements,
                        usageReport,
                        revenue,
                        statements,
                        incidents,
                        quarantine,
                        enrollments,
                        samples,
                        entitlements,
                        invitations,
                        joinCodes));

        List<Route> routes = new ArrayList<>();
        routes.addAll(OperationsRoutes.routes(registry, () -> schema.isCurrent(database.reads())));
        routes.addAll(new AccountRoutes(accounts, database.reads()).routes());
        routes.addAll(new TokenRoutes(tokens, database.reads()).routes());
        routes.addAll(new UserRoutes(users, database.reads()).routes());
        routes.addAll(new ProductRoutes(catalog, database.reads()).routes());
        routes.addAll(new VersionRoutes(versions, database.reads()).routes());
        routes.addAll(new ReviewRoutes(reviews, database.reads()).routes());
        routes.addAll(new OfferRoutes(offers, database.reads()).routes());
        routes.addAll(new ChangeSetRoutes(changeSets, messages, database.reads()).routes());
        routes.addAll(new LoadFormRoutes(loadForms).routes());
        routes.addAll(new ImpactRoutes(impact).routes());
        routes.addAll(new AgreementRoutes(agreements, database.reads()).routes());
        Amendments amendments = new Amendments(agreements, offers, database.transactor(), audit, ids, clock);
        routes.addAll(new AmendmentRoutes(amendments, database.reads()).routes());
        routes.addAll(new AgentRoutes(entitlements, keys).routes());
        routes.addAll(new RegistrationRoutes(registrations).routes());
        routes.addAll(new BatchRoutes(batches).routes());
        routes.addAll(
                new EnrollmentRoutes(enrollments, watermarks, entitlements, incidents, confirmations, database.reads())
                        .routes());
        routes.addAll(new CloudKeyRoutes(cloudKeys).routes());
        routes.addAll(new CloudInstanceRoutes(samples, database.reads()).routes());
        routes.addAll(new JoinCodeRoutes(joinCodes, invitations).routes());
        routes.addAll(new QuarantineRoutes(quarantine).routes());
        routes.addAll(new LostUsageRoutes(lost, database.reads()).routes());
        routes.addAll(new UsageRoutes(usageReport).routes());
        routes.addAll(new IncidentRoutes(incidents).routes());
        routes.addAll(new BillingRoutes(
                        new UsagePull(database),
                        new ChargePull(database),
                        new Explanation(database, new Evidence(database, enrollments)))
                .routes());
        routes.addAll(portal.routes());
        routes.addAll(new ReportRoutes(reports).routes());
        routes.addAll(new StatementRoutes(statements, revenue).routes());
        router = new ApiRouter(
                routes,
                tokens,
                portal.gate(),
                problems,
                new RequestMetrics(registry),
                config.listen().clients(),
                new RateLimits(config.limits(), registry, System::nanoTime),
                () -> ids.next("req"));
    }

    /** Every declared route, for the tests that enumerate them. */
    public List<Route> routes() {
        return router.routes();
    }

    /** Of an error that is no failure; a cloud that refuses us is no fault of the caller's, and none of ours. */
    private static ErrorCode code(Throwable error) {
        return error instanceof ImageCloudException ? ErrorCode.UNAVAILABLE : PgErrors.code(error);
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
                .with(new VertxOptions()
                        .setMetricsOptions(metrics)
                        .setEventLoopPoolSize(VertxOptions.DEFAULT_EVENT_LOOP_POOL_SIZE + OTHER_LOOPS))
                .withMetrics(new MicrometerMetricsFactory(registry))
                .build();
    }
}
