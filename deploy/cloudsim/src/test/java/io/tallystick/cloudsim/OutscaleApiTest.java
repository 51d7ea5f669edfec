package io.tallystick.cloudsim;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.tallystick.common.json.Json;
import java.net.URI;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** OUTSCALE's own rules, marketplace reference 8.3. */
class OutscaleApiTest {
    private static final String SELLER = "111111111111";
    private static final String BUYER = "222222222222";
    private static final String REGION = "eu-west-2";

    private final MovableClock clock = new MovableClock();
    private final SimulatedClouds clouds;
    private final ControlApi api;
    private final AccessKey key;
    private final String image;

    OutscaleApiTest(@TempDir Path dir) throws Exception {
        clouds = SimulatedClouds.startWithKeys(dir, SharedKeys.folder(), clock);
        api = new ControlApi(clouds, 0);
        key = clouds.key(Cloud.OUTSCALE, SELLER, false);
        image = clouds.register(new ImageSpec(Cloud.OUTSCALE, SELLER, REGION, "a name", List.of("0001"), Set.of()))
                .imageId();
    }

    @AfterEach
    void close() {
        api.close();
        clouds.close();
    }

    private SignedWeb as(AccessKey who) {
        return new SignedWeb(URI.create("http://127.0.0.1:" + api.port()), who, REGION, clock);
    }

    private Map<String, Object> ok(String action, Object... members) throws Exception {
        HttpResponse<String> response = as(key).outscale(action, Json.write(Json.object(members)));
        assertEquals(200, response.statusCode(), response::body);
        Map<String, Object> answer = Json.parseObject(response.body());
        assertTrue(answer.containsKey("ResponseContext"), response::body);
        return answer;
    }

    @SuppressWarnings("unchecked")
    private static String code(HttpResponse<String> response) {
        Map<String, Object> answer = Json.parseObject(response.body());
        Map<String, Object> error = ((List<Map<String, Object>>) answer.get("Errors")).get(0);
        assertEquals(Set.of("Code", "Type", "Details"), error.keySet());
        return response.statusCode() + " " + error.get("Type") + " " + error.get("Code");
    }

    private String refused(String action, Object... members) throws Exception {
        return code(as(key).outscale(action, Json.write(Json.object(members))));
    }

    @SuppressWarnings("unchecked")
    private static Map<String, Object> image(Map<String, Object> answer) {
        return (Map<String, Object>) answer.get("Image");
    }

    @Test
    void aNameIsForOneImage() throws Exception {
        Map<String, Object> copy =
                image(ok("CreateImage", "SourceImageId", image, "SourceRegionName", REGION, "ImageName", "the copy"));
        assertEquals("pending", copy.get("State"));
        assertEquals(List.of("0001"), copy.get("ProductCodes"));
        assertEquals(
                "409 ResourceConflict 9000",
                refused("CreateImage", "SourceImageId", image, "SourceRegionName", REGION, "ImageName", "the copy"));
    }

    @Test
    void aSourceIsInTheAccountsOwnRegion() throws Exception {
        assertEquals(
                "400 InvalidParameterValue 4000",
                refused("CreateImage", "SourceImageId", image, "SourceRegionName", "us-east-2", "ImageName", "copy"));
        assertEquals("400 MissingParameter 7000", refused("CreateImage", "ImageName", "copy"));
    }

    @Test
    void codesGivenReplaceTheWholeList() throws Exception {
        Map<String, Object> changed = image(ok("UpdateImage", "ImageId", image, "ProductCodes", List.of("thecode")));
        assertEquals(List.of("thecode"), changed.get("ProductCodes"));
    }

    @Test
    void permissionsAreAddedOrTakenBackNotBoth() throws Exception {
        Map<String, Object> buyer = Json.object("AccountIds", List.of(BUYER));
        assertEquals(
                "400 InvalidParameter 3001",
                refused(
                        "UpdateImage",
                        "ImageId",
                        image,
                        "PermissionsToLaunch",
                        Json.object("Additions", buyer, "Removals", buyer)));
        ok("UpdateImage", "ImageId", image, "PermissionsToLaunch", Json.object("Additions", buyer));
        SimulatedVm vm = clouds.launch(VmSpec.of(BUYER).fromImage(image));
        assertEquals(List.of("0001"), vm.info().identity().productCodes());
        ok(
                "UpdateImage",
                "ImageId",
                image,
                "PermissionsToLaunch",
                Json.object("Additions", Json.object("GlobalPermission", true)));
        assertTrue(clouds.images().get(0).access().everyone());
    }

    @Test
    void anImageIsMadeOfAVmAndKeepsItsCodes() throws Exception {
        SimulatedVm vm = clouds.launch(VmSpec.of(SELLER).fromImage(image));
        Map<String, Object> made = image(ok("CreateImage", "VmId", vm.instanceId(), "ImageName", "of a vm"));
        assertEquals(List.of("0001"), made.get("ProductCodes"));
        assertEquals("available", made.get("State"));
        assertEquals("400 InvalidResource 5063", refused("CreateImage", "VmId", "i-00000000", "ImageName", "of none"));
    }

    @Test
    void tagsAreForTheOwner() throws Exception {
        SimulatedVm vm = clouds.launch(VmSpec.of(SELLER).fromImage(image));
        List<Object> tags = List.of(Json.object("Key", "tallystick-key", "Value", "abc"));
        ok("CreateTags", "ResourceIds", List.of(vm.instanceId()), "Tags", tags);
        assertEquals(Map.of("tallystick-key", "abc"), vm.info().tags());
        AccessKey buyer = clouds.key(Cloud.OUTSCALE, BUYER, false);
        assertEquals(
                "400 InvalidResource 5063",
                code(as(buyer)
                        .outscale(
                                "CreateTags",
                                Json.write(Json.object("ResourceIds", List.of(vm.instanceId()), "Tags", tags)))));
    }

    @Test
    void aPageLeadsToTheNext() throws Exception {
        clouds.register(new ImageSpec(Cloud.OUTSCALE, SELLER, REGION, "second", List.of(), Set.of()));
        Map<String, Object> first = ok("ReadImages", "ResultsPerPage", 1);
        assertEquals(1, ((List<?>) first.get("Images")).size());
        Map<String, Object> second = ok("ReadImages", "ResultsPerPage", 1, "NextPageToken", first.get("NextPageToken"));
        assertEquals(1, ((List<?>) second.get("Images")).size());
        assertTrue(!second.containsKey("NextPageToken"), second::toString);
    }

    @Test
    void whatIsGoneDoesNotExist() throws Exception {
        ok("DeleteImage", "ImageId", image);
        assertEquals("400 InvalidResource 5023", refused("DeleteImage", "ImageId", image));
    }

    @Test
    void whatIsNotSimulatedIsSaid() throws Exception {
        assertEquals("404 InvalidAction 12000", refused("ReadNets"));
        assertEquals("400 InvalidParameter 3001", refused("ReadImages", "NoSuch", 1));
    }

    @Test
    void onlyAFreshSignatureByAKnownKeyIsTaken() throws Exception {
        AccessKey wrong = new AccessKey(Cloud.OUTSCALE, SELLER, key.accessKeyId(), "x".repeat(40), false);
        assertEquals("401 AccessDenied 1", code(as(wrong).outscale("ReadImages", "{}")));
        MovableClock late = new MovableClock();
        late.advance(Duration.ofMinutes(-6));
        SignedWeb behind = new SignedWeb(URI.create("http://127.0.0.1:" + api.port()), key, REGION, late);
        assertEquals("401 AccessDenied 1", code(behind.outscale("ReadImages", "{}")));
        AccessKey readOnly = clouds.key(Cloud.OUTSCALE, SELLER, true);
        assertEquals(
                "401 AccessDenied 4",
                code(as(readOnly).outscale("DeleteImage", Json.write(Json.object("ImageId", image)))));
    }
}
