package io.tallystick.aggregator.enrollment;

import io.tallystick.common.jose.Jwk;
import io.tallystick.common.model.EnrollmentId;
import io.tallystick.common.model.EvidenceLevel;
import java.time.Instant;
import java.util.List;
import java.util.Optional;

/**
 * An instance proved by its identity evidence, bound to the agent's key.
 *
 * @param key the one key that speaks for the instance
 * @param firstPendingTime the earliest start of the VM that evidence has shown; records older than a day before it
 *     cannot be
 * @param pendingTime the latest start that evidence has shown
 * @param counter the last counter a lease or resume request used
 * @param seenAt when its agent was heard of last: an enrollment, a lease, a resume
 * @param contended whether another key is on trial, see {@link Takeover}
 * @param copiedFrom the instance whose state its agent says it found, the first it named
 */
public record Enrollment(
        EnrollmentId id,
        String cloud,
        String cloudAccount,
        String instance,
        String region,
        String image,
        String instanceType,
        List<String> productCodes,
        EvidenceLevel evidenceLevel,
        Jwk key,
        Instant firstPendingTime,
        Instant pendingTime,
        long counter,
        String agentVersion,
        String agentState,
        Instant enrolledAt,
        Instant seenAt,
        boolean contended,
        Optional<String> copiedFrom) {

    public Enrollment {
        productCodes = List.copyOf(productCodes);
    }
}
