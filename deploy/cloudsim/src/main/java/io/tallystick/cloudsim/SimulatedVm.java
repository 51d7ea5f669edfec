package io.tallystick.cloudsim;

import io.tallystick.cloudsim.VmInfo.MetadataOptions;
import io.tallystick.common.error.ErrorCode;
import io.tallystick.common.error.Failure;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.BindException;
import java.net.URI;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Clock;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.ScheduledExecutorService;
import org.jspecify.annotations.Nullable;

/**
 * One VM of a {@link SimulatedClouds}: its life cycle and its metadata service. What would run "in" it is the caller's: it
 * starts such programs with their state under {@link #disk()} and {@link #metadata()} as the metadata address.
 *
 * <p>Thread-safe; changes are on disk when a method returns, and a change the state forbids throws {@link Failure}
 * {@code conflict} and changes nothing.
 */
public final class SimulatedVm {
    /** What VMs share and the cloud owns; its lock makes every change and its saving one step. */
    record Site(
            Object lock, Clock clock, SecureRandom random, CloudCa ca, ScheduledExecutorService timer, Runnable save) {}

    private final Site site;
    private final Faults faults = new Faults();
    private volatile VmInfo info;
    private volatile Optional<SignedDocument> document;
    private @Nullable MetadataService service;

    SimulatedVm(Site site, VmInfo info) {
        this.site = site;
        this.info = info;
        this.document = sign(info.identity());
    }

    /** The VM as it is now. */
    public VmInfo info() {
        return info;
    }

    public String instanceId() {
        return info.instanceId();
    }

    public VmState state() {
        return info.state();
    }

    /** See {@link VmInfo#metadata()}. */
    public URI metadata() {
        return info.metadata();
    }

    /** The folder that stands for the disk. */
    public Path disk() {
        return info.disk();
    }

    /**
     * The identity document of the last start, as the metadata service serves it. OUTSCALE has none: this and the next
     * three throw {@link IllegalStateException}.
     */
    public byte[] document() {
        return signed().content();
    }

    /** As served at {@code signature}. */
    public String signature() {
        return signed().signature();
    }

    /** As served at {@code pkcs7}. */
    public String pkcs7() {
        return signed().pkcs7();
    }

    /** As served at {@code rsa2048}: base64 lines without armour. */
    public String rsa2048() {
        return signed().rsa2048();
    }

    /** Starts a stopped VM: a new pending time, a new document, the same metadata port where it is free. */
    public void start() {
        synchronized (site.lock()) {
            require(VmState.STOPPED, "start");
            VmInfo before = info;
            // Two starts within one second of the simulation's clock must still differ, as they would in a cloud.
            Instant now = site.clock().instant().truncatedTo(ChronoUnit.SECONDS);
            Instant earliest = before.identity().pendingTime().plusSeconds(1);
            VmIdentity started = before.identity().withPendingTime(now.isBefore(earliest) ? earliest : now);
            info = before.with(started, VmState.PENDING, before.metadataPort());
            document = sign(started);
            boot(false);
            site.save().run();
        }
    }

    /** Stops a running VM: its metadata service is unreachable from now on. The disk stays. */
    public void stop() {
        synchronized (site.lock()) {
            require(VmState.RUNNING, "stop");
            halt();
            info = info.with(VmState.STOPPED);
            site.save().run();
        }
    }

    /** Nothing a metadata service tells changes by a reboot, the pending time included. */
    public void reboot() {
        synchronized (site.lock()) {
            require(VmState.RUNNING, "reboot");
        }
    }

    /** Ends a VM for ever and deletes its disk, as EC2 does by default; again is no error. */
    public void terminate() {
        synchronized (site.lock()) {
            if (info.state() == VmState.TERMINATED) {
                return;
            }
            halt();
            info = info.with(VmState.TERMINATED);
            site.save().run();
            try {
                DiskCopy.delete(info.disk());
            } catch (IOException e) {
                throw new UncheckedIOException(info.disk() + " cannot be deleted", e);
            }
        }
    }

    /** Counts from the next metadata request on. */
    public void metadataOptions(MetadataOptions options) {
        synchronized (site.lock()) {
            if (info.state() == VmState.TERMINATED) {
                throw wrongState("change", "running or stopped");
            }
            info = info.with(options);
            site.save().run();
        }
    }

    /** Adds these tags, replacing values of keys that are there, as CreateTags does in both clouds. */
    public void tag(Map<String, String> tags) {
        synchronized (site.lock()) {
            if (info.state() == VmState.TERMINATED) {
                throw wrongState("tag", "running or stopped");
            }
            Map<String, String> all = new TreeMap<>(info.tags());
            all.putAll(tags);
            List<Failure.Problem> problems = VmSpec.tagProblems(all);
            if (!problems.isEmpty()) {
                throw Failure.of(ErrorCode.INVALID_REQUEST, problems);
            }
            info = info.withTags(all);
            site.save().run();
        }
    }

    /** Replaces all faults. Not kept over a restart of the simulation. */
    public void inject(Fault... wanted) {
        inject(List.of(wanted));
    }

    public void inject(List<Fault> wanted) {
        faults.set(wanted);
    }

    /** Makes the metadata service well again; what hangs already goes on hanging. */
    public void heal() {
        faults.set(List.of());
    }

    /** Faults that can still hit a request. */
    public List<Fault> faults() {
        return faults.left();
    }

    /** Brings the metadata service up, on another port than the wished one only if {@code fixedPort} is false. */
    void boot(boolean fixedPort) {
        Tokens tokens = new Tokens(site.clock(), site.random());
        int wish = info.metadataPort();
        MetadataService made;
        try {
            made = bind(wish, tokens);
        } catch (BindException e) {
            if (fixedPort) {
                throw Failure.of(
                        ErrorCode.CONFLICT, List.of(new Failure.Problem("metadataPort", "port " + wish + " is taken")));
            }
            made = bindAnywhere(tokens);
        } catch (IOException e) {
            throw new UncheckedIOException("no metadata service", e);
        }
        service = made;
        info = info.with(info.identity(), VmState.RUNNING, made.port());
    }

    /** Takes the metadata service down and leaves the state alone. */
    void halt() {
        MetadataService running = service;
        if (running != null) {
            running.close();
            service = null;
        }
    }

    Failure wrongState(String what, String needed) {
        return Failure.of(
                ErrorCode.CONFLICT,
                List.of(new Failure.Problem(
                        "state",
                        "must be " + needed + " to " + what + ", is "
                                + info.state().wire())));
    }

    private MetadataService bindAnywhere(Tokens tokens) {
        try {
            return bind(0, tokens);
        } catch (IOException e) {
            throw new UncheckedIOException("no metadata service", e);
        }
    }

    private MetadataService bind(int port, Tokens tokens) throws IOException {
        return new MetadataService(port, this::info, document, tokens, faults, site.timer());
    }

    private Optional<SignedDocument> sign(VmIdentity identity) {
        return identity.cloud() == Cloud.AWS ? Optional.of(new SignedDocument(identity, site.ca())) : Optional.empty();
    }

    private SignedDocument signed() {
        return document.orElseThrow(() -> new IllegalStateException("there is no signed identity at OUTSCALE"));
    }

    private void require(VmState needed, String what) {
        if (info.state() != needed) {
            throw wrongState(what, needed.wire());
        }
    }

    @Override
    public String toString() {
        return instanceId() + " " + state().wire() + " " + metadata();
    }
}
