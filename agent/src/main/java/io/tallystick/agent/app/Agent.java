package io.tallystick.agent.app;

import io.tallystick.agent.api.LocalApi;
import io.tallystick.agent.api.Metrics;
import io.tallystick.agent.api.Status;
import io.tallystick.agent.awsdoor.AwsDoor;
import io.tallystick.agent.clock.TimeSource;
import io.tallystick.agent.clock.TrustedTime;
import io.tallystick.agent.enroll.Board;
import io.tallystick.agent.enroll.Enroller;
import io.tallystick.agent.enroll.JoinCodes;
import io.tallystick.agent.metadata.EarlyReading;
import io.tallystick.agent.metadata.Metadata;
import io.tallystick.agent.meter.UptimeMeter;
import io.tallystick.agent.meter.UsageIntake;
import io.tallystick.agent.net.Aggregator;
import io.tallystick.agent.net.HttpClient;
import io.tallystick.agent.net.IssuerKeys;
import io.tallystick.agent.ship.Remainder;
import io.tallystick.agent.ship.Shipper;
import io.tallystick.agent.store.StateFolder;
import io.tallystick.agent.store.Store;
import io.tallystick.common.error.Failure;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Proxy;
import java.sql.SQLException;
import java.time.Clock;
import java.time.Duration;
import java.util.HexFormat;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.logging.Level;
import java.util.logging.Logger;
import java.util.random.RandomGenerator;
import javax.net.ssl.SSLSocketFactory;

/**
 * One running agent: everything wired, one loop that decides by the clock what is due, and an orderly stop. The loop
 * looks each tick instead of scheduling ahead, so a clock that jumps a year makes one flush due, not thousands.
 */
public final class Agent implements AutoCloseable {
    static final Duration STOP_WITHIN = Duration.ofSeconds(5);
    private static final Duration CONNECT = Duration.ofSeconds(5);
    private static final Duration EXCHANGE = Duration.ofSeconds(20);
    private static final long TICK_MILLIS = 1_000;
    /** The sandbox's clock jumps while people watch. */
    private static final long SANDBOX_TICK_MILLIS = 200;

    private static final int RUN_BYTES = 16;
    private static final Logger LOG = Logger.getLogger(Agent.class.getName());

    private final StateFolder folder;
    private final Store store;
    private final Aggregator aggregator;
    private final Board board;
    private final TrustedTime time;
    private final Enroller enroller;
    private final Shipper shipper;
    private final UptimeMeter uptime;
    private final Remainder remainder;
    private final UsageIntake intake;
    private final AwsDoor awsDoor;
    private final LocalApi api;
    private final Thread loop;
    private final long tickMillis;
    private final Object stopLock = new Object();
    private volatile boolean stopping;

    /**
     * Opens the state, binds the port and starts. Throws {@link Failure} for what an operator can mend.
     *
     * @param clock wall clock of the process
     * @param random for run ids and jitter
     * @param onFatal called when the state file can no longer be trusted, or a thread that the agent cannot do without
     *     has ended; must end the process
     */
    public Agent(
            AgentConfig config,
            TimeSource source,
            Clock clock,
            RandomGenerator random,
            String version,
            Consumer<Throwable> onFatal)
            throws IOException, SQLException {
        Metadata metadata = new Metadata(config.metadataUrl(), config.cloud());
        EarlyReading identity = new EarlyReading(metadata);
        this.folder = StateFolder.open(config.stateDir());
        this.tickMillis = source.leaps() ? SANDBOX_TICK_MILLIS : TICK_MILLIS;
        byte[] run = new byte[RUN_BYTES];
        random.nextBytes(run);
        this.store = openStore(config, HexFormat.of().formatHex(run), onFatal);
        try {
            Proxy proxy = config.proxy()
                    .map(p -> new Proxy(Proxy.Type.HTTP, new InetSocketAddress(p.getHostString(), p.getPort())))
                    .orElse(Proxy.NO_PROXY);
            SSLSocketFactory tls = config.caFile().map(Tls::trusting).orElse(null);
            HttpClient http = new HttpClient(proxy, tls, CONNECT, EXCHANGE);
            this.board = new Board();
            this.time = new TrustedTime(source);
            this.aggregator = new Aggregator(config.aggregatorUrl(), http, version, clock);
            IssuerKeys keys = new IssuerKeys(store, aggregator);
            this.enroller = new Enroller(
                    store,
                    aggregator,
                    keys,
                    identity,
                    new JoinCodes(config.joinCodeFile(), metadata),
                    time,
                    source,
                    board,
                    random,
                    version);
            noteRun(source);
            this.uptime = new UptimeMeter(store, time, source, board);
            this.shipper = new Shipper(store, aggregator, keys, enroller, time, source, board, uptime, random);
            this.remainder =
                    new Remainder(store, aggregator, keys, enroller, time, source, board, random, config.storeMaxMib());
            this.intake = new UsageIntake(store, time, source, board);
            Aggregator registrar = new Aggregator(
                    config.aggregatorUrl(), new HttpClient(proxy, tls, CONNECT, EXCHANGE), version, clock);
            this.awsDoor = new AwsDoor(store, time, board, registrar, new IssuerKeys(store, registrar), enroller::key);
            Status status = new Status(
                    store,
                    time,
                    source,
                    board,
                    shipper::held,
                    shipper::flushedAt,
                    remainder::told,
                    () -> enroller.key().thumbprint(),
                    version);
            this.api = new LocalApi(
                    new InetSocketAddress(InetAddress.getByName(config.listenHost()), config.listenPort()),
                    config.extraHosts(),
                    config.token(),
                    board,
                    time,
                    intake,
                    awsDoor,
                    enroller::key,
                    status,
                    store,
                    new Metrics(board, time),
                    onFatal);
        } catch (IOException | RuntimeException e) {
            store.close();
            folder.close();
            throw e;
        }
        this.loop = new Thread(
                () -> {
                    try {
                        loop();
                    } catch (Throwable e) {
                        LOG.log(Level.SEVERE, "the main loop ended, the agent stops", e);
                        onFatal.accept(e);
                    }
                },
                "loop");
    }

    private Store openStore(AgentConfig config, String run, Consumer<Throwable> onFatal)
            throws SQLException, IOException {
        try {
            return new Store(folder, run, config.storeMaxMib(), onFatal);
        } catch (SQLException | RuntimeException e) {
            folder.close();
            throw e;
        }
    }

    /** Records this start, and what the wall clock says of a boot whose time nobody knows yet. */
    private void noteRun(TimeSource source) {
        long wall0 = source.wall().toEpochMilli() - source.bootMillis();
        store.call(tx -> {
            tx.change(
                    "INSERT INTO boot (id, wall0) VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET wall0 = excluded.wall0",
                    source.bootId(),
                    wall0);
            return tx.change(
                    "INSERT INTO run (id, boot, instance, began) VALUES (?, ?, '', ?)",
                    tx.run(),
                    source.bootId(),
                    time.now()
                            .map(now -> time.anchoredInThisBoot() ? now.toEpochMilli() : -now.toEpochMilli())
                            .orElse(0L));
        });
    }

    /** Begins to serve and to work; writes the address to the state folder. */
    public void start() throws IOException {
        api.start();
        loop.start();
        folder.write("endpoint", endpoint() + "\n");
    }

    public String endpoint() {
        return api.endpoint();
    }

    private void loop() {
        while (!stopping) {
            step("enroll", enroller::discoverAndEnroll);
            step("uptime", uptime::tick);
            // Sent before leases are renewed: progress of the batches is what a renewal is judged by.
            step("ship", shipper::turn);
            step("lease", enroller::renew);
            step("remainder", remainder::turn);
            synchronized (stopLock) {
                if (!stopping) {
                    try {
                        stopLock.wait(tickMillis);
                    } catch (InterruptedException e) {
                        return;
                    }
                }
            }
        }
    }

    /**
     * One step of a turn. Its failure must not keep the others from their work, leases least of all; told once, as it may
     * come back each tick.
     */
    private void step(String name, Runnable work) {
        try {
            work.run();
        } catch (RuntimeException e) {
            String what = e instanceof Failure ? String.valueOf(e.getMessage()) : "an unexpected failure: " + e;
            if (board.note(time.nowOrWall(), name, what)) {
                Level level = e instanceof Failure ? Level.WARNING : Level.SEVERE;
                LOG.log(level, name + ": the main loop goes on after a failure", e);
            }
        }
    }

    /**
     * Takes no more usage, writes what is measured, cuts, tries for a moment to send, and closes the store. What could not
     * be sent stays for the next start.
     */
    @Override
    public void close() {
        intake.stop();
        awsDoor.stop();
        synchronized (stopLock) {
            stopping = true;
            stopLock.notifyAll();
        }
        Thread last = new Thread(this::lastTurn, "stop");
        last.setDaemon(true);
        last.start();
        try {
            last.join(STOP_WITHIN.toMillis());
            aggregator.abort();
            last.join(TimeUnit.SECONDS.toMillis(1));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        api.close();
        store.close();
        try {
            folder.close();
        } catch (IOException e) {
            LOG.log(Level.WARNING, "closing the state folder", e);
        }
    }

    private void lastTurn() {
        try {
            loop.join();
            step("uptime", uptime::tick);
            step("ship", shipper::lastTurn);
            step("uptime", uptime::flush);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
