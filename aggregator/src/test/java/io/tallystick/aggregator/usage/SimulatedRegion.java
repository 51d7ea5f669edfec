package io.tallystick.aggregator.usage;

import io.tallystick.aggregator.app.RunningAggregator;
import io.tallystick.cloudsim.CloudCa;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;

/** One region of a simulated cloud for all tests of a JVM: its keys take a moment to make. */
public final class SimulatedRegion {
    private static final String REGION = "eu-west-3";
    private static final Path FOLDER = folder();
    private static final CloudCa CA = CloudCa.open(FOLDER.resolve("ca"), Clock.systemUTC());
    private static final AtomicInteger VMS = new AtomicInteger();

    private SimulatedRegion() {}

    /** For {@code trust.dir}: the certificate that verifies what this cloud signs. */
    public static Path trustFolder() {
        return CA.writeTrust(FOLDER.resolve("trust"), REGION).getParent();
    }

    /** A VM nobody else has. */
    public static ProtocolClient.Vm vm(String account, Instant pendingTime, List<String> codes) {
        return new ProtocolClient.Vm(account, "i-%017x".formatted(VMS.incrementAndGet()), REGION, pendingTime, codes);
    }

    /** An agent with a new key on this VM. */
    public static ProtocolClient client(RunningAggregator running, ProtocolClient.Vm vm) {
        return new ProtocolClient(running.http(), running.clock(), CA, vm);
    }

    private static Path folder() {
        try {
            Path folder = Files.createTempDirectory("simulated-region");
            folder.toFile().deleteOnExit();
            return folder;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
