package io.tallystick.common.wire;

import io.tallystick.common.error.ErrorCode;
import io.tallystick.common.json.Fields;
import io.tallystick.common.json.Json;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;

/**
 * The answer for one product code of an instance.
 *
 * @param lease the compact {@code lease+jwt}; present exactly for ALLOW and GRACE
 * @param code for GRACE and DENY the reason, one of {@link ErrorCode}'s
 * @param sentence for GRACE and DENY what a vendor can show to people
 * @param remedy who can do what about it
 */
public record Decision(
        String product,
        Outcome outcome,
        Optional<String> lease,
        Optional<String> code,
        Optional<String> sentence,
        Optional<String> remedy) {

    /** GRACE allows, and says that something must be mended. */
    public enum Outcome {
        ALLOW,
        GRACE,
        DENY
    }

    /** How soon a denied agent asks again, before jitter. */
    public static final Duration DENIED_RETRY = Duration.ofSeconds(30);

    private static final int LEASE_CHARS_MAX = 8 * 1024;
    private static final int TEXT_CHARS_MAX = 1000;

    public static Decision deny(String product, ErrorCode code, String sentence, String remedy) {
        return new Decision(
                product,
                Outcome.DENY,
                Optional.empty(),
                Optional.of(code.wire()),
                Optional.of(sentence),
                Optional.of(remedy));
    }

    Map<String, Object> toJson() {
        return Json.object(
                "product",
                product,
                "decision",
                outcome,
                "lease",
                lease.orElse(null),
                "code",
                code.orElse(null),
                "sentence",
                sentence.orElse(null),
                "remedy",
                remedy.orElse(null));
    }

    static Decision read(Fields f) {
        Decision d = new Decision(
                f.string("product", Wire.PRODUCT_CODE_CHARS_MAX),
                f.parsed("decision", Decision::outcome, Outcome.DENY),
                f.optionalString("lease", LEASE_CHARS_MAX),
                f.optionalString("code", 64),
                f.optionalString("sentence", TEXT_CHARS_MAX),
                f.optionalString("remedy", TEXT_CHARS_MAX));
        if (d.lease.isPresent() == (d.outcome == Outcome.DENY)) {
            f.problem("lease", "must be there exactly for ALLOW and GRACE");
        }
        return d;
    }

    private static Outcome outcome(String text) {
        try {
            return Outcome.valueOf(text);
        } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException("must be ALLOW, GRACE or DENY", e);
        }
    }
}
