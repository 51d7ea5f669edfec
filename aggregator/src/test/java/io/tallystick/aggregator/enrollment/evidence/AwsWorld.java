package io.tallystick.aggregator.enrollment.evidence;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.tallystick.common.error.ErrorCode;
import io.tallystick.common.error.Failure;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/** Two regions whose keys the tests hold, and the documents of one VM. */
final class AwsWorld {
    static final String GENUINE = document("us-west-2", "111122223333");

    private AwsWorld() {}

    /** A verifier that trusts the tests' keys for us-west-2 and eu-west-1, by way of a folder, as an operator would. */
    static AwsEvidenceVerifier verifier(Path folder) {
        write(folder, "us-west-2", TestKeys.pem(TestKeys.certificate(TestKeys.US_WEST_2, TestKeys.LONG_VALID)));
        write(folder, "eu-west-1", TestKeys.pem(TestKeys.certificate(TestKeys.EU_WEST_1, TestKeys.LONG_VALID)));
        return new AwsEvidenceVerifier(TrustAnchors.withFolder(folder));
    }

    static void write(Path folder, String region, String pem) {
        try {
            Files.writeString(folder.resolve(region + ".pem"), pem);
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    /** Laid out as the metadata service does. */
    static String document(String region, String account) {
        return """
                {
                  "accountId" : "%s",
                  "architecture" : "x86_64",
                  "availabilityZone" : "%sa",
                  "billingProducts" : null,
                  "devpayProductCodes" : null,
                  "marketplaceProductCodes" : [ "0vg0000000000000000000000" ],
                  "imageId" : "ami-0123456789abcdef0",
                  "instanceId" : "i-0123456789abcdef0",
                  "instanceType" : "t3.medium",
                  "kernelId" : null,
                  "pendingTime" : "2026-11-21T20:00:00Z",
                  "privateIp" : "10.0.0.7",
                  "ramdiskId" : null,
                  "region" : "%s",
                  "version" : "2017-09-30"
                }"""
                .formatted(account, region, region);
    }

    static byte[] utf8(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    static byte[] genuine() {
        return Cms.signed(utf8(GENUINE), genuineSigner()).bytes();
    }

    static CmsSigner genuineSigner() {
        return new CmsSigner(TestKeys.US_WEST_2);
    }

    static CmsSigner attacker() {
        return new CmsSigner(TestKeys.ATTACKER);
    }

    /** Signed with the genuine key, whatever the document says. */
    static byte[] signedGenuinely(String document) {
        return Cms.signed(utf8(document), genuineSigner()).bytes();
    }

    static Failure refused(EvidenceRule rule, AwsEvidenceVerifier verifier, byte[] pkcs7, byte @Nullable [] document) {
        Failure failure = assertThrows(Failure.class, () -> verifier.verify(pkcs7, document));
        assertEquals(ErrorCode.INVALID_EVIDENCE, failure.code());
        assertEquals(rule.wire(), failure.data().get("rule"), failure::getMessage);
        return failure;
    }
}
