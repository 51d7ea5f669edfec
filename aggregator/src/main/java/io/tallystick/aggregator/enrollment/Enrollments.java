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
    private final TakeoverStore takeovers = new TakeoverStore();
    private final Clock clock;

    public Enrollments(Database database, Clock clock) {
        this.database = database;
        this.clock = clock;
    }

    /** Whose a verified identity is: its enrollment. */
    public static EnrollmentId idOf(VerifiedIdentity verified) {
        return Identity.of(verified).id();
    }

    /**
     * Makes the enrollment of a verified identity, with its watermark, if there is none. Of many keys at once exactly one
     * wins, by the primary key; the others find that one.
     */
    public Future<Void> first(SqlConnection tx, VerifiedIdentity verified, Jwk key, String agentVersion) {
        Identity who = Identity.of(verified);
        Instant now = clock.instant();
        return store.insert(tx, who.id(), who, key, agentVersion, now)
                .compose(first ->
                        first ? store.insertWatermark(tx, who.id(), key, now) : Future.<Void>succeededFuture());
    }

    /**
     * Takes note of a start of the enrolled key, which spends the document's pending time.
     *
     * @param jws the request as received: it is kept as evidence
     */
    public Future<Enrollment> restarted(
            SqlConnection tx, Enrollment known, VerifiedIdentity verified, Jws jws, String agentVersion) {
        Identity who = Identity.of(verified);
        Instant now = clock.instant();
        return store.restart(tx, known.id(), who, agentVersion, now)
                .compose(done -> store.keepEvidence(
                        tx, known.id(), who.pendingTime(), known.key().thumbprint(), jws.compact(), now))
                .compose(done -> store.keepStart(tx, known.id(), who, now))
                .compose(done -> store.find(tx, known.id()))
                .map(Optional::orElseThrow);
    }

    /** Remembers a key that was refused, so that it can be approved. */
    public Future<Void> contest(SqlConnection tx, EnrollmentId id, Jwk key) {
        return store.contest(tx, id, key, clock.instant());
    }

    /** Reads one and holds it until the transaction ends. */
    public Future<Optional<Enrollment>> lock(SqlConnection tx, EnrollmentId id) {
        return store.lock(tx, id);
    }

    /** The key on trial, if there is one. */
    public Future<Optional<Takeover>> takeover(SqlClient client, EnrollmentId id) {
        return takeovers.find(client, id);
    }

    /** Puts a key on trial, in place of another that was, or with a newer document of its own. Spends its pending time. */
    public Future<Void> tryOut(SqlConnection tx, Takeover takeover) {
        return takeovers.put(tx, takeover);
    }

    /** Ends a trial; the key can be approved still. */
    public Future<Void> dropTakeover(SqlConnection tx, EnrollmentId id) {
        return takeovers.drop(tx, id);
    }

    /** Makes the key on trial the enrolled one. The caller hands the watermark over in the same transaction. */
    public Future<Enrollment> takeOver(SqlConnection tx, Enrollment known, Takeover t) {
        Instant now = clock.instant();
        Enrollment after = t.over(known);
        return takeovers
                .takeOver(tx, t, now)
                .compose(done ->
                        store.keepEvidence(tx, t.id(), t.pendingTime(), t.key().thumbprint(), t.jws(), now))
                .compose(done -> store.keepStart(tx, t.id(), Identity.of(after), now))
                .compose(done -> store.find(tx, t.id()))
                .map(Optional::orElseThrow);
    }

    /** As {@link #useCounter}, for the key on trial. */
    public Future<Void> useTrialCounter(SqlConnection tx, Takeover of, long counter, String state, String version) {
        return takeovers
                .countUp(tx, of.id(), counter, state, version, clock.instant())
                .compose(used -> used ? Future.succeededFuture() : Future.failedFuture(staleCounter(of.counter())));
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
                                + " for instance " + instance
                                + "; or, where the cloud signs identity, stop and start the VM");
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
                .compose(used -> used(tx, of, used));
    }

    /** As above, for an agent of another VM: this one was not heard of. */
    public Future<Void> useCounterUnheard(SqlConnection tx, Enrollment of, long counter) {
        return store.countUpUnheard(tx, of.id(), counter).compose(used -> used(tx, of, used));
    }

    private Future<Void> used(SqlConnection tx, Enrollment of, boolean used) {
        return used
                ? Future.succeededFuture()
                : store.find(tx, of.id())
                        .compose(now -> Future.failedFuture(
                                staleCounter(now.map(Enrollment::counter).orElse(0L))));
    }

    /** Notes whose state the agent says it found; answers whether it is the first that it named. */
    public Future<Boolean> copied(SqlConnection tx, EnrollmentId id, String instance) {
        return store.copied(tx, id, instance);
    }

    private static Failure staleCounter(long last) {
        return Failure.of(ErrorCode.STALE_COUNTER, "counter: must be above the last one used")
                .with("counter", last);
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
                .compose(done -> takeovers.drop(tx, id))
                .compose(done -> store.find(tx, id))
                .map(Optional::orElseThrow);
    }
}
