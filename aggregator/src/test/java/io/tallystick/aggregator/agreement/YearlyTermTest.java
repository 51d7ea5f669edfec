package io.tallystick.aggregator.agreement;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.tallystick.testkit.Rule;
import java.math.BigDecimal;
import java.time.Instant;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A year is a year of the calendar of UTC, counted in its hours. */
class YearlyTermTest {
    @ParameterizedTest
    @CsvSource({
        "2026-01-01T00:00:00Z, 2027-01-01T00:00:00Z, 8760",
        "2027-03-01T07:00:00Z, 2028-03-01T07:00:00Z, 8784",
        "2028-02-28T23:00:00Z, 2029-02-28T23:00:00Z, 8784",
        "2028-02-29T10:00:00Z, 2029-02-28T10:00:00Z, 8760",
        "2028-03-01T00:00:00Z, 2029-03-01T00:00:00Z, 8760",
        "2099-06-01T00:00:00Z, 2100-06-01T00:00:00Z, 8760",
    })
    void aTermIsAYearOfTheCalendarWithItsLeapDay(Instant start, Instant end, long hours) {
        YearlyTerm term = YearlyTerm.from(start);
        assertEquals(end, term.end());
        assertEquals(hours, term.hours());
        assertEquals(hours, term.hoursFrom(start));
        assertEquals(0, term.hoursFrom(end));
    }

    @ParameterizedTest
    @CsvSource({
        "2026-05-01T10:00:00Z, 2026-05-01T10:00:00Z",
        "2026-05-01T10:00:00.000001Z, 2026-05-01T11:00:00Z",
        "2026-05-01T10:59:59.999999Z, 2026-05-01T11:00:00Z",
    })
    void whatIsAgreedDuringAnHourHoldsFromTheNext(Instant now, Instant hour) {
        assertEquals(hour, YearlyTerm.firstHour(now));
    }

    /** The reference's examples; rounding each part of the second one would make it 547.94. */
    @ParameterizedTest
    @Rule("R33")
    @CsvSource({
        "3000, 219, 2, 1800.00",
        "2000, 100, 2, 547.95",
        "2000, 100, 0, 548",
        "2000, 100, 3, 547.945",
        "-600, 219, 2, -360.00",
        "0.01, 1, 2, 0.00",
        // Halves go up.
        "1.825, 1, 2, 0.01",
        "1.824999999, 1, 2, 0.00",
    })
    void theRestOfATermCostsItsShareRoundedOnce(BigDecimal yearly, int daysLeft, int places, String amount) {
        YearlyTerm term = YearlyTerm.from(Instant.parse("2026-01-01T00:00:00Z"));
        Instant hour = term.end().minusSeconds(daysLeft * 86_400L);
        assertEquals(amount, term.share(yearly, hour, places).toPlainString());
    }

    @Test
    @Rule("R33")
    void aDayOfALeapYearIsASmallerShare() {
        YearlyTerm leap = YearlyTerm.from(Instant.parse("2027-06-01T00:00:00Z"));
        assertEquals(
                "366.0000", leap.share(new BigDecimal("366"), leap.start(), 4).toPlainString());
        assertEquals(
                "1.0000",
                leap.share(new BigDecimal("366"), leap.end().minusSeconds(86_400), 4)
                        .toPlainString());
    }
}
