package io.tallystick.aggregator.catalog;

import io.tallystick.common.json.Json;
import java.time.Instant;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * A region or an instance type that a product is offered in. A product without any of a kind at a cloud is offered in all
 * of them.
 *
 * @param restrictedAt from when on it takes nobody new; those who subscribed before go on there
 */
public record Place(Kind kind, String cloud, String name, Optional<Instant> restrictedAt) {
    public static final int NAME_CHARS_MAX = 64;
    private static final Pattern NAME = Pattern.compile("[-a-zA-Z0-9._]{1,64}");

    /** What is named. */
    public enum Kind {
        REGION,
        INSTANCE_TYPE;

        /** As written in the database. */
        String wire() {
            return name().toLowerCase(Locale.ROOT).replace('_', '-');
        }

        static Kind ofWire(String wire) {
            return valueOf(wire.toUpperCase(Locale.ROOT).replace('-', '_'));
        }

        /** As sentences say it. */
        public String word() {
            return this == REGION ? "region" : "instance type";
        }
    }

    /** The name itself, or {@link IllegalArgumentException} with the rule. */
    public static String checkName(String name) {
        if (!NAME.matcher(name).matches()) {
            throw new IllegalArgumentException("must have 1 to 64 characters from letters, digits and -._");
        }
        return name;
    }

    public boolean isOpen() {
        return restrictedAt.isEmpty();
    }

    Map<String, Object> json() {
        return Json.object("cloud", cloud, "name", name, "restrictedAt", restrictedAt.orElse(null));
    }
}
