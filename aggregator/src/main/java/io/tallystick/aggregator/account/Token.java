package io.tallystick.aggregator.account;

import io.tallystick.aggregator.web.Role;
import io.tallystick.common.json.Json;
import java.time.Instant;
import java.util.Map;
import java.util.Optional;

/** An API token, without its secret: that is shown once, when it is made, and only its hash is kept. */
public record Token(
        String id,
        Role role,
        Optional<String> accountId,
        Optional<String> description,
        Instant createdAt,
        Optional<Instant> expiresAt,
        Optional<Instant> revokedAt) {

    public Map<String, Object> json() {
        return Json.object(
                "id",
                id,
                "role",
                role.wire(),
                "account",
                accountId.orElse(null),
                "description",
                description.orElse(null),
                "createdAt",
                createdAt,
                "expiresAt",
                expiresAt.orElse(null),
                "revokedAt",
                revokedAt.orElse(null));
    }
}
