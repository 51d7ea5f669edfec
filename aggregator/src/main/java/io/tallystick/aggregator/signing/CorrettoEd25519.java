package io.tallystick.aggregator.signing;

import com.amazon.corretto.crypto.provider.AmazonCorrettoCryptoProvider;
import com.amazon.corretto.crypto.provider.SelfTestStatus;
import io.tallystick.common.jose.Ed25519;
import java.security.GeneralSecurityException;
import java.security.PrivateKey;
import java.security.Signature;
import java.util.Optional;

/**
 * Ed25519 with the Amazon Corretto Crypto Provider. It is not registered with the JVM: TLS and certificates stay with the
 * JDK's providers.
 */
final class CorrettoEd25519 {
    static final String NAME = "Amazon Corretto Crypto Provider";
    private static final String ALGORITHM = "Ed25519";

    private final AmazonCorrettoCryptoProvider provider;

    private CorrettoEd25519(AmazonCorrettoCryptoProvider provider) {
        this.provider = provider;
    }

    /** Empty where its native part cannot be loaded or fails its own tests. */
    static Optional<CorrettoEd25519> load() {
        AmazonCorrettoCryptoProvider provider = AmazonCorrettoCryptoProvider.INSTANCE;
        return provider.getLoadingError() == null
                        && provider.runSelfTests() == SelfTestStatus.PASSED
                        && provider.getService("Signature", ALGORITHM) != null
                ? Optional.of(new CorrettoEd25519(provider))
                : Optional.empty();
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
