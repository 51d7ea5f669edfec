package io.tallystick.agent.metadata;

import java.util.Locale;

/** Which cloud's metadata service to ask. */
public enum Cloud {
    /** Found out by how the service answers the request for a token. */
    AUTO,
    AWS,
    OUTSCALE;

    /** As in the settings. */
    public String setting() {
        return name().toLowerCase(Locale.ROOT);
    }

    /** The one written so; {@link IllegalArgumentException} names the choices. */
    public static Cloud ofSetting(String text) {
        for (Cloud cloud : values()) {
            if (cloud.setting().equals(text)) {
                return cloud;
            }
        }
        throw new IllegalArgumentException("must be auto, aws or outscale");
    }
}
