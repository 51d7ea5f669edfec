package io.tallystick.aggregator.image;

import static io.tallystick.aggregator.image.CloudRig.await;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.tallystick.aggregator.app.ManualClock;
import io.tallystick.cloudsim.Cloud;
import io.tallystick.cloudsim.VmImage;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class Ec2ImageCloudTest extends ImageCloudContract {
    Ec2ImageCloudTest() {
        super(Cloud.AWS, "eu-west-1");
    }

    @Override
    String copyAction() {
        return "CopyImage";
    }

    @Test
    void onlyAwsAttachesCodesSoACopyWithoutIsRefused() throws Exception {
        String id = copy("token-1");
        finishCopies();
        await(cloud.attachProductCode(region, id, CODE));
        ImageCloudException refused = refused(cloud.attachProductCode(region, id, "other"));
        assertFalse(refused.isRetryable());
        assertEquals("no-product-code", refused.code());
    }

    /** Each region has its own copies, the token's too, and keeps the code. */
    @Test
    void aCopyGoesToAnotherRegion() throws Exception {
        String there = await(cloud.copy("us-west-2", region, source.imageId(), "The Product 1.0", "token-1"));
        assertEquals(there, await(cloud.copy("us-west-2", region, source.imageId(), "The Product 1.0", "token-1")));
        assertNotEquals(there, copy("token-1"));
        finishCopies();
        CloudImage image = await(cloud.find("us-west-2", there)).orElseThrow();
        assertEquals(List.of(CODE), image.productCodes());
        assertEquals("us-west-2", image.region());
        assertEquals(Optional.empty(), await(cloud.find(region, there)));
        await(cloud.share("us-west-2", there, Set.of(BUYER)));
        assertEquals(
                Set.of(BUYER),
                await(cloud.find("us-west-2", there)).orElseThrow().sharedWith());
        assertFalse(refused(cloud.copy("us-west-2", "us-west-1", source.imageId(), "name", "token-2"))
                .isRetryable());
    }

    @Test
    void anImageWithACodeIsForNobodyElse() throws Exception {
        String id = copy("token-1");
        finishCopies();
        assertFalse(refused(cloud.setPublic(region, id, true)).isRetryable());
        await(cloud.setPublic(region, id, false));
        assertFalse(find(id).isPublic());
    }

    @Test
    void aDeprecatedImageIsDeprecatedOnceAndCanStillBeFound() throws Exception {
        String id = copy("token-1");
        finishCopies();
        await(cloud.deprecate(region, id));
        VmImage image = rig.clouds.images().stream()
                .filter(i -> i.imageId().equals(id))
                .findFirst()
                .orElseThrow();
        Instant at = image.life().deprecatedAt().orElseThrow();
        assertTrue(at.isBefore(clock.instant().plus(Duration.ofMinutes(3))), at.toString());
        clock.advance(Duration.ofDays(1));
        await(cloud.deprecate(region, id));
        assertEquals(
                Optional.of(at),
                rig.clouds.images().stream()
                        .filter(i -> i.imageId().equals(id))
                        .findFirst()
                        .flatMap(i -> i.life().deprecatedAt()));
        assertEquals(CloudImage.State.AVAILABLE, find(id).state());
    }

    @Test
    void aClockThatIsFarOffIsRefusedAsExpired(@TempDir Path other) throws Exception {
        ManualClock behind = new ManualClock(clock.instant().minus(Duration.ofMinutes(16)));
        try (CloudRig skewed = new CloudRig(other, clock, behind)) {
            ImageCloudException refused = refused(skewed.marketplace(Cloud.AWS).find(region, source.imageId()));
            assertEquals("RequestExpired", refused.code());
        }
    }

    @Test
    void namesAreMadeSuchAsEc2Takes() {
        assertEquals("a--", Ec2ImageCloud.imageName("a"));
        assertEquals("pro-duit 1.0 (x)", Ec2ImageCloud.imageName("pro\u00e9duit 1.0 (x)"));
        assertEquals(128, Ec2ImageCloud.imageName("x".repeat(300)).length());
    }
}
