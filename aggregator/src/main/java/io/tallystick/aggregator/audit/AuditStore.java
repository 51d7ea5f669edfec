package io.tallystick.aggregator.audit;

import io.tallystick.aggregator.db.Columns;
import io.tallystick.common.model.Hash;
import io.vertx.core.Future;
import io.vertx.core.buffer.Buffer;
import io.vertx.sqlclient.Row;
import io.vertx.sqlclient.SqlClient;
import io.vertx.sqlclient.Tuple;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** SQL of the audit log. */
final class AuditStore {
    /** Where the chain ends. */
    record Head(long seq, Hash hash) {}

    static final String LOCK_HEAD = "SELECT seq, hash FROM audit_head WHERE id = 1 FOR UPDATE";
    static final String READ_HEAD = "SELECT seq, hash FROM audit_head WHERE id = 1";
    static final String MOVE_HEAD = "UPDATE audit_head SET seq = $1, hash = $2 WHERE id = 1";
    static final String INSERT =
            """
            INSERT INTO audit_event (seq, at, actor, action, subject, before_json, after_json, prev_hash, hash)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
            """;
    static final String READ =
            """
            SELECT seq, at, actor, action, subject, before_json, after_json, prev_hash, hash
              FROM audit_event WHERE seq > $1 AND seq <= $2 ORDER BY seq LIMIT $3
            """;

    /** What is in the log beside the chain: beyond its head, or before its first event. One snapshot sees both tables. */
    static final String STRAY =
            """
            SELECT min(seq) AS seq FROM audit_event
            WHERE seq < 1 OR seq > (SELECT seq FROM audit_head WHERE id = 1)
            """;

    Future<Optional<Long>> stray(SqlClient db) {
        return db.preparedQuery(STRAY)
                .execute()
                .map(rows -> Optional.ofNullable(rows.iterator().next().getLong("seq")));
    }

    Future<Head> lockHead(SqlClient db) {
        return db.preparedQuery(LOCK_HEAD).mapping(AuditStore::head).execute().map(rows -> rows.iterator()
                .next());
    }

    Future<Head> readHead(SqlClient db) {
        return db.preparedQuery(READ_HEAD).mapping(AuditStore::head).execute().map(rows -> rows.iterator()
                .next());
    }

    Future<Void> append(SqlClient db, AuditEvent event) {
        Tuple values = Tuple.of(
                event.seq(),
                Columns.time(event.at()),
                event.actor(),
                event.action(),
                event.subject(),
                event.beforeJson().orElse(null),
                event.afterJson().orElse(null),
                buffer(event.previous()),
                buffer(event.hash()));
        return db.preparedQuery(INSERT)
                .execute(values)
                .compose(rows -> db.preparedQuery(MOVE_HEAD).execute(Tuple.of(event.seq(), buffer(event.hash()))))
                .mapEmpty();
    }

    Future<List<AuditEvent>> read(SqlClient db, long after, long upTo, int limit) {
        return db.preparedQuery(READ)
                .mapping(AuditStore::event)
                .execute(Tuple.of(after, upTo, limit))
                .map(rows -> {
                    List<AuditEvent> events = new ArrayList<>();
                    rows.forEach(events::add);
                    return events;
                });
    }

    private static Buffer buffer(Hash hash) {
        return Buffer.buffer(hash.bytes());
    }

    private static Head head(Row row) {
        return new Head(row.getLong("seq"), Hash.ofBytes(row.getBuffer("hash").getBytes()));
    }

    private static AuditEvent event(Row row) {
        return new AuditEvent(
                row.getLong("seq"),
                Columns.instant(row, "at"),
                row.getString("actor"),
                row.getString("action"),
                row.getString("subject"),
                Optional.ofNullable(row.getString("before_json")),
                Optional.ofNullable(row.getString("after_json")),
                Hash.ofBytes(row.getBuffer("prev_hash").getBytes()),
                Hash.ofBytes(row.getBuffer("hash").getBytes()));
    }
}
