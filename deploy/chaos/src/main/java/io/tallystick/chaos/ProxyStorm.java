package io.tallystick.chaos;

import io.tallystick.chaos.checker.AckLog;
import io.tallystick.chaos.checker.Verdict;
import io.tallystick.sandbox.Agent;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/** A network that loses 30 % of the answers and replays half of the requests: totals are exact all the same. */
final class ProxyStorm {
    /**
     * How much.
     *
     * @param lostAnswers the storm goes on until so many answers were lost, and
     * @param records so many records acknowledged
     */
    record Share(
            int agents,
            int writers,
            int recordsMax,
            Duration pauseMax,
            int lostAnswers,
            long records,
            Duration holeMax) {
        private static final Duration HOLE_MAX = Duration.ofSeconds(25);

        static final Share CI = new Share(3, 12, 20, Duration.ofMillis(100), 20, 3_000, Duration.ofSeconds(2));
        static final Share PART = new Share(6, 24, 100, Duration.ofMillis(100), 1_000, 1_000_000, HOLE_MAX);
        static final Share FULL = new Share(6, 24, 20, Duration.ofMillis(400), 3_000, 1_000_000, HOLE_MAX);
    }

    private static final Duration FLUSH = Duration.ofSeconds(10);
    private static final Duration CLOSE_DELAY = Duration.ofHours(1);
    private static final Duration PATIENCE = Duration.ofHours(2);
    private static final long PROGRESS_EVERY = 500;

    private ProxyStorm() {}

    static Verdict play(World world, Share share, long seed) throws Exception {
        World.Product product = world.product(FLUSH, CLOSE_DELAY);
        List<Agent> agents = new ArrayList<>();
        for (int i = 0; i < share.agents(); i++) {
            agents.add(world.launch(product));
        }
        FaultProxy proxy = world.proxy();
        Path logFile = world.file("proxy.acknowledged");
        try (AckLog log = new AckLog(logFile);
                AutoCloseable ticks = world.ticking(FLUSH.plusSeconds(1), Duration.ofMillis(250));
                Writers writers = new Writers(
                        world, log, "proxy", agents, share.writers(), share.recordsMax(), share.pauseMax(), seed)) {
            proxy.play(FaultProxy.Plan.storm(share.holeMax()), seed);
            long deadline = System.nanoTime() + PATIENCE.toNanos();
            long told = 0;
            while (proxy.count(FaultProxy.Fault.DROP_RESPONSE) < share.lostAnswers()
                    || log.acknowledged() < share.records()) {
                writers.check();
                long lost = proxy.count(FaultProxy.Fault.DROP_RESPONSE);
                if (lost / PROGRESS_EVERY > told / PROGRESS_EVERY) {
                    world.tell("%,d answers lost, %,d records acknowledged", lost, log.acknowledged());
                    told = lost;
                }
                if (System.nanoTime() - deadline > 0) {
                    throw new IllegalStateException("the storm does not come to its end");
                }
                World.pause(Duration.ofMillis(100));
            }
            writers.finish();
            proxy.play(FaultProxy.Plan.NOTHING, seed);
            world.drain(product, agents);
            StringBuilder faults = new StringBuilder();
            for (FaultProxy.Fault f : FaultProxy.Fault.values()) {
                faults.append(faults.length() == 0 ? "" : ", ")
                        .append(f)
                        .append(' ')
                        .append(proxy.count(f));
            }
            world.tell(
                    "requests: %s; replayed batches: %d; 5xx other than 503: %d",
                    faults, proxy.replays(), proxy.serverErrors());
            if (proxy.serverErrors() > 0) {
                throw new IllegalStateException("the aggregator answered 5xx");
            }
            Verdict verdict = world.judge(product, log, logFile);
            world.tell("%s", verdict);
            return verdict;
        }
    }
}
