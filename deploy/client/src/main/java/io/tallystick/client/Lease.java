package io.tallystick.client;

import java.time.Instant;
import java.util.Optional;

/**
 * A verified lease: the issuer says that this VM is entitled, until {@link #expiresAt()}.
 *
 * @param enrollment the id under which the marketplace knows this VM
 * @param account the cloud account that owns the VM
 * @param productId the product as it stands on bills
 * @param version the version of the image, where it is known; {@code versionStatus} its status
 * @param notice something to show the VM's owner, such as a recommended upgrade
 * @param provedAt the agent's trusted time when it signed the nonce
 * @param compact the JWT itself, for other libraries or a server of the vendor's
 */
public record Lease(
        String issuer,
        String enrollment,
        String productCode,
        Instant issuedAt,
        Instant expiresAt,
        String account,
        String instance,
        String productId,
        Optional<String> version,
        Optional<String> versionStatus,
        Optional<String> notice,
        Instant provedAt,
        String compact) {}
