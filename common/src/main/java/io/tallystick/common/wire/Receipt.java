package io.tallystick.common.wire;

import io.tallystick.common.json.Fields;
import io.tallystick.common.json.Json;
import io.tallystick.common.model.EnrollmentId;
import io.tallystick.common.model.Hash;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;

/**
 * The aggregator's signed word that a batch is stored, the payload of a {@code receipt+jws}. Asked again for the same
 * batch it gives the same receipt.
 *
 * @param sha256 the hash of the batch's signing input
 * @param received when it was stored, by the aggregator's clock; to the millisecond
 * @param refused the records that were not added up; all others were
 * @param clamped the records whose time was impossible and was moved, with the hour they were booked in
 */
public record Receipt(
        EnrollmentId enrollment,
        long epoch,
        long seq,
        Hash sha256,
        Instant received,
        List<Refused> refused,
        List<Clamped> clamped) {

    /** A record that was not added up, by its place in the batch. The code is one of {@code ErrorCode}'s. */
    public record Refused(int index, String code, String detail) {}

    /** A record booked in another hour than it said. */
    public record Clamped(int index, Instant hour) {}

    private static final int CODE_CHARS_MAX = 64;
    private static final int DETAIL_CHARS_MAX = 1000;

    public Receipt {
        refused = List.copyOf(refused);
        clamped = List.copyOf(clamped);
    }

    public byte[] toBytes() {
        List<Object> refusals = new ArrayList<>();
        refused.forEach(r -> refusals.add(Json.object("index", r.index(), "code", r.code(), "detail", r.detail())));
        List<Object> moves = new ArrayList<>();
        clamped.forEach(c -> moves.add(Json.object("index", c.index(), "hour", c.hour())));
        return Json.writeBytes(Json.object(
                "enrollment",
                enrollment,
                "epoch",
                epoch,
                "seq",
                seq,
                "sha256",
                sha256,
                "received",
                received,
                "refused",
                refusals,
                "clamped",
                moves.isEmpty() ? null : moves));
    }

    public static Receipt parse(byte[] payload) {
        Fields f = Fields.parse(payload);
        EnrollmentId enrollment = f.parsed("enrollment", EnrollmentId::parse, new EnrollmentId(new UUID(0, 0)));
        long epoch = f.number("epoch", 1, Integer.MAX_VALUE);
        long seq = f.number("seq", 1, Long.MAX_VALUE);
        Hash sha256 = f.parsed("sha256", Hash::parse, Hash.NONE);
        Instant received = f.instant("received");
        List<Refused> refused = new ArrayList<>();
        for (Fields r : f.objects("refused", Wire.BATCH_RECORDS_MAX)) {
            refused.add(new Refused(
                    (int) r.number("index", 0, Wire.BATCH_RECORDS_MAX - 1),
                    r.string("code", CODE_CHARS_MAX),
                    r.string("detail", DETAIL_CHARS_MAX)));
        }
        List<Clamped> clamped = new ArrayList<>();
        for (Fields c : f.optionalObjects("clamped", Wire.BATCH_RECORDS_MAX)) {
            clamped.add(new Clamped((int) c.number("index", 0, Wire.BATCH_RECORDS_MAX - 1), c.instant("hour")));
        }
        f.done();
        return new Receipt(enrollment, epoch, seq, sha256, received, refused, clamped);
    }
}
