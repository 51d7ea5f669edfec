package io.tallystick.cloudsim;

import java.io.IOException;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.PrivateKey;
import java.security.SecureRandom;
import java.security.cert.X509Certificate;
import java.time.Instant;
import java.util.Date;
import javax.security.auth.x500.X500Principal;
import org.bouncycastle.asn1.DERPrintableString;
import org.bouncycastle.asn1.pkcs.PrivateKeyInfo;
import org.bouncycastle.asn1.x500.X500Name;
import org.bouncycastle.asn1.x500.X500NameBuilder;
import org.bouncycastle.asn1.x500.style.BCStyle;
import org.bouncycastle.asn1.x509.BasicConstraints;
import org.bouncycastle.asn1.x509.Extension;
import org.bouncycastle.asn1.x509.KeyUsage;
import org.bouncycastle.cert.X509CertificateHolder;
import org.bouncycastle.cert.jcajce.JcaX509CertificateConverter;
import org.bouncycastle.cert.jcajce.JcaX509ExtensionUtils;
import org.bouncycastle.cert.jcajce.JcaX509v3CertificateBuilder;
import org.bouncycastle.openssl.PEMParser;
import org.bouncycastle.openssl.jcajce.JcaPEMKeyConverter;
import org.bouncycastle.openssl.jcajce.JcaPEMWriter;
import org.bouncycastle.operator.OperatorCreationException;
import org.bouncycastle.operator.jcajce.JcaContentSignerBuilder;
import org.bouncycastle.util.io.pem.PemObject;

/** A private key with its self-signed certificate, as one PEM file. */
record RegionKey(PrivateKey privateKey, X509Certificate certificate) {
    /** Those of AWS's oldest RSA-2048 certificates: simulated clocks stay well inside. */
    private static final Instant NOT_BEFORE = Instant.parse("2015-08-14T09:01:32Z");

    private static final Instant NOT_AFTER = Instant.parse("2195-01-17T09:01:32Z");
    private static final int SERIAL_BITS = 64;

    static RegionKey make(CloudCa.Form form, SecureRandom random) {
        try {
            KeyPairGenerator generator = KeyPairGenerator.getInstance(form.keyAlgorithm);
            generator.initialize(form.keyBits, random);
            KeyPair pair = generator.generateKeyPair();
            // AWS's serial numbers are eight bytes with the top bit set.
            BigInteger serial = new BigInteger(SERIAL_BITS, random).setBit(SERIAL_BITS - 1);
            X500Name name = awsName();
            JcaX509ExtensionUtils extensions = new JcaX509ExtensionUtils();
            JcaX509v3CertificateBuilder builder = new JcaX509v3CertificateBuilder(
                    name, serial, Date.from(NOT_BEFORE), Date.from(NOT_AFTER), name, pair.getPublic());
            builder.addExtension(Extension.keyUsage, false, new KeyUsage(KeyUsage.digitalSignature));
            builder.addExtension(
                    Extension.subjectKeyIdentifier, false, extensions.createSubjectKeyIdentifier(pair.getPublic()));
            builder.addExtension(
                    Extension.authorityKeyIdentifier,
                    false,
                    extensions.createAuthorityKeyIdentifier(
                            pair.getPublic(), new X500Principal(name.getEncoded()), serial));
            builder.addExtension(Extension.basicConstraints, true, new BasicConstraints(0));
            X509CertificateHolder holder =
                    builder.build(new JcaContentSignerBuilder(form.signatureAlgorithm).build(pair.getPrivate()));
            return new RegionKey(pair.getPrivate(), new JcaX509CertificateConverter().getCertificate(holder));
        } catch (GeneralSecurityException | OperatorCreationException e) {
            throw new IllegalStateException("cannot make a " + form + " certificate", e);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    static RegionKey read(Path file) {
        try (PEMParser parser = new PEMParser(Files.newBufferedReader(file, StandardCharsets.US_ASCII))) {
            Object first = parser.readObject();
            Object second = parser.readObject();
            if (first instanceof PrivateKeyInfo key && second instanceof X509CertificateHolder certificate) {
                return new RegionKey(
                        new JcaPEMKeyConverter().getPrivateKey(key),
                        new JcaX509CertificateConverter().getCertificate(certificate));
            }
            throw new IllegalStateException(file + " must hold a private key and then its certificate");
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException(file + " holds a certificate that cannot be read", e);
        } catch (IOException e) {
            throw new UncheckedIOException(file + " cannot be read", e);
        }
    }

    /** The private key in PKCS#8, then the certificate. */
    String pem() {
        return pem(new PemObject("PRIVATE KEY", privateKey.getEncoded())) + pem(certificate);
    }

    /** One PEM block: a certificate, a key or a {@link PemObject}. */
    static String pem(Object object) {
        StringWriter text = new StringWriter();
        try (JcaPEMWriter writer = new JcaPEMWriter(text)) {
            writer.writeObject(object);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        // The PEM writer ends lines as the platform does.
        return text.toString().replace("\r\n", "\n");
    }

    /** The one name all of AWS's certificates have, in PrintableStrings as theirs. */
    private static X500Name awsName() {
        return new X500NameBuilder(BCStyle.INSTANCE)
                .addRDN(BCStyle.C, new DERPrintableString("US"))
                .addRDN(BCStyle.ST, new DERPrintableString("Washington State"))
                .addRDN(BCStyle.L, new DERPrintableString("Seattle"))
                .addRDN(BCStyle.O, new DERPrintableString("Amazon Web Services LLC"))
                .build();
    }
}
