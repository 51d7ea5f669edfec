package io.tallystick.agent.net;

import java.util.Optional;

/** An answer's status and body, and its {@code Retry-After} in seconds where it has one as a number. */
public record HttpReply(int status, String contentType, Optional<Long> retryAfterSeconds, byte[] body) {}
