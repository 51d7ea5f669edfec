package io.tallystick.aggregator.usage;

import io.tallystick.common.error.Failure;
import io.tallystick.common.model.Hash;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.DigestInputStream;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import java.util.zip.GZIPInputStream;

/** The folder of one archive, to read. Everything in it is checked against the digest of its manifest first. */
final class ArchiveFolder {
    private static final int BUFFER_BYTES = 1 << 16;

    private final Path folder;
    private final ArchiveManifest manifest;

    private ArchiveFolder(Path folder, ArchiveManifest manifest) {
        this.folder = folder;
        this.manifest = manifest;
    }

    /** An archive that holds, or what is wrong with it. */
    record Opened(Optional<ArchiveFolder> archive, List<String> faults) {}

    /** Reads every file once. */
    static Opened open(Path folder, Hash manifestSha256) {
        try {
            Path file = folder.resolve(ArchiveManifest.FILE);
            if (!Files.isRegularFile(file)) {
                return new Opened(Optional.empty(), List.of(file + " is missing"));
            }
            byte[] bytes = Files.readAllBytes(file);
            if (!Hash.of(bytes).equals(manifestSha256)) {
                return new Opened(
                        Optional.empty(),
                        List.of(file + " is not the one that was recorded: its SHA-256 is " + hex(Hash.of(bytes))
                                + ", recorded is " + hex(manifestSha256)));
            }
            ArchiveManifest manifest = ArchiveManifest.parse(bytes);
            List<String> faults = Stream.concat(
                            Stream.concat(manifest.files().stream(), Stream.of(manifest.chains()))
                                    .flatMap(part -> fault(folder, part).stream()),
                            unexpected(folder, manifest))
                    .toList();
            return new Opened(
                    faults.isEmpty() ? Optional.of(new ArchiveFolder(folder, manifest)) : Optional.empty(), faults);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (Failure e) {
            return new Opened(Optional.empty(), List.of(folder + ": its manifest cannot be read: " + e.detail()));
        }
    }

    private static Optional<String> fault(Path folder, ArchiveManifest.Part part) {
        Path file = folder.resolve(part.name());
        try {
            if (!Files.isRegularFile(file)) {
                return Optional.of(file + " is missing");
            }
            if (Files.size(file) != part.bytes()) {
                return Optional.of(file + " has " + Files.size(file) + " bytes and not " + part.bytes());
            }
            String sha256 = sha256(file);
            return sha256.equals(part.sha256())
                    ? Optional.empty()
                    : Optional.of(file + " was changed: its SHA-256 is " + sha256 + " and not " + part.sha256());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** What an archive does not consist of may be a stray copy; nobody should take it for evidence. */
    private static Stream<String> unexpected(Path folder, ArchiveManifest manifest) throws IOException {
        Set<String> expected = manifest.files().stream()
                .map(ArchiveManifest.Part::name)
                .collect(Collectors.toCollection(TreeSet::new));
        expected.add(manifest.chains().name());
        expected.add(ArchiveManifest.FILE);
        try (Stream<Path> files = Files.list(folder)) {
            return files
                    .filter(file -> !expected.contains(String.valueOf(file.getFileName())))
                    .sorted()
                    .map(file -> file + " is not in the manifest")
                    .toList()
                    .stream();
        }
    }

    ArchiveManifest manifest() {
        return manifest;
    }

    /** All batches, in order of enrollment, epoch and number. */
    void forEachBatch(Consumer<ArchivedBatch> consumer) {
        for (ArchiveManifest.Part part : manifest.files()) {
            lines(folder.resolve(part.name()), line -> consumer.accept(ArchivedBatch.parse(line)));
        }
    }

    void forEachChain(Consumer<ArchivedChain> consumer) {
        lines(folder.resolve(manifest.chains().name()), line -> consumer.accept(ArchivedChain.parse(line)));
    }

    private static void lines(Path file, Consumer<String> consumer) {
        try (BufferedReader lines = new BufferedReader(new InputStreamReader(
                new GZIPInputStream(Files.newInputStream(file), BUFFER_BYTES), StandardCharsets.UTF_8))) {
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                consumer.accept(line);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static String sha256(Path file) throws IOException {
        MessageDigest digest = newDigest();
        try (InputStream in = new DigestInputStream(Files.newInputStream(file), digest)) {
            byte[] buffer = new byte[BUFFER_BYTES];
            int read = 0;
            while (read >= 0) {
                read = in.read(buffer);
            }
        }
        return HexFormat.of().formatHex(digest.digest());
    }

    static MessageDigest newDigest() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every JDK has SHA-256", e);
        }
    }

    static String hex(Hash hash) {
        return HexFormat.of().formatHex(hash.bytes());
    }
}
