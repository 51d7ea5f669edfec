package io.tallystick.aggregator.enrollment;

import io.tallystick.aggregator.enrollment.evidence.VerifiedIdentity;
import io.tallystick.common.jose.Jwk;
import io.tallystick.common.model.EnrollmentId;
import java.time.Instant;
import java.util.List;

/**
 * A key on trial: it showed a newer start of the VM than the enrolled key has. It becomes the enrolled one if that stays
 * silent for long enough.
 *
 * @param pendingTime the start it showed; this and the next four are the words of the signed document
 * @param jws the signed request, in the compact form: evidence
 * @param counter the last one a lease request of this key used
 */
public record Takeover(
        EnrollmentId id,
        Jwk key,
        Instant pendingTime,
        String region,
        String image,
        String instanceType,
        List<String> productCodes,
        String jws,
        long counter,
        String agentVersion,
        String agentState,
        Instant beganAt,
        Instant seenAt) {

    static final String STATE_AT_FIRST = "ENROLLING";

    public Takeover {
        productCodes = List.copyOf(productCodes);
    }

    /** One that begins now. */
    public static Takeover of(VerifiedIdentity shown, Jwk key, String jws, String agentVersion, Instant now) {
        return new Takeover(
                EnrollmentId.of(shown.cloud(), shown.account(), shown.instance()),
                key,
                shown.pendingTime(),
                shown.region(),
                shown.imageId(),
                shown.instanceType(),
                shown.productCodes(),
                jws,
                0,
                agentVersion,
                STATE_AT_FIRST,
                now,
                now);
    }

    /** The same with the last counter its key used. */
    public Takeover counted(long last) {
        return new Takeover(
                id,
                key,
                pendingTime,
                region,
                image,
                instanceType,
                productCodes,
                jws,
                last,
                agentVersion,
                agentState,
                beganAt,
                seenAt);
    }

    /** The enrollment as it would be with this key. */
    public Enrollment over(Enrollment enrolled) {
        return new Enrollment(
                enrolled.id(),
                enrolled.cloud(),
                enrolled.cloudAccount(),
                enrolled.instance(),
                region,
                image,
                instanceType,
                productCodes,
                enrolled.evidenceLevel(),
                key,
                enrolled.firstPendingTime(),
                pendingTime,
                counter,
                agentVersion,
                agentState,
                enrolled.enrolledAt(),
                seenAt,
                true,
                enrolled.copiedFrom());
    }
}
