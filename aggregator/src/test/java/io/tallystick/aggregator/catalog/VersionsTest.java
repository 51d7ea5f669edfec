package io.tallystick.aggregator.catalog;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.tallystick.aggregator.app.Http;
import io.tallystick.aggregator.app.RunningAggregator;
import io.tallystick.aggregator.image.MemoryCloud;
import io.tallystick.aggregator.web.Role;
import io.tallystick.common.json.Json;
import io.tallystick.testkit.Rule;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Versions up to the draft: rules O9 to O12. Publishing is in the lifecycle's tests. */
class VersionsTest {
    private static final String REGION = "eu-west-2";
    private static final MemoryCloud CLOUD = new MemoryCloud("outscale", "000000000001");
    private static int accounts = 100_000;

    @RegisterExtension
    static final RunningAggregator RUNNING = RunningAggregator.withClouds(List.of(CLOUD));

    private String seller = "";
    private String token = "";
    private String owner = "";
    private String product = "";
    private String code = "";

    @BeforeEach
    void aSellerWithAProduct() {
        seller = RUNNING.account("seller");
        token = RUNNING.token(Role.SELLER, seller);
        owner = String.valueOf(++accounts);
        RUNNING.cloudAccount(seller, "outscale", owner);
        product = RUNNING.product(seller);
        code = RUNNING.code(product);
    }

    /** Goes on with another product of the seller's, whose versions are such. */
    private void productOf(String type) {
        Http.Answer made = RUNNING.http()
                .post("/v1/products", token, "{\"title\":\"A " + type + "\",\"type\":\"" + type + "\"}")
                .expect(201);
        assertEquals(type, made.get("type"));
        product = made.get("id");
        code = made.get("productCode");
    }

    private Http.Answer create(String title, String image) {
        return create(title, image, "");
    }

    private Http.Answer create(String title, String image, String more) {
        String json = "{'title':'" + title + "','cloud':'outscale','region':'" + REGION + "','imageId':'" + image
                + "','releaseNotes':'Notes of " + title + "'" + more + "}";
        return RUNNING.http().post("/v1/products/" + product + "/versions", token, json.replace('\'', '"'));
    }

    @Test
    @Rule({"O3", "O10"})
    void aVersionStartsAsADraftOfTheSellersImage() {
        String image = CLOUD.image(REGION, owner, code);
        Http.Answer made = create("1.0", image, ",'softwareVersion':'1.0.3','operatingSystem':'Debian 12'")
                .expect(201);
        assertEquals("draft", made.get("status"));
        assertEquals(image, made.get("sourceImageId"));
        assertEquals("image " + image, made.get("sourceImageName"));
        assertEquals("1.0.3", made.get("softwareVersion"));
        assertEquals(List.of(), made.json().get("copies"));
        assertEquals(false, made.json().get("latest"));
        assertEquals(
                made.text(),
                RUNNING.http()
                        .get("/v1/versions/" + made.get("id"), token)
                        .expect(200)
                        .text());
    }

    @Test
    @Rule({"O3", "O12"})
    void theImageMustBeTheSellersOwnAndCarryTheCode() {
        String foreign = CLOUD.image(REGION, "someone-else", code);
        String uncoded = CLOUD.image(REGION, owner, "another-code");
        String elsewhere = CLOUD.image("us-east-2", owner, code);
        for (String image : List.of(foreign, uncoded, elsewhere, "ami-ffffffff")) {
            Http.Answer refused = create("1.0", image).expect(400);
            assertEquals("imageId", refused.list("errors").get(0).get("path"), refused.text());
        }
    }

    @Test
    @Rule({"O12", "N7"})
    void onlyTheSellersImagesWithTheCodeCanBeSelected() {
        String first = CLOUD.image(REGION, owner, code);
        String second = CLOUD.image(REGION, owner, code, "0001");
        CLOUD.image(REGION, owner, "another-code");
        CLOUD.image(REGION, "someone-else", code);
        List<Object> ids = RUNNING
                .http()
                .get("/v1/products/" + product + "/versions/images?cloud=outscale&region=" + REGION, token)
                .expect(200)
                .list("items")
                .stream()
                .map(i -> i.get("id"))
                .toList();
        assertEquals(List.of(first, second), ids);
        RUNNING.http()
                .get("/v1/products/" + product + "/versions/images?cloud=azure&region=x", token)
                .expect(400);
    }

    @Test
    void aTitleIsTakenOncePerProduct() {
        create("1.0", CLOUD.image(REGION, owner, code)).expect(201);
        assertEquals(
                "already-exists",
                create("1.0", CLOUD.image(REGION, owner, code)).expect(409).get("code"));
    }

    @Test
    @Rule("O9")
    void theFormStartsWithTheVersionCreatedLast() {
        String path = "/v1/products/" + product + "/versions/template";
        assertEquals(Map.of(), RUNNING.http().get(path, token).expect(200).json());
        create("1.0", CLOUD.image(REGION, owner, code), ",'usageInstructions':'old'")
                .expect(201);
        RUNNING.clock().advance(java.time.Duration.ofSeconds(1));
        String image = CLOUD.image(REGION, owner, code);
        create("1.1", image, ",'usageInstructions':'new'").expect(201);
        assertEquals(
                Json.parseObject(
                        "{\"cloud\":\"outscale\",\"delivery\":\"image\",\"region\":\"" + REGION + "\",\"imageId\":\""
                                + image + "\",\"releaseNotes\":\"Notes of 1.1\",\"usageInstructions\":\"new\"}"),
                RUNNING.http().get(path, token).expect(200).json());
    }

    @Test
    void aDraftMayGetAnotherImage() {
        String id = create("1.0", CLOUD.image(REGION, owner, code)).expect(201).get("id");
        String image = CLOUD.image(REGION, owner, code);
        Http.Answer edited = RUNNING.http()
                .send(
                        "PUT",
                        "/v1/versions/" + id,
                        token,
                        Json.write(Json.object(
                                "title",
                                "1.0.1",
                                "cloud",
                                "outscale",
                                "region",
                                REGION,
                                "imageId",
                                image,
                                "releaseNotes",
                                "n")))
                .expect(200);
        assertEquals(image, edited.get("sourceImageId"));
        assertEquals("1.0.1", edited.get("title"));
    }

    @Test
    @Rule({"R2", "N2"})
    void whatAProductsVersionsDeliverIsSaidOnceAndStays() {
        String software = "'delivery':'package','package':{'url':'https://example.com/1.tar.gz','sha256':'"
                + "0a".repeat(32) + "'}";
        for (String type : List.of("image", "template", "package")) {
            productOf(type);
            String image = CLOUD.image(REGION, owner, code);
            String template =
                    "'delivery':'template','template':" + Json.write("{\"Resources\":{\"Vm\":\"" + image + "\"}}");
            String at = "'title':'1.0','cloud':'outscale','releaseNotes':'n',";
            String imaged = at + "'region':'" + REGION + "','imageId':'" + image + "'";
            Map<String, String> drafts =
                    Map.of("image", imaged, "template", imaged + "," + template, "package", at + software);
            String made = "";
            for (Map.Entry<String, String> draft : drafts.entrySet()) {
                String body = "{" + draft.getValue().replace('\'', '"') + "}";
                Http.Answer answer = RUNNING.http().post("/v1/products/" + product + "/versions", token, body);
                if (draft.getKey().equals(type)) {
                    made = answer.expect(201).get("id");
                } else {
                    Map<String, Object> problem =
                            answer.expect(400).list("errors").get(0);
                    assertEquals("delivery", problem.get("path"));
                    assertTrue(String.valueOf(problem.get("detail")).startsWith("must be " + type), answer.text());
                }
            }
            String other = type.equals("image") ? drafts.get("package") : imaged;
            assertEquals(
                    "delivery",
                    RUNNING.http()
                            .send("PUT", "/v1/versions/" + made, token, "{" + other.replace('\'', '"') + "}")
                            .expect(400)
                            .list("errors")
                            .get(0)
                            .get("path"));
            assertEquals(
                    "changes[0].details.delivery",
                    RUNNING.http()
                            .post(
                                    "/v1/change-sets",
                                    token,
                                    "{\"changes\":[{\"type\":\"AddVersion\",\"product\":\"" + product
                                            + "\",\"details\":{"
                                            + other.replace("1.0", "1.1").replace('\'', '"') + "}}]}")
                            .expect(409)
                            .list("errors")
                            .get(0)
                            .get("path"));
            RUNNING.visibility(product, "LIMITED", "PUBLIC");
            String found = "/v1/catalogue?q=" + type + "&limit=1000&type=";
            for (String asked : drafts.keySet()) {
                assertEquals(
                        asked.equals(type),
                        RUNNING.http().get(found + asked, token).expect(200).list("items").stream()
                                .anyMatch(p -> product.equals(p.get("id"))),
                        asked);
            }
        }
        RUNNING.http().get("/v1/catalogue?type=container", token).expect(400);
        assertEquals(
                "type",
                RUNNING.http()
                        .post("/v1/products", token, "{\"title\":\"A\",\"type\":\"container\"}")
                        .expect(400)
                        .list("errors")
                        .get(0)
                        .get("path"));
    }

    @Test
    @Rule("R2")
    void aVersionIsAnImageOrOneWithATemplateOrAPackage() {
        productOf("template");
        String image = CLOUD.image(REGION, owner, code);
        String template = "{\"Resources\":{\"Vm\":{\"ImageId\":\"" + image + "\"}}}";
        Http.Answer made = create("1.0", image, ",'delivery':'template','template':" + Json.write(template))
                .expect(201);
        assertEquals("template", made.get("delivery"));
        assertEquals(template, made.get("template"));
        for (String wrong : List.of(
                "{\"Resources\":{}}",
                "{\"Vm\":{\"ImageId\":\"" + image + "\"}}",
                "Resources: {}",
                "{\"Resources\":{\"Vm\":{\"ImageId\":\"ami-00000000\"}}}",
                "{\"Resources\":{\"Vm\":[\"" + image + "\",\"ami-00000000\"]}}",
                // The same, written so that only a parser sees it; in a name; after a line break.
                "{\"Resources\":{\"Vm\":[\"" + image + "\",\"\\u0061mi-00000000\"]}}",
                "{\"Resources\":{\"Vm\":\"" + image + "\",\"ami-00000000\":1}}",
                "{\"Resources\":{\"Vm\":[\"" + image + "\",\"x\\nami-00000000\"]}}",
                sized(image, 51_201),
                sized(image, 51_200).replace('x', 'é'))) {
            Http.Answer refused = create("1.1", image, ",'delivery':'template','template':" + Json.write(wrong))
                    .expect(400);
            assertEquals("template", refused.list("errors").get(0).get("path"), wrong);
        }
        assertEquals(
                "template",
                create("1.1", image, ",'delivery':'template'")
                        .expect(400)
                        .list("errors")
                        .get(0)
                        .get("path"));

        String ofTemplates = product;
        productOf("package");
        String software = "{'title':'1.2','cloud':'outscale','releaseNotes':'n','delivery':'package','package':{'url':"
                + "'https://example.com/1.2.tar.gz','sha256':'" + "0a".repeat(32) + "'}}";
        Http.Answer packaged = RUNNING.http()
                .post("/v1/products/" + product + "/versions", token, software.replace('\'', '"'))
                .expect(201);
        assertEquals("package", packaged.get("delivery"));
        String set = RUNNING.http()
                .post(
                        "/v1/change-sets",
                        token,
                        "{\"changes\":[{\"type\":\"PublishVersion\",\"version\":\"" + packaged.get("id") + "\"}]}")
                .expect(201)
                .get("id");
        RUNNING.finish(set);
        RUNNING.visibility(product, "LIMITED", "PUBLIC");
        String buyer = RUNNING.token(Role.BUYER, RUNNING.account("buyer"));
        Http.Answer bought =
                RUNNING.http().get("/v1/versions/" + packaged.get("id"), buyer).expect(200);
        assertEquals(
                "{\"url\":\"https://example.com/1.2.tar.gz\",\"sha256\":\"" + "0a".repeat(32) + "\"}",
                Json.write(bought.json().get("package")));
        assertEquals("published", bought.get("status"));

        RUNNING.visibility(ofTemplates, "LIMITED", "PUBLIC");
        String second = RUNNING.http()
                .post(
                        "/v1/change-sets",
                        token,
                        "{\"changes\":[{\"type\":\"PublishVersion\",\"version\":\"" + made.get("id") + "\"}]}")
                .expect(201)
                .get("id");
        RUNNING.finish(second);
        Http.Answer deployed =
                RUNNING.http().get("/v1/versions/" + made.get("id"), buyer).expect(200);
        Object copy = deployed.list("copies").get(0).get("imageId");
        assertEquals(template.replace(image, String.valueOf(copy)), deployed.get("template"));
        assertFalse(deployed.text().contains(image), deployed.text());
        for (String region : List.of(REGION, "nowhere")) {
            assertEquals(
                    deployed.json(),
                    RUNNING.http()
                            .get("/v1/versions/" + made.get("id") + "?region=" + region, buyer)
                            .expect(200)
                            .json());
        }
    }

    /** A template of so many characters. */
    private static String sized(String image, int chars) {
        String empty = "{\"Resources\":{\"Vm\":{\"ImageId\":\"" + image + "\",\"UserData\":\"\"}}}";
        return empty.replace("\"\"}", "\"" + "x".repeat(chars - empty.length()) + "\"}");
    }

    @Test
    @Rule("R2")
    void aTemplateMayBeAsLargeAsTheCloudTakesItAndIsKeptAsItWasUnderstood() {
        productOf("template");
        String image = CLOUD.image(REGION, owner, code);
        String largest = sized(image, 51_200);
        assertEquals(
                largest,
                create("1.0", image, ",'delivery':'template','template':" + Json.write(largest))
                        .expect(201)
                        .get("template"));
        String escaped = " {\"Resources\" : {\"Vm\":\"\\u0061" + image.substring(1) + "\"}}";
        assertEquals(
                "{\"Resources\":{\"Vm\":\"" + image + "\"}}",
                create("1.1", image, ",'delivery':'template','template':" + Json.write(escaped))
                        .expect(201)
                        .get("template"));
    }

    @Test
    void buyersSeeNoDrafts() {
        String id = create("1.0", CLOUD.image(REGION, owner, code)).expect(201).get("id");
        RUNNING.visibility(product, "LIMITED", "PUBLIC");
        String buyer = RUNNING.token(Role.BUYER, RUNNING.account("buyer"));
        RUNNING.http().get("/v1/versions/" + id, buyer).expect(404);
        assertEquals(
                List.of(),
                RUNNING.http()
                        .get("/v1/products/" + product + "/versions", buyer)
                        .expect(200)
                        .list("items"));
        assertFalse(RUNNING.http()
                .get("/v1/products/" + product + "/versions", token)
                .expect(200)
                .list("items")
                .isEmpty());
    }
}
