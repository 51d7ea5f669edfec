package io.tallystick.client;

import org.jspecify.annotations.Nullable;

/**
 * No answer came, or one that is not the agent's. Whether usage was kept is not known then: with an idempotency key it is
 * safe to send it again, without one it may be counted twice.
 */
public final class AgentUnreachableException extends AgentException {
    private static final long serialVersionUID = 1;

    AgentUnreachableException(String message, @Nullable Throwable cause) {
        super(message, cause);
    }
}
