package io.tallystick.cloudsim;

import java.util.Arrays;
import java.util.Locale;

/** The clouds there are, as enrollments and cloud accounts write them. */
public enum Cloud {
    AWS(17, "us-east-1", "m5.large"),
    /** No signed identity, no metadata tokens, and ids half as long. */
    OUTSCALE(8, "eu-west-2", "tinav5.c2r4p1");

    private final int idDigits;
    private final String defaultRegion;
    private final String defaultType;

    Cloud(int idDigits, String defaultRegion, String defaultType) {
        this.idDigits = idDigits;
        this.defaultRegion = defaultRegion;
        this.defaultType = defaultType;
    }

    /** Hex digits of an id after its prefix, for example {@code i-}. */
    int idDigits() {
        return idDigits;
    }

    String defaultRegion() {
        return defaultRegion;
    }

    String defaultType() {
        return defaultType;
    }

    /** As it is written in JSON, for example {@code outscale}. */
    public String wire() {
        return name().toLowerCase(Locale.ROOT);
    }

    static Cloud ofWire(String wire) {
        return Arrays.stream(values())
                .filter(c -> c.wire().equals(wire))
                .findFirst()
                .orElseThrow(() -> new IllegalArgumentException("must be aws or outscale"));
    }
}
