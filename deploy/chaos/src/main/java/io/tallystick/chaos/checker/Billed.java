package io.tallystick.chaos.checker;

import java.math.BigDecimal;

/**
 * One line of the bill.
 *
 * @param place run and line, as {@code 12.7}
 */
public record Billed(String place, String enrollment, String dimension, String hour, BigDecimal quantity) {}
