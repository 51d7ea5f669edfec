package io.tallystick.aggregator.usage;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.tallystick.aggregator.enrollment.Enrollment;
import io.tallystick.common.jose.Ed25519;
import io.tallystick.common.jose.Jwk;
import io.tallystick.common.model.EnrollmentId;
import io.tallystick.common.model.EvidenceLevel;
import io.tallystick.common.model.Quantity;
import io.tallystick.common.wire.MeteringRecord;
import io.tallystick.common.wire.Receipt;
import java.security.GeneralSecurityException;
import java.security.KeyPairGenerator;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Which records are added up, where, and why not: limits at the limit and one beyond. */
class BatchRulesTest {
    private static final Instant NOW = Instant.parse("2026-03-10T09:30:00Z");
    private static final Instant HOUR = Instant.parse("2026-03-10T09:00:00Z");
    private static final Instant PENDING = Instant.parse("2026-01-15T08:00:00Z");
    private static final Duration LATE = Duration.ofDays(31);

    @ParameterizedTest(name = "received {0}: {1}")
    @CsvSource({
        // The hour ended at 10:00 on the 10th; the limit is 31 days.
        "2026-04-10T10:00:00Z, booked",
        "2026-04-10T10:00:00.001Z, too-late"
    })
    void aRecordMayBeAsLateAsTheProductAllowsAndNoLater(Instant received, String expected) {
        assertEquals(expected, codeOf(record("requests", HOUR, "1"), received, List.of(code())));
    }

    @ParameterizedTest(name = "quantity {0}: {1}")
    @CsvSource({"10, booked", "10.000000001, out-of-range", "0, booked"})
    void aRecordMayCarryTheDimensionsMost(String quantity, String expected) {
        assertEquals(expected, codeOf(record("capped", HOUR, quantity), NOW, List.of(code())));
    }

    @ParameterizedTest(name = "recorded {0}: booked at {1}")
    @CsvSource({
        "2026-03-10T09:00:00Z, 2026-03-10T09:00:00Z",
        // Five minutes ahead is believed, so at 09:30 no later hour is.
        "2026-03-10T10:00:00Z, 2026-03-10T09:00:00Z",
        "2050-01-01T00:00:00Z, 2026-03-10T09:00:00Z"
    })
    void timesAheadAreClampedToNow(Instant recorded, Instant booked) {
        BatchRules.Plan plan =
                BatchRules.plan(List.of(record("requests", recorded, "1")), context(List.of(code())), NOW);
        assertEquals(booked, plan.parts().get(0).hour());
        assertEquals(recorded.equals(booked) ? 0 : 1, plan.clamped().size());
    }

    @Test
    void fiveMinutesBeforeTheHourTheNextHourIsBelieved() {
        Instant received = Instant.parse("2026-03-10T09:55:00Z");
        BatchRules.Plan plan = BatchRules.plan(
                List.of(record("requests", HOUR.plus(Duration.ofHours(1)), "1")), context(List.of(code())), received);
        assertEquals(List.of(), plan.clamped());
    }

    @Test
    void timesBeforeTheVmFirstStartedAreClampedToADayBeforeIt() {
        Instant soonAfterStart = PENDING.plus(Duration.ofHours(2));
        BatchRules.Plan plan = BatchRules.plan(
                List.of(record("requests", Instant.parse("1970-01-01T00:00:00Z"), "1")),
                context(List.of(code())),
                soonAfterStart);
        assertEquals(List.of(new Receipt.Clamped(0, PENDING.minus(Duration.ofDays(1)))), plan.clamped());
    }

    @Test
    void withSeveralCodesARecordMustNameItsProduct() {
        List<String> two = List.of(code(), "other");
        assertEquals("unknown-product", codeOf(record("requests", HOUR, "1"), NOW, two));
        MeteringRecord named = new MeteringRecord(
                "requests", HOUR, false, Quantity.ONE, List.of(), Optional.empty(), Optional.of(code()));
        assertEquals("booked", codeOf(named, NOW, two));
        MeteringRecord foreign = new MeteringRecord(
                "requests", HOUR, false, Quantity.ONE, List.of(), Optional.empty(), Optional.of("foreign"));
        assertEquals("unknown-product", codeOf(foreign, NOW, two));
    }

    @ParameterizedTest(name = "hour {0}: {1}")
    @CsvSource({
        // agr-1 from 08:20 to 10:15, agr-2 from 10:45 on.
        "2026-03-09T07:00:00Z, no-agreement",
        "2026-03-09T08:00:00Z, agr-1",
        "2026-03-09T09:00:00Z, agr-1",
        "2026-03-09T10:00:00Z, agr-2",
        "2026-03-09T11:00:00Z, agr-2"
    })
    void theHourOfSubscribingAndTheHourOfLeavingBelongToTheAgreement(Instant hour, String expected) {
        UsageContext.BookedProduct product = new UsageContext.BookedProduct(
                code(),
                LATE,
                Map.of("requests", new UsageContext.BookedDimension(1, Optional.empty())),
                List.of(
                        new UsageContext.Term(
                                "agr-1",
                                Instant.parse("2026-03-09T08:20:00Z"),
                                Optional.of(Instant.parse("2026-03-09T10:15:00Z"))),
                        new UsageContext.Term("agr-2", Instant.parse("2026-03-09T10:45:00Z"), Optional.empty())));
        BatchRules.Plan plan = BatchRules.plan(
                List.of(record("requests", hour, "1")),
                new UsageContext(enrollment(List.of(code())), Map.of(code(), product)),
                NOW);
        assertEquals(
                expected,
                plan.parts().isEmpty()
                        ? plan.refused().get(0).code()
                        : plan.parts().get(0).agreementId());
    }

    private static String codeOf(MeteringRecord record, Instant received, List<String> codes) {
        BatchRules.Plan plan = BatchRules.plan(List.of(record), context(codes), received);
        return plan.refused().isEmpty() ? "booked" : plan.refused().get(0).code();
    }

    private static MeteringRecord record(String dimension, Instant hour, String quantity) {
        return MeteringRecord.increment(dimension, hour, Quantity.parse(quantity));
    }

    private static String code() {
        return "0vg0000000000000000000000";
    }

    private static UsageContext context(List<String> codes) {
        UsageContext.BookedProduct product = new UsageContext.BookedProduct(
                code(),
                LATE,
                Map.of(
                        "requests",
                        new UsageContext.BookedDimension(1, Optional.empty()),
                        "capped",
                        new UsageContext.BookedDimension(2, Optional.of(Quantity.of(10)))),
                List.of(new UsageContext.Term("agr-1", Instant.parse("2025-01-01T00:00:00Z"), Optional.empty())));
        return new UsageContext(enrollment(codes), Map.of(code(), product));
    }

    private static Enrollment enrollment(List<String> codes) {
        try {
            Jwk key = Jwk.ofBytes(Ed25519.rawPublicKey(
                    KeyPairGenerator.getInstance("Ed25519").generateKeyPair().getPublic()));
            return new Enrollment(
                    EnrollmentId.of("aws", "111122223333", "i-0123456789abcdef0"),
                    "aws",
                    "111122223333",
                    "i-0123456789abcdef0",
                    "eu-west-3",
                    "ami-1",
                    "m5.large",
                    codes,
                    EvidenceLevel.ATTESTED,
                    key,
                    PENDING,
                    PENDING,
                    0,
                    "test",
                    "ENTITLED",
                    PENDING,
                    PENDING,
                    false,
                    Optional.empty());
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException(e);
        }
    }
}
