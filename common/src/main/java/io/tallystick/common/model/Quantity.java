package io.tallystick.common.model;

import java.math.BigDecimal;
import java.util.regex.Pattern;

/**
 * An amount of a dimension: exact, never negative, at most {@value #INTEGER_DIGITS_MAX} digits before and {@value
 * #SCALE_MAX} after the point, so that it always fits {@code NUMERIC(38,9)}. On the wire it is a plain decimal string
 * without sign, exponent or leading zeros; two quantities are equal when their values are, whatever their zeros.
 */
public record Quantity(BigDecimal value) implements Comparable<Quantity> {
    public static final int SCALE_MAX = 9;
    public static final int INTEGER_DIGITS_MAX = 29;
    private static final int CHARS_MAX = INTEGER_DIGITS_MAX + 1 + SCALE_MAX;
    private static final Pattern FORM =
            Pattern.compile("(0|[1-9][0-9]{0," + (INTEGER_DIGITS_MAX - 1) + "})(\\.[0-9]{1," + SCALE_MAX + "})?");

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
        if (text.length() > CHARS_MAX || !FORM.matcher(text).matches()) {
            throw new IllegalArgumentException("must be a decimal string such as 12 or 0.5, not negative, at most "
                    + INTEGER_DIGITS_MAX + " digits before and " + SCALE_MAX + " after the point");
        }
        return new Quantity(new BigDecimal(text));
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
