package io.tallystick.sandbox;

import java.io.UncheckedIOException;
import java.math.BigDecimal;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;

/** Kills the agent and the aggregator with SIGKILL in the middle of a stream of calls. */
final class KilledStep implements Story.Step {
    private static final int WRITERS = 8;
    private static final int CALLS_OF_A_WRITER = 150;
    /** Acknowledged calls before the kill: the stream runs, and most of it is still to come. */
    private static final int CALLS_BEFORE_KILL = 200;

    @Override
    public String title() {
        return "SIGKILL to the agent and to the aggregator in the middle";
    }

    @Override
    public void play(Scene scene) {
        Agent agent = scene.market().firstAgent();

        Stream first = new Stream(scene, agent, "killed-agent");
        first.start();
        first.awaitAcknowledged(CALLS_BEFORE_KILL);
        agent.kill();
        int atKill = first.acknowledged();
        agent.start();
        int retries = first.finish();
        scene.tell()
                .did(
                        "killed the agent after " + atKill + " of " + WRITERS * CALLS_OF_A_WRITER
                                + " calls, started it again; the callers went on, repeating what got no answer",
                        "all acknowledged; " + retries + " calls were repeated under their keys");

        Stream second = new Stream(scene, agent, "killed-aggregator");
        second.start();
        second.awaitAcknowledged(CALLS_BEFORE_KILL);
        // Past the flush interval, so that batches are on their way when the aggregator dies.
        scene.market().advance(Seeder.FLUSH_INTERVAL.plusSeconds(1));
        scene.market().killAggregator();
        Expect.equal("calls the agent did not take while the aggregator was away", 0, second.finish());
        Doc away = agent.entitlement(scene.seed().productCode(), "while-away");
        Expect.equal("decision while the aggregator is away", "allow", away.text("decision"));
        scene.market().startAggregator();
        scene.flush(agent);
        scene.tell()
                .did(
                        "killed the aggregator while the agent was metering, started it again",
                        "the agent took every call meanwhile (" + away.text("state")
                                + ") and sent everything afterwards; step 5 compares the bill");
    }

    /** Writers that meter keyed increments of different sizes, each repeated under its key until it is acknowledged. */
    private static final class Stream {
        private final Scene scene;
        private final Agent agent;
        private final String name;
        private final Instant time;
        private final AtomicInteger acknowledged = new AtomicInteger();
        private final AtomicInteger repeated = new AtomicInteger();
        private final ExecutorService writers = Executors.newFixedThreadPool(WRITERS);
        private final List<Future<?>> running = new ArrayList<>();

        Stream(Scene scene, Agent agent, String name) {
            this.scene = scene;
            this.agent = agent;
            this.name = name;
            this.time = scene.market().now();
        }

        void start() {
            for (int w = 0; w < WRITERS; w++) {
                String prefix = name + "-" + w + "-";
                running.add(writers.submit(() -> write(prefix)));
            }
            writers.shutdown();
        }

        private void write(String prefix) {
            for (int i = 1; i <= CALLS_OF_A_WRITER; i++) {
                String key = prefix + i;
                String quantity = new BigDecimal(i).movePointLeft(3).toPlainString();
                if (!send(key, quantity)) {
                    // It may have counted or not; only its key tells.
                    repeated.incrementAndGet();
                    if (!Await.until(Scene.PATIENCE, () -> send(key, quantity))) {
                        throw new StepFailure("call " + key + " acknowledged when repeated", "nothing for a minute");
                    }
                }
                acknowledged.incrementAndGet();
                scene.acknowledged(scene.seed().instance(), Seed.GIGABYTES, quantity, time);
            }
        }

        /** Whether the agent says that it is on disk: 200, or 202 where it has not spoken to the aggregator yet. */
        private boolean send(String key, String quantity) {
            try {
                int status = agent.meter(Scene.record(Seed.GIGABYTES, quantity, time, key))
                        .status();
                return status == 200 || status == 202;
            } catch (UncheckedIOException e) {
                return false;
            }
        }

        int acknowledged() {
            return acknowledged.get();
        }

        void awaitAcknowledged(int calls) {
            Expect.eventually(Scene.SOON, calls + " acknowledged calls", this::acknowledged, n -> n >= calls);
        }

        /** Waits for the writers and sends the first call of each once more; answers how many had to be repeated. */
        int finish() {
            try {
                for (Future<?> writer : running) {
                    writer.get();
                }
            } catch (ExecutionException e) {
                if (e.getCause() instanceof StepFailure failure) {
                    throw failure;
                }
                throw new IllegalStateException("a writer failed", e.getCause());
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new IllegalStateException("interrupted", e);
            }
            for (int w = 0; w < WRITERS; w++) {
                Expect.that(send(name + "-" + w + "-1", "0.001"), "a call sent once more acknowledged", "not");
            }
            return repeated.get();
        }
    }
}
