package io.tallystick.common.model;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class QuantityTest {
    private static final String LARGEST = "99999999999999999999999999999.999999999";
    private static final BigInteger NANO = BigInteger.TEN.pow(Quantity.SCALE_MAX);

    @ParameterizedTest
    @ValueSource(
            strings = {
                "-1",
                "-0",
                "-0.0",
                "+1",
                "NaN",
                "Infinity",
                "-Infinity",
                "1e400",
                "1E2",
                "1e0",
                "0x10",
                "",
                " ",
                " 1",
                "1 ",
                "1\n",
                "\t1",
                ".5",
                "1.",
                "01",
                "00",
                "00.5",
                "1,5",
                "1_000",
                "1.2.3",
                "1.2x",
                "12 ",
                "00",
                "00.5",
                "１２",
                "١",
                "1d",
                "1f",
                "null",
                "0.0000000001",
                "1.0000000000",
                "--1",
                "1/2"
            })
    void a_text_that_is_no_plain_decimal_is_refused(String text) {
        IllegalArgumentException e = assertThrows(IllegalArgumentException.class, () -> Quantity.parse(text));
        assertTrue(String.valueOf(e.getMessage()).startsWith("must be a decimal string"), e.getMessage());
    }

    @Test
    void the_largest_quantity_is_taken_and_the_next_digit_refused() {
        assertEquals(LARGEST, Quantity.parse(LARGEST).toString());
        assertEquals("0.000000001", Quantity.parse("0.000000001").toString());
        assertThrows(IllegalArgumentException.class, () -> Quantity.parse("1" + "0".repeat(29)));
        assertThrows(IllegalArgumentException.class, () -> Quantity.parse("1" + "0".repeat(29) + ".0"));
        assertThrows(IllegalArgumentException.class, () -> Quantity.parse("9".repeat(100_000)));
        assertThrows(IllegalArgumentException.class, () -> Quantity.parse(LARGEST + "0"));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"-1", "-0.000000001", "1e29", "1e400", "1e2000000000", "1e2147483647", "1e-10", "1e-2147483647"})
    void a_number_outside_the_ledger_is_refused_without_writing_it_out(String text) {
        BigDecimal value = new BigDecimal(text);
        assertThrows(IllegalArgumentException.class, () -> new Quantity(value));
    }

    @ParameterizedTest
    @CsvSource({"1.0,1", "0.50,0.5", "0,0.000000000", "10,10.0", "100000,100000.00"})
    void quantities_are_equal_by_value_whatever_their_zeros(String a, String b) {
        assertEquals(Quantity.parse(a), Quantity.parse(b));
        assertEquals(Quantity.parse(a).hashCode(), Quantity.parse(b).hashCode());
        assertEquals(0, Quantity.parse(a).compareTo(Quantity.parse(b)));
        assertEquals(Quantity.parse(a).toString(), Quantity.parse(b).toString());
    }

    @Test
    void a_quantity_is_written_without_exponent_and_spare_zeros() {
        assertEquals("100", new Quantity(new BigDecimal("1e2")).toString());
        assertEquals("0.5", Quantity.parse("0.500000000").toString());
        assertEquals("0", Quantity.parse("0.0").toString());
        assertEquals("0.000000001", new Quantity(new BigDecimal("1e-9")).toString());
        assertEquals(new Quantity(new BigDecimal("1e2")), Quantity.of(100));
    }

    @Test
    void a_sum_beyond_the_ledger_throws_rather_than_wraps() {
        Quantity largest = Quantity.parse(LARGEST);
        assertThrows(IllegalArgumentException.class, () -> largest.plus(Quantity.parse("0.000000001")));
        assertEquals(largest, largest.plus(Quantity.ZERO));
        assertThrows(IllegalArgumentException.class, () -> Quantity.of(Long.MIN_VALUE));
        assertEquals("9223372036854775807", Quantity.of(Long.MAX_VALUE).toString());
    }

    @Test
    void what_was_sent_is_subtracted_down_to_zero_and_no_further() {
        assertEquals(Quantity.parse("0.1"), Quantity.parse("0.3").minusOrZero(Quantity.parse("0.2")));
        assertEquals(Quantity.ZERO, Quantity.ONE.minusOrZero(Quantity.ONE));
        assertEquals(Quantity.ZERO, Quantity.ONE.minusOrZero(Quantity.of(2)));
        assertTrue(Quantity.parse("0.000").isZero());
        assertNotEquals(Quantity.ZERO, Quantity.parse("0.000000001"));
    }

    /** The oracle counts in whole billionths, in integers, and never sees a decimal point. */
    @Test
    void ten_thousand_random_quantities_agree_with_integer_arithmetic() {
        Random random = new Random(20261121);
        BigInteger sum = BigInteger.ZERO;
        Quantity total = Quantity.ZERO;
        for (int i = 0; i < 10_000; i++) {
            BigInteger a = new BigInteger(random.nextInt(110), random);
            BigInteger b = new BigInteger(random.nextInt(110), random);
            Quantity qa = Quantity.parse(text(a, random));
            Quantity qb = Quantity.parse(text(b, random));
            assertEquals(a, nanos(qa));
            assertEquals(a.add(b), nanos(qa.plus(qb)));
            assertEquals(a.subtract(b).max(BigInteger.ZERO), nanos(qa.minusOrZero(qb)));
            assertEquals(Integer.signum(a.compareTo(b)), Integer.signum(qa.compareTo(qb)));
            assertEquals(a.equals(b), qa.equals(qb));
            assertEquals(qa, Quantity.parse(qa.toString()));
            sum = sum.add(a);
            total = total.plus(qa);
        }
        assertEquals(sum, nanos(total));
    }

    private static BigInteger nanos(Quantity q) {
        return q.value().multiply(new BigDecimal(NANO)).toBigIntegerExact();
    }

    /** A wire form of this many billionths, with a random number of the spare zeros it may have. */
    private static String text(BigInteger nanos, Random random) {
        BigInteger[] parts = nanos.divideAndRemainder(NANO);
        String fraction = String.format("%09d", parts[1].intValueExact());
        String shortest = fraction.replaceAll("0+$", "");
        int digits = shortest.length() + random.nextInt(fraction.length() - shortest.length() + 1);
        return digits == 0 ? parts[0].toString() : parts[0] + "." + fraction.substring(0, digits);
    }
}
