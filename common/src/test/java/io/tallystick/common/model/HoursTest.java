package io.tallystick.common.model;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Instant;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class HoursTest {
    @ParameterizedTest
    @CsvSource({
        "2026-11-21T20:00:00Z,2026-11-21T20:00:00Z",
        "2026-11-21T20:59:59.999999999Z,2026-11-21T20:00:00Z",
        "2026-11-21T21:00:00Z,2026-11-21T21:00:00Z",
        // The machine running this is half an hour off UTC: its hours must not show.
        "2026-03-08T07:29:59Z,2026-03-08T07:00:00Z",
        "1969-12-31T23:59:59.5Z,1969-12-31T23:00:00Z",
        "2028-02-29T00:00:00.000000001Z,2028-02-29T00:00:00Z"
    })
    void an_instant_belongs_to_the_utc_hour_it_lies_in(Instant instant, Instant hour) {
        assertEquals(hour, Hours.of(instant));
        assertEquals(instant.equals(hour), Hours.isStart(instant));
    }

    @Test
    void only_the_first_nanosecond_starts_an_hour() {
        Instant start = Instant.parse("2026-11-21T20:00:00Z");
        assertTrue(Hours.isStart(start));
        assertFalse(Hours.isStart(start.plusNanos(1)));
        assertFalse(Hours.isStart(start.minusNanos(1)));
        assertTrue(Hours.isStart(start.plus(Hours.LENGTH)));
    }
}
