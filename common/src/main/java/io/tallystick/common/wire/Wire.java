package io.tallystick.common.wire;

import java.time.Duration;

/** Limits and paths of the protocol, each with its unit; both halves hold themselves and the other to them. */
public final class Wire {
    /** Records in one batch. */
    public static final int BATCH_RECORDS_MAX = 1_000;
    /** Allocations of one record (the AWS metering service's limit). */
    public static final int RECORD_ALLOCATIONS_MAX = 2_500;
    /** Bytes of any signed request body. */
    public static final int BODY_BYTES_MAX = 1024 * 1024;
    /** Bytes of an enrollment request: evidence is capped at 16 KiB before base64. */
    public static final int ENROLL_BYTES_MAX = 64 * 1024;

    public static final int DIMENSION_CHARS_MAX = 100;
    public static final int PRODUCT_CODE_CHARS_MAX = 255;
    public static final int PRODUCT_CODES_MAX = 16;
    public static final int NONCE_CHARS_MAX = 255;
    /** Stored batches one answer to a resume request carries. */
    public static final int RESUME_BATCHES_MAX = 50;
    /**
     * Bytes of the payload of an answer to a resume request, which bounds its batches too: as base64url it just fits the
     * longest string an envelope may hold. One batch of the largest body always fits.
     */
    public static final int RESUME_PAYLOAD_BYTES_MAX = 1536 * 1024;

    /** How far ahead of the receiver's clock a record's time may lie before it is clamped. */
    public static final Duration FUTURE_TOLERANCE = Duration.ofMinutes(5);
    /** How far before the instance's first pending time a record's time may lie before it is clamped. */
    public static final Duration PENDING_TOLERANCE = Duration.ofDays(1);

    /** Content type of every signed body, both ways (RFC 7515 section 9.2.2). */
    public static final String JOSE_JSON = "application/jose+json";

    public static final String ENROLLMENTS_PATH = "/v1/enrollments";

    private Wire() {}

    public static String leasePath(String enrollmentId) {
        return ENROLLMENTS_PATH + "/" + enrollmentId + "/lease";
    }

    public static String batchesPath(String enrollmentId) {
        return ENROLLMENTS_PATH + "/" + enrollmentId + "/batches";
    }

    public static String resumePath(String enrollmentId) {
        return ENROLLMENTS_PATH + "/" + enrollmentId + "/resume";
    }

    public static String registrationsPath(String enrollmentId) {
        return ENROLLMENTS_PATH + "/" + enrollmentId + "/registrations";
    }
}
