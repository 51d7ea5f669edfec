package io.tallystick.aggregator.audit;

import io.tallystick.aggregator.db.Columns;
import io.tallystick.common.model.Hash;
import io.vertx.core.Future;
import io.vertx.sqlclient.SqlClient;
import io.vertx.sqlclient.SqlConnection;
import java.time.Clock;
import java.time.Instant;
import java.util.List;
import java.util.Optional;

/** Appends to the audit log and checks it. */
public final class Audit {
    private static final int READ_AT_ONCE = 1000;

    private final AuditStore store = new AuditStore();
    private final Clock clock;

    public Audit(Clock clock) {
        this.clock = clock;
    }

    /**
     * Appends on the caller's transaction, so the change and its record are committed together or not at all. Call it
     * last: from here to the commit, other administrative changes wait.
     */
    public Future<Void> append(SqlConnection tx, AuditEvent.Change change) {
        return store.lockHead(tx).compose(head -> {
            Instant at = Columns.micros(clock.instant());
            return store.append(tx, AuditEvent.link(head.seq() + 1, at, change, head.hash()));
        });
    }

    /** What a check found: how many events hold together, the hash they end with, and what is wrong, if anything. */
    public record Verdict(long events, Hash head, Optional<String> fault) {}

    /**
     * Reads the whole chain up to the head. Changing, removing or inserting an event is found; replacing the tail together
     * with the head is not, unless the head's hash printed by an earlier check was kept elsewhere.
     */
    public Future<Verdict> verify(SqlClient db) {
        return store.readHead(db).compose(head -> verifyFrom(db, head, 0, Hash.NONE));
    }

    private Future<Verdict> verifyFrom(SqlClient db, AuditStore.Head head, long after, Hash previous) {
        return store.read(db, after, head.seq(), READ_AT_ONCE).compose(events -> {
            long seq = after;
            Hash last = previous;
            for (AuditEvent event : events) {
                Optional<String> fault = fault(event, seq + 1, last);
                if (fault.isPresent()) {
                    return Future.succeededFuture(new Verdict(seq, last, fault));
                }
                seq = event.seq();
                last = event.hash();
            }
            return events.size() < READ_AT_ONCE ? end(db, head, seq, last) : verifyFrom(db, head, seq, last);
        });
    }

    private static Optional<String> fault(AuditEvent event, long seq, Hash previous) {
        if (event.seq() != seq) {
            return Optional.of("event " + seq + " is missing");
        }
        if (!event.previous().equals(previous)) {
            return Optional.of("event " + seq + " does not follow the one before it");
        }
        if (!event.expectedHash().equals(event.hash())) {
            return Optional.of("event " + seq + " was changed");
        }
        return Optional.empty();
    }

    private Future<Verdict> end(SqlClient db, AuditStore.Head head, long seq, Hash last) {
        if (seq != head.seq() || !last.equals(head.hash())) {
            String fault = "the head names event " + head.seq() + ", the log ends at " + seq;
            return Future.succeededFuture(new Verdict(seq, last, Optional.of(fault)));
        }
        return store.stray(db)
                .map(stray ->
                        new Verdict(seq, last, stray.map(s -> "event " + s + " is in the log and not in the chain")));
    }

    /** For tests and tools: the events after {@code seq}, at most {@code limit}. */
    public Future<List<AuditEvent>> read(SqlClient db, long seq, int limit) {
        return store.read(db, seq, Long.MAX_VALUE, limit);
    }
}
