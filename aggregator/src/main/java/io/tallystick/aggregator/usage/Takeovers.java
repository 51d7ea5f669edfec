package io.tallystick.aggregator.usage;

import io.tallystick.aggregator.audit.Audit;
import io.tallystick.aggregator.audit.AuditEvent;
import io.tallystick.aggregator.db.Database;
import io.tallystick.aggregator.enrollment.Enrollment;
import io.tallystick.aggregator.enrollment.Enrollments;
import io.tallystick.aggregator.enrollment.Takeover;
import io.tallystick.common.error.ErrorCode;
import io.tallystick.common.error.Failure;
import io.tallystick.common.json.Json;
import io.tallystick.common.model.EnrollmentId;
import io.tallystick.common.model.Hash;
import io.vertx.core.Future;
import io.vertx.sqlclient.SqlConnection;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;

/**
 * Takeovers: the owner of a VM whose key is lost stops and starts it, and the new key shows the newer start. A stolen
 * document is no older than its last start, so the newer key is only on trial, for {@link #TRIAL}: it gets GRACE, and its
 * usage stays with its agent. One request of the enrolled key within that time, of any kind, ends the trial, is an incident
 * and leaves everything as it was. Time in which the service was away does not count, as the enrolled key could not be heard.
 *
 * <p>Nothing is settled by a timer: whoever asks next, on either side, finds the trial over by the clock.
 */
public final class Takeovers {
    public static final Duration TRIAL = Duration.ofMinutes(30);

    /**
     * An enrollment under its lock, and the key on trial with the end of its trial, which is not reached.
     *
     * @param until by the clock now; it moves on while the service is away
     */
    public record Case(Enrollment enrollment, Optional<Takeover> takeover, Optional<Instant> until) {
        /** One that nobody else claims. */
        public static Case quiet(Enrollment enrollment) {
            return new Case(enrollment, Optional.empty(), Optional.empty());
        }
    }

    private final Database database;
    private final Enrollments enrollments;
    private final Watermarks watermarks;
    private final Incidents incidents;
    private final ServingTimes serving;
    private final Audit audit;
    private final Clock clock;

    public Takeovers(
            Database database,
            Enrollments enrollments,
            Watermarks watermarks,
            Incidents incidents,
            ServingTimes serving,
            Audit audit,
            Clock clock) {
        this.database = database;
        this.enrollments = enrollments;
        this.watermarks = watermarks;
        this.incidents = incidents;
        this.serving = serving;
        this.audit = audit;
        this.clock = clock;
    }

    /** Locks the enrollment; a trial that is over by now has made its key the enrolled one. */
    public Future<Case> settled(SqlConnection tx, EnrollmentId id) {
        Instant now = clock.instant();
        return enrollments
                .lock(tx, id)
                .map(found -> found.orElseThrow(() -> Failure.of(ErrorCode.NOT_FOUND, "there is no enrollment " + id)))
                .compose(known -> known.contended()
                        ? enrollments.takeover(tx, id).compose(found -> judge(tx, known, found.orElseThrow(), now))
                        : Future.succeededFuture(Case.quiet(known)));
    }

    private Future<Case> judge(SqlConnection tx, Enrollment known, Takeover t, Instant now) {
        return endOf(tx, t, now)
                .compose(until -> until.isAfter(now)
                        ? Future.succeededFuture(new Case(known, Optional.of(t), Optional.of(until)))
                        : confirm(tx, known, t).map(Case::quiet));
    }

    private Future<Instant> endOf(SqlConnection tx, Takeover t, Instant now) {
        Instant soonest = t.beganAt().plus(TRIAL);
        return soonest.isAfter(now)
                ? Future.succeededFuture(soonest)
                : serving.awaySince(tx, t.beganAt(), now).map(soonest::plus);
    }

    /** Puts a key on trial that showed a newer start; one that was on trial before it is contested from now on. */
    public Future<Case> begin(SqlConnection tx, Case of, Takeover t) {
        Enrollment known = of.enrollment();
        return enrollments
                .contest(tx, t.id(), t.key())
                .compose(done -> enrollments.tryOut(tx, t))
                .compose(done -> watermarks.contend(tx, t.id(), true))
                .compose(done -> audit.append(
                        tx, change("agent:" + t.id(), "enrollment.takeover", known, t, "startedAt", t.pendingTime())))
                .map(new Case(known, Optional.of(t), Optional.of(t.beganAt().plus(TRIAL))));
    }

    /** The enrolled key was heard, or somebody decided for it: it stays, and the other one is contested. */
    public Future<Void> cancel(SqlConnection tx, Case of, String actor) {
        if (of.takeover().isEmpty()) {
            return Future.succeededFuture();
        }
        Enrollment known = of.enrollment();
        Takeover t = of.takeover().get();
        Hash thumbprint = t.key().thumbprint();
        String detail = "key " + thumbprint + " was taking over instance " + known.instance()
                + " when the enrolled key " + known.key().thumbprint() + " was heard: two agents speak for one VM";
        return enrollments
                .dropTakeover(tx, t.id())
                .compose(done -> watermarks.contend(tx, t.id(), false))
                .compose(done -> incidents.report(tx, Incidents.Kind.TAKEOVER, t.id(), thumbprint.toString(), detail))
                .compose(done -> audit.append(
                        tx, change(actor, "enrollment.takeover-cancelled", known, t, "beganAt", t.beganAt())));
    }

    /**
     * As {@link #cancel}, for a batch: the sender's key was the enrolled one when its signature was checked.
     * {@code invalid-signature} if it has been silent for so long that it no longer is.
     */
    Future<Void> heard(EnrollmentId id, Hash thumbprint) {
        return database.transactor()
                .inTx(tx -> settled(tx, id)
                        .compose(c -> c.enrollment().key().thumbprint().equals(thumbprint)
                                ? cancel(tx, c, "agent:" + id).map(true)
                                // Committed: the other key speaks for the instance now.
                                : Future.succeededFuture(false)))
                .compose(still -> still
                        ? Future.succeededFuture()
                        : Future.failedFuture(Failure.of(
                                ErrorCode.INVALID_SIGNATURE, "another key speaks for this instance by now")));
    }

    private Future<Enrollment> confirm(SqlConnection tx, Enrollment known, Takeover t) {
        return enrollments.takeOver(tx, known, t).compose(after -> watermarks
                .handOver(tx, t.id(), t.key().thumbprint())
                .compose(mark -> audit.append(
                        tx,
                        change("agent:" + t.id(), "enrollment.takeover-confirmed", known, t, "epoch", mark.epoch())))
                .map(after));
    }

    private static AuditEvent.Change change(
            String actor, String action, Enrollment known, Takeover t, String what, Object value) {
        return new AuditEvent.Change(
                actor,
                action,
                t.id().toString(),
                Json.object("key", known.key().thumbprint()),
                Json.object("key", t.key().thumbprint(), what, value));
    }
}
