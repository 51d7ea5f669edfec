package io.tallystick.aggregator.image;

import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.core.WorkerExecutor;
import java.time.Clock;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;

/**
 * The clients of the image clouds: as the marketplace itself, and as the owner of any other key. Calls run on a small worker
 * pool of their own, so a cloud that does not answer holds up nothing else.
 */
public final class CloudClients implements AutoCloseable {
    public static final String AWS = "aws";
    public static final String OUTSCALE = "outscale";
    public static final Set<String> KNOWN = Set.of(AWS, OUTSCALE);

    private static final int THREADS = 4;
    /** When Vert.x warns of a call; above the clients' own limits. */
    private static final int CALL_SECONDS_MAX = 120;

    /**
     * What is configured for one cloud.
     *
     * @param own the marketplace's own account; empty if it has none there
     * @param endpoint an address instead of the cloud's own ones; {@code {region}} in it stands for the region
     */
    public record Settings(Optional<Own> own, Optional<String> endpoint) {
        public static final Settings NONE = new Settings(Optional.empty(), Optional.empty());
    }

    /** The marketplace's own account in a cloud. */
    public record Own(String account, CloudKey key) {}

    private final WorkerExecutor workers;
    private final Ec2Clients ec2;
    private final OscClient osc;
    private final Clock clock;
    private final List<ImageCloud> own = new ArrayList<>();

    /** Makes no connection. Requests are signed with the clock's time. */
    public CloudClients(Vertx vertx, Clock clock, Map<String, Settings> settings) {
        this.clock = clock;
        workers = vertx.createSharedWorkerExecutor("image-cloud", THREADS, CALL_SECONDS_MAX, TimeUnit.SECONDS);
        ec2 = new Ec2Clients(settings.getOrDefault(AWS, Settings.NONE).endpoint(), clock);
        osc = new OscClient(settings.getOrDefault(OUTSCALE, Settings.NONE).endpoint(), clock);
        settings.forEach(
                (cloud, s) -> s.own().ifPresent(account -> own.add(withKey(cloud, account.account(), account.key()))));
    }

    /** The clouds as the marketplace itself, where it has an account. */
    public List<ImageCloud> own() {
        return List.copyOf(own);
    }

    /**
     * The cloud as the owner of this key sees it, for {@link ImageCloud#vm} and {@link ImageCloud#find}: the key needs no
     * right to change anything. Keeps nothing of the key beyond the object. Throws {@link IllegalArgumentException} for a
     * cloud that is not {@link #KNOWN}.
     */
    public ImageCloud readOnly(String cloud, String account, CloudKey key) {
        return withKey(cloud, account, key);
    }

    private ImageCloud withKey(String cloud, String account, CloudKey key) {
        return switch (cloud) {
            case AWS -> new Ec2ImageCloud(this::run, ec2, account, key, clock);
            case OUTSCALE -> new OutscaleImageCloud(this::run, osc, account, key);
            default -> throw new IllegalArgumentException("must be one of " + KNOWN);
        };
    }

    private <T> Future<T> run(Callable<T> call) {
        return workers.executeBlocking(call, false);
    }

    @Override
    public void close() {
        ec2.close();
        workers.close();
    }
}
