package io.tallystick.client;

import org.jspecify.annotations.Nullable;

/** What can go wrong with the agent; one of the three classes that extend it. */
public abstract class AgentException extends RuntimeException {
    private static final long serialVersionUID = 1;

    AgentException(String message, @Nullable Throwable cause) {
        super(message, cause);
    }
}
