package io.tallystick.fuzz;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.code_intelligence.jazzer.junit.FuzzTest;
import io.tallystick.aggregator.enrollment.evidence.AwsEvidenceVerifier;
import io.tallystick.aggregator.enrollment.evidence.TrustAnchors;
import io.tallystick.aggregator.enrollment.evidence.VerifiedIdentity;
import io.tallystick.common.error.Failure;
import java.util.stream.Stream;
import org.junit.jupiter.params.provider.MethodSource;

/** Evidence is refused with a {@link Failure}, or says what the region signed and nothing else. */
class CmsFuzzTest {
    private static final AwsEvidenceVerifier VERIFIER =
            new AwsEvidenceVerifier(TrustAnchors.withFolder(Seeds.trustFolder()));
    private static final VerifiedIdentity SIGNED = VERIFIER.verify(Seeds.signedEvidence(), null);

    @MethodSource("evidence")
    @FuzzTest(maxDuration = "5m")
    void evidenceIsRefusedOrSaysWhatWasSigned(byte[] bytes) {
        VerifiedIdentity identity;
        try {
            identity = VERIFIER.verify(bytes, null);
        } catch (Failure refused) {
            return;
        }
        assertEquals(SIGNED, identity);
    }

    static Stream<byte[]> evidence() {
        return Stream.of(Seeds.signedEvidence(), Seeds.base64(Seeds.signedEvidence()), Seeds.evidenceOfAnotherSigner());
    }
}
