package io.tallystick.aggregator.usage;

import io.tallystick.aggregator.db.Columns;
import io.tallystick.common.json.Json;
import io.tallystick.common.model.EnrollmentId;
import io.tallystick.common.model.Hash;
import io.tallystick.common.wire.Watermark;
import io.vertx.core.Future;
import io.vertx.core.buffer.Buffer;
import io.vertx.sqlclient.Row;
import io.vertx.sqlclient.SqlClient;
import io.vertx.sqlclient.SqlConnection;
import io.vertx.sqlclient.Tuple;
import java.time.Instant;
import java.time.YearMonth;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.function.BiConsumer;
import java.util.function.Consumer;

/** SQL of archiving: partitions out of the table, what is known of them afterwards, and reads for checking. */
final class ArchiveStore {
    private static final String PARTITION_PREFIX = "usage_batch_";
    private static final int PREFIX_CHARS = PARTITION_PREFIX.length();

    static final String OLDEST =
            """
            SELECT c.relname::text AS name FROM pg_inherits AS i JOIN pg_class AS c ON c.oid = i.inhrelid
            WHERE i.inhparent = 'usage_batch'::regclass AND c.relname ~ '^usage_batch_[0-9]{4}_[0-9]{2}$'
            ORDER BY c.relname LIMIT 1""";
    static final String PAGE =
            """
            SELECT enrollment_id, epoch, seq, received, jws, receipt FROM usage_batch
            WHERE received < $1 AND (enrollment_id, epoch, seq) > ($2, $3, $4)
            ORDER BY enrollment_id, epoch, seq LIMIT $5""";
    static final String ENDS =
            """
            SELECT DISTINCT ON (enrollment_id) enrollment_id, epoch, seq, hash FROM archived_chain
            WHERE enrollment_id = ANY($1::uuid[]) ORDER BY enrollment_id, epoch DESC""";
    static final String INSERT =
            """
            INSERT INTO evidence_archive (name, batches, first_received, last_received, manifest_sha256, location,
              recorded_at) VALUES ($1, $2, $3, $4, $5, $6, $7)""";
    /** The receipt of an enrollment's last batch is kept: its agent may ask for it again. */
    static final String CHAINS =
            """
            INSERT INTO archived_chain (enrollment_id, epoch, seq, hash, receipt)
            SELECT t.e, t.p, t.s, t.h, b.receipt
            FROM unnest($1::uuid[], $2::int4[], $3::int8[], $4::bytea[]) AS t(e, p, s, h)
            LEFT JOIN watermark AS w ON w.enrollment_id = t.e AND w.epoch = t.p AND w.seq = t.s
            LEFT JOIN usage_batch AS b ON b.enrollment_id = w.enrollment_id AND b.epoch = w.epoch AND b.seq = w.seq
            ORDER BY t.e, t.p
            ON CONFLICT ON CONSTRAINT archived_chain_pk
            DO UPDATE SET seq = excluded.seq, hash = excluded.hash, receipt = excluded.receipt""";

    static final String LIST =
            """
            SELECT name, batches, manifest_sha256, location, detached_at, dropped_at FROM evidence_archive
            ORDER BY name""";
    static final String MARK_DETACHED = "UPDATE evidence_archive SET detached_at = $2 WHERE name = $1";
    static final String MARK_DROPPED = "UPDATE evidence_archive SET dropped_at = $2 WHERE name = $1";
    /** How many batches received before then are archived, and how many of those lie in the default partition. */
    static final String COUNT =
            """
            SELECT count(*) AS archived,
              count(*) FILTER (WHERE b.tableoid = 'usage_batch_default'::regclass) AS in_default
            FROM usage_batch AS b JOIN archived_chain AS c USING (enrollment_id, epoch)
            WHERE b.received < $1 AND b.seq <= c.seq""";

    static final String CHAIN_OF =
            "SELECT seq, hash, receipt FROM archived_chain WHERE enrollment_id = $1 AND epoch = $2";
    static final String ANY_AFTER =
            """
            SELECT EXISTS (SELECT FROM archived_chain WHERE enrollment_id = $1 AND (epoch, seq) > ($2, $3)) AS there""";
    static final String OF_TIMES =
            """
            SELECT name, manifest_sha256, location FROM evidence_archive
            WHERE first_received <= $3 AND last_received >= $2
              AND EXISTS (SELECT FROM archived_chain WHERE enrollment_id = $1)
            ORDER BY name""";
    static final String LIVE =
            """
            SELECT b.enrollment_id, b.epoch, b.seq, b.received, b.jws, b.receipt
            FROM usage_batch AS b LEFT JOIN archived_chain AS c USING (enrollment_id, epoch)
            WHERE b.seq > coalesce(c.seq, 0) ORDER BY b.enrollment_id, b.epoch, b.seq""";
    static final String EVENTS =
            "SELECT subject, after_json FROM audit_event WHERE action = '" + Archives.RECORDED + "' ORDER BY seq";
    static final String ALL_CHAINS = "SELECT enrollment_id, epoch, seq, hash FROM archived_chain";
    static final String WATERMARKS = "SELECT enrollment_id, epoch, seq, hash FROM watermark";

    record Page(List<ArchivedBatch> batches, Map<UUID, Chains.End> ends) {}

    record Archived(
            String name, long batches, Hash manifestSha256, String location, boolean detached, boolean dropped) {}

    record Counted(long archived, long inDefault) {}

    record End(long seq, Hash hash, Optional<String> receipt) {}

    /** Reading or moving a month takes as long as it takes. */
    Future<Void> patient(SqlConnection tx) {
        return tx.query("SET LOCAL statement_timeout = 0")
                .execute()
                .compose(done -> tx.query("SET LOCAL idle_in_transaction_session_timeout = 0")
                        .execute())
                .mapEmpty();
    }

    Future<Optional<YearMonth>> oldest(SqlClient client) {
        return client.preparedQuery(OLDEST).execute().map(rows -> {
            var it = rows.iterator();
            return it.hasNext()
                    ? Optional.of(YearMonth.parse(
                            it.next().getString("name").substring(PREFIX_CHARS).replace('_', '-')))
                    : Optional.empty();
        });
    }

    /** Batches received before then, after this one, and how far their enrollments are archived. */
    Future<Page> page(SqlClient client, Instant before, UUID enrollment, long epoch, long seq, int limit) {
        return client.preparedQuery(PAGE)
                .execute(Tuple.of(Columns.time(before), enrollment, (int) epoch, seq, limit))
                .compose(rows -> {
                    List<ArchivedBatch> batches = new ArrayList<>();
                    rows.forEach(row -> batches.add(batch(row)));
                    UUID[] ids = batches.stream()
                            .map(ArchivedBatch::enrollment)
                            .distinct()
                            .toArray(UUID[]::new);
                    return client.preparedQuery(ENDS)
                            .execute(Tuple.of((Object) ids))
                            .map(found -> {
                                Map<UUID, Chains.End> ends = new HashMap<>();
                                found.forEach(row -> ends.put(row.getUUID("enrollment_id"), end(row)));
                                return new Page(batches, ends);
                            });
                });
    }

    Future<Void> insert(SqlConnection tx, ArchiveWriter.Written written, String location, Instant at) {
        return tx.preparedQuery(INSERT)
                .execute(Tuple.from(Arrays.asList(
                        written.manifest().name(),
                        written.manifest().batches(),
                        Columns.timeOrNull(written.firstReceived()),
                        Columns.timeOrNull(written.lastReceived()),
                        Buffer.buffer(written.manifestSha256().bytes()),
                        location,
                        Columns.time(at))))
                .mapEmpty();
    }

    Future<Void> chains(SqlConnection tx, List<ArchivedChain> chains) {
        return tx.preparedQuery(CHAINS)
                .execute(Tuple.of(
                        chains.stream().map(ArchivedChain::enrollment).toArray(UUID[]::new),
                        chains.stream().map(c -> (int) c.epoch()).toArray(Integer[]::new),
                        chains.stream().map(ArchivedChain::last).toArray(Long[]::new),
                        chains.stream()
                                .map(c -> Buffer.buffer(c.hash().bytes()))
                                .toArray(Buffer[]::new)))
                .mapEmpty();
    }

    Future<List<Archived>> list(SqlClient client) {
        return client.preparedQuery(LIST).execute().map(rows -> {
            List<Archived> list = new ArrayList<>();
            for (Row row : rows) {
                list.add(new Archived(
                        row.getString("name"),
                        row.getLong("batches"),
                        hash(row, "manifest_sha256"),
                        row.getString("location"),
                        row.getOffsetDateTime("detached_at") != null,
                        row.getOffsetDateTime("dropped_at") != null));
            }
            return list;
        });
    }

    /** The digest of each archive's manifest, in hexadecimal, as the audit log has it. */
    Future<Map<String, String>> events(SqlClient client) {
        return client.preparedQuery(EVENTS).execute().map(rows -> {
            Map<String, String> events = new HashMap<>();
            rows.forEach(row -> events.put(
                    row.getString("subject"),
                    String.valueOf(Json.parseObject(row.getString("after_json")).get("manifestSha256"))));
            return events;
        });
    }

    /** Holds off writers of the month, of whom there are none, and counts. */
    Future<Counted> lockAndCount(SqlConnection tx, YearMonth month, Instant before) {
        return tx.query("SET LOCAL lock_timeout = '1s'")
                .execute()
                .compose(done -> tx.query("LOCK TABLE " + partition(month) + " IN SHARE MODE")
                        .execute())
                .compose(done -> tx.preparedQuery(COUNT).execute(Tuple.of(Columns.time(before))))
                .map(rows -> {
                    Row row = rows.iterator().next();
                    return new Counted(row.getLong("archived"), row.getLong("in_default"));
                });
    }

    /**
     * Takes the month out of the table. Batches of it that were not archived go to the default partition. Where archived
     * ones lie in the default partition, that one is taken out too, and a new one gets what was not archived. Nobody waits
     * longer than the lock's time-out.
     */
    Future<Void> detach(SqlConnection tx, YearMonth month, boolean withDefault) {
        String partition = partition(month);
        String former = former(month);
        List<String> statements = new ArrayList<>();
        statements.add("CREATE TEMP TABLE kept_evidence ON COMMIT DROP AS SELECT b.received, b.enrollment_id, b.epoch,"
                + " b.seq, b.jws, b.receipt FROM usage_batch AS b LEFT JOIN archived_chain AS c USING (enrollment_id,"
                + " epoch) WHERE b.seq > coalesce(c.seq, 0) AND b.tableoid IN ('" + partition + "'::regclass"
                + (withDefault ? ", 'usage_batch_default'::regclass)" : ")"));
        statements.add("ALTER TABLE usage_batch DETACH PARTITION " + partition);
        if (withDefault) {
            statements.add("ALTER TABLE usage_batch DETACH PARTITION usage_batch_default");
            statements.add("ALTER TABLE usage_batch_default RENAME TO " + former);
            statements.add("CREATE TABLE usage_batch_default PARTITION OF usage_batch DEFAULT");
        }
        statements.add("INSERT INTO usage_batch (received, enrollment_id, epoch, seq, jws, receipt)"
                + " SELECT received, enrollment_id, epoch, seq, jws, receipt FROM kept_evidence");
        Future<Void> chain = Future.succeededFuture();
        for (String statement : statements) {
            chain = chain.compose(done -> tx.query(statement).execute().mapEmpty());
        }
        return chain;
    }

    Future<Void> drop(SqlConnection tx, YearMonth month) {
        return tx.query("DROP TABLE IF EXISTS " + partition(month) + ", " + former(month))
                .execute()
                .mapEmpty();
    }

    Future<Void> markDetached(SqlConnection tx, String name, Instant at) {
        return tx.preparedQuery(MARK_DETACHED)
                .execute(Tuple.of(name, Columns.time(at)))
                .mapEmpty();
    }

    Future<Void> markDropped(SqlConnection tx, String name, Instant at) {
        return tx.preparedQuery(MARK_DROPPED)
                .execute(Tuple.of(name, Columns.time(at)))
                .mapEmpty();
    }

    /** How far this epoch is archived. */
    Future<Optional<End>> chainOf(SqlClient client, EnrollmentId id, long epoch) {
        return client.preparedQuery(CHAIN_OF)
                .execute(Tuple.of(id.uuid(), (int) epoch))
                .map(rows -> {
                    var it = rows.iterator();
                    if (!it.hasNext()) {
                        return Optional.empty();
                    }
                    Row row = it.next();
                    return Optional.of(new End(
                            row.getLong("seq"), hash(row, "hash"), Optional.ofNullable(row.getString("receipt"))));
                });
    }

    /** Whether batches after this one are archived. */
    Future<Boolean> anyAfter(SqlClient client, EnrollmentId id, Watermark known) {
        return client.preparedQuery(ANY_AFTER)
                .execute(Tuple.of(id.uuid(), (int) known.epoch(), known.seq()))
                .map(rows -> rows.iterator().next().getBoolean("there"));
    }

    /** The archives that may hold batches of this enrollment received within these times. */
    Future<List<Evidence.Archive>> ofTimes(SqlClient client, EnrollmentId id, Instant from, Instant until) {
        return client.preparedQuery(OF_TIMES)
                .execute(Tuple.of(id.uuid(), Columns.time(from), Columns.time(until)))
                .map(rows -> {
                    List<Evidence.Archive> list = new ArrayList<>();
                    rows.forEach(row -> list.add(new Evidence.Archive(
                            row.getString("name"), hash(row, "manifest_sha256"), row.getString("location"))));
                    return list;
                });
    }

    /** The batches that are not archived, in order of enrollment, epoch and number. */
    Future<Long> forEachLive(SqlConnection tx, int atOnce, Consumer<ArchivedBatch> consumer) {
        return RebuildStore.forEach(tx, LIVE, atOnce, row -> consumer.accept(batch(row)));
    }

    Future<Long> forEachChain(SqlConnection tx, int atOnce, BiConsumer<UUID, Chains.End> consumer) {
        return RebuildStore.forEach(
                tx, ALL_CHAINS, atOnce, row -> consumer.accept(row.getUUID("enrollment_id"), end(row)));
    }

    Future<Long> forEachWatermark(SqlConnection tx, int atOnce, BiConsumer<UUID, Chains.End> consumer) {
        return RebuildStore.forEach(
                tx, WATERMARKS, atOnce, row -> consumer.accept(row.getUUID("enrollment_id"), end(row)));
    }

    private static ArchivedBatch batch(Row row) {
        return new ArchivedBatch(
                row.getUUID("enrollment_id"),
                row.getInteger("epoch"),
                row.getLong("seq"),
                Columns.instant(row, "received"),
                row.getString("jws"),
                row.getString("receipt"));
    }

    private static Chains.End end(Row row) {
        return new Chains.End(row.getInteger("epoch"), row.getLong("seq"), hash(row, "hash"));
    }

    private static Hash hash(Row row, String column) {
        return Hash.ofBytes(row.getBuffer(column).getBytes());
    }

    /** Names of partitions cannot be parameters; they are made of numbers here. */
    private static String partition(YearMonth month) {
        return "usage_batch_%04d_%02d".formatted(month.getYear(), month.getMonthValue());
    }

    private static String former(YearMonth month) {
        return "usage_batch_default_%04d_%02d".formatted(month.getYear(), month.getMonthValue());
    }
}
