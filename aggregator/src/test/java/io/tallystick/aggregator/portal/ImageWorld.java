package io.tallystick.aggregator.portal;

import io.tallystick.aggregator.app.ManualClock;
import io.tallystick.aggregator.app.RunningAggregator;
import io.tallystick.cloudsim.AccessKey;
import io.tallystick.cloudsim.Cloud;
import io.tallystick.cloudsim.ControlApi;
import io.tallystick.cloudsim.ImageSpec;
import io.tallystick.cloudsim.SharedKeys;
import io.tallystick.cloudsim.SimulatedClouds;
import io.tallystick.cloudsim.VmImage;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.atomic.AtomicReference;

/** Two simulated clouds that an aggregator reaches by their real APIs, and what a seller does there before it comes here. */
final class ImageWorld {
    static final String REGION = "eu-west-2";
    static final String MARKETPLACE = "999999999999";

    /** The clock that the clouds show: they refuse requests of whoever's is minutes off. */
    private final AtomicReference<Clock> clock = new AtomicReference<>(new ManualClock(RunningAggregator.START));

    private final SimulatedClouds clouds;
    private final ControlApi api;

    private ImageWorld(Path folder) throws IOException {
        clouds = SimulatedClouds.startWithKeys(folder, SharedKeys.folder(), new Following());
        api = new ControlApi(clouds, 0);
    }

    /** For as long as the JVM lives, as aggregators of tests find it by its port. */
    static ImageWorld open() {
        try {
            Path folder = Files.createTempDirectory("image-world");
            folder.toFile().deleteOnExit();
            return new ImageWorld(folder);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** From now on the clouds' time is this aggregator's. */
    void follow(RunningAggregator running) {
        clock.set(running.clock());
    }

    private final class Following extends Clock {
        @Override
        public Instant instant() {
            return clock.get().instant();
        }

        @Override
        public ZoneId getZone() {
            return ZoneOffset.UTC;
        }

        @Override
        public Clock withZone(ZoneId zone) {
            return this;
        }
    }

    /** What an aggregator's configuration says about both clouds, and besides. */
    String[] settings(String... more) {
        List<String> settings = new ArrayList<>(List.of(more));
        for (Cloud cloud : Cloud.values()) {
            AccessKey key = clouds.key(cloud, MARKETPLACE, false);
            String prefix = "images." + cloud.wire() + ".";
            settings.add(prefix + "account=" + MARKETPLACE);
            settings.add(prefix + "key-file=" + file(key.accessKeyId() + "\n" + key.secretKey() + "\n"));
            settings.add(prefix + "endpoint=http://127.0.0.1:" + api.port());
        }
        return settings.toArray(String[]::new);
    }

    private static Path file(String text) {
        try {
            Path file = Files.createTempFile("cloud-key", "");
            file.toFile().deleteOnExit();
            return Files.writeString(file, text);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** An image in this account that carries these codes; answers its id. */
    String image(Cloud cloud, String owner, String name, String... codes) {
        return clouds.register(new ImageSpec(cloud, owner, REGION, name, List.of(codes), Set.of(MARKETPLACE)))
                .imageId();
    }

    /** The copies the marketplace has. */
    List<VmImage> copies() {
        return clouds.images().stream()
                .filter(i -> i.accountId().equals(MARKETPLACE) && !i.life().gone())
                .toList();
    }
}
