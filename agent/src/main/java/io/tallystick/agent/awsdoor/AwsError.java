package io.tallystick.agent.awsdoor;

import io.tallystick.common.error.Failure;

/**
 * A refusal as AWS's clients know it: a shape name, a message, a status. The name goes into the body as {@code __type},
 * because some clients read it nowhere else.
 */
final class AwsError extends RuntimeException {
    private static final long serialVersionUID = 1L;
    private static final int CLIENT = 400;
    private static final int CONFLICT = 409;
    private static final int SERVER = 500;

    private final String type;
    private final int status;

    private AwsError(String type, int status, String message) {
        // Expected, answered, and never logged with its stack.
        super(message, null, false, false);
        this.type = type;
        this.status = status;
    }

    /** A mistake of the caller's; clients do not try again. */
    static AwsError client(String type, String message) {
        return new AwsError(type, CLIENT, message);
    }

    static AwsError conflict(String message) {
        return new AwsError("IdempotencyConflictException", CONFLICT, message);
    }

    /** Something that passes; clients try again by themselves. */
    static AwsError later(String message) {
        return new AwsError("InternalServiceErrorException", SERVER, message);
    }

    static AwsError throttled(String message) {
        return client("ThrottlingException", message);
    }

    /** What a failure of the agent is to a client of AWS's. */
    static AwsError of(Failure f) {
        return switch (f.code()) {
            case IDEMPOTENCY_CONFLICT -> conflict(f.detail());
            case SLOT_TAKEN, KIND_TAKEN -> client("DuplicateRequestException", f.detail());
            case OVERLOADED, RATE_LIMITED -> throttled(f.detail());
            case TOO_LARGE -> new AwsError("RequestEntityTooLargeException", 413, f.detail());
            case FORBIDDEN, UNAUTHENTICATED -> new AwsError("AccessDeniedException", 403, f.detail());
            case INVALID_REQUEST, INVALID_JSON -> client("ValidationException", f.detail());
            // A compressed body: answered 500 it would come again and again.
            case UNSUPPORTED_MEDIA_TYPE -> client("SerializationException", f.detail());
            default -> later(f.detail());
        };
    }

    String type() {
        return type;
    }

    int status() {
        return status;
    }
}
