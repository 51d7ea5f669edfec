package io.tallystick.aggregator.agreement;

import io.tallystick.common.model.Hours;
import java.math.BigDecimal;
import java.math.RoundingMode;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.temporal.ChronoUnit;

/**
 * A year that instances were bought for, in whole hours of UTC: the hour is what usage is added up and covered in, so it is also
 * the unit that the rest of a term is measured in.
 *
 * @param start inclusive, on the hour
 * @param end exclusive, on the hour
 */
public record YearlyTerm(Instant start, Instant end) {
    /**
     * The year from this hour to the same hour of the same date a year on; what begins on 29 February ends on 28 February. So it
     * has 8,760 hours, or 8,784 where it holds a 29 February.
     */
    public static YearlyTerm from(Instant hour) {
        return new YearlyTerm(hour, hour.atOffset(ZoneOffset.UTC).plusYears(1).toInstant());
    }

    public long hours() {
        return ChronoUnit.HOURS.between(start, end);
    }

    /** How many hours are left from this one on. */
    public long hoursFrom(Instant hour) {
        return ChronoUnit.HOURS.between(hour, end);
    }

    /**
     * The share of a yearly amount for the hours that are left, rounded once, half up. Not negative; zero or more even where the
     * exact share is less than half of the smallest unit, so test the sign of the yearly amount.
     */
    public BigDecimal share(BigDecimal yearly, Instant hour, int places) {
        return yearly.multiply(BigDecimal.valueOf(hoursFrom(hour)))
                .divide(BigDecimal.valueOf(hours()), places, RoundingMode.HALF_UP);
    }

    /** The first hour that begins now or later: what is agreed during an hour holds from the next one on. */
    public static Instant firstHour(Instant now) {
        Instant hour = Hours.of(now);
        return hour.equals(now) ? hour : hour.plus(Hours.LENGTH);
    }
}
