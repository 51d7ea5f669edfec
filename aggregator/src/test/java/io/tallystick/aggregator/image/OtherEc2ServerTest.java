package io.tallystick.aggregator.image;

import static io.tallystick.aggregator.image.CloudRig.await;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.tallystick.testkit.NeedsTool;
import io.vertx.core.Vertx;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * The adapter as it is against an EC2 API that others wrote: what {@link Ec2ImageCloudTest} asks of ours, as far as somebody
 * else's server can be asked it. Named by environment variables, see CONTRIBUTING.md; each test leaves nothing behind.
 */
@NeedsTool("ec2")
class OtherEc2ServerTest {
    /** AWS copies an image within minutes. */
    private static final Duration COPY_MAX = Duration.ofMinutes(30);

    private static final String BUYER = "222222222222";

    private final Vertx vertx = Vertx.vertx();
    private final String region = setting("REGION");
    private final String sourceImage = setting("IMAGE");
    private CloudClients clients;
    private ImageCloud cloud;

    private static String setting(String name) {
        return Objects.requireNonNull(System.getenv("TALLYSTICK_EC2_" + name), "TALLYSTICK_EC2_" + name);
    }

    @BeforeEach
    void start() throws Exception {
        List<String> key = Files.readAllLines(Path.of(setting("KEY_FILE")));
        CloudClients.Own own = new CloudClients.Own(
                setting("ACCOUNT"), new CloudKey(key.get(0).strip(), key.get(1).strip()));
        clients = new CloudClients(
                vertx,
                Clock.systemUTC(),
                Map.of("aws", new CloudClients.Settings(Optional.of(own), Optional.of(setting("ENDPOINT")))));
        cloud = new ImageClouds(clients.own()).of("aws").orElseThrow();
    }

    @AfterEach
    void close() {
        clients.close();
        vertx.close().await();
    }

    private CloudImage available(String id) throws Exception {
        Instant end = Instant.now().plus(COPY_MAX);
        while (true) {
            CloudImage image = await(cloud.find(region, id)).orElseThrow();
            if (image.state() != CloudImage.State.PENDING) {
                return image;
            }
            assertTrue(Instant.now().isBefore(end), image.toString());
            Thread.sleep(Duration.ofSeconds(2).toMillis());
        }
    }

    private String copy(String token) throws Exception {
        return await(cloud.copy(region, region, sourceImage, "Tallystick test " + token, token));
    }

    @Test
    void aCopyIsMadeOnceForATokenAndIsOurs() throws Exception {
        String token = UUID.randomUUID().toString();
        String id = copy(token);
        try {
            assertNotEquals(sourceImage, id);
            CloudImage image = available(id);
            assertEquals(CloudImage.State.AVAILABLE, image.state(), image::stateReason);
            assertEquals(setting("ACCOUNT"), image.ownerAccount());
            assertEquals("Tallystick test " + token, image.name());
            assertEquals(id, copy(token));
        } finally {
            await(cloud.delete(region, id));
        }
    }

    @Test
    void aCopyIsSharedAndNoLongerSharedAndTwiceIsOnce() throws Exception {
        String id = copy(UUID.randomUUID().toString());
        try {
            available(id);
            await(cloud.share(region, id, Set.of(BUYER)));
            await(cloud.share(region, id, Set.of(BUYER)));
            assertEquals(
                    Set.of(BUYER), await(cloud.find(region, id)).orElseThrow().sharedWith());
            await(cloud.unshare(region, id, Set.of(BUYER)));
            await(cloud.unshare(region, id, Set.of(BUYER)));
            assertEquals(Set.of(), await(cloud.find(region, id)).orElseThrow().sharedWith());
        } finally {
            await(cloud.delete(region, id));
        }
    }

    @Test
    void whatIsDeletedIsGoneAndDeletingItAgainIsFine() throws Exception {
        String id = copy(UUID.randomUUID().toString());
        available(id);
        await(cloud.delete(region, id));
        assertEquals(Optional.empty(), await(cloud.find(region, id)));
        await(cloud.delete(region, id));
    }

    @Test
    void aCopyIsDeprecatedAndStillThere() throws Exception {
        String id = copy(UUID.randomUUID().toString());
        try {
            available(id);
            await(cloud.deprecate(region, id));
            await(cloud.deprecate(region, id));
            assertEquals(
                    CloudImage.State.AVAILABLE,
                    await(cloud.find(region, id)).orElseThrow().state());
        } finally {
            await(cloud.delete(region, id));
        }
    }

    @Test
    void whatIsNotThereIsNotFound() throws Exception {
        assertEquals(Optional.empty(), await(cloud.find(region, "ami-00000000000000000")));
        assertEquals(Optional.empty(), await(cloud.vm(region, "i-00000000000000000")));
    }

    @Test
    void nothingRunsWithACodeThatNobodyHas() throws Exception {
        String code = UUID.randomUUID().toString();
        assertEquals(List.of(), await(cloud.running(region, Set.of(code))));
        assertEquals(List.of(), await(cloud.ownedBy(region, setting("ACCOUNT"), code)));
    }
}
