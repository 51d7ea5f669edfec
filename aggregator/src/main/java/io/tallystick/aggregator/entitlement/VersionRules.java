package io.tallystick.aggregator.entitlement;

import io.tallystick.aggregator.catalog.ProductVersion;
import io.tallystick.aggregator.catalog.VersionStatus;
import io.tallystick.aggregator.entitlement.EntitlementRules.Ruling;
import io.tallystick.common.error.ErrorCode;
import java.time.Instant;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;

/**
 * What the version of an instance's image means for its entitlement. Pure. Only a version that is restricted or
 * unpublished can refuse; an image that a buyer derived belongs to none, and the product's rules alone decide.
 */
final class VersionRules {
    /** Named in one sentence: enough to choose from, and the sentence stays one. */
    private static final int NAMED_MAX = 3;

    private VersionRules() {}

    /**
     * What is known of the version.
     *
     * @param version of the instance's image; empty for a derived one
     * @param launchable the product's versions in the instance's cloud that somebody may launch, newest first
     * @param acceptedAt when the agreement in force was accepted; empty where there is none
     * @param launchedAt when the VM was launched, as far as that is proved
     * @param region the VM's
     */
    record Facts(
            Optional<ProductVersion> version,
            List<ProductVersion> launchable,
            Optional<Instant> acceptedAt,
            Instant launchedAt,
            String region) {
        static final Facts NONE = new Facts(Optional.empty(), List.of(), Optional.empty(), Instant.EPOCH, "");

        private Optional<ProductVersion> latest() {
            return launchable.stream().filter(ProductVersion::latest).findFirst();
        }
    }

    /**
     * The one an image belongs to, among those that name it: the version it is a copy of; else, of those it is the source
     * of, the one that grants most.
     */
    static Optional<ProductVersion> choose(List<ProductVersion> named, String image) {
        return named.stream()
                .min(Comparator.comparing((ProductVersion v) -> !v.isCopy(image))
                        .thenComparing(v -> grants(v.status()))
                        .thenComparing(ProductVersion::createdAt, Comparator.reverseOrder()));
    }

    private static int grants(VersionStatus status) {
        return switch (status) {
            case PUBLISHED -> 0;
            case RESTRICTED -> 1;
            case UNPUBLISHED -> 2;
            case PUBLISHING -> 3;
            case DRAFT -> 4;
        };
    }

    /** The version's objection, for an account whose agreement is in force. */
    static Optional<Ruling> refusal(String product, Facts facts) {
        if (facts.version().isEmpty()) {
            return Optional.empty();
        }
        ProductVersion v = facts.version().get();
        return switch (v.status()) {
            case RESTRICTED -> restricted(product, v, facts);
            case UNPUBLISHED -> unpublished(product, v, facts);
            case DRAFT, PUBLISHING, PUBLISHED -> Optional.empty();
        };
    }

    private static Optional<Ruling> restricted(String product, ProductVersion v, Facts facts) {
        return mayLaunch(v, facts.acceptedAt())
                ? Optional.empty()
                : Optional.of(Ruling.deny(
                        ErrorCode.VERSION_RESTRICTED,
                        "Version " + v.title() + " of " + product + " is only for subscriptions from before "
                                + v.restrictedAt().orElseThrow() + ".",
                        remedy(facts)));
    }

    private static Optional<Ruling> unpublished(String product, ProductVersion v, Facts facts) {
        Instant since = v.unpublishedAt().orElseThrow();
        return facts.launchedAt().isBefore(since)
                ? Optional.empty()
                : Optional.of(Ruling.deny(
                        ErrorCode.VERSION_UNPUBLISHED,
                        "Version " + v.title() + " of " + product + " was unpublished at " + since
                                + ", before this VM was launched.",
                        remedy(facts)));
    }

    /** A restricted version is for agreements accepted before it was. */
    private static boolean mayLaunch(ProductVersion v, Optional<Instant> acceptedAt) {
        return v.restrictedAt()
                .map(since -> acceptedAt.map(a -> a.isBefore(since)).orElse(false))
                .orElse(true);
    }

    private static String remedy(Facts facts) {
        String usable = facts.launchable().stream()
                .filter(v -> mayLaunch(v, facts.acceptedAt()))
                .limit(NAMED_MAX)
                .map(v -> named(v, facts.region()))
                .collect(Collectors.joining("; "));
        return usable.isEmpty()
                ? "Ask the seller which version replaces it."
                : "Launch a version that you may use: " + usable + ".";
    }

    private static String named(ProductVersion v, String region) {
        return v.title()
                + v.copyFor(region)
                        .map(copy -> " (image " + copy.imageId() + ", " + copy.region() + ")")
                        .or(() -> v.delivery().software().map(p -> " (package " + p.url() + ")"))
                        .orElse("");
    }

    /** What a lease tells the VM's owner: that there is a newer version, and why it is time. */
    static Optional<String> notice(String product, Facts facts) {
        if (facts.version().isEmpty() || facts.version().get().latest()) {
            return Optional.empty();
        }
        ProductVersion v = facts.version().get();
        String state =
                switch (v.status()) {
                    case RESTRICTED -> "Version " + v.title() + " of " + product + " is restricted.";
                    case UNPUBLISHED -> "Version " + v.title() + " of " + product + " is unpublished.";
                    case PUBLISHED, DRAFT, PUBLISHING -> "";
                };
        Optional<String> upgrade = v.status() == VersionStatus.DRAFT || v.status() == VersionStatus.PUBLISHING
                ? Optional.empty()
                : facts.latest()
                        .map(latest ->
                                "We recommend version " + named(latest, facts.region()) + " of " + product + ".");
        String notice = (state + " " + upgrade.orElse("")).strip();
        return notice.isEmpty() ? Optional.empty() : Optional.of(notice);
    }

    /** For the lease: the version's status, {@code derived} where the product has versions but none of this image. */
    static Optional<String> status(Facts facts) {
        return facts.version().isPresent()
                ? facts.version().map(v -> v.status().wire())
                : facts.launchable().isEmpty() ? Optional.empty() : Optional.of("derived");
    }
}
