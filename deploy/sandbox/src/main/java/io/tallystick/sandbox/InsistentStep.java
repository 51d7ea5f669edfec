package io.tallystick.sandbox;

import io.tallystick.common.json.Json;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;

/** A program that asks without a pause is told to wait, and nobody else waits with it. */
final class InsistentStep implements Story.Step {
    private static final int AT_ONCE = 8;
    /** As {@code limits.requests-per-caller} has it: for a minute, in which as many are refilled. */
    private static final int LIMIT = 6_000;

    private static final String PATH = "/v1/agreements";

    @Override
    public String title() {
        return "a program that asks without a pause, and everybody else";
    }

    @Override
    public void play(Scene scene) {
        Marketplace market = scene.market();
        String secret = scene.operator()
                .post(
                        "/v1/tokens",
                        Json.object("role", "buyer", "account", scene.seed().buyerAccount()))
                .expect(201)
                .json()
                .text("secret");
        Rest insistent = market.rest().with(secret);
        AtomicInteger served = new AtomicInteger();
        Rest.Reply refused = hammer(insistent, served);
        Expect.equal("code", "rate-limited", refused.json().text("code"));
        long seconds = Long.parseLong(refused.header("Retry-After").orElse("0"));
        Expect.that(seconds >= 1, "a Retry-After of at least a second", refused.headers());
        Expect.that(served.get() >= LIMIT, "the whole allowance served first", served.get());

        market.rest().with(scene.seed().buyerToken()).get(PATH).expect(200);
        scene.operator().get(PATH).expect(200);
        Rest.Reply again = Expect.eventually(
                Duration.ofSeconds(seconds + 10), "served again", () -> insistent.get(PATH), r -> r.status() == 200);
        scene.tell()
                .did(
                        served.get() + " requests with one token without a pause",
                        refused.status() + " with Retry-After: " + seconds + "; the same account's other token and the"
                                + " operator are served meanwhile; then again " + again.status());
    }

    private static Rest.Reply hammer(Rest insistent, AtomicInteger served) {
        AtomicReference<Rest.Reply> refused = new AtomicReference<>();
        // A busy machine serves hardly faster than the allowance is refilled.
        long until = System.nanoTime() + Scene.PATIENCE.toNanos();
        ExecutorService pool = Executors.newFixedThreadPool(AT_ONCE);
        try {
            List<Future<?>> running = new ArrayList<>();
            for (int i = 0; i < AT_ONCE; i++) {
                running.add(pool.submit(() -> {
                    while (refused.get() == null && System.nanoTime() < until) {
                        Rest.Reply reply = insistent.get(PATH).expect(200, 429);
                        if (reply.status() == 429) {
                            refused.compareAndSet(null, reply);
                        } else {
                            served.incrementAndGet();
                        }
                    }
                }));
            }
            for (Future<?> each : running) {
                each.get();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new Trouble("interrupted", e);
        } catch (ExecutionException e) {
            throw new Trouble("a request got no answer", e);
        } finally {
            pool.shutdownNow();
        }
        Rest.Reply reply = refused.get();
        if (reply == null) {
            throw new StepFailure(
                    "429 after " + LIMIT + " requests, or as many more as are refilled", served.get() + " were served");
        }
        return reply;
    }
}
