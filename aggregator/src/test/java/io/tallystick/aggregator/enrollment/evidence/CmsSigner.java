package io.tallystick.aggregator.enrollment.evidence;

import java.io.IOException;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.security.MessageDigest;
import java.security.Signature;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import org.bouncycastle.asn1.ASN1Encodable;
import org.bouncycastle.asn1.ASN1EncodableVector;
import org.bouncycastle.asn1.ASN1Integer;
import org.bouncycastle.asn1.ASN1ObjectIdentifier;
import org.bouncycastle.asn1.ASN1Sequence;
import org.bouncycastle.asn1.DERNull;
import org.bouncycastle.asn1.DEROctetString;
import org.bouncycastle.asn1.DERSequence;
import org.bouncycastle.asn1.DERSet;
import org.bouncycastle.asn1.DERTaggedObject;
import org.bouncycastle.asn1.DERUTCTime;
import org.bouncycastle.asn1.cms.CMSAttributes;
import org.bouncycastle.asn1.cms.CMSObjectIdentifiers;
import org.bouncycastle.asn1.nist.NISTObjectIdentifiers;
import org.bouncycastle.asn1.pkcs.PKCSObjectIdentifiers;

/**
 * One SignerInfo, honest by default and bent field by field: a document maker for tests that can lie about everything.
 * Written against RFC 5652, not against the verifier.
 */
final class CmsSigner {
    private final KeyPair keys;
    private String digest = "SHA-256";
    private ASN1ObjectIdentifier digestOid = NISTObjectIdentifiers.id_sha256;
    private ASN1ObjectIdentifier signatureOid = PKCSObjectIdentifiers.sha256WithRSAEncryption;
    private String signature = "SHA256withRSA";
    private boolean nullParameters = true;
    private boolean withoutAttributes;
    private byte[] fixedSignature = new byte[0];
    private final List<ASN1Encodable> unsigned = new ArrayList<>();
    private Consumer<List<ASN1Encodable>> attributes = list -> {};

    CmsSigner(KeyPair keys) {
        this.keys = keys;
    }

    CmsSigner digest(String name, ASN1ObjectIdentifier oid) {
        this.digest = name;
        this.digestOid = oid;
        return this;
    }

    CmsSigner signature(String name, ASN1ObjectIdentifier oid) {
        this.signature = name;
        this.signatureOid = oid;
        return this;
    }

    /** The shape AWS wrote in 2026; NULL, the default, is that of 2021. */
    CmsSigner absentParameters() {
        this.nullParameters = false;
        return this;
    }

    /** Changes the list of attributes before they are signed. */
    CmsSigner attributes(Consumer<List<ASN1Encodable>> change) {
        this.attributes = change;
        return this;
    }

    /** Signs the content itself. */
    CmsSigner withoutAttributes() {
        this.withoutAttributes = true;
        return this;
    }

    CmsSigner fixedSignature(byte[] bytes) {
        this.fixedSignature = bytes.clone();
        return this;
    }

    CmsSigner unsigned(ASN1Encodable attribute) {
        this.unsigned.add(attribute);
        return this;
    }

    static ASN1Sequence attribute(ASN1ObjectIdentifier type, ASN1Encodable... values) {
        return new DERSequence(new ASN1Encodable[] {type, new DERSet(values)});
    }

    static byte[] digest(String name, byte[] content) {
        try {
            return MessageDigest.getInstance(name).digest(content);
        } catch (GeneralSecurityException e) {
            throw new AssertionError(e);
        }
    }

    ASN1Sequence digestAlgorithm() {
        return algorithm(digestOid);
    }

    /** The DER bytes under the signature when there are attributes. */
    byte[] signedBytes(byte[] content) {
        try {
            return attributeSet(content).getEncoded("DER");
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    byte[] sign(byte[] bytes) {
        try {
            Signature signer = Signature.getInstance(signature);
            signer.initSign(keys.getPrivate());
            signer.update(bytes);
            return signer.sign();
        } catch (GeneralSecurityException e) {
            throw new AssertionError(e);
        }
    }

    ASN1Sequence info(byte[] content) {
        ASN1EncodableVector info = new ASN1EncodableVector();
        info.add(new ASN1Integer(1));
        info.add(new DERSequence(new ASN1Encodable[] {TestKeys.AWS_NAME, new ASN1Integer(TestKeys.SERIAL)}));
        info.add(digestAlgorithm());
        if (!withoutAttributes) {
            info.add(new DERTaggedObject(false, 0, attributeSet(content)));
        }
        info.add(algorithm(signatureOid));
        byte[] bytes =
                fixedSignature.length > 0 ? fixedSignature : sign(withoutAttributes ? content : signedBytes(content));
        info.add(new DEROctetString(bytes));
        if (!unsigned.isEmpty()) {
            info.add(new DERTaggedObject(false, 1, new DERSet(unsigned.toArray(ASN1Encodable[]::new))));
        }
        return new DERSequence(info);
    }

    private DERSet attributeSet(byte[] content) {
        List<ASN1Encodable> list = new ArrayList<>(List.of(
                attribute(CMSAttributes.contentType, CMSObjectIdentifiers.data),
                attribute(CMSAttributes.signingTime, new DERUTCTime("260216003828Z")),
                attribute(CMSAttributes.messageDigest, new DEROctetString(digest(digest, content)))));
        attributes.accept(list);
        return new DERSet(list.toArray(ASN1Encodable[]::new));
    }

    private ASN1Sequence algorithm(ASN1ObjectIdentifier oid) {
        return nullParameters
                ? new DERSequence(new ASN1Encodable[] {oid, DERNull.INSTANCE})
                : new DERSequence(new ASN1Encodable[] {oid});
    }
}
