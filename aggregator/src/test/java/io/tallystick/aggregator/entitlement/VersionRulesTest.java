package io.tallystick.aggregator.entitlement;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import io.tallystick.aggregator.catalog.Delivery;
import io.tallystick.aggregator.catalog.ProductVersion;
import io.tallystick.aggregator.catalog.VersionCopy;
import io.tallystick.aggregator.catalog.VersionStatus;
import io.tallystick.aggregator.catalog.VersionText;
import io.tallystick.aggregator.catalog.Visibility;
import io.tallystick.common.error.ErrorCode;
import io.tallystick.common.model.EvidenceLevel;
import io.tallystick.testkit.Rule;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The table of versions, row by row: status, when the agreement was accepted, when the VM was launched. */
class VersionRulesTest {
    private static final Instant T = Instant.parse("2026-03-10T09:30:00Z");
    private static final String REGION = "eu-west-2";
    private static final ProductVersion LATEST = version("2.0", VersionStatus.PUBLISHED, true);

    private static ProductVersion version(String title, VersionStatus status, boolean latest) {
        boolean published = status != VersionStatus.DRAFT && status != VersionStatus.PUBLISHING;
        return new ProductVersion(
                "ver-" + title,
                "prod-1",
                title,
                new VersionText(Optional.empty(), Optional.empty(), Optional.empty(), "n", Optional.empty()),
                "outscale",
                REGION,
                "ami-source-" + title,
                "name",
                published
                        ? List.of(
                                new VersionCopy("cloudgouv-eu-west-1", "ami-gouv-" + title),
                                new VersionCopy(REGION, "ami-copy-" + title))
                        : List.of(),
                status,
                T.minus(Duration.ofDays(9)),
                T,
                published ? Optional.of(T.minus(Duration.ofDays(8))) : Optional.empty(),
                status == VersionStatus.RESTRICTED ? Optional.of(T) : Optional.empty(),
                status == VersionStatus.UNPUBLISHED ? Optional.of(T) : Optional.empty(),
                latest,
                Delivery.IMAGE);
    }

    @ParameterizedTest(name = "{0}, accepted {1}, launched {2}: {3}")
    @CsvSource({
        "DRAFT, PT1H, PT1H, allow",
        "PUBLISHING, PT1H, PT1H, allow",
        "PUBLISHED, -PT1H, -PT1H, allow",
        "PUBLISHED, PT1H, PT1H, allow",
        // Accepted before: new launches included. At the very moment is not before.
        "RESTRICTED, -PT0.000001S, -PT1H, allow",
        "RESTRICTED, -PT0.000001S, PT1H, allow",
        "RESTRICTED, PT0S, -PT1H, version-restricted",
        "RESTRICTED, PT1H, PT1H, version-restricted",
        // Launched before, whoever subscribed when.
        "UNPUBLISHED, -PT1H, -PT0.000001S, allow",
        "UNPUBLISHED, PT1H, -PT0.000001S, allow",
        "UNPUBLISHED, -PT1H, PT0S, version-unpublished",
        "UNPUBLISHED, -PT1H, PT1H, version-unpublished",
    })
    void aVersionGrants(VersionStatus status, Duration accepted, Duration launched, String expected) {
        var facts = new VersionRules.Facts(
                Optional.of(version("1.0", status, false)),
                List.of(LATEST),
                Optional.of(T.plus(accepted)),
                T.plus(launched),
                REGION);
        Optional<EntitlementRules.Ruling> refusal = VersionRules.refusal("Gateway", facts);
        assertEquals(
                expected,
                refusal.flatMap(EntitlementRules.Ruling::code)
                        .map(ErrorCode::wire)
                        .orElse("allow"));
        refusal.ifPresent(r -> assertFalse(r.allowed()));
    }

    @Test
    void aDenialNamesTheVersionsThatOneMayUse() {
        ProductVersion restricted = version("1.0", VersionStatus.RESTRICTED, false);
        var facts = new VersionRules.Facts(
                Optional.of(restricted), List.of(LATEST, restricted), Optional.of(T.plusSeconds(1)), T, REGION);
        EntitlementRules.Ruling ruling = VersionRules.refusal("Gateway", facts).orElseThrow();
        assertEquals(
                "Version 1.0 of Gateway is only for subscriptions from before 2026-03-10T09:30:00Z.",
                ruling.sentence());
        assertEquals("Launch a version that you may use: 2.0 (image ami-copy-2.0, eu-west-2).", ruling.remedy());
        // In the VM's own region, where there is one.
        var elsewhere = new VersionRules.Facts(
                Optional.of(restricted), List.of(LATEST), Optional.of(T.plusSeconds(1)), T, "cloudgouv-eu-west-1");
        assertEquals(
                "Launch a version that you may use: 2.0 (image ami-gouv-2.0, cloudgouv-eu-west-1).",
                VersionRules.refusal("Gateway", elsewhere).orElseThrow().remedy());
        var alone = new VersionRules.Facts(
                Optional.of(restricted), List.of(restricted), Optional.of(T.plusSeconds(1)), T, REGION);
        assertEquals(
                "Ask the seller which version replaces it.",
                VersionRules.refusal("Gateway", alone).orElseThrow().remedy());
    }

    @Test
    void theCopyOutranksTheSourceAndThenWhatGrantsMost() {
        ProductVersion copy = version("1.0", VersionStatus.RESTRICTED, false);
        ProductVersion published = version("2.0", VersionStatus.PUBLISHED, true);
        ProductVersion draft = version("3.0", VersionStatus.DRAFT, false);
        assertEquals(Optional.of(copy), VersionRules.choose(List.of(draft, published, copy), "ami-copy-1.0"));
        assertEquals(Optional.of(copy), VersionRules.choose(List.of(draft, published, copy), "ami-gouv-1.0"));
        assertEquals(Optional.of(published), VersionRules.choose(List.of(draft, copy, published), "ami-elsewhere"));
    }

    @Test
    void theLatestHasNothingToRecommend() {
        var facts = new VersionRules.Facts(Optional.of(LATEST), List.of(LATEST), Optional.of(T), T, "us-east-2");
        assertEquals(Optional.empty(), VersionRules.notice("Gateway", facts));
    }

    /** R8: a seller tries out what is LIMITED, whatever became of the version. */
    @Test
    @Rule("R8")
    void theSellerTestingALimitedProductIsNotHeldToVersions() {
        var facts = new VersionRules.Facts(
                Optional.of(version("1.0", VersionStatus.RESTRICTED, false)),
                List.of(LATEST),
                Optional.empty(),
                T,
                REGION);
        var product = new EntitlementRules.ProductFacts(
                "Gateway", Visibility.LIMITED, EvidenceLevel.CLAIMED, true, false, false, Optional.empty());
        var instance = new EntitlementRules.InstanceFacts("outscale", "1", EvidenceLevel.CLAIMED, T, T, Duration.ZERO);
        assertEquals(EntitlementRules.Ruling.ALLOW, EntitlementRules.decide(Optional.of(product), instance, facts, T));
    }
}
