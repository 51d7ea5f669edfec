package io.tallystick.aggregator.usage;

import io.tallystick.aggregator.audit.Audit;
import io.tallystick.aggregator.audit.AuditEvent;
import io.tallystick.aggregator.db.Columns;
import io.tallystick.aggregator.db.Database;
import io.tallystick.common.json.Json;
import io.tallystick.common.model.EnrollmentId;
import io.vertx.core.Future;
import io.vertx.sqlclient.SqlConnection;
import java.time.Clock;
import java.time.Instant;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * Things somebody must look at. The same thing reported again (same enrollment, kind and fingerprint) is counted, not
 * repeated, so a client in a loop cannot fill the table.
 */
public final class Incidents {
    /** What happened. */
    public enum Kind {
        /** Two histories under one enrollment: a copied state or a stolen key. */
        FORK,
        /** Batches missing before the one presented; normal for a moment, an incident where it stays. */
        GAP,
        /** Another key asked to speak for an enrolled instance. */
        CONTESTED,
        /** A key that was taking an instance over was stopped by the enrolled one: two speak for one VM. */
        TAKEOVER;

        public String wire() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    /** As told to operators. */
    public record Incident(
            long id,
            String kind,
            EnrollmentId enrollment,
            String fingerprint,
            String detail,
            Instant firstAt,
            Instant lastAt,
            long count) {
        public Map<String, Object> toJson() {
            return Json.object(
                    "id",
                    id,
                    "kind",
                    kind,
                    "enrollment",
                    enrollment,
                    "fingerprint",
                    fingerprint,
                    "detail",
                    detail,
                    "firstAt",
                    firstAt,
                    "lastAt",
                    lastAt,
                    "count",
                    count);
        }
    }

    private final Database database;
    private final IncidentStore store = new IncidentStore();
    private final Audit audit;
    private final Clock clock;

    public Incidents(Database database, Audit audit, Clock clock) {
        this.database = database;
        this.audit = audit;
        this.clock = clock;
    }

    /**
     * Remembers one; answers whether it is the first of its fingerprint. The first of a fork or a contested key is
     * audited in the same transaction; a gap is not, it is an everyday matter of order.
     */
    public Future<Boolean> report(Kind kind, EnrollmentId enrollment, String fingerprint, String detail) {
        return database.transactor().inTx(tx -> report(tx, kind, enrollment, fingerprint, detail));
    }

    /** As above, on the caller's transaction. */
    Future<Boolean> report(SqlConnection tx, Kind kind, EnrollmentId enrollment, String fingerprint, String detail) {
        return store.report(tx, kind.wire(), enrollment, fingerprint, detail, Columns.micros(clock.instant()))
                .compose(first -> first && kind != Kind.GAP
                        ? audit.append(tx, change(kind, enrollment, fingerprint, detail))
                                .map(first)
                        : Future.succeededFuture(first));
    }

    private static AuditEvent.Change change(Kind kind, EnrollmentId enrollment, String fingerprint, String detail) {
        return new AuditEvent.Change(
                "agent:" + enrollment,
                "incident." + kind.wire(),
                enrollment.toString(),
                null,
                Json.object("fingerprint", fingerprint, "detail", detail));
    }

    /** Those after this id, in id order. */
    public Future<List<Incident>> page(long after, int limit) {
        return store.page(database.reads(), after, limit);
    }
}
