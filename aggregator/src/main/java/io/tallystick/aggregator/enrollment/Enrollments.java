package io.tallystick.aggregator.enrollment;

import io.tallystick.aggregator.db.Database;
import io.tallystick.aggregator.enrollment.evidence.VerifiedIdentity;
import io.tallystick.aggregator.web.Caller;
import io.tallystick.common.error.ErrorCode;
import io.tallystick.common.error.Failure;
import io.tallystick.common.jose.Jwk;
import io.tallystick.common.jose.Jws;
import io.tallystick.common.model.EnrollmentId;
import io.tallystick.common.model.Hash;
import io.vertx.core.Future;
import io.vertx.sqlclient.SqlClient;
import io.vertx.sqlclient.SqlConnection;
import java.time.Clock;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.UUID;

/** Who is enrolled: the first key that proves an instance speaks for it until somebody approves another. */
public final class Enrollments {
    /** A key that was refused because another already speaks for the instance. */
    public record ContestedKey(Hash thumbprint, Instant firstSeen, Instant lastSeen) {}

    private final Database database;
    private final EnrollmentStore store = new EnrollmentStore();
    private final Clock clock;

    public Enrollments(Database database, Clock clock) {
        this.database = database;
        this.clock = clock;
    }

    /**
     * Enrolls a verified identity under a key, or takes note of a restart of the enrolled one. Another key than the
     * enrolled one is remembered and answered {@code contested}, with its thumbprint and the remedy; of many at once
     * exactly one wins, by the primary key.
     *
     * @param jws the request as received: it is kept as evidence
     */
    public Future<Enrollment> enroll(VerifiedIdentity verified, Jwk key, Jws jws, String agentVersion) {
        Identity who = Identity.of(verified);
        EnrollmentId id = who.id();
        Hash thumbprint = key.thumbprint();
        return database.transactor()
                .inTx(tx -> {
                    Instant now = clock.instant();
                    return store.insert(tx, id, who, key, agentVersion, now)
                            .compose(
                                    first -> first ? store.insertWatermark(tx, id, key, now) : Future.succeededFuture())
                            .compose(done -> store.lock(tx, id))
                            .map(Optional::orElseThrow)
                            .compose(known -> known.key().equals(key)
                                    ? restarted(tx, known, who, jws, agentVersion, now)
                                    // Committed, so that the contested key is there to be approved.
                                    : store.contest(tx, id, key, now).map(known));
                })
                .compose(known -> known.key().equals(key)
                        ? Future.succeededFuture(known)
                        : Future.failedFuture(contested(who.instance(), thumbprint)));
    }

    private Future<Enrollment> restarted(
            SqlConnection tx, Enrollment known, Identity who, Jws jws, String version, Instant now) {
        return store.restart(tx, known.id(), who, version, now)
                .compose(done -> store.keepEvidence(
                        tx, known.id(), who.pendingTime(), known.key().thumbprint(), jws, now))
                .compose(done -> store.keepStart(tx, known.id(), who, now))
                .compose(done -> store.find(tx, known.id()))
                .map(Optional::orElseThrow);
    }

    /** What a key is told that does not speak for the instance. */
    public static Failure contested(String instance, Hash thumbprint) {
        return Failure.of(
                        ErrorCode.CONTESTED,
                        "another key already speaks for instance " + instance + "; this key is " + thumbprint)
                .with("thumbprint", thumbprint.toString())
                .with(
                        "remedy",
                        "If this VM is the genuine one (a reinstalled agent, a replaced disk), let the account that"
                                + " owns it, or the marketplace's operator, approve the key " + thumbprint
                                + " for instance " + instance);
    }

    /** Reads one; empty if there is none. */
    public Future<Optional<Enrollment>> find(SqlClient client, EnrollmentId id) {
        return store.find(client, id);
    }

    /**
     * One that the caller may see: any for operators, for others those on their own accounts at clouds. {@code not-found}
     * for a foreign one as for a missing one.
     */
    public Future<Enrollment> visible(SqlClient client, Caller caller, EnrollmentId id) {
        return store.find(client, id, caller.account())
                .map(found -> found.orElseThrow(() -> Failure.of(ErrorCode.NOT_FOUND, "there is no such enrollment")));
    }

    /** Those the caller may see after {@code after}, in id order. */
    public Future<List<Enrollment>> page(
            Caller caller, Optional<EnrollmentId> after, Optional<String> instance, int limit) {
        UUID from = after.map(EnrollmentId::uuid).orElse(new UUID(0, 0));
        return store.page(database.reads(), from, caller.account(), instance, limit);
    }

    /** Keys waiting for a decision, oldest first, at most 100. */
    public Future<List<ContestedKey>> contestedKeys(EnrollmentId id) {
        return store.contestedKeys(database.reads(), id);
    }

    /** Uses a request's counter, once; {@code stale-counter} with the last one if it was used before. */
    public Future<Void> useCounter(SqlConnection tx, Enrollment of, long counter, String state, String version) {
        return store.countUp(tx, of.id(), counter, state, version, clock.instant())
                .compose(used -> used
                        ? Future.succeededFuture()
                        : store.find(tx, of.id())
                                .compose(now -> Future.failedFuture(Failure.of(
                                                ErrorCode.STALE_COUNTER, "counter: must be above the last one used")
                                        .with(
                                                "counter",
                                                now.map(Enrollment::counter).orElse(0L)))));
    }

    /**
     * Lets a contested key speak for the instance from now on; the old key no longer does. The caller opens a new epoch
     * in the same transaction, so that batches under the old key no longer fit.
     */
    public Future<Enrollment> approve(SqlConnection tx, EnrollmentId id, Hash thumbprint) {
        return store.lock(tx, id)
                .map(found -> found.orElseThrow(() -> Failure.of(ErrorCode.NOT_FOUND, "there is no enrollment " + id)))
                .compose(known -> store.contestedKey(tx, id, thumbprint))
                .map(found -> found.orElseThrow(() -> Failure.of(
                        ErrorCode.NOT_FOUND,
                        "thumbprint: no key " + thumbprint + " is waiting for approval for this enrollment")))
                .compose(key -> store.approve(tx, id, key, clock.instant()))
                .compose(done -> store.find(tx, id))
                .map(Optional::orElseThrow);
    }
}
