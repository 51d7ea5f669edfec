package io.tallystick.aggregator.notice;

import io.tallystick.aggregator.db.Columns;
import io.tallystick.aggregator.db.Ids;
import io.vertx.core.Future;
import io.vertx.sqlclient.SqlClient;
import io.vertx.sqlclient.SqlConnection;
import io.vertx.sqlclient.Tuple;
import java.time.Clock;
import java.time.Instant;
import java.util.List;
import java.util.Optional;

/** Where mails are written in the transaction that makes them true. {@link MailSender} sends them. */
public final class Outbox {
    final OutboxStore store = new OutboxStore();
    private final Ids ids;
    private final String domain;
    private final Clock clock;

    /** @param domain the right side of every Message-ID */
    public Outbox(Ids ids, String domain, Clock clock) {
        this.ids = ids;
        this.domain = domain;
        this.clock = clock;
    }

    /** Writes these mails, leaving out those whose event and recipient are there already. */
    public Future<Void> write(SqlConnection tx, List<Mail> mails) {
        Instant now = Columns.micros(clock.instant());
        return store.insert(
                tx,
                mails.stream()
                        .map(m -> Tuple.of(
                                m.event(),
                                m.recipient(),
                                "<" + ids.next("mail") + "@" + domain + ">",
                                m.subject(),
                                m.body(),
                                Columns.time(now)))
                        .toList());
    }

    /** When the oldest mail that is not sent was written; empty if all are. */
    public Future<Optional<Instant>> oldestUndelivered(SqlClient db) {
        return store.oldest(db);
    }

    /** How many mails a server has refused for good. */
    public Future<Long> refused(SqlClient db) {
        return store.refusals(db);
    }
}
