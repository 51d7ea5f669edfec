package io.tallystick.aggregator.account;

import io.tallystick.common.json.Fields;
import io.tallystick.common.json.Json;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Pattern;

/**
 * Whom to write to about an account's business.
 *
 * @param email in lower case, so that nobody gets two mails for two spellings
 * @param administrator administers the account's organisation
 */
public record Contact(String email, Language language, boolean administrator) {
    public static final int PER_ACCOUNT_MAX = 50;
    private static final int EMAIL_CHARS_MAX = 254;
    /** One @, no blanks, quotes or brackets: what a mail server takes without a second thought. */
    private static final Pattern EMAIL = Pattern.compile("[^@\\s\"<>(),;:\\\\\\p{Cntrl}]{1,64}@[a-z0-9.-]{1,189}");

    /** In which a contact reads its mails. */
    public enum Language {
        EN,
        FR;

        /** As written in JSON and the database. */
        public String wire() {
            return name().toLowerCase(Locale.ROOT);
        }

        public static Language ofWire(String wire) {
            for (Language language : values()) {
                if (language.wire().equals(wire)) {
                    return language;
                }
            }
            throw new IllegalArgumentException("must be en or fr");
        }
    }

    /** Reads {@code email}, {@code language} (English where it is not said) and {@code administrator}. */
    public static Contact read(Fields in) {
        return new Contact(
                in.parsed("email", Contact::checkEmail, "none"),
                in.optionalParsed("language", Language::ofWire).orElse(Language.EN),
                in.optionalBool("administrator").orElse(false));
    }

    private static String checkEmail(String email) {
        String lower = email.toLowerCase(Locale.ROOT);
        if (lower.length() > EMAIL_CHARS_MAX || !EMAIL.matcher(lower).matches()) {
            throw new IllegalArgumentException("must be an address such as ops@example.com");
        }
        return lower;
    }

    public Map<String, Object> json() {
        return Json.object("email", email, "language", language.wire(), "administrator", administrator);
    }
}
