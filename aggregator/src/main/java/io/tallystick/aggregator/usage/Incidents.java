package io.tallystick.aggregator.usage;

import io.tallystick.aggregator.audit.Audit;
import io.tallystick.aggregator.audit.AuditEvent;
import io.tallystick.aggregator.db.Columns;
import io.tallystick.aggregator.db.Database;
import io.tallystick.common.error.ErrorCode;
import io.tallystick.common.error.Failure;
import io.tallystick.common.json.Json;
import io.tallystick.common.model.EnrollmentId;
import io.vertx.core.Future;
import io.vertx.sqlclient.SqlConnection;
import java.time.Clock;
import java.time.Instant;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;

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
        TAKEOVER,
        /** Batches that a restored database forgot and no agent has any more: usage that is not billed. */
        LOST;

        public String wire() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    /** Whether somebody has looked at it. */
    public enum Status {
        OPEN,
        ACKNOWLEDGED;

        public String wire() {
            return name().toLowerCase(Locale.ROOT);
        }

        public static Status ofWire(String wire) {
            for (Status status : values()) {
                if (status.wire().equals(wire)) {
                    return status;
                }
            }
            throw new IllegalArgumentException("must be open or acknowledged");
        }
    }

    public static final int NOTE_CHARS_MAX = 2000;

    /** That somebody has looked at it. What is reported again afterwards is counted and stays so. */
    public record Acknowledged(Instant at, String by, Optional<String> note) {}

    /** As told to operators. */
    public record Incident(
            long id,
            String kind,
            EnrollmentId enrollment,
            String fingerprint,
            String detail,
            Instant firstAt,
            Instant lastAt,
            long count,
            Optional<Acknowledged> acknowledged) {
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
                    count,
                    "status",
                    acknowledged.isPresent() ? Status.ACKNOWLEDGED.wire() : Status.OPEN.wire(),
                    "acknowledgedAt",
                    acknowledged.map(Acknowledged::at).orElse(null),
                    "acknowledgedBy",
                    acknowledged.map(Acknowledged::by).orElse(null),
                    "note",
                    acknowledged.flatMap(Acknowledged::note).orElse(null));
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
    public Future<List<Incident>> page(Optional<Status> status, long after, int limit) {
        return store.page(database.reads(), status, after, limit);
    }

    /** Notes that somebody has looked at it; {@code conflict} where somebody has before. */
    public Future<Incident> acknowledge(String actor, String id, Optional<String> note) {
        return change(actor, "incident.acknowledge", id, before -> {
            before.acknowledged().ifPresent(a -> {
                throw Failure.of(ErrorCode.CONFLICT, "was acknowledged by " + a.by() + " at " + a.at());
            });
            return Optional.of(new Acknowledged(Columns.micros(clock.instant()), actor, note));
        });
    }

    /** Takes that back; one that is open stays so. */
    public Future<Incident> reopen(String actor, String id) {
        return change(actor, "incident.reopen", id, before -> Optional.empty());
    }

    private Future<Incident> change(
            String actor, String action, String id, Function<Incident, Optional<Acknowledged>> step) {
        if (!id.matches("[0-9]{1,18}")) {
            return Future.failedFuture(notFound());
        }
        long number = Long.parseLong(id);
        return database.transactor().inTx(tx -> store.readForUpdate(tx, number).compose(found -> {
            Incident before = found.orElseThrow(Incidents::notFound);
            Optional<Acknowledged> next = step.apply(before);
            if (next.equals(before.acknowledged())) {
                return Future.succeededFuture(before);
            }
            return store.acknowledge(tx, number, next)
                    .compose(done -> store.readForUpdate(tx, number))
                    .map(Optional::orElseThrow)
                    .compose(after -> audit.append(
                                    tx,
                                    new AuditEvent.Change(
                                            actor, action, "incident:" + id, before.toJson(), after.toJson()))
                            .map(after));
        }));
    }

    private static Failure notFound() {
        return Failure.of(ErrorCode.NOT_FOUND, "there is no such incident");
    }
}
