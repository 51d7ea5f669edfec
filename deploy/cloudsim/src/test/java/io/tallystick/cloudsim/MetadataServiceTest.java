package io.tallystick.cloudsim;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.tallystick.cloudsim.VmInfo.MetadataOptions;
import java.net.URI;
import java.net.http.HttpResponse;
import java.net.http.HttpTimeoutException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Row by row the table of the marketplace reference, 1.1 and A.1. */
class MetadataServiceTest {
    private static final String TOKEN_PATH = "/latest/api/token";

    private final MovableClock clock = new MovableClock();
    private final SimulatedClouds aws;
    private final SimulatedVm vm;
    private final URI metadata;

    MetadataServiceTest(@TempDir Path dir) {
        aws = SimulatedClouds.startWithKeys(dir, SharedKeys.folder(), clock);
        vm = aws.launch(VmSpec.of("111122223333")
                .region("eu-west-1")
                .instanceType("c5.xlarge")
                .imageId("ami-0123456789abcdef0")
                .privateIp("10.1.2.3")
                .productCodes("firstcode1", "secondcode2")
                .tags(Map.of("Name", "a vm", "team", "x")));
        metadata = vm.metadata();
    }

    @AfterEach
    void close() {
        aws.close();
    }

    private int put(String path, String... headers) throws Exception {
        return Web.send("PUT", metadata, path, headers).statusCode();
    }

    private int get(String path, String... headers) throws Exception {
        return Web.send("GET", metadata, path, headers).statusCode();
    }

    @Test
    void tokenRequestAnswersAToken() throws Exception {
        HttpResponse<String> response = Web.send("PUT", metadata, TOKEN_PATH, Web.TTL, "60");
        assertEquals(200, response.statusCode());
        assertEquals("text/plain", response.headers().firstValue("Content-Type").orElseThrow());
        assertEquals("60", response.headers().firstValue(Web.TTL).orElseThrow());
        assertEquals(56, response.body().length());
        assertEquals(200, get("/latest/meta-data/ami-id", Web.TOKEN, response.body()));
    }

    @Test
    void tokenRequestNeedsATtlFrom1To21600() throws Exception {
        assertEquals(400, put(TOKEN_PATH));
        for (String bad : List.of("0", "21601", "-1", "abc", "1.5", "+60", "999999999999")) {
            assertEquals(400, put(TOKEN_PATH, Web.TTL, bad), bad);
        }
        assertEquals(400, put(TOKEN_PATH, Web.TTL, "60", Web.TTL, "60"));
        assertEquals(200, put(TOKEN_PATH, Web.TTL, "1"));
        assertEquals(200, put(TOKEN_PATH, Web.TTL, "21600"));
    }

    @Test
    void datedTokenPathIsForbidden() throws Exception {
        assertEquals(403, put("/2021-03-23/api/token", Web.TTL, "60"));
        assertEquals(403, put("/1.0/api/token", Web.TTL, "60"));
    }

    @Test
    void forwardedTokenRequestIsForbidden() throws Exception {
        assertEquals(403, put(TOKEN_PATH, Web.TTL, "60", "X-Forwarded-For", "203.0.113.7"));
        assertEquals(403, put(TOKEN_PATH, "X-Forwarded-For", "203.0.113.7"));
    }

    @Test
    void disabledServiceForbidsEverything() throws Exception {
        String token = Web.token(metadata);
        vm.metadataOptions(new MetadataOptions(true, false, false));
        assertEquals(403, put(TOKEN_PATH, Web.TTL, "60"));
        assertEquals(403, get("/latest/meta-data/ami-id", Web.TOKEN, token));
        assertEquals(403, get("/latest/meta-data/nothing"));
        vm.metadataOptions(MetadataOptions.DEFAULT);
        assertEquals(200, get("/latest/meta-data/ami-id", Web.TOKEN, token));
    }

    @Test
    void missingOrInvalidTokenIsUnauthorized() throws Exception {
        assertEquals(401, get("/latest/meta-data/ami-id"));
        assertEquals(401, get("/latest/meta-data/ami-id", Web.TOKEN, ""));
        assertEquals(401, get("/latest/meta-data/ami-id", Web.TOKEN, "nonsense"));
        assertEquals(401, get("/latest/meta-data/nothing"));
        String token = Web.token(metadata);
        String altered = (token.charAt(0) == 'A' ? "B" : "A") + token.substring(1);
        assertEquals(401, get("/latest/meta-data/ami-id", Web.TOKEN, altered));
    }

    @Test
    void tokenExpiresByTheSimulationsClock() throws Exception {
        String token = Web.send("PUT", metadata, TOKEN_PATH, Web.TTL, "60").body();
        clock.advance(Duration.ofSeconds(60).minusMillis(1));
        assertEquals(200, get("/latest/meta-data/ami-id", Web.TOKEN, token));
        clock.advance(Duration.ofMillis(1));
        assertEquals(401, get("/latest/meta-data/ami-id", Web.TOKEN, token));
    }

    @Test
    void tokenOfAnotherVmIsUnauthorized() throws Exception {
        SimulatedVm other = aws.launch(VmSpec.of("111122223333"));
        assertEquals(401, get("/latest/meta-data/ami-id", Web.TOKEN, Web.token(other.metadata())));
    }

    @Test
    void manyTokensCoexist() throws Exception {
        String first = Web.token(metadata);
        String second = Web.token(metadata);
        assertNotEquals(first, second);
        assertEquals(200, get("/latest/meta-data/ami-id", Web.TOKEN, first));
        assertEquals(200, get("/latest/meta-data/ami-id", Web.TOKEN, second));
    }

    @Test
    void optionalTokensAllowNoneButNoBadOne() throws Exception {
        vm.metadataOptions(new MetadataOptions(false, true, false));
        assertEquals(200, get("/latest/meta-data/ami-id"));
        assertEquals(401, get("/latest/meta-data/ami-id", Web.TOKEN, "nonsense"));
    }

    @Test
    void otherMethodsAreNotAllowed() throws Exception {
        String token = Web.token(metadata);
        for (String method : List.of("POST", "PUT", "DELETE", "PATCH", "OPTIONS")) {
            HttpResponse<String> response = Web.send(method, metadata, "/latest/meta-data/ami-id", Web.TOKEN, token);
            assertEquals(405, response.statusCode(), method);
            assertEquals("GET, HEAD", response.headers().firstValue("Allow").orElseThrow());
        }
        assertEquals(405, get(TOKEN_PATH, Web.TOKEN, token));
        assertEquals(405, Web.send("POST", metadata, TOKEN_PATH, Web.TTL, "60").statusCode());
    }

    @Test
    void headAnswersTheHeadersOfGet() throws Exception {
        HttpResponse<String> response =
                Web.send("HEAD", metadata, "/latest/meta-data/ami-id", Web.TOKEN, Web.token(metadata));
        assertEquals(200, response.statusCode());
        assertEquals("", response.body());
        assertEquals("21", response.headers().firstValue("Content-Length").orElseThrow());
        assertEquals(401, Web.send("HEAD", metadata, "/latest/meta-data/ami-id").statusCode());
    }

    @Test
    void everyItemAnswersAsText() throws Exception {
        VmIdentity identity = vm.info().identity();
        Map<String, String> expected = Map.of(
                "product-codes", "firstcode1\nsecondcode2",
                "ami-id", "ami-0123456789abcdef0",
                "instance-id", vm.instanceId(),
                "instance-type", "c5.xlarge",
                "placement/region", "eu-west-1",
                "placement/availability-zone", "eu-west-1a",
                "reservation-id", identity.reservationId(),
                "local-ipv4", "10.1.2.3",
                "mac", identity.mac());
        for (Map.Entry<String, String> e : expected.entrySet()) {
            HttpResponse<String> response = Web.get(metadata, "/latest/meta-data/" + e.getKey());
            assertEquals(200, response.statusCode(), e.getKey());
            assertEquals(e.getValue(), response.body(), e.getKey());
            assertEquals(
                    "text/plain", response.headers().firstValue("Content-Type").orElseThrow());
        }
        assertTrue(vm.instanceId().matches("i-[0-9a-f]{17}"), vm.instanceId());
        assertTrue(identity.mac().matches("02(:[0-9a-f]{2}){5}"), identity.mac());
    }

    @Test
    void whatDoesNotExistIsNotFound() throws Exception {
        for (String path : List.of(
                "/latest/meta-data/nothing",
                "/latest/meta-data/ami-id/",
                "/latest/meta-data/placement",
                "/latest/meta-data/../meta-data/ami-id",
                "/latest/user-data",
                "/2099-01-01/meta-data/ami-id",
                "/latest/meta-data/tags/instance/",
                "/latest/meta-data/tags/instance/Name")) {
            assertEquals(404, Web.get(metadata, path).statusCode(), path);
        }
    }

    @Test
    void vmWithoutProductCodesHasNoSuchItem() throws Exception {
        SimulatedVm bare = aws.launch(VmSpec.of("111122223333"));
        assertEquals(
                404, Web.get(bare.metadata(), "/latest/meta-data/product-codes").statusCode());
        assertFalse(Web.get(bare.metadata(), "/latest/meta-data/").body().contains("product-codes"));
        assertTrue(new String(bare.document(), StandardCharsets.UTF_8).contains("\"marketplaceProductCodes\" : null,"));
    }

    @Test
    void foldersListTheirChildren() throws Exception {
        assertEquals(
                "ami-id\ninstance-id\ninstance-type\nlocal-ipv4\nmac\nplacement/\nproduct-codes\nreservation-id",
                Web.get(metadata, "/latest/meta-data/").body());
        assertEquals(
                "availability-zone\nregion",
                Web.get(metadata, "/latest/meta-data/placement/").body());
        assertEquals(
                "document\npkcs7\nrsa2048\nsignature",
                Web.get(metadata, "/latest/dynamic/instance-identity/").body());
        assertEquals("dynamic/\nmeta-data/", Web.get(metadata, "/latest/").body());
        assertTrue(Web.get(metadata, "/").body().endsWith("\nlatest"));
    }

    @Test
    void tagsAreShownOnlyWhereEnabled() throws Exception {
        vm.metadataOptions(new MetadataOptions(true, true, true));
        assertEquals(
                "Name\nteam",
                Web.get(metadata, "/latest/meta-data/tags/instance/").body());
        assertEquals(
                "a vm",
                Web.get(metadata, "/latest/meta-data/tags/instance/Name").body());
        assertEquals(
                404, Web.get(metadata, "/latest/meta-data/tags/instance/other").statusCode());
    }

    @Test
    void datedRootsAnswerLikeLatest() throws Exception {
        assertEquals(
                "ami-0123456789abcdef0",
                Web.get(metadata, "/2021-03-23/meta-data/ami-id").body());
        assertEquals(401, get("/2021-03-23/meta-data/ami-id"));
    }

    @Test
    void slowAnswersLateButRight() throws Exception {
        vm.inject(Fault.slow(Duration.ofMillis(50)).at("/latest/meta-data/"));
        assertEquals(
                "c5.xlarge",
                Web.get(metadata, "/latest/meta-data/instance-type").body());
    }

    @Test
    void failuresEndAfterAsManyAsWereAskedFor() throws Exception {
        vm.inject(Fault.error(500).times(2), Fault.throttle().times(1));
        assertEquals(500, put(TOKEN_PATH, Web.TTL, "60"));
        assertEquals(500, put(TOKEN_PATH, Web.TTL, "60"));
        assertEquals(429, put(TOKEN_PATH, Web.TTL, "60"));
        assertEquals(200, put(TOKEN_PATH, Web.TTL, "60"));
    }

    @Test
    void hangingServiceTakesTheConnectionAndNeverAnswers() throws Exception {
        vm.inject(Fault.hang());
        assertThrows(
                HttpTimeoutException.class,
                () -> Web.sendWithin(Duration.ofMillis(300), metadata, "/latest/meta-data/"));
        vm.heal();
        assertEquals(200, Web.get(metadata, "/latest/meta-data/").statusCode());
    }

    @Test
    void hugeBodyIsAsLongAsAsked() throws Exception {
        vm.inject(Fault.huge(1_000_001).at("/latest/meta-data/ami-id"));
        HttpResponse<String> response = Web.get(metadata, "/latest/meta-data/ami-id");
        assertEquals(200, response.statusCode());
        assertEquals(1_000_001, response.body().length());
        assertTrue(response.headers().firstValue("Content-Length").isEmpty());
    }

    @Test
    void redirectLeadsElsewhere() throws Exception {
        vm.inject(Fault.redirect("http://127.0.0.1:1/"));
        HttpResponse<String> response = Web.send("GET", metadata, "/latest/meta-data/ami-id");
        assertEquals(302, response.statusCode());
        assertEquals(
                "http://127.0.0.1:1/", response.headers().firstValue("Location").orElseThrow());
    }

    @Test
    void replacedBodyLies() throws Exception {
        vm.inject(Fault.replace("/latest/meta-data/product-codes", "other"));
        assertEquals(
                "other", Web.get(metadata, "/latest/meta-data/product-codes").body());
        assertEquals(
                "c5.xlarge",
                Web.get(metadata, "/latest/meta-data/instance-type").body());
    }
}
