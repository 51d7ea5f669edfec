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
 * One way in which a cloud's API misbehaves for tests. Faults end with the simulation.
 *
 * @param action the only action that is hit, for example {@code CopyImage}; empty for all
 * @param times how many requests are hit before the fault is over; 0 means until faults are set anew
 * @param delay by the simulation's clock. For {@link Kind#COPY_SLOW}: how much longer the copy is pending; for {@link
 *     Kind#STALE}: how far behind the answer is
 */
public record ApiFault(Cloud cloud, Kind kind, String action, int times, Duration delay) {
    /** What happens instead of the right answer. */
    public enum Kind {
        /** Refused for asking too often: {@code RequestLimitExceeded} (503), OUTSCALE code 24 (429). */
        THROTTLE,
        /** 500, and nothing was done. */
        ERROR,
        /** It is done, and the connection is cut before the answer. */
        LOST,
        /** It is done, and the answer is held back until the client hangs up or the faults are set anew. */
        HELD,
        /** It is done, and 500 comes instead of the answer. */
        ERROR_AFTER,
        /** A list is told as it was a while ago: what was made or started since is missing. */
        STALE,
        /** The copy is made, and ends {@code failed}. */
        COPY_FAILS,
        /** The copy is pending for longer. */
        COPY_SLOW;

        String wire() {
            return name().toLowerCase(Locale.ROOT).replace('_', '-');
        }

        private static Kind ofWire(String wire) {
            return Arrays.stream(values())
                    .filter(k -> k.wire().equals(wire))
                    .findFirst()
                    .orElseThrow(() -> new IllegalArgumentException("must be one of "
                            + String.join(
                                    ", ",
                                    Arrays.stream(values()).map(Kind::wire).toList())));
        }
    }

    static final int COUNT_MAX = 32;
    private static final int TIMES_MAX = 1_000_000;

    public ApiFault {
        if (times < 0 || delay.isNegative()) {
            throw Failure.of(ErrorCode.INVALID_REQUEST, "a fault has nothing negative");
        }
    }

    /** The next request with this action. */
    public static ApiFault once(Cloud cloud, Kind kind, String action) {
        return new ApiFault(cloud, kind, action, 1, Duration.ZERO);
    }

    public ApiFault times(int count) {
        return new ApiFault(cloud, kind, action, count, delay);
    }

    boolean hits(Cloud asked, String askedAction) {
        return cloud == asked && (action.isEmpty() || action.equals(askedAction));
    }

    Map<String, Object> json() {
        return Json.object(
                "cloud", cloud.wire(), "kind", kind.wire(), "action", action, "times", times, "delay", delay);
    }

    static List<ApiFault> readAll(Fields f) {
        return f.objects("faults", COUNT_MAX).stream().map(ApiFault::read).toList();
    }

    private static ApiFault read(Fields f) {
        return new ApiFault(
                f.parsed("cloud", Cloud::ofWire, Cloud.AWS),
                f.parsed("kind", Kind::ofWire, Kind.ERROR),
                f.optionalString("action", VmInfo.TEXT_CHARS_MAX).orElse(""),
                f.optionalNumber("times", 0, TIMES_MAX).orElse(0L).intValue(),
                f.optionalDuration("delay").orElse(Duration.ZERO));
    }
}
