package io.tallystick.fuzz;

import io.tallystick.cloudsim.CloudCa;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;

/** Genuine bytes to begin from: the golden messages of the protocol, and evidence that a simulated region signed. */
final class Seeds {
    private static final Path GOLDEN =
            Path.of(System.getProperty("tallystick.root")).resolve("common/src/test/resources/golden");

    private static final String REGION = "eu-west-3";
    private static final Instant SIGNED = Instant.parse("2026-11-21T20:15:00Z");
    private static final String DOCUMENT =
            """
            {
              "accountId" : "123456789012",
              "architecture" : "x86_64",
              "availabilityZone" : "eu-west-3a",
              "imageId" : "ami-0123456789abcdef0",
              "instanceId" : "i-0123456789abcdef0",
              "instanceType" : "t3.micro",
              "marketplaceProductCodes" : [ "4b9oexample0code" ],
              "pendingTime" : "2026-11-21T20:00:00Z",
              "region" : "eu-west-3",
              "version" : "2017-09-30"
            }""";
    private static final Path FOLDER = folder();
    private static final CloudCa CA = CloudCa.open(FOLDER.resolve("ca"), Clock.fixed(SIGNED, ZoneOffset.UTC));

    private Seeds() {}

    /** Every golden file whose name begins so. */
    static List<byte[]> golden(String prefix) {
        List<byte[]> found = new ArrayList<>();
        try (DirectoryStream<Path> files = Files.newDirectoryStream(GOLDEN, prefix + "*.json")) {
            for (Path each : files) {
                found.add(Files.readAllBytes(each));
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        if (found.isEmpty()) {
            throw new IllegalStateException("no golden file begins with " + prefix);
        }
        return found;
    }

    /** Of one VM, signed with the key of a region that {@link #trustFolder} trusts. */
    static byte[] signedEvidence() {
        return CA.signRsa2048(REGION, DOCUMENT.getBytes(StandardCharsets.UTF_8), SIGNED);
    }

    /** The same content, signed with the region's other key, which is not trusted. */
    static byte[] evidenceOfAnotherSigner() {
        return CA.signPkcs7(REGION, DOCUMENT.getBytes(StandardCharsets.UTF_8), SIGNED);
    }

    static Path trustFolder() {
        return CA.writeTrust(FOLDER.resolve("trust"), REGION).getParent();
    }

    static byte[] base64(byte[] bytes) {
        return CloudCa.base64Lines(bytes).getBytes(StandardCharsets.US_ASCII);
    }

    private static Path folder() {
        try {
            Path folder = Files.createTempDirectory("tallystick-fuzz");
            folder.toFile().deleteOnExit();
            return folder;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
