package io.tallystick.aggregator.entitlement;

import io.tallystick.aggregator.catalog.Place;
import io.tallystick.aggregator.catalog.Visibility;
import io.tallystick.common.error.ErrorCode;
import io.tallystick.common.model.EvidenceLevel;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;

/**
 * Decides entitlement for one instance and one product code. Pure: a table of states, evaluated from the outside in, each
 * refusal with a sentence for people and a remedy.
 */
final class EntitlementRules {
    /** A lease renewal this long after the last batch still gets GRACE. */
    static final Duration STALLED_GRACE = Duration.ofHours(24);
    /** From here on it is denied, so that blocking only the usage path gains nothing. */
    static final Duration STALLED_DENY = Duration.ofHours(72);

    private EntitlementRules() {}

    /**
     * What is known of a product for this instance.
     *
     * @param ownedBySeller the VM's account is the product's seller
     * @param allowListed the VM's account may use the product while it is LIMITED
     * @param openAgreement an agreement of the account on the product is in force
     * @param closed where the instance is, if the product was restricted there before that agreement was accepted
     */
    record ProductFacts(
            String title,
            Visibility visibility,
            EvidenceLevel accepted,
            boolean ownedBySeller,
            boolean allowListed,
            boolean openAgreement,
            Optional<Place> closed) {}

    /**
     * What is known of the instance.
     *
     * @param startedAt when the VM last started, by its evidence: it reports nothing while it is off
     * @param progressedAt when its watermark last moved
     * @param away how much of the time since the later of these two the aggregator took no batches: that counts against
     *     nobody
     */
    record InstanceFacts(
            String cloud,
            String cloudAccount,
            EvidenceLevel level,
            Instant startedAt,
            Instant progressedAt,
            Duration away) {}

    /** ALLOW with nothing to say, GRACE or DENY with code, sentence and remedy. */
    record Ruling(boolean allowed, Optional<ErrorCode> code, String sentence, String remedy) {
        static final Ruling ALLOW = new Ruling(true, Optional.empty(), "", "");

        static Ruling deny(ErrorCode code, String sentence, String remedy) {
            return new Ruling(false, Optional.of(code), sentence, remedy);
        }

        static Ruling grace(ErrorCode code, String sentence, String remedy) {
            return new Ruling(true, Optional.of(code), sentence, remedy);
        }

        boolean isGrace() {
            return allowed && code.isPresent();
        }
    }

    /** @param version what the instance's image means, once the product and its agreement allow */
    static Ruling decide(
            Optional<ProductFacts> product, InstanceFacts instance, VersionRules.Facts version, Instant now) {
        if (product.isEmpty()) {
            return Ruling.deny(
                    ErrorCode.UNKNOWN_PRODUCT,
                    "The product code of this image is not known to this marketplace.",
                    "Ask the software's vendor which marketplace sells it.");
        }
        ProductFacts p = product.get();
        if (p.visibility() == Visibility.STAGING) {
            return Ruling.deny(
                    ErrorCode.PRODUCT_STAGING,
                    p.title() + " is not published yet.",
                    "The seller must publish the product before it can be used.");
        }
        if (!instance.level().satisfies(p.accepted())) {
            return Ruling.deny(
                    ErrorCode.EVIDENCE_TOO_WEAK,
                    p.title() + " asks for stronger proof of this VM's identity than it has given.",
                    "Run the software where the cloud signs identity documents, or ask the seller to accept "
                            + instance.level().wire() + " evidence.");
        }
        if (p.visibility() == Visibility.LIMITED && !p.ownedBySeller() && !p.allowListed()) {
            return Ruling.deny(
                    ErrorCode.PRODUCT_LIMITED,
                    p.title() + " is limited to invited accounts, and " + account(instance) + " is not one of them.",
                    "Ask the seller to add the account to the product's allow-list.");
        }
        boolean sellerTesting = p.visibility() == Visibility.LIMITED && p.ownedBySeller();
        if (!p.openAgreement() && !sellerTesting) {
            return p.visibility() == Visibility.RESTRICTED
                    ? Ruling.deny(
                            ErrorCode.PRODUCT_RESTRICTED,
                            p.title() + " takes no new subscriptions, and " + account(instance) + " has none.",
                            "Ask the seller for the product that replaces it.")
                    : Ruling.deny(
                            ErrorCode.NO_AGREEMENT,
                            "No subscription to " + p.title() + " covers " + account(instance) + ".",
                            "Subscribe to the product on the marketplace; this VM notices within a minute.");
        }
        if (p.closed().isPresent() && !sellerTesting) {
            Place place = p.closed().get();
            return Ruling.deny(
                    ErrorCode.PRODUCT_RESTRICTED,
                    p.title() + " takes no new subscriptions for the "
                            + place.kind().word() + " " + place.name() + ", and that of " + account(instance)
                            + " is newer.",
                    "Launch it where the product's page offers it.");
        }
        // A seller tests what it likes; others get what the version grants.
        Optional<Ruling> refused = sellerTesting ? Optional.empty() : VersionRules.refusal(p.title(), version);
        return refused.orElseGet(() -> stalled(p, instance, now));
    }

    /** What a key gets that is taking the instance over: what it would get, but no more than GRACE. */
    static Ruling onTrial(Ruling ruling, Instant until) {
        return ruling.allowed()
                ? Ruling.grace(
                        ErrorCode.CONTESTED,
                        "This VM was started again with a new key, which takes over from the one before at " + until
                                + " unless that one is heard of until then.",
                        "Nothing has to be done if the disk was replaced or the agent installed anew; usage is kept."
                                + " To end the wait, let the account that owns the VM approve the new key.")
                : ruling;
    }

    /** From when on an instance could have reported and did not. */
    static Instant silentSince(Instant startedAt, Instant progressedAt) {
        return startedAt.isAfter(progressedAt) ? startedAt : progressedAt;
    }

    private static Ruling stalled(ProductFacts p, InstanceFacts instance, Instant now) {
        Instant since = silentSince(instance.startedAt(), instance.progressedAt());
        Duration silent = Duration.between(since, now).minus(instance.away());
        if (silent.compareTo(STALLED_GRACE) <= 0) {
            return Ruling.ALLOW;
        }
        String sentence = "This VM has renewed its lease for " + p.title() + " but reported no usage for "
                + silent.toHours() + " hours.";
        String remedy = "Let the agent reach the marketplace's usage endpoint; see its status for the last error.";
        return silent.compareTo(STALLED_DENY) <= 0
                ? Ruling.grace(ErrorCode.METERING_STALLED, sentence, remedy)
                : Ruling.deny(ErrorCode.METERING_STALLED, sentence, remedy);
    }

    private static String account(InstanceFacts instance) {
        return instance.cloud().toUpperCase(java.util.Locale.ROOT) + " account " + instance.cloudAccount();
    }
}
