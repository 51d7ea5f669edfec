package io.tallystick.aggregator.usage;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vertx.core.Context;
import io.vertx.core.Vertx;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

class TurnsTest {
    private final AtomicLong nanos = new AtomicLong();
    private final Turns turns = new Turns(nanos::get);

    @Test
    void aTurnTakesOnSoManyAndThenForALimitedTimeAndTheNextBeginsAnew() throws Exception {
        Vertx vertx = Vertx.vertx();
        try {
            Context loop = vertx.getOrCreateContext();
            CompletableFuture<List<Boolean>> first = new CompletableFuture<>();
            CompletableFuture<Boolean> next = new CompletableFuture<>();
            loop.runOnContext(x -> {
                boolean begins = !turns.isSpent() && turns.takeOn();
                nanos.addAndGet(Duration.ofHours(1).toNanos());
                boolean all = true;
                for (int i = 1; i < Turns.ALWAYS_BATCHES; i++) {
                    all &= turns.takeOn();
                }
                boolean beyond = !turns.isSpent() || turns.takeOn();
                first.complete(List.of(begins, all, beyond));
                loop.runOnContext(y -> next.complete(!turns.isSpent() && turns.takeOn()));
            });
            assertEquals(List.of(true, true, false), first.get(10, TimeUnit.SECONDS));
            assertTrue(next.get(10, TimeUnit.SECONDS), "the next turn");
            CompletableFuture<List<Boolean>> quick = new CompletableFuture<>();
            loop.runOnContext(x -> {
                boolean all = true;
                for (int i = 0; i < 2 * Turns.ALWAYS_BATCHES; i++) {
                    all &= turns.takeOn();
                }
                nanos.addAndGet(Turns.TURN_MAX.toNanos());
                boolean atTheLimit = turns.takeOn();
                nanos.incrementAndGet();
                quick.complete(List.of(all, atTheLimit, turns.takeOn()));
            });
            assertEquals(List.of(true, true, false), quick.get(10, TimeUnit.SECONDS));
        } finally {
            vertx.close().toCompletionStage().toCompletableFuture().get(10, TimeUnit.SECONDS);
        }
    }

    @Test
    void outsideAnEventLoopNothingIsLimited() {
        assertTrue(turns.takeOn());
        nanos.addAndGet(Duration.ofHours(1).toNanos());
        assertFalse(turns.isSpent());
        assertTrue(turns.takeOn());
    }
}
