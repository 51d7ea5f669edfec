package io.tallystick.chaos;

import io.tallystick.chaos.checker.AckLog;
import io.tallystick.chaos.checker.Verdict;
import io.tallystick.sandbox.Agent;
import io.tallystick.sandbox.Await;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.SplittableRandom;

/**
 * SIGKILL at random moments: first to the agent, then to the aggregator, then {@code pg_ctl -m immediate restart}, while
 * writers meter. Every acknowledged record must be billed once.
 */
final class KillStorm {
    /**
     * How much.
     *
     * @param records at least so many must be acknowledged before the storm ends
     * @param pauseMax between two calls of a writer: without one the load alone would hold up every restart
     */
    record Share(
            int agentKills,
            int aggregatorKills,
            int databaseCrashes,
            long records,
            int writers,
            int recordsMax,
            Duration pauseMax) {
        static final Share CI = new Share(3, 1, 1, 2_500, 64, 20, Duration.ofMillis(800));
        static final Share PART = new Share(300, 100, 60, 1_000_000, 64, 100, Duration.ofSeconds(1));
        static final Share FULL = new Share(1_000, 1_000, 200, 1_000_000, 64, 20, Duration.ofSeconds(2));
    }

    private static final Duration FLUSH = Duration.ofSeconds(10);
    private static final Duration CLOSE_DELAY = Duration.ofHours(1);
    /** Agents answer long before they have compared with the aggregator and sent; kills must hit all of it. */
    private static final Duration AGENT_LIVES_MAX = Duration.ofMillis(1_500);

    private static final Duration AGGREGATOR_LIVES_MAX = Duration.ofMillis(1_500);
    private static final Duration DATABASE_LIVES_MAX = Duration.ofSeconds(2);
    private static final int LIFE_RECORDS_MAX = 1_000;
    private static final Duration LIFE_MAX = Duration.ofSeconds(20);
    private static final int PROGRESS_EVERY = 50;

    private KillStorm() {}

    static Verdict play(World world, Share share, long seed) throws Exception {
        SplittableRandom random = new SplittableRandom(seed);
        world.hastenStarts();
        World.Product product = world.product(FLUSH, CLOSE_DELAY);
        Agent agent = world.launch(product);
        Path logFile = world.file("storm.acknowledged");
        try (AckLog log = new AckLog(logFile);
                AutoCloseable ticks = world.ticking(FLUSH.plusSeconds(1), Duration.ofMillis(700));
                Writers writers = new Writers(
                        world,
                        log,
                        "storm",
                        List.of(agent),
                        share.writers(),
                        share.recordsMax(),
                        share.pauseMax(),
                        seed)) {
            repeat(world, writers, log, "SIGKILL to the agent", share.agentKills(), () -> {
                live(random, AGENT_LIVES_MAX, log);
                agent.kill();
                agent.start();
            });
            repeat(world, writers, log, "SIGKILL to the aggregator", share.aggregatorKills(), () -> {
                live(random, AGGREGATOR_LIVES_MAX, log);
                world.killAggregator(0);
                world.startAggregator(0);
            });
            repeat(world, writers, log, "crash of PostgreSQL", share.databaseCrashes(), () -> {
                live(random, DATABASE_LIVES_MAX, log);
                world.crashDatabase();
            });
            while (log.acknowledged() < share.records()) {
                writers.check();
                World.pause(Duration.ofMillis(100));
            }
            long repeated = writers.finish();
            world.tell("%,d records acknowledged, %,d calls repeated", log.acknowledged(), repeated);
            world.drain(product, List.of(agent));
            Verdict verdict = world.judge(product, log, logFile);
            world.tell("%s", verdict);
            world.audit();
            return verdict;
        }
    }

    private static void repeat(World world, Writers writers, AckLog log, String what, int times, Runnable fault) {
        long start = System.nanoTime();
        for (int i = 1; i <= times; i++) {
            fault.run();
            writers.check();
            if (i % PROGRESS_EVERY == 0 || i == times) {
                world.tell(
                        "%s: %d of %d after %d s, %,d records acknowledged",
                        what, i, times, (System.nanoTime() - start) / 1_000_000_000, log.acknowledged());
            }
        }
    }

    /**
     * Lets a life last a random time, which on a busy machine ends while things are still starting; every other life until
     * a random number of records was acknowledged in it.
     */
    private static void live(SplittableRandom random, Duration max, AckLog log) {
        Duration time = Duration.ofMillis(random.nextLong(max.toMillis()));
        long target = log.acknowledged() + random.nextInt(LIFE_RECORDS_MAX);
        if (random.nextBoolean()) {
            World.pause(time);
        } else {
            Await.until(LIFE_MAX, () -> log.acknowledged() >= target);
        }
    }
}
