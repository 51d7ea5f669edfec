package io.tallystick.aggregator.signing;

import io.tallystick.common.jose.Ed25519;
import org.bouncycastle.crypto.params.Ed25519PrivateKeyParameters;
import org.bouncycastle.crypto.params.Ed25519PublicKeyParameters;
import org.bouncycastle.crypto.signers.Ed25519Signer;

/** Ed25519 with Bouncy Castle's lightweight API: plain Java, and several times as fast as that of JDK 17. */
final class BouncyEd25519 {
    static final String NAME = "Bouncy Castle";

    private BouncyEd25519() {}

    /** Verifies; false for anything that does not, never an exception. */
    static final Ed25519.SignatureVerifier VERIFIER = BouncyEd25519::verify;

    /** A signer with this 32-byte seed. */
    static Ed25519.Signer signer(byte[] seed) {
        Ed25519PrivateKeyParameters key = new Ed25519PrivateKeyParameters(seed);
        return message -> {
            Ed25519Signer signer = new Ed25519Signer();
            signer.init(true, key);
            signer.update(message, 0, message.length);
            return signer.generateSignature();
        };
    }

    /** The public key of a seed. */
    static byte[] publicKey(byte[] seed) {
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
        return verifier.verifySignature(signature)
                && ((isOfPrimeOrder(publicKey) && isOfPrimeOrder(signature))
                        || Ed25519.JDK.verify(publicKey, message, signature));
    }

    /**
     * Whether the point these bytes begin with has no part of order 2, 4 or 8. Where the key and the signature's have none,
     * checking with the cofactor, as Bouncy Castle does, and without it, as others do, come to the same; where one has, which
     * only happens on purpose, the JDK decides.
     */
    private static boolean isOfPrimeOrder(byte[] point) {
        return org.bouncycastle.math.ec.rfc8032.Ed25519.validatePublicKeyFull(point, 0);
    }
}
