package io.tallystick.aggregator.agreement;

import io.tallystick.common.json.Json;
import java.time.Instant;
import java.util.Map;
import java.util.Optional;

/**
 * An account's subscription to a product, from {@code acceptedAt} (inclusive) to {@code endedAt} (exclusive).
 *
 * @param accepted the offer and the rate it was accepted at, for good; empty for an agreement without a price
 */
public record Agreement(
        String id,
        String productId,
        String accountId,
        Optional<Accepted> accepted,
        Instant acceptedAt,
        Optional<Instant> endedAt) {

    /** An offer and the version of its prices. */
    public record Accepted(String offerId, int rate) {}

    /** Whether the agreement held at that time. */
    public boolean covers(Instant at) {
        return !at.isBefore(acceptedAt) && endedAt.map(at::isBefore).orElse(true);
    }

    Agreement ended(Instant at) {
        return new Agreement(id, productId, accountId, accepted, acceptedAt, Optional.of(at));
    }

    /** For the buyer and the operator. */
    public Map<String, Object> json() {
        return json("account", accountId);
    }

    /** For the seller, who knows its buyer by a pseudonym only. */
    Map<String, Object> jsonForSeller(String pseudonym) {
        return json("buyer", pseudonym);
    }

    private Map<String, Object> json(String partyField, String party) {
        return Json.object(
                "id",
                id,
                "product",
                productId,
                partyField,
                party,
                "offer",
                accepted.map(Accepted::offerId).orElse(null),
                "rate",
                accepted.map(Accepted::rate).orElse(null),
                "acceptedAt",
                acceptedAt,
                "endedAt",
                endedAt.orElse(null));
    }
}
