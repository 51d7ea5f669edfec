package io.tallystick.aggregator.enrollment.evidence;

import io.tallystick.common.json.Json;
import io.tallystick.common.model.EvidenceLevel;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Who an instance is, taken from verified bytes and from nothing else.
 *
 * @param cloud {@code aws}
 * @param account the account that owns the VM, 12 digits
 * @param pendingTime when the instance was last launched or started (UTC); not a proof of freshness
 * @param productCodes marketplace product codes; empty when the document has none, {@code null} or no such key, which is
 *     no evidence for any product
 * @param certificateExpiry end of validity of the trust anchor used; may be past, the caller warns
 * @param certificateSha256 fingerprint of that anchor, lower-case hex
 */
public record VerifiedIdentity(
        String cloud,
        String account,
        String instance,
        String region,
        @Nullable String availabilityZone,
        String imageId,
        String instanceType,
        String architecture,
        Instant pendingTime,
        List<String> productCodes,
        EvidenceLevel level,
        Instant certificateExpiry,
        String certificateSha256) {

    public VerifiedIdentity {
        productCodes = List.copyOf(productCodes);
    }

    /** As {@code verify-identity} prints it; an unknown availability zone is left out. */
    public Map<String, Object> toJson() {
        return Json.object(
                "cloud", cloud,
                "account", account,
                "instance", instance,
                "region", region,
                "availabilityZone", availabilityZone,
                "imageId", imageId,
                "instanceType", instanceType,
                "architecture", architecture,
                "pendingTime", pendingTime,
                "productCodes", productCodes,
                "evidence", level.wire(),
                "certificateExpiry", certificateExpiry,
                "certificateSha256", certificateSha256);
    }
}
