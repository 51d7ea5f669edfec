package io.tallystick.aggregator.image;

import io.tallystick.cloudsim.AccessKey;
import io.tallystick.cloudsim.Cloud;
import io.tallystick.cloudsim.ControlApi;
import io.tallystick.cloudsim.SharedKeys;
import io.tallystick.cloudsim.SimulatedClouds;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import java.nio.file.Path;
import java.time.Clock;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/** Simulated clouds with their APIs, and the real clients of one marketplace account in each. */
final class CloudRig implements AutoCloseable {
    static final String MARKETPLACE = "999999999999";

    final SimulatedClouds clouds;
    final ControlApi api;
    final Vertx vertx = Vertx.vertx();
    final CloudClients clients;

    CloudRig(Path dir, Clock cloudClock, Clock clientClock) throws Exception {
        clouds = SimulatedClouds.startWithKeys(dir, SharedKeys.folder(), cloudClock);
        api = new ControlApi(clouds, 0);
        clients = new CloudClients(
                vertx, clientClock, Map.of("aws", settings(Cloud.AWS), "outscale", settings(Cloud.OUTSCALE)));
    }

    private CloudClients.Settings settings(Cloud cloud) {
        return new CloudClients.Settings(
                Optional.of(new CloudClients.Own(MARKETPLACE, key(cloud, MARKETPLACE, false))),
                Optional.of("http://127.0.0.1:" + api.port()));
    }

    CloudKey key(Cloud cloud, String account, boolean readOnly) {
        AccessKey made = clouds.key(cloud, account, readOnly);
        return new CloudKey(made.accessKeyId(), made.secretKey());
    }

    static <T> T await(Future<T> future) throws Exception {
        return future.await(60, TimeUnit.SECONDS);
    }

    ImageCloud marketplace(Cloud cloud) {
        return new ImageClouds(clients.own()).of(cloud.wire()).orElseThrow();
    }

    @Override
    public void close() {
        clients.close();
        vertx.close().await();
        api.close();
        clouds.close();
    }
}
