package io.tallystick.sandbox;

import io.tallystick.cloudsim.Cloud;
import io.tallystick.cloudsim.ImageSpec;
import io.tallystick.cloudsim.VmImage;
import io.tallystick.common.json.Json;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * What a seller does with a product in one cloud: asks for visibility, drafts versions from own images, and has change
 * sets applied. The operator's part of it (reviews) too.
 */
final class Shop {
    private static final Duration COPY_PATIENCE = Duration.ofMinutes(2);
    /** How far the clocks move while a change set is awaited: copies and retries live by the sandbox's time. */
    private static final Duration STRIDE = Duration.ofSeconds(20);

    private final Scene scene;
    private final Rest seller;
    private final Cloud cloud;
    private final String region;
    private final String sellerCloudAccount;

    Shop(Scene scene, Cloud cloud, String region, String sellerCloudAccount) {
        this.scene = scene;
        this.seller = scene.market().rest().with(scene.seed().sellerToken());
        this.cloud = cloud;
        this.region = region;
        this.sellerCloudAccount = sellerCloudAccount;
        scene.operator()
                .post(
                        "/v1/accounts/" + scene.seed().sellerAccount() + "/cloud-accounts",
                        Json.object("cloud", cloud.wire(), "accountId", sellerCloudAccount))
                .expect(200, 201);
    }

    /** A product in STAGING with the sample's dimensions and one public offer. */
    Doc product(String title, String evidenceLevel) {
        Doc made = scene.operator()
                .post(
                        "/v1/products",
                        Json.object(
                                "title",
                                title,
                                "seller",
                                scene.seed().sellerAccount(),
                                "evidenceLevel",
                                evidenceLevel,
                                "flushInterval",
                                Seeder.FLUSH_INTERVAL,
                                "closeDelay",
                                Seeder.CLOSE_DELAY,
                                "dimensions",
                                Seeder.dimensions()))
                .expect(201)
                .json();
        Seeder.offer(seller, made.text("id"));
        return made;
    }

    /** Asks for a visibility and has it approved. */
    void becomes(String product, String visibility) {
        String review = seller.post(
                        "/v1/products/" + product + "/visibility-requests",
                        Json.object("visibility", visibility, "note", "ready"))
                .expect(201)
                .json()
                .text("id");
        scene.operator()
                .post("/v1/reviews/" + review + "/approve", Json.object("reason", "looked at it"))
                .expect(200);
    }

    /** An image of the seller's, as built with the seller's own tools, that the marketplace may copy. */
    VmImage image(String name, String productCode) {
        return scene.market()
                .cloud()
                .register(new ImageSpec(
                        cloud,
                        sellerCloudAccount,
                        region,
                        name,
                        List.of(productCode),
                        Set.of(Marketplace.imageAccount(cloud))));
    }

    /** A draft from this image, with what the form is prefilled with from the version before. */
    Doc draft(String product, String title, VmImage image, String releaseNotes) {
        Rest.Reply template =
                seller.get("/v1/products/" + product + "/versions/template").expect(200);
        Map<String, Object> draft =
                new java.util.LinkedHashMap<>(template.json().members());
        draft.put("title", title);
        draft.put("cloud", cloud.wire());
        draft.put("region", region);
        draft.put("imageId", image.imageId());
        draft.put("releaseNotes", releaseNotes);
        return seller.post("/v1/products/" + product + "/versions", draft)
                .expect(201)
                .json();
    }

    /** Why a package is refused as a version of a product of images. */
    String packageRefused(String product) {
        return seller.post(
                        "/v1/products/" + product + "/versions",
                        Json.object(
                                "title",
                                "0.9",
                                "cloud",
                                cloud.wire(),
                                "releaseNotes",
                                "To build an image from.",
                                "delivery",
                                "package",
                                "package",
                                Json.object("url", "https://example.com/0.9.tar.gz", "sha256", "0a".repeat(32))))
                .expect(400)
                .json()
                .objects("errors")
                .get(0)
                .text("detail");
    }

    Doc version(String id) {
        return seller.get("/v1/versions/" + id).expect(200).json();
    }

    /** The marketplace's copy of a published version, in the shop's region. */
    String copyOf(String version) {
        return copyOf(version, region);
    }

    /** The marketplace's copy of a published version in a region. */
    String copyOf(String version, String where) {
        return version(version).objects("copies").stream()
                .filter(copy -> copy.text("region").equals(where))
                .map(copy -> copy.text("imageId"))
                .findFirst()
                .orElseThrow(() ->
                        new StepFailure("a copy in " + where, version(version).toString()));
    }

    /** Queues one change of a version and waits until it is applied. */
    Doc apply(String type, String version) {
        return applied(submit(type, version), () -> {});
    }

    /** Offers a product in these regions of the shop's cloud, and waits until what is published is there. */
    Doc offerIn(String product, String... regions) {
        Map<String, Object> details = Json.object("cloud", cloud.wire(), "regions", List.of(regions));
        return applied(submit(Json.object("type", "AddRegions", "product", product, "details", details)), () -> {});
    }

    /** Queues one change of a version; the change set's id. */
    String submit(String type, String version) {
        return submit(Json.object("type", type, "version", version));
    }

    private String submit(Map<String, Object> change) {
        return seller.post("/v1/change-sets", Json.object("changes", List.of(change)))
                .expect(201)
                .json()
                .text("id");
    }

    /** An offer is refused while an open change set holds the product. */
    void expectHeld(String product, String set) {
        Rest.Reply reply = seller.post(
                "/v1/products/" + product + "/offers",
                Json.object("title", "Meanwhile", "currency", "EUR", "kind", "free"));
        Expect.equal("an offer beside change set " + set, 409, reply.status());
        Expect.equal("what holds the product", set, reply.json().text("changeSet"));
    }

    /** Waits until a change set is applied; {@code meanwhile} is run before each look at it. */
    Doc applied(String id, Runnable meanwhile) {
        Doc ended = Expect.eventually(
                COPY_PATIENCE,
                "change set " + id + " ended",
                () -> {
                    scene.market().advance(STRIDE);
                    scene.market().aMomentLater();
                    meanwhile.run();
                    return seller.get("/v1/change-sets/" + id).expect(200).json();
                },
                set -> !List.of("PREPARING", "APPLYING").contains(set.text("status")));
        Expect.equal("status of the change set " + ended, "SUCCEEDED", ended.text("status"));
        return ended;
    }

    /** A change that must be refused; its problem. */
    Doc refused(String type, String version) {
        Rest.Reply reply = seller.post(
                "/v1/change-sets", Json.object("changes", List.of(Json.object("type", type, "version", version))));
        Expect.that(reply.status() >= 400 && reply.status() < 500, type + " of " + version + " refused", reply.text());
        return reply.json();
    }
}
