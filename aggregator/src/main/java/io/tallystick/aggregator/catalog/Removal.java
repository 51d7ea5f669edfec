package io.tallystick.aggregator.catalog;

import io.tallystick.common.json.Fields;
import io.tallystick.common.json.Json;
import java.util.Map;
import java.util.Optional;

/**
 * Why a product is removed, and where its subscribers turn to (rule R14).
 *
 * @param contact an e-mail address
 * @param replacement the id of the product that one may take instead
 */
public record Removal(Optional<String> reason, Optional<String> contact, Optional<String> replacement) {
    private static final int TEXT_CHARS_MAX = 2000;
    private static final int ADDRESS_CHARS_MAX = 254;
    private static final int ID_CHARS_MAX = 64;

    public static Removal read(Fields in) {
        return new Removal(
                in.optionalString("reason", TEXT_CHARS_MAX),
                in.optionalParsed("contact", Removal::checkAddress),
                in.optionalString("replacement", ID_CHARS_MAX));
    }

    private static String checkAddress(String text) {
        if (text.length() > ADDRESS_CHARS_MAX || !text.matches("[^@\\s]+@[^@\\s]+")) {
            throw new IllegalArgumentException("must be an e-mail address");
        }
        return text;
    }

    public Map<String, Object> json() {
        return Json.object(
                "reason",
                reason.orElse(null),
                "contact",
                contact.orElse(null),
                "replacement",
                replacement.orElse(null));
    }
}
