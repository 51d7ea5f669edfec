package io.tallystick.common.wire;

import io.tallystick.common.json.Fields;
import io.tallystick.common.json.Json;
import io.tallystick.common.model.Hash;
import java.util.ArrayList;
import java.util.List;

/**
 * A numbered set of metering records, the payload of a {@code batch+jws}. May be empty: an empty batch at the end of
 * an hour proves that the usage path works. Once signed it is never changed or cut again.
 *
 * @param seq counts up by one within an epoch, from 1
 * @param prev the hash of the batch before it, {@link Hash#NONE} for an enrollment's first
 */
public record Batch(long epoch, long seq, Hash prev, List<MeteringRecord> records) {
    public Batch {
        records = List.copyOf(records);
    }

    public byte[] toBytes() {
        List<Object> list = new ArrayList<>(records.size());
        records.forEach(r -> list.add(r.toJson()));
        return Json.writeBytes(Json.object("epoch", epoch, "seq", seq, "prev", prev.toString(), "records", list));
    }

    /** Reads strictly; every problem at once, with its path such as {@code records[3].quantity}. */
    public static Batch parse(byte[] payload) {
        Fields f = Fields.parse(payload);
        long epoch = f.number("epoch", 1, Integer.MAX_VALUE);
        long seq = f.number("seq", 1, Long.MAX_VALUE);
        Hash prev = f.parsed("prev", Hash::parse, Hash.NONE);
        List<MeteringRecord> records = new ArrayList<>();
        for (Fields r : f.objects("records", Wire.BATCH_RECORDS_MAX)) {
            records.add(MeteringRecord.read(r));
        }
        f.done();
        return new Batch(epoch, seq, prev, records);
    }
}
