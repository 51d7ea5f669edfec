package io.tallystick.aggregator.usage;

import io.tallystick.aggregator.db.Columns;
import io.tallystick.common.model.EnrollmentId;
import io.tallystick.common.model.Hash;
import io.tallystick.common.model.Quantity;
import io.tallystick.common.wire.MeteringRecord;
import io.tallystick.common.wire.Receipt;
import io.tallystick.common.wire.Watermark;
import io.vertx.core.Future;
import io.vertx.core.buffer.Buffer;
import io.vertx.sqlclient.Row;
import io.vertx.sqlclient.SqlClient;
import io.vertx.sqlclient.SqlConnection;
import io.vertx.sqlclient.Tuple;
import io.vertx.sqlclient.data.Numeric;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * The SQL of the ingest path, all of it over arrays: a group of batches costs the same number of statements as one.
 * Everything is written in key order, the order in which posting runs lock, so that neither waits for the other twice.
 */
final class UsageStore {
    static final String LOCK =
            """
            SELECT enrollment_id, epoch, seq, hash, has_slots, key, contended FROM watermark
            WHERE enrollment_id = ANY($1::uuid[]) ORDER BY enrollment_id FOR UPDATE""";
    static final String INSERT_BATCHES =
            """
            INSERT INTO usage_batch (received, enrollment_id, epoch, seq, jws, receipt)
            SELECT * FROM unnest($1::timestamptz[], $2::uuid[], $3::int4[], $4::int8[], $5::text[], $6::text[])""";
    static final String ADVANCE =
            """
            UPDATE watermark AS w
            SET seq = t.seq, hash = t.hash, progressed_at = t.at, has_slots = w.has_slots OR t.slots
            FROM unnest($1::uuid[], $2::int8[], $3::bytea[], $4::timestamptz[], $5::bool[]) AS t(id, seq, hash, at, slots)
            WHERE w.enrollment_id = t.id""";
    static final String ADD =
            """
            INSERT INTO usage_hour (hour, enrollment_id, dimension_id, allocation, agreement_id, quantity)
            SELECT h, e, d, a, g, q
            FROM unnest($1::timestamptz[], $2::uuid[], $3::int4[], $4::uuid[], $5::text[], $6::numeric[])
              AS t(h, e, d, a, g, q)
            ORDER BY h, e, d, a, g
            ON CONFLICT ON CONSTRAINT usage_hour_pk
            DO UPDATE SET quantity = usage_hour.quantity + excluded.quantity, dirty = true""";
    static final String INSERT_ALLOCATIONS =
            """
            INSERT INTO allocation (enrollment_id, allocation, tags)
            SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::text[]) AS t(e, a, tags) ORDER BY e, a
            ON CONFLICT ON CONSTRAINT allocation_pk DO NOTHING""";
    static final String QUARANTINE =
            """
            INSERT INTO quarantined_record (enrollment_id, epoch, seq, index, product_code, dimension, time, quantity,
              code, detail, received)
            SELECT * FROM unnest($1::uuid[], $2::int4[], $3::int8[], $4::int4[], $5::text[], $6::text[],
              $7::timestamptz[], $8::numeric[], $9::text[], $10::text[], $11::timestamptz[])""";
    static final String SLOTS_OF =
            """
            SELECT s.enrollment_id, s.dimension_id, s.hour, s.slot
            FROM unnest($1::uuid[], $2::int4[], $3::timestamptz[]) AS t(e, d, h)
            JOIN hour_slot AS s ON s.enrollment_id = t.e AND s.dimension_id = t.d AND s.hour = t.h""";
    static final String HOURS_OF =
            """
            SELECT DISTINCT u.enrollment_id, u.dimension_id, u.hour, '' AS slot
            FROM unnest($1::uuid[], $2::int4[], $3::timestamptz[]) AS t(e, d, h)
            JOIN usage_hour AS u ON u.enrollment_id = t.e AND u.dimension_id = t.d AND u.hour = t.h""";
    static final String INSERT_SLOTS =
            """
            INSERT INTO hour_slot (enrollment_id, dimension_id, hour, slot)
            SELECT * FROM unnest($1::uuid[], $2::int4[], $3::timestamptz[], $4::text[])""";
    static final String STORED =
            "SELECT jws, receipt FROM usage_batch WHERE enrollment_id = $1 AND epoch = $2 AND seq = $3";
    static final String AFTER =
            """
            SELECT jws FROM usage_batch WHERE enrollment_id = $1 AND (epoch, seq) > ($2, $3)
              AND (epoch, seq) <= ($5, $6)
            ORDER BY epoch, seq LIMIT $4""";
    static final String FIND_WATERMARK =
            "SELECT enrollment_id, epoch, seq, hash, has_slots, progressed_at FROM watermark WHERE enrollment_id = $1";
    static final String OPEN_EPOCH =
            """
            UPDATE watermark SET epoch = epoch + 1, seq = 0, key = coalesce($2, key),
              contended = contended AND $2 IS NULL WHERE enrollment_id = $1
            RETURNING enrollment_id, epoch, seq, hash, has_slots""";

    /**
     * A key's first epoch is the one it is handed first; of a key that signs already and is not known here, the first of
     * all.
     */
    static final String HAND_OVER =
            """
            INSERT INTO chain_key (enrollment_id, key, first_epoch)
            SELECT w.enrollment_id, k.key, k.epoch
            FROM (SELECT enrollment_id, key, epoch FROM watermark WHERE enrollment_id = $1 FOR UPDATE) AS w
            CROSS JOIN LATERAL (VALUES (w.key, 1), ($2::bytea, w.epoch + 1)) AS k (key, epoch)
            ON CONFLICT ON CONSTRAINT chain_key_pk DO NOTHING""";

    static final String FIRST_EPOCH = "SELECT first_epoch FROM chain_key WHERE enrollment_id = $1 AND key = $2";

    static final String CONTEND = "UPDATE watermark SET contended = $2 WHERE enrollment_id = $1";

    /**
     * @param key thumbprint of the key whose batches are taken
     * @param contended whether another key is on trial
     */
    record Locked(Watermark watermark, boolean hasSlots, Hash key, boolean contended) {}

    record Stored(String jws, String receipt) {}

    /** One row to add to. */
    record HourKey(Instant hour, UUID enrollment, int dimensionId, UUID allocation, String agreementId) {}

    record SlotKey(UUID enrollment, int dimensionId, Instant hour) {}

    record NewBatch(EnrollmentId enrollment, Receipt receipt, String jws, String receiptJws, boolean slots) {}

    record NewAllocation(UUID enrollment, UUID allocation, String tags) {}

    record NewQuarantined(Receipt of, Receipt.Refused refusal, MeteringRecord record) {}

    Future<Map<EnrollmentId, Locked>> lock(SqlConnection tx, Collection<EnrollmentId> ids) {
        UUID[] array = ids.stream().map(EnrollmentId::uuid).toArray(UUID[]::new);
        return tx.preparedQuery(LOCK).execute(Tuple.of(array)).map(rows -> {
            Map<EnrollmentId, Locked> locked = new HashMap<>();
            for (Row row : rows) {
                locked.put(
                        new EnrollmentId(row.getUUID("enrollment_id")),
                        new Locked(
                                watermark(row),
                                row.getBoolean("has_slots"),
                                Hash.ofBytes(row.getBuffer("key").getBytes()),
                                row.getBoolean("contended")));
            }
            return locked;
        });
    }

    Future<Void> insertBatches(SqlConnection tx, List<NewBatch> batches) {
        return tx.preparedQuery(INSERT_BATCHES)
                .execute(Tuple.of(
                        times(batches, b -> b.receipt().received()),
                        array(batches, b -> b.enrollment().uuid(), UUID[]::new),
                        array(batches, b -> (int) b.receipt().epoch(), Integer[]::new),
                        array(batches, b -> b.receipt().seq(), Long[]::new),
                        array(batches, NewBatch::jws, String[]::new),
                        array(batches, NewBatch::receiptJws, String[]::new)))
                .mapEmpty();
    }

    Future<Void> advance(SqlConnection tx, List<NewBatch> batches) {
        return tx.preparedQuery(ADVANCE)
                .execute(Tuple.of(
                        array(batches, b -> b.enrollment().uuid(), UUID[]::new),
                        array(batches, b -> b.receipt().seq(), Long[]::new),
                        array(batches, b -> Buffer.buffer(b.receipt().sha256().bytes()), Buffer[]::new),
                        times(batches, b -> b.receipt().received()),
                        array(batches, NewBatch::slots, Boolean[]::new)))
                .mapEmpty();
    }

    Future<Void> add(SqlConnection tx, Map<HourKey, Quantity> sums) {
        List<Map.Entry<HourKey, Quantity>> rows = List.copyOf(sums.entrySet());
        return tx.preparedQuery(ADD)
                .execute(Tuple.of(
                        times(rows, r -> r.getKey().hour()),
                        array(rows, r -> r.getKey().enrollment(), UUID[]::new),
                        array(rows, r -> r.getKey().dimensionId(), Integer[]::new),
                        array(rows, r -> r.getKey().allocation(), UUID[]::new),
                        array(rows, r -> r.getKey().agreementId(), String[]::new),
                        array(rows, r -> Columns.numeric(r.getValue()), Numeric[]::new)))
                .mapEmpty();
    }

    Future<Void> insertAllocations(SqlConnection tx, Collection<NewAllocation> allocations) {
        List<NewAllocation> rows = List.copyOf(allocations);
        return tx.preparedQuery(INSERT_ALLOCATIONS)
                .execute(Tuple.of(
                        array(rows, NewAllocation::enrollment, UUID[]::new),
                        array(rows, NewAllocation::allocation, UUID[]::new),
                        array(rows, NewAllocation::tags, String[]::new)))
                .mapEmpty();
    }

    Future<Void> quarantine(SqlConnection tx, List<NewQuarantined> rows) {
        return tx.preparedQuery(QUARANTINE)
                .execute(Tuple.from(List.of(
                        array(rows, q -> q.of().enrollment().uuid(), UUID[]::new),
                        array(rows, q -> (int) q.of().epoch(), Integer[]::new),
                        array(rows, q -> q.of().seq(), Long[]::new),
                        array(rows, q -> q.refusal().index(), Integer[]::new),
                        array(rows, q -> q.record().product().orElse(null), String[]::new),
                        array(rows, q -> q.record().dimension(), String[]::new),
                        times(rows, q -> q.record().time()),
                        array(rows, q -> Columns.numeric(q.record().quantity()), Numeric[]::new),
                        array(rows, q -> q.refusal().code(), String[]::new),
                        array(rows, q -> q.refusal().detail(), String[]::new),
                        times(rows, q -> q.of().received()))))
                .mapEmpty();
    }

    /** Which of these hours hold a slot already, with its id. */
    Future<Map<SlotKey, String>> slotsOf(SqlConnection tx, Collection<SlotKey> keys) {
        return slotQuery(tx, SLOTS_OF, keys);
    }

    /** Which of these hours hold any usage. */
    Future<Map<SlotKey, String>> hoursOf(SqlConnection tx, Collection<SlotKey> keys) {
        return slotQuery(tx, HOURS_OF, keys);
    }

    Future<Void> insertSlots(SqlConnection tx, Map<SlotKey, String> slots) {
        List<Map.Entry<SlotKey, String>> rows = List.copyOf(slots.entrySet());
        return tx.preparedQuery(INSERT_SLOTS)
                .execute(Tuple.of(
                        array(rows, r -> r.getKey().enrollment(), UUID[]::new),
                        array(rows, r -> r.getKey().dimensionId(), Integer[]::new),
                        times(rows, r -> r.getKey().hour()),
                        array(rows, Map.Entry::getValue, String[]::new)))
                .mapEmpty();
    }

    Future<Optional<Stored>> stored(SqlClient client, EnrollmentId id, long epoch, long seq) {
        return client.preparedQuery(STORED)
                .execute(Tuple.of(id.uuid(), (int) epoch, seq))
                .map(rows -> {
                    var it = rows.iterator();
                    if (!it.hasNext()) {
                        return Optional.<Stored>empty();
                    }
                    Row row = it.next();
                    return Optional.of(new Stored(row.getString("jws"), row.getString("receipt")));
                });
    }

    /** Compact batches after one and up to another, oldest first. */
    Future<List<String>> after(SqlClient client, EnrollmentId id, Watermark known, Watermark upTo, int limit) {
        return client.preparedQuery(AFTER)
                .execute(Tuple.of(id.uuid(), (int) known.epoch(), known.seq(), limit, (int) upTo.epoch(), upTo.seq()))
                .map(rows -> {
                    List<String> list = new java.util.ArrayList<>();
                    rows.forEach(row -> list.add(row.getString("jws")));
                    return list;
                });
    }

    Future<Optional<Watermarks.Progress>> watermark(SqlClient client, EnrollmentId id) {
        return client.preparedQuery(FIND_WATERMARK).execute(Tuple.of(id.uuid())).map(rows -> {
            var it = rows.iterator();
            if (!it.hasNext()) {
                return Optional.<Watermarks.Progress>empty();
            }
            Row row = it.next();
            return Optional.of(new Watermarks.Progress(watermark(row), Columns.instant(row, "progressed_at")));
        });
    }

    Future<Void> contend(SqlConnection tx, EnrollmentId id, boolean contended) {
        return tx.preparedQuery(CONTEND).execute(Tuple.of(id.uuid(), contended)).mapEmpty();
    }

    /** The next epoch, of the same key. */
    Future<Watermark> openEpoch(SqlConnection tx, EnrollmentId id) {
        return openEpoch(tx, id, null);
    }

    /** The next epoch, of the key with this thumbprint. */
    Future<Watermark> handOver(SqlConnection tx, EnrollmentId id, Hash key) {
        Buffer thumbprint = Buffer.buffer(key.bytes());
        return tx.preparedQuery(HAND_OVER)
                .execute(Tuple.of(id.uuid(), thumbprint))
                .compose(done -> openEpoch(tx, id, thumbprint));
    }

    private static Future<Watermark> openEpoch(SqlConnection tx, EnrollmentId id, @Nullable Buffer key) {
        return tx.preparedQuery(OPEN_EPOCH)
                .execute(Tuple.of(id.uuid(), key))
                .map(rows -> watermark(rows.iterator().next()));
    }

    /** The epoch before which the key has signed nothing. */
    Future<Long> firstEpoch(SqlClient client, EnrollmentId id, Hash key) {
        return client.preparedQuery(FIRST_EPOCH)
                .execute(Tuple.of(id.uuid(), Buffer.buffer(key.bytes())))
                .map(rows -> {
                    var it = rows.iterator();
                    return it.hasNext() ? it.next().getInteger("first_epoch").longValue() : Watermark.START.epoch();
                });
    }

    private Future<Map<SlotKey, String>> slotQuery(SqlConnection tx, String sql, Collection<SlotKey> keys) {
        List<SlotKey> rows = List.copyOf(keys);
        return tx.preparedQuery(sql)
                .execute(Tuple.of(
                        array(rows, SlotKey::enrollment, UUID[]::new),
                        array(rows, SlotKey::dimensionId, Integer[]::new),
                        times(rows, SlotKey::hour)))
                .map(found -> {
                    Map<SlotKey, String> map = new HashMap<>();
                    for (Row row : found) {
                        map.put(
                                new SlotKey(
                                        row.getUUID("enrollment_id"),
                                        row.getInteger("dimension_id"),
                                        Columns.instant(row, "hour")),
                                row.getString("slot"));
                    }
                    return map;
                });
    }

    private static Watermark watermark(Row row) {
        return new Watermark(
                row.getInteger("epoch"),
                row.getLong("seq"),
                Hash.ofBytes(row.getBuffer("hash").getBytes()));
    }

    private static <T> OffsetDateTime[] times(List<T> rows, Function<T, Instant> of) {
        return array(rows, r -> Columns.time(of.apply(r)), OffsetDateTime[]::new);
    }

    private static <T, V> V[] array(List<T> rows, Function<T, V> of, java.util.function.IntFunction<V[]> make) {
        V[] out = make.apply(rows.size());
        for (int i = 0; i < out.length; i++) {
            out[i] = of.apply(rows.get(i));
        }
        return out;
    }
}
