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
    private static final int CALLS_OF_A_WRITER = 100;
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
        int doubtful = first.finish();
        scene.tell()
                .did(
                        "killed the agent after " + atKill + " acknowledged calls, started it again",
                        doubtful + " calls were in doubt and were sent again under their keys; all "
                                + WRITERS * CALLS_OF_A_WRITER + " acknowledged");

        Stream second = new Stream(scene, agent, "killed-aggregator");
        second.start();
        second.awaitAcknowledged(CALLS_BEFORE_KILL);
        // Past the flush interval, so that batches are on their way when the aggregator dies.
        scene.market().advance(Seeder.FLUSH_INTERVAL.plusSeconds(1));
        scene.market().killAggregator();
        int refused = second.finish();
        Expect.equal("calls the agent did not take while the aggregator was away", 0, refused);
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

    /** Writers that meter keyed increments of different sizes as fast as they are acknowledged. */
    private static final class Stream {
        private final Scene scene;
        private final Agent agent;
        private final String name;
        private final Instant time;
        private final AtomicInteger acknowledged = new AtomicInteger();
        private final ExecutorService writers = Executors.newFixedThreadPool(WRITERS);
        private final List<Future<List<Call>>> running = new ArrayList<>();

        /** A call without an answer may have counted or not; only its key tells. */
        private record Call(String key, String quantity) {}

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

        private List<Call> write(String prefix) {
            List<Call> doubtful = new ArrayList<>();
            for (int i = 1; i <= CALLS_OF_A_WRITER; i++) {
                Call call =
                        new Call(prefix + i, new BigDecimal(i).movePointLeft(3).toPlainString());
                if (!send(call)) {
                    doubtful.add(call);
                }
            }
            return doubtful;
        }

        private boolean send(Call call) {
            try {
                Rest.Reply reply = agent.meter(Scene.record(Seed.GIGABYTES, call.quantity(), time, call.key()));
                if (reply.status() != 200) {
                    return false;
                }
            } catch (UncheckedIOException e) {
                return false;
            }
            acknowledged.incrementAndGet();
            scene.acknowledged(scene.seed().instance(), Seed.GIGABYTES, call.quantity(), time);
            return true;
        }

        int acknowledged() {
            return acknowledged.get();
        }

        void awaitAcknowledged(int calls) {
            Expect.eventually(Scene.SOON, calls + " acknowledged calls", this::acknowledged, n -> n >= calls);
        }

        /** Waits for the writers, then sends the doubtful calls again, and the first of each writer once more. */
        int finish() {
            List<Call> doubtful = new ArrayList<>();
            try {
                for (Future<List<Call>> writer : running) {
                    doubtful.addAll(writer.get());
                }
            } catch (ExecutionException e) {
                throw new IllegalStateException("a writer failed", e.getCause());
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new IllegalStateException("interrupted", e);
            }
            for (Call call : doubtful) {
                Expect.that(send(call), "the retried call " + call.key() + " acknowledged", "not acknowledged");
            }
            for (int w = 0; w < WRITERS; w++) {
                agent.meter(Scene.record(Seed.GIGABYTES, "0.001", time, name + "-" + w + "-1"))
                        .expect(200);
            }
            return doubtful.size();
        }
    }
}
