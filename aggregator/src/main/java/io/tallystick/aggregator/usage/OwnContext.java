package io.tallystick.aggregator.usage;

import io.vertx.core.Context;
import io.vertx.core.Vertx;
import java.util.concurrent.CompletableFuture;

/** For work in several steps that is not to wait, at each of them, for the requests that an HTTP loop has. */
final class OwnContext {
    private OwnContext() {}

    /**
     * A context on the event loop whose turn it is; no other work has the context. Vert.x gives a thread that is not its
     * own one context for ever, so this asks from a new thread. Blocks for a moment.
     */
    static Context of(Vertx vertx) {
        CompletableFuture<Context> made = new CompletableFuture<>();
        new Thread(() -> made.complete(vertx.getOrCreateContext()), "context").start();
        return made.join();
    }
}
