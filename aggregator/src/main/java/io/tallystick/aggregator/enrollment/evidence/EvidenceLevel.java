package io.tallystick.aggregator.enrollment.evidence;

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
}
