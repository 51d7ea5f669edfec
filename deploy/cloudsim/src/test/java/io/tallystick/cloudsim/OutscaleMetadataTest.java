package io.tallystick.cloudsim;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.tallystick.cloudsim.VmInfo.MetadataOptions;
import io.tallystick.common.error.ErrorCode;
import io.tallystick.common.error.Failure;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The marketplace reference, 1.3: what OUTSCALE documents, and nothing of what it does not. */
class OutscaleMetadataTest {
    private final Path dir;
    private SimulatedClouds clouds;
    private final SimulatedVm vm;

    OutscaleMetadataTest(@TempDir Path dir) {
        this.dir = dir;
        clouds = SimulatedClouds.startWithKeys(dir, SharedKeys.folder(), new MovableClock());
        vm = clouds.launch(VmSpec.outscale("111122223333")
                .imageId("ami-0123abcd")
                .productCodes("0001", "thecode")
                .tags(Map.of("tallystick-key", "abc")));
    }

    @AfterEach
    void close() {
        clouds.close();
    }

    private HttpResponse<String> get(String path) throws Exception {
        return Web.send("GET", vm.metadata(), path);
    }

    private String text(String path) throws Exception {
        HttpResponse<String> response = get(path);
        assertEquals(200, response.statusCode(), path);
        return response.body();
    }

    @Test
    void idsAreShortAndDefaultsAreOutscales() throws Exception {
        assertTrue(vm.instanceId().matches("i-[0-9a-f]{8}"), vm.instanceId());
        assertEquals(vm.instanceId(), text("/latest/meta-data/instance-id"));
        assertEquals("ami-0123abcd", text("/latest/meta-data/ami-id"));
        assertEquals("eu-west-2a", text("/latest/meta-data/placement/availability-zone"));
        assertEquals("tinav5.c2r4p1", text("/latest/meta-data/instance-type"));
        assertTrue(text("/latest/meta-data/reservation-id").matches("r-[0-9a-f]{8}"));
    }

    @Test
    void thereIsNoTokenToAskForAndNoneIsNeeded() throws Exception {
        HttpResponse<String> token = Web.send("PUT", vm.metadata(), "/latest/api/token", Web.TTL, "60");
        assertEquals(404, token.statusCode());
        assertEquals(404, get("/latest/api/token").statusCode());
        assertEquals(
                405, Web.send("PUT", vm.metadata(), "/latest/meta-data/ami-id").statusCode());
        assertEquals(
                200,
                Web.send("GET", vm.metadata(), "/latest/meta-data/ami-id", Web.TOKEN, "anything")
                        .statusCode());
    }

    @Test
    void nothingIsSigned() throws Exception {
        for (String form : List.of("", "document", "pkcs7", "rsa2048", "signature")) {
            assertEquals(404, get("/latest/dynamic/instance-identity/" + form).statusCode(), form);
        }
        assertThrows(IllegalStateException.class, vm::document);
        assertFalse(Files.exists(clouds.trustFolder().resolve("eu-west-2.pem")));
    }

    @Test
    void onlyTheRootLatestIsThere() throws Exception {
        assertEquals("latest", text("/"));
        assertEquals(404, get("/2021-03-23/meta-data/ami-id").statusCode());
    }

    @Test
    void productCodesCanBeMissingThoughTheVmCarriesThem() throws Exception {
        assertEquals("0001\nthecode", text("/latest/meta-data/product-codes"));
        vm.metadataOptions(MetadataOptions.outscale(false));
        assertEquals(404, get("/latest/meta-data/product-codes").statusCode());
        assertFalse(text("/latest/meta-data/").contains("product-codes"));
        assertEquals(List.of("0001", "thecode"), vm.info().identity().productCodes());
    }

    @Test
    void tagsAreShownAsTheyAreSet() throws Exception {
        assertEquals("tallystick-key", text("/latest/meta-data/tags"));
        vm.tag(Map.of("tallystick-key", "def", "team", "x"));
        assertEquals("tallystick-key\nteam", text("/latest/meta-data/tags/"));
        assertEquals("def", text("/latest/meta-data/tags/tallystick-key"));
        Failure refused = assertThrows(Failure.class, () -> vm.tag(Map.of("a/b", "")));
        assertEquals("tags.a/b", refused.problems().get(0).path());
    }

    @Test
    void anImageAndItsVmsStayInTheCloudAndKeepTheCodes() throws Exception {
        VmImage image = clouds.image(vm);
        assertEquals(Cloud.OUTSCALE, image.cloud());
        assertTrue(image.imageId().matches("ami-[0-9a-f]{8}"), image.imageId());
        SimulatedVm second = clouds.launch(VmSpec.of("111122223333").fromImage(image.imageId()));
        assertEquals(Cloud.OUTSCALE, second.info().identity().cloud());
        assertEquals(List.of("0001", "thecode"), second.info().identity().productCodes());
    }

    @Test
    void aRestartBringsItBack() throws Exception {
        vm.tag(Map.of("team", "x"));
        VmInfo before = vm.info();
        clouds.close();
        clouds = SimulatedClouds.startWithKeys(dir, SharedKeys.folder(), new MovableClock());
        assertEquals(before, clouds.vm(before.instanceId()).orElseThrow().info());
    }

    @Test
    void aLongImageIdIsNotOutscales() {
        Failure refused = assertThrows(
                Failure.class,
                () -> clouds.launch(VmSpec.outscale("111122223333").imageId("ami-0123456789abcdef0")));
        assertEquals(ErrorCode.INVALID_REQUEST, refused.code());
        assertEquals("imageId", refused.problems().get(0).path());
    }
}
