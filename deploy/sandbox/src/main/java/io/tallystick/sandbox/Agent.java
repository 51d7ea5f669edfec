package io.tallystick.sandbox;

import io.tallystick.cloudsim.VmInfo;
import io.tallystick.common.json.Json;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * An agent as a process "in" a VM: its configuration, its state on the VM's disk, and its local API as the vendor's
 * program sees it. Its port stays the same over restarts. Not thread-safe, but for the local API.
 */
public final class Agent {
    /** What the names of agents in VMs begin with; the instance id follows. */
    static final String NAME_PREFIX = "agent-";

    private static final Duration REQUEST_WAIT = Duration.ofSeconds(30);

    private final RunFolder folder;
    private final Programs programs;
    private final String name;
    private final Path config;
    private final Path state;
    private final int port;
    private final Rest api;
    private @Nullable Child child;

    private Agent(RunFolder folder, Programs programs, String name, Path config, Path state, int port) {
        this.folder = folder;
        this.programs = programs;
        this.name = name;
        this.config = config;
        this.state = state;
        this.port = port;
        this.api = Rest.at(URI.create("http://127.0.0.1:" + port));
    }

    /** The agent of a VM, not started yet. Its state lies on the VM's disk, so an image of the VM carries it. */
    public static Agent in(RunFolder folder, Programs programs, VmInfo vm, URI aggregator, int port) {
        return of(folder, programs, NAME_PREFIX + vm.instanceId(), vm.metadata(), stateOn(vm), aggregator, port);
    }

    /** Puts a join code where this agent looks for one: a file on the VM, readable by the agent only. */
    void giveJoinCode(String code) {
        folder.write("conf/" + name + ".join-code", code + "\n");
        configure("join-code.file = " + name + ".join-code");
    }

    /** Adds a line to the configuration it reads when it starts. */
    public void configure(String line) {
        String file = "conf/" + name + ".conf";
        folder.write(file, folder.read(file).orElseThrow() + line + "\n");
    }

    /** Where a VM's agent keeps its state. */
    static Path stateOn(VmInfo vm) {
        return vm.disk().resolve("var/lib/tallystick");
    }

    /** An agent with any metadata service and state folder: for the story's thief. */
    public static Agent of(
            RunFolder folder, Programs programs, String name, URI metadata, Path state, URI aggregator, int port) {
        folder.folder("conf");
        String file = "conf/" + name + ".conf";
        folder.write(
                file,
                """
                aggregator.url = %s
                state.dir = %s
                listen.port = %d
                metadata.url = %s
                sandbox = true
                sandbox.clock-file = %s
                """
                        .formatted(aggregator, state, port, metadata, folder.clock()));
        return new Agent(folder, programs, name, folder.file(file), state, port);
    }

    /** Starts the process; answers when its local API listens. */
    public void start() {
        Child started = Child.start(folder, name, programs.agent("run", "--config", config.toString()));
        child = started;
        started.awaitLine("listening on");
    }

    /** SIGKILL. */
    public void kill() {
        running().kill();
    }

    /** SIGTERM, without waiting; nothing if it does not run. */
    public void askToStop() {
        if (child != null) {
            child.askToStop();
        }
    }

    /** SIGTERM; nothing if it does not run. */
    public void stop() {
        if (child != null) {
            child.stop();
        }
    }

    /** Its VM's disk is moved to the other's VM, which must have none with an agent's state on it. Neither may run. */
    void moveDiskTo(Agent other) {
        try {
            Files.createDirectories(other.state.getParent());
            Files.move(state, other.state);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Deletes its state, key and all, as a new root volume or a careless reinstallation does. It must not run. */
    void forget() {
        RunFolder.deleteTree(state);
    }

    public Child running() {
        if (child == null) {
            throw new IllegalStateException(name + " was not started");
        }
        return child;
    }

    /** Meters once by the command line, at the time the command runs. */
    Cli.Result meterByCommand(String dimension, String quantity) {
        return Cli.run(
                programs.agent("meter", "--url", url().toString(), "--dimension", dimension, "--quantity", quantity));
    }

    public String name() {
        return name;
    }

    public URI url() {
        return api.base();
    }

    Path config() {
        return config;
    }

    Path state() {
        return state;
    }

    int port() {
        return port;
    }

    /** {@code GET /v1/entitlement}, waiting for an answer other than unknown. */
    Doc entitlement(String productCode, String nonce) {
        return api.get("/v1/entitlement?product=" + productCode + "&nonce=" + nonce + "&wait="
                        + REQUEST_WAIT.toSeconds() + "s")
                .expect(200)
                .json();
    }

    /** The decision as it stands, without waiting. */
    String decision(String productCode) {
        return api.get("/v1/entitlement?product=" + productCode)
                .expect(200)
                .json()
                .text("decision");
    }

    /** {@code POST /v1/usage} with one record or an array of them. */
    public Rest.Reply meter(Object body) {
        return api.send("POST", "/v1/usage", "application/json", Json.writeBytes(body));
    }

    /** {@code POST /} as a client of AWS's sends it; the agent does not look at the signature. */
    Rest.Reply aws(String target, String contentType, byte[] body) {
        return api.send(
                "POST",
                "/",
                contentType,
                body,
                "X-Amz-Target",
                target,
                "Authorization",
                "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260115/eu-west-3/aws-marketplace/aws4_request,"
                        + " SignedHeaders=content-type;host;x-amz-date;x-amz-target, Signature=" + "0".repeat(64));
    }

    /** Whether a status says that nothing is left to send. */
    public static boolean isShipped(Doc status) {
        Doc queue = status.object("queue");
        return queue.number("pendingSums") == 0 && queue.number("unsentBatches") == 0;
    }

    /** When the agent last put what it had measured into batches, by a status; the distant past where it did not yet. */
    static Instant flushedAt(Doc status) {
        return status.object("queue")
                .optionalText("flushedAt")
                .map(Instant::parse)
                .orElse(Instant.MIN);
    }

    public Doc status() {
        return api.get("/v1/status").expect(200).json();
    }
}
