package io.tallystick.common.wire;

import io.tallystick.common.json.Fields;
import io.tallystick.common.json.Json;
import io.tallystick.common.model.Hash;
import java.util.Map;

/**
 * How far an enrollment's batches are stored. The next batch is {@code (epoch, seq + 1, prev = hash)}. A new epoch
 * starts at {@code seq} 0 and keeps the hash, so the chain has no seam; only the aggregator opens epochs.
 */
public record Watermark(long epoch, long seq, Hash hash) {
    /** Before the first batch of an enrollment. */
    public static final Watermark START = new Watermark(1, 0, Hash.NONE);

    /** By epoch and number; the hashes are not compared. */
    public boolean isAfter(Watermark other) {
        return epoch != other.epoch ? epoch > other.epoch : seq > other.seq;
    }

    public Map<String, Object> toJson() {
        return Json.object("epoch", epoch, "seq", seq, "hash", hash.toString());
    }

    public static Watermark read(Fields fields) {
        return new Watermark(
                fields.number("epoch", 1, Integer.MAX_VALUE),
                fields.number("seq", 0, Long.MAX_VALUE),
                fields.parsed("hash", Hash::parse, Hash.NONE));
    }
}
