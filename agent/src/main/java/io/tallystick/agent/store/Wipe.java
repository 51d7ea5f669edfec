package io.tallystick.agent.store;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/**
 * Takes files off a disk that is about to become an image: overwritten before they are removed, because a snapshot keeps
 * the blocks of deleted files. File systems that never write in place (btrfs, ZFS) and what SQLite freed earlier keep
 * theirs all the same.
 */
public final class Wipe {
    private static final int BLOCK_BYTES = 64 * 1024;

    private Wipe() {}

    /** Every file below the folder, relative and sorted; the folder's own lock is not among them. */
    public static List<Path> files(Path folder) throws IOException {
        try (Stream<Path> walk = Files.walk(folder)) {
            return walk.filter(f -> !Files.isDirectory(f, LinkOption.NOFOLLOW_LINKS))
                    .map(folder::relativize)
                    .filter(f -> !f.toString().equals(StateFolder.LOCK))
                    .sorted()
                    .toList();
        }
    }

    /** Copies all of it into a new folder that only its owner may enter; written to the disk before it returns. */
    public static void copy(Path folder, Path to) throws IOException {
        Files.createDirectory(to, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
        for (Path f : files(folder)) {
            Path target = to.resolve(f);
            Files.createDirectories(
                    to.resolve(f).getParent(),
                    PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
            Files.copy(folder.resolve(f), target, StandardCopyOption.COPY_ATTRIBUTES, LinkOption.NOFOLLOW_LINKS);
            sync(target);
        }
        sync(to);
    }

    /** Removes everything in the folder and leaves it empty, as an agent would find it at its first start. */
    public static void empty(Path folder) throws IOException {
        List<Path> folders = new ArrayList<>();
        Path loaded = folder.resolve(StateFolder.NATIVE);
        Path lock = folder.resolve(StateFolder.LOCK);
        Files.walkFileTree(folder, new SimpleFileVisitor<>() {
            @Override
            public FileVisitResult visitFile(Path file, BasicFileAttributes a) throws IOException {
                if (file.startsWith(loaded)) {
                    // Mapped into this process; overwritten, it would crash it. It holds nothing of this VM.
                    Files.delete(file);
                } else if (!file.equals(lock)) {
                    file(file);
                }
                return FileVisitResult.CONTINUE;
            }

            @Override
            public FileVisitResult postVisitDirectory(Path dir, @org.jspecify.annotations.Nullable IOException e)
                    throws IOException {
                if (e != null) {
                    throw e;
                }
                folders.add(dir);
                return FileVisitResult.CONTINUE;
            }
        });
        for (Path f : folders) {
            if (!f.equals(folder)) {
                Files.delete(f);
            }
        }
        // Last, so that no agent starts on half of a state.
        Files.deleteIfExists(lock);
        sync(folder);
    }

    /** Overwrites and removes one file. A link is removed, and what it points to left alone. */
    public static void file(Path file) throws IOException {
        if (Files.isRegularFile(file, LinkOption.NOFOLLOW_LINKS)) {
            try (FileChannel c = FileChannel.open(file, StandardOpenOption.WRITE, LinkOption.NOFOLLOW_LINKS)) {
                long left = c.size();
                ByteBuffer zeros = ByteBuffer.allocate(BLOCK_BYTES);
                while (left > 0) {
                    zeros.clear().limit((int) Math.min(left, BLOCK_BYTES));
                    left -= c.write(zeros);
                }
                c.force(true);
            }
        }
        Files.delete(file);
    }

    private static void sync(Path path) throws IOException {
        if (!Files.isSymbolicLink(path)) {
            try (FileChannel c = FileChannel.open(path, StandardOpenOption.READ)) {
                c.force(true);
            }
        }
    }
}
