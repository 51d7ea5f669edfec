package io.tallystick.common.error;

import java.util.Arrays;
import java.util.Locale;
import java.util.Optional;

/**
 * Every reason the system refuses something, as it appears on the wire ({@link #wire()}, kebab case). Codes are part
 * of the protocol: they are added, never renamed. What HTTP status a code becomes is decided once, at the edge.
 */
public enum ErrorCode {
    // Requests that are wrong whatever the state of the world.
    INVALID_REQUEST(Kind.INVALID, "The request is not well formed"),
    INVALID_JSON(Kind.INVALID, "The body is not the strict JSON the protocol asks for"),
    INVALID_JWS(Kind.INVALID, "The signed envelope breaks a rule of the protocol"),
    INVALID_SIGNATURE(Kind.UNAUTHENTICATED, "The signature does not verify"),
    INVALID_EVIDENCE(Kind.FORBIDDEN, "The identity evidence was refused"),
    STALE_REQUEST(Kind.UNAUTHENTICATED, "The request was signed too long ago or in the future"),
    STALE_COUNTER(Kind.CONFLICT, "The counter of this request was already used"),
    TOO_LARGE(Kind.TOO_LARGE, "The request is larger than the limit"),
    UNSUPPORTED_MEDIA_TYPE(Kind.UNSUPPORTED, "The content type is not the one this endpoint takes"),
    NOT_ACCEPTABLE(Kind.NOT_ACCEPTABLE, "None of the accepted content types can be produced"),

    // Who is asking.
    UNAUTHENTICATED(Kind.UNAUTHENTICATED, "A valid API token is needed"),
    FORBIDDEN(Kind.FORBIDDEN, "This role may not do that"),
    NOT_FOUND(Kind.NOT_FOUND, "There is no such thing, or not for you"),
    METHOD_NOT_ALLOWED(Kind.METHOD, "The resource does not have this method"),

    // State.
    CONFLICT(Kind.CONFLICT, "The request conflicts with what is there"),
    ALREADY_EXISTS(Kind.CONFLICT, "Something with this key is already there"),
    RESOURCE_IN_USE(Kind.CONFLICT, "An open change set holds this"),
    CONTESTED(Kind.CONFLICT, "Another key already speaks for this instance"),
    FORK(Kind.CONFLICT, "A batch with this number and other content is already stored"),
    GAP(Kind.CONFLICT, "A batch before this one is missing"),
    IDEMPOTENCY_CONFLICT(Kind.CONFLICT, "The idempotency key was used with other content"),
    NOT_CLOSED(Kind.CONFLICT, "The range reaches beyond the last finished posting run"),

    // Reasons a metering record is not added up (receipts, quarantine) or not taken by the agent.
    UNKNOWN_DIMENSION(Kind.INVALID, "The product has no such dimension"),
    UNKNOWN_PRODUCT(Kind.INVALID, "This instance does not carry that product code"),
    UNKNOWN_KEY_VERSION(Kind.INVALID, "The product has no registration key of that version"),
    OUT_OF_RANGE(Kind.INVALID, "The quantity or time is outside the allowed range"),
    TOO_LATE(Kind.INVALID, "The record is older than the product's late limit"),
    SLOT_TAKEN(Kind.CONFLICT, "The hour already holds another slot record for this dimension"),
    KIND_TAKEN(Kind.CONFLICT, "The hour belongs to the other kind of record for this dimension"),
    NO_AGREEMENT(Kind.FORBIDDEN, "No agreement covers this"),

    // Entitlement.
    NO_PRODUCT_CODE(Kind.FORBIDDEN, "The instance carries no product code"),
    PRODUCT_STAGING(Kind.FORBIDDEN, "The product is not published"),
    PRODUCT_LIMITED(Kind.FORBIDDEN, "The product is limited to an allow-list"),
    PRODUCT_RESTRICTED(Kind.FORBIDDEN, "The product takes no new agreements"),
    VERSION_RESTRICTED(Kind.FORBIDDEN, "The version is restricted"),
    VERSION_UNPUBLISHED(Kind.FORBIDDEN, "The version is unpublished"),
    EVIDENCE_TOO_WEAK(Kind.FORBIDDEN, "The product asks for stronger evidence"),
    METERING_STALLED(Kind.FORBIDDEN, "Leases were renewed without batches for too long"),
    ENROLLMENT_REVOKED(Kind.FORBIDDEN, "The enrollment was revoked"),
    DENIED(Kind.FORBIDDEN, "The instance is not entitled"),
    UNKNOWN(Kind.UNAVAILABLE, "Not known yet"),

    // The machine.
    RATE_LIMITED(Kind.LIMITED, "Too many requests"),
    OVERLOADED(Kind.LIMITED, "The service is at its limit"),
    STORAGE_FULL(Kind.UNAVAILABLE, "The state folder is full"),
    UNAVAILABLE(Kind.UNAVAILABLE, "The service cannot answer now"),
    INTERNAL(Kind.INTERNAL, "Something went wrong on our side");

    /** What sort of refusal a code is; the edge maps kinds, so a new code cannot be forgotten there. */
    public enum Kind {
        INVALID,
        UNAUTHENTICATED,
        FORBIDDEN,
        NOT_FOUND,
        METHOD,
        NOT_ACCEPTABLE,
        CONFLICT,
        TOO_LARGE,
        UNSUPPORTED,
        LIMITED,
        UNAVAILABLE,
        INTERNAL
    }

    private final Kind kind;
    private final String title;

    ErrorCode(Kind kind, String title) {
        this.kind = kind;
        this.title = title;
    }

    public Kind kind() {
        return kind;
    }

    /** One English sentence without a full stop, the same for every occurrence (RFC 9457 {@code title}). */
    public String title() {
        return title;
    }

    /** The code as it is written in JSON, for example {@code unknown-dimension}. */
    public String wire() {
        return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }

    /** The code written so, or empty for one this build does not know (a newer peer may send it). */
    public static Optional<ErrorCode> ofWire(String wire) {
        return Arrays.stream(values()).filter(c -> c.wire().equals(wire)).findFirst();
    }
}
