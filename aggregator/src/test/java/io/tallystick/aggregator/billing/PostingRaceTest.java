package io.tallystick.aggregator.billing;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.tallystick.aggregator.app.RunningAggregator;
import io.tallystick.aggregator.usage.ProtocolClient;
import io.tallystick.aggregator.usage.SimulatedRegion;
import io.tallystick.common.json.Json;
import io.tallystick.common.model.Hours;
import io.tallystick.common.model.Quantity;
import io.tallystick.common.wire.MeteringRecord;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Posting runs while the very hours they post are being added to: every increment is in exactly one line. */
class PostingRaceTest {
    private static final int AGENTS = 8;
    private static final int BATCHES = 25;

    @RegisterExtension
    static final RunningAggregator RUNNING = RunningAggregator.with("trust.dir=" + SimulatedRegion.trustFolder());

    @Test
    void everyIncrementIsInExactlyOneLineWhilePostingRacesIngest() throws Exception {
        String buyer = RUNNING.account("buyer");
        RUNNING.http()
                .post(
                        "/v1/accounts/" + buyer + "/cloud-accounts",
                        RUNNING.operator(),
                        "{\"cloud\":\"aws\",\"accountId\":\"123456789012\"}")
                .expect(200);
        String product = RUNNING.product(RUNNING.account("seller"), "requests");
        RUNNING.visibility(product, "LIMITED", "PUBLIC");
        RUNNING.agreement(product, buyer);
        String code = RUNNING.http()
                .get("/v1/products/" + product, RUNNING.operator())
                .get("productCode");
        Instant hour = Hours.of(RUNNING.clock().instant());
        List<ProtocolClient> agents = new ArrayList<>();
        for (int i = 0; i < AGENTS; i++) {
            ProtocolClient agent = SimulatedRegion.client(
                    RUNNING, SimulatedRegion.vm("123456789012", RUNNING.clock().instant(), List.of(code)));
            agent.enroll();
            agents.add(agent);
        }
        // From here on every batch is late: each increment may land before or after any run.
        RUNNING.clock().advance(Duration.ofHours(5));

        AtomicBoolean sending = new AtomicBoolean(true);
        ExecutorService pool = Executors.newFixedThreadPool(AGENTS + 1);
        try {
            CompletableFuture<Integer> runs = CompletableFuture.supplyAsync(() -> postWhile(sending), pool);
            CompletableFuture<?>[] senders = agents.stream()
                    .map(agent -> CompletableFuture.runAsync(() -> send(agent, hour), pool))
                    .toArray(CompletableFuture[]::new);
            CompletableFuture.allOf(senders).get(60, TimeUnit.SECONDS);
            sending.set(false);
            assertTrue(runs.get(60, TimeUnit.SECONDS) > 1, "posting must have raced");
        } finally {
            sending.set(false);
            pool.shutdownNow();
        }
        RUNNING.clock().advance(Duration.ofMinutes(10));
        RUNNING.post();

        String text = RUNNING.http()
                .get("/v1/billing/usage?limit=10000&product=" + product, RUNNING.operator())
                .expect(200)
                .text();
        Quantity sum = text.lines()
                .map(Json::parseObject)
                .map((Map<String, Object> line) -> Quantity.parse(String.valueOf(line.get("quantity"))))
                .reduce(Quantity.ZERO, Quantity::plus);
        assertEquals(Quantity.of((long) AGENTS * BATCHES), sum);
    }

    private static int postWhile(AtomicBoolean sending) {
        int rounds = 0;
        while (sending.get()) {
            RUNNING.post();
            rounds++;
        }
        return rounds;
    }

    private static void send(ProtocolClient agent, Instant hour) {
        for (int i = 0; i < BATCHES; i++) {
            agent.send(MeteringRecord.increment("requests", hour, Quantity.ONE));
        }
    }
}
