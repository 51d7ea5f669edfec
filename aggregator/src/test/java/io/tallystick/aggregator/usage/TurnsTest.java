package io.tallystick.aggregator.usage;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

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
                boolean begins = turns.isSpent();
                nanos.addAndGet(Duration.ofHours(1).toNanos());
                boolean some = false;
                for (int i = 1; i < Turns.ALWAYS_BATCHES; i++) {
                    some |= turns.isSpent();
                }
                boolean beyond = turns.isSpent();
                first.complete(List.of(begins, some, beyond));
                loop.runOnContext(y -> next.complete(turns.isSpent()));
            });
            assertEquals(List.of(false, false, true), first.get(10, TimeUnit.SECONDS));
            assertFalse(next.get(10, TimeUnit.SECONDS), "the next turn");
            CompletableFuture<List<Boolean>> quick = new CompletableFuture<>();
            loop.runOnContext(x -> {
                boolean some = false;
                for (int i = 0; i < 2 * Turns.ALWAYS_BATCHES; i++) {
                    some |= turns.isSpent();
                }
                nanos.addAndGet(Turns.TURN_MAX.toNanos());
                boolean atTheLimit = turns.isSpent();
                nanos.incrementAndGet();
                quick.complete(List.of(some, atTheLimit, turns.isSpent()));
            });
            assertEquals(List.of(false, false, true), quick.get(10, TimeUnit.SECONDS));
        } finally {
            vertx.close().toCompletionStage().toCompletableFuture().get(10, TimeUnit.SECONDS);
        }
    }

    @Test
    void outsideAnEventLoopNothingIsLimited() {
        assertFalse(turns.isSpent());
        nanos.addAndGet(Duration.ofHours(1).toNanos());
        assertFalse(turns.isSpent());
    }
}
