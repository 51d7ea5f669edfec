package io.tallystick.aggregator.usage;

import io.tallystick.common.error.ErrorCode;
import io.tallystick.common.error.Failure;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.jspecify.annotations.Nullable;

/** Held by whoever writes archives into a folder: a second writer would take the first one's for what a dead one left. */
final class ArchiveLock implements AutoCloseable {
    private static final String FILE = ".lock";

    private final FileChannel channel;

    private ArchiveLock(FileChannel channel) {
        this.channel = channel;
    }

    /** Makes the folder where it is missing. {@code conflict} where the lock is held; a process that dies frees it. */
    static ArchiveLock take(Path root) throws IOException {
        ArchiveWriter.makeRoot(root);
        FileChannel channel = FileChannel.open(root.resolve(FILE), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
        if (tryLock(channel) == null) {
            channel.close();
            throw Failure.of(ErrorCode.CONFLICT, "another process writes archives into " + root + "; wait for its end");
        }
        return new ArchiveLock(channel);
    }

    private static @Nullable FileLock tryLock(FileChannel channel) throws IOException {
        try {
            return channel.tryLock();
        } catch (OverlappingFileLockException e) {
            return null;
        }
    }

    @Override
    public void close() throws IOException {
        channel.close();
    }
}
