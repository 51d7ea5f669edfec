package io.tallystick.aggregator.catalog;

import java.math.BigDecimal;
import java.util.regex.Pattern;

/** What one unit costs, before tax, in the offer's currency; a plain decimal string on the wire. */
final class UnitPrice {
    static final int INTEGER_DIGITS_MAX = 9;
    static final int SCALE_MAX = 9;
    private static final Pattern FORM =
            Pattern.compile("(0|[1-9][0-9]{0," + (INTEGER_DIGITS_MAX - 1) + "})(\\.[0-9]{1," + SCALE_MAX + "})?");

    private UnitPrice() {}

    /** Zero or more, never negative; {@link IllegalArgumentException} with the rule. */
    static BigDecimal parse(String text) {
        if (!FORM.matcher(text).matches()) {
            throw new IllegalArgumentException("must be a decimal string such as 0.15, not negative, at most "
                    + INTEGER_DIGITS_MAX + " digits before and " + SCALE_MAX + " after the point");
        }
        return new BigDecimal(text);
    }
}
