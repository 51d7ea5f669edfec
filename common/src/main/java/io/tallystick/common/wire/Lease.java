package io.tallystick.common.wire;

import io.tallystick.common.json.Fields;
import io.tallystick.common.json.Json;
import io.tallystick.common.model.EnrollmentId;
import io.tallystick.common.model.Hash;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import java.util.UUID;

/**
 * A signed entitlement with an expiry: the claims of a {@code lease+jwt} (RFC 7519), which any JWT library verifies.
 * Claim times are whole seconds.
 *
 * @param issuer {@code iss}: the aggregator's public URL; vendor software pins it
 * @param enrollment {@code sub}
 * @param productCode {@code aud}
 * @param issuedAt {@code iat}; {@code nbf} is {@link #NBF_LEEWAY} before it
 * @param expiresAt {@code exp}; never honoured at or after it
 * @param agentKey {@code cnf.jkt}: the thumbprint of the agent's key (RFC 7800, RFC 9449)
 * @param account the cloud account that owns the VM
 * @param version {@code version} and {@code version_status}, where the version of the image is known
 * @param notice something to tell the VM's owner, such as a recommended upgrade
 */
public record Lease(
        String issuer,
        EnrollmentId enrollment,
        String productCode,
        Instant issuedAt,
        Instant expiresAt,
        Hash agentKey,
        String account,
        String instance,
        String productId,
        Decision.Outcome outcome,
        Optional<String> version,
        Optional<String> versionStatus,
        Optional<String> notice) {

    public static final Duration NBF_LEEWAY = Duration.ofMinutes(5);
    public static final Duration DEFAULT_LENGTH = Duration.ofHours(24);
    private static final long SECONDS_MAX = 253_402_300_799L;

    public byte[] toBytes() {
        return Json.writeBytes(Json.object(
                "iss",
                issuer,
                "sub",
                enrollment,
                "aud",
                productCode,
                "iat",
                issuedAt.getEpochSecond(),
                "nbf",
                issuedAt.minus(NBF_LEEWAY).getEpochSecond(),
                "exp",
                expiresAt.getEpochSecond(),
                "cnf",
                Json.object("jkt", agentKey),
                "account",
                account,
                "instance",
                instance,
                "product_id",
                productId,
                "decision",
                outcome,
                "version",
                version.orElse(null),
                "version_status",
                versionStatus.orElse(null),
                "notice",
                notice.orElse(null)));
    }

    public static Lease parse(byte[] payload) {
        Fields f = Fields.parse(payload);
        String issuer = f.string("iss", 2048);
        EnrollmentId enrollment = f.parsed("sub", EnrollmentId::parse, new EnrollmentId(new UUID(0, 0)));
        String code = f.string("aud", Wire.PRODUCT_CODE_CHARS_MAX);
        Instant issuedAt = Instant.ofEpochSecond(f.number("iat", 0, SECONDS_MAX));
        f.number("nbf", 0, SECONDS_MAX);
        Instant expiresAt = Instant.ofEpochSecond(f.number("exp", 0, SECONDS_MAX));
        Hash agentKey = f.object("cnf").parsed("jkt", Hash::parse, Hash.NONE);
        Lease lease = new Lease(
                issuer,
                enrollment,
                code,
                issuedAt,
                expiresAt,
                agentKey,
                f.string("account", 64),
                f.string("instance", 64),
                f.string("product_id", 64),
                f.parsed("decision", Lease::outcome, Decision.Outcome.ALLOW),
                f.optionalString("version", 128),
                f.optionalString("version_status", 32),
                f.optionalString("notice", 1000));
        f.done();
        return lease;
    }

    private static Decision.Outcome outcome(String text) {
        return switch (text) {
            case "ALLOW" -> Decision.Outcome.ALLOW;
            case "GRACE" -> Decision.Outcome.GRACE;
            default -> throw new IllegalArgumentException("must be ALLOW or GRACE");
        };
    }
}
