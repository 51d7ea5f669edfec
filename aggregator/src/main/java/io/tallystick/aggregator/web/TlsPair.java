package io.tallystick.aggregator.web;

import io.vertx.core.buffer.Buffer;
import io.vertx.core.net.KeyCertOptions;
import io.vertx.core.net.PemKeyCertOptions;
import java.io.IOException;
import java.io.StringReader;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.PrivateKey;
import java.security.PublicKey;
import java.security.Signature;
import java.security.cert.X509Certificate;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import org.bouncycastle.asn1.pkcs.PrivateKeyInfo;
import org.bouncycastle.cert.X509CertificateHolder;
import org.bouncycastle.cert.jcajce.JcaX509CertificateConverter;
import org.bouncycastle.openssl.PEMException;
import org.bouncycastle.openssl.PEMKeyPair;
import org.bouncycastle.openssl.PEMParser;
import org.bouncycastle.openssl.jcajce.JcaPEMKeyConverter;

/**
 * A server's certificate chain and the private key of its first certificate, checked against each other: a pair that was
 * read while only half of it had been replaced is refused here, not at the first handshake.
 */
public final class TlsPair {
    /** A chain longer than this is somebody's whole trust store. */
    public static final int CERTIFICATES_MAX = 10;

    private static final byte[] PROBE = "tallystick".getBytes(StandardCharsets.US_ASCII);
    private static final int PEM_LINE_CHARS = 64;

    private final List<X509Certificate> chain;
    private final PrivateKey key;

    private TlsPair(List<X509Certificate> chain, PrivateKey key) {
        this.chain = List.copyOf(chain);
        this.key = key;
    }

    /**
     * Reads PEM text: the chain with the server's own certificate first, and an unencrypted key as PKCS#8, PKCS#1 or SEC 1.
     * Other objects in the files are passed over, so one file may hold both. Throws {@link IllegalArgumentException} with a
     * sentence that begins with {@code the certificate file} or {@code the key file} and shows nothing of the key.
     */
    public static TlsPair parse(String certificatePem, String keyPem) {
        List<X509Certificate> chain = certificates(certificatePem);
        PrivateKey key = key(keyPem);
        for (int i = 0; i + 1 < chain.size(); i++) {
            if (!isSignedBy(chain.get(i), chain.get(i + 1).getPublicKey())) {
                throw new IllegalArgumentException("the certificate file has its chain out of order: certificate "
                        + (i + 1) + " is not signed by certificate " + (i + 2));
            }
        }
        if (!belongTogether(chain.get(0).getPublicKey(), key)) {
            throw new IllegalArgumentException("the key file does not hold the key of the first certificate");
        }
        return new TlsPair(chain, key);
    }

    /** When the first certificate of the chain to end ends. */
    public Instant notAfter() {
        return chain.stream()
                .map(c -> c.getNotAfter().toInstant())
                .min(Instant::compareTo)
                .orElseThrow();
    }

    /** Whom the server's own certificate names, for the log. */
    public String subject() {
        return chain.get(0).getSubjectX500Principal().getName();
    }

    KeyCertOptions options() {
        try {
            StringBuilder certificates = new StringBuilder();
            for (X509Certificate certificate : chain) {
                certificates.append(pem("CERTIFICATE", certificate.getEncoded()));
            }
            return new PemKeyCertOptions()
                    .setCertValue(Buffer.buffer(certificates.toString()))
                    .setKeyValue(Buffer.buffer(pem("PRIVATE KEY", key.getEncoded())));
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("it was parsed from its encoding", e);
        }
    }

    private static List<X509Certificate> certificates(String text) {
        List<X509Certificate> chain = new ArrayList<>();
        try (PEMParser parser = new PEMParser(new StringReader(text))) {
            for (Object object = parser.readObject(); object != null; object = parser.readObject()) {
                if (object instanceof X509CertificateHolder holder) {
                    chain.add(new JcaX509CertificateConverter().getCertificate(holder));
                }
            }
        } catch (IOException | GeneralSecurityException e) {
            throw new IllegalArgumentException("the certificate file is not well-formed PEM", e);
        }
        if (chain.isEmpty() || chain.size() > CERTIFICATES_MAX) {
            throw new IllegalArgumentException("the certificate file must hold 1 to " + CERTIFICATES_MAX
                    + " certificates in PEM, has " + chain.size());
        }
        return chain;
    }

    private static PrivateKey key(String text) {
        boolean other = false;
        try (PEMParser parser = new PEMParser(new StringReader(text))) {
            JcaPEMKeyConverter converter = new JcaPEMKeyConverter();
            for (Object object = parser.readObject(); object != null; object = parser.readObject()) {
                if (object instanceof PrivateKeyInfo info) {
                    return converter.getPrivateKey(info);
                }
                if (object instanceof PEMKeyPair pair) {
                    return converter.getPrivateKey(pair.getPrivateKeyInfo());
                }
                other = true;
            }
        } catch (PEMException e) {
            throw new IllegalArgumentException("the key file holds a key of a kind that is not supported", e);
        } catch (IOException e) {
            throw new IllegalArgumentException("the key file is not well-formed PEM", e);
        }
        throw new IllegalArgumentException(
                other ? "the key file holds no unencrypted private key" : "the key file holds no private key in PEM");
    }

    private static boolean isSignedBy(X509Certificate certificate, PublicKey issuer) {
        try {
            certificate.verify(issuer);
            return true;
        } catch (GeneralSecurityException e) {
            return false;
        }
    }

    private static boolean belongTogether(PublicKey open, PrivateKey secret) {
        String algorithm =
                switch (open.getAlgorithm()) {
                    case "RSA" -> "SHA256withRSA";
                    case "EC" -> "SHA256withECDSA";
                    case "EdDSA", "Ed25519" -> "Ed25519";
                    default ->
                        throw new IllegalArgumentException(
                                "the certificate file has a key of a kind that is not supported: "
                                        + open.getAlgorithm());
                };
        try {
            Signature signature = Signature.getInstance(algorithm);
            signature.initSign(secret);
            signature.update(PROBE);
            byte[] signed = signature.sign();
            signature.initVerify(open);
            signature.update(PROBE);
            return signature.verify(signed);
        } catch (GeneralSecurityException e) {
            return false;
        }
    }

    private static String pem(String label, byte[] der) {
        return "-----BEGIN " + label + "-----\n"
                + Base64.getMimeEncoder(PEM_LINE_CHARS, new byte[] {'\n'}).encodeToString(der) + "\n-----END " + label
                + "-----\n";
    }
}
