package io.tallystick.cloudsim;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.tallystick.common.error.ErrorCode;
import io.tallystick.common.error.Failure;
import io.tallystick.common.json.Json;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ControlApiTest {
    private final MovableClock clock = new MovableClock();
    private final Path dir;
    private final SimulatedClouds aws;
    private final ControlApi api;
    private final URI control;
    private final CloudsimClient client;

    ControlApiTest(@TempDir Path dir) throws IOException {
        this.dir = dir;
        aws = SimulatedClouds.startWithKeys(dir, SharedKeys.folder(), clock);
        api = new ControlApi(aws, 0);
        control = URI.create("http://127.0.0.1:" + api.port());
        client = new CloudsimClient(control);
    }

    @AfterEach
    void close() {
        api.close();
        aws.close();
    }

    @Test
    void clientPlaysAWholeLife() throws Exception {
        VmInfo vm = client.launch(VmSpec.of("111122223333")
                .region("eu-west-1")
                .productCodes("thecode")
                .tags(Map.of("Name", "x")));
        assertEquals(VmState.RUNNING, vm.state());
        assertEquals(vm, client.vm(vm.instanceId()));
        assertEquals(List.of(vm), client.vms());
        assertEquals(
                "thecode",
                Web.get(vm.metadata(), "/latest/meta-data/product-codes").body());
        Files.writeString(vm.disk().resolve("f"), "copied");

        VmInfo clone = client.clone(vm.instanceId());
        assertNotEquals(vm.instanceId(), clone.instanceId());
        assertEquals("copied", Files.readString(clone.disk().resolve("f")));
        VmImage image = client.image(vm.instanceId());
        assertEquals(2, client.images().size());
        client.share(image.imageId(), Set.of("444455556666"));
        VmInfo derived = client.launch(VmSpec.of("444455556666").fromImage(image.imageId()));
        assertEquals(List.of("thecode"), derived.identity().productCodes());

        assertEquals(VmState.STOPPED, client.stop(vm.instanceId()).state());
        clock.advance(Duration.ofHours(1));
        VmInfo started = client.start(vm.instanceId());
        assertEquals(
                vm.identity().pendingTime().plus(Duration.ofHours(1)),
                started.identity().pendingTime());
        assertEquals(started, client.reboot(vm.instanceId()));

        client.faults(vm.instanceId(), List.of(Fault.error(503).times(1)));
        assertEquals(503, Web.send("GET", vm.metadata(), "/latest/meta-data/").statusCode());
        assertEquals(401, Web.send("GET", vm.metadata(), "/latest/meta-data/").statusCode());

        client.metadataOptions(vm.instanceId(), new VmInfo.MetadataOptions(false, true, true));
        assertEquals(
                "x",
                Web.send("GET", vm.metadata(), "/latest/meta-data/tags/instance/Name")
                        .body());
        assertEquals(VmState.TERMINATED, client.terminate(vm.instanceId()).state());
    }

    @Test
    void everyKindOfFaultPassesTheApi() {
        VmInfo vm = client.launch(VmSpec.of("111122223333"));
        List<Fault> faults = List.of(
                Fault.slow(Duration.ofMillis(5)),
                Fault.error(501).at("/latest/api/"),
                Fault.hang().times(3),
                Fault.huge(12),
                Fault.redirect("http://127.0.0.1/"),
                Fault.throttle(),
                Fault.replace("/latest/x", "body"));
        client.faults(vm.instanceId(), faults);
        assertEquals(faults, aws.vm(vm.instanceId()).orElseThrow().faults());
    }

    @Test
    void badLaunchNamesEveryFieldAndChangesNothing() throws Exception {
        String body =
                """
                {"accountId":"12","region":"../etc","imageId":"x","instanceType":"big","architecture":"z80",
                 "privateIp":"1.2.3","productCodes":["ok","b d"],"tags":{"a/b":"x"},"httpTokens":"maybe",
                 "metadataPort":70000,"surprise":1}""";
        Map<String, Object> problem = refused(400, Web.json("POST", control, "/vms", body));
        assertEquals("invalid-request", problem.get("code"));
        assertEquals(
                Set.of(
                        "accountId",
                        "region",
                        "imageId",
                        "instanceType",
                        "architecture",
                        "privateIp",
                        "productCodes[1]",
                        "tags.a/b",
                        "httpTokens",
                        "metadataPort",
                        "surprise"),
                paths(problem));
        assertEquals(List.of(), aws.vms());
    }

    @Test
    void imageDecidesWhatComesFromIt() throws Exception {
        VmInfo vm = client.launch(VmSpec.of("111122223333"));
        VmImage image = client.image(vm.instanceId());
        Failure both = assertThrows(
                Failure.class,
                () -> client.launch(VmSpec.of("111122223333")
                        .fromImage(image.imageId())
                        .region("eu-west-1")
                        .productCodes("mine")));
        assertEquals(ErrorCode.INVALID_REQUEST, both.code());
        assertEquals(
                List.of("region", "productCodes"),
                both.problems().stream().map(Failure.Problem::path).toList());
        Failure none = assertThrows(
                Failure.class, () -> client.launch(VmSpec.of("111122223333").fromImage("ami-00000000000000000")));
        assertEquals("fromImage", none.problems().get(0).path());
        assertEquals(1, aws.vms().size());
    }

    @Test
    void badRequestsAreRefusedWithTheirRuleAndChangeNothing() throws Exception {
        VmInfo vm = client.launch(VmSpec.of("111122223333"));
        String one = "/vms/" + vm.instanceId();
        String stored = Files.readString(dir.resolve("state.json"));

        refused(400, Web.json("POST", control, "/vms", "{"));
        refused(400, Web.json("POST", control, "/vms", "[]"));
        refused(400, Web.json("POST", control, "/vms", "{\"accountId\":\"111122223333\",\"accountId\":\"1\"}"));
        assertEquals(Set.of("accountId"), paths(refused(400, Web.json("POST", control, "/vms", "{}"))));
        assertEquals(Set.of("now"), paths(refused(400, Web.json("POST", control, one + "/stop", "{\"now\":true}"))));
        refused(413, Web.json("POST", control, "/vms", " ".repeat(ControlApi.BODY_BYTES_MAX + 1)));
        refused(415, Web.jsonAs("text/plain", "POST", control, "/vms", "{}"));
        refused(403, Web.send("POST", control, one + "/stop", "Origin", "http://example.com"));
        refused(404, Web.send("GET", control, "/vms/i-00000000000000000"));
        refused(404, Web.send("GET", control, "/images/ami-00000000000000000"));
        refused(404, Web.send("GET", control, "/nothing"));
        refused(404, Web.send("POST", control, one + "/explode"));
        refused(405, Web.send("GET", control, one + "/stop"));
        refused(405, Web.send("DELETE", control, "/vms"));
        assertEquals(Set.of("state"), paths(refused(409, Web.send("POST", control, one + "/start"))));
        assertEquals(
                Set.of("faults[0].kind", "faults[1].pathPrefix", "faults[2].text"),
                paths(refused(
                        400,
                        Web.json(
                                "PUT",
                                control,
                                one + "/faults",
                                "{\"faults\":[{\"kind\":\"odd\"},{\"kind\":\"hang\",\"pathPrefix\":\"x\"},"
                                        + "{\"kind\":\"redirect\"}]}"))));
        assertEquals(Set.of("faults"), paths(refused(400, Web.json("PUT", control, one + "/faults", "{}"))));

        assertEquals(List.of(vm), client.vms());
        assertEquals(List.of(), aws.vm(vm.instanceId()).orElseThrow().faults());
        assertEquals(stored, Files.readString(dir.resolve("state.json")));
    }

    private static Map<String, Object> refused(int status, HttpResponse<String> response) {
        assertEquals(status, response.statusCode(), response.body());
        assertEquals(
                "application/problem+json",
                response.headers().firstValue("Content-Type").orElseThrow());
        Map<String, Object> problem = Json.parseObject(response.body());
        assertEquals((long) status, problem.get("status"));
        return problem;
    }

    private static Set<String> paths(Map<String, Object> problem) {
        Set<String> paths = new TreeSet<>();
        for (Object error : (List<?>) Objects.requireNonNull(problem.get("errors"))) {
            paths.add(String.valueOf(((Map<?, ?>) error).get("path")));
        }
        return paths;
    }
}
