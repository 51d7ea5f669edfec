package io.tallystick.aggregator.lifecycle;

import io.tallystick.aggregator.db.Columns;
import io.vertx.core.Future;
import io.vertx.sqlclient.SqlClient;
import io.vertx.sqlclient.Tuple;
import java.util.List;

/** SQL of messages about change sets. */
final class MessageStore {
    static final String INSERT =
            """
            INSERT INTO change_set_message (id, change_set_id, author, actor, text, written_at)
            VALUES ($1, $2, $3, $4, $5, $6)
            """;
    static final String READ =
            """
            SELECT m.id, m.change_set_id, m.author, m.actor, m.text, m.written_at FROM change_set_message m
             WHERE m.change_set_id = $1 ORDER BY m.number
            """;

    static final String COUNT = "SELECT count(*) AS messages FROM change_set_message WHERE change_set_id = $1";

    Future<Long> count(SqlClient db, String changeSetId) {
        return db.preparedQuery(COUNT)
                .execute(Tuple.of(changeSetId))
                .map(rows -> rows.iterator().next().getLong("messages"));
    }

    Future<Void> insert(SqlClient db, Message message) {
        return db.preparedQuery(INSERT)
                .execute(Tuple.of(
                        message.id(),
                        message.changeSetId(),
                        message.author().wire(),
                        message.actor(),
                        message.text(),
                        Columns.time(message.writtenAt())))
                .mapEmpty();
    }

    Future<List<Message>> read(SqlClient db, String changeSetId) {
        return db.preparedQuery(READ).execute(Tuple.of(changeSetId)).map(rows -> rows.stream()
                .map(row -> new Message(
                        row.getString("id"),
                        row.getString("change_set_id"),
                        Message.Author.ofWire(row.getString("author")),
                        row.getString("actor"),
                        row.getString("text"),
                        Columns.instant(row, "written_at")))
                .toList());
    }
}
