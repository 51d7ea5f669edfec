package io.tallystick.aggregator.signing;

import com.amazon.corretto.crypto.provider.AmazonCorrettoCryptoProvider;
import com.amazon.corretto.crypto.provider.SelfTestStatus;
import java.security.KeyPairGenerator;
import java.security.NoSuchAlgorithmException;
import java.security.Provider;
import java.util.Optional;

/**
 * The Amazon Corretto Crypto Provider, where its native part loads and passes its own tests: Linux on x86-64. It is not
 * registered with the JVM, so TLS and certificates stay with the JDK's providers; who wants it asks here.
 */
public final class NativeCrypto {
    static final String NAME = "Amazon Corretto Crypto Provider";
    private static final Optional<Provider> PROVIDER = load();

    private NativeCrypto() {}

    /** The provider, if it has this. */
    static Optional<Provider> provider(String type, String algorithm) {
        return PROVIDER.filter(p -> p.getService(type, algorithm) != null);
    }

    /** For RSA keys: in Java one takes seconds where only the first compiler runs. */
    public static KeyPairGenerator rsaKeys() throws NoSuchAlgorithmException {
        Optional<Provider> here = provider("KeyPairGenerator", "RSA");
        return here.isPresent() ? KeyPairGenerator.getInstance("RSA", here.get()) : KeyPairGenerator.getInstance("RSA");
    }

    private static Optional<Provider> load() {
        AmazonCorrettoCryptoProvider provider = AmazonCorrettoCryptoProvider.INSTANCE;
        return provider.getLoadingError() == null && provider.runSelfTests() == SelfTestStatus.PASSED
                ? Optional.of(provider)
                : Optional.empty();
    }
}
