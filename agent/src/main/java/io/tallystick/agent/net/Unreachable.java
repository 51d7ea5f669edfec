package io.tallystick.agent.net;

import java.time.Duration;
import java.util.Optional;

/** Nobody answered, or nobody who may: network faults, 429, 5xx, answers that are not what was asked for. Try later. */
public final class Unreachable extends Exception {
    private static final long serialVersionUID = 1L;

    @SuppressWarnings("serial")
    private final Optional<Duration> retryAfter;

    public Unreachable(String message, Optional<Duration> retryAfter) {
        super(message, null, false, false);
        this.retryAfter = retryAfter;
    }

    public Unreachable(String message) {
        this(message, Optional.empty());
    }

    /** What the server asked for, bounded. */
    public Optional<Duration> retryAfter() {
        return retryAfter;
    }
}
