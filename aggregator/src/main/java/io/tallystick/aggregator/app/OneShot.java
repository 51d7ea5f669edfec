package io.tallystick.aggregator.app;

import io.tallystick.aggregator.db.Migrations;
import io.tallystick.aggregator.db.SchemaCheck;
import io.vertx.core.Future;
import java.time.Duration;
import java.util.List;
import java.util.function.Function;

/** Runs one piece of work with everything wired and nothing listening, for commands. */
final class OneShot {
    private OneShot() {}

    static <T> T run(Config config, Duration max, Function<Wiring, Future<T>> work) {
        Migrations.Status status = new Migrations(config.database().url()).status();
        status.requireCurrent();
        Wiring wiring = new Wiring(config, new SchemaCheck(status.known()), config.clock(), List.of());
        try {
            return Aggregator.await(work.apply(wiring), max);
        } finally {
            Aggregator.quietly("closing the pool", wiring.database.close(), Aggregator.CLOSE_MAX);
            wiring.cloudClients.close();
            Aggregator.quietly("closing Vert.x", wiring.vertx.close(), Aggregator.CLOSE_MAX);
        }
    }
}
