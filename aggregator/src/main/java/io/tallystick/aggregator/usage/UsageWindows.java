package io.tallystick.aggregator.usage;

import io.tallystick.aggregator.usage.UsageReport.Bucket;
import io.tallystick.aggregator.web.Requests;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDate;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * The windows that usage is added up in: where each begins, and where the last ends. Days and months are those of a time
 * zone, so a day may have 23 or 25 hours. Usage is kept by the hour of UTC, and an hour belongs to the window it begins in;
 * in a zone whose offset is not whole hours that may be a few minutes more or less than a day.
 *
 * @param starts ascending
 * @param end of the last one
 */
record UsageWindows(List<Instant> starts, Instant end) {
    private static final Duration HOURS_MAX = UsageReport.HOURS_RANGE_MAX;
    private static final Duration DAYS_MAX = UsageReport.DAYS_RANGE_MAX;
    private static final Duration MONTHS_MAX = UsageReport.MONTHS_RANGE_MAX;

    UsageWindows {
        starts = List.copyOf(starts);
    }

    /** Those that meet the time from {@code from} until before {@code to}; the first and last are cut off at these bounds. */
    static UsageWindows of(Instant from, Instant to, Bucket bucket, ZoneId zone) {
        if (!from.isBefore(to)) {
            throw Requests.invalid("to", "must be after from");
        }
        Duration max =
                switch (bucket) {
                    case HOUR -> HOURS_MAX;
                    case DAY -> DAYS_MAX;
                    case MONTH -> MONTHS_MAX;
                };
        if (Duration.between(from, to).compareTo(max) > 0) {
            throw Requests.invalid(
                    "to", "must be within " + max.toDays() + " days of from for sums by the " + bucket.wire());
        }
        List<Instant> starts = new ArrayList<>();
        for (Instant at = from; at.isBefore(to); at = next(at, bucket, zone)) {
            starts.add(at);
        }
        return new UsageWindows(starts, to);
    }

    /** Where the window after the one that holds this moment begins. */
    private static Instant next(Instant at, Bucket bucket, ZoneId zone) {
        LocalDate day = LocalDate.ofInstant(at, zone);
        return switch (bucket) {
            case HOUR -> at.truncatedTo(ChronoUnit.HOURS).plus(1, ChronoUnit.HOURS);
            case DAY -> day.plusDays(1).atStartOfDay(zone).toInstant();
            case MONTH -> day.withDayOfMonth(1).plusMonths(1).atStartOfDay(zone).toInstant();
        };
    }

    Instant endOf(int window) {
        return window + 1 < starts.size() ? starts.get(window + 1) : end;
    }

    /** A zone of the time zone database, such as {@code Europe/Paris}, or UTC; else {@link IllegalArgumentException}. */
    static ZoneId zone(String name) {
        if (name.toUpperCase(Locale.ROOT).equals("UTC")) {
            return ZoneOffset.UTC;
        }
        try {
            if (ZoneId.getAvailableZoneIds().contains(name)) {
                return ZoneId.of(name);
            }
        } catch (DateTimeException e) {
            // Told below.
        }
        throw new IllegalArgumentException("must be UTC or a name of the time zone database such as Europe/Paris");
    }
}
