package io.tallystick.aggregator.catalog;

import java.util.Locale;

/** How surely an instance is what it says, strongest first. */
public enum EvidenceLevel {
    /** Signed by the cloud. */
    ATTESTED,
    /** Confirmed by the cloud's API with a key of the owner's. */
    API_CONFIRMED,
    /** Unsigned metadata with a join code. */
    CLAIMED;

    /** Whether evidence of this level is enough where {@code required} is asked for. */
    public boolean satisfies(EvidenceLevel required) {
        return compareTo(required) <= 0;
    }

    /** As written in JSON and the database, for example {@code api-confirmed}. */
    public String wire() {
        return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }

    public static EvidenceLevel ofWire(String wire) {
        for (EvidenceLevel level : values()) {
            if (level.wire().equals(wire)) {
                return level;
            }
        }
        throw new IllegalArgumentException("must be attested, api-confirmed or claimed");
    }
}
