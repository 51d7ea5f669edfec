package io.tallystick.agent.enroll;

import io.tallystick.common.error.ErrorCode;
import io.tallystick.common.wire.Decision;
import java.time.Instant;
import java.util.Optional;

/** What vendor software is told about one product. */
public record Verdict(
        State state,
        Word word,
        Optional<String> product,
        boolean grace,
        Optional<String> code,
        Optional<String> sentence,
        Optional<String> remedy,
        Optional<String> thumbprint,
        Optional<String> lease,
        Optional<Instant> expiresAt,
        Optional<Long> retrySeconds) {

    /** The answer in one word. */
    public enum Word {
        ALLOW,
        DENY,
        UNKNOWN
    }

    static Verdict allow(State state, Optional<String> product, Grant grant, Instant expires) {
        Decision d = grant.decision();
        return new Verdict(
                state,
                Word.ALLOW,
                product,
                d.outcome() == Decision.Outcome.GRACE,
                d.code(),
                d.sentence(),
                d.remedy(),
                Optional.empty(),
                d.lease(),
                Optional.of(expires),
                Optional.empty());
    }

    static Verdict deny(State state, Optional<String> product, Standing.Trouble why, long retrySeconds) {
        return new Verdict(
                state,
                Word.DENY,
                product,
                false,
                Optional.of(why.code()),
                Optional.of(why.sentence()),
                Optional.of(why.remedy()),
                why.thumbprint(),
                Optional.empty(),
                Optional.empty(),
                Optional.of(retrySeconds));
    }

    static Verdict unknown(State state, Optional<String> product, String sentence, long retrySeconds) {
        return new Verdict(
                state,
                Word.UNKNOWN,
                product,
                false,
                Optional.of(ErrorCode.UNKNOWN.wire()),
                Optional.of(sentence),
                Optional.empty(),
                Optional.empty(),
                Optional.empty(),
                Optional.empty(),
                Optional.of(retrySeconds));
    }
}
