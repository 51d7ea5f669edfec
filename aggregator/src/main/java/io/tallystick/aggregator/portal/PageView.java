package io.tallystick.aggregator.portal;

import io.tallystick.common.model.Quantity;
import java.math.BigDecimal;
import java.text.DecimalFormat;
import java.text.DecimalFormatSymbols;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.List;
import java.util.Optional;

/**
 * What every template knows: the language, who is signed in, and how times and numbers are written. Times are UTC and
 * written the same in all languages, so that two people on the telephone read out the same.
 *
 * @param path of this page, without its query
 * @param here this page with its query, to come back to
 * @param notice what was just done
 */
public record PageView(
        Language language,
        Messages messages,
        Optional<String> email,
        Optional<String> accountName,
        List<String> sections,
        String path,
        String here,
        Optional<String> notice,
        String csrf,
        Assets assets) {
    private static final DateTimeFormatter MINUTE =
            DateTimeFormatter.ofPattern("yyyy-MM-dd HH:mm").withZone(ZoneOffset.UTC);
    private static final DateTimeFormatter DAY =
            DateTimeFormatter.ofPattern("yyyy-MM-dd").withZone(ZoneOffset.UTC);

    /** The text of a key. */
    public String t(String key, Object... parameters) {
        return messages.text(key, parameters);
    }

    /** The text for a word of ours, such as a status; the word itself where there is none. */
    public String word(String kind, String word) {
        return messages.find(kind + "." + word).orElse(word);
    }

    public String asset(String name) {
        return assets.path(name);
    }

    /** The path of a section of the menu. */
    public String section(String name) {
        return "/portal/" + name;
    }

    /** A section's name: what a seller calls its own is to an operator everybody's. */
    public String sectionName(String name) {
        boolean everybodys = name.equals("products") && accountName.isEmpty();
        return t(everybodys ? "nav.all-products" : "nav." + name);
    }

    public boolean isIn(String section) {
        String at = section(section);
        return path.equals(at) || path.startsWith(at + "/");
    }

    /** To the minute. */
    public String time(Instant instant) {
        return MINUTE.format(instant);
    }

    public String time(Optional<Instant> instant) {
        return instant.map(this::time).orElse("–");
    }

    public String day(Instant instant) {
        return DAY.format(instant);
    }

    public String quantity(Quantity quantity) {
        return number(quantity.value());
    }

    /** An amount with the decimals it was rounded to. */
    public String money(String amount) {
        BigDecimal value = new BigDecimal(amount);
        DecimalFormat format = new DecimalFormat("#,##0", DecimalFormatSymbols.getInstance(language.locale()));
        format.setMinimumFractionDigits(Math.max(0, value.scale()));
        format.setMaximumFractionDigits(Math.max(0, value.scale()));
        return format.format(value);
    }

    /** All digits that count, grouped as the language does. */
    public String number(BigDecimal number) {
        DecimalFormat format =
                new DecimalFormat("#,##0.#########", DecimalFormatSymbols.getInstance(language.locale()));
        return format.format(number);
    }
}
