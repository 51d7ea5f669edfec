package io.tallystick.agent;

import io.tallystick.agent.app.Agent;
import io.tallystick.agent.app.AgentConfig;
import io.tallystick.agent.clock.TimeSource;
import io.tallystick.cloudsim.SharedKeys;
import io.tallystick.cloudsim.SimulatedClouds;
import io.tallystick.cloudsim.SimulatedVm;
import io.tallystick.cloudsim.VmSpec;
import io.tallystick.common.config.ConfigFile;
import io.tallystick.common.json.Json;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** A simulated VM, a fake aggregator and agents in this process, on one clock that tests move. */
final class Rig implements AutoCloseable {
    static final String ACCOUNT = "123456789012";
    static final String CODE = "code-a";
    /** Past the longest pause of an agent between two tries, a minute. */
    private static final Duration PATIENCE = Duration.ofMinutes(2);

    /** Real time plus what the test added; the boot can be changed, which is a reboot. */
    static final class MovedTime extends Clock implements TimeSource {
        private final Clock real = Clock.systemUTC();
        private volatile Duration offset = Duration.ZERO;
        private volatile Duration wallError = Duration.ZERO;
        private volatile String boot = "boot-1";
        private volatile long bootedAt = real.millis();

        void advance(Duration by) {
            offset = offset.plus(by);
        }

        /** Makes the VM's wall clock wrong; the aggregator's stays right. */
        void wallError(Duration by) {
            wallError = by;
        }

        void reboot() {
            boot = boot + "+";
            bootedAt = real.millis() + offset.toMillis();
        }

        @Override
        public Instant wall() {
            return instant().plus(wallError);
        }

        @Override
        public long bootMillis() {
            return real.millis() + offset.toMillis() - bootedAt;
        }

        @Override
        public String bootId() {
            return boot;
        }

        @Override
        public Instant instant() {
            return real.instant().plus(offset);
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

    final Path dir;
    final MovedTime time = new MovedTime();
    final FakeAggregator aggregator;
    final SimulatedClouds aws;
    private final List<AutoCloseable> running = new ArrayList<>();
    private final HttpClient http = HttpClient.newHttpClient();

    Rig(Path dir) throws Exception {
        this.dir = dir;
        this.aggregator = new FakeAggregator(time);
        this.aws = SimulatedClouds.startWithKeys(dir.resolve("aws"), SharedKeys.folder(), time);
    }

    /** Copies a state folder, as an image or a snapshot does; answers the copy. */
    static Path copy(Path from, Path to) throws IOException {
        Files.createDirectories(to);
        Files.setPosixFilePermissions(to, Files.getPosixFilePermissions(from));
        try (Stream<Path> files = Files.list(from)) {
            for (Path f : files.filter(Files::isRegularFile).toList()) {
                Files.copy(f, to.resolve(f.getFileName()), StandardCopyOption.COPY_ATTRIBUTES);
            }
        }
        return to;
    }

    SimulatedVm vm(String... codes) {
        return aws.launch(VmSpec.of(ACCOUNT).productCodes(codes));
    }

    AgentConfig config(URI metadata, Path state, String... more) {
        List<String> settings = new ArrayList<>(List.of(
                "sandbox=true",
                "aggregator.url=" + aggregator.url(),
                "metadata.url=" + metadata,
                "state.dir=" + state,
                "listen.port=0"));
        settings.addAll(List.of(more));
        return AgentConfig.read(ConfigFile.empty().with(settings, dir));
    }

    /** A started agent of this VM on this state folder. */
    Running agent(SimulatedVm vm, Path state, String... more) throws Exception {
        return agent(vm.metadata(), state, more);
    }

    /** A started agent that asks this metadata service. */
    Running agent(URI metadata, Path state, String... more) throws Exception {
        Agent agent = new Agent(config(metadata, state, more), time, time, seeded(), "test", cause -> {});
        agent.start();
        Running r = new Running(agent);
        running.add(r);
        return r;
    }

    private static java.util.random.RandomGenerator seeded() {
        // Run ids must differ between starts; jitter may be anything.
        return new Random(System.nanoTime());
    }

    /** One agent and its HTTP API. */
    final class Running implements AutoCloseable {
        final Agent agent;
        private boolean closed;

        Running(Agent agent) {
            this.agent = agent;
        }

        Reply get(String path) throws Exception {
            return send("GET", path, null, Map.of());
        }

        Reply post(String path, Object body) throws Exception {
            return send("POST", path, Json.writeBytes(body), Map.of("Content-Type", "application/json"));
        }

        Reply send(String method, String path, byte @Nullable [] body, Map<String, String> headers) throws Exception {
            HttpRequest.Builder b = HttpRequest.newBuilder(URI.create(agent.endpoint() + path))
                    .timeout(Duration.ofSeconds(70))
                    .method(
                            method,
                            body == null
                                    ? HttpRequest.BodyPublishers.noBody()
                                    : HttpRequest.BodyPublishers.ofByteArray(body));
            headers.forEach(b::header);
            HttpResponse<byte[]> r = http.send(b.build(), HttpResponse.BodyHandlers.ofByteArray());
            return new Reply(r.statusCode(), r.body());
        }

        Map<String, Object> status() throws Exception {
            return get("/v1/status").json();
        }

        /** Names of the files set aside. */
        List<String> setAside() throws Exception {
            return ((List<?>) Rig.at(status(), "setAside", List.class))
                    .stream()
                            .map(a -> String.valueOf(((Map<?, ?>) a).get("file")))
                            .toList();
        }

        /** What status says of the usage in the first file set aside; empty where there is none. */
        String remainder() throws Exception {
            List<?> aside = Rig.at(status(), "setAside", List.class);
            return aside.isEmpty() ? "" : String.valueOf(((Map<?, ?>) aside.get(0)).get("usage"));
        }

        String state() throws Exception {
            return String.valueOf(status().get("state"));
        }

        void untilState(String state) throws Exception {
            until("state " + state, () -> state().equals(state));
        }

        /** Waits until everything taken is acknowledged. */
        void drained() throws Exception {
            until("an empty queue", () -> {
                Map<?, ?> q = (Map<?, ?>) status().get("queue");
                return q != null
                        && Long.valueOf(0).equals(q.get("pendingSums"))
                        && Long.valueOf(0).equals(q.get("unsentBatches"));
            });
        }

        Reply meter(String dimension, String quantity) throws Exception {
            return post("/v1/usage", Json.object("dimension", dimension, "quantity", quantity));
        }

        @Override
        public void close() {
            if (!closed) {
                closed = true;
                agent.close();
            }
        }
    }

    /** A member that must be there, for reading answers. */
    static <T> T at(Map<?, ?> map, String name, Class<T> type) {
        return type.cast(Objects.requireNonNull(map.get(name), name));
    }

    /** An HTTP answer. */
    record Reply(int status, byte[] body) {
        Map<String, Object> json() {
            return Json.parseObject(body);
        }

        String text(String member) {
            return String.valueOf(json().get(member));
        }
    }

    @FunctionalInterface
    interface Check {
        boolean holds() throws Exception;
    }

    /** Looks again and again until it holds; fails the test when patience ends. */
    static void until(String what, Check check) throws Exception {
        long end = System.nanoTime() + PATIENCE.toNanos();
        while (!check.holds()) {
            if (System.nanoTime() - end > 0) {
                throw new AssertionError("waited in vain for " + what);
            }
            Thread.onSpinWait();
            java.util.concurrent.locks.LockSupport.parkNanos(20_000_000);
        }
    }

    @Override
    public void close() throws Exception {
        for (AutoCloseable r : running) {
            r.close();
        }
        aws.close();
        aggregator.close();
    }
}
