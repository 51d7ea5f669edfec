package io.tallystick.sandbox;

import io.tallystick.common.json.Json;
import java.math.BigDecimal;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** The vendor's program meters: increments with idempotency keys, an array with tags, the command line. */
final class MeteredStep implements Story.Step {
    private static final int INCREMENTS = 20;
    private static final int CALL_RECORDS_MAX = 1_000;

    @Override
    public String title() {
        return "metering by increments, by an array and by the command line";
    }

    @Override
    public void play(Scene scene) {
        Agent agent = scene.market().firstAgent();
        String instance = scene.seed().instance();
        Instant now = scene.market().now();

        for (int i = 1; i <= INCREMENTS; i++) {
            scene.meter(agent, instance, Seed.REQUESTS, Integer.toString(i), now, "metered-" + i);
        }
        agent.meter(Scene.record(Seed.REQUESTS, "7", now, "metered-7")).expect(200);
        Rest.Reply conflict =
                agent.meter(Scene.record(Seed.REQUESTS, "8", now, "metered-7")).expect(409);
        Expect.equal("code", "idempotency-conflict", conflict.json().text("code"));
        scene.tell()
                .did(
                        INCREMENTS
                                + " increments with idempotency keys; one sent twice; one key used with other content",
                        "acknowledged; counted once; refused with "
                                + conflict.json().text("code"));

        array(scene, agent, instance, now);
        longArray(scene, agent, instance, now);
        commandLine(scene, agent, instance);
        ExampleRun.play(scene, agent, instance);

        Rest.Reply unknown = agent.meter(Scene.record("no-such-dimension", "1", now, "metered-unknown"))
                .expect(400);
        scene.tell()
                .did(
                        "a dimension the product does not have",
                        unknown.json().text("code") + ": " + unknown.json().text("detail"));
        scene.tell().note("acknowledged so far: " + scene.ledger().total().toPlainString() + " units");
    }

    private static void array(Scene scene, Agent agent, String instance, Instant now) {
        Map<String, String> alpha = Map.of("tenant", "alpha");
        Map<String, String> beta = Map.of("tenant", "beta");
        List<Object> allocations = List.of(
                Json.object("quantity", "0.125", "tags", alpha), Json.object("quantity", "2.000000001", "tags", beta));
        agent.meter(List.of(
                        Json.object("dimension", Seed.REQUESTS, "quantity", "1000", "timestamp", now),
                        Json.object(
                                "dimension",
                                Seed.GIGABYTES,
                                "quantity",
                                "2.125000001",
                                "timestamp",
                                now,
                                "allocations",
                                allocations)))
                .expect(200);
        scene.acknowledged(instance, Seed.REQUESTS, "1000", now);
        scene.ledger()
                .acknowledged(Ledger.Key.of(instance, Seed.GIGABYTES, Scene.hour(now), alpha), new BigDecimal("0.125"));
        scene.ledger()
                .acknowledged(
                        Ledger.Key.of(instance, Seed.GIGABYTES, Scene.hour(now), beta), new BigDecimal("2.000000001"));
        scene.tell().did("an array of two records, one split by tags to nine decimal places", "acknowledged");
    }

    /** As long as a call may be: added up before it waits for the disk. */
    private static void longArray(Scene scene, Agent agent, String instance, Instant now) {
        List<Object> records = new ArrayList<>();
        for (int i = 0; i < CALL_RECORDS_MAX; i++) {
            String dimension = i % 2 == 0 ? Seed.REQUESTS : Seed.GIGABYTES;
            records.add(Json.object("dimension", dimension, "quantity", "0.000000001", "timestamp", now));
        }
        Rest.Reply taken = agent.meter(records).expect(200);
        Expect.equal("accepted", CALL_RECORDS_MAX, Math.toIntExact(taken.json().number("accepted")));
        scene.acknowledged(instance, Seed.REQUESTS, "0.0000005", now);
        scene.acknowledged(instance, Seed.GIGABYTES, "0.0000005", now);
        scene.tell()
                .did(
                        "an array of " + CALL_RECORDS_MAX + " records of a billionth each, of two dimensions",
                        "acknowledged, all of them");
    }

    private static void commandLine(Scene scene, Agent agent, String instance) {
        // The command takes the time itself; the story's clock was set so that no hour ends here.
        Instant before = scene.market().now();
        Cli.Result result = agent.meterByCommand(Seed.GIGABYTES, "3.5");
        Expect.that(result.exitCode() == 0, "tallystick-agent meter exits 0", result);
        Expect.equal(
                "the hour after the command",
                Scene.hour(before),
                Scene.hour(scene.market().now()));
        scene.acknowledged(instance, Seed.GIGABYTES, "3.5", before);
        scene.tell()
                .did(
                        "tallystick-agent meter --dimension " + Seed.GIGABYTES + " --quantity 3.5",
                        "exit 0: " + result.output().strip());
    }
}
