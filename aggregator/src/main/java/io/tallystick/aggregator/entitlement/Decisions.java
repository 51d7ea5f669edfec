package io.tallystick.aggregator.entitlement;

import io.tallystick.aggregator.account.Account;
import io.tallystick.aggregator.account.Accounts;
import io.tallystick.aggregator.agreement.Agreement;
import io.tallystick.aggregator.agreement.Agreements;
import io.tallystick.aggregator.catalog.Catalog;
import io.tallystick.aggregator.catalog.Place;
import io.tallystick.aggregator.catalog.Product;
import io.tallystick.aggregator.catalog.ProductVersion;
import io.tallystick.aggregator.catalog.Versions;
import io.tallystick.aggregator.db.Database;
import io.tallystick.aggregator.enrollment.ConfirmationRules;
import io.tallystick.aggregator.enrollment.Enrollment;
import io.tallystick.aggregator.signing.SigningKeys;
import io.tallystick.aggregator.usage.ServingTimes;
import io.tallystick.aggregator.usage.Watermarks;
import io.tallystick.common.error.ErrorCode;
import io.tallystick.common.jose.Typ;
import io.tallystick.common.model.EvidenceLevel;
import io.tallystick.common.wire.Decision;
import io.tallystick.common.wire.Lease;
import io.tallystick.common.wire.MeteringPlan;
import io.vertx.core.Future;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;

/** Gathers the facts for {@link EntitlementRules}, and turns its rulings into leases and plans. */
public final class Decisions {
    /** GRACE leases are short, so that mending or worsening shows soon. */
    static final Duration GRACE_LENGTH = Duration.ofHours(1);

    /** What a lease on trial lasts beyond the trial, for the request that follows it. */
    static final Duration TRIAL_MARGIN = Duration.ofMinutes(10);

    private static final Duration FLUSH_INTERVAL_DEFAULT = Duration.ofMinutes(15);

    /** One decision per product code the instance carries, and the plan for those that are known. */
    record Decided(List<Decision> decisions, MeteringPlan plan) {}

    private record Facts(
            Optional<Account> account,
            List<Product> products,
            List<Agreement> agreements,
            List<ProductVersion> ofImage,
            List<ProductVersion> launchable) {
        /** The agreement on a product that is in force. */
        Optional<Agreement> open(Product p, Instant now) {
            return agreements.stream()
                    .filter(a -> a.productId().equals(p.id())
                            && !a.acceptedAt().isAfter(now)
                            && a.endedAt().map(e -> e.isAfter(now)).orElse(true))
                    .findFirst();
        }
    }

    private final Database database;
    private final Accounts accounts;
    private final Catalog catalog;
    private final Versions versions;
    private final Agreements agreements;
    private final SigningKeys keys;
    private final String issuer;
    private final ServingTimes serving;

    public Decisions(
            Database database,
            Accounts accounts,
            Catalog catalog,
            Versions versions,
            Agreements agreements,
            SigningKeys keys,
            String issuer,
            ServingTimes serving) {
        this.database = database;
        this.accounts = accounts;
        this.catalog = catalog;
        this.versions = versions;
        this.agreements = agreements;
        this.keys = keys;
        this.issuer = issuer;
        this.serving = serving;
    }

    /** @param trial the end of the trial of a key that takes the instance over: until then it gets no more than GRACE */
    Future<Decided> of(Enrollment enrollment, Watermarks.Progress progress, Instant now, Optional<Instant> trial) {
        return accounts.byCloudAccount(database.reads(), enrollment.cloud(), enrollment.cloudAccount())
                .compose(account -> catalog.byProductCodes(database.reads(), new HashSet<>(enrollment.productCodes()))
                        .compose(products -> agreementsOf(account, products)
                                .compose(found -> versionsOf(enrollment, account, products, found))))
                .compose(facts -> away(enrollment, progress, now)
                        .compose(away -> allowListed(facts, enrollment, progress, away, now, trial)));
    }

    private Future<List<Agreement>> agreementsOf(Optional<Account> account, List<Product> products) {
        return account.isEmpty() || products.isEmpty()
                ? Future.succeededFuture(List.of())
                : agreements.forAccountAndProducts(
                        database.reads(),
                        account.get().id(),
                        products.stream().map(Product::id).toList());
    }

    private Future<Facts> versionsOf(
            Enrollment enrollment, Optional<Account> account, List<Product> products, List<Agreement> found) {
        List<String> ids = products.stream().map(Product::id).toList();
        return versions.ofImage(database.reads(), ids, enrollment.cloud(), enrollment.image())
                .compose(ofImage -> versions.launchable(database.reads(), ids, enrollment.cloud())
                        .map(launchable -> new Facts(account, products, found, ofImage, launchable)));
    }

    /**
     * When the VM was launched, for what is only for VMs launched before something. What is not signed can be made up, so
     * there the first enrollment counts.
     */
    private static Instant launchedAt(Enrollment enrollment) {
        return enrollment.evidenceLevel() == EvidenceLevel.ATTESTED
                ? enrollment.firstPendingTime()
                : enrollment.enrolledAt();
    }

    private static VersionRules.Facts versionFacts(Product p, Facts facts, Enrollment enrollment, Instant now) {
        List<ProductVersion> named = facts.ofImage().stream()
                .filter(v -> v.productId().equals(p.id()))
                .toList();
        return new VersionRules.Facts(
                VersionRules.choose(named, enrollment.image()),
                facts.launchable().stream()
                        .filter(v -> v.productId().equals(p.id()))
                        .toList(),
                facts.open(p, now).map(Agreement::acceptedAt),
                launchedAt(enrollment),
                enrollment.region());
    }

    /** Asked only where it matters: an instance that reports pays nothing for it. */
    private Future<Duration> away(Enrollment enrollment, Watermarks.Progress progress, Instant now) {
        Instant since = EntitlementRules.silentSince(enrollment.pendingTime(), progress.at());
        return Duration.between(since, now).compareTo(EntitlementRules.STALLED_GRACE) <= 0
                ? Future.succeededFuture(Duration.ZERO)
                : serving.awaySince(since, now);
    }

    private Future<Decided> allowListed(
            Facts facts,
            Enrollment enrollment,
            Watermarks.Progress progress,
            Duration away,
            Instant now,
            Optional<Instant> trial) {
        List<Future<Boolean>> listed = facts.products().stream()
                .map(p -> facts.account()
                        .map(a -> catalog.isAllowListed(database.reads(), p.id(), a.id()))
                        .orElse(Future.succeededFuture(false)))
                .toList();
        return Future.all(listed).map(done -> {
            List<Decision> decisions = new ArrayList<>();
            for (String code : enrollment.productCodes()) {
                Optional<EntitlementRules.ProductFacts> product = Optional.empty();
                Optional<Product> known = Optional.empty();
                VersionRules.Facts version = VersionRules.Facts.NONE;
                for (int i = 0; i < facts.products().size(); i++) {
                    if (facts.products().get(i).code().equals(code)) {
                        known = Optional.of(facts.products().get(i));
                        version = versionFacts(facts.products().get(i), facts, enrollment, now);
                        product = Optional.of(facts(
                                facts.products().get(i),
                                enrollment,
                                facts,
                                listed.get(i).result(),
                                now));
                    }
                }
                EntitlementRules.Ruling ruling = EntitlementRules.decide(
                        product,
                        new EntitlementRules.InstanceFacts(
                                enrollment.cloud(),
                                enrollment.cloudAccount(),
                                enrollment.evidenceLevel(),
                                enrollment.pendingTime(),
                                progress.at(),
                                away),
                        version,
                        now);
                EntitlementRules.Ruling last = trial.map(until -> EntitlementRules.onTrial(ruling, until))
                        .orElse(ruling);
                decisions.add(decision(enrollment, code, known, version, last, now, trial));
            }
            return new Decided(decisions, plan(facts.products()));
        });
    }

    /** Rule R26: who subscribed before a region or an instance type was restricted goes on there. */
    private static Optional<Place> closed(Product p, Enrollment enrollment, Optional<Agreement> open) {
        return open.flatMap(agreement -> p.places().stream()
                .filter(l -> l.cloud().equals(enrollment.cloud())
                        && l.name()
                                .equals(l.kind() == Place.Kind.REGION ? enrollment.region() : enrollment.instanceType())
                        && l.restrictedAt()
                                .map(at -> !agreement.acceptedAt().isBefore(at))
                                .orElse(false))
                .findFirst());
    }

    private static EntitlementRules.ProductFacts facts(
            Product p, Enrollment enrollment, Facts facts, boolean allowListed, Instant now) {
        boolean open = facts.open(p, now).isPresent();
        boolean own =
                facts.account().map(a -> a.id().equals(p.sellerAccountId())).orElse(false);
        return new EntitlementRules.ProductFacts(
                p.title(),
                p.visibility(),
                p.terms().evidenceLevel(),
                own,
                allowListed,
                open,
                closed(p, enrollment, facts.open(p, now)));
    }

    /** Claims can be confirmed by the cloud; the table of rules does not know how. */
    private static String remedy(Enrollment enrollment, ErrorCode why, EntitlementRules.Ruling ruling) {
        boolean claimed = enrollment.evidenceLevel() == EvidenceLevel.CLAIMED;
        return why == ErrorCode.EVIDENCE_TOO_WEAK && claimed ? ConfirmationRules.remedy(enrollment) : ruling.remedy();
    }

    private Decision decision(
            Enrollment enrollment,
            String code,
            Optional<Product> product,
            VersionRules.Facts version,
            EntitlementRules.Ruling ruling,
            Instant now,
            Optional<Instant> trial) {
        if (!ruling.allowed() || product.isEmpty()) {
            ErrorCode why = ruling.code().orElse(ErrorCode.DENIED);
            return Decision.deny(code, why, ruling.sentence(), remedy(enrollment, why, ruling));
        }
        Decision.Outcome outcome = ruling.isGrace() ? Decision.Outcome.GRACE : Decision.Outcome.ALLOW;
        Duration length = trial.map(until -> Duration.between(now, until).plus(TRIAL_MARGIN))
                .orElse(ruling.isGrace() ? GRACE_LENGTH : Lease.DEFAULT_LENGTH);
        Lease lease = new Lease(
                issuer,
                enrollment.id(),
                code,
                now,
                now.plus(length),
                enrollment.key().thumbprint(),
                enrollment.cloudAccount(),
                enrollment.instance(),
                product.get().id(),
                outcome,
                version.version().map(ProductVersion::title),
                VersionRules.status(version),
                ruling.isGrace()
                        ? Optional.of(ruling.sentence())
                        : VersionRules.notice(product.get().title(), version));
        return new Decision(
                code,
                outcome,
                Optional.of(keys.sign(Typ.LEASE, lease.toBytes()).compact()),
                ruling.code().map(ErrorCode::wire),
                ruling.isGrace() ? Optional.of(ruling.sentence()) : Optional.empty(),
                ruling.isGrace() ? Optional.of(ruling.remedy()) : Optional.empty());
    }

    /** Denied products are in the plan too: what an agent accepted before it was denied is still checked and shipped. */
    private static MeteringPlan plan(List<Product> products) {
        Duration flush = products.stream()
                .map(p -> p.terms().flushInterval())
                .min(Duration::compareTo)
                .orElse(FLUSH_INTERVAL_DEFAULT);
        return new MeteringPlan(
                flush,
                products.stream()
                        .map(p -> new MeteringPlan.Product(
                                p.code(),
                                p.id(),
                                p.terms().lateLimit(),
                                p.dimensions().stream()
                                        .map(d -> new MeteringPlan.Dimension(d.key(), d.unit(), d.quantityMax()))
                                        .toList()))
                        .toList());
    }
}
