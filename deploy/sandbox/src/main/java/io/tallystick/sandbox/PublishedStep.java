package io.tallystick.sandbox;

import io.tallystick.cloudsim.Cloud;
import io.tallystick.cloudsim.VmImage;
import io.tallystick.cloudsim.VmSpec;
import io.tallystick.common.json.Json;
import io.tallystick.common.wire.Answer;
import io.tallystick.common.wire.Decision;
import java.util.List;
import java.util.Set;

/**
 * A product from its first draft to the public, two versions, and one of them restricted: who may launch what then, seen
 * by VMs of an old and of a new buyer.
 */
final class PublishedStep implements Story.Step {
    private static final String SELLER_CLOUD_ACCOUNT = "700000000001";
    private static final String OLD_BUYER_CLOUD_ACCOUNT = "700000000002";
    private static final String NEW_BUYER_CLOUD_ACCOUNT = "700000000003";
    private static final String OLD_MAIL = "ops@old-buyer.example";
    private static final String NEW_MAIL = "ops@new-buyer.example";

    @Override
    public String title() {
        return "a seller publishes two versions and restricts the first";
    }

    @Override
    public void play(Scene scene) {
        Marketplace market = scene.market();
        Shop shop = new Shop(scene, Cloud.AWS, Marketplace.REGION, SELLER_CLOUD_ACCOUNT);
        Doc product = shop.product("Sample Firewall", "attested");
        String id = product.text("id");
        String code = product.text("productCode");
        Doc first = shop.draft(id, "1.0", shop.image("firewall 1.0", code), "The first one.");
        String kind = shop.packageRefused(id);
        shop.becomes(id, "LIMITED");
        shop.apply("PublishVersion", first.text("id"));
        shop.becomes(id, "PUBLIC");
        String firstCopy = shop.copyOf(first.text("id"));
        scene.tell()
                .did(
                        "drafted version 1.0 from the seller's image, had LIMITED and PUBLIC approved, published; a package"
                                + " among the images was refused",
                        "the marketplace's own copy " + firstCopy + "; delivery " + kind);

        buyer(scene, "Old Buyer", OLD_BUYER_CLOUD_ACCOUNT, OLD_MAIL, id);
        awaitShared(scene, firstCopy, OLD_BUYER_CLOUD_ACCOUNT);
        Vm old = launch(scene, OLD_BUYER_CLOUD_ACCOUNT, firstCopy);
        Expect.equal(
                "decision for the old buyer's VM",
                Decision.Outcome.ALLOW,
                old.decision(code).outcome());
        scene.tell().did("a buyer subscribed and launched " + firstCopy, "shared with it, allowed");

        VmImage secondImage = shop.image("firewall 2.0", code);
        Doc second = shop.draft(id, "2.0", secondImage, "Faster, and fewer surprises.");
        int kills = KilledPublication.play(scene, shop, second.text("id"), secondImage);
        Doc published = shop.version(second.text("id"));
        Expect.equal("latest", "true", published.text("latest"));
        Expect.equal("latest no more", "false", shop.version(first.text("id")).text("latest"));
        Mails.Mail mail = oneMail(scene, OLD_MAIL, "2.0");
        Expect.equal("mails to who had not subscribed", List.of(), mailsTo(scene, NEW_MAIL));
        scene.tell()
                .did(
                        "published version 2.0, the aggregator killed " + kills
                                + " times: when it was asked, and after each effect at the cloud, before it heard of"
                                + " it; an offer meanwhile was refused",
                        "one copy, one mail to " + mail.to() + ": " + mail.subject());

        shop.apply("RestrictVersion", first.text("id"));
        buyer(scene, "New Buyer", NEW_BUYER_CLOUD_ACCOUNT, NEW_MAIL, id);
        String secondCopy = shop.copyOf(second.text("id"));
        awaitShared(scene, secondCopy, NEW_BUYER_CLOUD_ACCOUNT);
        old.restart();
        Expect.equal(
                "decision for the old buyer's VM, stopped and started",
                Decision.Outcome.ALLOW,
                old.decision(code).outcome());
        Expect.equal(
                "decision for another VM of the old buyer's",
                Decision.Outcome.ALLOW,
                launch(scene, OLD_BUYER_CLOUD_ACCOUNT, firstCopy).decision(code).outcome());
        // The new buyer got at the old image all the same: somebody shared it.
        market.cloud().share(firstCopy, Set.of(NEW_BUYER_CLOUD_ACCOUNT));
        Decision denied = launch(scene, NEW_BUYER_CLOUD_ACCOUNT, firstCopy).decision(code);
        Expect.equal("decision for the new buyer's VM", Decision.Outcome.DENY, denied.outcome());
        Expect.equal("its reason", "version-restricted", denied.code().orElse(""));
        Expect.equal(
                "decision for the new buyer's VM of 2.0",
                Decision.Outcome.ALLOW,
                launch(scene, NEW_BUYER_CLOUD_ACCOUNT, secondCopy)
                        .decision(code)
                        .outcome());
        scene.tell()
                .did(
                        "restricted version 1.0: old buyer's VMs, started again and new ones; new buyer's VMs",
                        "allow, allow; 1.0 denied (" + denied.sentence().orElse("") + "), 2.0 allowed");

        shop.offerIn(id, Marketplace.REGION, Marketplace.FAR_REGION);
        String farCopy = shop.copyOf(second.text("id"), Marketplace.FAR_REGION);
        awaitShared(scene, farCopy, NEW_BUYER_CLOUD_ACCOUNT);
        Expect.equal(
                "decision for the new buyer's VM in the new region",
                Decision.Outcome.ALLOW,
                launch(scene, NEW_BUYER_CLOUD_ACCOUNT, farCopy).decision(code).outcome());
        Expect.equal(
                "regions of the restricted version",
                1,
                shop.version(first.text("id")).objects("copies").size());
        scene.tell()
                .did(
                        "offered the product in " + Marketplace.FAR_REGION + ", too: version 2.0 was copied there",
                        farCopy + " shared with both buyers, a VM of it allowed; 1.0 stays where it was");
    }

    private static void buyer(Scene scene, String name, String cloudAccount, String mail, String product) {
        Rest operator = scene.operator();
        String account = Seeder.account(operator, "buyer", name);
        Seeder.cloudAccount(operator, account, cloudAccount);
        operator.put(
                        "/v1/accounts/" + account + "/contacts",
                        Json.object("contacts", List.of(Json.object("email", mail, "administrator", true))))
                .expect(200);
        Seeder.agreement(operator, product, account);
    }

    private static void awaitShared(Scene scene, String image, String account) {
        Expect.eventually(
                Scene.PATIENCE,
                image + " shared with " + account,
                () -> scene.market().cloud().imageOf(image).access().accounts(),
                accounts -> accounts.contains(account));
    }

    private static Vm launch(Scene scene, String account, String image) {
        return new Vm(
                scene.market(),
                scene.market().launchBare(VmSpec.of(account).fromImage(image)).instanceId());
    }

    static List<Mails.Mail> mailsTo(Scene scene, String address) {
        return scene.market().mails().all().stream()
                .filter(m -> m.to().contains(address))
                .toList();
    }

    /** Waits for a mail to this address that names the version; there must be one and no more. */
    static Mails.Mail oneMail(Scene scene, String address, String version) {
        List<Mails.Mail> mails = Expect.eventually(
                Scene.PATIENCE,
                "a mail to " + address + " about " + version,
                () -> mailsTo(scene, address).stream()
                        .filter(m -> m.subject().contains(version))
                        .toList(),
                found -> !found.isEmpty());
        Expect.equal("mails to " + address + " about " + version, 1, mails.size());
        return mails.get(0);
    }

    /** A VM that asks by the bare protocol, with a key of its own that it keeps over restarts. */
    private static final class Vm {
        private final Marketplace market;
        private final String instance;
        private final RawAgent agent;
        private Answer answer;

        Vm(Marketplace market, String instance) {
            this.market = market;
            this.instance = instance;
            this.agent = new RawAgent(market.rest(), market.aggregatorUrl().toString(), market.clock());
            this.answer = enroll();
        }

        void restart() {
            market.cloud().stop(instance);
            market.cloud().start(instance);
            answer = enroll();
        }

        private Answer enroll() {
            return agent.enroll(RawAgent.evidence(market.cloud().vm(instance).metadata()));
        }

        Decision decision(String code) {
            return answer.decisions().stream()
                    .filter(d -> d.product().equals(code))
                    .findFirst()
                    .orElseThrow(() -> new StepFailure("a decision for " + code, answer.toString()));
        }
    }
}
