package io.tallystick.aggregator.enrollment.evidence;

import io.tallystick.common.error.Failure;
import java.io.IOException;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.security.Signature;
import java.util.Enumeration;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.bouncycastle.asn1.ASN1Encodable;
import org.bouncycastle.asn1.ASN1Encoding;
import org.bouncycastle.asn1.ASN1InputStream;
import org.bouncycastle.asn1.ASN1Integer;
import org.bouncycastle.asn1.ASN1Null;
import org.bouncycastle.asn1.ASN1ObjectIdentifier;
import org.bouncycastle.asn1.ASN1OctetString;
import org.bouncycastle.asn1.ASN1Primitive;
import org.bouncycastle.asn1.ASN1Sequence;
import org.bouncycastle.asn1.ASN1Set;
import org.bouncycastle.asn1.ASN1TaggedObject;
import org.bouncycastle.asn1.BERTags;
import org.bouncycastle.asn1.cms.CMSAttributes;
import org.bouncycastle.asn1.cms.CMSObjectIdentifiers;
import org.bouncycastle.asn1.nist.NISTObjectIdentifiers;
import org.bouncycastle.asn1.pkcs.PKCSObjectIdentifiers;
import org.jspecify.annotations.Nullable;

/**
 * CMS SignedData (RFC 5652) reduced to what an AWS identity document is: one content of type id-data, one signer, SHA-256
 * and RSA. Everything that could lend trust is either checked or never looked at.
 *
 * <p>Read with Bouncy Castle's ASN.1 layer and not with its CMS layer: {@code CMSSignedData} resolves signers through the
 * certificates in the message, verifies all of zero signers happily and ignores what follows the structure, and each of
 * these has been somebody's hole. What is not looked at: embedded certificates and CRLs, the signer identifier (it is
 * the sender's word, and AWS re-certifies keys under new serial numbers), unsigned attributes, and every signed attribute
 * but the two below.
 */
final class SignedDocument {
    private static final int SIGNATURE_BYTES = TrustAnchor.KEY_BITS / Byte.SIZE;

    private final byte[] content;
    private final byte[] signedAttributes;
    private final byte[] signature;

    private SignedDocument(byte[] content, byte[] signedAttributes, byte[] signature) {
        this.content = content;
        this.signedAttributes = signedAttributes;
        this.signature = signature;
    }

    /** Takes the structure apart and checks all that needs no key; the content is still unverified afterwards. */
    static SignedDocument parse(byte[] ber) {
        try {
            return read(ber);
        } catch (Failure e) {
            throw e;
        } catch (IOException | RuntimeException e) {
            // Bouncy Castle reports malformed structures with many unchecked exceptions, and promises no list.
            throw EvidenceRule.ENCODING.broken("the PKCS #7 structure is not well-formed BER");
        }
    }

    private static SignedDocument read(byte[] ber) throws IOException {
        ASN1Sequence outer = sequence(single(ber), 2, 2, "ContentInfo");
        if (!CMSObjectIdentifiers.signedData.equals(at(outer, 0))) {
            throw EvidenceRule.SIGNED_DATA.broken("the PKCS #7 structure must be of type signedData");
        }
        ASN1Sequence signedData = sequence(explicit(at(outer, 1), 0, "ContentInfo"), 4, 6, "SignedData");
        integer(at(signedData, 0), "SignedData");
        ASN1Set digests = set(at(signedData, 1), "SignedData");
        if (digests.size() != 1) {
            throw EvidenceRule.DIGEST_ALGORITHM.broken(
                    "there must be exactly one digest algorithm, there are " + digests.size());
        }
        sha256(digests.getObjectAt(0));
        byte[] content = content(sequence(at(signedData, 2), 1, 2, "EncapsulatedContentInfo"));
        skipCertificatesAndCrls(signedData);
        ASN1Set signers = set(at(signedData, signedData.size() - 1), "SignedData");
        if (signers.size() != 1) {
            throw EvidenceRule.ONE_SIGNER.broken("there must be exactly one signer, there are " + signers.size());
        }
        return signer(signers.getObjectAt(0), content);
    }

    private static ASN1Primitive single(byte[] ber) throws IOException {
        try (ASN1InputStream in = new ASN1InputStream(ber)) {
            ASN1Primitive value = in.readObject();
            if (value == null) {
                throw EvidenceRule.ENCODING.broken("the PKCS #7 structure is empty");
            }
            if (in.read() >= 0) {
                throw EvidenceRule.TRAILING_BYTES.broken("there are bytes after the PKCS #7 structure");
            }
            return value;
        }
    }

    private static byte[] content(ASN1Sequence encapsulated) {
        if (!CMSObjectIdentifiers.data.equals(at(encapsulated, 0))) {
            throw EvidenceRule.CONTENT_TYPE.broken("the signed content must be of type id-data");
        }
        if (encapsulated.size() == 1) {
            throw EvidenceRule.DETACHED.broken("the document must be inside the PKCS #7 structure");
        }
        return octets(explicit(at(encapsulated, 1), 0, "EncapsulatedContentInfo"), "EncapsulatedContentInfo");
    }

    /** The optional [0] and [1] between content and signers: allowed to be there, never read. */
    private static void skipCertificatesAndCrls(ASN1Sequence signedData) {
        int lastTag = -1;
        for (int i = 3; i < signedData.size() - 1; i++) {
            int tag = contextTag(at(signedData, i));
            if (tag <= lastTag || tag > 1) {
                throw notSignedData("SignedData");
            }
            lastTag = tag;
        }
    }

    private static SignedDocument signer(ASN1Encodable encodable, byte[] content) throws IOException {
        ASN1Sequence signer = sequence(encodable, 5, 7, "SignerInfo");
        integer(at(signer, 0), "SignerInfo");
        sha256(at(signer, 2));
        if (contextTag(at(signer, 3)) != 0) {
            throw EvidenceRule.SIGNED_ATTRIBUTES.broken("the signed attributes are missing");
        }
        if (signer.size() < 6 || (signer.size() == 7 && contextTag(at(signer, 6)) != 1)) {
            throw notSignedData("SignerInfo");
        }
        ASN1Set attributes = ASN1Set.getInstance((ASN1TaggedObject) at(signer, 3), false);
        checkAttributes(attributes, content);
        rsa(at(signer, 4));
        byte[] signature = octets(at(signer, 5), "SignerInfo");
        if (signature.length != SIGNATURE_BYTES) {
            throw EvidenceRule.KEY_SIZE.broken("the signature must be made by an RSA key of " + TrustAnchor.KEY_BITS
                    + " bits, it has " + signature.length * (long) Byte.SIZE);
        }
        // What is signed is the DER encoding under the SET OF tag, however the attributes were sent (RFC 5652, 5.4).
        return new SignedDocument(content, attributes.getEncoded(ASN1Encoding.DER), signature);
    }

    private static void checkAttributes(ASN1Set attributes, byte[] content) {
        Set<ASN1ObjectIdentifier> seen = new HashSet<>();
        ASN1Encodable contentType = null;
        ASN1Encodable messageDigest = null;
        for (Enumeration<?> e = attributes.getObjects(); e.hasMoreElements(); ) {
            ASN1Sequence attribute = sequence((ASN1Encodable) e.nextElement(), 2, 2, "Attribute");
            if (!(at(attribute, 0) instanceof ASN1ObjectIdentifier type)) {
                throw notSignedData("Attribute");
            }
            if (!seen.add(type)) {
                throw EvidenceRule.SIGNED_ATTRIBUTES.broken("the signed attribute " + type + " is there twice");
            }
            ASN1Set values = set(at(attribute, 1), "Attribute");
            if (type.equals(CMSAttributes.contentType)) {
                contentType = theOnly(values, "contentType");
            } else if (type.equals(CMSAttributes.messageDigest)) {
                messageDigest = theOnly(values, "messageDigest");
            }
        }
        if (contentType == null || messageDigest == null) {
            throw EvidenceRule.SIGNED_ATTRIBUTES.broken(
                    "the signed attributes must have both contentType and messageDigest");
        }
        if (!CMSObjectIdentifiers.data.equals(contentType)) {
            throw EvidenceRule.CONTENT_TYPE.broken("the signed attribute contentType must be id-data");
        }
        if (!MessageDigest.isEqual(sha256Of(content), octets(messageDigest, "messageDigest"))) {
            throw EvidenceRule.MESSAGE_DIGEST.broken("the signed digest is not the digest of the document");
        }
    }

    private static ASN1Encodable theOnly(ASN1Set values, String attribute) {
        if (values.size() != 1) {
            throw EvidenceRule.SIGNED_ATTRIBUTES.broken(
                    "the signed attribute " + attribute + " must have exactly one value, it has " + values.size());
        }
        return values.getObjectAt(0).toASN1Primitive();
    }

    /** The embedded bytes as the sender wrote them, for choosing the key and nothing else. */
    byte[] unverifiedContent() {
        return content.clone();
    }

    /** The anchor whose key made the signature, or {@code null}. Certificates and their dates play no part. */
    @Nullable
    TrustAnchor signedBy(List<TrustAnchor> anchors) {
        for (TrustAnchor anchor : anchors) {
            if (verifies(anchor)) {
                return anchor;
            }
        }
        return null;
    }

    private boolean verifies(TrustAnchor anchor) {
        try {
            Signature verifier = Signature.getInstance("SHA256withRSA");
            verifier.initVerify(anchor.key());
            verifier.update(signedAttributes);
            return verifier.verify(signature);
        } catch (GeneralSecurityException e) {
            return false;
        }
    }

    private static void sha256(ASN1Encodable algorithm) {
        if (!isAlgorithm(algorithm, NISTObjectIdentifiers.id_sha256)) {
            throw EvidenceRule.DIGEST_ALGORITHM.broken("the digest algorithm must be SHA-256");
        }
    }

    private static void rsa(ASN1Encodable algorithm) {
        if (!isAlgorithm(algorithm, PKCSObjectIdentifiers.rsaEncryption)
                && !isAlgorithm(algorithm, PKCSObjectIdentifiers.sha256WithRSAEncryption)) {
            throw EvidenceRule.SIGNATURE_ALGORITHM.broken("the signature algorithm must be RSA with SHA-256");
        }
    }

    /** Parameters are NULL (as AWS wrote in 2021) or absent (as in 2026). */
    private static boolean isAlgorithm(ASN1Encodable encodable, ASN1ObjectIdentifier oid) {
        ASN1Sequence algorithm = sequence(encodable, 1, 2, "AlgorithmIdentifier");
        return oid.equals(at(algorithm, 0)) && (algorithm.size() == 1 || at(algorithm, 1) instanceof ASN1Null);
    }

    private static byte[] sha256Of(byte[] content) {
        try {
            return MessageDigest.getInstance("SHA-256").digest(content);
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("every JDK has SHA-256", e);
        }
    }

    private static ASN1Primitive at(ASN1Sequence sequence, int index) {
        return sequence.getObjectAt(index).toASN1Primitive();
    }

    private static ASN1Sequence sequence(ASN1Encodable value, int sizeMin, int sizeMax, String where) {
        if (value.toASN1Primitive() instanceof ASN1Sequence s && s.size() >= sizeMin && s.size() <= sizeMax) {
            return s;
        }
        throw notSignedData(where);
    }

    private static ASN1Set set(ASN1Encodable value, String where) {
        if (value.toASN1Primitive() instanceof ASN1Set s) {
            return s;
        }
        throw notSignedData(where);
    }

    private static void integer(ASN1Encodable value, String where) {
        if (!(value instanceof ASN1Integer)) {
            throw notSignedData(where);
        }
    }

    /** Joins the chunks of a constructed octet string. */
    private static byte[] octets(ASN1Encodable value, String where) {
        if (value.toASN1Primitive() instanceof ASN1OctetString s) {
            return s.getOctets().clone();
        }
        throw notSignedData(where);
    }

    private static ASN1Primitive explicit(ASN1Primitive value, int tag, String where) {
        if (contextTag(value) != tag || !((ASN1TaggedObject) value).isExplicit()) {
            throw notSignedData(where);
        }
        return ((ASN1TaggedObject) value).getExplicitBaseObject().toASN1Primitive();
    }

    /** The number of a context-specific tag, -1 for anything else. */
    private static int contextTag(ASN1Primitive value) {
        return value instanceof ASN1TaggedObject t && t.getTagClass() == BERTags.CONTEXT_SPECIFIC ? t.getTagNo() : -1;
    }

    private static Failure notSignedData(String where) {
        return EvidenceRule.SIGNED_DATA.broken("the PKCS #7 structure is not SignedData as RFC 5652 has it: " + where);
    }
}
