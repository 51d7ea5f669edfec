package io.tallystick.sandbox;

import io.tallystick.cloudsim.VmInfo;
import io.tallystick.cloudsim.VmSpec;
import io.tallystick.common.wire.EnrollRequest;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.Optional;

/** A stolen document, a tampered document, and a VM whose owner has not subscribed. */
final class RefusedStep implements Story.Step {
    private static final String OTHER_CLOUD_ACCOUNT = "444455556666";

    @Override
    public String title() {
        return "a thief, a forger and a customer who has not subscribed yet";
    }

    @Override
    public void play(Scene scene) {
        thief(scene);
        forger(scene);
        notSubscribed(scene);
    }

    private static void thief(Scene scene) {
        Marketplace market = scene.market();
        VmInfo victim = market.cloud().vm(scene.seed().instance());
        try (StolenMetadata stolen = StolenMetadata.of(victim.metadata())) {
            Agent thief = market.startAgent("thief", stolen.url());
            Doc answer = Expect.eventually(
                    Scene.SOON,
                    "the thief's agent in state CONTESTED",
                    () -> thief.entitlement(scene.seed().productCode(), "stolen"),
                    d -> d.text("state").equals("CONTESTED"));
            Expect.equal("decision", "deny", answer.text("decision"));
            Expect.that(
                    answer.optionalText("thumbprint").isPresent(),
                    "the thief told its key's thumbprint",
                    answer.toString());
            scene.tell()
                    .did(
                            "a second agent with the first VM's genuine document and a key of its own",
                            "CONTESTED: " + Scene.sentence(answer));
            thief.stop();
        }
        Expect.equal(
                "decision for the rightful agent",
                "allow",
                market.firstAgent()
                        .entitlement(scene.seed().productCode(), "rightful")
                        .text("decision"));
    }

    private static void forger(Scene scene) {
        Marketplace market = scene.market();
        VmInfo vm = market.launchBare(VmSpec.of(Marketplace.CLOUD_ACCOUNT)
                .region(Marketplace.REGION)
                .productCodes(scene.seed().productCode()));
        EnrollRequest genuine = RawAgent.evidence(vm.metadata());
        EnrollRequest.SignedDocument signed = (EnrollRequest.SignedDocument) genuine.evidence();
        RawAgent forger = new RawAgent(market.rest(), market.aggregatorUrl().toString(), market.clock());

        // The signed bytes themselves are changed: the same length, another account.
        byte[] pkcs7 = Base64.getMimeDecoder().decode(signed.pkcs7());
        String changed =
                new String(pkcs7, StandardCharsets.ISO_8859_1).replace(Marketplace.CLOUD_ACCOUNT, OTHER_CLOUD_ACCOUNT);
        String forged = Base64.getMimeEncoder(64, new byte[] {'\n'})
                .encodeToString(changed.getBytes(StandardCharsets.ISO_8859_1));
        Rest.Reply refused = forger.tryEnroll(new EnrollRequest(
                        "aws", forged, Optional.empty(), genuine.productCodes(), genuine.agentVersion()))
                .expect(403);
        Expect.equal("code", "invalid-evidence", refused.json().text("code"));
        scene.tell()
                .did(
                        "a document with another account in its signed bytes",
                        refused.json().text("code") + ": " + refused.json().text("detail"));

        // A genuine signature beside a document that says something else.
        String beside = signed.document().orElseThrow().replace(Marketplace.CLOUD_ACCOUNT, OTHER_CLOUD_ACCOUNT);
        Rest.Reply mixed = forger.tryEnroll(new EnrollRequest(
                        "aws", signed.pkcs7(), Optional.of(beside), genuine.productCodes(), genuine.agentVersion()))
                .expect(403);
        Expect.equal("code", "invalid-evidence", mixed.json().text("code"));
        scene.tell()
                .did(
                        "a genuine signature beside another document",
                        mixed.json().text("code") + ": " + mixed.json().text("detail"));
        market.cloud().terminate(vm.instanceId());
    }

    private static void notSubscribed(Scene scene) {
        Marketplace market = scene.market();
        String account = Seeder.account(scene.operator(), "buyer", "A Customer Without Agreement");
        Seeder.cloudAccount(scene.operator(), account, OTHER_CLOUD_ACCOUNT);
        Agent agent = market.launch(VmSpec.of(OTHER_CLOUD_ACCOUNT)
                .region(Marketplace.REGION)
                .productCodes(scene.seed().productCode()));
        Doc denied = agent.entitlement(scene.seed().productCode(), "too-early");
        Expect.equal("state", "DENIED", denied.text("state"));
        Expect.equal("decision", "deny", denied.text("decision"));
        Expect.that(denied.optionalText("sentence").isPresent(), "a sentence for people", denied.toString());
        Rest.Reply refused = agent.meter(Scene.record(Seed.REQUESTS, "1", market.now(), "denied-1"))
                .expect(403);
        scene.tell()
                .did(
                        "asked in a VM of an account without an agreement",
                        Scene.sentence(denied) + "; metering: " + refused.json().text("code"));

        Seeder.agreement(scene.operator(), scene.seed().productId(), account);
        java.time.Instant subscribed = market.now();
        Doc allowed = Expect.eventually(
                Scene.PATIENCE,
                "allowed after the account subscribed",
                () -> agent.entitlement(scene.seed().productCode(), "subscribed"),
                d -> d.text("decision").equals("allow"));
        long seconds = java.time.Duration.between(subscribed, market.now()).toSeconds();
        scene.tell().did("the account subscribed", allowed.text("decision") + " after " + seconds + " s");
        scene.meter(agent, instanceOf(agent), Seed.REQUESTS, "5", market.now(), "subscribed-1");
        scene.flush(agent);
        agent.stop();
    }

    private static String instanceOf(Agent agent) {
        return agent.name().substring(Agent.NAME_PREFIX.length());
    }
}
