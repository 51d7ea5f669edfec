package io.tallystick.cloudsim;

import io.tallystick.common.error.ErrorCode;
import io.tallystick.common.error.Failure;
import io.tallystick.common.json.Fields;
import io.tallystick.common.json.Json;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.FileChannel;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The memory of a simulation: one JSON file, written whole, and the lock on its folder. */
final class StateFile implements AutoCloseable {
    private static final int VERSION = 1;

    record State(
            List<VmInfo> vms,
            List<VmImage> images,
            List<ImageSnapshot> snapshots,
            List<AccessKey> keys,
            Duration copyTime) {}

    private final Path file;
    private final FileChannel lock;

    private StateFile(Path file, FileChannel lock) {
        this.file = file;
        this.lock = lock;
    }

    /** Locks the folder until closed; {@link Failure} {@code conflict} if it is locked already. */
    static StateFile open(Path folder) {
        FileChannel channel = null;
        try {
            Files.createDirectories(folder);
            channel = FileChannel.open(folder.resolve("lock"), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
            if (channel.tryLock() != null) {
                return new StateFile(folder.resolve("state.json"), channel);
            }
        } catch (OverlappingFileLockException e) {
            // Held by this very process; told below as any other holder.
        } catch (IOException e) {
            throw new UncheckedIOException(folder + " cannot be locked", e);
        }
        close(channel);
        throw Failure.of(ErrorCode.CONFLICT, "dir: " + folder + " is in use by another simulation");
    }

    State read() {
        if (!Files.exists(file)) {
            return new State(List.of(), List.of(), List.of(), List.of(), Images.COPY_TIME);
        }
        try {
            Fields f = Fields.parse(Files.readAllBytes(file));
            f.number("version", VERSION, VERSION);
            State state = new State(
                    f.objects("vms", SimulatedClouds.VMS_MAX).stream()
                            .map(VmInfo::read)
                            .toList(),
                    f.objects("images", Images.IMAGES_MAX).stream()
                            .map(VmImage::read)
                            .toList(),
                    f.optionalObjects("snapshots", Images.IMAGES_MAX).stream()
                            .map(ImageSnapshot::read)
                            .toList(),
                    f.optionalObjects("keys", SimulatedClouds.KEYS_MAX).stream()
                            .map(AccessKey::read)
                            .toList(),
                    f.optionalDuration("copyTime").orElse(Images.COPY_TIME));
            f.done();
            return state;
        } catch (IOException e) {
            throw new UncheckedIOException(file + " cannot be read", e);
        } catch (Failure e) {
            throw new IllegalStateException(file + " is damaged: " + e.getMessage(), e);
        }
    }

    void write(State state) {
        // Holds access keys, if only of a simulation.
        FileStore.writePrivate(
                file,
                Json.writeBytes(Json.object(
                        "version",
                        VERSION,
                        "vms",
                        state.vms().stream().map(VmInfo::json).toList(),
                        "images",
                        state.images().stream().map(VmImage::json).toList(),
                        "snapshots",
                        state.snapshots().stream().map(ImageSnapshot::json).toList(),
                        "keys",
                        state.keys().stream().map(AccessKey::json).toList(),
                        "copyTime",
                        state.copyTime())));
    }

    @Override
    public void close() {
        close(lock);
    }

    private static void close(@Nullable FileChannel channel) {
        try {
            if (channel != null) {
                channel.close();
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
