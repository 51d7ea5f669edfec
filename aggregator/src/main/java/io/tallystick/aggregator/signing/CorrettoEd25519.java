package io.tallystick.aggregator.signing;

import io.tallystick.common.jose.Ed25519;
import java.security.GeneralSecurityException;
import java.security.PrivateKey;
import java.security.Provider;
import java.security.Signature;
import java.util.Optional;

/** Ed25519 with {@link NativeCrypto}. */
final class CorrettoEd25519 {
    private static final String ALGORITHM = "Ed25519";

    private final Provider provider;

    private CorrettoEd25519(Provider provider) {
        this.provider = provider;
    }

    /** Empty where it cannot be used. */
    static Optional<CorrettoEd25519> load() {
        return NativeCrypto.provider("Signature", ALGORITHM).map(CorrettoEd25519::new);
    }

    /** Thread-safe. */
    Ed25519.Signer signer(byte[] seed) {
        PrivateKey key = Ed25519.privateKey(seed);
        return message -> {
            try {
                Signature signature = Signature.getInstance(ALGORITHM, provider);
                signature.initSign(key);
                signature.update(message);
                return signature.sign();
            } catch (GeneralSecurityException e) {
                throw new IllegalStateException("Ed25519 signing failed", e);
            }
        };
    }

    /** Thread-safe. */
    boolean verify(byte[] publicKey, byte[] message, byte[] signature) {
        try {
            Signature verifier = Signature.getInstance(ALGORITHM, provider);
            verifier.initVerify(Ed25519.publicKey(publicKey));
            verifier.update(message);
            return signature.length == Ed25519.SIGNATURE_BYTES && verifier.verify(signature);
        } catch (GeneralSecurityException | RuntimeException e) {
            // Not a point on the curve, or no signature.
            return false;
        }
    }
}
