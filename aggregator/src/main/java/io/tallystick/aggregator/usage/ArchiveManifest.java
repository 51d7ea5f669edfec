package io.tallystick.aggregator.usage;

import io.tallystick.common.json.Fields;
import io.tallystick.common.json.Json;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.List;
import java.util.Optional;

/**
 * What an archive of a month consists of. Its bytes are a function of the batches alone, so an archive made again is the
 * same; its own digest is in the audit log.
 *
 * @param name of the month, such as {@code 2026-01}
 * @param before batches were received before this
 * @param previous digest of the manifest of the archive before this one
 * @param batches how many, in all files
 * @param files with the batches, in order of enrollment, epoch and number
 * @param chains where each enrollment's batches in it begin and end
 */
record ArchiveManifest(
        String name, Instant before, Optional<String> previous, long batches, List<Part> files, Part chains) {
    static final String FILE = "manifest.json";
    private static final String FORMAT = "tallystick-evidence-1";
    private static final int FILES_MAX = 100_000;
    private static final int TEXT_CHARS_MAX = 100;

    /** @param sha256 of its bytes as they lie on the disk, in hexadecimal digits as {@code sha256sum} prints them */
    record Part(String name, String sha256, long bytes, long lines) {
        Object json() {
            return Json.object("name", name, "sha256", sha256, "bytes", bytes, "lines", lines);
        }

        static Part read(Fields f) {
            return new Part(
                    f.parsed("name", Part::plain, ""),
                    f.string("sha256", TEXT_CHARS_MAX),
                    f.number("bytes", 0, Long.MAX_VALUE),
                    f.number("lines", 0, Long.MAX_VALUE));
        }

        /** A name that leads out of the folder is none. */
        private static String plain(String name) {
            if (!name.matches("[a-z0-9-]+\\.ndjson\\.gz")) {
                throw new IllegalArgumentException("must be a file such as batches-00001.ndjson.gz");
            }
            return name;
        }
    }

    ArchiveManifest {
        files = List.copyOf(files);
    }

    byte[] toBytes() {
        String json = Json.write(Json.object(
                "format",
                FORMAT,
                "name",
                name,
                "before",
                before,
                "previous",
                previous.orElse(null),
                "batches",
                batches,
                "files",
                files.stream().map(Part::json).toList(),
                "chains",
                chains.json()));
        return (json + "\n").getBytes(StandardCharsets.UTF_8);
    }

    /** Throws {@code Failure} for what is no manifest. */
    static ArchiveManifest parse(byte[] bytes) {
        Fields f = Fields.parse(bytes);
        f.parsed(
                "format",
                format -> {
                    if (!format.equals(FORMAT)) {
                        throw new IllegalArgumentException("must be " + FORMAT);
                    }
                    return format;
                },
                FORMAT);
        ArchiveManifest manifest = new ArchiveManifest(
                f.string("name", TEXT_CHARS_MAX),
                f.instant("before"),
                f.optionalString("previous", TEXT_CHARS_MAX),
                f.number("batches", 0, Long.MAX_VALUE),
                f.objects("files", FILES_MAX).stream().map(Part::read).toList(),
                Part.read(f.object("chains")));
        f.done();
        return manifest;
    }
}
