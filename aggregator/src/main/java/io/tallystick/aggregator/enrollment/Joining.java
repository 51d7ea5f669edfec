package io.tallystick.aggregator.enrollment;

import io.tallystick.aggregator.audit.Audit;
import io.tallystick.aggregator.audit.AuditEvent;
import io.tallystick.aggregator.db.Database;
import io.tallystick.aggregator.signing.FastEd25519;
import io.tallystick.common.error.ErrorCode;
import io.tallystick.common.error.Failure;
import io.tallystick.common.jose.Ed25519;
import io.tallystick.common.jose.Jwk;
import io.tallystick.common.jose.Jws;
import io.tallystick.common.json.Json;
import io.tallystick.common.model.EvidenceLevel;
import io.tallystick.common.wire.EnrollRequest;
import io.tallystick.common.wire.JoinCode;
import io.vertx.core.Future;
import io.vertx.sqlclient.SqlConnection;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;

/**
 * Enrollment where the cloud signs nothing. All that such a VM says of itself may be made up, so who pays, and for what, is
 * not taken from it: account and product come from the join code, made by the buyer. What is left to lie about are the
 * instance id, within the account that pays for it, its image and its type, until the cloud's API confirms them.
 *
 * <p>The first enrollment of an instance spends one use of a code. From then on the key is the proof: it names its
 * enrollment and needs no code. A missing, unknown, wrong, spent, expired and revoked code are refused alike.
 */
public final class Joining {
    /**
     * Nobody signs when such a VM started. One that was not heard of for this long is taken to have been off, so that a VM
     * switched on again is not denied for metering that stalled. Longer than a lease, so that an agent that never meters
     * cannot live on enrolling again; shorter than the silence that is denied.
     */
    static final Duration OFF_AFTER_SILENCE = Duration.ofHours(48);

    private static final String UNKNOWN_REGION = "unknown";

    /** An enrollment, and whether the asking key is the one that speaks for it; otherwise it is contested. */
    public record Joined(Enrollment enrollment, boolean speaks) {}

    private final Database database;
    private final EnrollmentStore store = new EnrollmentStore();
    private final InvitationStore invitations = new InvitationStore();
    private final Audit audit;
    private final Clock clock;

    public Joining(Database database, Audit audit, Clock clock) {
        this.database = database;
        this.audit = audit;
        this.clock = clock;
    }

    /** @param jws the request as received, verified under {@code key}: it is kept as evidence */
    public Future<Joined> join(EnrollRequest request, EnrollRequest.Claims claims, Jwk key, Jws jws) {
        Ask ask = new Ask(request, claims, key, jws);
        return database.transactor().inTx(tx -> {
            Instant now = clock.instant();
            return claims.join().isPresent()
                    ? byCode(tx, ask, claims.join().get(), now)
                    : claims.enrollment().isPresent() ? byEnrollment(tx, ask, now) : Future.failedFuture(refused());
        });
    }

    private record Ask(EnrollRequest request, EnrollRequest.Claims claims, Jwk key, Jws jws) {
        Identity as(String cloudAccount, Instant pendingTime, List<String> productCodes) {
            return new Identity(
                    request.cloud(),
                    cloudAccount,
                    claims.instance(),
                    claims.region().orElse(UNKNOWN_REGION),
                    claims.image(),
                    claims.instanceType(),
                    pendingTime,
                    productCodes,
                    EvidenceLevel.CLAIMED);
        }
    }

    private Future<Joined> byCode(SqlConnection tx, Ask ask, EnrollRequest.Join join, Instant now) {
        return invitations.find(tx, join.code()).compose(found -> {
            InvitationStore.Keyed code = found.filter(k -> proves(k, join, ask)).orElseThrow(Joining::refused);
            Invitation invitation = code.invitation();
            boolean live = invitation.isLive(now);
            if (live) {
                checkProductCodes(ask, code.productCode());
            }
            Identity who = ask.as(invitation.cloudAccount(), now, List.of(code.productCode()));
            return store.insert(tx, who.id(), who, ask.key(), ask.request().agentVersion(), now)
                    .compose(first -> first
                            ? admit(tx, ask, who, invitation, now)
                            : store.lock(tx, who.id())
                                    .map(Optional::orElseThrow)
                                    .compose(known -> meet(tx, ask, known, live, now)));
        });
    }

    private static boolean proves(InvitationStore.Keyed code, EnrollRequest.Join join, Ask ask) {
        byte[] message = JoinCode.message(
                join.code(), ask.key().thumbprint(), ask.claims().instance());
        return code.invitation().cloud().equals(ask.request().cloud())
                && Ed25519.isCanonicalSignature(join.proof())
                && FastEd25519.VERIFIER.verify(code.key().bytes(), message, join.proof());
    }

    /** Where the metadata service knows codes, a VM of another product was given the code by mistake. */
    private static void checkProductCodes(Ask ask, String productCode) {
        List<String> said = ask.request().productCodes();
        if (!said.isEmpty() && !said.contains(productCode)) {
            throw Failure.of(
                            ErrorCode.INVALID_EVIDENCE,
                            "productCodes: " + said + " are not of the join code's product, " + productCode)
                    .with("rule", "product-codes-differ")
                    .with("sentence", "The join code is for another product than the image of this VM.")
                    .with("remedy", "Give the VM a join code for the product it was launched from.");
        }
    }

    /** The use is spent in the transaction that makes the enrollment: both or neither. */
    private Future<Joined> admit(SqlConnection tx, Ask ask, Identity who, Invitation invitation, Instant now) {
        return invitations.spend(tx, invitation.id(), now).compose(spent -> {
            if (!spent) {
                return Future.failedFuture(refused());
            }
            return store.insertWatermark(tx, who.id(), ask.key(), now)
                    .compose(done -> invitations.use(tx, who.id(), invitation.id(), now))
                    .compose(done -> store.keepEvidence(
                            tx,
                            who.id(),
                            who.pendingTime(),
                            ask.key().thumbprint(),
                            ask.jws().compact(),
                            now))
                    .compose(done -> store.keepStart(tx, who.id(), who, now))
                    .compose(done -> audit.append(tx, joined(who, ask.key(), invitation)))
                    .compose(done -> found(tx, who));
        });
    }

    private static AuditEvent.Change joined(Identity who, Jwk key, Invitation invitation) {
        return new AuditEvent.Change(
                "agent:" + who.id(),
                "enrollment.join",
                who.id().toString(),
                null,
                Json.object(
                        "joinCode",
                        invitation.id(),
                        "cloud",
                        who.cloud(),
                        "cloudAccount",
                        who.account(),
                        "instance",
                        who.instance(),
                        "key",
                        key.thumbprint()));
    }

    private Future<Joined> found(SqlConnection tx, Identity who) {
        return store.find(tx, who.id()).map(found -> new Joined(found.orElseThrow(), true));
    }

    /** Somebody is enrolled: the same key is let in again whatever became of the code, another only contests with a live one. */
    private Future<Joined> meet(SqlConnection tx, Ask ask, Enrollment known, boolean live, Instant now) {
        if (known.key().equals(ask.key())) {
            return again(tx, ask, known, now);
        }
        return live ? contest(tx, ask, known, now) : Future.failedFuture(refused());
    }

    private Future<Joined> byEnrollment(SqlConnection tx, Ask ask, Instant now) {
        return store.lock(tx, ask.claims().enrollment().orElseThrow()).compose(found -> {
            Enrollment known = found.filter(e -> e.cloud().equals(ask.request().cloud())
                            && e.instance().equals(ask.claims().instance()))
                    .orElseThrow(Joining::refused);
            if (known.key().equals(ask.key())) {
                return again(tx, ask, known, now);
            }
            // A key that was replaced is told so. Any other has shown nothing: an enrollment id is no secret.
            return store.spokeBefore(tx, known.id(), ask.key().thumbprint())
                    .compose(before -> before ? contest(tx, ask, known, now) : Future.<Joined>failedFuture(refused()));
        });
    }

    private Future<Joined> contest(SqlConnection tx, Ask ask, Enrollment known, Instant now) {
        return store.contest(tx, known.id(), ask.key(), now).map(new Joined(known, false));
    }

    /** What the cloud's API has confirmed is not overwritten with claims. */
    private Future<Joined> again(SqlConnection tx, Ask ask, Enrollment known, Instant now) {
        boolean wasOff = Duration.between(known.seenAt(), now).compareTo(OFF_AFTER_SILENCE) > 0;
        Instant pendingTime = wasOff ? now : known.pendingTime();
        Identity said = ask.as(known.cloudAccount(), pendingTime, known.productCodes());
        Identity kept = new Identity(
                known.cloud(),
                known.cloudAccount(),
                known.instance(),
                known.region(),
                known.image(),
                known.instanceType(),
                pendingTime,
                known.productCodes(),
                known.evidenceLevel());
        Identity who = known.evidenceLevel() == EvidenceLevel.CLAIMED ? said : kept;
        return store.restart(tx, known.id(), who, ask.request().agentVersion(), now)
                .compose(done -> store.keepEvidence(
                        tx,
                        known.id(),
                        pendingTime,
                        ask.key().thumbprint(),
                        ask.jws().compact(),
                        now))
                .compose(done -> store.keepStart(tx, known.id(), who, now))
                .compose(done -> found(tx, who));
    }

    /** One answer for all that can be wrong with a code, so that it tells a guesser nothing. */
    private static Failure refused() {
        return Failure.of(ErrorCode.INVALID_EVIDENCE, "the VM shows no valid join code")
                .with("rule", "join-code")
                .with(
                        "sentence",
                        "This VM has no valid join code: it is missing, unknown, used up, expired or revoked.")
                .with(
                        "remedy",
                        "Make a join code on the marketplace and give it to the VM: as the line"
                                + " tallystick-join-code=… of its user data, or in the file of the agent's setting"
                                + " join-code.file.");
    }
}
