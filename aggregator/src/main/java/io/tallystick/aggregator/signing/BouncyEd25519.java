package io.tallystick.aggregator.signing;

import io.tallystick.common.jose.Ed25519;
import org.bouncycastle.crypto.params.Ed25519PrivateKeyParameters;
import org.bouncycastle.crypto.params.Ed25519PublicKeyParameters;
import org.bouncycastle.crypto.signers.Ed25519Signer;

/**
 * Ed25519 with Bouncy Castle's lightweight API: on the machines this was measured on it verifies eight times and signs
 * seventeen times faster than the JDK 17, and signature checks are what an ingesting aggregator does most.
 */
public final class BouncyEd25519 {
    private BouncyEd25519() {}

    /** Verifies; false for anything that does not, never an exception. */
    public static final Ed25519.SignatureVerifier VERIFIER = BouncyEd25519::verify;

    /** A signer with this 32-byte seed. */
    public static Ed25519.Signer signer(byte[] seed) {
        Ed25519PrivateKeyParameters key = new Ed25519PrivateKeyParameters(seed);
        return message -> {
            Ed25519Signer signer = new Ed25519Signer();
            signer.init(true, key);
            signer.update(message, 0, message.length);
            return signer.generateSignature();
        };
    }

    /** The public key of a seed. */
    public static byte[] publicKey(byte[] seed) {
        return new Ed25519PrivateKeyParameters(seed).generatePublicKey().getEncoded();
    }

    private static boolean verify(byte[] publicKey, byte[] message, byte[] signature) {
        if (signature.length != Ed25519.SIGNATURE_BYTES) {
            return false;
        }
        Ed25519PublicKeyParameters key;
        try {
            key = new Ed25519PublicKeyParameters(publicKey);
        } catch (IllegalArgumentException e) {
            // Not a point on the curve.
            return false;
        }
        Ed25519Signer verifier = new Ed25519Signer();
        verifier.init(false, key);
        verifier.update(message, 0, message.length);
        return verifier.verifySignature(signature);
    }
}
