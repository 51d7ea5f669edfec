package io.tallystick.cloudsim;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.security.cert.CertificateEncodingException;
import java.time.Instant;
import java.util.Date;
import org.bouncycastle.asn1.ASN1EncodableVector;
import org.bouncycastle.asn1.DERSet;
import org.bouncycastle.asn1.cms.Attribute;
import org.bouncycastle.asn1.cms.AttributeTable;
import org.bouncycastle.asn1.cms.CMSAttributes;
import org.bouncycastle.asn1.cms.Time;
import org.bouncycastle.cms.CMSAttributeTableGenerator;
import org.bouncycastle.cms.CMSException;
import org.bouncycastle.cms.CMSProcessableByteArray;
import org.bouncycastle.cms.CMSSignedDataGenerator;
import org.bouncycastle.cms.DefaultSignedAttributeTableGenerator;
import org.bouncycastle.cms.jcajce.JcaSignerInfoGeneratorBuilder;
import org.bouncycastle.operator.OperatorCreationException;
import org.bouncycastle.operator.jcajce.JcaContentSignerBuilder;
import org.bouncycastle.operator.jcajce.JcaDigestCalculatorProviderBuilder;

/**
 * PKCS#7 SignedData as AWS serves it (marketplace reference 1.2, and the real vectors): indefinite-length BER around a
 * constructed content octet string, no certificates, one SignerInfo by issuer and serial, signed attributes
 * contentType, signingTime, messageDigest and, where asked for, the algorithm protection of RFC 6211.
 */
final class PkcsSigner {
    private PkcsSigner() {}

    static byte[] sign(
            RegionKey key, CloudCa.Form form, byte[] content, Instant signingTime, boolean algorithmProtection) {
        ASN1EncodableVector preset = new ASN1EncodableVector();
        preset.add(new Attribute(CMSAttributes.signingTime, new DERSet(new Time(Date.from(signingTime)))));
        CMSAttributeTableGenerator attributes = new DefaultSignedAttributeTableGenerator(new AttributeTable(preset));
        CMSAttributeTableGenerator wanted = algorithmProtection
                ? attributes
                : params -> attributes.getAttributes(params).remove(CMSAttributes.cmsAlgorithmProtect);
        try {
            CMSSignedDataGenerator generator = new CMSSignedDataGenerator();
            generator.addSignerInfoGenerator(
                    new JcaSignerInfoGeneratorBuilder(new JcaDigestCalculatorProviderBuilder().build())
                            .setSignedAttributeGenerator(wanted)
                            .build(
                                    new JcaContentSignerBuilder(form.signatureAlgorithm).build(key.privateKey()),
                                    key.certificate()));
            return generator
                    .generate(new CMSProcessableByteArray(content), true)
                    .getEncoded();
        } catch (OperatorCreationException | CMSException | CertificateEncodingException e) {
            throw new IllegalStateException("cannot sign with " + form, e);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
