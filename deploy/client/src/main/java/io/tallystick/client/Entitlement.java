package io.tallystick.client;

import java.time.Duration;
import java.util.Optional;

/**
 * The agent's answer for one product. An {@link Decision#ALLOW} was verified; deny and unknown are the agent's word only,
 * as nobody gains by forging them.
 *
 * @param state the agent's state, such as {@code ENTITLED} or {@code CONTESTED}; for logs
 * @param grace allowed for now, and {@link #code()} says what must be mended before that ends
 * @param offline allowed by a lease that is still valid, while the aggregator cannot be reached
 * @param code why, as the agent wrote it; always there for deny and unknown
 * @param sentence for people
 * @param remedy what people can do
 * @param thumbprint of the agent's key, for the owner to approve where the state is {@code CONTESTED}
 * @param lease there exactly for {@link Decision#ALLOW}
 * @param retryAfter when to ask again: half of what is left of a lease, otherwise what the agent asks for
 */
public record Entitlement(
        Decision decision,
        String state,
        Optional<String> product,
        boolean grace,
        boolean offline,
        Optional<String> code,
        Optional<String> sentence,
        Optional<String> remedy,
        Optional<String> thumbprint,
        Optional<Lease> lease,
        Duration retryAfter) {

    /** The answer in one word. */
    public enum Decision {
        ALLOW,
        DENY,
        /** The agent has just started, or cannot reach the aggregator and has no valid lease. */
        UNKNOWN
    }

    public boolean allowed() {
        return decision == Decision.ALLOW;
    }

    /** The code as a constant; empty where there is none. */
    public Optional<Reason> reason() {
        return code.map(Reason::of);
    }

    /** One line for a log or a screen. */
    public String summary() {
        return decision + " (" + state + ")"
                + code.map(c -> " " + c).orElse("")
                + sentence.map(s -> ": " + s).orElse("")
                + remedy.map(r -> " " + r).orElse("");
    }
}
