package io.tallystick.sandbox;

import io.tallystick.cloudsim.AccessKey;
import io.tallystick.cloudsim.Cloud;
import io.tallystick.cloudsim.CloudsimClient;
import io.tallystick.cloudsim.VmInfo;
import io.tallystick.cloudsim.VmSpec;
import io.tallystick.common.json.Json;
import io.tallystick.common.time.SandboxClock;
import java.net.URI;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * A running marketplace in one run folder: PostgreSQL, a simulated cloud with a VM, the aggregator, the VM's agent,
 * and the sample data. Every part but the database's server is a process of its own. What was made is kept in the
 * folder: opened again, it goes on under the same addresses, ids and tokens.
 *
 * <p>Close ends everything it started, in the order in which nothing is missed. Not thread-safe, but for {@link #close}.
 */
final class Marketplace implements AutoCloseable {
    static final String REGION = "us-east-1";
    /** Where a product is offered later. */
    static final String FAR_REGION = "eu-west-3";
    /** The cloud account of the sample buyer. */
    static final String CLOUD_ACCOUNT = "111122223333";

    /** How long after its end a month closes. */
    static final Duration STATEMENT_DELAY = Duration.ofDays(3);

    private static final String PORTS_FILE = "ports.json";
    private static final String WRAPPING_KEY_FILE = "wrapping-key";
    private static final int WRAPPING_KEY_BYTES = 32;
    /** About what the background work of each part takes that a move of the clock makes due. */
    private static final Duration A_MOMENT = Duration.ofMillis(80);

    /** Ports that stay the same for as long as the folder lives: they are part of addresses that others remember. */
    private record FixedPorts(int aggregator, int agent, int cloud, int database, int mail) {
        String toJson() {
            return Json.write(Json.object(
                    "aggregator",
                    (long) aggregator,
                    "agent",
                    (long) agent,
                    "cloud",
                    (long) cloud,
                    "database",
                    (long) database,
                    "mail",
                    (long) mail));
        }

        static FixedPorts parse(String json) {
            Doc d = Doc.parse(json);
            return new FixedPorts(
                    (int) d.number("aggregator"),
                    (int) d.number("agent"),
                    (int) d.number("cloud"),
                    (int) d.number("database"),
                    (int) d.number("mail"));
        }
    }

    private final RunFolder folder;
    private final Programs programs;
    private final Clock clock;
    private final Consumer<String> progress;
    private final Ports ports;
    private final FixedPorts fixed;
    private final List<Child> children = new ArrayList<>();
    private final Map<String, Agent> agents = new LinkedHashMap<>();
    private @Nullable Database database;
    private @Nullable Mails mails;
    private @Nullable CloudsimClient cloud;
    private @Nullable Child aggregator;
    private @Nullable Seed seed;
    private boolean isNew;
    private boolean closed;

    private Marketplace(RunFolder folder, Programs programs, Ports ports, Consumer<String> progress) {
        this.folder = folder;
        this.programs = programs;
        this.progress = progress;
        this.clock = new SandboxClock(folder.clock(), InstantSource.system());
        this.ports = ports;
        this.fixed = folder.read(PORTS_FILE).map(FixedPorts::parse).orElseGet(() -> choosePorts());
    }

    private FixedPorts choosePorts() {
        FixedPorts chosen = new FixedPorts(
                ports.take("the aggregator"),
                ports.take("the agent"),
                ports.take("the cloud"),
                ports.take("PostgreSQL"),
                ports.take("the mail server"));
        folder.write(PORTS_FILE, chosen.toJson());
        return chosen;
    }

    /** The marketplace's own account in a cloud, which owns the copies of sellers' images. */
    static String imageAccount(Cloud cloud) {
        return switch (cloud) {
            case AWS -> "900000000001";
            case OUTSCALE -> "900000000002";
        };
    }

    /** How a marketplace is made; where the database comes from is decided last. */
    @FunctionalInterface
    interface DatabaseSource {
        Database open(RunFolder folder, int port);
    }

    /**
     * Stops what a crash left in the folder, then starts everything. If a part does not come up, what was started
     * is stopped again. {@code progress} is told what happens, for people.
     */
    static Marketplace open(
            RunFolder folder, Programs programs, int portBase, DatabaseSource source, Consumer<String> progress) {
        Leftovers.stop(folder).forEach(p -> progress.accept("stopped a leftover of a crash: " + p));
        Marketplace market = new Marketplace(folder, programs, new Ports(portBase, new SecureRandom()), progress);
        try {
            market.start(source);
            return market;
        } catch (RuntimeException | Error e) {
            market.close();
            throw e;
        }
    }

    private void start(DatabaseSource source) {
        checkPorts();
        progress.accept("opening the database");
        database = source.open(folder, fixed.database());
        mails = Mails.open(folder, fixed.mail());
        progress.accept("starting the simulated cloud");
        startCloud();
        progress.accept("starting the aggregator");
        writeAggregatorConfig(database().url());
        startAggregator();
        Optional<String> kept = folder.read(Seed.FILE);
        if (kept.isPresent()) {
            seed = Seed.parse(kept.get());
        } else {
            progress.accept("making the sample seller, buyer, product, agreement and VM");
            isNew = true;
            Seed made = new Seeder(this, programs, aggregatorConfig()).seed();
            folder.write(Seed.FILE, made.toJson());
            seed = made;
        }
        progress.accept("starting the agent");
        startAgent(cloud().vm(seed().instance()), fixed.agent());
        new Endpoints(this, folder).write();
    }

    private void checkPorts() {
        Map<String, Integer> wanted = new LinkedHashMap<>();
        wanted.put("the aggregator", fixed.aggregator());
        wanted.put("the agent", fixed.agent());
        wanted.put("the cloud", fixed.cloud());
        wanted.put("the mail server", fixed.mail());
        wanted.forEach((what, port) -> {
            if (!Ports.isFree(port)) {
                throw new Trouble("port " + port + ", which " + what + " of " + folder.path()
                        + " uses, is taken by another program; stop that, or use another --dir");
            }
        });
    }

    private void startCloud() {
        Child started = child("cloud", programs.cloud(folder, fixed.cloud(), REGION, FAR_REGION));
        cloud = new CloudsimClient(URI.create(started.awaitLine("cloudsim ")));
    }

    private void writeAggregatorConfig(String databaseUrl) {
        if (folder.read(WRAPPING_KEY_FILE).isEmpty()) {
            byte[] key = new byte[WRAPPING_KEY_BYTES];
            new SecureRandom().nextBytes(key);
            folder.write(WRAPPING_KEY_FILE, Base64.getEncoder().encodeToString(key) + "\n");
        }
        folder.folder("conf");
        folder.write(
                "conf/aggregator.conf",
                """
                listen.host = 127.0.0.1
                listen.port = %d
                public.url = %s
                database.url = %s
                database.migrate-on-start = true
                keys.wrapping-key.file = %s
                trust.dir = %s
                mail.smtp-host = 127.0.0.1
                mail.smtp-port = %d
                mail.from = Sandbox marketplace <marketplace@sandbox.example>
                mail.tls = none
                billing.statement-delay = %s
                sandbox = true
                sandbox.clock-file = %s
                """
                                .formatted(
                                        fixed.aggregator(),
                                        aggregatorUrl(),
                                        databaseUrl,
                                        folder.file(WRAPPING_KEY_FILE),
                                        trustFolder(),
                                        fixed.mail(),
                                        STATEMENT_DELAY,
                                        folder.clock())
                        + imageClouds());
    }

    /** Settings for the marketplace's own accounts in the simulated clouds; their keys are made once. */
    private String imageClouds() {
        StringBuilder settings = new StringBuilder();
        for (Cloud cloud : Cloud.values()) {
            String file = "image-key-" + cloud.wire();
            if (folder.read(file).isEmpty()) {
                AccessKey key = cloud().key(cloud, imageAccount(cloud), false);
                folder.write(file, key.accessKeyId() + "\n" + key.secretKey() + "\n");
            }
            settings.append(
                    """
                    images.%1$s.account = %2$s
                    images.%1$s.key-file = %3$s
                    images.%1$s.endpoint = %4$s
                    """
                            .formatted(cloud.wire(), imageAccount(cloud), folder.file(file), cloudUrl()));
        }
        return settings.toString();
    }

    /** Starts the aggregator, also after it was killed. */
    void startAggregator() {
        Child started = child(
                "aggregator",
                programs.aggregator("serve", "--config", aggregatorConfig().toString()));
        aggregator = started;
        started.awaitLine("listening on");
    }

    /** SIGKILL. */
    void killAggregator() {
        aggregator().kill();
    }

    private Child child(String name, List<String> command) {
        Child child = Child.start(folder, name, command);
        synchronized (children) {
            children.add(child);
        }
        return child;
    }

    /** Launches a VM and starts its agent. */
    Agent launch(VmSpec spec) {
        return startAgent(cloud().launch(spec), ports.take("an agent"));
    }

    /** Starts the agent of a VM that its buyer gave a join code. */
    Agent startAgent(VmInfo vm, String joinCode) {
        Agent agent = agentIn(vm);
        agent.giveJoinCode(joinCode);
        return start(agent);
    }

    /** A VM without an agent. */
    VmInfo launchBare(VmSpec spec) {
        return cloud().launch(spec);
    }

    /** The agent of a VM, not started yet. */
    Agent agentIn(VmInfo vm) {
        return agentIn(vm, ports.take("an agent"));
    }

    /** Starts the agent of a VM that runs already. */
    Agent startAgent(VmInfo vm) {
        return startAgent(vm, ports.take("an agent"));
    }

    private Agent startAgent(VmInfo vm, int port) {
        return start(agentIn(vm, port));
    }

    private Agent agentIn(VmInfo vm, int port) {
        return Agent.in(folder, programs, vm, aggregatorUrl(), port);
    }

    /** An agent that reads any metadata service and keeps its state in the run folder. */
    Agent startAgent(String name, URI metadata) {
        Path state = folder.folder("state-" + name);
        return start(Agent.of(folder, programs, name, metadata, state, aggregatorUrl(), ports.take("an agent")));
    }

    Agent start(Agent agent) {
        synchronized (children) {
            agents.put(agent.name(), agent);
        }
        agent.start();
        return agent;
    }

    /** Moves every clock; answers the new time. */
    Instant advance(Duration by) {
        SandboxClock.advance(folder.clock(), by);
        return now();
    }

    /** Moves every clock to this time unless it is past already. */
    Instant advanceTo(Instant time) {
        Duration by = Duration.between(now(), time);
        return by.isNegative() ? now() : advance(by);
    }

    /** Gives every part a moment of real time to do what a move made due, for clocks moved again and again; answers the time. */
    Instant aMomentLater() {
        try {
            Thread.sleep(A_MOMENT.toMillis());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new Trouble("interrupted", e);
        }
        return now();
    }

    Instant now() {
        return clock.instant();
    }

    Clock clock() {
        return clock;
    }

    RunFolder folder() {
        return folder;
    }

    Programs programs() {
        return programs;
    }

    /** Whether the sample data was made just now, and not by an earlier start in this folder. */
    boolean isNew() {
        return isNew;
    }

    Seed seed() {
        return there(seed, "seed");
    }

    CloudsimClient cloud() {
        return there(cloud, "cloud");
    }

    URI cloudUrl() {
        return URI.create("http://127.0.0.1:" + fixed.cloud());
    }

    /** What the marketplace sent by mail. */
    Mails mails() {
        return there(mails, "mail server");
    }

    Database database() {
        return there(database, "database");
    }

    Child aggregator() {
        return there(aggregator, "aggregator");
    }

    URI aggregatorUrl() {
        return URI.create("http://127.0.0.1:" + fixed.aggregator());
    }

    /** A command of {@code tallystick-aggregator}, as the operator types it, with this marketplace's configuration. */
    Cli.Result operate(String... words) {
        List<String> command = new ArrayList<>(programs.aggregator(words));
        command.addAll(List.of("--config", aggregatorConfig().toString()));
        return Cli.run(command);
    }

    /** A file of this marketplace's folder, for what a step keeps. */
    Path file(String name) {
        return folder.file(name);
    }

    /** The aggregator's API without a token. */
    Rest rest() {
        return Rest.at(aggregatorUrl());
    }

    Agent firstAgent() {
        synchronized (children) {
            return agents.values().iterator().next();
        }
    }

    Path trustFolder() {
        return folder.folder("trust");
    }

    private Path aggregatorConfig() {
        return folder.file("conf/aggregator.conf");
    }

    /** Every process of this marketplace that should be running, by name. */
    List<Child> running() {
        List<Child> all = new ArrayList<>();
        synchronized (children) {
            children.stream().filter(c -> c.name().equals("cloud")).forEach(all::add);
            agents.values().forEach(a -> all.add(a.running()));
        }
        all.add(aggregator());
        return all;
    }

    /** Ends agents, aggregator, cloud and database. May be called by another thread, and again. */
    @Override
    public void close() {
        synchronized (children) {
            if (closed) {
                return;
            }
            closed = true;
            agents.values().forEach(Agent::askToStop);
            agents.values().forEach(Agent::stop);
            for (int i = children.size() - 1; i >= 0; i--) {
                children.get(i).stop();
            }
        }
        if (mails != null) {
            mails.keep();
            mails.close();
        }
        if (database != null) {
            database.close();
        }
    }

    private static <T> T there(@Nullable T part, String name) {
        if (part == null) {
            throw new IllegalStateException(name + " is not started");
        }
        return part;
    }
}
