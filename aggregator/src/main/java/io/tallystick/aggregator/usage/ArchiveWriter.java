package io.tallystick.aggregator.usage;

import io.tallystick.common.jose.Jws;
import io.tallystick.common.jose.Typ;
import io.tallystick.common.model.EnrollmentId;
import io.tallystick.common.model.Hash;
import io.tallystick.common.wire.Batch;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.security.DigestOutputStream;
import java.security.MessageDigest;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import java.util.zip.GZIPOutputStream;
import org.jspecify.annotations.Nullable;

/**
 * Writes the folder of one archive, under another name until it is whole and on the disk. Batches come in order of
 * enrollment, epoch and number.
 */
final class ArchiveWriter implements AutoCloseable {
    /** A file this long compresses to about 300 MB and is read in about a minute. */
    private static final int LINES_MAX = 500_000;

    private static final int BUFFER_BYTES = 1 << 16;

    private final Path target;
    private final Path part;
    private final String name;
    private final Instant before;
    private final Optional<Hash> previous;
    private final List<ArchiveManifest.Part> files = new ArrayList<>();
    private final List<ArchivedChain> chains = new ArrayList<>();
    private @Nullable Lines lines;
    private @Nullable Instant firstReceived;
    private @Nullable Instant lastReceived;
    private long batches;

    /** One compressed file, its digest taken of what goes to the disk. */
    private static final class Lines {
        private final Path file;
        private final FileChannel channel;
        private final MessageDigest digest = ArchiveFolder.newDigest();
        private final OutputStream out;
        private long count;

        Lines(Path file) throws IOException {
            this.file = file;
            this.channel = FileChannel.open(file, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
            this.out = new GZIPOutputStream(
                    new DigestOutputStream(
                            new BufferedOutputStream(Channels.newOutputStream(channel), BUFFER_BYTES), digest),
                    BUFFER_BYTES);
        }

        void add(byte[] line) throws IOException {
            out.write(line);
            count++;
        }

        ArchiveManifest.Part finish() throws IOException {
            try (channel) {
                ((GZIPOutputStream) out).finish();
                out.flush();
                channel.force(true);
                return new ArchiveManifest.Part(
                        String.valueOf(file.getFileName()),
                        HexFormat.of().formatHex(digest.digest()),
                        channel.size(),
                        count);
            }
        }
    }

    /** Removes what a writer that died has left under this name. */
    ArchiveWriter(Path root, String name, Instant before, Optional<Hash> previous) throws IOException {
        this.target = root.resolve(name);
        this.part = root.resolve(name + ".part");
        this.name = name;
        this.before = before;
        this.previous = previous;
        makeRoot(root);
        remove(part);
        Files.createDirectory(part);
    }

    /** Durably, where it is missing. */
    static void makeRoot(Path root) throws IOException {
        if (!Files.isDirectory(root)) {
            Files.createDirectories(root);
            sync(root.toAbsolutePath().getParent());
        }
    }

    void add(ArchivedBatch batch, Batch content, Hash hash) throws IOException {
        if (lines != null && lines.count >= LINES_MAX) {
            files.add(lines.finish());
            lines = null;
        }
        if (lines == null) {
            lines = new Lines(part.resolve("batches-%05d.ndjson.gz".formatted(files.size() + 1)));
        }
        lines.add(batch.line());
        batches++;
        ArchivedChain last = chains.isEmpty() ? null : chains.get(chains.size() - 1);
        if (last != null && last.enrollment().equals(batch.enrollment()) && last.epoch() == batch.epoch()) {
            chains.set(chains.size() - 1, last.upTo(batch.seq(), hash));
        } else {
            chains.add(new ArchivedChain(
                    batch.enrollment(), batch.epoch(), batch.seq(), content.prev(), batch.seq(), hash));
        }
        if (firstReceived == null || batch.received().isBefore(firstReceived)) {
            firstReceived = batch.received();
        }
        if (lastReceived == null || batch.received().isAfter(lastReceived)) {
            lastReceived = batch.received();
        }
    }

    /**
     * Ends the archive: all on the disk, then under its own name.
     *
     * @param manifestSha256 its digest
     */
    record Written(
            ArchiveManifest manifest,
            Hash manifestSha256,
            List<ArchivedChain> chains,
            Optional<Instant> firstReceived,
            Optional<Instant> lastReceived) {
        long bytes() {
            return manifest.files().stream()
                            .mapToLong(ArchiveManifest.Part::bytes)
                            .sum()
                    + manifest.chains().bytes();
        }
    }

    /** All but the name. */
    Written finish() throws IOException {
        if (lines != null) {
            files.add(lines.finish());
            lines = null;
        }
        Lines ends = new Lines(part.resolve("chains.ndjson.gz"));
        for (ArchivedChain chain : chains) {
            ends.add(chain.line());
        }
        ArchiveManifest manifest =
                new ArchiveManifest(name, before, previous.map(ArchiveFolder::hex), batches, files, ends.finish());
        byte[] bytes = manifest.toBytes();
        try (FileChannel channel = FileChannel.open(
                part.resolve(ArchiveManifest.FILE), StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
            channel.write(ByteBuffer.wrap(bytes));
            channel.force(true);
        }
        sync(part);
        return new Written(
                manifest,
                Hash.of(bytes),
                List.copyOf(chains),
                Optional.ofNullable(firstReceived),
                Optional.ofNullable(lastReceived));
    }

    /**
     * Gives the folder its name. One that is there already, from a run that died before it was recorded, must be the same
     * to the byte; anything else is left alone and said.
     */
    Optional<String> publish(Written written) throws IOException {
        if (Files.exists(target)) {
            ArchiveFolder.Opened there = ArchiveFolder.open(target, written.manifestSha256());
            if (!there.faults().isEmpty()) {
                return Optional.of(target + " is there already and holds something else than would be written now; move"
                        + " it away: " + there.faults().get(0));
            }
            remove(part);
        } else {
            Files.move(part, target, StandardCopyOption.ATOMIC_MOVE);
        }
        // Also of a name that was there: whoever gave it may have died before this.
        sync(target.toAbsolutePath().getParent());
        return Optional.empty();
    }

    private static void sync(@Nullable Path folder) throws IOException {
        if (folder != null) {
            try (FileChannel channel = FileChannel.open(folder, StandardOpenOption.READ)) {
                channel.force(true);
            }
        }
    }

    private static void remove(Path folder) throws IOException {
        if (!Files.exists(folder)) {
            return;
        }
        try (Stream<Path> files = Files.list(folder)) {
            for (Path file : files.toList()) {
                Files.delete(file);
            }
        }
        Files.delete(folder);
    }

    @Override
    public void close() throws IOException {
        if (lines != null) {
            lines.channel.close();
        }
    }

    /** A batch as it lies in the database, taken apart. */
    static Parsed parse(ArchivedBatch batch) {
        Jws jws = Jws.parseCompact(batch.jws(), Typ.BATCH);
        return new Parsed(
                Batch.parse(jws.payload()),
                jws.hash(),
                String.valueOf(jws.header().kid()));
    }

    /** @param kid the enrollment it names */
    record Parsed(Batch content, Hash hash, String kid) {
        boolean isOf(ArchivedBatch batch) {
            return content.epoch() == batch.epoch()
                    && content.seq() == batch.seq()
                    && kid.equals(new EnrollmentId(batch.enrollment()).toString());
        }
    }
}
