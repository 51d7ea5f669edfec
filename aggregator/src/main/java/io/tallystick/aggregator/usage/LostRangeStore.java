package io.tallystick.aggregator.usage;

import io.tallystick.aggregator.db.Columns;
import io.tallystick.common.model.EnrollmentId;
import io.tallystick.common.model.Hash;
import io.tallystick.common.wire.Watermark;
import io.vertx.core.Future;
import io.vertx.core.buffer.Buffer;
import io.vertx.sqlclient.Row;
import io.vertx.sqlclient.RowSet;
import io.vertx.sqlclient.SqlClient;
import io.vertx.sqlclient.SqlConnection;
import io.vertx.sqlclient.Tuple;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** SQL of what was lost, and the watermark's step over it. */
final class LostRangeStore {
    private static final String COLUMNS =
            "SELECT enrollment_id, epoch, seq, before, to_epoch, to_seq, hash, receipt, noted_at FROM lost_range ";
    static final String INSERT =
            """
            INSERT INTO lost_range (enrollment_id, epoch, seq, before, to_epoch, to_seq, hash, receipt, noted_at)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)""";
    static final String STEP = "UPDATE watermark SET epoch = $2, seq = $3, hash = $4 WHERE enrollment_id = $1";
    static final String NEXT =
            COLUMNS + "WHERE enrollment_id = $1 AND (to_epoch, to_seq) > ($2, $3) ORDER BY epoch, seq LIMIT 1";
    static final String REACHES =
            """
            SELECT EXISTS (SELECT FROM lost_range WHERE enrollment_id = $1 AND (epoch, seq) < ($2, $3)
              AND ((to_epoch, to_seq) > ($2, $3) OR (to_epoch, to_seq, hash) = ($2, $3, $4))) AS there""";
    /** A buyer sees that of its own VMs, a seller that of VMs with its codes, and of those only its codes. */
    static final String PAGE =
            """
            SELECT r.enrollment_id, r.epoch, r.seq, r.before, r.to_epoch, r.to_seq, r.hash, r.receipt, r.noted_at,
              e.instance, seen.codes
            FROM lost_range AS r JOIN enrollment AS e USING (enrollment_id)
            CROSS JOIN LATERAL (
              SELECT coalesce(array_agg(c.code ORDER BY c.code), '{}') AS codes FROM unnest(e.product_codes) AS c (code)
              WHERE $4::text IS NULL
                OR EXISTS (SELECT FROM product AS p WHERE p.product_code = c.code AND p.seller_account_id = $4)
                OR EXISTS (SELECT FROM cloud_account AS a WHERE a.cloud = e.cloud
                  AND a.cloud_account_id = e.cloud_account AND a.account_id = $4)) AS seen
            WHERE (r.enrollment_id, r.epoch, r.seq) > ($1, $2, $3)
              AND ($4::text IS NULL OR cardinality(seen.codes) > 0)
            ORDER BY r.enrollment_id, r.epoch, r.seq LIMIT $5""";

    static final String ALL = COLUMNS + "ORDER BY enrollment_id, epoch, seq";
    static final String OF = COLUMNS + "WHERE enrollment_id = $1 ORDER BY epoch, seq";

    Future<Void> insert(SqlConnection tx, LostRange lost) {
        return tx.preparedQuery(INSERT)
                .execute(Tuple.of(
                        lost.enrollment(),
                        (int) lost.after().epoch(),
                        lost.after().seq(),
                        bytes(lost.after().hash()),
                        (int) lost.upTo().epoch(),
                        lost.upTo().seq(),
                        bytes(lost.upTo().hash()),
                        lost.receipt(),
                        Columns.time(lost.notedAt())))
                .compose(done -> tx.preparedQuery(STEP)
                        .execute(Tuple.of(
                                lost.enrollment(),
                                (int) lost.upTo().epoch(),
                                lost.upTo().seq(),
                                bytes(lost.upTo().hash()))))
                .mapEmpty();
    }

    /** The first that ends after this place. */
    Future<Optional<LostRange>> next(SqlClient client, EnrollmentId id, Watermark from) {
        return client.preparedQuery(NEXT)
                .execute(Tuple.of(id.uuid(), (int) from.epoch(), from.seq()))
                .map(rows -> {
                    var it = rows.iterator();
                    return it.hasNext() ? Optional.of(range(it.next())) : Optional.empty();
                });
    }

    /** Whether this batch is lost; of the last of a range the hash is known, and must be the same. */
    Future<Boolean> reaches(SqlClient client, EnrollmentId id, Watermark mark) {
        return client.preparedQuery(REACHES)
                .execute(Tuple.of(id.uuid(), (int) mark.epoch(), mark.seq(), bytes(mark.hash())))
                .map(rows -> rows.iterator().next().getBoolean("there"));
    }

    Future<List<LostRange>> all(SqlClient client) {
        return client.preparedQuery(ALL).execute().map(LostRangeStore::ranges);
    }

    Future<List<LostRange>> of(SqlClient client, EnrollmentId id) {
        return client.preparedQuery(OF).execute(Tuple.of(id.uuid())).map(LostRangeStore::ranges);
    }

    Future<List<LostRange.Of>> page(SqlClient client, Optional<String> account, LostRange.Position after, int limit) {
        return client.preparedQuery(PAGE)
                .execute(Tuple.of(after.enrollment(), after.epoch(), after.seq(), account.orElse(null), limit))
                .map(rows -> {
                    List<LostRange.Of> list = new ArrayList<>();
                    rows.forEach(row -> list.add(new LostRange.Of(
                            range(row), row.getString("instance"), List.of(row.getArrayOfStrings("codes")))));
                    return list;
                });
    }

    private static List<LostRange> ranges(RowSet<Row> rows) {
        List<LostRange> ranges = new ArrayList<>();
        rows.forEach(row -> ranges.add(range(row)));
        return ranges;
    }

    private static Buffer bytes(Hash hash) {
        return Buffer.buffer(hash.bytes());
    }

    private static LostRange range(Row row) {
        return new LostRange(
                row.getUUID("enrollment_id"),
                new Watermark(row.getInteger("epoch"), row.getLong("seq"), hash(row, "before")),
                new Watermark(row.getInteger("to_epoch"), row.getLong("to_seq"), hash(row, "hash")),
                row.getString("receipt"),
                Columns.instant(row, "noted_at"));
    }

    private static Hash hash(Row row, String column) {
        return Hash.ofBytes(row.getBuffer(column).getBytes());
    }
}
