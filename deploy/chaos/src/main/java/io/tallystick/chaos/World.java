package io.tallystick.chaos;

import io.tallystick.chaos.checker.AckLog;
import io.tallystick.chaos.checker.Billed;
import io.tallystick.chaos.checker.Checker;
import io.tallystick.chaos.checker.Pull;
import io.tallystick.chaos.checker.Verdict;
import io.tallystick.cloudsim.CloudCa;
import io.tallystick.cloudsim.CloudsimClient;
import io.tallystick.cloudsim.SharedKeys;
import io.tallystick.cloudsim.VmSpec;
import io.tallystick.common.json.Json;
import io.tallystick.common.time.SandboxClock;
import io.tallystick.sandbox.Agent;
import io.tallystick.sandbox.Await;
import io.tallystick.sandbox.Child;
import io.tallystick.sandbox.Cli;
import io.tallystick.sandbox.Doc;
import io.tallystick.sandbox.Leftovers;
import io.tallystick.sandbox.Ports;
import io.tallystick.sandbox.Programs;
import io.tallystick.sandbox.Rest;
import io.tallystick.sandbox.RunFolder;
import io.tallystick.sandbox.Seeder;
import io.tallystick.testkit.EmbeddedDatabase;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.math.BigDecimal;
import java.net.URI;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * What is broken: PostgreSQL with durable settings, an aggregator (two for some), a fault proxy at its public
 * address, a simulated cloud, agents. Each is a process of its own, but for the proxy. All read one clock file, which
 * storms move on so that flushes, hours and closings come as fast as they are wanted.
 */
final class World implements AutoCloseable {
    static final String DATABASE = "tallystick";
    static final String CLOUD_ACCOUNT = "111122223333";
    static final String REGION = "us-east-1";
    static final List<String> DIMENSIONS = List.of("alpha", "beta", "gamma", "delta", "epsilon");

    private static final Duration PATIENCE = Duration.ofMinutes(2);
    /** A bound, so that flat memory can be told from a heap that has not had to collect yet. */
    private static final String AGGREGATOR_OPTIONS = "-Xmx512m";
    /** Beside them where starts are many and most of a storm: so a start takes half of the processor. */
    private static final String QUICK_START = " -XX:TieredStopAtLevel=1 -XX:+UseSerialGC";
    /** Storms repeat under idempotency keys, which an agent keeps for 7 days of the storm's clock. */
    private static final String AGENT_STORE = "store.max-mib = 4096";

    /** The second is started by whom it concerns. */
    private static final int AGGREGATORS = 2;

    private static final int WRAPPING_KEY_BYTES = 32;

    /** A product of its own for each storm, so that each has a bill of its own. */
    record Product(String id, String code, Duration flushInterval, Duration closeDelay) {}

    private record Aggregator(String name, int port, Path config) {}

    private final RunFolder folder;
    private final Programs programs;
    private final PrintWriter out;
    private final Ports ports = new Ports(0, new SecureRandom());
    private final int publicPort;
    private final List<Aggregator> aggregators = new ArrayList<>();
    private final List<Child> running = new ArrayList<>();
    private final List<Child> others = new ArrayList<>();
    private final List<Agent> agents = new ArrayList<>();
    private final ScheduledExecutorService clockwork = Executors.newSingleThreadScheduledExecutor(r -> {
        Thread t = new Thread(r, "clockwork");
        t.setDaemon(true);
        return t;
    });
    private final Thread onExit = new Thread(this::close, "stop");
    private @Nullable EmbeddedDatabase database;
    private Path data;
    private @Nullable FaultProxy proxy;
    private @Nullable CloudsimClient cloud;
    private String operatorToken = "";
    private String seller = "";
    private String buyer = "";
    private String aggregatorOptions = AGGREGATOR_OPTIONS;
    private boolean closed;

    private World(RunFolder folder, Programs programs, PrintWriter out) {
        this.folder = folder;
        this.programs = programs;
        this.out = out;
        this.publicPort = ports.take("the proxy");
        this.data = folder.file("postgresql");
    }

    /** Starts everything in this folder, which should be a new one. */
    static World open(Path dir, PrintWriter out) {
        World world = new World(RunFolder.lock(dir), Programs.ofSystem(), out);
        Runtime.getRuntime().addShutdownHook(world.onExit);
        try {
            world.start();
            return world;
        } catch (RuntimeException | Error e) {
            world.close();
            throw e;
        } catch (IOException e) {
            world.close();
            throw new UncheckedIOException(e);
        }
    }

    private void start() throws IOException {
        database = server(data, ports.take("PostgreSQL"));
        database.createDatabase(DATABASE);
        Child clouds = Child.start(folder, "cloud", programs.cloud(folder, ports.take("the cloud"), REGION));
        others.add(clouds);
        byte[] key = new byte[WRAPPING_KEY_BYTES];
        new SecureRandom().nextBytes(key);
        folder.write("wrapping-key", Base64.getEncoder().encodeToString(key) + "\n");
        cloud = new CloudsimClient(URI.create(clouds.awaitLine("cloudsim ")));
        folder.folder("conf");
        for (int i = 0; i < AGGREGATORS; i++) {
            String name = "aggregator-" + (char) ('a' + i);
            aggregators.add(new Aggregator(name, ports.take(name), folder.file("conf/" + name + ".conf")));
        }
        configure();
        startAggregator(0);
        proxy = new FaultProxy(publicPort, aggregatorPort(0));
        operatorToken = Seeder.firstToken(programs, aggregators.get(0).config());
        seller = Seeder.account(operator(), "seller", "Chaos seller");
        buyer = Seeder.account(operator(), "buyer", "Chaos buyer");
        Seeder.cloudAccount(operator(), buyer, CLOUD_ACCOUNT);
    }

    /** A server that can be restored from: it archives its log. */
    EmbeddedDatabase server(Path dataFolder, int port) {
        Path archive = folder.folder("archive");
        return EmbeddedDatabase.options()
                .dataFolder(dataFolder)
                .port(port)
                .keepOnExit()
                .setting("archive_mode", "on")
                .setting("archive_command", "test ! -f " + archive + "/%f && cp %p " + archive + "/%f")
                .setting("wal_level", "replica")
                .setting("wal_keep_size", "256MB")
                .setting("log_min_messages", "fatal")
                .start();
    }

    private void configure() {
        for (Aggregator a : aggregators) {
            folder.write(
                    "conf/" + a.name() + ".conf",
                    """
                    listen.host = 127.0.0.1
                    listen.port = %d
                    public.url = %s
                    database.url = %s
                    database.migrate-on-start = true
                    keys.wrapping-key.file = %s
                    trust.dir = %s
                    billing.posting-interval = PT1S
                    # All load comes from one address and one caller.
                    limits.requests-per-address = off
                    limits.requests-per-caller = off
                    limits.requests-per-enrollment = off
                    limits.enrollments-per-address = off
                    sandbox = true
                    sandbox.clock-file = %s
                    """
                            .formatted(
                                    a.port(),
                                    publicUrl(),
                                    database().url(DATABASE),
                                    folder.file("wrapping-key"),
                                    folder.folder("trust"),
                                    folder.clock()));
        }
    }

    // --- processes ---------------------------------------------------------------------------------------------------

    /** Starts an aggregator, also after it was killed; answers when it listens. */
    void startAggregator(int index) {
        Aggregator a = aggregators.get(index);
        List<String> command = new ArrayList<>(List.of("env", "TALLYSTICK_AGGREGATOR_JAVA_OPTS=" + aggregatorOptions));
        command.addAll(programs.aggregator("serve", "--config", a.config().toString()));
        Child child = Child.start(folder, a.name(), command);
        synchronized (running) {
            if (index < running.size()) {
                running.set(index, child);
            } else {
                running.add(child);
            }
        }
        child.awaitLine("listening on");
    }

    /** Has aggregators start quickly from now on; what they do afterwards takes longer. */
    void hastenStarts() {
        aggregatorOptions = AGGREGATOR_OPTIONS + QUICK_START;
    }

    /** SIGKILL. */
    void killAggregator(int index) {
        aggregatorProcess(index).kill();
    }

    Child aggregatorProcess(int index) {
        synchronized (running) {
            return running.get(index);
        }
    }

    int aggregatorPort(int index) {
        return aggregators.get(index).port();
    }

    /** {@code pg_ctl -m immediate restart}. */
    void crashDatabase() {
        EmbeddedDatabase.crashAndRestart(data);
    }

    EmbeddedDatabase database() {
        return there(database, "database");
    }

    Path data() {
        return data;
    }

    /** From now on this server is the database; aggregators learn of it when they are started again. */
    void useDatabase(EmbeddedDatabase server, Path dataFolder) {
        database = server;
        data = dataFolder;
        configure();
    }

    int freePort(String what) {
        return ports.take(what);
    }

    /** The answer to a question that has one. */
    long ask(String sql) {
        return ask(database(), sql);
    }

    static long ask(EmbeddedDatabase server, String sql) {
        try (Connection c = DriverManager.getConnection(server.jdbcUrl(DATABASE));
                Statement s = c.createStatement();
                ResultSet rows = s.executeQuery(sql)) {
            return rows.next() ? rows.getLong(1) : 0;
        } catch (SQLException e) {
            throw new IllegalStateException(sql, e);
        }
    }

    // --- who is there ------------------------------------------------------------------------------------------------

    Product product(Duration flushInterval, Duration closeDelay) {
        List<Object> dimensions = new ArrayList<>();
        DIMENSIONS.forEach(d -> dimensions.add(Json.object("key", d, "title", d, "unit", "unit")));
        Doc made = operator()
                .post(
                        "/v1/products",
                        Json.object(
                                "title", "Chaos " + now(),
                                "seller", seller,
                                "flushInterval", flushInterval,
                                "closeDelay", closeDelay,
                                "dimensions", dimensions))
                .expect(201)
                .json();
        String id = made.text("id");
        for (String visibility : List.of("LIMITED", "PUBLIC")) {
            operator()
                    .put("/v1/products/" + id + "/visibility", Json.object("visibility", visibility))
                    .expect(200, 204);
        }
        Seeder.agreement(operator(), id, buyer);
        return new Product(id, made.text("productCode"), flushInterval, closeDelay);
    }

    /** Launches a VM, starts its agent, and waits until it is enrolled. */
    Agent launch(Product product) {
        Agent agent = Agent.in(
                folder,
                programs,
                there(cloud, "cloud")
                        .launch(VmSpec.of(CLOUD_ACCOUNT).region(REGION).productCodes(product.code())),
                publicUrl(),
                ports.take("an agent"));
        synchronized (running) {
            agents.add(agent);
        }
        agent.configure(AGENT_STORE);
        agent.start();
        enrollment(agent);
        return agent;
    }

    /** The enrollment of an agent; waits until there is one. */
    String enrollment(Agent agent) {
        return Await.value(PATIENCE, () -> agent.status().optionalText("enrollment"))
                .orElseThrow(() -> new IllegalStateException(agent.name() + " does not enroll"));
    }

    URI publicUrl() {
        return URI.create("http://127.0.0.1:" + publicPort);
    }

    FaultProxy proxy() {
        return there(proxy, "proxy");
    }

    /** The API past the proxy, as operator. */
    Rest operator() {
        return Rest.at(URI.create("http://127.0.0.1:" + aggregators.get(0).port()))
                .with(operatorToken);
    }

    /** The keys that the simulated cloud signs identity documents with. */
    CloudCa ca() {
        return CloudCa.open(SharedKeys.of(folder.file("cloud")), clock());
    }

    Path file(String name) {
        return folder.file(name);
    }

    Path archive() {
        return folder.folder("archive");
    }

    void tell(String format, Object... arguments) {
        synchronized (out) {
            out.println(String.format(Locale.ROOT, format, arguments));
            out.flush();
        }
    }

    // --- time --------------------------------------------------------------------------------------------------------

    Instant now() {
        return clock().instant();
    }

    Clock clock() {
        return new SandboxClock(folder.clock(), InstantSource.system());
    }

    synchronized void advance(Duration by) {
        SandboxClock.advance(folder.clock(), by);
    }

    /** Moves every clock on by {@code step}, again and again with this pause between, until it is closed. */
    AutoCloseable ticking(Duration step, Duration pause) {
        ScheduledFuture<?> ticks = clockwork.scheduleWithFixedDelay(
                () -> advance(step), pause.toMillis(), pause.toMillis(), TimeUnit.MILLISECONDS);
        return () -> ticks.cancel(false);
    }

    // --- the end of a storm ------------------------------------------------------------------------------------------

    /** Lets time pass until these agents have nothing left to send. */
    void drain(Product product, List<Agent> of) {
        long deadline = System.nanoTime() + PATIENCE.toNanos();
        for (Agent agent : of) {
            while (!shipped(agent)) {
                if (System.nanoTime() - deadline > 0) {
                    throw new IllegalStateException(agent.name() + " does not get rid of its usage: " + agent.status());
                }
                advance(product.flushInterval().plusSeconds(1));
                pause(Duration.ofMillis(300));
            }
        }
    }

    private static boolean shipped(Agent agent) {
        try {
            return Agent.isShipped(agent.status());
        } catch (UncheckedIOException e) {
            return false;
        }
    }

    /** Closes the hour that is running and judges the bill of a product by a log. */
    Verdict judge(Product product, AckLog log, Path logFile) {
        log.flush();
        return Checker.judge(logFile, bill(product));
    }

    /** The sum of a product's bill once the hour that is running is closed. */
    BigDecimal billed(Product product) {
        return bill(product).stream().map(Billed::quantity).reduce(BigDecimal.ZERO, BigDecimal::add);
    }

    private List<Billed> bill(Product product) {
        Instant end =
                now().truncatedTo(ChronoUnit.HOURS).plus(1, ChronoUnit.HOURS).plus(product.closeDelay());
        advance(Duration.between(now(), end).plusSeconds(2));
        Instant posted = now().plusSeconds(1);
        advance(Duration.ofSeconds(3));
        if (!Await.until(
                PATIENCE, () -> closedThrough().filter(t -> !t.isBefore(posted)).isPresent())) {
            throw new IllegalStateException("nothing is posted");
        }
        return new Pull(operator().base(), operatorToken).all(product.id());
    }

    private Optional<Instant> closedThrough() {
        return operator()
                .get("/v1/billing/runs")
                .expect(200)
                .json()
                .optionalText("closedThrough")
                .map(Instant::parse);
    }

    /** The operator's own check of the ledger against the signed evidence. */
    void audit() {
        Cli.Result result = Cli.run(programs.aggregator(
                "audit", "rebuild", "--config", aggregators.get(0).config().toString()));
        if (result.exitCode() != 0) {
            throw new IllegalStateException("audit rebuild: " + result.output() + result.errors());
        }
    }

    static void pause(Duration time) {
        try {
            TimeUnit.NANOSECONDS.sleep(time.toNanos());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        }
    }

    /** What of every process's memory is in RAM, in MiB. */
    static double residentMib(Child child) {
        try {
            for (String line : java.nio.file.Files.readAllLines(Path.of("/proc/" + child.pid() + "/status"))) {
                if (line.startsWith("VmRSS:")) {
                    return Long.parseLong(line.replaceAll("[^0-9]", "")) / 1024.0;
                }
            }
            throw new IllegalStateException("no VmRSS of " + child.name());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Ends everything; the folder stays. */
    @Override
    public void close() {
        synchronized (clockwork) {
            if (closed) {
                return;
            }
            closed = true;
        }
        clockwork.shutdownNow();
        folder.seal();
        List<Child> children;
        synchronized (running) {
            agents.forEach(Agent::askToStop);
            agents.forEach(Agent::stop);
            children = new ArrayList<>(running);
        }
        children.addAll(others);
        children.forEach(Child::stop);
        if (proxy != null) {
            proxy.close();
        }
        if (database != null) {
            database.close();
        }
        Leftovers.stop(folder);
        folder.close();
        try {
            Runtime.getRuntime().removeShutdownHook(onExit);
        } catch (IllegalStateException e) {
            // It is what runs this.
        }
    }

    private static <T> T there(@Nullable T part, String name) {
        if (part == null) {
            throw new IllegalStateException("the " + name + " is not started");
        }
        return part;
    }
}
