package io.tallystick.cloudsim;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.net.URI;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** EC2's own rules, marketplace reference 8.4; what the real client needs of it is tested with the real client. */
class Ec2ApiTest {
    private static final String SELLER = "111111111111";
    private static final String BUYER = "222222222222";
    private static final String REGION = "eu-west-1";

    private final Path dir;
    private final MovableClock clock = new MovableClock();
    private SimulatedClouds clouds;
    private ControlApi api;
    private final AccessKey key;
    private final String image;

    Ec2ApiTest(@TempDir Path dir) throws Exception {
        this.dir = dir;
        clouds = SimulatedClouds.startWithKeys(dir, SharedKeys.folder(), clock);
        api = new ControlApi(clouds, 0);
        key = clouds.key(Cloud.AWS, SELLER, false);
        image = clouds.register(new ImageSpec(Cloud.AWS, SELLER, REGION, "a name", List.of("thecode"), Set.of()))
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

    private String ok(String action, String... parameters) throws Exception {
        HttpResponse<String> response = as(key).ec2(action, parameters);
        assertEquals(200, response.statusCode(), response::body);
        return response.body();
    }

    private static String code(HttpResponse<String> response) {
        Matcher m =
                Pattern.compile("<Response><Errors><Error><Code>([^<]*)</Code>").matcher(response.body());
        assertTrue(m.find(), response::body);
        return response.statusCode() + " " + m.group(1);
    }

    private String refused(String action, String... parameters) throws Exception {
        return code(as(key).ec2(action, parameters));
    }

    @Test
    void imagesWithACodeCannotBePublic() throws Exception {
        assertEquals(
                "400 OperationNotPermitted",
                refused("ModifyImageAttribute", "ImageId", image, "LaunchPermission.Add.1.Group", "all"));
        String plain = clouds.register(new ImageSpec(Cloud.AWS, SELLER, REGION, "plain", List.of(), Set.of()))
                .imageId();
        ok("ModifyImageAttribute", "ImageId", plain, "LaunchPermission.Add.1.Group", "all");
        assertTrue(ok("DescribeImages", "ImageId.1", plain).contains("<isPublic>true</isPublic>"));
        assertTrue(as(clouds.key(Cloud.AWS, BUYER, false))
                .ec2("DescribeImages")
                .body()
                .contains(plain));
    }

    @Test
    void productCodesCannotBeSet() throws Exception {
        assertEquals(
                "400 UnsupportedOperation", refused("ModifyImageAttribute", "ImageId", image, "ProductCode.1", "mine"));
        assertTrue(ok("DescribeImages", "Filter.1.Name", "product-code", "Filter.1.Value.1", "thecode")
                .contains("<productCode>thecode</productCode><type>marketplace</type>"));
    }

    @Test
    void permissionsNameAccountsOfTwelveDigits() throws Exception {
        assertEquals(
                "400 InvalidAMIAttributeItemValue",
                refused("ModifyImageAttribute", "ImageId", image, "LaunchPermission.Add.1.UserId", "1234-5678"));
        ok("ModifyImageAttribute", "ImageId", image, "LaunchPermission.Add.1.UserId", BUYER);
        String permissions = ok("DescribeImageAttribute", "ImageId", image, "Attribute", "launchPermission");
        assertTrue(permissions.contains("<launchPermission><item><userId>" + BUYER + "</userId></item>"), permissions);
        AccessKey buyer = clouds.key(Cloud.AWS, BUYER, false);
        assertEquals(
                "403 AuthFailure",
                code(as(buyer).ec2("DescribeImageAttribute", "ImageId", image, "Attribute", "launchPermission")));
        ok("ModifyImageAttribute", "ImageId", image, "OperationType", "remove", "UserId.1", BUYER);
        assertEquals("400 InvalidAMIID.NotFound", code(as(buyer).ec2("DescribeImages", "ImageId.1", image)));
    }

    @Test
    void aClientTokenIsForOneRequest() throws Exception {
        String[] copy = {"Name", "a copy", "SourceImageId", image, "SourceRegion", REGION, "ClientToken", "t"};
        String first = ok("CopyImage", copy);
        assertEquals(
                first.replaceAll("<requestId>.*</requestId>", ""),
                ok("CopyImage", copy).replaceAll("<requestId>.*</requestId>", ""));
        copy[1] = "another name";
        assertEquals("400 IdempotentParameterMismatch", refused("CopyImage", copy));
        assertEquals(2, clouds.images().size());
    }

    @Test
    void tagsAreCopiedIfAsked() throws Exception {
        ok("CreateTags", "ResourceId.1", image, "Tag.1.Key", "os", "Tag.1.Value", "linux & <more>");
        ok("CopyImage", "Name", "with", "SourceImageId", image, "SourceRegion", REGION, "CopyImageTags", "true");
        String found = ok("DescribeImages", "Filter.1.Name", "tag:os", "Filter.1.Value.1", "linux*");
        assertTrue(found.contains("<name>with</name>"), found);
        assertTrue(found.contains("<value>linux &amp; &lt;more&gt;</value>"), found);
    }

    @Test
    void aPendingCopyCannotBeSharedYetAndARestartDoesNotForgetIt() throws Exception {
        ok("CopyImage", "Name", "a copy", "SourceImageId", image, "SourceRegion", REGION, "ClientToken", "t");
        String copy = clouds.images().get(1).imageId();
        assertEquals(
                "400 InvalidAMIID.Unavailable",
                refused("ModifyImageAttribute", "ImageId", copy, "LaunchPermission.Add.1.UserId", BUYER));
        List<VmImage> before = clouds.images();
        api.close();
        clouds.close();
        clouds = SimulatedClouds.startWithKeys(dir, SharedKeys.folder(), clock);
        api = new ControlApi(clouds, 0);
        assertEquals(before, clouds.images());
        clock.advance(Images.COPY_TIME);
        ok("ModifyImageAttribute", "ImageId", copy, "LaunchPermission.Add.1.UserId", BUYER);
    }

    @Test
    void aDeprecatedImageIsListedForItsOwnerOnly() throws Exception {
        AccessKey buyer = clouds.key(Cloud.AWS, BUYER, false);
        clouds.share(image, Set.of(BUYER));
        assertEquals(
                "400 InvalidParameterValue",
                refused("EnableImageDeprecation", "ImageId", image, "DeprecateAt", "2020-01-01T00:00:00Z"));
        ok(
                "EnableImageDeprecation",
                "ImageId",
                image,
                "DeprecateAt",
                clock.instant().plusSeconds(60).toString());
        clock.advance(Duration.ofMinutes(2));
        assertTrue(ok("DescribeImages").contains(image));
        assertFalse(as(buyer).ec2("DescribeImages").body().contains(image));
        assertTrue(as(buyer)
                .ec2("DescribeImages", "IncludeDeprecated", "true")
                .body()
                .contains(image));
        clouds.launch(VmSpec.of(BUYER).fromImage(image));
    }

    @Test
    void aDeletedImageIsGoneButForItsLineage() throws Exception {
        ok("DeregisterImage", "ImageId", image, "DeleteAssociatedSnapshots", "true");
        assertEquals("400 InvalidAMIID.NotFound", refused("DescribeImages", "ImageId.1", image));
        assertEquals("400 InvalidAMIID.Unavailable", refused("DeregisterImage", "ImageId", image));
        assertEquals(VmImage.State.DEREGISTERED, clouds.images().get(0).state(clock.instant()));
    }

    @Test
    void whatIsNotSimulatedIsSaid() throws Exception {
        assertEquals("400 UnknownParameter", refused("DescribeImages", "NoSuch", "1"));
        assertEquals("400 InvalidAction", refused("RunInstances"));
        assertEquals(
                "400 InvalidParameterValue", refused("DescribeImages", "Filter.1.Name", "x", "Filter.1.Value.1", "y"));
        assertEquals("400 InvalidAMIID.Malformed", refused("DescribeImages", "ImageId.1", "ami-1"));
        assertEquals("412 DryRunOperation", refused("DescribeImages", "DryRun", "true"));
    }

    @Test
    void onlyAFreshSignatureByAKnownKeyIsTaken() throws Exception {
        AccessKey wrong = new AccessKey(Cloud.AWS, SELLER, key.accessKeyId(), "x".repeat(40), false);
        assertEquals("401 AuthFailure", code(as(wrong).ec2("DescribeImages")));
        AccessKey outscale = clouds.key(Cloud.OUTSCALE, SELLER, false);
        assertEquals("401 AuthFailure", code(as(outscale).ec2("DescribeImages")));
        MovableClock early = new MovableClock();
        early.advance(Duration.ofMinutes(16));
        SignedWeb ahead = new SignedWeb(URI.create("http://127.0.0.1:" + api.port()), key, REGION, early);
        assertEquals("400 RequestExpired", code(ahead.ec2("DescribeImages")));
        assertEquals(
                "403 UnauthorizedOperation",
                code(as(clouds.key(Cloud.AWS, SELLER, true)).ec2("DeregisterImage", "ImageId", image)));
        HttpResponse<String> unsigned = Web.jsonAs(
                "application/x-www-form-urlencoded",
                "POST",
                URI.create("http://127.0.0.1:" + api.port()),
                "/",
                "Action=DescribeImages&Version=2016-11-15");
        assertEquals("400 MissingAuthenticationToken", code(unsigned));
    }

    @Test
    void anotherRegionHasOtherImages() throws Exception {
        SignedWeb elsewhere = new SignedWeb(URI.create("http://127.0.0.1:" + api.port()), key, "us-east-1", clock);
        assertEquals("400 InvalidAMIID.NotFound", code(elsewhere.ec2("DescribeImages", "ImageId.1", image)));
        assertEquals(
                200,
                elsewhere
                        .ec2("CopyImage", "Name", "far", "SourceImageId", image, "SourceRegion", REGION)
                        .statusCode());
        assertEquals("us-east-1", clouds.images().get(1).region());
    }
}
