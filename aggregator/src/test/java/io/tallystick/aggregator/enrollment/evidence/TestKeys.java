package io.tallystick.aggregator.enrollment.evidence;

import io.tallystick.aggregator.signing.NativeCrypto;
import java.math.BigInteger;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.cert.X509Certificate;
import java.time.Instant;
import java.util.Base64;
import java.util.Date;
import org.bouncycastle.asn1.x500.X500Name;
import org.bouncycastle.cert.jcajce.JcaX509CertificateConverter;
import org.bouncycastle.cert.jcajce.JcaX509v3CertificateBuilder;
import org.bouncycastle.operator.OperatorCreationException;
import org.bouncycastle.operator.jcajce.JcaContentSignerBuilder;

/** Throw-away keys, made once per run, and certificates in the manner of AWS. */
final class TestKeys {
    static final X500Name AWS_NAME = new X500Name("C=US, ST=Washington State, L=Seattle, O=Amazon Web Services LLC");
    static final BigInteger SERIAL = new BigInteger("00B64BDE5AD00924CC", 16);
    static final Instant LONG_VALID = Instant.parse("2195-01-17T09:01:32Z");
    static final Instant EXPIRED = Instant.parse("2024-06-05T12:00:00Z");

    static final KeyPair US_WEST_2 = rsa(2048);
    static final KeyPair EU_WEST_1 = rsa(2048);
    static final KeyPair ATTACKER = rsa(2048);

    private TestKeys() {}

    static KeyPair rsa(int bits) {
        try {
            KeyPairGenerator generator = NativeCrypto.rsaKeys();
            generator.initialize(bits);
            return generator.generateKeyPair();
        } catch (GeneralSecurityException e) {
            throw new AssertionError(e);
        }
    }

    /** Self-signed under the name and serial number of the genuine one, whoever's key it is. */
    static X509Certificate certificate(KeyPair keys, Instant end) {
        return certificate(keys, end, "SHA256withRSA");
    }

    static X509Certificate certificate(KeyPair keys, Instant end, String algorithm) {
        try {
            return new JcaX509CertificateConverter()
                    .getCertificate(new JcaX509v3CertificateBuilder(
                                    AWS_NAME,
                                    SERIAL,
                                    Date.from(Instant.parse("2015-08-14T09:01:32Z")),
                                    Date.from(end),
                                    AWS_NAME,
                                    keys.getPublic())
                            .build(new JcaContentSignerBuilder(algorithm).build(keys.getPrivate())));
        } catch (GeneralSecurityException | OperatorCreationException e) {
            throw new AssertionError(e);
        }
    }

    static String pem(X509Certificate certificate) {
        try {
            return "-----BEGIN CERTIFICATE-----\n"
                    + Base64.getMimeEncoder(64, new byte[] {'\n'}).encodeToString(certificate.getEncoded())
                    + "\n-----END CERTIFICATE-----\n";
        } catch (GeneralSecurityException e) {
            throw new AssertionError(e);
        }
    }
}
