package io.tallystick.aggregator.enrollment.evidence;

import java.nio.file.Path;

/** The genuine document of the tests for tests of other packages. */
public final class AwsDocuments {
    private AwsDocuments() {}

    public static byte[] genuineBase64() {
        return Cms.base64(AwsWorld.genuine());
    }

    public static byte[] genuineDocument() {
        return AwsWorld.utf8(AwsWorld.GENUINE);
    }

    /** Fills a trust folder with the certificates that verify it. */
    public static void trust(Path folder) {
        AwsWorld.verifier(folder);
    }

    /** The same key under a certificate that ended in 2024. */
    public static void trustExpired(Path folder) {
        AwsWorld.write(folder, "us-west-2", TestKeys.pem(TestKeys.certificate(TestKeys.US_WEST_2, TestKeys.EXPIRED)));
    }
}
