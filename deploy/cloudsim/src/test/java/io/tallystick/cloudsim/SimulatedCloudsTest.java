package io.tallystick.cloudsim;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.tallystick.common.error.ErrorCode;
import io.tallystick.common.error.Failure;
import java.io.ByteArrayInputStream;
import java.net.ConnectException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.Signature;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.Instant;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.bouncycastle.cms.CMSSignedData;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SimulatedCloudsTest {
    private final Path dir;
    private final MovableClock clock = new MovableClock();
    private SimulatedClouds aws;

    SimulatedCloudsTest(@TempDir Path dir) {
        this.dir = dir;
        this.aws = SimulatedClouds.startWithKeys(dir, SharedKeys.folder(), clock);
    }

    @AfterEach
    void close() {
        aws.close();
    }

    private SimulatedVm launch() {
        return aws.launch(VmSpec.of("111122223333").region("eu-west-1").productCodes("thecode"));
    }

    private static byte[] served(SimulatedVm vm, String form) throws Exception {
        String text = Web.get(vm.metadata(), "/latest/dynamic/instance-identity/" + form)
                .body();
        for (String line : text.split("\n", -1)) {
            assertTrue(line.matches("[A-Za-z0-9+/=]{1,64}"), line);
        }
        return Base64.getMimeDecoder().decode(text);
    }

    private X509Certificate trusted(String region) throws Exception {
        byte[] pem = Files.readAllBytes(aws.trustFolder().resolve(region + ".pem"));
        return (X509Certificate)
                CertificateFactory.getInstance("X.509").generateCertificate(new ByteArrayInputStream(pem));
    }

    @Test
    void documentHasExactlyTheKeysOfTheReference() throws Exception {
        SimulatedVm vm = aws.launch(VmSpec.of("111122223333")
                .region("ap-southeast-2")
                .availabilityZone("ap-southeast-2c")
                .imageId("ami-0cbde744623b7506b")
                .instanceType("t4g.small")
                .architecture("arm64")
                .privateIp("10.0.1.242")
                .productCodes("one", "two")
                .billingProducts("bp-6ba54002"));
        String expected =
                """
                {
                  "accountId" : "111122223333",
                  "architecture" : "arm64",
                  "availabilityZone" : "ap-southeast-2c",
                  "billingProducts" : [ "bp-6ba54002" ],
                  "devpayProductCodes" : null,
                  "marketplaceProductCodes" : [ "one", "two" ],
                  "imageId" : "ami-0cbde744623b7506b",
                  "instanceId" : "%s",
                  "instanceType" : "t4g.small",
                  "kernelId" : null,
                  "pendingTime" : "2026-03-01T12:00:00Z",
                  "privateIp" : "10.0.1.242",
                  "ramdiskId" : null,
                  "region" : "ap-southeast-2",
                  "version" : "2017-09-30"
                }"""
                        .formatted(vm.instanceId());
        assertEquals(expected, new String(vm.document(), StandardCharsets.UTF_8));
        assertEquals(
                expected,
                Web.get(vm.metadata(), "/latest/dynamic/instance-identity/document")
                        .body());
    }

    @Test
    void servedDocumentsVerifyWithTheirRegionOnly() throws Exception {
        SimulatedVm vm = launch();
        aws.trust("us-east-1");

        byte[] rsa2048 = served(vm, "rsa2048");
        assertTrue(CloudCaTest.verifies(rsa2048, trusted("eu-west-1")));
        assertFalse(CloudCaTest.verifies(rsa2048, trusted("us-east-1")));
        assertArrayEquals(vm.document(), (byte[])
                new CMSSignedData(rsa2048).getSignedContent().getContent());
        assertArrayEquals(rsa2048, served(vm, "rsa2048"));

        byte[] pkcs7 = served(vm, "pkcs7");
        assertTrue(CloudCaTest.verifies(pkcs7, aws.ca().certificate("eu-west-1", CloudCa.Form.DSA1024)));
        assertFalse(CloudCaTest.verifies(pkcs7, aws.ca().certificate("us-east-1", CloudCa.Form.DSA1024)));
        assertArrayEquals(vm.document(), (byte[])
                new CMSSignedData(pkcs7).getSignedContent().getContent());

        Signature signature = Signature.getInstance("SHA256withRSA");
        signature.initVerify(aws.ca().certificate("eu-west-1", CloudCa.Form.RSA1024));
        signature.update(vm.document());
        assertTrue(signature.verify(served(vm, "signature")));
    }

    @Test
    void opensslVerifiesTheServedDocument() throws Exception {
        if (OpenSsl.missing()) {
            return;
        }
        SimulatedVm vm = launch();
        Path pem = dir.resolve("served.p7.pem");
        String body = Web.get(vm.metadata(), "/latest/dynamic/instance-identity/rsa2048")
                .body();
        Files.writeString(pem, "-----BEGIN PKCS7-----\n" + body + "\n-----END PKCS7-----\n");
        Path out = dir.resolve("verified.json");
        List<String> verify = List.of(
                "cms",
                "-verify",
                "-noverify",
                "-nointern",
                "-binary",
                "-inform",
                "PEM",
                "-in",
                pem.toString(),
                "-certfile",
                aws.trustFolder().resolve("eu-west-1.pem").toString(),
                "-out",
                out.toString());
        assertEquals(0, OpenSsl.run(verify));
        assertArrayEquals(vm.document(), Files.readAllBytes(out));
    }

    @Test
    void stopMakesTheMetadataUnreachableAndStartMakesItNew() throws Exception {
        SimulatedVm vm = launch();
        byte[] before = vm.document();
        URI metadata = vm.metadata();
        vm.stop();
        assertEquals(VmState.STOPPED, vm.state());
        assertThrows(ConnectException.class, () -> Web.send("GET", metadata, "/latest/meta-data/"));

        clock.advance(Duration.ofHours(1));
        vm.start();
        assertEquals(VmState.RUNNING, vm.state());
        assertEquals(metadata, vm.metadata());
        assertEquals(Instant.parse("2026-03-01T13:00:00Z"), vm.info().identity().pendingTime());
        assertNotEquals(
                new String(before, StandardCharsets.UTF_8),
                Web.get(metadata, "/latest/dynamic/instance-identity/document").body());
        assertTrue(CloudCaTest.verifies(served(vm, "rsa2048"), trusted("eu-west-1")));
    }

    @Test
    void pendingTimeIsNewerAlsoWhereTheClockStandsStill() {
        SimulatedVm vm = launch();
        Instant first = vm.info().identity().pendingTime();
        vm.stop();
        vm.start();
        assertEquals(first.plusSeconds(1), vm.info().identity().pendingTime());
    }

    @Test
    void rebootChangesNothingThatIsTold() throws Exception {
        SimulatedVm vm = launch();
        String token = Web.token(vm.metadata());
        byte[] before = served(vm, "rsa2048");
        clock.advance(Duration.ofHours(1));
        vm.reboot();
        assertArrayEquals(before, served(vm, "rsa2048"));
        assertEquals(
                200,
                Web.send("GET", vm.metadata(), "/latest/meta-data/ami-id", Web.TOKEN, token)
                        .statusCode());
    }

    @Test
    void terminateEndsTheVmAndItsDisk() throws Exception {
        SimulatedVm vm = launch();
        Files.writeString(vm.disk().resolve("state"), "x");
        vm.terminate();
        vm.terminate();
        assertEquals(VmState.TERMINATED, vm.state());
        assertFalse(Files.exists(vm.disk()));
        assertThrows(ConnectException.class, () -> Web.send("GET", vm.metadata(), "/latest/meta-data/"));
        assertEquals(ErrorCode.CONFLICT, assertThrows(Failure.class, vm::start).code());
        assertEquals(
                ErrorCode.CONFLICT,
                assertThrows(Failure.class, () -> aws.image(vm)).code());
    }

    @Test
    void stateForbidsWhatDoesNotFit() {
        SimulatedVm vm = launch();
        VmInfo before = vm.info();
        Failure running = assertThrows(Failure.class, vm::start);
        assertEquals(List.of(new Failure.Problem("state", "must be stopped to start, is running")), running.problems());
        assertEquals(before, vm.info());
        vm.stop();
        assertEquals(ErrorCode.CONFLICT, assertThrows(Failure.class, vm::stop).code());
        assertEquals(ErrorCode.CONFLICT, assertThrows(Failure.class, vm::reboot).code());
    }

    @Test
    void imageHoldsCodesAndTheDiskOfThatMoment() throws Exception {
        SimulatedVm vm = launch();
        Files.createDirectories(vm.disk().resolve("deep"));
        Files.writeString(vm.disk().resolve("deep/state"), "then");
        VmImage image = aws.image(vm);
        Files.writeString(vm.disk().resolve("deep/state"), "later");

        assertEquals(List.of("thecode"), image.productCodes());
        aws.share(image.imageId(), Set.of("444455556666"));
        SimulatedVm derived = aws.launch(VmSpec.of("444455556666").fromImage(image.imageId()));
        VmIdentity identity = derived.info().identity();
        assertEquals("444455556666", identity.accountId());
        assertEquals(image.imageId(), identity.imageId());
        assertEquals("eu-west-1", identity.region());
        assertEquals(List.of("thecode"), identity.productCodes());
        assertEquals("then", Files.readString(derived.disk().resolve("deep/state")));
        Files.writeString(derived.disk().resolve("deep/state"), "own");
        assertEquals("then", Files.readString(image.disk().resolve("deep/state")));
        assertEquals("later", Files.readString(vm.disk().resolve("deep/state")));
    }

    @Test
    void cloneIsAnotherInstanceOfTheSameCodesWithACopiedDisk() throws Exception {
        SimulatedVm vm = launch();
        Files.writeString(vm.disk().resolve("key"), "secret");
        SimulatedVm clone = aws.clone(vm);

        assertNotEquals(vm.instanceId(), clone.instanceId());
        assertNotEquals(vm.metadata(), clone.metadata());
        assertNotEquals(vm.info().identity().imageId(), clone.info().identity().imageId());
        assertEquals(
                "thecode",
                Web.get(clone.metadata(), "/latest/meta-data/product-codes").body());
        assertEquals("111122223333", clone.info().identity().accountId());
        assertEquals("secret", Files.readString(clone.disk().resolve("key")));
        assertTrue(new String(clone.document(), StandardCharsets.UTF_8).contains(clone.instanceId()));
        assertTrue(CloudCaTest.verifies(served(clone, "rsa2048"), trusted("eu-west-1")));
    }

    @Test
    void restartBringsBackWhatWasThere() throws Exception {
        SimulatedVm runs = aws.launch(VmSpec.of("111122223333")
                .productCodes("thecode")
                .tags(Map.of("Name", "kept"))
                .metadataOptions(new VmInfo.MetadataOptions(false, true, true)));
        SimulatedVm stopped = launch();
        stopped.stop();
        SimulatedVm gone = launch();
        gone.terminate();
        VmImage image = aws.image(runs);
        byte[] document = served(runs, "rsa2048");
        List<VmInfo> before = aws.vms().stream().map(SimulatedVm::info).toList();
        aws.close();
        assertThrows(ConnectException.class, () -> Web.send("GET", runs.metadata(), "/latest/meta-data/"));

        clock.advance(Duration.ofDays(1));
        aws = SimulatedClouds.startWithKeys(dir, SharedKeys.folder(), clock);
        assertEquals(before, aws.vms().stream().map(SimulatedVm::info).toList());
        assertEquals(List.of(image), aws.images());
        SimulatedVm again = aws.vm(runs.instanceId()).orElseThrow();
        assertArrayEquals(document, served(again, "rsa2048"));
        assertEquals(
                "kept",
                Web.send("GET", again.metadata(), "/latest/meta-data/tags/instance/Name")
                        .body());
        assertEquals(VmState.STOPPED, aws.vm(stopped.instanceId()).orElseThrow().state());
        aws.vm(stopped.instanceId()).orElseThrow().start();
    }

    @Test
    void takenPortIsReplacedAtARestart() throws Exception {
        SimulatedVm vm = launch();
        aws.close();
        try (Http squatter = new Http("squatter", vm.info().metadataPort(), exchange -> {})) {
            aws = SimulatedClouds.startWithKeys(dir, SharedKeys.folder(), clock);
            SimulatedVm again = aws.vm(vm.instanceId()).orElseThrow();
            assertNotEquals(squatter.port(), again.info().metadataPort());
            assertEquals(
                    vm.instanceId(),
                    Web.get(again.metadata(), "/latest/meta-data/instance-id").body());
        }
    }

    @Test
    void takenPortIsRefusedAtALaunchAndLeavesNothing() throws Exception {
        SimulatedVm vm = launch();
        Failure failure = assertThrows(
                Failure.class,
                () -> aws.launch(
                        VmSpec.of("111122223333").metadataPort(vm.info().metadataPort())));
        assertEquals(ErrorCode.CONFLICT, failure.code());
        assertEquals("metadataPort", failure.problems().get(0).path());
        assertEquals(1, aws.vms().size());
        try (var disks = Files.list(dir.resolve("vms"))) {
            assertEquals(1, disks.count());
        }
    }

    @Test
    void folderIsForOneSimulationAtATime() {
        Failure failure =
                assertThrows(Failure.class, () -> SimulatedClouds.startWithKeys(dir, SharedKeys.folder(), clock));
        assertEquals(ErrorCode.CONFLICT, failure.code());
        aws.close();
        aws = SimulatedClouds.startWithKeys(dir, SharedKeys.folder(), clock);
    }
}
