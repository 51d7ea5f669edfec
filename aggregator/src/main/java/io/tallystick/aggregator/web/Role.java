package io.tallystick.aggregator.web;

import java.util.Locale;

/** What a token may do. Sellers and buyers act for one account; operators and the billing job for none. */
public enum Role {
    OPERATOR,
    SELLER,
    BUYER,
    BILLING;

    /** Whether a token of this role belongs to an account. */
    public boolean hasAccount() {
        return this == SELLER || this == BUYER;
    }

    /** As written in JSON and the database, for example {@code operator}. */
    public String wire() {
        return name().toLowerCase(Locale.ROOT);
    }

    /** The role written so; {@link IllegalArgumentException} names the choices. */
    public static Role ofWire(String wire) {
        for (Role role : values()) {
            if (role.wire().equals(wire)) {
                return role;
            }
        }
        throw new IllegalArgumentException("must be operator, seller, buyer or billing");
    }
}
