package io.tallystick.aggregator.enrollment.evidence;

import java.io.IOException;
import java.security.cert.CertificateEncodingException;
import java.security.cert.X509Certificate;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import org.bouncycastle.asn1.ASN1Encodable;
import org.bouncycastle.asn1.ASN1EncodableVector;
import org.bouncycastle.asn1.ASN1Integer;
import org.bouncycastle.asn1.ASN1ObjectIdentifier;
import org.bouncycastle.asn1.ASN1OctetString;
import org.bouncycastle.asn1.ASN1Primitive;
import org.bouncycastle.asn1.ASN1Sequence;
import org.bouncycastle.asn1.BEROctetString;
import org.bouncycastle.asn1.BERSequence;
import org.bouncycastle.asn1.BERTaggedObject;
import org.bouncycastle.asn1.DEROctetString;
import org.bouncycastle.asn1.DERSequence;
import org.bouncycastle.asn1.DERSet;
import org.bouncycastle.asn1.DERTaggedObject;
import org.bouncycastle.asn1.cms.CMSObjectIdentifiers;

/** CMS SignedData for tests: by default BER as AWS writes it, otherwise whatever a forger would send. */
final class Cms {
    private final byte[] content;
    private ASN1ObjectIdentifier contentType = CMSObjectIdentifiers.data;
    private boolean detached;
    private boolean der;
    private int chunkBytes = Integer.MAX_VALUE;
    private final List<ASN1Encodable> digestAlgorithms = new ArrayList<>();
    private final List<ASN1Encodable> signers = new ArrayList<>();
    private final List<ASN1Encodable> certificates = new ArrayList<>();
    private final List<ASN1Encodable> crls = new ArrayList<>();
    private final List<ASN1Encodable> extra = new ArrayList<>();

    private Cms(byte[] content) {
        this.content = content.clone();
    }

    static Cms of(byte[] content) {
        return new Cms(content);
    }

    /** One honest signer. */
    static Cms signed(byte[] content, CmsSigner signer) {
        return of(content).signer(signer);
    }

    Cms signer(CmsSigner signer) {
        return signerOver(content, signer);
    }

    /** A signer who signed something else. */
    Cms signerOver(byte[] otherContent, CmsSigner signer) {
        signers.add(signer.info(otherContent));
        digestAlgorithm(signer);
        return this;
    }

    Cms digestAlgorithm(CmsSigner signer) {
        if (!digestAlgorithms.contains(signer.digestAlgorithm())) {
            digestAlgorithms.add(signer.digestAlgorithm());
        }
        return this;
    }

    Cms contentType(ASN1ObjectIdentifier type) {
        this.contentType = type;
        return this;
    }

    Cms detached() {
        this.detached = true;
        return this;
    }

    Cms der() {
        this.der = true;
        return this;
    }

    Cms chunks(int bytes) {
        this.chunkBytes = bytes;
        return this;
    }

    Cms certificate(X509Certificate certificate) {
        try {
            certificates.add(ASN1Primitive.fromByteArray(certificate.getEncoded()));
            return this;
        } catch (IOException | CertificateEncodingException e) {
            throw new AssertionError(e);
        }
    }

    Cms crl(ASN1Encodable crl) {
        crls.add(crl);
        return this;
    }

    /** One more element in the outermost sequence. */
    Cms extra(ASN1Encodable element) {
        extra.add(element);
        return this;
    }

    byte[] bytes() {
        ASN1EncodableVector signedData = new ASN1EncodableVector();
        signedData.add(new ASN1Integer(1));
        signedData.add(new DERSet(digestAlgorithms.toArray(ASN1Encodable[]::new)));
        signedData.add(detached ? sequence(contentType) : sequence(contentType, explicit(octets())));
        if (!certificates.isEmpty()) {
            signedData.add(new DERTaggedObject(false, 0, new DERSet(certificates.toArray(ASN1Encodable[]::new))));
        }
        if (!crls.isEmpty()) {
            signedData.add(new DERTaggedObject(false, 1, new DERSet(crls.toArray(ASN1Encodable[]::new))));
        }
        signedData.add(new DERSet(signers.toArray(ASN1Encodable[]::new)));
        ASN1EncodableVector outer = new ASN1EncodableVector();
        outer.add(CMSObjectIdentifiers.signedData);
        outer.add(explicit(der ? new DERSequence(signedData) : new BERSequence(signedData)));
        extra.forEach(outer::add);
        try {
            return (der ? new DERSequence(outer) : new BERSequence(outer)).getEncoded(der ? "DER" : "BER");
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    /** As the metadata service serves it: base64 lines without armour. */
    byte[] base64() {
        return base64(bytes());
    }

    static byte[] base64(byte[] ber) {
        return Base64.getMimeEncoder(64, new byte[] {'\n'}).encode(ber);
    }

    private ASN1Sequence sequence(ASN1Encodable... elements) {
        return der ? new DERSequence(elements) : new BERSequence(elements);
    }

    private ASN1Encodable explicit(ASN1Encodable value) {
        return der ? new DERTaggedObject(true, 0, value) : new BERTaggedObject(true, 0, value);
    }

    private ASN1Encodable octets() {
        if (der) {
            return new DEROctetString(content);
        }
        List<ASN1OctetString> chunks = new ArrayList<>();
        for (int from = 0; from < content.length; from += Math.min(chunkBytes, content.length - from)) {
            int to = from + Math.min(chunkBytes, content.length - from);
            chunks.add(new DEROctetString(Arrays.copyOfRange(content, from, to)));
        }
        return new BEROctetString(chunks.toArray(ASN1OctetString[]::new));
    }
}
