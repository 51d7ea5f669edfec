package io.tallystick.aggregator.entitlement;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.tallystick.aggregator.catalog.Visibility;
import io.tallystick.common.error.ErrorCode;
import io.tallystick.common.model.EvidenceLevel;
import io.tallystick.testkit.Rule;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The decision table of docs/architecture.md, row by row. */
class EntitlementRulesTest {
    private static final Instant NOW = Instant.parse("2026-03-10T09:30:00Z");

    @ParameterizedTest(name = "{0}, own {1}, allow-listed {2}, agreement {3}: {4}")
    @CsvSource({
        // STAGING refuses the code everywhere, the seller's own account included.
        "STAGING, false, false, false, product-staging",
        "STAGING, true, true, true, product-staging",
        "LIMITED, false, false, false, product-limited",
        "LIMITED, false, false, true, product-limited",
        "LIMITED, false, true, false, no-agreement",
        "LIMITED, false, true, true, allow",
        "LIMITED, true, false, false, allow",
        "PUBLIC, false, false, false, no-agreement",
        "PUBLIC, false, true, false, no-agreement",
        "PUBLIC, true, false, false, no-agreement",
        "PUBLIC, false, false, true, allow",
        // Agreements accepted before go on, new launches included; there are no new ones.
        "RESTRICTED, false, false, true, allow",
        "RESTRICTED, false, false, false, product-restricted"
    })
    @Rule({"R5", "R21"})
    void visibilityAndAgreementDecide(
            Visibility visibility, boolean own, boolean listed, boolean agreement, String expected) {
        var product = new EntitlementRules.ProductFacts(
                "Gateway", visibility, EvidenceLevel.ATTESTED, own, listed, agreement, Optional.empty());
        EntitlementRules.Ruling ruling = decide(product, EvidenceLevel.ATTESTED, NOW);
        assertEquals(expected, ruling.code().map(ErrorCode::wire).orElse("allow"));
        assertEquals(expected.equals("allow"), ruling.allowed());
        assertEquals(expected.equals("allow"), ruling.sentence().isEmpty());
    }

    @ParameterizedTest
    @CsvSource({
        "ATTESTED, ATTESTED, true",
        "ATTESTED, API_CONFIRMED, false",
        "ATTESTED, CLAIMED, false",
        "API_CONFIRMED, CLAIMED, false",
        "API_CONFIRMED, ATTESTED, true",
        "CLAIMED, CLAIMED, true"
    })
    void evidenceMustBeAsStrongAsTheProductAsks(EvidenceLevel accepted, EvidenceLevel shown, boolean enough) {
        var product = new EntitlementRules.ProductFacts(
                "Gateway", Visibility.PUBLIC, accepted, false, false, true, Optional.empty());
        EntitlementRules.Ruling ruling = decide(product, shown, NOW);
        assertEquals(enough, ruling.allowed());
        assertEquals(enough ? Optional.empty() : Optional.of(ErrorCode.EVIDENCE_TOO_WEAK), ruling.code());
    }

    @Test
    void anUnknownCodeIsDenied() {
        EntitlementRules.Ruling ruling = EntitlementRules.decide(
                Optional.empty(), facts(EvidenceLevel.ATTESTED, NOW), VersionRules.Facts.NONE, NOW);
        assertEquals(Optional.of(ErrorCode.UNKNOWN_PRODUCT), ruling.code());
        assertFalse(ruling.allowed());
    }

    @ParameterizedTest
    @CsvSource({"PT24H, allow", "PT24H0.001S, grace", "PT72H, grace", "PT72H0.001S, deny", "PT1000H, deny"})
    void renewingWithoutBatchesIsGraceAfterADayAndDeniedAfterThree(Duration silent, String expected) {
        var product = new EntitlementRules.ProductFacts(
                "Gateway", Visibility.PUBLIC, EvidenceLevel.ATTESTED, false, false, true, Optional.empty());
        EntitlementRules.Ruling ruling = EntitlementRules.decide(
                Optional.of(product),
                new EntitlementRules.InstanceFacts(
                        "aws", "111122223333", EvidenceLevel.ATTESTED, Instant.EPOCH, NOW.minus(silent), Duration.ZERO),
                VersionRules.Facts.NONE,
                NOW);
        assertEquals(expected, ruling.isGrace() ? "grace" : ruling.allowed() ? "allow" : "deny");
        assertTrue(expected.equals("allow") || ruling.code().equals(Optional.of(ErrorCode.METERING_STALLED)));
    }

    /** An aggregator that was down, or refused, for days must not deny everybody for its own absence. */
    @ParameterizedTest
    @CsvSource({
        // A month of silence, and how much of it the aggregator was away.
        "PT720H, allow",
        "PT696H, allow",
        "PT695H59M, grace",
        "PT648H, grace",
        "PT647H59M, deny",
        "PT0S, deny"
    })
    void theAggregatorsOwnAbsenceCountsAgainstNobody(Duration away, String expected) {
        var product = new EntitlementRules.ProductFacts(
                "Gateway", Visibility.PUBLIC, EvidenceLevel.ATTESTED, false, false, true, Optional.empty());
        EntitlementRules.Ruling ruling = EntitlementRules.decide(
                Optional.of(product),
                new EntitlementRules.InstanceFacts(
                        "aws",
                        "111122223333",
                        EvidenceLevel.ATTESTED,
                        Instant.EPOCH,
                        NOW.minus(Duration.ofDays(30)),
                        away),
                VersionRules.Facts.NONE,
                NOW);
        assertEquals(expected, ruling.isGrace() ? "grace" : ruling.allowed() ? "allow" : "deny");
    }

    @Test
    void aVmThatWasOffForDaysIsAllowedWhenItStarts() {
        var product = new EntitlementRules.ProductFacts(
                "Gateway", Visibility.PUBLIC, EvidenceLevel.ATTESTED, false, false, true, Optional.empty());
        EntitlementRules.Ruling ruling = EntitlementRules.decide(
                Optional.of(product),
                new EntitlementRules.InstanceFacts(
                        "aws",
                        "111122223333",
                        EvidenceLevel.ATTESTED,
                        NOW.minus(Duration.ofMinutes(2)),
                        NOW.minus(Duration.ofDays(4)),
                        Duration.ZERO),
                VersionRules.Facts.NONE,
                NOW);
        assertEquals(EntitlementRules.Ruling.ALLOW, ruling);
    }

    @Test
    void aDenialNamesTheAccountItsVendorMustTalkAbout() {
        var product = new EntitlementRules.ProductFacts(
                "Gateway", Visibility.PUBLIC, EvidenceLevel.ATTESTED, false, false, false, Optional.empty());
        EntitlementRules.Ruling ruling = decide(product, EvidenceLevel.ATTESTED, NOW);
        assertEquals("No subscription to Gateway covers AWS account 111122223333.", ruling.sentence());
        assertFalse(ruling.remedy().isEmpty());
    }

    private static EntitlementRules.Ruling decide(
            EntitlementRules.ProductFacts product, EvidenceLevel level, Instant progressedAt) {
        return EntitlementRules.decide(Optional.of(product), facts(level, progressedAt), VersionRules.Facts.NONE, NOW);
    }

    private static EntitlementRules.InstanceFacts facts(EvidenceLevel level, Instant progressedAt) {
        return new EntitlementRules.InstanceFacts(
                "aws", "111122223333", level, Instant.EPOCH, progressedAt, Duration.ZERO);
    }
}
