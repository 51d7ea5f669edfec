package io.tallystick.agent.store;

import io.tallystick.common.error.ErrorCode;
import io.tallystick.common.error.Failure;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.LongSupplier;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The folder an agent keeps its state in: 0700, locked by one process at a time. Holds the agent's private key, so a
 * folder or file that others may enter is refused rather than mended: someone may have copied it already.
 */
public final class StateFolder implements AutoCloseable {
    /** The state file: the key, and all usage. */
    public static final String DATABASE = "agent.db";
    /** A fresh database that was written but not yet put in place when the process died. */
    private static final String NEXT = "agent.db.next";

    static final String LOCK = "lock";
    /** Where SQLite's library is unpacked. */
    static final String NATIVE = "native";

    private static final String BALLAST = "ballast";
    /** Deleted when the disk is full, so that a receipt can still be recorded. */
    static final int BALLAST_BYTES = 1024 * 1024;
    /** What must be left beside ballast taken aboard, and what usage leaves where there is none: essential work goes on. */
    static final long SPARE_BYTES = 512 * 1024;

    private static final Set<PosixFilePermission> FOLDER = PosixFilePermissions.fromString("rwx------");
    private static final Set<PosixFilePermission> FILE = PosixFilePermissions.fromString("rw-------");

    private final Path dir;
    private final String file;
    /** Empty for a view of a file set aside, which the folder it is of holds the lock for. */
    private final Optional<StateFolder> within;

    private final FileChannel lockChannel;
    private final FileLock lock;
    /** Bytes this process may still write to the disk. */
    private final LongSupplier usable;
    /** Whether the ballast is known to be aboard. */
    private boolean ballasted;

    private StateFolder(Path dir, FileChannel lockChannel, FileLock lock, LongSupplier usable) {
        this(dir, DATABASE, Optional.empty(), lockChannel, lock, usable);
    }

    private StateFolder(
            Path dir,
            String file,
            Optional<StateFolder> within,
            FileChannel lockChannel,
            FileLock lock,
            LongSupplier usable) {
        this.dir = dir;
        this.file = file;
        this.within = within;
        this.lockChannel = lockChannel;
        this.lock = lock;
        this.usable = usable;
    }

    /** Creates or enters the folder. Refuses one that is readable by others or in use by another process. */
    public static StateFolder open(Path dir) throws IOException {
        return open(dir, () -> {
            long bytes = dir.toFile().getUsableSpace();
            // A network's file system may name more than a long holds.
            return bytes < 0 ? Long.MAX_VALUE : bytes;
        });
    }

    /** As if the disk had this many bytes left. */
    static StateFolder open(Path dir, LongSupplier usable) throws IOException {
        if (!Files.isDirectory(dir)) {
            Files.createDirectories(dir, PosixFilePermissions.asFileAttribute(FOLDER));
        }
        refuseOthers(dir);
        FileChannel channel = FileChannel.open(
                dir.resolve(LOCK),
                Set.of(StandardOpenOption.CREATE, StandardOpenOption.WRITE, LinkOption.NOFOLLOW_LINKS),
                PosixFilePermissions.asFileAttribute(FILE));
        FileLock lock = tryLock(channel);
        if (lock == null) {
            channel.close();
            throw Failure.of(
                    ErrorCode.CONFLICT, "state.dir: " + dir + " is in use by another tallystick-agent process");
        }
        StateFolder folder = new StateFolder(dir, channel, lock, usable);
        try {
            folder.prepare();
        } catch (IOException | RuntimeException e) {
            folder.close();
            throw e;
        }
        return folder;
    }

    private static @Nullable FileLock tryLock(FileChannel channel) throws IOException {
        try {
            return channel.tryLock();
        } catch (OverlappingFileLockException e) {
            return null;
        }
    }

    private void prepare() throws IOException {
        Path database = database();
        if (!Files.exists(database) && Files.exists(next())) {
            Files.move(next(), database, StandardCopyOption.ATOMIC_MOVE);
        }
        deleteNext();
        if (Files.exists(database, LinkOption.NOFOLLOW_LINKS)) {
            if (!Files.isRegularFile(database, LinkOption.NOFOLLOW_LINKS)) {
                throw Failure.of(ErrorCode.FORBIDDEN, "state.dir: " + database + " is not a regular file");
            }
            refuseOthers(database);
        } else {
            // SQLite gives its log files the mode of the database, so this one line covers all of them.
            Files.createFile(database, PosixFilePermissions.asFileAttribute(FILE));
        }
        Path nativeDir = dir.resolve(NATIVE);
        if (!Files.isDirectory(nativeDir)) {
            Files.createDirectory(nativeDir, PosixFilePermissions.asFileAttribute(FOLDER));
        }
        System.setProperty("org.sqlite.tmpdir", nativeDir.toString());
    }

    private static void refuseOthers(Path path) throws IOException {
        Set<PosixFilePermission> mode = Files.getPosixFilePermissions(path);
        for (PosixFilePermission p : mode) {
            if (!p.name().startsWith("OWNER_")) {
                throw Failure.of(
                        ErrorCode.FORBIDDEN,
                        "state.dir: " + path + " must be accessible to its owner only, is "
                                + PosixFilePermissions.toString(mode));
            }
        }
    }

    /** Whether an agent has kept state in this folder, which may be missing. */
    public static boolean isOne(Path dir) {
        return Files.exists(dir.resolve(LOCK)) && Files.exists(dir.resolve(DATABASE));
    }

    public Path dir() {
        return dir;
    }

    Path database() {
        return dir.resolve(file);
    }

    /**
     * This folder as if a file of {@link #setAside} were its state. No ballast is kept for it; closing it does nothing. Not to
     * be used once this folder is closed.
     */
    public StateFolder beside(String name) {
        return new StateFolder(dir, name, Optional.of(this), lockChannel, lock, usable);
    }

    Path next() {
        return dir.resolve(NEXT);
    }

    /** Where a database keeps what is not yet in its file. */
    static Path logOf(Path database) {
        return database.resolveSibling(database.getFileName() + "-wal");
    }

    void deleteNext() throws IOException {
        for (String suffix : List.of("", "-wal", "-journal", "-shm")) {
            Files.deleteIfExists(dir.resolve(NEXT + suffix));
        }
    }

    /** Creates the fresh database file that {@link #replace} will put in place. */
    Path createNext() throws IOException {
        deleteNext();
        return Files.createFile(next(), PosixFilePermissions.asFileAttribute(FILE));
    }

    /** Sets the closed database aside under the old instance's name and puts the fresh one in its place. */
    Path replace(String oldInstance) throws IOException {
        String base = asideOf(oldInstance);
        int n = 1;
        while (Files.exists(dir.resolve(base + n))) {
            n++;
        }
        Path aside = dir.resolve(base + n);
        Files.move(database(), aside, StandardCopyOption.ATOMIC_MOVE);
        Files.move(next(), database(), StandardCopyOption.ATOMIC_MOVE);
        sync(dir);
        return aside;
    }

    private static String asideOf(String instance) {
        return DATABASE + "." + instance.replaceAll("[^A-Za-z0-9-]", "_") + ".";
    }

    /** The name of the database that was set aside last as this instance's. */
    Optional<String> lastSetAside(String instance) {
        String base = asideOf(instance);
        return setAside().stream()
                .filter(name -> name.startsWith(base))
                .max(Comparator.comparingInt(name -> Integer.parseInt(name.substring(base.length()))));
    }

    /** Names of databases set aside because they belong to another instance, sorted. */
    public List<String> setAside() {
        List<String> names = new ArrayList<>();
        try (Stream<Path> files = Files.list(dir)) {
            files.map(f -> f.getFileName().toString())
                    .filter(n -> n.matches("agent\\.db\\.[A-Za-z0-9_-]+\\.[0-9]+"))
                    .sorted()
                    .forEach(names::add);
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
        return names;
    }

    long usable() {
        return usable.getAsLong();
    }

    boolean ballasted() {
        return within.map(StateFolder::ballasted).orElse(ballasted);
    }

    /** Whether there was ballast to throw off. */
    boolean dropBallast() {
        if (within.isPresent()) {
            return false;
        }
        ballasted = false;
        try {
            return Files.deleteIfExists(dir.resolve(BALLAST));
        } catch (IOException e) {
            return false;
        }
    }

    /** Takes ballast aboard where there is none and room for it and this many bytes more. */
    void loadBallast(long spareBytes) {
        if (within.isPresent()) {
            return;
        }
        Path ballast = dir.resolve(BALLAST);
        if (Files.exists(ballast)) {
            ballasted = true;
            return;
        }
        Path part = dir.resolve(BALLAST + ".part");
        try {
            Files.deleteIfExists(part);
            if (usable() < BALLAST_BYTES + spareBytes) {
                return;
            }
            Files.createFile(part, PosixFilePermissions.asFileAttribute(FILE));
            byte[] block = new byte[BALLAST_BYTES];
            // Not zeros: a file system that compresses or makes holes would give nothing back.
            for (int i = 0; i < block.length; i++) {
                block[i] = (byte) (i * 2654435761L >>> 13);
            }
            Files.write(part, block, StandardOpenOption.WRITE);
            Files.move(part, ballast, StandardCopyOption.ATOMIC_MOVE);
            ballasted = true;
        } catch (IOException e) {
            part.toFile().delete();
        }
    }

    /** Writes a small file whole or not at all, for example the address the local API listens on. */
    public void write(String name, String content) throws IOException {
        Path part = dir.resolve(name + ".part");
        Files.deleteIfExists(part);
        Files.createFile(part, PosixFilePermissions.asFileAttribute(FILE));
        Files.writeString(part, content);
        Files.move(part, dir.resolve(name), StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    }

    private static void sync(Path dir) throws IOException {
        try (FileChannel c = FileChannel.open(dir, StandardOpenOption.READ)) {
            c.force(true);
        }
    }

    @Override
    public void close() throws IOException {
        if (within.isPresent()) {
            return;
        }
        lock.release();
        lockChannel.close();
    }
}
