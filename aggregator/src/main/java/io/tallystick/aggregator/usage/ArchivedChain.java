package io.tallystick.aggregator.usage;

import io.tallystick.common.json.Fields;
import io.tallystick.common.json.Json;
import io.tallystick.common.model.EnrollmentId;
import io.tallystick.common.model.Hash;
import java.nio.charset.StandardCharsets;
import java.util.UUID;

/**
 * The batches of one epoch of an enrollment within an archive.
 *
 * @param first number of the first of them
 * @param prev the hash that one names as its predecessor's
 * @param last number of the last of them
 * @param hash of the last
 */
record ArchivedChain(UUID enrollment, long epoch, long first, Hash prev, long last, Hash hash) {
    private static final EnrollmentId NOBODY = new EnrollmentId(new UUID(0, 0));

    byte[] line() {
        return (Json.write(Json.object(
                                "enrollment",
                                new EnrollmentId(enrollment).toString(),
                                "epoch",
                                epoch,
                                "first",
                                first,
                                "prev",
                                prev.toString(),
                                "last",
                                last,
                                "hash",
                                hash.toString()))
                        + "\n")
                .getBytes(StandardCharsets.UTF_8);
    }

    static ArchivedChain parse(String line) {
        Fields f = Fields.of(Json.parseObject(line));
        ArchivedChain chain = new ArchivedChain(
                f.parsed("enrollment", EnrollmentId::parse, NOBODY).uuid(),
                f.number("epoch", 1, Integer.MAX_VALUE),
                f.number("first", 1, Long.MAX_VALUE),
                f.parsed("prev", Hash::parse, Hash.NONE),
                f.number("last", 1, Long.MAX_VALUE),
                f.parsed("hash", Hash::parse, Hash.NONE));
        f.done();
        return chain;
    }

    ArchivedChain upTo(long seq, Hash newHash) {
        return new ArchivedChain(enrollment, epoch, first, prev, seq, newHash);
    }
}
