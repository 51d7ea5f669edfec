package io.tallystick.aggregator.enrollment.evidence;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.tallystick.common.error.Failure;
import java.math.BigInteger;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.cert.X509Certificate;
import java.security.interfaces.RSAPublicKey;
import java.time.Instant;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TrustAnchorsTest {
    /** Regions that AWS has opened to the public; the isolated ones publish no certificates. */
    private static final Set<String> PUBLIC_REGIONS = Set.of(
            "af-south-1",
            "ap-east-1",
            "ap-east-2",
            "ap-northeast-1",
            "ap-northeast-2",
            "ap-northeast-3",
            "ap-south-1",
            "ap-south-2",
            "ap-southeast-1",
            "ap-southeast-2",
            "ap-southeast-3",
            "ap-southeast-4",
            "ap-southeast-5",
            "ap-southeast-6",
            "ap-southeast-7",
            "ca-central-1",
            "ca-west-1",
            "cn-north-1",
            "cn-northwest-1",
            "eu-central-1",
            "eu-central-2",
            "eu-north-1",
            "eu-south-1",
            "eu-south-2",
            "eu-west-1",
            "eu-west-2",
            "eu-west-3",
            "eusc-de-east-1",
            "il-central-1",
            "me-central-1",
            "me-south-1",
            "mx-central-1",
            "sa-east-1",
            "us-east-1",
            "us-east-2",
            "us-gov-east-1",
            "us-gov-west-1",
            "us-west-1",
            "us-west-2");

    @TempDir
    private Path folder = Path.of("");

    @Test
    void everyPublicRegionHasExactlyOneShippedAnchor() {
        TrustAnchors shipped = TrustAnchors.shipped();
        assertEquals(new TreeSet<>(PUBLIC_REGIONS), shipped.regions());
        for (String region : shipped.regions()) {
            assertEquals(1, shipped.of(region).size(), region);
            assertEquals(region, shipped.of(region).get(0).region());
        }
        assertEquals(List.of(), shipped.of("us-west-9"));
    }

    @Test
    void shippedKeysAreRsa2048AndDifferByRegion() {
        Set<BigInteger> keys = new HashSet<>();
        for (TrustAnchor anchor : TrustAnchors.shipped().all()) {
            assertEquals(2048, anchor.key().getModulus().bitLength(), anchor.region());
            assertEquals(BigInteger.valueOf(65_537), anchor.key().getPublicExponent(), anchor.region());
            assertTrue(keys.add(anchor.key().getModulus()), "key of another region: " + anchor.region());
        }
        assertEquals(PUBLIC_REGIONS.size(), keys.size());
    }

    @Test
    void indexListsExactlyTheFilesWithTheirFingerprintsAndExpiry() throws Exception {
        Path resources = resources();
        TreeMap<String, String> index = new TreeMap<>();
        for (String line : Files.readAllLines(resources.resolve("index.txt"))) {
            String[] part = line.split(" ", -1);
            index.put(part[0], part[1] + " " + part[2]);
        }
        TreeMap<String, String> files = new TreeMap<>();
        try (Stream<Path> pems = Files.list(resources).filter(f -> f.toString().endsWith(".pem"))) {
            Path copy = Files.createDirectory(folder.resolve("copy"));
            for (Path pem : pems.toList()) {
                Files.copy(pem, copy.resolve(pem.getFileName()));
            }
            for (TrustAnchor a : TrustAnchors.withFolder(copy).all()) {
                files.put(a.region(), a.sha256() + " " + a.expiry());
            }
        }
        assertEquals(index, files);
    }

    @Test
    void aFileReplacesItsRegionAndLeavesTheOthers() {
        X509Certificate own = TestKeys.certificate(TestKeys.EU_WEST_1, TestKeys.EXPIRED);
        AwsWorld.write(folder, "eu-west-1", "# our own, until the release\n" + TestKeys.pem(own));
        AwsWorld.write(folder, "us-iso-east-1", TestKeys.pem(own));
        TrustAnchors shipped = TrustAnchors.shipped();
        TrustAnchors anchors = TrustAnchors.withFolder(folder);
        assertEquals(
                List.of(((RSAPublicKey) own.getPublicKey()).getModulus()),
                anchors.of("eu-west-1").stream().map(a -> a.key().getModulus()).toList());
        assertEquals(1, anchors.of("us-iso-east-1").size());
        assertEquals(shipped.of("eu-west-2"), anchors.of("eu-west-2"));
        assertNotEquals(shipped.of("eu-west-1"), anchors.of("eu-west-1"));
        assertEquals(
                List.of("eu-west-1", "us-iso-east-1"),
                anchors.expiringBefore(Instant.parse("2026-11-21T20:00:00Z")).stream()
                        .map(TrustAnchor::region)
                        .toList());
    }

    @Test
    void allBadFilesAreReportedAtOnce() throws Exception {
        String good = TestKeys.pem(TestKeys.certificate(TestKeys.EU_WEST_1, TestKeys.LONG_VALID));
        AwsWorld.write(
                folder, "ap-east-1", TestKeys.pem(TestKeys.certificate(TestKeys.rsa(1024), TestKeys.LONG_VALID)));
        AwsWorld.write(folder, "ap-south-1", "");
        AwsWorld.write(folder, "ap-south-2", good.replace("MII", "AAA"));
        AwsWorld.write(folder, "eu-north-1", good + "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n");
        AwsWorld.write(folder, "eu-south-1", good.repeat(TrustAnchors.CERTIFICATES_PER_FILE_MAX + 1));
        AwsWorld.write(folder, "eu-south-2", "x".repeat(TrustAnchors.FILE_BYTES_MAX + 1));
        AwsWorld.write(folder, "frankfurt", good);
        Files.writeString(folder.resolve("eu-west-2.crt"), good);
        Files.createDirectory(folder.resolve("sa-east-1.pem"));
        Files.createDirectory(folder.resolve("..data"));
        AwsWorld.write(folder, "eu-west-1", good);
        Failure failure = assertThrows(Failure.class, () -> TrustAnchors.withFolder(folder));
        assertEquals(
                List.of(
                        "ap-east-1.pem",
                        "ap-south-1.pem",
                        "ap-south-2.pem",
                        "eu-north-1.pem",
                        "eu-south-1.pem",
                        "eu-south-2.pem",
                        "eu-west-2.crt",
                        "frankfurt.pem",
                        "sa-east-1.pem"),
                failure.problems().stream()
                        .map(p -> String.valueOf(Path.of(p.path()).getFileName()))
                        .toList());
    }

    @Test
    void missingFolderIsReported() {
        Failure failure = assertThrows(Failure.class, () -> TrustAnchors.withFolder(folder.resolve("nowhere")));
        assertTrue(failure.detail().endsWith("nowhere: must be a folder that can be read"), failure.detail());
    }

    @Test
    void reloadWithABadFileKeepsWhatWasThere() throws Exception {
        X509Certificate own = TestKeys.certificate(TestKeys.EU_WEST_1, TestKeys.LONG_VALID);
        AwsWorld.write(folder, "eu-west-1", TestKeys.pem(own));
        TrustAnchors anchors = TrustAnchors.withFolder(folder);
        List<TrustAnchor> before = anchors.all();
        AwsWorld.write(folder, "us-east-1", "broken");
        assertThrows(Failure.class, anchors::reload);
        assertEquals(before, anchors.all());
        Files.delete(folder.resolve("us-east-1.pem"));
        Files.delete(folder.resolve("eu-west-1.pem"));
        anchors.reload();
        assertEquals(TrustAnchors.shipped().all(), anchors.all());
    }

    @Test
    void s20ReloadDuringVerificationFailsNoGoodDocument() {
        AwsEvidenceVerifier verifier = AwsWorld.verifier(folder);
        TrustAnchors anchors = TrustAnchors.withFolder(folder);
        AwsEvidenceVerifier reloading = new AwsEvidenceVerifier(anchors);
        byte[] genuine = AwsWorld.genuine();
        VerifiedIdentity expected = verifier.verify(genuine, null);
        long same = IntStream.range(0, 400)
                .parallel()
                .mapToObj(i -> {
                    if (i % 10 == 0) {
                        anchors.reload();
                    }
                    return reloading.verify(genuine, null);
                })
                .filter(expected::equals)
                .count();
        assertEquals(400, same);
    }

    private static Path resources() throws Exception {
        URI uri = Objects.requireNonNull(TrustAnchors.class.getResource("/aws-rsa2048/index.txt"))
                .toURI();
        return Objects.requireNonNull(Path.of(uri).getParent());
    }
}
