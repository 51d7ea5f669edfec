package io.tallystick.common.model;

import java.util.Locale;

/** How much a proof of identity is worth, strongest first. A product says which level it accepts. */
public enum EvidenceLevel {
    /** Signed by the cloud itself. */
    ATTESTED,
    /** The cloud's API, asked by us, shows the instance and the enrolling key. */
    API_CONFIRMED,
    /** Unsigned metadata with a join code of the buyer. */
    CLAIMED;

    /** As written in JSON and in the database, for example {@code api-confirmed}. */
    public String wire() {
        return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }

    /** The level written so; {@link IllegalArgumentException} names the choices. */
    public static EvidenceLevel ofWire(String wire) {
        for (EvidenceLevel level : values()) {
            if (level.wire().equals(wire)) {
                return level;
            }
        }
        throw new IllegalArgumentException("must be attested, api-confirmed or claimed");
    }

    /** Whether this proof is enough where {@code accepted} is the weakest that is taken. */
    public boolean satisfies(EvidenceLevel accepted) {
        return compareTo(accepted) <= 0;
    }
}
