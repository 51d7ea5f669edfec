package io.tallystick.cloudsim;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.tallystick.cloudsim.Signature4.Claim;
import io.tallystick.cloudsim.Signature4.Scheme;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** The vectors of the marketplace reference, A.3 and A.4. */
class Signature4Test {
    private static final String AWS_SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
    private static final String AWS_BODY =
            "{\"ProductCode\":\"0vg0000000000000000000000\",\"Timestamp\":1768478400,\"UsageDimension\":\"users\","
                    + "\"UsageQuantity\":3}";
    private static final Map<String, String> AWS_HEADERS = Map.of(
            "content-type", "application/x-amz-json-1.1",
            "host", "metering.marketplace.us-east-1.amazonaws.com",
            "x-amz-date", "20260115T120000Z",
            "x-amz-target", "AWSMPMeteringService.MeterUsage");
    private static final Claim AWS = claim(
            Scheme.AWS4,
            "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260115/us-east-1/aws-marketplace/aws4_request, "
                    + "SignedHeaders=content-type;host;x-amz-date;x-amz-target, "
                    + "Signature=139795dc29964cd728031f8176a776025399cdbd3f0cae52493a0d291fddcbf9");

    private static final String OSC_SECRET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ01234567890123";
    private static final String OSC_BODY = "{\"Filters\":{\"ProductCodes\":[\"pc-demo\"]}}";
    private static final Map<String, String> OSC_HEADERS = Map.of(
            "content-type", "application/json; charset=utf-8",
            "host", "api.eu-west-2.outscale.com",
            "x-osc-date", "20260115T120000Z");
    private static final Claim OSC = claim(
            Scheme.OSC4,
            "OSC4-HMAC-SHA256 Credential=ABCDEFGHIJ0123456789/20260115/eu-west-2/api/osc4_request, "
                    + "SignedHeaders=content-type;host;x-osc-date, "
                    + "Signature=3a6afa69ff0e7eedf27b49b6c02c6580780f7356bfb9d685e55762a561e52fff");

    private static Claim claim(Scheme scheme, String header) {
        return Claim.of(scheme, header).orElseThrow();
    }

    private static boolean verify(Claim claim, String secret, String path, Map<String, String> headers, String body) {
        return Signature4.verify(
                claim,
                secret,
                path,
                name -> headers.getOrDefault(name.toLowerCase(Locale.ROOT), ""),
                body.getBytes(StandardCharsets.UTF_8));
    }

    @Test
    void aws4VerifiesTheReferencesVector() {
        assertEquals(
                "ea146629847622eba36ca1b3c9b8dc99eadff48cd5a2f0b3dab063cd9a6af052",
                Signature4.sha256(Signature4.canonicalRequest(
                                AWS.signedHeaders(),
                                "/",
                                n -> AWS_HEADERS.getOrDefault(n, ""),
                                AWS_BODY.getBytes(StandardCharsets.UTF_8))
                        .getBytes(StandardCharsets.UTF_8)));
        assertTrue(verify(AWS, AWS_SECRET, "/", AWS_HEADERS, AWS_BODY));
    }

    @Test
    void osc4VerifiesTheReferencesVector() {
        assertTrue(verify(OSC, OSC_SECRET, "/api/v1/ReadImages", OSC_HEADERS, OSC_BODY));
    }

    @Test
    void anythingElseThatWasSignedIsFoundOut() {
        assertFalse(verify(OSC, OSC_SECRET.replace('A', 'B'), "/api/v1/ReadImages", OSC_HEADERS, OSC_BODY));
        assertFalse(verify(OSC, OSC_SECRET, "/api/v1/DeleteImage", OSC_HEADERS, OSC_BODY));
        assertFalse(verify(OSC, OSC_SECRET, "/api/v1/ReadImages", OSC_HEADERS, OSC_BODY + " "));
        assertFalse(verify(AWS, AWS_SECRET, "/api/v1/ReadImages", AWS_HEADERS, AWS_BODY));
    }

    @Test
    void aSchemeTakesItsOwnHeaderOnly() {
        String header = "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260115/us-east-1/ec2/aws4_request, "
                + "SignedHeaders=host;x-amz-date, Signature=" + "0".repeat(64);
        assertEquals(Optional.empty(), Claim.of(Scheme.OSC4, header));
        assertEquals(List.of("host", "x-amz-date"), claim(Scheme.AWS4, header).signedHeaders());
        assertEquals(Optional.empty(), Claim.of(Scheme.AWS4, header.replace("aws4_request", "osc4_request")));
        assertEquals(Optional.empty(), Claim.of(Scheme.AWS4, null));
    }

    @Test
    void aSignatureThatLeavesHostOrTimeOutIsWorthNothing() {
        Claim without = new Claim(
                OSC.scheme(),
                OSC.accessKeyId(),
                OSC.day(),
                OSC.region(),
                OSC.service(),
                List.of("content-type", "host"),
                OSC.signature());
        assertFalse(verify(without, OSC_SECRET, "/api/v1/ReadImages", OSC_HEADERS, OSC_BODY));
    }
}
