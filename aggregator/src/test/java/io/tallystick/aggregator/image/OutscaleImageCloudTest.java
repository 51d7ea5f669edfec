package io.tallystick.aggregator.image;

import static io.tallystick.aggregator.image.CloudRig.await;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.tallystick.cloudsim.Cloud;
import io.tallystick.cloudsim.VmSpec;
import io.tallystick.common.error.Failure;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

class OutscaleImageCloudTest extends ImageCloudContract {
    OutscaleImageCloudTest() {
        super(Cloud.OUTSCALE, "eu-west-2");
    }

    @Override
    String copyAction() {
        return "CreateImage";
    }

    @Test
    void aCodeIsAddedToThoseThereOnce() throws Exception {
        String id = copy("token-1");
        finishCopies();
        await(cloud.attachProductCode(region, id, "other"));
        await(cloud.attachProductCode(region, id, "other"));
        assertEquals(List.of(CODE, "other"), find(id).productCodes());
    }

    @Test
    void anImageMayBeForEverybodyAndForSomeAgain() throws Exception {
        String id = copy("token-1");
        finishCopies();
        await(cloud.share(region, id, Set.of(SELLER)));
        await(cloud.setPublic(region, id, true));
        await(cloud.setPublic(region, id, true));
        assertTrue(find(id).isPublic());
        rig.clouds.launch(VmSpec.of(BUYER).fromImage(id));
        await(cloud.setPublic(region, id, false));
        await(cloud.setPublic(region, id, false));
        assertFalse(find(id).isPublic());
        assertEquals(Set.of(SELLER), find(id).sharedWith());
        assertThrows(Failure.class, () -> rig.clouds.launch(VmSpec.of(BUYER).fromImage(id)));
    }

    @Test
    void deprecationHasNoEffect() throws Exception {
        String id = copy("token-1");
        finishCopies();
        CloudImage before = find(id);
        await(cloud.deprecate(region, id));
        assertEquals(before, find(id));
    }

    @Test
    void theNameOfACopyEndsInItsTokenAndFits() {
        assertEquals("The Product (x) token-1", OutscaleImageCloud.imageName("The Product (x)", "token-1"));
        String clean = OutscaleImageCloud.imageName("pro\u00e9duit: " + "x".repeat(300), "a token?");
        assertTrue(clean.matches("[a-zA-Z0-9_ ()/.\\-]{128}"), clean);
        assertTrue(clean.startsWith("pro-duit- x"), clean);
    }

    /** Marketplace reference A.4. */
    @Test
    void osc4SignsTheReferencesVector() {
        String authorization = OscClient.authorization(
                new CloudKey("ABCDEFGHIJ0123456789", "ABCDEFGHIJKLMNOPQRSTUVWXYZ01234567890123"),
                "eu-west-2",
                "api.eu-west-2.outscale.com",
                "/api/v1/ReadImages",
                "20260115T120000Z",
                "{\"Filters\":{\"ProductCodes\":[\"pc-demo\"]}}");
        assertEquals(
                "OSC4-HMAC-SHA256 Credential=ABCDEFGHIJ0123456789/20260115/eu-west-2/api/osc4_request, "
                        + "SignedHeaders=content-type;host;x-osc-date, "
                        + "Signature=3a6afa69ff0e7eedf27b49b6c02c6580780f7356bfb9d685e55762a561e52fff",
                authorization);
    }
}
