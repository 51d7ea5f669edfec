package io.tallystick.aggregator.enrollment;

import io.tallystick.aggregator.enrollment.evidence.VerifiedIdentity;
import io.tallystick.common.model.EnrollmentId;
import io.tallystick.common.model.EvidenceLevel;
import java.time.Instant;
import java.util.List;

/**
 * Who an instance is, and how far that is to be believed.
 *
 * @param account at the cloud: verified, or that of the join code; never one an unsigned VM names itself
 * @param productCodes what it may be entitled to
 */
record Identity(
        String cloud,
        String account,
        String instance,
        String region,
        String image,
        String instanceType,
        Instant pendingTime,
        List<String> productCodes,
        EvidenceLevel level) {

    Identity {
        productCodes = List.copyOf(productCodes);
    }

    static Identity of(VerifiedIdentity who) {
        return new Identity(
                who.cloud(),
                who.account(),
                who.instance(),
                who.region(),
                who.imageId(),
                who.instanceType(),
                who.pendingTime(),
                who.productCodes(),
                who.level());
    }

    static Identity of(Enrollment e) {
        return new Identity(
                e.cloud(),
                e.cloudAccount(),
                e.instance(),
                e.region(),
                e.image(),
                e.instanceType(),
                e.pendingTime(),
                e.productCodes(),
                e.evidenceLevel());
    }

    EnrollmentId id() {
        return EnrollmentId.of(cloud, account, instance);
    }
}
