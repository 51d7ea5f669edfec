package io.tallystick.aggregator.notice;

import io.tallystick.aggregator.db.Columns;
import io.vertx.core.Future;
import io.vertx.sqlclient.SqlClient;
import io.vertx.sqlclient.Tuple;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** SQL of the outbox. */
final class OutboxStore {
    private static final int ERROR_CHARS_MAX = 1000;

    static final String INSERT =
            """
            INSERT INTO outbox (event, recipient, message_id, subject, body, created_at, due_at)
            VALUES ($1, $2, $3, $4, $5, $6, $6)
            ON CONFLICT ON CONSTRAINT outbox_event_unique DO NOTHING
            """;
    static final String TAKE =
            """
            UPDATE outbox SET fence = fence + 1, attempts = attempts + 1, leased_until = $2
             WHERE id IN (
                SELECT id FROM outbox
                 WHERE sent_at IS NULL AND refused_at IS NULL AND due_at <= $1
                   AND (leased_until IS NULL OR leased_until <= $1)
                 ORDER BY due_at, id LIMIT $3 FOR UPDATE SKIP LOCKED)
            RETURNING id, fence, attempts, recipient, message_id, subject, body, created_at
            """;
    static final String SENT =
            "UPDATE outbox SET leased_until = NULL, last_error = NULL, sent_at = $3 WHERE id = $1 AND fence = $2";
    static final String RETRY =
            "UPDATE outbox SET leased_until = NULL, last_error = $4, due_at = $3 WHERE id = $1 AND fence = $2";
    static final String REFUSED =
            "UPDATE outbox SET leased_until = NULL, last_error = $4, refused_at = $3 WHERE id = $1 AND fence = $2";
    static final String OLDEST =
            "SELECT min(created_at) AS created_at FROM outbox WHERE sent_at IS NULL AND refused_at IS NULL";
    static final String REFUSALS = "SELECT count(*) AS mails FROM outbox WHERE refused_at IS NOT NULL";

    /** A mail that was taken for sending. */
    record Taken(
            long id,
            long fence,
            int attempts,
            String recipient,
            String messageId,
            String subject,
            String body,
            Instant createdAt) {}

    Future<Void> insert(SqlClient db, List<Tuple> mails) {
        return mails.isEmpty()
                ? Future.succeededFuture()
                : db.preparedQuery(INSERT).executeBatch(mails).mapEmpty();
    }

    Future<List<Taken>> take(SqlClient db, Instant now, Instant until, int limit) {
        return db.preparedQuery(TAKE)
                .execute(Tuple.of(Columns.time(now), Columns.time(until), limit))
                .map(rows -> {
                    List<Taken> taken = new ArrayList<>();
                    rows.forEach(row -> taken.add(new Taken(
                            row.getLong("id"),
                            row.getLong("fence"),
                            row.getInteger("attempts"),
                            row.getString("recipient"),
                            row.getString("message_id"),
                            row.getString("subject"),
                            row.getString("body"),
                            Columns.instant(row, "created_at"))));
                    return taken;
                });
    }

    Future<Void> sent(SqlClient db, Taken mail, Instant at) {
        return db.preparedQuery(SENT)
                .execute(Tuple.of(mail.id(), mail.fence(), Columns.time(at)))
                .mapEmpty();
    }

    Future<Void> retry(SqlClient db, Taken mail, Instant due, String error) {
        return db.preparedQuery(RETRY)
                .execute(Tuple.of(mail.id(), mail.fence(), Columns.time(due), cut(error)))
                .mapEmpty();
    }

    Future<Void> refused(SqlClient db, Taken mail, Instant at, String error) {
        return db.preparedQuery(REFUSED)
                .execute(Tuple.of(mail.id(), mail.fence(), Columns.time(at), cut(error)))
                .mapEmpty();
    }

    private static String cut(String text) {
        return text.length() > ERROR_CHARS_MAX ? text.substring(0, ERROR_CHARS_MAX) : text;
    }

    Future<Optional<Instant>> oldest(SqlClient db) {
        return db.preparedQuery(OLDEST)
                .execute()
                .map(rows -> Columns.optionalInstant(rows.iterator().next(), "created_at"));
    }

    Future<Long> refusals(SqlClient db) {
        return db.preparedQuery(REFUSALS)
                .execute()
                .map(rows -> rows.iterator().next().getLong("mails"));
    }
}
