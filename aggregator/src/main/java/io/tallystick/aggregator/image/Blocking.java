package io.tallystick.aggregator.image;

import io.vertx.core.Future;
import java.util.concurrent.Callable;

/** Runs a call that blocks away from the event loops. */
interface Blocking {
    <T> Future<T> run(Callable<T> call);
}
