package io.tallystick.aggregator.entitlement;

import io.tallystick.aggregator.db.Columns;
import io.tallystick.aggregator.db.Database;
import io.tallystick.aggregator.enrollment.Enrollment;
import io.tallystick.aggregator.enrollment.Enrollments;
import io.tallystick.aggregator.enrollment.Takeover;
import io.tallystick.aggregator.enrollment.evidence.EvidenceRule;
import io.tallystick.aggregator.enrollment.evidence.VerifiedIdentity;
import io.tallystick.aggregator.usage.Takeovers;
import io.tallystick.common.error.Failure;
import io.tallystick.common.jose.Jwk;
import io.tallystick.common.jose.Jws;
import io.tallystick.common.model.EnrollmentId;
import io.vertx.core.Future;
import io.vertx.sqlclient.SqlConnection;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;

/**
 * What becomes of a key that shows a signed document: enrolled, known, on trial or contested. A document proves who the
 * instance is, not who shows it, and never expires; so the first key of an instance speaks for it, and another one only
 * gets a trial if its document is of a newer start than any shown before. Each start is good for one key.
 */
final class Admission {
    /**
     * The enrollment as the asking key has it.
     *
     * @param until for a key on trial, the end of the trial
     */
    record Admitted(Enrollment enrollment, Optional<Instant> until) {}

    private sealed interface Verdict {
        record In(Admitted admitted) implements Verdict {}

        /** Committed before it is told, so that the key is there to be approved. */
        record Contested(Failure why) implements Verdict {}
    }

    private final Database database;
    private final Enrollments enrollments;
    private final Takeovers takeovers;
    private final Optional<Duration> documentAgeMax;
    private final Clock clock;

    /** @param documentAgeMax since the start of the VM; an older document makes no key anything it is not yet */
    Admission(
            Database database,
            Enrollments enrollments,
            Takeovers takeovers,
            Optional<Duration> documentAgeMax,
            Clock clock) {
        this.database = database;
        this.enrollments = enrollments;
        this.takeovers = takeovers;
        this.documentAgeMax = documentAgeMax;
        this.clock = clock;
    }

    /**
     * Fails with {@code contested} for a key that does not speak for the instance.
     *
     * @param jws the request as received: it is kept as evidence
     */
    Future<Admitted> admit(VerifiedIdentity shown, Jwk key, Jws jws, String agentVersion) {
        EnrollmentId id = Enrollments.idOf(shown);
        return database.transactor()
                .inTx(tx -> there(tx, id, shown, key, agentVersion)
                        .compose(done -> takeovers.settled(tx, id))
                        .compose(c -> judge(tx, c, shown, key, jws, agentVersion)))
                .compose(verdict -> verdict instanceof Verdict.Contested refused
                        ? Future.failedFuture(refused.why())
                        : Future.succeededFuture(((Verdict.In) verdict).admitted()));
    }

    /** An enrollment to judge by: made now if there is none, unless the document is too old for that. */
    private Future<Void> there(
            SqlConnection tx, EnrollmentId id, VerifiedIdentity shown, Jwk key, String agentVersion) {
        if (!isTooOld(shown)) {
            return enrollments.first(tx, shown, key, agentVersion);
        }
        return enrollments.find(tx, id).compose(found -> {
            if (found.isPresent()) {
                return Future.succeededFuture();
            }
            return Future.failedFuture(EvidenceRule.DOCUMENT_AGE
                    .broken("pendingTime: the VM was started at " + shown.pendingTime() + ", more than "
                            + documentAgeMax.orElseThrow() + " ago")
                    .with("remedy", "Stop and start the VM: its document then shows the new start."));
        });
    }

    private boolean isTooOld(VerifiedIdentity shown) {
        return documentAgeMax
                .filter(max -> shown.pendingTime().plus(max).isBefore(clock.instant()))
                .isPresent();
    }

    private Future<Verdict> judge(
            SqlConnection tx, Takeovers.Case c, VerifiedIdentity shown, Jwk key, Jws jws, String agentVersion) {
        Enrollment known = c.enrollment();
        if (known.key().equals(key)) {
            return takeovers
                    .cancel(tx, c, "agent:" + known.id())
                    .compose(done -> enrollments.restarted(tx, known, shown, jws, agentVersion))
                    .map(e -> new Verdict.In(new Admitted(e, Optional.empty())));
        }
        boolean newer = Columns.micros(shown.pendingTime()).isAfter(known.pendingTime()) && !isTooOld(shown);
        Optional<Takeover> mine = c.takeover().filter(t -> t.key().equals(key));
        if (mine.isPresent() && !newer) {
            return Future.succeededFuture(new Verdict.In(new Admitted(mine.get().over(known), c.until())));
        }
        if (newer) {
            Takeover t = Takeover.of(shown, key, jws.compact(), agentVersion, Columns.micros(clock.instant()));
            // The same key, started once more, goes on with its trial.
            Future<Takeovers.Case> begun =
                    mine.isPresent() ? enrollments.tryOut(tx, t).map(c) : takeovers.begin(tx, c, t);
            return begun.map(b -> new Verdict.In(new Admitted(
                    t.counted(mine.map(Takeover::counter).orElse(0L)).over(known), b.until())));
        }
        return enrollments
                .contest(tx, known.id(), key)
                .map(new Verdict.Contested(Enrollments.contested(known.instance(), key.thumbprint())));
    }
}
