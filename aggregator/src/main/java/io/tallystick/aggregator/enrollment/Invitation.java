package io.tallystick.aggregator.enrollment;

import io.tallystick.common.json.Json;
import java.time.Instant;
import java.util.Map;
import java.util.Optional;

/**
 * A join code as the aggregator knows it: what it lets in, and never the code itself.
 *
 * @param cloudAccount whose VMs it lets in
 * @param usesLeft enrollments it can still make
 */
public record Invitation(
        String id,
        String account,
        String agreement,
        String product,
        String cloud,
        String cloudAccount,
        int usesMax,
        int usesLeft,
        Optional<String> description,
        Instant createdAt,
        Instant expiresAt,
        Optional<Instant> revokedAt) {

    public static final int USES_MAX = 10_000;
    public static final int DESCRIPTION_CHARS_MAX = 200;

    /** Whether it lets another VM in. */
    boolean isLive(Instant now) {
        return usesLeft > 0 && revokedAt.isEmpty() && now.isBefore(expiresAt);
    }

    Invitation revoked(Instant at) {
        return new Invitation(
                id,
                account,
                agreement,
                product,
                cloud,
                cloudAccount,
                usesMax,
                usesLeft,
                description,
                createdAt,
                expiresAt,
                Optional.of(at));
    }

    public Map<String, Object> json() {
        return Json.object(
                "id",
                id,
                "account",
                account,
                "agreement",
                agreement,
                "product",
                product,
                "cloud",
                cloud,
                "cloudAccount",
                cloudAccount,
                "uses",
                usesMax,
                "usesLeft",
                usesLeft,
                "description",
                description.orElse(null),
                "createdAt",
                createdAt,
                "expiresAt",
                expiresAt,
                "revokedAt",
                revokedAt.orElse(null));
    }
}
