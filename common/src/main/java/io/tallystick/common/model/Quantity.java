package io.tallystick.common.model;

import java.math.BigDecimal;

/**
 * An amount of a dimension: exact, never negative, at most {@value #INTEGER_DIGITS_MAX} digits before and {@value
 * #SCALE_MAX} after the point, so that it always fits {@code NUMERIC(38,9)}. On the wire it is a plain decimal string
 * without sign, exponent or leading zeros; two quantities are equal when their values are, whatever their zeros.
 */
public record Quantity(BigDecimal value) implements Comparable<Quantity> {
    public static final int SCALE_MAX = 9;
    public static final int INTEGER_DIGITS_MAX = 29;

    public static final Quantity ZERO = new Quantity(BigDecimal.ZERO);
    public static final Quantity ONE = new Quantity(BigDecimal.ONE);

    /** Refuses a negative value, more than nine places, and overflow, with {@link IllegalArgumentException}. */
    public Quantity {
        if (value.signum() < 0) {
            throw new IllegalArgumentException("a quantity must not be negative");
        }
        value = value.signum() == 0 ? BigDecimal.ZERO : value.stripTrailingZeros();
        if (value.scale() > SCALE_MAX) {
            throw new IllegalArgumentException("a quantity has at most " + SCALE_MAX + " decimal places");
        }
        // Before the exponent is written out: 1e2000000000 would take all memory to refuse.
        if ((long) value.precision() - value.scale() > INTEGER_DIGITS_MAX) {
            throw new IllegalArgumentException(
                    "a quantity has at most " + INTEGER_DIGITS_MAX + " digits before the point");
        }
        if (value.scale() < 0) {
            value = value.setScale(0);
        }
    }

    /** The wire form only: {@code 12}, {@code 0.5}; not {@code +1}, {@code 1e3}, {@code .5}, {@code 01} or {@code 1.}. */
    public static Quantity parse(String text) {
        if (!isWireForm(text)) {
            throw new IllegalArgumentException("must be a decimal string such as 12 or 0.5, not negative, at most "
                    + INTEGER_DIGITS_MAX + " digits before and " + SCALE_MAX + " after the point");
        }
        return new Quantity(new BigDecimal(text));
    }

    /** Digits without a leading zero, then perhaps a point and more; a pattern costs more than all else of a record. */
    private static boolean isWireForm(String text) {
        int whole = digits(text, 0);
        if (whole == 0 || whole > INTEGER_DIGITS_MAX || (whole > 1 && text.charAt(0) == '0')) {
            return false;
        }
        if (whole == text.length()) {
            return true;
        }
        int places = digits(text, whole + 1);
        return text.charAt(whole) == '.' && places > 0 && places <= SCALE_MAX && whole + 1 + places == text.length();
    }

    /** How many digits stand at a place. */
    private static int digits(String text, int from) {
        int end = from;
        while (end < text.length() && text.charAt(end) >= '0' && text.charAt(end) <= '9') {
            end++;
        }
        return end - from;
    }

    public static Quantity of(long value) {
        return new Quantity(BigDecimal.valueOf(value));
    }

    /** The sum; overflow beyond 29 integer digits throws rather than wraps. */
    public Quantity plus(Quantity other) {
        return new Quantity(value.add(other.value));
    }

    /** The difference, or zero where it would be negative: for "what was not sent yet", never for money. */
    public Quantity minusOrZero(Quantity other) {
        return compareTo(other) <= 0 ? ZERO : new Quantity(value.subtract(other.value));
    }

    public boolean isZero() {
        return value.signum() == 0;
    }

    @Override
    public int compareTo(Quantity other) {
        return value.compareTo(other.value);
    }

    @Override
    public String toString() {
        return value.toPlainString();
    }
}
