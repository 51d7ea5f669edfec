package io.tallystick.chaos;

import io.tallystick.chaos.checker.AckLog;
import io.tallystick.chaos.checker.Verdict;
import io.tallystick.sandbox.Agent;
import io.tallystick.sandbox.Await;
import io.tallystick.sandbox.Doc;
import io.tallystick.sandbox.Rest;
import io.tallystick.testkit.EmbeddedDatabase;
import java.io.IOException;
import java.nio.file.Path;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;

/**
 * The database goes back in time: restored to a moment ten minutes ago, or replaced by an asynchronous standby that was
 * behind. The agents have what it forgot. Where they no longer have it, there is an incident that names the range.
 */
final class RestoreStorm {
    /** How often. Minutes are those of the clock that all parts read, which runs ahead of the machine's. */
    record Share(int restores, int promotions, int agents, int writers, int recordsMax, Duration pauseMax) {
        static final Share CI = new Share(1, 1, 2, 6, 10, Duration.ofMillis(400));
        static final Share PART = new Share(20, 10, 4, 16, 50, Duration.ofMillis(400));
        static final Share FULL = PART;
    }

    private static final Duration FLUSH = Duration.ofSeconds(10);
    private static final Duration CLOSE_DELAY = Duration.ofHours(1);
    private static final Duration BACKUP_AGE = Duration.ofMinutes(10);
    /** How long a standby received nothing when its primary dies. */
    private static final Duration STANDBY_BEHIND = Duration.ofMinutes(3);

    private static final Duration TICK = Duration.ofSeconds(30);
    private static final Duration TICK_PAUSE = Duration.ofMillis(200);
    private static final Duration PATIENCE = Duration.ofMinutes(2);
    /** Longer than agents keep acknowledged batches. */
    private static final Duration AGENTS_FORGET = Duration.ofDays(8);

    private RestoreStorm() {}

    static Verdict play(World world, Share share, long seed) throws Exception {
        SplittableRandom random = new SplittableRandom(seed);
        World.Product product = world.product(FLUSH, CLOSE_DELAY);
        List<Agent> agents = new ArrayList<>();
        for (int i = 0; i < share.agents(); i++) {
            agents.add(world.launch(product));
        }
        Path logFile = world.file("restore.acknowledged");
        try (AckLog log = new AckLog(logFile)) {
            try (AutoCloseable ticks = world.ticking(TICK, TICK_PAUSE);
                    Writers writers = new Writers(
                            world,
                            log,
                            "restore",
                            agents,
                            share.writers(),
                            share.recordsMax(),
                            share.pauseMax(),
                            seed)) {
                for (int i = 1; i <= share.restores(); i++) {
                    long forgotten = restore(world, "restore-" + i, () -> live(world, BACKUP_AGE));
                    world.tell(
                            "restore %d of %d: the database forgot %d batches; %,d records acknowledged",
                            i, share.restores(), forgotten, log.acknowledged());
                    writers.check();
                    catchUp(random);
                }
                for (int i = 1; i <= share.promotions(); i++) {
                    long forgotten = promote(world, "standby-" + i);
                    world.tell(
                            "promotion %d of %d: the standby was behind by %d batches; %,d records acknowledged",
                            i, share.promotions(), forgotten, log.acknowledged());
                    writers.check();
                    catchUp(random);
                }
                writers.finish();
            }
            world.drain(product, agents);
            Verdict verdict = world.judge(product, log, logFile);
            world.tell("%s", verdict);
            return verdict;
        }
    }

    /** Some cycles begin before the agents have sent all again. */
    private static void catchUp(SplittableRandom random) {
        World.pause(Duration.ofMillis(random.nextLong(2_000)));
    }

    /** Lets so much time of the common clock pass. */
    private static void live(World world, Duration time) {
        var until = world.now().plus(time);
        while (world.now().isBefore(until)) {
            World.pause(Duration.ofMillis(50));
        }
    }

    /** Backs up, lives, crashes and restores to the backup's moment; answers how many batches that cost the database. */
    private static long restore(World world, String name, Runnable life) throws SQLException, IOException {
        EmbeddedDatabase old = world.database();
        Path data = world.file("postgresql-" + name);
        Backup.base(old, world.data(), data);
        Backup.restorePoint(old, name);
        life.run();
        world.killAggregator(0);
        long before = batches(old);
        EmbeddedDatabase.crash(world.data());
        Backup.recoverTo(data, world.archive(), name);
        EmbeddedDatabase restored = world.server(data, old.port());
        Backup.awaitWritable(restored);
        world.useDatabase(restored, data);
        long forgotten = before - batches(restored);
        world.startAggregator(0);
        return forgotten;
    }

    /** Kills the primary while its standby is behind and promotes the standby; answers by how many batches it was. */
    private static long promote(World world, String name) throws SQLException, IOException {
        EmbeddedDatabase primary = world.database();
        Path data = world.file("postgresql-" + name);
        Backup.base(primary, world.data(), data);
        Backup.standBy(data, primary);
        EmbeddedDatabase standby = world.server(data, world.freePort("a standby"));
        awaitReceiving(standby, 1);
        Backup.cutOff(data, standby);
        awaitReceiving(standby, 0);
        live(world, STANDBY_BEHIND);
        world.killAggregator(0);
        long before = batches(primary);
        EmbeddedDatabase.crash(world.data());
        // Without waiting: its own snapshot may be in the way of what is still to be replayed.
        World.ask(standby, "SELECT pg_promote(false)::int");
        Backup.awaitWritable(standby);
        world.useDatabase(standby, data);
        long forgotten = before - batches(standby);
        world.startAggregator(0);
        return forgotten;
    }

    private static void awaitReceiving(EmbeddedDatabase standby, long receivers) {
        String asked = "SELECT count(*) FROM pg_stat_wal_receiver WHERE status = 'streaming'";
        if (!Await.until(PATIENCE, () -> World.ask(standby, asked) == receivers)) {
            throw new IllegalStateException(
                    "the standby does not " + (receivers == 0 ? "stop" : "begin") + " streaming");
        }
    }

    private static long batches(EmbeddedDatabase server) {
        return World.ask(server, "SELECT count(*) FROM usage_batch");
    }

    /**
     * What became of batches that nobody can send again.
     *
     * @param first number of the first of them
     * @param others what the checker says of all records that were acknowledged before and after
     */
    record Unresendable(String incident, long first, long missing, Verdict others) {}

    /**
     * Restores to a moment whose later batches the agent has forgotten too, 8 days on. Throws unless there is an open
     * incident that names the range; the agent goes on behind it.
     */
    static Unresendable unresendable(World world, long seed) throws Exception {
        World.Product product = world.product(FLUSH, CLOSE_DELAY);
        Agent agent = world.launch(product);
        String enrollment = world.enrollment(agent);
        Path logFile = world.file("unresendable.acknowledged");
        try (AckLog log = new AckLog(logFile);
                AckLog lost = new AckLog(world.file("unresendable.lost"))) {
            meter(world, product, agent, log, "before", seed);
            long[] sent = new long[2];
            sent[0] = lastBatch(agent);
            restore(world, "unresendable", () -> {
                meter(world, product, agent, lost, "lost", seed + 1);
                sent[1] = lastBatch(agent);
                world.advance(AGENTS_FORGET);
                // The agent looks for what is old enough to be forgotten once an hour.
                boolean forgotten = Await.until(PATIENCE, () -> {
                    world.advance(Duration.ofMinutes(61));
                    World.pause(Duration.ofMillis(300));
                    return kept(agent, sent[1]) == 0;
                });
                if (!forgotten) {
                    throw new IllegalStateException("the agent keeps batches that are 8 days old");
                }
            });
            meter(world, product, agent, log, "after", seed + 2);
            String incident = lost(world, enrollment);
            Verdict others = world.judge(product, log, logFile);
            world.tell("what nobody can send again: incident \"%s\"; all else: %s", incident, others);
            return new Unresendable(incident, sent[0] + 1, sent[1] - sent[0], others);
        }
    }

    /** What an open incident of this kind says; each restore before left others, so there may be pages of them. */
    private static String lost(World world, String enrollment) {
        Optional<String> after = Optional.of("");
        while (after.isPresent()) {
            Doc page = world.operator()
                    .get("/v1/incidents?status=open" + after.get())
                    .expect(200)
                    .json();
            for (Doc i : page.objects("items")) {
                if (i.text("kind").equals("lost") && i.text("enrollment").equals(enrollment)) {
                    return i.text("detail");
                }
            }
            after = page.optionalText("next").map(next -> "&after=" + next);
        }
        throw new IllegalStateException("no incident tells of the missing batches");
    }

    private static void meter(World world, World.Product product, Agent agent, AckLog log, String name, long seed) {
        try (Writers writers = new Writers(world, log, name, List.of(agent), 2, 5, Duration.ofMillis(20), seed)) {
            World.pause(Duration.ofMillis(300));
            writers.finish();
        }
        world.drain(product, List.of(agent));
    }

    private static long lastBatch(Agent agent) {
        return agent.status().object("lastBatch").number("seq");
    }

    /** How many of its batches up to this number an agent could send again. */
    private static long kept(Agent agent, long upTo) {
        return Rest.at(agent.url()).get("/v1/sent").expect(200).json().objects("batches").stream()
                .filter(b -> b.number("seq") <= upTo && b.optionalText("jws").isPresent())
                .count();
    }
}
