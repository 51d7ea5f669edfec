package io.tallystick.aggregator.usage;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.tallystick.aggregator.usage.UsageReport.Bucket;
import io.tallystick.common.error.Failure;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class UsageWindowsTest {
    private static List<Long> hours(UsageWindows windows) {
        List<Long> hours = new ArrayList<>();
        for (int i = 0; i < windows.starts().size(); i++) {
            hours.add(
                    Duration.between(windows.starts().get(i), windows.endOf(i)).toHours());
        }
        return hours;
    }

    private static UsageWindows days(String zone, String from, String to) {
        ZoneId id = UsageReport.zone(zone);
        return UsageWindows.of(
                java.time.LocalDate.parse(from).atStartOfDay(id).toInstant(),
                java.time.LocalDate.parse(to).atStartOfDay(id).toInstant(),
                Bucket.DAY,
                id);
    }

    @ParameterizedTest
    @CsvSource({
        "Europe/Paris, 2026-03-28, 2026-03-31, 24 23 24",
        "Europe/Paris, 2026-10-24, 2026-10-27, 24 25 24",
        "Australia/Sydney, 2026-04-04, 2026-04-07, 24 25 24",
        // The clocks change at midnight: the day begins at one.
        "America/Santiago, 2026-09-05, 2026-09-08, 24 23 24",
        "UTC, 2026-03-28, 2026-03-31, 24 24 24",
    })
    void aDayHasTheHoursItHasWhereItIs(String zone, String from, String to, String hours) {
        assertEquals(
                hours,
                String.join(
                        " ",
                        hours(days(zone, from, to)).stream()
                                .map(String::valueOf)
                                .toList()));
    }

    @Test
    void aMonthBeginsAtItsZonesMidnight() {
        UsageWindows windows = UsageWindows.of(
                Instant.parse("2026-03-10T05:00:00Z"),
                Instant.parse("2026-05-02T00:00:00Z"),
                Bucket.MONTH,
                ZoneId.of("Europe/Paris"));
        assertEquals(
                List.of("2026-03-10T05:00:00Z", "2026-03-31T22:00:00Z", "2026-04-30T22:00:00Z"),
                windows.starts().stream().map(Instant::toString).toList());
        assertEquals(Instant.parse("2026-05-02T00:00:00Z"), windows.end());
    }

    @Test
    void anHourIsOneOfUtcWhereverOneIs() {
        UsageWindows windows = UsageWindows.of(
                Instant.parse("2026-03-10T05:00:00Z"),
                Instant.parse("2026-03-10T07:00:00Z"),
                Bucket.HOUR,
                ZoneId.of("Asia/Kolkata"));
        assertEquals(
                List.of("2026-03-10T05:00:00Z", "2026-03-10T06:00:00Z"),
                windows.starts().stream().map(Instant::toString).toList());
    }

    @ParameterizedTest
    @CsvSource({"HOUR, P32D", "DAY, P400D", "MONTH, P1100D"})
    void theRangeHasALimitForEachWindow(Bucket bucket, Duration max) {
        Instant from = Instant.parse("2026-01-01T00:00:00Z");
        assertTrue(UsageWindows.of(from, from.plus(max), bucket, ZoneOffset.UTC)
                        .starts()
                        .size()
                > 30);
        Instant beyond = from.plus(max).plusSeconds(3600);
        assertThrows(Failure.class, () -> UsageWindows.of(from, beyond, bucket, ZoneOffset.UTC));
        assertThrows(Failure.class, () -> UsageWindows.of(from, from, bucket, ZoneOffset.UTC));
    }
}
