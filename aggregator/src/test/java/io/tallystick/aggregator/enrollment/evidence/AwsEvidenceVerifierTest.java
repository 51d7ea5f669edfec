package io.tallystick.aggregator.enrollment.evidence;

import static io.tallystick.aggregator.enrollment.evidence.AwsWorld.GENUINE;
import static io.tallystick.aggregator.enrollment.evidence.AwsWorld.genuine;
import static io.tallystick.aggregator.enrollment.evidence.AwsWorld.genuineSigner;
import static io.tallystick.aggregator.enrollment.evidence.AwsWorld.signedGenuinely;
import static io.tallystick.aggregator.enrollment.evidence.AwsWorld.utf8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;

import io.tallystick.common.error.Failure;
import io.tallystick.common.model.EvidenceLevel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Instant;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The forms a genuine document comes in, and the document itself. */
class AwsEvidenceVerifierTest {
    @TempDir
    private Path folder = Path.of("");

    private AwsEvidenceVerifier verifier = new AwsEvidenceVerifier(TrustAnchors.shipped());

    @BeforeEach
    void trustTheKeysOfTheTests() {
        verifier = AwsWorld.verifier(folder);
    }

    @Test
    void everyFieldComesFromTheSignedDocument() {
        VerifiedIdentity id = verifier.verify(genuine(), null);
        assertEquals("aws", id.cloud());
        assertEquals("111122223333", id.account());
        assertEquals("i-0123456789abcdef0", id.instance());
        assertEquals("us-west-2", id.region());
        assertEquals("us-west-2a", id.availabilityZone());
        assertEquals("ami-0123456789abcdef0", id.imageId());
        assertEquals("t3.medium", id.instanceType());
        assertEquals("x86_64", id.architecture());
        assertEquals(Instant.parse("2026-11-21T20:00:00Z"), id.pendingTime());
        assertEquals(List.of("0vg0000000000000000000000"), id.productCodes());
        assertEquals(EvidenceLevel.ATTESTED, id.level());
        assertEquals(TestKeys.LONG_VALID, id.certificateExpiry());
    }

    @Test
    void berAndDerWithNullAndAbsentParametersAreAccepted() {
        VerifiedIdentity expected = verifier.verify(genuine(), null);
        for (boolean absent : List.of(true, false)) {
            CmsSigner signer = absent ? genuineSigner().absentParameters() : genuineSigner();
            Cms ber = Cms.signed(utf8(GENUINE), signer);
            assertEquals(expected, verifier.verify(ber.bytes(), null));
            assertEquals(expected, verifier.verify(ber.der().bytes(), null));
        }
    }

    @Test
    void documentInManyChunksIsAccepted() {
        VerifiedIdentity expected = verifier.verify(genuine(), null);
        for (int bytes : List.of(1, 7, 64, GENUINE.length())) {
            byte[] chunked =
                    Cms.signed(utf8(GENUINE), genuineSigner()).chunks(bytes).bytes();
            assertEquals(expected, verifier.verify(chunked, utf8(GENUINE)));
        }
    }

    @Test
    void base64WithAndWithoutArmourAndLineBreaksIsAccepted() {
        VerifiedIdentity expected = verifier.verify(genuine(), null);
        String wrapped = new String(Cms.base64(genuine()), StandardCharsets.US_ASCII);
        String oneLine = Base64.getEncoder().encodeToString(genuine());
        for (String text : List.of(
                wrapped,
                oneLine,
                "\n  " + wrapped + "\r\n",
                wrapped.replace("\n", "\r\n"),
                "-----BEGIN PKCS7-----\n" + wrapped + "\n-----END PKCS7-----\n",
                "-----BEGIN PKCS7-----\r\n" + oneLine + "\r\n-----END PKCS7-----",
                "-----BEGIN CMS-----\n" + wrapped + "\n-----END CMS-----\n")) {
            assertEquals(expected, verifier.verify(utf8(text), null));
        }
    }

    @Test
    void whatIsNeitherBase64NorBerIsRefused() {
        String wrapped = new String(Cms.base64(genuine()), StandardCharsets.US_ASCII);
        for (String text : List.of(
                "hello, world",
                GENUINE,
                "0",
                "=",
                "-----BEGIN PKCS7-----\n-----END PKCS7-----",
                "-----BEGIN PKCS7-----\n" + wrapped + "\n-----END CMS-----",
                "-----BEGIN CERTIFICATE-----\n" + wrapped + "\n-----END CERTIFICATE-----",
                wrapped.replace('A', '-'),
                wrapped.replace('A', '\0'))) {
            refused(EvidenceRule.ENCODING, utf8(text));
        }
    }

    @Test
    void sizeIsCappedBeforeAnythingIsRead() {
        refused(EvidenceRule.SIZE, new byte[0]);
        refused(EvidenceRule.SIZE, padded(AwsEvidenceVerifier.INPUT_BYTES_MAX + 1));
        assertEquals(
                verifier.verify(genuine(), null), verifier.verify(padded(AwsEvidenceVerifier.INPUT_BYTES_MAX), null));
        AwsWorld.refused(EvidenceRule.SIZE, verifier, genuine(), new byte[0]);
        AwsWorld.refused(EvidenceRule.SIZE, verifier, genuine(), new byte[AwsEvidenceVerifier.INPUT_BYTES_MAX + 1]);
    }

    @Test
    void nestingToTheSizeCapIsRefusedWithoutExhaustingTheStack() {
        for (int constructed : List.of(0x30, 0x31, 0x24, 0xa0)) {
            byte[] nested = new byte[AwsEvidenceVerifier.INPUT_BYTES_MAX];
            for (int i = 0; i < nested.length; i += 2) {
                nested[i] = (byte) constructed;
                nested[i + 1] = (byte) 0x80;
            }
            nested[0] = 0x30;
            refused(EvidenceRule.ENCODING, nested);
        }
    }

    @Test
    void s3DuplicateKeysAreRefused() {
        for (String twice : List.of("accountId", "instanceId", "region")) {
            String document = GENUINE.replaceFirst("\\{", "{\n  \"" + twice + "\" : \"999999999999\",");
            refused(EvidenceRule.STRICT_JSON, signedGenuinely(document));
        }
        refused(
                EvidenceRule.STRICT_JSON,
                signedGenuinely(GENUINE.replaceFirst("\\{", "{\n  \"account\\\\u0049d\" : \"999999999999\",")));
    }

    @Test
    void s3WhatIsNotOneStrictJsonObjectIsRefused() {
        for (String document : List.of(
                GENUINE + "{}",
                GENUINE + " x",
                "\uFEFF" + GENUINE,
                "[" + GENUINE + "]",
                "\"us-west-2\"",
                "null",
                " ",
                GENUINE.replace("null", "NaN"),
                GENUINE.replace("\"version\"", "'version'"),
                GENUINE.replace("null", "[".repeat(100) + "]".repeat(100)),
                GENUINE.replaceFirst("\\{", "{ // comment\n"))) {
            refused(EvidenceRule.STRICT_JSON, signedGenuinely(document));
        }
        byte[] notUtf8 = utf8(GENUINE);
        notUtf8[10] = (byte) 0xff;
        refused(EvidenceRule.STRICT_JSON, Cms.signed(notUtf8, genuineSigner()).bytes());
    }

    @Test
    void missingProductCodesAreNoEvidence() {
        String codes = "\"marketplaceProductCodes\" : [ \"0vg0000000000000000000000\" ]";
        for (String without : List.of(
                "\"marketplaceProductCodes\" : null", "\"marketplaceProductCodes\" : [ ]", "\"somethingElse\" : 1")) {
            assertEquals(
                    List.of(),
                    verifier.verify(signedGenuinely(GENUINE.replace(codes, without)), null)
                            .productCodes());
        }
        String two = "\"marketplaceProductCodes\" : [ \"a1\", \"b2\" ]";
        assertEquals(
                List.of("a1", "b2"),
                verifier.verify(signedGenuinely(GENUINE.replace(codes, two)), null)
                        .productCodes());
    }

    @Test
    void keysAwsMayAddOneDayAreIgnored() {
        String more = GENUINE.replaceFirst("\\{", "{ \"somethingNew\" : { \"a\" : [ 1, true, null ] },");
        assertEquals(verifier.verify(genuine(), null), verifier.verify(signedGenuinely(more), null));
    }

    @Test
    void availabilityZoneMayBeMissing() {
        String without = GENUINE.replace("\"us-west-2a\"", "null");
        assertNull(verifier.verify(signedGenuinely(without), null).availabilityZone());
    }

    @Test
    void allWrongFieldsAreNamedAtOnce() {
        String wrong = GENUINE.replace("\"111122223333\"", "111122223333")
                .replace("i-0123456789abcdef0", "i-\\u0001123456789abcdef")
                .replace("ami-0123456789abcdef0", "vmi-1")
                .replace("\"t3.medium\"", "null")
                .replace("2026-11-21T20:00:00Z", "2026-11-21T20:00:00+01:00")
                .replace("\"x86_64\"", "[]")
                .replace("[ \"0vg0000000000000000000000\" ]", "[ \"ok\", 7, \"no spaces\" ]")
                .replace("\"billingProducts\" : null", "\"billingProducts\" : \"bp-1\"")
                .replace("\"10.0.0.7\"", "10");
        Failure failure = AwsWorld.refused(EvidenceRule.DOCUMENT_FIELDS, verifier, signedGenuinely(wrong), null);
        assertEquals(
                List.of(
                        "accountId",
                        "instanceId",
                        "imageId",
                        "instanceType",
                        "architecture",
                        "pendingTime",
                        "marketplaceProductCodes[1]",
                        "marketplaceProductCodes",
                        "billingProducts",
                        "privateIp"),
                failure.problems().stream().map(Failure.Problem::path).toList());
    }

    @Test
    void eachRequiredFieldIsRequired() {
        for (String name :
                List.of("accountId", "instanceId", "imageId", "instanceType", "pendingTime", "architecture")) {
            String without = GENUINE.replace("\"" + name + "\"", "\"x-" + name + "\"");
            Failure failure = AwsWorld.refused(EvidenceRule.DOCUMENT_FIELDS, verifier, signedGenuinely(without), null);
            assertEquals(name + ": is missing", failure.detail());
        }
    }

    private void refused(EvidenceRule rule, byte[] pkcs7) {
        AwsWorld.refused(rule, verifier, pkcs7, null);
    }

    private static byte[] padded(int bytes) {
        byte[] text = Arrays.copyOf(Cms.base64(genuine()), bytes);
        Arrays.fill(text, Cms.base64(genuine()).length, bytes, (byte) ' ');
        return text;
    }
}
