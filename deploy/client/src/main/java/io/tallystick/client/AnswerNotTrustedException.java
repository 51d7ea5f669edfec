package io.tallystick.client;

import org.jspecify.annotations.Nullable;

/**
 * The answer says that this VM is entitled and does not prove it: a copied lease, another program on the agent's port, or
 * keys that this program does not know. Treat it as not entitled.
 */
public final class AnswerNotTrustedException extends AgentException {
    private static final long serialVersionUID = 1;

    private final Why why;

    /** Which proof failed. */
    public enum Why {
        /** The answer, the lease or the proof does not have the form it must have. */
        MALFORMED,
        /** There is no lease, or no signature over the nonce. */
        NO_PROOF,
        /** The lease is signed by a key that is not known to be the issuer's. */
        UNKNOWN_KEY,
        /** The lease's signature does not verify. */
        LEASE_SIGNATURE,
        /** The lease is another issuer's. */
        OTHER_ISSUER,
        /** The lease is for another product. */
        OTHER_PRODUCT,
        /** The lease has ended or not begun, by the time the agent signed. */
        NOT_VALID_NOW,
        /** Whoever answered does not hold the key that the lease was given to. */
        OTHER_KEY,
        /** The signature over nonce and lease does not verify. */
        PROOF_SIGNATURE,
        /** The proof is for another nonce: an old one, played again. */
        OTHER_NONCE,
        /** The proof is for another lease. */
        OTHER_LEASE
    }

    AnswerNotTrustedException(Why why, String message, @Nullable Throwable cause) {
        super(message, cause);
        this.why = why;
    }

    AnswerNotTrustedException(Why why, String message) {
        this(why, message, null);
    }

    public Why why() {
        return why;
    }
}
