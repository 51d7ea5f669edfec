package io.tallystick.common.model;

import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;

/** The summing bucket: an hour of UTC, named by its start. There are no other time zones in the ledger. */
public final class Hours {
    public static final Duration LENGTH = Duration.ofHours(1);

    private Hours() {}

    /** The start of the hour this instant lies in; an instant on the hour starts it. */
    public static Instant of(Instant instant) {
        return instant.truncatedTo(ChronoUnit.HOURS);
    }

    public static boolean isStart(Instant instant) {
        return of(instant).equals(instant);
    }
}
