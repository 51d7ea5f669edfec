package io.tallystick.sandbox;

import io.tallystick.cloudsim.VmImage;
import io.tallystick.cloudsim.VmInfo;
import io.tallystick.cloudsim.VmSpec;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;

/** Somebody makes an image of a VM whose agent still has unsent sums, and launches it. */
final class ImagedStep implements Story.Step {
    /** A VM that was not heard of for a day may be spoken for. */
    private static final Duration A_DAY_OF_SILENCE = Duration.ofHours(25);
    /** Moved at each look: it must be silent twice within half an hour. */
    private static final Duration A_LITTLE = Duration.ofSeconds(5);

    @Override
    public String title() {
        return "a VM launched from an image of the first one, state copied";
    }

    @Override
    public void play(Scene scene) {
        Marketplace market = scene.market();
        Agent first = market.firstAgent();
        String original = scene.seed().instance();
        // Just after a flush, so that the next one, a minute away, does not send the sums the image is to carry.
        scene.flush(first);
        Instant now = market.now();
        scene.meter(first, original, Seed.REQUESTS, "101", now, "imaged-1");
        scene.meter(first, original, Seed.GIGABYTES, "0.5", now, "imaged-2");
        Expect.that(!Agent.isShipped(first.status()), "sums the first agent has not sent yet", first.status());

        VmImage image = market.cloud().image(original);
        VmInfo copy = market.cloud().launch(VmSpec.of(Marketplace.CLOUD_ACCOUNT).fromImage(image.imageId()));
        Expect.that(
                Files.isDirectory(Agent.stateOn(copy)), "the agent's state on the new VM's disk", Agent.stateOn(copy));
        Agent second = market.startAgent(copy);
        Doc answer = second.entitlement(scene.seed().productCode(), "imaged");
        Expect.equal("decision for the new VM", "allow", answer.text("decision"));
        String lease = answer.text("lease");
        LeaseCheck check = new LeaseCheck(
                market.rest().get("/.well-known/jwks.json").expect(200).text(),
                market.aggregatorUrl().toString(),
                market.clock());
        var claims = check.verify(lease, scene.seed().productCode());
        Expect.equal("instance of the new VM's lease", copy.instanceId(), claims.getClaimValue("instance"));
        scene.tell()
                .did(
                        "made an image of the first VM with unsent sums on its disk, launched " + copy.instanceId()
                                + " from it",
                        "entitled under its own enrollment " + claims.getClaimValue("sub"));

        Doc status = second.status();
        Expect.that(!status.text("setAside").equals("[]"), "the copied state set aside by the new VM's agent", status);

        scene.meter(second, copy.instanceId(), Seed.REQUESTS, "202", market.now(), "imaged-1");
        scene.meter(first, original, Seed.REQUESTS, "3", market.now(), "imaged-3");
        Billing.Pull pull = scene.closeAndCompare(first, second);
        scene.tell()
                .did(
                        "metered on both, closed the hour, pulled",
                        "the bill of both equals the books: "
                                + scene.ledger().total(copy.instanceId()).toPlainString()
                                + " for the new VM, nothing twice; "
                                + pull.rows().size() + " lines in all");

        moveThereAndBack(scene, first);
        bringWhatIsLeft(scene, copy, second);

        // The ledger against the signed evidence.
        Cli.Result audit = market.operate("audit", "rebuild");
        Expect.that(audit.exitCode() == 0, "no difference between the ledger and the signed batches", audit);
        scene.tell().did("tallystick-aggregator audit rebuild", audit.output().strip());
        keepKeys(scene);
    }

    /** The first VM's disk is moved to another VM, which runs from it, and back. */
    private static void moveThereAndBack(Scene scene, Agent first) {
        Marketplace market = scene.market();
        String original = scene.seed().instance();
        String key = first.status().text("agentKey");
        VmInfo other = market.launchBare(
                VmSpec.of(Marketplace.CLOUD_ACCOUNT).productCodes(scene.seed().productCode()));
        Agent there = market.agentIn(other);
        Instant before = market.now();
        scene.meter(first, original, Seed.REQUESTS, "4", before, "moved-1");
        first.stop();
        first.moveDiskTo(there);
        market.start(there);
        Expect.equal(
                "decision for the VM that has the first one's disk",
                "allow",
                there.entitlement(scene.seed().productCode(), "moved").text("decision"));
        scene.meter(there, other.instanceId(), Seed.REQUESTS, "44", market.now(), "moved-2");
        there.stop();
        there.moveDiskTo(first);
        first.start();
        Expect.equal(
                "decision for the first VM with its own disk",
                "allow",
                first.entitlement(scene.seed().productCode(), "back").text("decision"));
        Expect.equal("the key of the first VM", key, first.status().text("agentKey"));
        Expect.that(
                first.status().text("setAside").contains(other.instanceId()),
                "the other VM's state set aside in its turn",
                first.status());
        first.meter(Scene.record(Seed.REQUESTS, "4", before, "moved-1")).expect(200);
        scene.meter(first, original, Seed.REQUESTS, "444", market.now(), "moved-3");
        scene.closeAndCompare(first);
        scene.tell()
                .did(
                        "moved the first VM's disk to " + other.instanceId() + ", metered there, moved it back",
                        "the first VM goes on with the key it had, and a call from before the move, repeated, counts"
                                + " once; the bill of both equals the books");
    }

    /** A VM dies with usage on its disk, and all there is of it is an image. */
    private static void bringWhatIsLeft(Scene scene, VmInfo gone, Agent agent) {
        Marketplace market = scene.market();
        scene.flush(agent);
        scene.meter(agent, gone.instanceId(), Seed.REQUESTS, "70", market.now(), "left");
        Expect.that(!Agent.isShipped(agent.status()), "usage that has not left the VM", agent.status());
        agent.kill();
        VmImage last = market.cloud().image(gone.instanceId());
        market.cloud().terminate(gone.instanceId());
        VmInfo heir = market.cloud().launch(VmSpec.of(Marketplace.CLOUD_ACCOUNT).fromImage(last.imageId()));
        Agent finder = market.startAgent(heir);
        Expect.equal(
                "decision for the VM that has the disk now",
                "allow",
                finder.entitlement(scene.seed().productCode(), "heir").text("decision"));
        market.advance(A_DAY_OF_SILENCE);
        Expect.eventually(
                Scene.PATIENCE,
                "the usage of the VM that is gone sent by the one that found it",
                () -> {
                    market.advance(A_LITTLE);
                    return finder.status().text("setAside");
                },
                aside -> aside.contains("sent under the name of"));
        scene.closeAndCompare(market.firstAgent(), finder);
        scene.tell()
                .did(
                        "killed the agent of " + gone.instanceId()
                                + " with unsent usage, terminated that VM, launched " + heir.instanceId()
                                + " from an image of its disk, let a day pass",
                        "the new VM's agent sent that usage under the name of the one that is gone; the bill equals"
                                + " the books");
    }

    /** The key that signs from the next day on, and the copy of the list that an operator keeps with each backup. */
    private static void keepKeys(Scene scene) {
        Marketplace market = scene.market();
        Cli.Result rotated = market.operate("keys", "rotate");
        Expect.equal("exit code of keys rotate", 0, rotated.exitCode());
        Path copy = market.file("jwks.json");
        Doc published = Expect.eventually(
                Scene.PATIENCE,
                "the next key on the published list",
                () -> market.rest().get("/.well-known/jwks.json").expect(200).json(),
                list -> list.objects("keys").size() == 2);
        try {
            Files.writeString(copy, published.toString());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        Cli.Result remembered = market.operate("keys", "remember", copy.toString());
        Expect.that(
                remembered.output().strip().endsWith("all of them are known"),
                "a database that knows all keys of its own list",
                remembered);
        scene.tell()
                .did(
                        "tallystick-aggregator keys rotate, then keys remember of a copy of the published list",
                        "a second key, which signs from the next day on; of the copy all is known");
    }
}
