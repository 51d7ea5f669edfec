package io.tallystick.cloudsim;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.tallystick.common.error.Failure;
import java.io.ByteArrayInputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.Signature;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.time.Clock;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.Date;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.bouncycastle.asn1.cms.Attribute;
import org.bouncycastle.asn1.cms.CMSAttributes;
import org.bouncycastle.asn1.cms.Time;
import org.bouncycastle.cms.CMSException;
import org.bouncycastle.cms.CMSSignedData;
import org.bouncycastle.cms.SignerInformation;
import org.bouncycastle.cms.jcajce.JcaSimpleSignerInfoVerifierBuilder;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CloudCaTest {
    private static final Instant SIGNED = Instant.parse("2026-02-16T00:38:28Z");
    private static final Clock CLOCK = Clock.fixed(SIGNED, ZoneOffset.UTC);
    private static final byte[] CONTENT = "{\n  \"any\" : \"bytes\"\n}".getBytes(StandardCharsets.UTF_8);

    private final Path dir;

    CloudCaTest(@TempDir Path dir) {
        this.dir = dir;
    }

    @Test
    void rsa2048VerifiesWithItsRegionAndNoOther() throws Exception {
        CloudCa ca = CloudCa.open(dir, CLOCK);
        byte[] signed = ca.signRsa2048("eu-west-1", CONTENT);

        assertTrue(verifies(signed, ca.certificate("eu-west-1")));
        assertFalse(verifies(signed, ca.certificate("eu-west-2")));
        assertFalse(verifies(signed, ca.certificate("us-east-1")));
        assertArrayEquals(
                CONTENT, (byte[]) new CMSSignedData(signed).getSignedContent().getContent());
    }

    @Test
    void rsa2048HasTheStructureOfRealDocuments() throws Exception {
        CloudCa ca = CloudCa.open(dir, CLOCK);
        byte[] signed = ca.signRsa2048("ap-southeast-2", CONTENT);

        // SEQUENCE, OID signedData, [0], SEQUENCE: all but the OID of indefinite length.
        assertEquals("3080" + "06092a864886f70d010702" + "a080" + "3080" + "020101", hex(signed, 0, 20));
        // The digest set, then the indefinite content info with its constructed octet string.
        assertTrue(
                hex(signed, 0, signed.length).contains("308006092a864886f70d010701a0802480" + "04"),
                "content must be a constructed octet string");
        assertEquals("000000000000", hex(signed, signed.length - 6, signed.length));

        CMSSignedData data = new CMSSignedData(signed);
        assertEquals(1, data.getVersion());
        assertEquals(0, data.getCertificates().getMatches(null).size());
        assertEquals(0, data.getCRLs().getMatches(null).size());
        assertEquals(1, data.getSignerInfos().size());
        SignerInformation signer = data.getSignerInfos().iterator().next();
        assertEquals(1, signer.getVersion());
        assertEquals("2.16.840.1.101.3.4.2.1", signer.getDigestAlgOID());
        assertEquals("1.2.840.113549.1.1.11", signer.getEncryptionAlgOID());
        assertEquals(
                ca.certificate("ap-southeast-2").getSerialNumber(),
                signer.getSID().getSerialNumber());
        assertArrayEquals(
                ca.certificate("ap-southeast-2").getIssuerX500Principal().getEncoded(),
                signer.getSID().getIssuer().getEncoded());
        assertEquals(
                Set.of("1.2.840.113549.1.9.3", "1.2.840.113549.1.9.5", "1.2.840.113549.1.9.52", "1.2.840.113549.1.9.4"),
                attributes(signer));
        Attribute time = signer.getSignedAttributes().get(CMSAttributes.signingTime);
        assertEquals(
                Date.from(SIGNED),
                Time.getInstance(time.getAttributeValues()[0]).getDate());
    }

    @Test
    void sameContentAndTimeGiveTheSameBytes() {
        CloudCa ca = CloudCa.open(dir, CLOCK);
        assertArrayEquals(ca.signRsa2048("eu-west-1", CONTENT), ca.signRsa2048("eu-west-1", CONTENT));
    }

    @Test
    void pkcs7IsDsa1024OverSha1() throws Exception {
        CloudCa ca = CloudCa.open(dir, CLOCK);
        byte[] signed = ca.signPkcs7("eu-west-1", CONTENT, SIGNED);

        assertTrue(verifies(signed, ca.certificate("eu-west-1", CloudCa.Form.DSA1024)));
        assertFalse(verifies(signed, ca.certificate("eu-west-2", CloudCa.Form.DSA1024)));
        SignerInformation signer =
                new CMSSignedData(signed).getSignerInfos().iterator().next();
        assertEquals("1.3.14.3.2.26", signer.getDigestAlgOID());
        assertEquals("1.2.840.10040.4.3", signer.getEncryptionAlgOID());
        assertEquals(
                Set.of("1.2.840.113549.1.9.3", "1.2.840.113549.1.9.5", "1.2.840.113549.1.9.4"), attributes(signer));
        assertEquals("3080", hex(signed, 0, 2));
    }

    @Test
    void signatureIsDetachedOverTheExactBytes() throws Exception {
        CloudCa ca = CloudCa.open(dir, CLOCK);
        byte[] signed = ca.signDetached("eu-west-1", CONTENT);

        assertEquals(128, signed.length);
        assertTrue(detached(signed, ca.certificate("eu-west-1", CloudCa.Form.RSA1024), CONTENT));
        assertFalse(detached(signed, ca.certificate("eu-west-2", CloudCa.Form.RSA1024), CONTENT));
        assertFalse(detached(
                signed, ca.certificate("eu-west-1", CloudCa.Form.RSA1024), "{}".getBytes(StandardCharsets.UTF_8)));
    }

    @Test
    void certificatesAreSelfSignedAnchorsInAwsName() throws Exception {
        CloudCa ca = CloudCa.open(dir, CLOCK);
        for (CloudCa.Form form : CloudCa.Form.values()) {
            X509Certificate certificate = ca.certificate("us-gov-west-1", form);
            certificate.verify(certificate.getPublicKey());
            assertEquals(
                    "O=Amazon Web Services LLC,L=Seattle,ST=Washington State,C=US",
                    certificate.getSubjectX500Principal().getName());
            assertEquals(certificate.getSubjectX500Principal(), certificate.getIssuerX500Principal());
        }
    }

    @Test
    void keysSurviveARestartAndAreForTheOwnerOnly() throws Exception {
        X509Certificate before = CloudCa.open(dir, CLOCK).certificate("eu-west-1");
        CloudCa again = CloudCa.open(dir, CLOCK);

        assertEquals(before, again.certificate("eu-west-1"));
        assertTrue(verifies(again.signRsa2048("eu-west-1", CONTENT), before));
        assertNotEquals(before, again.certificate("eu-west-2"));
        assertEquals(
                PosixFilePermissions.fromString("rw-------"),
                Files.getPosixFilePermissions(dir.resolve("eu-west-1-rsa2048.pem")));
    }

    @Test
    void trustFolderGetsOneCertificatePerRegionAndNoKey() throws Exception {
        CloudCa ca = CloudCa.open(dir.resolve("ca"), CLOCK);
        Path file = ca.writeTrust(dir.resolve("trust"), "eu-west-1");

        assertEquals(dir.resolve("trust/eu-west-1.pem"), file);
        byte[] pem = Files.readAllBytes(file);
        assertFalse(new String(pem, StandardCharsets.US_ASCII).contains("PRIVATE"));
        assertEquals(
                ca.certificate("eu-west-1"),
                CertificateFactory.getInstance("X.509").generateCertificate(new ByteArrayInputStream(pem)));
    }

    @Test
    void regionNamesAreCheckedBecauseTheyNameFiles() {
        CloudCa ca = CloudCa.open(dir, CLOCK);
        for (String bad : List.of("", "../x-1", "eu-west-1/..", "EU-WEST-1", "eu-west", "eu-west-1.pem")) {
            assertThrows(Failure.class, () -> ca.certificate(bad), bad);
        }
        assertTrue(CloudCa.isRegion("us-gov-west-1"));
        assertTrue(CloudCa.isRegion("ap-southeast-2"));
    }

    @Test
    void opensslAcceptsWhatIsSigned() throws Exception {
        if (OpenSsl.missing()) {
            return;
        }
        CloudCa ca = CloudCa.open(dir.resolve("ca"), CLOCK);
        Path signed = dir.resolve("signed.ber");
        Files.write(signed, ca.signRsa2048("eu-west-1", CONTENT));
        assertEquals(0, opensslVerify(signed, ca.writeTrust(dir, "eu-west-1")));
        assertArrayEquals(CONTENT, Files.readAllBytes(dir.resolve("content")));
        assertNotEquals(0, opensslVerify(signed, ca.writeTrust(dir, "eu-west-2")));
    }

    private int opensslVerify(Path signed, Path certificate) throws Exception {
        return OpenSsl.run(List.of(
                "cms",
                "-verify",
                "-noverify",
                "-nointern",
                "-binary",
                "-inform",
                "DER",
                "-in",
                signed.toString(),
                "-certfile",
                certificate.toString(),
                "-out",
                dir.resolve("content").toString()));
    }

    private static Set<String> attributes(SignerInformation signer) {
        List<String> oids = new ArrayList<>();
        for (Attribute a : signer.getSignedAttributes().toASN1Structure().getAttributes()) {
            oids.add(a.getAttrType().getId());
        }
        return new TreeSet<>(oids);
    }

    static boolean verifies(byte[] signed, X509Certificate certificate) throws Exception {
        SignerInformation signer =
                new CMSSignedData(signed).getSignerInfos().iterator().next();
        try {
            return signer.verify(new JcaSimpleSignerInfoVerifierBuilder().build(certificate.getPublicKey()));
        } catch (CMSException e) {
            return false;
        }
    }

    private static boolean detached(byte[] signed, X509Certificate certificate, byte[] content) throws Exception {
        Signature signature = Signature.getInstance("SHA256withRSA");
        signature.initVerify(certificate);
        signature.update(content);
        return signature.verify(signed);
    }

    private static String hex(byte[] bytes, int from, int to) {
        StringBuilder text = new StringBuilder();
        for (int i = from; i < to; i++) {
            text.append(String.format("%02x", bytes[i]));
        }
        return text.toString();
    }
}
