package io.tallystick.aggregator.account;

import io.tallystick.aggregator.web.Caller;
import io.tallystick.aggregator.web.Role;
import io.tallystick.common.json.Json;
import java.time.Instant;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;

/** A person who signs in to the portal. The password's hash never leaves {@link Users}. */
public record User(
        String id,
        String email,
        Role role,
        Optional<String> accountId,
        Instant createdAt,
        Optional<Instant> disabledAt) {
    public static final int EMAIL_CHARS_MAX = 254;

    /** Enough to tell an address from a slip; whether it exists only a mail could show. */
    private static final Pattern EMAIL = Pattern.compile("[^\\s@,<>\"]{1,64}@[^\\s@,<>\"]{1,189}");

    /** The address in its one spelling, or {@link IllegalArgumentException} with the rule. */
    public static String checkEmail(String text) {
        String email = normalize(text);
        if (email.length() > EMAIL_CHARS_MAX || !EMAIL.matcher(email).matches()) {
            throw new IllegalArgumentException("must be an e-mail address");
        }
        return email;
    }

    /** The one spelling of an address as typed, without a look at its form. */
    static String normalize(String text) {
        return text.strip().toLowerCase(Locale.ROOT);
    }

    /** How this user acts in services. */
    public Caller caller() {
        return new Caller(id, role, accountId.orElse(null));
    }

    public Map<String, Object> json() {
        return Json.object(
                "id",
                id,
                "email",
                email,
                "role",
                role.wire(),
                "account",
                accountId.orElse(null),
                "createdAt",
                createdAt,
                "disabledAt",
                disabledAt.orElse(null));
    }
}
