package io.tallystick.cloudsim;

import io.tallystick.common.error.ErrorCode;
import io.tallystick.common.error.Failure;
import io.tallystick.common.json.Fields;
import io.tallystick.common.json.Json;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * One way in which a metadata service misbehaves for tests. Faults are not part of a VM's state: they end with the
 * simulation.
 *
 * @param pathPrefix only requests whose path starts so are hit, for example {@code /latest/api/token}
 * @param times how many requests are hit before the fault is over; 0 means until faults are set anew
 * @param delay for {@link Kind#SLOW}: real time, whatever the simulation's clock does
 * @param status for {@link Kind#ERROR} and {@link Kind#THROTTLE}
 * @param bytes for {@link Kind#HUGE}
 * @param text for {@link Kind#REDIRECT} the location, for {@link Kind#REPLACE} the body
 */
public record Fault(Kind kind, String pathPrefix, int times, Duration delay, int status, long bytes, String text) {
    /** What happens instead of the right answer. */
    public enum Kind {
        /** The right answer, late. */
        SLOW,
        /** A status of 400 to 599, 500 unless said. */
        ERROR,
        /** The connection is taken and nothing ever comes back. */
        HANG,
        /** 200 and an endless-looking body of unannounced length. */
        HUGE,
        /** 302 to somewhere else. */
        REDIRECT,
        /** 429 or another status by which a service asks for patience. */
        THROTTLE,
        /** 200 and a body of the test's choice: a lying metadata service. */
        REPLACE;

        String wire() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    static final int COUNT_MAX = 32;
    private static final int TIMES_MAX = 1_000_000;
    private static final Duration DELAY_MAX = Duration.ofMinutes(10);
    private static final long BYTES_MAX = 1L << 32;
    private static final int TEXT_CHARS_MAX = 32 * 1024;

    public Fault {
        if (times < 0 || delay.isNegative() || bytes < 0 || !pathPrefix.startsWith("/")) {
            throw Failure.of(
                    ErrorCode.INVALID_REQUEST, "a fault has a path from / on, and nothing negative: " + pathPrefix);
        }
    }

    public static Fault slow(Duration delay) {
        return new Fault(Kind.SLOW, "/", 0, delay, 0, 0, "");
    }

    public static Fault error(int status) {
        return new Fault(Kind.ERROR, "/", 0, Duration.ZERO, status, 0, "");
    }

    public static Fault hang() {
        return new Fault(Kind.HANG, "/", 0, Duration.ZERO, 0, 0, "");
    }

    public static Fault huge(long bytes) {
        return new Fault(Kind.HUGE, "/", 0, Duration.ZERO, 0, bytes, "");
    }

    public static Fault redirect(String location) {
        return new Fault(Kind.REDIRECT, "/", 0, Duration.ZERO, 0, 0, location);
    }

    public static Fault throttle() {
        return new Fault(Kind.THROTTLE, "/", 0, Duration.ZERO, 429, 0, "");
    }

    /** Another body under the paths that start so. */
    public static Fault replace(String pathPrefix, String body) {
        return new Fault(Kind.REPLACE, pathPrefix, 0, Duration.ZERO, 0, 0, body);
    }

    /** The same for these paths only. */
    public Fault at(String prefix) {
        return new Fault(kind, prefix, times, delay, status, bytes, text);
    }

    /** The same for the next {@code count} matching requests only. */
    public Fault times(int count) {
        return new Fault(kind, pathPrefix, count, delay, status, bytes, text);
    }

    Map<String, Object> json() {
        return Json.object(
                "kind", kind.wire(),
                "pathPrefix", pathPrefix,
                "times", times,
                "delay", delay,
                "status", status == 0 ? null : status,
                "bytes", bytes,
                "text", text.isEmpty() ? null : text);
    }

    /** Reads one fault. */
    static Fault read(Fields f) {
        Kind kind = f.parsed("kind", Fault::kind, Kind.ERROR);
        Duration delay = f.optionalDuration("delay").orElse(Duration.ZERO);
        if (delay.compareTo(DELAY_MAX) > 0) {
            f.problem("delay", "must be at most " + DELAY_MAX);
        }
        int status = f.optionalNumber("status", 400, 599)
                .orElse(kind == Kind.ERROR ? 500L : kind == Kind.THROTTLE ? 429L : 0L)
                .intValue();
        String prefix = f.optionalString("pathPrefix", VmInfo.TEXT_CHARS_MAX).orElse("/");
        if (!prefix.startsWith("/")) {
            f.problem("pathPrefix", "must start with /");
            prefix = "/";
        }
        String text = f.optionalString("text", TEXT_CHARS_MAX).orElse("");
        if (kind == Kind.REDIRECT && text.isEmpty()) {
            f.problem("text", "must be the location to redirect to");
        }
        return new Fault(
                kind,
                prefix,
                f.optionalNumber("times", 0, TIMES_MAX).orElse(0L).intValue(),
                delay,
                status,
                f.optionalNumber("bytes", 0, BYTES_MAX).orElse(0L),
                text);
    }

    static List<Fault> readAll(Fields f) {
        return f.objects("faults", COUNT_MAX).stream().map(Fault::read).toList();
    }

    private static Kind kind(String wire) {
        return Arrays.stream(Kind.values())
                .filter(k -> k.wire().equals(wire))
                .findFirst()
                .orElseThrow(() -> new IllegalArgumentException("must be one of "
                        + String.join(
                                ", ",
                                Arrays.stream(Kind.values()).map(Kind::wire).toList())));
    }
}
