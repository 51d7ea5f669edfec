package io.tallystick.aggregator.catalog;

import io.tallystick.common.json.Json;
import java.time.Instant;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/**
 * A seller's request to move a product to another visibility, and what an operator said to it.
 *
 * @param reason the operator's; always there on a rejection and where something has to be changed
 */
public record Review(
        String id,
        String productId,
        Visibility visibility,
        Optional<String> note,
        Status status,
        String requestedBy,
        Instant requestedAt,
        Optional<String> decidedBy,
        Optional<Instant> decidedAt,
        Optional<String> reason) {

    /** Open until somebody decides. */
    public enum Status {
        OPEN,
        /** The seller has to change something, and asks again. */
        ACTION_REQUIRED,
        APPROVED,
        REJECTED,
        /** Taken back by the seller. */
        CANCELLED;

        /** Whether the operator has decided for good, or nobody wants to know any more. */
        public boolean isEnded() {
            return this != OPEN && this != ACTION_REQUIRED;
        }

        /** As written in JSON and the database. */
        public String wire() {
            return name().toLowerCase(Locale.ROOT).replace('_', '-');
        }

        public static Status ofWire(String wire) {
            for (Status status : values()) {
                if (status.wire().equals(wire)) {
                    return status;
                }
            }
            throw new IllegalArgumentException("must be open, action-required, approved, rejected or cancelled");
        }
    }

    /** Asked for anew, after something had to be changed. */
    Review again(Optional<String> newNote, String by, Instant at) {
        return new Review(
                id,
                productId,
                visibility,
                newNote,
                Status.OPEN,
                by,
                at,
                Optional.empty(),
                Optional.empty(),
                Optional.empty());
    }

    Review decided(Status decision, String by, Instant at, Optional<String> why) {
        return new Review(
                id,
                productId,
                visibility,
                note,
                decision,
                requestedBy,
                requestedAt,
                Optional.of(by),
                Optional.of(at),
                why);
    }

    public Map<String, Object> json() {
        return Json.object(
                "id",
                id,
                "product",
                productId,
                "visibility",
                visibility.name(),
                "note",
                note.orElse(null),
                "status",
                status.wire(),
                "requestedBy",
                requestedBy,
                "requestedAt",
                requestedAt,
                "decidedBy",
                decidedBy.orElse(null),
                "decidedAt",
                decidedAt.orElse(null),
                "reason",
                reason.orElse(null));
    }
}
