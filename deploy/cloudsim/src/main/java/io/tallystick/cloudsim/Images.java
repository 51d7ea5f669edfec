package io.tallystick.cloudsim;

import io.tallystick.common.error.ErrorCode;
import io.tallystick.common.error.Failure;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;

/**
 * The images of both clouds and their disks. Not thread-safe, and saves nothing: {@link SimulatedClouds} locks around it and
 * writes the state after each change.
 */
final class Images {
    static final int IMAGES_MAX = 1000;
    /** Long enough to be seen pending, short enough not to be waited for. */
    static final Duration COPY_TIME = Duration.ofSeconds(2);

    private final Path folder;
    private final Ids ids;
    private final Map<String, VmImage> images = new LinkedHashMap<>();
    private final Map<String, ImageSnapshot> snapshots = new LinkedHashMap<>();
    private Duration copyTime = COPY_TIME;

    /** Makes the random part of an id. */
    interface Ids {
        String hex(int digits);
    }

    /** What a copy is to be. */
    record Copy(String accountId, String region, String name, Optional<String> clientToken, Map<String, String> tags) {}

    Images(Path folder, Ids ids) {
        this.folder = folder;
        this.ids = ids;
    }

    void load(List<VmImage> saved, List<ImageSnapshot> savedSnapshots, Duration savedCopyTime) {
        savedSnapshots.forEach(this::put);
        saved.forEach(image -> images.put(image.imageId(), image.with(disk(image.imageId()))));
        copyTime = savedCopyTime;
    }

    /** All there ever were, deleted ones too. */
    List<VmImage> all() {
        return List.copyOf(images.values());
    }

    Duration copyTime() {
        return copyTime;
    }

    /** How long copies that start from now on are pending, by the simulation's clock. */
    void copyTime(Duration takes) {
        copyTime = takes;
    }

    /** Also a deleted one. */
    Optional<VmImage> find(String id) {
        return Optional.ofNullable(images.get(id));
    }

    /** One that is there, in this cloud and region, and that the account may know of. */
    Optional<VmImage> visible(Cloud cloud, String region, String account, String id) {
        return find(id).filter(i ->
                !i.life().gone() && i.cloud() == cloud && i.region().equals(region) && i.isFor(account));
    }

    List<VmImage> visible(Cloud cloud, String region, String account) {
        return images.values().stream()
                .filter(i -> visible(cloud, region, account, i.imageId()).isPresent())
                .toList();
    }

    /** An image of a VM, available at once: its codes, and its disk as it is now. */
    VmImage ofVm(VmInfo vm, String name, Instant now) {
        checkCount();
        VmIdentity from = vm.identity();
        String id = id(from.cloud());
        VmImage image = new VmImage(
                id,
                from.cloud(),
                from.accountId(),
                from.region(),
                name.isEmpty() ? "image " + id : name,
                from.architecture(),
                from.productCodes(),
                from.billingProducts(),
                seconds(now),
                Optional.of(from.imageId()),
                VmImage.Life.from(seconds(now)),
                VmImage.Access.PRIVATE,
                Map.of(),
                disk(id));
        copyDisk(vm.disk(), image.disk());
        images.put(id, image);
        snapshot(image);
        return image;
    }

    VmImage register(ImageSpec spec, Instant now) {
        spec.check();
        checkCount();
        String id = id(spec.cloud());
        VmImage image = new VmImage(
                id,
                spec.cloud(),
                spec.accountId(),
                spec.region(),
                spec.name(),
                "x86_64",
                spec.productCodes(),
                List.of(),
                seconds(now),
                Optional.empty(),
                VmImage.Life.from(seconds(now)),
                new VmImage.Access(spec.sharedWith(), false),
                Map.of(),
                disk(id));
        try {
            Files.createDirectories(image.disk());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        images.put(id, image);
        snapshot(image);
        return image;
    }

    /** Starts a copy, which is private and has its source's codes. Faults slow it down or make it fail. */
    VmImage copy(VmImage source, Copy wanted, Instant now, Optional<ApiFault> fault) {
        checkCount();
        String id = id(source.cloud());
        boolean fails = fault.filter(f -> f.kind() == ApiFault.Kind.COPY_FAILS).isPresent();
        Duration longer = fault.filter(f -> f.kind() == ApiFault.Kind.COPY_SLOW)
                .map(ApiFault::delay)
                .orElse(Duration.ZERO);
        VmImage copy = new VmImage(
                id,
                source.cloud(),
                wanted.accountId(),
                wanted.region(),
                wanted.name(),
                source.architecture(),
                source.productCodes(),
                source.billingProducts(),
                seconds(now),
                Optional.of(source.imageId()),
                new VmImage.Life(now.plus(copyTime).plus(longer), fails, false, Optional.empty(), wanted.clientToken()),
                VmImage.Access.PRIVATE,
                wanted.tags(),
                disk(id));
        copyDisk(source.disk(), copy.disk());
        images.put(id, copy);
        snapshot(copy);
        return copy;
    }

    void put(VmImage changed) {
        images.put(changed.imageId(), changed);
    }

    VmImage share(VmImage image, Set<String> accounts) {
        Set<String> all = new TreeSet<>(image.access().accounts());
        all.addAll(accounts);
        VmImage shared = image.with(new VmImage.Access(all, image.access().everyone()));
        put(shared);
        return shared;
    }

    /** Those that are there, also behind images that are gone. */
    List<ImageSnapshot> snapshots() {
        return List.copyOf(snapshots.values());
    }

    Optional<ImageSnapshot> snapshot(String id) {
        return Optional.ofNullable(snapshots.get(id));
    }

    Optional<ImageSnapshot> snapshotOf(VmImage image) {
        return snapshots.values().stream()
                .filter(s -> s.imageId().equals(image.imageId()))
                .findFirst();
    }

    void put(ImageSnapshot snapshot) {
        snapshots.put(snapshot.snapshotId(), snapshot);
    }

    void deleteSnapshot(String id) {
        snapshots.remove(id);
    }

    private void snapshot(VmImage image) {
        put(new ImageSnapshot(
                "snap-" + ids.hex(image.cloud().idDigits()),
                image.cloud(),
                image.accountId(),
                image.region(),
                image.imageId(),
                Map.of()));
    }

    /** Deletes the image and its disk, not its snapshot. VMs launched from it have disks of their own and go on. */
    void delete(VmImage image) {
        put(image.with(image.life().withGone()));
        try {
            DiskCopy.delete(image.disk());
        } catch (IOException e) {
            throw new UncheckedIOException(image.disk() + " cannot be deleted", e);
        }
    }

    /** The image, if this account may launch from it now; otherwise a {@link Failure} that says why not. */
    VmImage forLaunch(String id, String account, Instant now) {
        VmImage image = find(id).filter(i -> !i.life().gone()).orElseThrow(() -> refuse("there is no such image"));
        if (!image.isFor(account)) {
            throw refuse("account " + account + " is not authorized for the image");
        }
        if (image.state(now) != VmImage.State.AVAILABLE) {
            throw refuse("must be available, is " + image.state(now).wire());
        }
        return image;
    }

    private static Failure refuse(String rule) {
        return Failure.of(ErrorCode.INVALID_REQUEST, List.of(new Failure.Problem("fromImage", rule)));
    }

    private void checkCount() {
        if (images.size() >= IMAGES_MAX) {
            throw Failure.of(ErrorCode.OVERLOADED, "a simulation holds at most " + IMAGES_MAX + " images");
        }
    }

    private String id(Cloud cloud) {
        return "ami-" + ids.hex(cloud.idDigits());
    }

    private Path disk(String imageId) {
        return folder.resolve("images").resolve(imageId);
    }

    private static Instant seconds(Instant now) {
        return now.truncatedTo(ChronoUnit.SECONDS);
    }

    static void copyDisk(Path from, Path to) {
        try {
            Files.createDirectories(to.toAbsolutePath().getParent());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        DiskCopy.copy(from, to);
    }
}
