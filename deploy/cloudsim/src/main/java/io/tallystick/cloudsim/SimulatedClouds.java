package io.tallystick.cloudsim;

import io.tallystick.common.error.ErrorCode;
import io.tallystick.common.error.Failure;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * A simulated AWS and a simulated OUTSCALE in one folder: VMs, images, the keys of AWS's regions. What a method changed is in the folder when it
 * returns; starting it again on the same folder brings running VMs back with their documents, and on their ports where
 * those are free. One process at a time per folder.
 *
 * <p>Thread-safe; changes are serialised, so copying a large disk holds up others.
 */
public final class SimulatedClouds implements AutoCloseable {
    static final int VMS_MAX = 1000;
    static final int KEYS_MAX = 1000;

    private final Path folder;
    private final Path trustFolder;
    private final Clock clock;
    private final SecureRandom random = new SecureRandom();
    private final CloudCa ca;
    private final StateFile stateFile;
    private final ScheduledExecutorService timer = Executors.newSingleThreadScheduledExecutor(r -> {
        Thread thread = new Thread(r, "cloudsim-timer");
        thread.setDaemon(true);
        return thread;
    });
    private final Object lock = new Object();
    private final Map<String, SimulatedVm> vms = new LinkedHashMap<>();
    private final Map<String, AccessKey> keys = new LinkedHashMap<>();
    private final Images images;
    private final ApiFaults faults = new ApiFaults();
    private final SimulatedVm.Site site;
    private volatile int pageMax = Integer.MAX_VALUE;

    private SimulatedClouds(Path folder, Path trustFolder, Path keyFolder, Clock clock) {
        this.folder = folder.toAbsolutePath().normalize();
        this.trustFolder = trustFolder;
        this.clock = clock;
        this.stateFile = StateFile.open(this.folder);
        this.ca = CloudCa.open(keyFolder, clock);
        this.images = new Images(this.folder, this::hex);
        this.site = new SimulatedVm.Site(lock, clock, random, ca, timer, this::save);
    }

    /** As {@link #start(Path, Path, Clock)}, with the trust folder {@code trust} inside the folder. */
    public static SimulatedClouds start(Path folder, Clock clock) {
        return start(folder, folder.resolve("trust"), clock);
    }

    /**
     * Opens the folder, which is made if missing, and brings up what ran in it. The certificate of each region in use
     * is written to the trust folder. Throws {@link Failure} {@code conflict} if another process uses the folder.
     */
    public static SimulatedClouds start(Path folder, Path trustFolder, Clock clock) {
        return start(folder, trustFolder, ownKeys(folder), clock);
    }

    /** Where a folder's own keys are. */
    static Path ownKeys(Path folder) {
        return folder.toAbsolutePath().resolve("ca");
    }

    /**
     * As {@link #start(Path, Clock)}, with the regions' keys in a folder that several clouds may share: for tests, because
     * making a key takes a second of processor time.
     */
    public static SimulatedClouds startWithKeys(Path folder, Path keyFolder, Clock clock) {
        return start(folder, folder.resolve("trust"), keyFolder, clock);
    }

    static SimulatedClouds start(Path folder, Path trustFolder, Path keyFolder, Clock clock) {
        SimulatedClouds clouds = new SimulatedClouds(folder, trustFolder, keyFolder, clock);
        try {
            clouds.load();
            return clouds;
        } catch (RuntimeException e) {
            clouds.close();
            throw e;
        }
    }

    /** The keys of all regions, and whatever a test wants signed with them. */
    public CloudCa ca() {
        return ca;
    }

    /** Holds {@code <region>.pem} for every region in use: what an aggregator is told to trust. */
    public Path trustFolder() {
        return trustFolder;
    }

    /** Writes a region's certificate to the trust folder before any VM is there. */
    public void trust(String region) {
        ca.writeTrust(trustFolder, region);
    }

    /** Makes and starts a VM. Throws {@link Failure} with everything that is wrong with the wish. */
    public SimulatedVm launch(VmSpec spec) {
        synchronized (lock) {
            spec.check();
            if (vms.size() >= VMS_MAX) {
                throw Failure.of(ErrorCode.OVERLOADED, "a simulation holds at most " + VMS_MAX + " VMs");
            }
            Optional<VmImage> image = Optional.ofNullable(spec.fromImage)
                    .map(from -> images.forLaunch(from, or(spec.accountId, ""), clock.instant()));
            Cloud cloud = image.map(VmImage::cloud).orElse(spec.cloud());
            String id = "i-" + hex(cloud.idDigits());
            VmIdentity identity = identity(cloud, id, spec, image);
            Path disk = disk(id);
            VmInfo info = new VmInfo(identity, VmState.PENDING, spec.options, spec.tags, spec.metadataPort, disk);
            trust(identity);
            SimulatedVm vm = new SimulatedVm(site, info);
            // The port is the only thing left that can be refused, so it comes before the disk.
            vm.boot(spec.metadataPort != 0);
            try {
                makeDisk(disk, image);
                vms.put(id, vm);
                save();
            } catch (RuntimeException e) {
                vm.halt();
                vms.remove(id);
                throw e;
            }
            return vm;
        }
    }

    /** As {@link #image(SimulatedVm, String)}, with a name of its own making. */
    public VmImage image(SimulatedVm vm) {
        return image(vm, "");
    }

    /**
     * Makes an image of a running or stopped VM: its codes, and its disk as it is now. Throws {@link Failure} {@code
     * conflict} if the disk does not hold still; stop what writes to it, as EC2 reboots a VM for its image.
     */
    public VmImage image(SimulatedVm vm, String name) {
        synchronized (lock) {
            VmInfo info = vm.info();
            if (info.state() == VmState.TERMINATED) {
                throw vm.wrongState("make an image", "running or stopped");
            }
            VmImage image = images.ofVm(info, name, clock.instant());
            save();
            return image;
        }
    }

    /** An image built elsewhere. */
    public VmImage register(ImageSpec spec) {
        synchronized (lock) {
            VmImage image = images.register(spec, clock.instant());
            save();
            return image;
        }
    }

    /** Lets more accounts see, copy and launch an image, as its owner would by the cloud's API. */
    public VmImage share(String imageId, Set<String> accounts) {
        synchronized (lock) {
            VmImage image = images.find(imageId)
                    .filter(i -> !i.life().gone())
                    .orElseThrow(() -> Failure.of(ErrorCode.NOT_FOUND, "there is no image " + imageId));
            if (!accounts.stream().allMatch(AccessKey::isAccount)) {
                throw Failure.of(
                        ErrorCode.INVALID_REQUEST, List.of(new Failure.Problem("accounts", "must be 12 digits each")));
            }
            VmImage shared = images.share(image, accounts);
            save();
            return shared;
        }
    }

    /** A new key of an account, with which it signs requests to the cloud's API. Accounts need no making. */
    public AccessKey key(Cloud cloud, String accountId, boolean readOnly) {
        synchronized (lock) {
            if (!AccessKey.isAccount(accountId)) {
                throw Failure.of(
                        ErrorCode.INVALID_REQUEST, List.of(new Failure.Problem("accountId", "must be 12 digits")));
            }
            if (keys.size() >= KEYS_MAX) {
                throw Failure.of(ErrorCode.OVERLOADED, "a simulation holds at most " + KEYS_MAX + " access keys");
            }
            String id = hex(20).toUpperCase(Locale.ROOT);
            AccessKey key = new AccessKey(
                    cloud, accountId, cloud == Cloud.AWS ? "AKIA" + id.substring(4) : id, hex(40), readOnly);
            keys.put(key.accessKeyId(), key);
            save();
            return key;
        }
    }

    /** How long image copies that start from now on are pending, by the simulation's clock; kept over a restart. */
    public void copyTime(Duration takes) {
        synchronized (lock) {
            images.copyTime(takes);
            save();
        }
    }

    /** Has the APIs' lists of VMs and images hold so many a page at most, however many are asked for. Not kept over a restart. */
    public void pageMax(int most) {
        pageMax = most;
    }

    int pageMax() {
        return pageMax;
    }

    /** The moment that an answer is of: now, or before if this fault has it lag behind. */
    Instant asOf(Optional<ApiFault> fault) {
        return fault.filter(f -> f.kind() == ApiFault.Kind.STALE)
                .map(f -> now().minus(f.delay()))
                .orElse(Instant.MAX);
    }

    /** Replaces the faults of the clouds' APIs. Not kept over a restart. */
    public void inject(List<ApiFault> wanted) {
        faults.set(wanted);
    }

    /** Faults of the APIs that can still hit a request. */
    public List<ApiFault> apiFaults() {
        return faults.left();
    }

    /** What the APIs do in one step: reads and changes between others' changes, then saved. */
    <T> T locked(Function<Images, T> step) {
        synchronized (lock) {
            List<VmImage> before = images.all();
            List<ImageSnapshot> snapshots = images.snapshots();
            T result = step.apply(images);
            if (!before.equals(images.all()) || !snapshots.equals(images.snapshots())) {
                save();
            }
            return result;
        }
    }

    ApiFaults faults() {
        return faults;
    }

    Instant now() {
        return clock.instant();
    }

    Optional<AccessKey> key(Cloud cloud, String accessKeyId) {
        synchronized (lock) {
            return Optional.ofNullable(keys.get(accessKeyId)).filter(k -> k.cloud() == cloud);
        }
    }

    String requestId() {
        return hex(32).replaceAll("(.{8})(.{4})(.{4})(.{4})(.{12})", "$1-$2-$3-$4-$5");
    }

    /** An image of the VM and a VM of the same account, type and options launched from it: other id, same codes. */
    public SimulatedVm clone(SimulatedVm vm) {
        synchronized (lock) {
            VmInfo info = vm.info();
            VmImage image = image(vm);
            return launch(VmSpec.of(info.identity().accountId())
                    .fromImage(image.imageId())
                    .instanceType(info.identity().instanceType())
                    .metadataOptions(info.options()));
        }
    }

    /** All VMs in the order of their launch, terminated ones too. */
    public List<SimulatedVm> vms() {
        synchronized (lock) {
            return List.copyOf(vms.values());
        }
    }

    public Optional<SimulatedVm> vm(String instanceId) {
        synchronized (lock) {
            return Optional.ofNullable(vms.get(instanceId));
        }
    }

    /** All there ever were, deleted ones too. */
    public List<VmImage> images() {
        synchronized (lock) {
            return images.all();
        }
    }

    /** The snapshots behind images that nobody has deleted, those of deleted images too. */
    public List<ImageSnapshot> snapshots() {
        synchronized (lock) {
            return images.snapshots();
        }
    }

    /** Takes all metadata services down; VMs that run will run again at the next start on the folder. */
    @Override
    public void close() {
        synchronized (lock) {
            vms.values().forEach(SimulatedVm::halt);
            timer.shutdownNow();
            stateFile.close();
        }
    }

    private void load() {
        synchronized (lock) {
            StateFile.State state = stateFile.read();
            images.load(state.images(), state.snapshots(), state.copyTime());
            state.keys().forEach(key -> keys.put(key.accessKeyId(), key));
            for (VmInfo info : state.vms()) {
                SimulatedVm vm = new SimulatedVm(site, info.with(disk(info.instanceId())));
                vms.put(info.instanceId(), vm);
                trust(info.identity());
                if (info.state() == VmState.RUNNING) {
                    vm.boot(false);
                }
            }
            save();
        }
    }

    /** OUTSCALE signs no documents, and some of its regions are named as regions of AWS are. */
    private void trust(VmIdentity identity) {
        if (identity.cloud() == Cloud.AWS) {
            ca.writeTrust(trustFolder, identity.region());
        }
    }

    private void save() {
        stateFile.write(new StateFile.State(
                vms.values().stream().map(SimulatedVm::info).toList(),
                images.all(),
                images.snapshots(),
                List.copyOf(keys.values()),
                images.copyTime()));
    }

    private VmIdentity identity(Cloud cloud, String id, VmSpec spec, Optional<VmImage> image) {
        String region = image.map(VmImage::region).orElse(or(spec.region, cloud.defaultRegion()));
        String zone = or(spec.availabilityZone, region + "a");
        if (!zone.matches(region + "[a-f]")) {
            throw Failure.of(
                    ErrorCode.INVALID_REQUEST,
                    List.of(new Failure.Problem(
                            "availabilityZone", "must be " + region + " and a letter from a to f")));
        }
        Instant now = clock.instant().truncatedTo(ChronoUnit.SECONDS);
        return new VmIdentity(
                cloud,
                or(spec.accountId, ""),
                region,
                zone,
                id,
                or(spec.instanceType, cloud.defaultType()),
                image.map(VmImage::imageId).orElseGet(() -> or(spec.imageId, "ami-" + hex(cloud.idDigits()))),
                image.map(VmImage::architecture).orElse(or(spec.architecture, "x86_64")),
                image.map(VmImage::productCodes).orElse(spec.productCodes),
                image.map(VmImage::billingProducts).orElse(spec.billingProducts),
                now,
                or(spec.privateIp, "10.0." + random.nextInt(256) + "." + (4 + random.nextInt(250))),
                "02" + hex(10).replaceAll("(..)", ":$1"),
                "r-" + hex(cloud.idDigits()));
    }

    private static String or(@Nullable String value, String fallback) {
        return value == null ? fallback : value;
    }

    private void makeDisk(Path disk, Optional<VmImage> image) {
        if (image.isPresent()) {
            Images.copyDisk(image.get().disk(), disk);
            return;
        }
        try {
            Files.createDirectories(disk);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private Path disk(String instanceId) {
        return folder.resolve("vms").resolve(instanceId);
    }

    private String hex(int digits) {
        StringBuilder text = new StringBuilder(digits);
        for (int i = 0; i < digits; i++) {
            text.append(Character.forDigit(random.nextInt(16), 16));
        }
        return text.toString();
    }
}
