package io.tallystick.sandbox;

import io.tallystick.cloudsim.VmInfo;
import io.tallystick.cloudsim.VmSpec;
import io.tallystick.common.json.Json;
import java.time.Duration;
import java.util.List;

/** Two keys for one VM, and how its owner gets it back: by approval, or by a restart. */
final class ContestedStep implements Story.Step {
    /** Past the pace at which a contested agent asks again. */
    private static final Duration ASKS_AGAIN = Duration.ofSeconds(61);
    /** Past the trial of a key that showed a newer start of the VM. */
    private static final Duration TRIAL = Duration.ofMinutes(31);

    private static final Duration A_MINUTE_LATER = Duration.ofMinutes(1);

    @Override
    public String title() {
        return "a VM that was reinstalled, and one whose document was stolen before its agent ran";
    }

    @Override
    public void play(Scene scene) {
        reinstalled(scene);
        stolenFirst(scene);
    }

    private static VmSpec vmOfBuyer(Scene scene) {
        return VmSpec.of(Marketplace.CLOUD_ACCOUNT)
                .region(Marketplace.REGION)
                .productCodes(scene.seed().productCode());
    }

    /** The agent's state is gone and with it its key: only the owner can tell that nobody else is at work here. */
    private static void reinstalled(Scene scene) {
        Marketplace market = scene.market();
        VmInfo vm = market.launchBare(vmOfBuyer(scene));
        Agent agent = market.startAgent(vm);
        awaitDecision(scene, agent, "allow");
        scene.meter(agent, vm.instanceId(), Seed.REQUESTS, "2", market.now(), "before-reinstalling");
        scene.flush(agent);
        agent.stop();
        agent.forget();
        agent.start();
        Doc contested = awaitContested(scene, agent);
        scene.tell().did("an agent whose state was lost", "CONTESTED: " + Scene.sentence(contested));

        Rest owner = market.rest().with(scene.seed().buyerToken());
        List<Doc> found = owner.get("/v1/enrollments?instance=" + vm.instanceId())
                .expect(200)
                .json()
                .objects("items");
        Expect.equal("enrollments of the VM that its owner sees", 1, found.size());
        String path = "/v1/enrollments/" + found.get(0).text("id");
        String thumbprint = contested.text("thumbprint");
        List<String> waiting = owner.get(path).expect(200).json().objects("contested").stream()
                .map(k -> k.text("thumbprint"))
                .toList();
        Expect.equal("keys that wait for approval", List.of(thumbprint), waiting);
        owner.post(path + "/approve", Json.object("thumbprint", thumbprint)).expect(200);
        market.advance(ASKS_AGAIN);
        awaitDecision(scene, agent, "allow");
        scene.meter(agent, vm.instanceId(), Seed.REQUESTS, "3", market.now(), "after-reinstalling");
        scene.flush(agent);
        scene.tell()
                .did(
                        "the owner finds the key by GET " + path + " and approves it",
                        "allow; what was metered before and after is sent");
        agent.stop();
    }

    /** Documents do not expire, so somebody may be first; a newer start of the VM is what only its owner can make. */
    private static void stolenFirst(Scene scene) {
        Marketplace market = scene.market();
        VmInfo vm = market.launchBare(vmOfBuyer(scene));
        RawAgent thief = new RawAgent(market.rest(), market.aggregatorUrl().toString(), market.clock());
        thief.enroll(RawAgent.evidence(vm.metadata()));
        Agent agent = market.startAgent(vm);
        Doc contested = awaitContested(scene, agent);
        scene.tell()
                .did(
                        "a thief enrolled with the VM's document before its agent ran",
                        "the agent is CONTESTED: " + contested.text("remedy"));

        agent.stop();
        market.advance(A_MINUTE_LATER);
        market.cloud().stop(vm.instanceId());
        market.cloud().start(vm.instanceId());
        agent.start();
        awaitDecision(scene, agent, "allow");
        scene.meter(agent, vm.instanceId(), Seed.REQUESTS, "4", market.now(), "on-trial");
        market.advance(Seeder.FLUSH_INTERVAL.plusSeconds(1));
        Doc queue = Expect.eventually(
                Scene.SOON,
                "usage held while the key is on trial",
                () -> agent.status().object("queue"),
                q -> q.optionalText("held").isPresent() && q.number("pendingSums") > 0);
        scene.tell().did("the owner stopped and started the VM", "allow; " + queue.text("held"));

        scene.awaitShipped(market.advance(TRIAL), agent);
        scene.tell().did("the thief did not speak up for 30 minutes", "the key is confirmed, and its usage sent");
        agent.stop();
    }

    private static Doc awaitContested(Scene scene, Agent agent) {
        Doc answer = Expect.eventually(
                Scene.SOON,
                agent.name() + " in state CONTESTED",
                () -> agent.entitlement(scene.seed().productCode(), "contested-is-it-now"),
                d -> d.text("state").equals("CONTESTED"));
        Expect.equal("decision", "deny", answer.text("decision"));
        return answer;
    }

    private static void awaitDecision(Scene scene, Agent agent, String decision) {
        Expect.eventually(
                Scene.PATIENCE,
                agent.name() + " decides " + decision,
                () -> agent.decision(scene.seed().productCode()),
                d -> d.equals(decision));
    }
}
