package io.tallystick.aggregator.enrollment.evidence;

import static io.tallystick.aggregator.enrollment.evidence.AwsWorld.GENUINE;
import static io.tallystick.aggregator.enrollment.evidence.AwsWorld.attacker;
import static io.tallystick.aggregator.enrollment.evidence.AwsWorld.document;
import static io.tallystick.aggregator.enrollment.evidence.AwsWorld.genuine;
import static io.tallystick.aggregator.enrollment.evidence.AwsWorld.genuineSigner;
import static io.tallystick.aggregator.enrollment.evidence.AwsWorld.utf8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.tallystick.common.error.Failure;
import io.tallystick.common.json.Json;
import io.tallystick.common.model.Hash;
import java.nio.file.Path;
import java.security.KeyPair;
import java.security.cert.X509Certificate;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import org.bouncycastle.asn1.ASN1Integer;
import org.bouncycastle.asn1.DEROctetString;
import org.bouncycastle.asn1.DERSequence;
import org.bouncycastle.asn1.DERUTF8String;
import org.bouncycastle.asn1.cms.CMSAttributes;
import org.bouncycastle.asn1.cms.CMSObjectIdentifiers;
import org.bouncycastle.asn1.oiw.OIWObjectIdentifiers;
import org.bouncycastle.asn1.pkcs.PKCSObjectIdentifiers;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Forgeries of AWS identity documents, most of them accepted by some shipped verifier. Each test is named after the
 * forgery; the numbers are only there to be referred to (A: attacks on PKCS #7, F: holes that other teams
 * shipped).
 */
class AwsForgeryTest {
    private static final String FORGED = document("us-west-2", "999999999999");
    private static final Path NO_FOLDER = Path.of("");

    @TempDir
    private Path folder = NO_FOLDER;

    private AwsEvidenceVerifier verifier = new AwsEvidenceVerifier(TrustAnchors.shipped());

    @BeforeEach
    void trustTheKeysOfTheTests() {
        verifier = AwsWorld.verifier(folder);
    }

    @Test
    void genuineDocumentIsAccepted() {
        VerifiedIdentity identity = verifier.verify(genuine(), null);
        assertEquals("111122223333", identity.account());
        assertEquals("i-0123456789abcdef0", identity.instance());
    }

    @Test
    void a1LookAlikeCertificateInTheBagLendsNoTrust() {
        byte[] forged = Cms.signed(utf8(FORGED), attacker())
                .certificate(TestKeys.certificate(TestKeys.ATTACKER, TestKeys.LONG_VALID))
                .bytes();
        refused(EvidenceRule.PINNED_KEY, forged);
    }

    @Test
    void a2GenuineCertificateInTheBagLendsNoTrust() {
        byte[] forged = Cms.signed(utf8(FORGED), attacker())
                .certificate(TestKeys.certificate(TestKeys.US_WEST_2, TestKeys.LONG_VALID))
                .certificate(TestKeys.certificate(TestKeys.ATTACKER, TestKeys.LONG_VALID))
                .bytes();
        refused(EvidenceRule.PINNED_KEY, forged);
    }

    @Test
    void f2CertificatesAndCrlsInTheBagAreIgnoredAlsoBesideAGenuineSignature() {
        byte[] decorated = Cms.signed(utf8(GENUINE), genuineSigner())
                .certificate(TestKeys.certificate(TestKeys.ATTACKER, TestKeys.EXPIRED))
                .crl(new DERSequence())
                .bytes();
        assertEquals(verifier.verify(genuine(), null), verifier.verify(decorated, null));
    }

    @Test
    void a3ZeroSignersAreNotAllSignersVerified() {
        refused(
                EvidenceRule.ONE_SIGNER,
                Cms.of(utf8(FORGED)).digestAlgorithm(attacker()).bytes());
    }

    @Test
    void a4OneGenuineSignerOfTwoIsNotEnough() {
        byte[] attackerFirst = Cms.of(utf8(FORGED))
                .signer(attacker())
                .signerOver(utf8(GENUINE), genuineSigner())
                .bytes();
        byte[] genuineFirst =
                Cms.of(utf8(GENUINE)).signer(genuineSigner()).signer(attacker()).bytes();
        refused(EvidenceRule.ONE_SIGNER, attackerFirst);
        refused(EvidenceRule.ONE_SIGNER, genuineFirst);
    }

    @Test
    void a4TheSameGenuineSignerTwiceIsNotOneSigner() {
        CmsSigner signer = genuineSigner();
        refused(
                EvidenceRule.ONE_SIGNER,
                Cms.signed(utf8(GENUINE), signer).signer(signer).bytes());
    }

    @Test
    void a5SwappedContentBreaksTheSignedDigest() {
        byte[] forged =
                Cms.of(utf8(FORGED)).signerOver(utf8(GENUINE), genuineSigner()).bytes();
        refused(EvidenceRule.MESSAGE_DIGEST, forged);
    }

    @Test
    void a5SwappedContentWithARepairedDigestBreaksTheSignature() {
        byte[] signature = genuineSigner().sign(genuineSigner().signedBytes(utf8(GENUINE)));
        refused(
                EvidenceRule.PINNED_KEY,
                Cms.signed(utf8(FORGED), genuineSigner().fixedSignature(signature))
                        .bytes());
    }

    @Test
    void a6SignedAttributesStrippedAndReusedAsContent() {
        byte[] attributes = genuineSigner().signedBytes(utf8(GENUINE));
        CmsSigner stripped = genuineSigner()
                .withoutAttributes()
                .fixedSignature(genuineSigner().sign(attributes));
        byte[] forged = Cms.signed(attributes, stripped).bytes();
        refused(EvidenceRule.SIGNED_ATTRIBUTES, forged);
        AwsWorld.refused(EvidenceRule.SIGNED_ATTRIBUTES, verifier, forged, utf8(FORGED));
    }

    @Test
    void a6DocumentSignedWithoutAttributesIsRefusedEvenFromTheGenuineKey() {
        refused(
                EvidenceRule.SIGNED_ATTRIBUTES,
                Cms.signed(utf8(GENUINE), genuineSigner().withoutAttributes()).bytes());
    }

    @Test
    void a7TrailingBytesAfterTheStructure() {
        for (byte[] genuine : List.of(
                genuine(), Cms.signed(utf8(GENUINE), genuineSigner()).der().bytes())) {
            for (String tail :
                    List.of("00", "0000", "3000", "0a", HexFormat.of().formatHex(genuine()))) {
                byte[] forged = concat(genuine, HexFormat.of().parseHex(tail));
                refused(EvidenceRule.TRAILING_BYTES, forged);
                refused(EvidenceRule.TRAILING_BYTES, Cms.base64(forged));
            }
        }
    }

    @Test
    void a7TrailingElementsInsideTheStructure() {
        byte[] forged = Cms.signed(utf8(GENUINE), genuineSigner())
                .extra(new ASN1Integer(7))
                .bytes();
        refused(EvidenceRule.SIGNED_DATA, forged);
    }

    @Test
    void a7TextAfterTheBase64() {
        byte[] text = Cms.base64(genuine());
        refused(EvidenceRule.ENCODING, concat(text, utf8("\n" + GENUINE)));
        refused(EvidenceRule.ENCODING, concat(utf8("-----BEGIN PKCS7-----\n"), text));
        refused(
                EvidenceRule.ENCODING,
                concat(utf8("-----BEGIN PKCS7-----\n"), text, utf8("\n-----END PKCS7-----\nMIIB")));
    }

    @Test
    void a8DetachedSignatureHasNoDocument() {
        byte[] detached = Cms.signed(utf8(GENUINE), genuineSigner()).detached().bytes();
        refused(EvidenceRule.DETACHED, detached);
        AwsWorld.refused(EvidenceRule.DETACHED, verifier, detached, utf8(GENUINE));
    }

    @Test
    void f1GenuineBlobBesideAnotherDocument() {
        AwsWorld.refused(EvidenceRule.DOCUMENT_DIFFERS, verifier, genuine(), utf8(FORGED));
        AwsWorld.refused(EvidenceRule.DOCUMENT_DIFFERS, verifier, genuine(), utf8(GENUINE + "\n"));
        assertEquals("111122223333", verifier.verify(genuine(), utf8(GENUINE)).account());
    }

    @Test
    void f3SignatureIsReallyChecked() {
        byte[] zeros = new byte[256];
        byte[] ones = new byte[256];
        Arrays.fill(ones, (byte) 0xff);
        byte[] one = new byte[256];
        one[255] = 1;
        for (byte[] garbage : List.of(zeros, ones, one)) {
            refused(
                    EvidenceRule.PINNED_KEY,
                    Cms.signed(utf8(FORGED), genuineSigner().fixedSignature(garbage))
                            .bytes());
        }
    }

    @Test
    void regionSwappedToOneWhoseKeyDidNotSign() {
        refused(EvidenceRule.PINNED_KEY, AwsWorld.signedGenuinely(document("eu-west-1", "111122223333")));
        refused(EvidenceRule.PINNED_KEY, AwsWorld.signedGenuinely(document("us-east-1", "111122223333")));
    }

    @Test
    void regionWithoutAnAnchor() {
        refused(EvidenceRule.UNKNOWN_REGION, AwsWorld.signedGenuinely(document("us-west-9", "111122223333")));
        refused(EvidenceRule.UNKNOWN_REGION, AwsWorld.signedGenuinely(document("../us-west-2", "111122223333")));
        refused(
                EvidenceRule.UNKNOWN_REGION,
                AwsWorld.signedGenuinely(GENUINE.replace("\"region\"", "\"notTheRegion\"")));
    }

    @Test
    void regionOfTheVerifiedDocumentIsComparedWithTheKeysRegion() {
        TrustAnchor other = TrustAnchor.of("eu-west-1", TestKeys.certificate(TestKeys.EU_WEST_1, TestKeys.LONG_VALID));
        Failure failure =
                assertThrows(Failure.class, () -> AwsEvidenceVerifier.identity(Json.parseObject(utf8(GENUINE)), other));
        assertEquals("region-mismatch", failure.data().get("rule"));
    }

    @Test
    void signersOfOtherKeySizes() {
        for (int bits : List.of(1024, 4096)) {
            KeyPair keys = TestKeys.rsa(bits);
            refused(
                    EvidenceRule.KEY_SIZE,
                    Cms.signed(utf8(GENUINE), new CmsSigner(keys)).bytes());
        }
    }

    @Test
    void sha1Digest() {
        CmsSigner sha1 = genuineSigner()
                .digest("SHA-1", OIWObjectIdentifiers.idSHA1)
                .signature("SHA1withRSA", PKCSObjectIdentifiers.sha1WithRSAEncryption);
        refused(EvidenceRule.DIGEST_ALGORITHM, Cms.signed(utf8(GENUINE), sha1).bytes());
    }

    @Test
    void sha1DigestHiddenBehindASha256Announcement() {
        CmsSigner sha1 = genuineSigner().digest("SHA-1", OIWObjectIdentifiers.idSHA1);
        byte[] both = Cms.of(utf8(GENUINE))
                .digestAlgorithm(genuineSigner())
                .signer(sha1)
                .bytes();
        refused(EvidenceRule.DIGEST_ALGORITHM, both);
    }

    @Test
    void sha1Signature() {
        CmsSigner named = genuineSigner().signature("SHA1withRSA", PKCSObjectIdentifiers.sha1WithRSAEncryption);
        refused(
                EvidenceRule.SIGNATURE_ALGORITHM,
                Cms.signed(utf8(GENUINE), named).bytes());
        CmsSigner unnamed = genuineSigner().signature("SHA1withRSA", PKCSObjectIdentifiers.rsaEncryption);
        refused(EvidenceRule.PINNED_KEY, Cms.signed(utf8(GENUINE), unnamed).bytes());
    }

    @Test
    void signatureAlgorithmOfAnotherFamily() {
        CmsSigner pss = genuineSigner().signature("SHA256withRSA", PKCSObjectIdentifiers.id_RSASSA_PSS);
        refused(EvidenceRule.SIGNATURE_ALGORITHM, Cms.signed(utf8(GENUINE), pss).bytes());
    }

    @Test
    void contentOfAnotherType() {
        byte[] outside = Cms.signed(utf8(GENUINE), genuineSigner())
                .contentType(CMSObjectIdentifiers.signedData)
                .bytes();
        refused(EvidenceRule.CONTENT_TYPE, outside);
        CmsSigner inside = genuineSigner()
                .attributes(list ->
                        list.set(0, CmsSigner.attribute(CMSAttributes.contentType, CMSObjectIdentifiers.signedData)));
        refused(EvidenceRule.CONTENT_TYPE, Cms.signed(utf8(GENUINE), inside).bytes());
    }

    @Test
    void signedAttributesWithoutContentTypeOrDigest() {
        for (int missing : List.of(0, 2)) {
            CmsSigner signer = genuineSigner().attributes(list -> list.remove(missing));
            refused(
                    EvidenceRule.SIGNED_ATTRIBUTES,
                    Cms.signed(utf8(GENUINE), signer).bytes());
        }
    }

    @Test
    void signedAttributesRepeated() {
        DEROctetString digest = new DEROctetString(CmsSigner.digest("SHA-256", utf8(FORGED)));
        CmsSigner twoDigests =
                genuineSigner().attributes(list -> list.add(CmsSigner.attribute(CMSAttributes.messageDigest, digest)));
        CmsSigner twoTypes = genuineSigner()
                .attributes(list ->
                        list.add(CmsSigner.attribute(CMSAttributes.contentType, CMSObjectIdentifiers.signedData)));
        CmsSigner twoValues = genuineSigner()
                .attributes(list -> list.set(
                        2,
                        CmsSigner.attribute(
                                CMSAttributes.messageDigest,
                                digest,
                                new DEROctetString(CmsSigner.digest("SHA-256", utf8(GENUINE))))));
        for (CmsSigner signer : List.of(twoDigests, twoTypes, twoValues)) {
            refused(
                    EvidenceRule.SIGNED_ATTRIBUTES,
                    Cms.signed(utf8(GENUINE), signer).bytes());
        }
    }

    @Test
    void unsignedAttributesAreIgnored() {
        CmsSigner signer = genuineSigner()
                .unsigned(CmsSigner.attribute(CMSAttributes.contentHint, new DERUTF8String("accountId 999999999999")));
        assertEquals(
                verifier.verify(genuine(), null),
                verifier.verify(Cms.signed(utf8(GENUINE), signer).bytes(), null));
    }

    @Test
    void expiredCertificateOfThePinnedKeyIsAcceptedAndSaysSo() {
        AwsWorld.write(folder, "us-west-2", TestKeys.pem(TestKeys.certificate(TestKeys.US_WEST_2, TestKeys.EXPIRED)));
        VerifiedIdentity identity = new AwsEvidenceVerifier(TrustAnchors.withFolder(folder)).verify(genuine(), null);
        assertEquals(TestKeys.EXPIRED, identity.certificateExpiry());
    }

    @Test
    void keyChangeOfARegionAcceptsBothKeysUntilTheOldOneIsTakenAway() throws Exception {
        var old = TestKeys.certificate(TestKeys.US_WEST_2, TestKeys.EXPIRED);
        var fresh = TestKeys.certificate(TestKeys.EU_WEST_1, TestKeys.LONG_VALID);
        byte[] byFresh =
                Cms.signed(utf8(GENUINE), new CmsSigner(TestKeys.EU_WEST_1)).bytes();
        AwsWorld.write(folder, "us-west-2", TestKeys.pem(old) + TestKeys.pem(fresh));
        TrustAnchors anchors = TrustAnchors.withFolder(folder);
        AwsEvidenceVerifier rotating = new AwsEvidenceVerifier(anchors);
        assertEquals(fingerprint(old), rotating.verify(genuine(), null).certificateSha256());
        assertEquals(fingerprint(fresh), rotating.verify(byFresh, null).certificateSha256());
        AwsWorld.write(folder, "us-west-2", TestKeys.pem(fresh));
        anchors.reload();
        AwsWorld.refused(EvidenceRule.PINNED_KEY, rotating, genuine(), null);
        assertEquals(fingerprint(fresh), rotating.verify(byFresh, null).certificateSha256());
    }

    private static String fingerprint(X509Certificate certificate) throws Exception {
        return HexFormat.of().formatHex(Hash.of(certificate.getEncoded()).bytes());
    }

    private void refused(EvidenceRule rule, byte[] pkcs7) {
        AwsWorld.refused(rule, verifier, pkcs7, null);
    }

    private static byte[] concat(byte[]... parts) {
        int length = Arrays.stream(parts).mapToInt(p -> p.length).sum();
        byte[] all = new byte[length];
        int at = 0;
        for (byte[] part : parts) {
            System.arraycopy(part, 0, all, at, part.length);
            at += part.length;
        }
        return all;
    }
}
