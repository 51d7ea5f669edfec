package io.tallystick.aggregator.enrollment.evidence;

import io.tallystick.common.model.Hash;
import java.security.PublicKey;
import java.security.cert.CertificateEncodingException;
import java.security.cert.X509Certificate;
import java.security.interfaces.RSAPublicKey;
import java.time.Instant;
import java.util.HexFormat;

/**
 * A pinned signing key of one region. The certificate is only its wrapping: the key is what is trusted, the expiry is
 * kept for warnings.
 *
 * @param sha256 fingerprint of the certificate, lower-case hex
 */
public record TrustAnchor(String region, RSAPublicKey key, Instant expiry, String sha256) {
    /** The only key length accepted. The 1024-bit keys of AWS are shared between regions and prove less. */
    public static final int KEY_BITS = 2048;

    public TrustAnchor {
        int bits = key.getModulus().bitLength();
        if (bits != KEY_BITS) {
            throw new IllegalArgumentException("must hold an RSA key of " + KEY_BITS + " bits, has " + bits);
        }
    }

    /** Throws {@link IllegalArgumentException} unless the certificate holds an RSA key of {@value #KEY_BITS} bits. */
    static TrustAnchor of(String region, X509Certificate certificate) {
        PublicKey key = certificate.getPublicKey();
        if (!(key instanceof RSAPublicKey rsa)) {
            throw new IllegalArgumentException("must hold an RSA key, has " + key.getAlgorithm());
        }
        try {
            return new TrustAnchor(
                    region,
                    rsa,
                    certificate.getNotAfter().toInstant(),
                    HexFormat.of().formatHex(Hash.of(certificate.getEncoded()).bytes()));
        } catch (CertificateEncodingException e) {
            throw new IllegalArgumentException("is no X.509 certificate", e);
        }
    }
}
