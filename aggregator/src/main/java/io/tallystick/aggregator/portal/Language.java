package io.tallystick.aggregator.portal;

import java.util.List;
import java.util.Locale;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** The languages the portal speaks. */
public enum Language {
    ENGLISH(Locale.ENGLISH, "English"),
    FRENCH(Locale.FRENCH, "Français");

    private final Locale locale;
    private final String ownName;

    Language(Locale locale, String ownName) {
        this.locale = locale;
        this.ownName = ownName;
    }

    public Locale locale() {
        return locale;
    }

    /** As in HTML's {@code lang}. */
    public String tag() {
        return locale.getLanguage();
    }

    /** What its speakers call it. */
    public String ownName() {
        return ownName;
    }

    static Optional<Language> ofTag(@Nullable String tag) {
        for (Language language : values()) {
            if (language.tag().equals(tag)) {
                return Optional.of(language);
            }
        }
        return Optional.empty();
    }

    /** The best of {@code Accept-Language} (RFC 9110), English where that says nothing we understand. */
    static Language ofHeader(@Nullable String header) {
        if (header == null) {
            return ENGLISH;
        }
        try {
            List<Locale.LanguageRange> wanted = Locale.LanguageRange.parse(header);
            Locale best = Locale.lookup(wanted, List.of(Locale.ENGLISH, Locale.FRENCH));
            return ofTag(best == null ? null : best.getLanguage()).orElse(ENGLISH);
        } catch (IllegalArgumentException e) {
            return ENGLISH;
        }
    }
}
