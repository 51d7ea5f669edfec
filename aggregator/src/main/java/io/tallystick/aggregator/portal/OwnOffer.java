package io.tallystick.aggregator.portal;

import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * An offer as its seller sees it.
 *
 * @param state {@code coming}, {@code open} or {@code closed}
 */
public record OwnOffer(
        OfferedProduct.OfferLine line, boolean isPrivate, Instant opensAt, Optional<Instant> closesAt, String state) {

    /** Reads what {@link io.tallystick.aggregator.catalog.Offers#list} answers. */
    static List<OwnOffer> of(List<Map<String, Object>> offers, Instant now) {
        return offers.stream().map(offer -> of(offer, now)).toList();
    }

    private static OwnOffer of(Map<String, Object> offer, Instant now) {
        Instant opens = offer.get("opensAt") instanceof Instant at ? at : now;
        Optional<Instant> closes = offer.get("closesAt") instanceof Instant at ? Optional.of(at) : Optional.empty();
        boolean closed = closes.map(c -> !c.isAfter(now)).orElse(false)
                || closes.map(opens::equals).orElse(false);
        String state = closed ? "closed" : opens.isAfter(now) ? "coming" : "open";
        return new OwnOffer(
                OfferedProduct.line(offer), Boolean.TRUE.equals(offer.get("private")), opens, closes, state);
    }
}
