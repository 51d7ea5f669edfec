package io.tallystick.sandbox;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Comparator;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The folder a sandbox keeps everything in. One sandbox at a time holds its lock; the system takes the lock away from
 * a sandbox that died, so an unlocked folder with living processes is a crash's leftover. Readable by its owner only:
 * it holds keys and tokens.
 */
public final class RunFolder implements AutoCloseable {
    private static final Set<PosixFilePermission> OWNER_ONLY_FOLDER = PosixFilePermissions.fromString("rwx------");
    private static final Set<PosixFilePermission> OWNER_ONLY_FILE =
            EnumSet.of(PosixFilePermission.OWNER_READ, PosixFilePermission.OWNER_WRITE);
    private static final String ONCE_PREFIX = "once-";
    private static final String LOCK_NAME = "lock";

    private final Path path;
    private final FileChannel channel;
    private final FileLock lock;
    private boolean sealed;

    private RunFolder(Path path, FileChannel channel, FileLock lock) {
        this.path = path;
        this.channel = channel;
        this.lock = lock;
    }

    /** Makes the folder if it is missing and takes its lock; empty if another sandbox has it. */
    static Optional<RunFolder> tryLock(Path folder) {
        Path path = make(folder);
        try {
            FileChannel channel = FileChannel.open(
                    path.resolve(LOCK_NAME),
                    StandardOpenOption.CREATE,
                    StandardOpenOption.READ,
                    StandardOpenOption.WRITE);
            @Nullable FileLock lock = null;
            try {
                lock = channel.tryLock();
            } catch (OverlappingFileLockException e) {
                // Held by this very process: another sandbox of the same test.
            }
            if (lock == null) {
                channel.close();
                return Optional.empty();
            }
            return Optional.of(new RunFolder(path, channel, lock));
        } catch (AccessDeniedException e) {
            throw notWritable(path, e);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** As {@link #tryLock}, telling the user where it is taken. */
    public static RunFolder lock(Path folder) {
        return tryLock(folder)
                .orElseThrow(() -> new Trouble("a sandbox is already running in " + folder
                        + (owner(folder).map(p -> " (process " + p.pid() + ")").orElse(""))
                        + "; end it with: sandbox stop --dir " + folder + "; or use another --dir"));
    }

    /** A new locked folder for one playing of the story, inside the sandbox's folder. */
    static RunFolder fresh(Path folder) {
        Path parent = make(folder);
        for (int n = 1; ; n++) {
            Path path = parent.resolve(ONCE_PREFIX + n);
            try {
                Files.createDirectory(path, PosixFilePermissions.asFileAttribute(OWNER_ONLY_FOLDER));
                Optional<RunFolder> locked = tryLock(path);
                // Another sandbox that swept crashed ones away may have been quicker than the lock.
                if (locked.isPresent() && Files.exists(path.resolve(LOCK_NAME))) {
                    return locked.get();
                }
            } catch (java.nio.file.FileAlreadyExistsException e) {
                // Kept from a run that failed, or in use: the next number.
            } catch (AccessDeniedException e) {
                throw notWritable(parent, e);
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }

    /** The folders of {@link #fresh} that are still there. */
    static List<Path> onceFolders(Path folder) {
        if (!Files.isDirectory(folder)) {
            return List.of();
        }
        try (Stream<Path> entries = Files.list(folder)) {
            return entries.filter(p -> p.getFileName().toString().startsWith(ONCE_PREFIX))
                    .filter(Files::isDirectory)
                    .map(p -> real(p))
                    .sorted()
                    .toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    public Path path() {
        return path;
    }

    /** The file every part's clock is moved by. */
    public Path clock() {
        return clock(path);
    }

    public static Path clock(Path folder) {
        return folder.resolve("clock");
    }

    public Path logs() {
        return make(path.resolve("logs"));
    }

    public Path file(String name) {
        return path.resolve(name);
    }

    /** A sub-folder for its owner only. */
    public Path folder(String name) {
        return make(path.resolve(name));
    }

    /** Writes a file whole or not at all, readable by its owner only. */
    public void write(String name, String text) {
        Path file = path.resolve(name);
        Path next = path.resolve(name + ".next");
        try {
            Files.deleteIfExists(next);
            Files.createFile(next, PosixFilePermissions.asFileAttribute(OWNER_ONLY_FILE));
            try (FileChannel out = FileChannel.open(next, StandardOpenOption.WRITE)) {
                out.write(StandardCharsets.UTF_8.encode(text));
                out.force(true);
            }
            Files.move(next, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    public Optional<String> read(String name) {
        return read(path, name);
    }

    public static Optional<String> read(Path folder, String name) {
        try {
            return Optional.of(Files.readString(folder.resolve(name), StandardCharsets.UTF_8));
        } catch (java.nio.file.NoSuchFileException e) {
            return Optional.empty();
        } catch (AccessDeniedException e) {
            throw new Trouble(
                    folder.resolve(name) + " is not readable for this user; it belongs to who ran the sandbox", e);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Writes down which process holds the folder, for {@code sandbox stop} and messages. */
    void writeOwner(ProcessId self) {
        write("owner", self.pid() + " " + self.startTicks() + " " + self.boot() + "\n");
    }

    /** The living process that holds the folder. */
    static Optional<ProcessId> owner(Path folder) {
        return read(folder, "owner")
                .map(text -> text.strip().split(" ", -1))
                .filter(w -> w.length == 3)
                .map(w -> new ProcessId(Long.parseLong(w[0]), Long.parseLong(w[1]), w[2]))
                .filter(ProcessId::isAlive);
    }

    /** From now on no process is started for this folder: what runs can be counted and ended. */
    public synchronized void seal() {
        sealed = true;
    }

    /** Starts a process of this folder, unless it is sealed. */
    synchronized Process start(ProcessBuilder builder) throws IOException {
        if (sealed) {
            throw new Trouble("the sandbox is stopping");
        }
        return builder.start();
    }

    /** Removes the folder and all in it; the lock goes with it. */
    public void delete() {
        deleteTree(path);
        close();
    }

    static void deleteTree(Path folder) {
        try (Stream<Path> tree = Files.walk(folder)) {
            for (Path p : tree.sorted(Comparator.reverseOrder()).toList()) {
                Files.deleteIfExists(p);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public void close() {
        try {
            lock.release();
            channel.close();
        } catch (java.nio.channels.ClosedChannelException e) {
            // Closed already.
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static Path make(Path folder) {
        try {
            if (!Files.isDirectory(folder)) {
                Files.createDirectories(folder, PosixFilePermissions.asFileAttribute(OWNER_ONLY_FOLDER));
            }
        } catch (AccessDeniedException e) {
            throw notWritable(folder, e);
        } catch (java.nio.file.FileAlreadyExistsException e) {
            throw new Trouble(folder + " is there and is no folder", e);
        } catch (java.nio.file.FileSystemException e) {
            throw new Trouble(
                    "the folder " + folder + " cannot be made: " + e.getReason() + "; name another one with --dir", e);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        if (!Files.isWritable(folder)) {
            throw notWritable(folder, null);
        }
        return real(folder);
    }

    private static Path real(Path folder) {
        try {
            return folder.toRealPath();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static Trouble notWritable(Path folder, @Nullable Exception cause) {
        String message = "the folder " + folder + " is not writable for this user; name one of your own with --dir";
        return cause == null ? new Trouble(message) : new Trouble(message, cause);
    }
}
