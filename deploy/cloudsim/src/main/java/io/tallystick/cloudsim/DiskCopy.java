package io.tallystick.cloudsim;

import io.tallystick.common.error.ErrorCode;
import io.tallystick.common.error.Failure;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Copies the folder that stands for a disk. A cloud's snapshot is one moment of the disk, a copy of files is not: so a
 * copy during which anything changed is made again, and a disk that never holds still is refused rather than copied
 * wrongly. Permissions and times are kept; sockets and pipes are left out.
 */
final class DiskCopy {
    private static final int PASSES_MAX = 5;

    private record Stamp(long bytes, long modifiedNanos, @Nullable Object file) {}

    private DiskCopy() {}

    /** Copies to a path that does not exist yet; it appears whole or not at all. */
    static void copy(Path from, Path to) {
        Path part = to.resolveSibling(to.getFileName() + ".part");
        try {
            for (int pass = 1; pass <= PASSES_MAX; pass++) {
                delete(part);
                if (copyUnchanged(from, part)) {
                    Files.move(part, to, StandardCopyOption.ATOMIC_MOVE);
                    return;
                }
            }
            delete(part);
        } catch (IOException e) {
            throw new UncheckedIOException(from + " cannot be copied", e);
        }
        throw Failure.of(
                ErrorCode.CONFLICT, "disk: changed during each of " + PASSES_MAX + " copies; stop what writes to it");
    }

    static void delete(Path folder) throws IOException {
        if (!Files.exists(folder, LinkOption.NOFOLLOW_LINKS)) {
            return;
        }
        Files.walkFileTree(folder, new SimpleFileVisitor<>() {
            @Override
            public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) throws IOException {
                Files.delete(file);
                return FileVisitResult.CONTINUE;
            }

            @Override
            public FileVisitResult postVisitDirectory(Path dir, @Nullable IOException e) throws IOException {
                if (e != null) {
                    throw e;
                }
                Files.delete(dir);
                return FileVisitResult.CONTINUE;
            }
        });
    }

    private static boolean copyUnchanged(Path from, Path to) throws IOException {
        try {
            TreeMap<Path, Stamp> before = stamps(from);
            copyTree(from, to);
            return before.equals(stamps(from));
        } catch (NoSuchFileException e) {
            // Something was removed while it was being copied.
            return false;
        }
    }

    private static TreeMap<Path, Stamp> stamps(Path folder) throws IOException {
        TreeMap<Path, Stamp> stamps = new TreeMap<>();
        Files.walkFileTree(folder, new SimpleFileVisitor<>() {
            @Override
            public FileVisitResult preVisitDirectory(Path dir, BasicFileAttributes attributes) {
                stamps.put(dir, stamp(attributes));
                return FileVisitResult.CONTINUE;
            }

            @Override
            public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) {
                stamps.put(file, stamp(attributes));
                return FileVisitResult.CONTINUE;
            }
        });
        return stamps;
    }

    private static Stamp stamp(BasicFileAttributes attributes) {
        return new Stamp(
                attributes.size(), attributes.lastModifiedTime().to(TimeUnit.NANOSECONDS), attributes.fileKey());
    }

    private static void copyTree(Path from, Path to) throws IOException {
        Files.walkFileTree(from, new SimpleFileVisitor<>() {
            @Override
            public FileVisitResult preVisitDirectory(Path dir, BasicFileAttributes attributes) throws IOException {
                copyOne(dir);
                return FileVisitResult.CONTINUE;
            }

            @Override
            public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) throws IOException {
                if (!attributes.isOther()) {
                    copyOne(file);
                }
                return FileVisitResult.CONTINUE;
            }

            private void copyOne(Path path) throws IOException {
                Files.copy(
                        path,
                        to.resolve(from.relativize(path)),
                        StandardCopyOption.COPY_ATTRIBUTES,
                        LinkOption.NOFOLLOW_LINKS);
            }
        });
    }
}
