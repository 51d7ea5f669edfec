package io.tallystick.aggregator.app;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.tallystick.aggregator.web.Role;
import io.tallystick.cloudsim.AccessKey;
import io.tallystick.cloudsim.ApiFault;
import io.tallystick.cloudsim.Cloud;
import io.tallystick.cloudsim.ControlApi;
import io.tallystick.cloudsim.ImageSpec;
import io.tallystick.cloudsim.SharedKeys;
import io.tallystick.cloudsim.SimulatedClouds;
import io.tallystick.common.json.Json;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** From the configuration to a request: what a seller can choose from comes from the clouds' APIs. */
class ImageCloudsWiredTest {
    private static final String MARKETPLACE = "999999999999";
    private static final String OWNER = "111111111111";
    private static final SimulatedClouds CLOUDS;
    private static final ControlApi API;

    static {
        try {
            Path dir = Files.createTempDirectory("image-clouds");
            dir.toFile().deleteOnExit();
            CLOUDS = SimulatedClouds.startWithKeys(dir, SharedKeys.folder(), new ManualClock(RunningAggregator.START));
            API = new ControlApi(CLOUDS, 0);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @RegisterExtension
    static final RunningAggregator RUNNING = RunningAggregator.with(settings());

    private static String[] settings() {
        List<String> settings = new ArrayList<>();
        for (Cloud cloud : Cloud.values()) {
            AccessKey key = CLOUDS.key(cloud, MARKETPLACE, false);
            String prefix = "images." + cloud.wire() + ".";
            settings.add(prefix + "account=" + MARKETPLACE);
            settings.add(prefix + "key-file=" + file(key.accessKeyId() + "\n" + key.secretKey() + "\n"));
            settings.add(prefix + "endpoint=http://127.0.0.1:" + API.port());
        }
        return settings.toArray(new String[0]);
    }

    private static Path file(String text) {
        try {
            Path file = Files.createTempFile("cloud-key", "");
            file.toFile().deleteOnExit();
            return Files.writeString(file, text);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @AfterAll
    static void close() {
        API.close();
        CLOUDS.close();
    }

    private static String seller(Cloud cloud) {
        return RUNNING.http()
                .post(
                        "/v1/accounts",
                        RUNNING.operator(),
                        Json.write(Json.object(
                                "kind",
                                "seller",
                                "name",
                                "A seller",
                                "cloudAccounts",
                                List.of(Json.object("cloud", cloud.wire(), "accountId", OWNER)))))
                .expect(201)
                .get("id");
    }

    @ParameterizedTest
    @CsvSource({"AWS, eu-west-1", "OUTSCALE, eu-west-2"})
    void sellersChooseFromWhatTheCloudTells(Cloud cloud, String region) {
        String seller = seller(cloud);
        String product = RUNNING.product(seller, "requests");
        String token = RUNNING.token(Role.SELLER, seller);
        String code =
                RUNNING.http().get("/v1/products/" + product, token).expect(200).get("productCode");
        String image = CLOUDS.register(
                        new ImageSpec(cloud, OWNER, region, "The product 1.0", List.of(code), Set.of(MARKETPLACE)))
                .imageId();
        CLOUDS.register(new ImageSpec(cloud, OWNER, region, "Not shared", List.of(code), Set.of()));
        String path = "/v1/products/" + product + "/versions/images?cloud=" + cloud.wire() + "&region=" + region;
        List<Object> ids = RUNNING.http().get(path, token).expect(200).list("items").stream()
                .map(i -> i.get("id"))
                .toList();
        assertEquals(List.of(image), ids);

        CLOUDS.inject(List.of(ApiFault.once(cloud, ApiFault.Kind.THROTTLE, "")));
        Http.Answer throttled = RUNNING.http().get(path, token).expect(503);
        assertEquals("unavailable", throttled.get("code"));
    }
}
