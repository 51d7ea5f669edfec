package io.tallystick.sandbox;

import io.tallystick.cloudsim.ApiFault;
import io.tallystick.cloudsim.Cloud;
import io.tallystick.cloudsim.VmImage;
import java.util.List;
import java.util.Optional;

/**
 * A publication at AWS during which the aggregator is killed when it has been asked for it, and again after each effect at
 * the cloud, before the cloud has answered: the process that comes after must find what was done, not do it again.
 */
final class KilledPublication {
    /** When asked, after the copy, after it was shared. */
    private static final int KILLS_MIN = 3;

    private final Scene scene;
    private final VmImage source;
    private List<Object> seen = List.of();
    private int kills;

    private KilledPublication(Scene scene, VmImage source) {
        this.scene = scene;
        this.source = source;
    }

    /** Publishes the version made of this image; answers how often the aggregator was killed meanwhile. */
    static int play(Scene scene, Shop shop, String version, VmImage source) {
        KilledPublication publication = new KilledPublication(scene, source);
        Marketplace market = scene.market();
        market.cloud()
                .apiFaults(List.of(
                        ApiFault.once(Cloud.AWS, ApiFault.Kind.HELD, "CopyImage"),
                        ApiFault.once(Cloud.AWS, ApiFault.Kind.HELD, "ModifyImageAttribute")));
        String set = shop.submit("PublishVersion", version);
        publication.kill();
        shop.expectHeld(shop.version(version).text("product"), set);
        shop.applied(set, publication::killIfSomethingWasDone);
        market.cloud().apiFaults(List.of());
        Expect.equal("copies of " + source.imageId(), 1, publication.copies().size());
        Expect.that(publication.kills >= KILLS_MIN, "a kill after each effect at the cloud", publication.kills);
        return publication.kills;
    }

    private List<VmImage> copies() {
        return scene.market().cloud().images().stream()
                .filter(i -> i.accountId().equals(Marketplace.imageAccount(Cloud.AWS)))
                .filter(i -> i.source().equals(Optional.of(source.imageId())))
                .toList();
    }

    private void killIfSomethingWasDone() {
        List<Object> now = copies().stream()
                .<Object>map(i -> List.of(i.imageId(), i.tags(), i.productCodes(), i.access()))
                .toList();
        if (!now.equals(seen)) {
            seen = now;
            kill();
        }
    }

    private void kill() {
        scene.market().killAggregator();
        scene.market().startAggregator();
        kills++;
    }
}
