package io.tallystick.aggregator.catalog;

import java.util.Set;

/** Who may use a product. Written in capitals everywhere, as both marketplaces do. */
public enum Visibility {
    /** Being prepared: the code is refused everywhere. */
    STAGING,
    /** For the seller and the accounts on the allow-list. */
    LIMITED,
    /** For everybody with an agreement. */
    PUBLIC,
    /** Takes no new agreements; those accepted before go on until they end. Final. */
    RESTRICTED;

    /** Whether an operator may move a product from here to there. Nothing goes back: buyers rely on what they saw. */
    public boolean mayBecome(Visibility next) {
        return next().contains(next);
    }

    /** Where a product may go from here. */
    public Set<Visibility> next() {
        return switch (this) {
            case STAGING -> Set.of(LIMITED);
            case LIMITED -> Set.of(PUBLIC, RESTRICTED);
            case PUBLIC -> Set.of(RESTRICTED);
            case RESTRICTED -> Set.of();
        };
    }

    public static Visibility ofWire(String wire) {
        for (Visibility visibility : values()) {
            if (visibility.name().equals(wire)) {
                return visibility;
            }
        }
        throw new IllegalArgumentException("must be STAGING, LIMITED, PUBLIC or RESTRICTED");
    }
}
