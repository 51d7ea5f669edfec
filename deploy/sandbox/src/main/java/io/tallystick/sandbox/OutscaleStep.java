package io.tallystick.sandbox;

import io.tallystick.cloudsim.AccessKey;
import io.tallystick.cloudsim.Cloud;
import io.tallystick.cloudsim.VmImage;
import io.tallystick.cloudsim.VmInfo;
import io.tallystick.cloudsim.VmSpec;
import io.tallystick.common.json.Json;
import java.time.LocalDate;
import java.util.List;
import java.util.Map;

/** One OMI from its publication to the statement, in a cloud that signs no identity. */
final class OutscaleStep implements Story.Step {
    static final String PRODUCT = "Sample Router";

    private static final String REGION = "eu-west-2";
    private static final String SELLER_CLOUD_ACCOUNT = "600000000001";
    private static final String BUYER_CLOUD_ACCOUNT = "600000000002";
    private static final String MAIL = "ops@sample-buyer.example";
    private static final String BEFORE = "17000";
    private static final String AFTER = "4000";

    @Override
    public String title() {
        return "an OMI is published, its VM joins, meters, outlives it, and stands on the statement";
    }

    @Override
    public void play(Scene scene) {
        Marketplace market = scene.market();
        Shop shop = new Shop(scene, Cloud.OUTSCALE, REGION, SELLER_CLOUD_ACCOUNT);
        Doc product = shop.product(PRODUCT, "claimed");
        String id = product.text("id");
        String code = product.text("productCode");
        Doc first = shop.draft(id, "1.0", shop.image("router 1.0", code), "La première.");
        shop.becomes(id, "LIMITED");
        shop.apply("PublishVersion", first.text("id"));
        shop.becomes(id, "PUBLIC");
        String copy = shop.copyOf(first.text("id"));
        Expect.equal(
                "codes of the marketplace's copy",
                List.of(code),
                market.cloud().imageOf(copy).productCodes());
        scene.tell().did("published version 1.0 of an OMI", "copied to " + copy + " with the product code");

        Agent agent = subscribeAndLaunch(scene, id, copy);
        VmInfo vm = market.cloud().vm(agent.name().substring(Agent.NAME_PREFIX.length()));
        Doc answer = agent.entitlement(code, "outscale");
        Expect.equal("decision for the VM", "allow", answer.text("decision"));
        scene.meter(agent, vm.instanceId(), Seed.REQUESTS, BEFORE, market.now(), "omi-1");
        scene.tell()
                .did(
                        "the buyer made a join code, launched " + vm.instanceId()
                                + " from the copy with it, and metered",
                        "entitled, by claims and the code");

        Doc only = shop.refused("UnpublishVersion", first.text("id"));
        Doc second = shop.draft(id, "2.0", shop.image("router 2.0", code), "La deuxième.");
        shop.apply("PublishVersion", second.text("id"));
        shop.apply("UnpublishVersion", first.text("id"));
        Expect.equal(
                "state of the unpublished copy",
                VmImage.State.DEREGISTERED,
                market.cloud().imageOf(copy).state(market.now()));
        PublishedStep.oneMail(scene, MAIL, "2.0");
        PublishedStep.oneMail(scene, MAIL, "1.0");
        scene.tell()
                .did(
                        "unpublished version 1.0: refused while it was the only one (" + only.text("code")
                                + "), done after 2.0 was published",
                        "its copy is deleted, and one mail told the subscriber");

        lendKeyAndTag(scene, agent, vm);
        agent.stop();
        market.cloud().stop(vm.instanceId());
        market.cloud().start(vm.instanceId());
        agent.start();
        Expect.equal(
                "decision for the VM, stopped and started",
                "allow",
                agent.entitlement(code, "again").text("decision"));
        String finding = Expect.eventually(
                        Scene.PATIENCE,
                        "the VM's evidence raised to api-confirmed",
                        () -> enrollment(scene, vm),
                        e -> e.text("evidenceLevel").equals("api-confirmed"))
                .object("confirmation")
                .text("finding");
        scene.tell()
                .did(
                        "the buyer lent a read-only key and tagged the VM with its agent's key, stopped and started it",
                        "allowed as before, and api-confirmed: " + finding);
        scene.meter(agent, vm.instanceId(), Seed.REQUESTS, AFTER, market.now(), "omi-2");
        scene.closeAndCompare(agent, market.firstAgent());
        LocalDate month = Months.of(market.now());
        Months.close(scene, month);
        Doc line = Months.statement(scene, month).objects("items").stream()
                .filter(l ->
                        l.text("productId").equals(id) && l.text("dimension").equals(Seed.REQUESTS))
                .findFirst()
                .orElseThrow(() -> new StepFailure("a line for the router's requests", "none"));
        Expect.equal("quantity on the statement", requests(), line.text("quantity"));
        scene.tell()
                .did(
                        "metered on, and let the month end",
                        "the statement has " + line.text("quantity") + " requests: " + line.text("amount") + " "
                                + Seeder.CURRENCY);
    }

    /** By which the marketplace sees for itself that the VM runs, with the code, and whose key speaks for it. */
    private static void lendKeyAndTag(Scene scene, Agent agent, VmInfo vm) {
        Marketplace market = scene.market();
        AccessKey key = market.cloud().key(Cloud.OUTSCALE, BUYER_CLOUD_ACCOUNT, true);
        market.rest()
                .with(scene.seed().buyerToken())
                .post(
                        "/v1/cloud-keys",
                        Json.object(
                                "cloud",
                                Cloud.OUTSCALE.wire(),
                                "cloudAccount",
                                BUYER_CLOUD_ACCOUNT,
                                "accessKey",
                                key.accessKeyId(),
                                "secretKey",
                                key.secretKey()))
                .expect(200);
        market.cloud()
                .tag(vm.instanceId(), Map.of("tallystick-key", agent.status().text("agentKey")));
    }

    private static Doc enrollment(Scene scene, VmInfo vm) {
        String id = scene.operator().get("/v1/enrollments").expect(200).json().objects("items").stream()
                .filter(e -> e.text("instance").equals(vm.instanceId()))
                .findFirst()
                .orElseThrow(() -> new StepFailure("an enrollment of " + vm.instanceId(), "none"))
                .text("id");
        return scene.operator().get("/v1/enrollments/" + id).expect(200).json();
    }

    /** All that the VM meters. */
    static String requests() {
        return Integer.toString(Integer.parseInt(BEFORE) + Integer.parseInt(AFTER));
    }

    /** The sample buyer gets an account at OUTSCALE, subscribes, makes a code for one VM, and launches it. */
    private static Agent subscribeAndLaunch(Scene scene, String product, String copy) {
        Marketplace market = scene.market();
        Rest operator = scene.operator();
        String account = scene.seed().buyerAccount();
        Seeder.cloudAccount(operator, account, Cloud.OUTSCALE, BUYER_CLOUD_ACCOUNT);
        operator.put(
                        "/v1/accounts/" + account + "/contacts",
                        Json.object("contacts", List.of(Json.object("email", MAIL, "administrator", true))))
                .expect(200);
        String agreement = Seeder.agreement(operator, product, account);
        String joinCode = market.rest()
                .with(scene.seed().buyerToken())
                .post("/v1/join-codes", Json.object("agreement", agreement, "description", "the router's VM"))
                .expect(201)
                .json()
                .text("code");
        Expect.eventually(
                Scene.PATIENCE,
                copy + " shared with " + BUYER_CLOUD_ACCOUNT,
                () -> market.cloud().imageOf(copy).access().accounts(),
                accounts -> accounts.contains(BUYER_CLOUD_ACCOUNT));
        VmInfo vm = market.launchBare(VmSpec.of(BUYER_CLOUD_ACCOUNT).fromImage(copy));
        return market.startAgent(vm, joinCode);
    }
}
