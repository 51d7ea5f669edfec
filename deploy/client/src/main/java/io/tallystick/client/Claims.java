package io.tallystick.client;

import io.tallystick.client.AnswerNotTrustedException.Why;
import java.math.BigDecimal;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** The members of a payload whose signature was verified. */
final class Claims {
    /** A lease may end between the agent's decision and its signature. */
    private static final Duration LEEWAY = Duration.ofSeconds(5);

    private final Map<String, @Nullable Object> members;

    Claims(byte[] payload) {
        try {
            this.members = Json.readObject(payload);
        } catch (IllegalArgumentException e) {
            throw new AnswerNotTrustedException(Why.MALFORMED, "a signed payload: " + e.getMessage(), e);
        }
    }

    String text(String name) {
        if (members.get(name) instanceof String text) {
            return text;
        }
        throw new AnswerNotTrustedException(Why.MALFORMED, "a signed payload has no " + name);
    }

    Optional<String> optional(String name) {
        return members.get(name) instanceof String text ? Optional.of(text) : Optional.empty();
    }

    Instant instant(String name) {
        try {
            return Instant.parse(text(name));
        } catch (DateTimeException e) {
            throw new AnswerNotTrustedException(Why.MALFORMED, name + " is not a time", e);
        }
    }

    private Instant seconds(String name) {
        if (members.get(name) instanceof BigDecimal number) {
            try {
                return Instant.ofEpochSecond(number.longValueExact());
            } catch (ArithmeticException | DateTimeException e) {
                throw new AnswerNotTrustedException(Why.MALFORMED, name + " is not a time", e);
            }
        }
        throw new AnswerNotTrustedException(Why.MALFORMED, "the lease has no " + name);
    }

    /** The thumbprint of the key that the lease was given to. */
    String confirmation() {
        if (members.get("cnf") instanceof Map<?, ?> cnf && cnf.get("jkt") instanceof String jkt) {
            return jkt;
        }
        throw new AnswerNotTrustedException(Why.MALFORMED, "the lease is bound to no key");
    }

    /**
     * The lease, if it holds at this time. That is the agent's, which it has from the aggregator: this VM's wall clock may
     * be wrong, and whoever could make the agent lie could also set the clock.
     */
    Lease lease(Instant now, String compact) {
        Instant expires = seconds("exp");
        Instant begins = seconds("nbf");
        if (now.isBefore(begins) || !now.isBefore(expires.plus(LEEWAY))) {
            throw new AnswerNotTrustedException(
                    Why.NOT_VALID_NOW, "the lease holds from " + begins + " to " + expires + ", and it is " + now);
        }
        String decision = text("decision");
        if (!decision.equals("ALLOW") && !decision.equals("GRACE")) {
            throw new AnswerNotTrustedException(Why.MALFORMED, "the lease decides " + decision);
        }
        return new Lease(
                text("iss"),
                text("sub"),
                text("aud"),
                seconds("iat"),
                expires,
                text("account"),
                text("instance"),
                text("product_id"),
                optional("version"),
                optional("version_status"),
                optional("notice"),
                now,
                compact);
    }
}
