package io.tallystick.aggregator.app;

import java.io.IOException;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.math.BigInteger;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.KeyStore;
import java.security.cert.X509Certificate;
import java.time.Instant;
import java.util.Date;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;
import javax.security.auth.x500.X500Principal;
import org.bouncycastle.asn1.pkcs.PrivateKeyInfo;
import org.bouncycastle.asn1.sec.ECPrivateKey;
import org.bouncycastle.asn1.x509.BasicConstraints;
import org.bouncycastle.asn1.x509.Extension;
import org.bouncycastle.asn1.x509.GeneralName;
import org.bouncycastle.asn1.x509.GeneralNames;
import org.bouncycastle.cert.jcajce.JcaX509CertificateConverter;
import org.bouncycastle.cert.jcajce.JcaX509v3CertificateBuilder;
import org.bouncycastle.openssl.jcajce.JcaPEMWriter;
import org.bouncycastle.openssl.jcajce.JcaPKCS8Generator;
import org.bouncycastle.operator.OperatorCreationException;
import org.bouncycastle.operator.jcajce.JcaContentSignerBuilder;
import org.bouncycastle.util.io.pem.PemObject;

/** A throw-away authority for server certificates of 127.0.0.1. */
final class TestCertificates {
    /** A server's certificate with its key and its authority, as PEM. */
    record Server(X509Certificate certificate, String chainPem, String keyPem) {}

    private static final String AUTHORITY = "CN=Test authority";
    private static final long LIFE_SECONDS = 1_000_000;

    private final KeyPair key;
    private final X509Certificate certificate;
    private long serial;

    TestCertificates() {
        try {
            key = newKey();
            certificate =
                    sign(AUTHORITY, key, key, AUTHORITY, true, Instant.now().plusSeconds(LIFE_SECONDS));
        } catch (GeneralSecurityException | IOException | OperatorCreationException e) {
            throw new IllegalStateException(e);
        }
    }

    X509Certificate certificate() {
        return certificate;
    }

    /** A client's side that trusts this authority and no other. */
    SSLContext trusting() {
        try {
            KeyStore trusted = KeyStore.getInstance(KeyStore.getDefaultType());
            trusted.load(null);
            trusted.setCertificateEntry("authority", certificate);
            TrustManagerFactory trust = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
            trust.init(trusted);
            SSLContext context = SSLContext.getInstance("TLS");
            context.init(null, trust.getTrustManagers(), null);
            return context;
        } catch (GeneralSecurityException | IOException e) {
            throw new IllegalStateException(e);
        }
    }

    Server server(String name, Instant until) {
        try {
            KeyPair pair = newKey();
            X509Certificate leaf = sign("CN=" + name, pair, key, AUTHORITY, false, until);
            return new Server(leaf, pem(leaf) + pem(certificate), pem(new JcaPKCS8Generator(pair.getPrivate(), null)));
        } catch (GeneralSecurityException | IOException | OperatorCreationException e) {
            throw new IllegalStateException(e);
        }
    }

    /** With the key as PKCS#1 or SEC 1, labelled {@code RSA PRIVATE KEY} or {@code EC PRIVATE KEY}. */
    Server serverWithOldKey(String algorithm) {
        try {
            KeyPair pair = newKey(algorithm, algorithm.equals("RSA") ? 2048 : 256);
            Instant until = Instant.now().plusSeconds(LIFE_SECONDS / 2);
            X509Certificate leaf = sign("CN=old key", pair, key, AUTHORITY, false, until);
            PrivateKeyInfo info = PrivateKeyInfo.getInstance(pair.getPrivate().getEncoded());
            byte[] inner;
            if (algorithm.equals("RSA")) {
                inner = info.parsePrivateKey().toASN1Primitive().getEncoded();
            } else {
                // Inside PKCS#8 the curve is named outside; alone it has to be inside.
                ECPrivateKey ec = ECPrivateKey.getInstance(info.parsePrivateKey());
                inner = new ECPrivateKey(
                                256, ec.getKey(), info.getPrivateKeyAlgorithm().getParameters())
                        .getEncoded();
            }
            return new Server(leaf, pem(leaf), pem(new PemObject(algorithm + " PRIVATE KEY", inner)));
        } catch (GeneralSecurityException | IOException | OperatorCreationException e) {
            throw new IllegalStateException(e);
        }
    }

    private static KeyPair newKey() throws GeneralSecurityException {
        return newKey("EC", 256);
    }

    private static KeyPair newKey(String algorithm, int bits) throws GeneralSecurityException {
        KeyPairGenerator generator = KeyPairGenerator.getInstance(algorithm);
        generator.initialize(bits);
        return generator.generateKeyPair();
    }

    private X509Certificate sign(
            String subject, KeyPair of, KeyPair by, String issuer, boolean authority, Instant until)
            throws GeneralSecurityException, IOException, OperatorCreationException {
        JcaX509v3CertificateBuilder builder = new JcaX509v3CertificateBuilder(
                new X500Principal(issuer),
                BigInteger.valueOf(++serial),
                Date.from(until.minusSeconds(2 * LIFE_SECONDS)),
                Date.from(until),
                new X500Principal(subject),
                of.getPublic());
        builder.addExtension(Extension.basicConstraints, true, new BasicConstraints(authority));
        if (!authority) {
            builder.addExtension(
                    Extension.subjectAlternativeName,
                    false,
                    new GeneralNames(new GeneralName(GeneralName.iPAddress, "127.0.0.1")));
        }
        return new JcaX509CertificateConverter()
                .getCertificate(builder.build(new JcaContentSignerBuilder("SHA256withECDSA").build(by.getPrivate())));
    }

    static String pem(Object object) {
        StringWriter text = new StringWriter();
        try (JcaPEMWriter writer = new JcaPEMWriter(text)) {
            writer.writeObject(object);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return text.toString();
    }
}
