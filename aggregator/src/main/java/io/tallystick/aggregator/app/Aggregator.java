package io.tallystick.aggregator.app;

import io.micrometer.core.instrument.Gauge;
import io.tallystick.aggregator.db.Durability;
import io.tallystick.aggregator.db.Migrations;
import io.tallystick.aggregator.db.SchemaCheck;
import io.tallystick.aggregator.image.ImageCloud;
import io.tallystick.aggregator.web.WebServer;
import io.vertx.core.Future;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** One running aggregator. Its methods block and belong on the main thread, a shutdown hook or a test's. */
public final class Aggregator implements AutoCloseable {
    private static final Duration START_MAX = Duration.ofSeconds(30);
    static final Duration CLOSE_MAX = Duration.ofSeconds(10);
    private static final Logger LOG = LoggerFactory.getLogger(Aggregator.class);

    private final Config config;
    private final Wiring wiring;
    private final WebServer server;
    private final Optional<TlsFiles> tls;
    private int port;

    private Aggregator(Config config, Wiring wiring, Optional<TlsFiles> tls) {
        this.config = config;
        this.wiring = wiring;
        this.tls = tls;
        this.server = new WebServer(wiring.vertx, wiring.router);
        Gauge.builder("tallystick.http.connections", server, WebServer::connections)
                .description("Connections open by now")
                .register(wiring.registry);
    }

    /**
     * Checks the schema and that commits last, then listens. Throws a {@link io.tallystick.common.error.Failure} that
     * says what to do, leaving nothing running.
     */
    public static Aggregator start(Config config) {
        return start(config, config.clock(), List.of());
    }

    /** As {@link #start(Config)}, on a clock and with clouds of the caller's beside those configured, for tests. */
    public static Aggregator start(Config config, Clock clock, List<ImageCloud> clouds) {
        Optional<TlsFiles> tls = config.tls().map(TlsFiles::open);
        Migrations migrations = new Migrations(config.database().url());
        if (config.database().migrateOnStart()) {
            migrations.migrate();
        }
        Migrations.Status status = migrations.status();
        status.requireCurrent();
        Aggregator aggregator =
                new Aggregator(config, new Wiring(config, new SchemaCheck(status.known()), clock, clouds), tls);
        try {
            aggregator.listen();
            return aggregator;
        } catch (RuntimeException e) {
            aggregator.close();
            throw e;
        }
    }

    /** Connections open by now. */
    int connections() {
        return server.connections();
    }

    private void listen() {
        int instances = Runtime.getRuntime().availableProcessors();
        tls.ifPresent(
                files -> files.follow(wiring.vertx, wiring.registry, wiring.housekeeping, server::useCertificate));
        port = await(
                Durability.check(wiring.database.reads())
                        .compose(durable -> wiring.housekeeping.start())
                        .compose(ready -> wiring.serving.beat())
                        .compose(there -> server.start(
                                config.listen().host(), config.listen().port(), instances, tls.map(TlsFiles::pair))),
                START_MAX);
    }

    /** The port in use, also when the configuration left the choice to the system. */
    public int port() {
        return port;
    }

    public Wiring wiring() {
        return wiring;
    }

    /** Stops accepting, lets running requests end until the deadline, then closes the pool. Blocks until it is done. */
    @Override
    public void close() {
        quietly(
                "stopping to listen",
                server.stop(config.listen().stopDeadline()),
                config.listen().stopDeadline().plus(CLOSE_MAX));
        quietly("closing the pool", wiring.database.close(), CLOSE_MAX);
        wiring.cloudClients.close();
        quietly("closing Vert.x", wiring.vertx.close(), CLOSE_MAX);
        wiring.registry.close();
    }

    static void quietly(String what, Future<?> future, Duration max) {
        try {
            await(future, max);
        } catch (RuntimeException e) {
            LOG.warn("{} failed", what, e);
        }
    }

    static <T> T await(Future<T> future, Duration max) {
        try {
            return future.await(max.toMillis(), TimeUnit.MILLISECONDS);
        } catch (TimeoutException e) {
            throw new IllegalStateException("took longer than " + max, e);
        }
    }
}
