package io.tallystick.client;

import static io.tallystick.client.Reason.Action.MEND_CALL;
import static io.tallystick.client.Reason.Action.MEND_SETUP;
import static io.tallystick.client.Reason.Action.NOT_SENT;
import static io.tallystick.client.Reason.Action.RETRY;
import static io.tallystick.client.Reason.Action.TELL_OWNER;

import java.util.Locale;

/** Every reason code, with what a program does about it; docs/vendors.md says more of each. */
public enum Reason {
    INVALID_REQUEST(MEND_CALL),
    INVALID_JSON(MEND_CALL),
    INVALID_JWS(TELL_OWNER),
    INVALID_SIGNATURE(TELL_OWNER),
    INVALID_EVIDENCE(TELL_OWNER),
    STALE_REQUEST(TELL_OWNER),
    STALE_COUNTER(TELL_OWNER),
    TOO_LARGE(MEND_CALL),
    UNSUPPORTED_MEDIA_TYPE(MEND_CALL),
    NOT_ACCEPTABLE(NOT_SENT),
    UNAUTHENTICATED(MEND_SETUP),
    FORBIDDEN(MEND_SETUP),
    NOT_FOUND(MEND_SETUP),
    METHOD_NOT_ALLOWED(MEND_CALL),
    CONFLICT(TELL_OWNER),
    ALREADY_EXISTS(NOT_SENT),
    RESOURCE_IN_USE(NOT_SENT),
    CONTESTED(TELL_OWNER),
    FORK(TELL_OWNER),
    GAP(NOT_SENT),
    IDEMPOTENCY_CONFLICT(MEND_CALL),
    NOT_CLOSED(NOT_SENT),
    UNKNOWN_DIMENSION(MEND_CALL),
    UNKNOWN_PRODUCT(MEND_SETUP),
    UNKNOWN_KEY_VERSION(NOT_SENT),
    OUT_OF_RANGE(MEND_CALL),
    TOO_LATE(MEND_CALL),
    SLOT_TAKEN(MEND_CALL),
    KIND_TAKEN(MEND_CALL),
    NO_AGREEMENT(TELL_OWNER),
    NO_PRODUCT_CODE(TELL_OWNER),
    PRODUCT_STAGING(TELL_OWNER),
    PRODUCT_LIMITED(TELL_OWNER),
    PRODUCT_RESTRICTED(TELL_OWNER),
    VERSION_RESTRICTED(TELL_OWNER),
    VERSION_UNPUBLISHED(TELL_OWNER),
    EVIDENCE_TOO_WEAK(TELL_OWNER),
    METERING_STALLED(TELL_OWNER),
    ENROLLMENT_REVOKED(TELL_OWNER),
    DENIED(TELL_OWNER),
    UNKNOWN(RETRY),
    RATE_LIMITED(RETRY),
    OVERLOADED(RETRY),
    STORAGE_FULL(TELL_OWNER),
    UNAVAILABLE(RETRY),
    INTERNAL(RETRY),
    /** A code that this client is too old to know: go by the decision, or by the HTTP status. */
    UNRECOGNISED(TELL_OWNER);

    /** What a program does. */
    public enum Action {
        /** Nothing is wrong with the call: the same again, later. */
        RETRY,
        /** Show sentence and remedy to whoever runs the VM; go on asking, as what they do takes effect by itself. */
        TELL_OWNER,
        /** The program is wrong; the same call will never be taken. */
        MEND_CALL,
        /** The installation is wrong: address, token file, image. */
        MEND_SETUP,
        /** Between other parts of the system; a program on the VM never meets it. */
        NOT_SENT
    }

    private final Action action;

    Reason(Action action) {
        this.action = action;
    }

    public Action action() {
        return action;
    }

    /** The code as the agent writes it, such as {@code no-agreement}. */
    public String wire() {
        return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }

    /** The constant of a code; {@link #UNRECOGNISED} for one that is not listed here. */
    public static Reason of(String wire) {
        for (Reason r : values()) {
            if (r != UNRECOGNISED && r.wire().equals(wire)) {
                return r;
            }
        }
        return UNRECOGNISED;
    }
}
