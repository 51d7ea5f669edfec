package io.tallystick.aggregator.enrollment.evidence;

import io.tallystick.common.error.ErrorCode;
import io.tallystick.common.error.Failure;
import java.util.Locale;

/**
 * The rules identity evidence can break. {@link #wire()} is the member {@code rule} of the refusal; ids are stable
 * because alerts and seller reports count them.
 */
public enum EvidenceRule {
    /** Longer than the cap, or empty. */
    SIZE,
    /** Neither base64 nor BER, or BER that does not parse. */
    ENCODING,
    /** Something follows the CMS structure. */
    TRAILING_BYTES,
    /** The outer structure is not CMS SignedData as RFC 5652 has it. */
    SIGNED_DATA,
    /** The signed content is not of type id-data, or the signed attribute contentType says something else. */
    CONTENT_TYPE,
    /** The document is not inside the CMS structure. */
    DETACHED,
    /** Not exactly one SignerInfo. */
    ONE_SIGNER,
    /** A digest other than SHA-256. */
    DIGEST_ALGORITHM,
    /** A signature algorithm other than RSA (PKCS #1 v1.5) with SHA-256. */
    SIGNATURE_ALGORITHM,
    /** A signature that no 2048-bit key can have made. */
    KEY_SIZE,
    /** Signed attributes missing, malformed or repeated. */
    SIGNED_ATTRIBUTES,
    /** The signed digest is not the digest of the content. */
    MESSAGE_DIGEST,
    /** The document is not the strict JSON object the protocol asks for. */
    STRICT_JSON,
    /** No trust anchor for the region the document claims. */
    UNKNOWN_REGION,
    /** No pinned key of the region made the signature. */
    PINNED_KEY,
    /** The verified document names another region than the one whose key verified it. */
    REGION_MISMATCH,
    /** A field of the verified document is missing or has the wrong form; the problems name each. */
    DOCUMENT_FIELDS,
    /** The plain document sent along is not, byte for byte, the signed one. */
    DOCUMENT_DIFFERS,
    /** The VM was started too long ago for its document to enroll it. */
    DOCUMENT_AGE;

    /** Kebab case, for example {@code one-signer}. */
    public String wire() {
        return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }

    /** The refusal of evidence that breaks this rule. */
    public Failure broken(String sentence) {
        return in(Failure.of(ErrorCode.INVALID_EVIDENCE, sentence));
    }

    Failure in(Failure failure) {
        return failure.with("rule", wire());
    }
}
