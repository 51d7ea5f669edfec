package io.tallystick.aggregator.entitlement;

import io.tallystick.aggregator.audit.Audit;
import io.tallystick.aggregator.audit.AuditEvent;
import io.tallystick.aggregator.db.Database;
import io.tallystick.aggregator.enrollment.CloudSamples;
import io.tallystick.aggregator.enrollment.Confirmations;
import io.tallystick.aggregator.enrollment.Enrollment;
import io.tallystick.aggregator.enrollment.Enrollments;
import io.tallystick.aggregator.enrollment.Joining;
import io.tallystick.aggregator.enrollment.Takeover;
import io.tallystick.aggregator.enrollment.evidence.AwsEvidenceVerifier;
import io.tallystick.aggregator.enrollment.evidence.VerifiedIdentity;
import io.tallystick.aggregator.signing.FastEd25519;
import io.tallystick.aggregator.signing.SigningKeys;
import io.tallystick.aggregator.usage.Incidents;
import io.tallystick.aggregator.usage.ServingTimes;
import io.tallystick.aggregator.usage.Takeovers;
import io.tallystick.aggregator.usage.Watermarks;
import io.tallystick.aggregator.web.Caller;
import io.tallystick.common.error.ErrorCode;
import io.tallystick.common.error.Failure;
import io.tallystick.common.jose.Jwk;
import io.tallystick.common.jose.Jws;
import io.tallystick.common.jose.Typ;
import io.tallystick.common.json.Json;
import io.tallystick.common.model.EnrollmentId;
import io.tallystick.common.model.Hash;
import io.tallystick.common.wire.Answer;
import io.tallystick.common.wire.Decision;
import io.tallystick.common.wire.EnrollRequest;
import io.tallystick.common.wire.LeaseRequest;
import io.tallystick.common.wire.Resume;
import io.tallystick.common.wire.Watermark;
import io.tallystick.common.wire.Wire;
import io.vertx.core.Future;
import io.vertx.sqlclient.SqlConnection;
import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.HashSet;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.function.BiFunction;
import java.util.function.Supplier;

/**
 * The exchanges in which an agent proves itself and learns what it may do: enroll (at each start), renew, resume. Every
 * answer is signed and names the request it answers.
 */
public final class Entitlements {
    private final Database database;
    private final AwsEvidenceVerifier aws;
    private final Enrollments enrollments;
    private final Takeovers takeovers;
    private final Admission admission;
    private final Joining joining;
    private final Confirmations confirmations;
    private final Remainders remainders;
    private final Watermarks watermarks;
    private final Decisions decisions;
    private final Incidents incidents;
    private final SigningKeys keys;
    private final Audit audit;
    private final String issuer;
    private final Clock clock;

    /**
     * @param documentAgeMax how long ago a VM may have been started whose document enrolls it; empty for no limit
     * @param issuer the public URL: what requests name in {@code url} and leases in {@code iss}
     */
    public Entitlements(
            Database database,
            AwsEvidenceVerifier aws,
            Enrollments enrollments,
            Takeovers takeovers,
            Optional<Duration> documentAgeMax,
            Joining joining,
            Confirmations confirmations,
            CloudSamples samples,
            ServingTimes serving,
            Watermarks watermarks,
            Decisions decisions,
            Incidents incidents,
            SigningKeys keys,
            Audit audit,
            String issuer,
            Clock clock) {
        this.database = database;
        this.aws = aws;
        this.enrollments = enrollments;
        this.takeovers = takeovers;
        this.admission = new Admission(database, enrollments, takeovers, documentAgeMax, clock);
        this.joining = joining;
        this.confirmations = confirmations;
        this.remainders = new Remainders(enrollments, samples, serving, audit, clock);
        this.watermarks = watermarks;
        this.decisions = decisions;
        this.incidents = incidents;
        this.keys = keys;
        this.audit = audit;
        this.issuer = issuer;
        this.clock = clock;
    }

    /** Takes an {@code enroll+jws}; answers an {@code answer+jws}. */
    public Future<Jws> enroll(byte[] body) {
        Jws jws = Jws.parseFlattened(body, Typ.ENROLL).fresh(clock.instant());
        checkUrl(jws, Wire.ENROLLMENTS_PATH);
        Jwk key = Objects.requireNonNull(jws.header().jwk());
        jws.verified(key, FastEd25519.VERIFIER);
        EnrollRequest request = EnrollRequest.parse(jws.payload());
        Future<Admission.Admitted> enrolled = request.evidence() instanceof EnrollRequest.Claims claims
                ? join(request, claims, key, jws)
                        .compose(confirmations::refresh)
                        .map(joined -> new Admission.Admitted(joined, Optional.empty()))
                : attested(request, (EnrollRequest.SignedDocument) request.evidence(), key, jws);
        return enrolled.compose(admitted -> copied(request, admitted).compose(done -> answer(admitted, jws.hash())));
    }

    /** A clone, or a VM that got another's disk, says so once: a key on trial does not speak for the VM yet. */
    private Future<Void> copied(EnrollRequest request, Admission.Admitted admitted) {
        Enrollment e = admitted.enrollment();
        if (request.copiedFrom().isEmpty()
                || admitted.until().isPresent()
                || e.copiedFrom().isPresent()) {
            return Future.succeededFuture();
        }
        String from = request.copiedFrom().get();
        return database.transactor().inTx(tx -> enrollments
                .copied(tx, e.id(), from)
                .compose(first -> first
                        ? audit.append(
                                tx,
                                new AuditEvent.Change(
                                        "agent:" + e.id(),
                                        "enrollment.copied",
                                        e.id().toString(),
                                        null,
                                        Json.object("instance", e.instance(), "copiedFrom", from)))
                        : Future.succeededFuture()));
    }

    private Future<Admission.Admitted> attested(
            EnrollRequest request, EnrollRequest.SignedDocument evidence, Jwk key, Jws jws) {
        VerifiedIdentity who = aws.verify(
                evidence.pkcs7().getBytes(StandardCharsets.US_ASCII),
                evidence.document().map(d -> d.getBytes(StandardCharsets.UTF_8)).orElse(null));
        checkProductCodes(request, who);
        return admission
                .admit(who, key, jws, request.agentVersion())
                .recover(e -> contested(Enrollments.idOf(who), key, e));
    }

    private Future<Enrollment> join(EnrollRequest request, EnrollRequest.Claims claims, Jwk key, Jws jws) {
        return joining.join(request, claims, key, jws)
                .compose(joined -> joined.speaks()
                        ? Future.succeededFuture(joined.enrollment())
                        : contested(
                                joined.enrollment().id(),
                                key,
                                Enrollments.contested(claims.instance(), key.thumbprint())));
    }

    /** Takes a {@code lease-request+jws}; answers an {@code answer+jws}. */
    public Future<Jws> renew(EnrollmentId id, byte[] body) {
        Jws jws = Jws.parseFlattened(body, Typ.LEASE_REQUEST);
        return authentic(id, jws, Wire.leasePath(id.toString()), (tx, speaker) -> {
                    LeaseRequest r = LeaseRequest.parse(jws.payload());
                    return speaker.onTrial()
                            .map(t -> renewOnTrial(tx, speaker.of(), t, r))
                            .orElseGet(() -> enrollments
                                    .useCounter(tx, speaker.of().enrollment(), r.counter(), r.state(), r.agentVersion())
                                    .compose(done -> enrollments.find(tx, id))
                                    .map(e -> new Admission.Admitted(e.orElseThrow(), Optional.empty())));
                })
                .compose(admitted -> confirmations
                        .refresh(admitted.enrollment())
                        .map(e -> new Admission.Admitted(e, admitted.until())))
                .compose(admitted -> answer(admitted, jws.hash()));
    }

    private Future<Admission.Admitted> renewOnTrial(SqlConnection tx, Takeovers.Case of, Takeover t, LeaseRequest r) {
        return enrollments
                .useTrialCounter(tx, t, r.counter(), r.state(), r.agentVersion())
                .map(done -> new Admission.Admitted(t.counted(r.counter()).over(of.enrollment()), of.until()));
    }

    /**
     * Takes a {@code resume+jws} from an agent whose state went back, or from another VM's agent that found this one's state;
     * answers an {@code answer+jws}.
     */
    public Future<Jws> resume(EnrollmentId id, byte[] body) {
        Jws jws = Jws.parseFlattened(body, Typ.RESUME);
        return authentic(id, jws, Wire.resumePath(id.toString()), (tx, speaker) -> {
                    Enrollment enrollment = speaker.of().enrollment();
                    if (speaker.onTrial().isPresent()) {
                        Hash key = speaker.onTrial().get().key().thumbprint();
                        return Future.failedFuture(Enrollments.contested(enrollment.instance(), key));
                    }
                    Resume.Request r = Resume.Request.parse(jws.payload());
                    Future<Void> used = r.by().isPresent()
                            ? remainders.admit(tx, enrollment, r)
                            : enrollments.useCounter(
                                    tx, enrollment, r.counter(), enrollment.agentState(), enrollment.agentVersion());
                    return used.compose(done ->
                                    watermarks.resume(tx, id, r, jws.hash().toString()))
                            .compose(answer ->
                                    remainders.note(tx, enrollment, r, answer).map(answer));
                })
                .map(answer -> keys.sign(Typ.ANSWER, answer.toBytes()));
    }

    /**
     * What holds now for one product an agent names in a signed request of another feature's. For a key on trial nothing
     * does: what is decided here may be kept for ever.
     *
     * @param path of the request's URL
     * @param product reads the product's code from the request once its signature is verified
     */
    public Future<Decision> decide(EnrollmentId id, Jws jws, String path, Supplier<String> product) {
        return authentic(id, jws, path, (tx, speaker) -> {
                    Enrollment enrollment = speaker.of().enrollment();
                    return speaker.onTrial()
                            .map(t -> Future.<Enrollment>failedFuture(Enrollments.contested(
                                    enrollment.instance(), t.key().thumbprint())))
                            .orElseGet(() -> Future.succeededFuture(enrollment));
                })
                .compose(enrollment -> {
                    String code = product.get();
                    if (!enrollment.productCodes().contains(code)) {
                        throw Failure.of(
                                ErrorCode.UNKNOWN_PRODUCT,
                                "the instance carries " + enrollment.productCodes() + ", not product code " + code);
                    }
                    return watermarks
                            .of(database.reads(), id)
                            .compose(progress -> decisions.of(enrollment, progress, clock.instant(), Optional.empty()))
                            .map(decided -> decided.decisions().stream()
                                    .filter(d -> d.product().equals(code))
                                    .findFirst()
                                    .orElseThrow());
                });
    }

    /**
     * Lets a contested key speak for its instance, from a new epoch on; the key before it no longer can. Approving the key
     * that speaks already ends another one's trial.
     *
     * @param caller who decided, for the audit log: an operator, or the account that owns the VM
     */
    public Future<Enrollment> approve(Caller caller, EnrollmentId id, Hash thumbprint) {
        return database.transactor().inTx(tx -> enrollments
                .visible(tx, caller, id)
                .compose(seen -> takeovers.settled(tx, id))
                .compose(c -> c.enrollment().key().thumbprint().equals(thumbprint)
                        ? takeovers.cancel(tx, c, caller.actor()).map(c.enrollment())
                        : approve(tx, caller, c.enrollment(), thumbprint)));
    }

    private Future<Enrollment> approve(SqlConnection tx, Caller caller, Enrollment before, Hash thumbprint) {
        return enrollments.approve(tx, before.id(), thumbprint).compose(after -> watermarks
                .handOver(tx, before.id(), thumbprint)
                .compose(mark -> audit.append(tx, approved(caller.actor(), before, after, mark)))
                .map(after));
    }

    private static AuditEvent.Change approved(String actor, Enrollment before, Enrollment after, Watermark mark) {
        return new AuditEvent.Change(
                actor,
                "enrollment.approve",
                after.id().toString(),
                Json.object("key", before.key().thumbprint().toString()),
                Json.object("key", after.key().thumbprint().toString(), "epoch", mark.epoch()));
    }

    private <T> Future<T> authentic(
            EnrollmentId id, Jws jws, String path, BiFunction<SqlConnection, Speaker, Future<T>> work) {
        jws.fresh(clock.instant());
        if (!id.toString().equals(jws.header().kid())) {
            throw Failure.of(ErrorCode.INVALID_JWS, "kid: must be the enrollment of the path, " + id);
        }
        checkUrl(jws, path);
        return database.transactor().inTx(tx -> enrollments
                .find(tx, id)
                .map(found -> found.orElseThrow(() -> noEnrollment(id)))
                .compose(known -> known.contended()
                        ? takeovers.settled(tx, id)
                        : Future.succeededFuture(Takeovers.Case.quiet(known)))
                .compose(c -> speaker(tx, c, jws))
                .compose(speaker -> work.apply(tx, speaker)));
    }

    /** Whose signature it is: the enrolled key's, which ends another one's trial, or that of the key on trial. */
    private Future<Speaker> speaker(SqlConnection tx, Takeovers.Case c, Jws jws) {
        Optional<Takeover> trial = c.takeover().filter(t -> isSignedBy(jws, t.key()));
        if (trial.isPresent()) {
            return Future.succeededFuture(new Speaker(c, trial));
        }
        jws.verified(c.enrollment().key(), FastEd25519.VERIFIER);
        return takeovers
                .cancel(tx, c, "agent:" + c.enrollment().id())
                .map(new Speaker(Takeovers.Case.quiet(c.enrollment()), Optional.empty()));
    }

    private static boolean isSignedBy(Jws jws, Jwk key) {
        try {
            jws.verified(key, FastEd25519.VERIFIER);
            return true;
        } catch (Failure e) {
            return false;
        }
    }

    /** Who signed a request: the enrolled key, or the one on trial. */
    private record Speaker(Takeovers.Case of, Optional<Takeover> onTrial) {}

    private static Failure noEnrollment(EnrollmentId id) {
        return Failure.of(ErrorCode.NOT_FOUND, "there is no enrollment " + id);
    }

    private void checkUrl(Jws jws, String path) {
        if (!(issuer + path).equals(jws.header().url())) {
            throw Failure.of(ErrorCode.INVALID_JWS, "url: must be " + issuer + path);
        }
    }

    /** Metadata that says other codes than the signed document is a metadata service that was tampered with. */
    private static void checkProductCodes(EnrollRequest request, VerifiedIdentity who) {
        Set<String> said = new HashSet<>(request.productCodes());
        if (!said.isEmpty() && !said.equals(new HashSet<>(who.productCodes()))) {
            throw Failure.of(
                            ErrorCode.INVALID_EVIDENCE,
                            "productCodes: " + said + " differ from those of the signed document, "
                                    + who.productCodes())
                    .with("rule", "product-codes-differ");
        }
    }

    private <T> Future<T> contested(EnrollmentId id, Jwk key, Throwable e) {
        if (!(e instanceof Failure f) || f.code() != ErrorCode.CONTESTED) {
            return Future.failedFuture(e);
        }
        return incidents
                .report(Incidents.Kind.CONTESTED, id, key.thumbprint().toString(), f.detail())
                .compose(first -> Future.failedFuture(f));
    }

    private Future<Jws> answer(Admission.Admitted admitted, Hash request) {
        Enrollment enrollment = admitted.enrollment();
        // Leases and answers carry whole milliseconds, so that what agents store is what was signed.
        Instant now = clock.instant().truncatedTo(ChronoUnit.MILLIS);
        return watermarks
                .of(database.reads(), enrollment.id())
                .compose(progress -> decisions
                        .of(enrollment, progress, now, admitted.until())
                        .map(decided -> new Answer(
                                request,
                                now,
                                enrollment.id(),
                                enrollment.evidenceLevel().wire(),
                                enrollment.counter(),
                                progress.watermark(),
                                decided.decisions(),
                                decided.plan(),
                                admitted.until().map(u -> u.truncatedTo(ChronoUnit.MILLIS)))))
                .map(answer -> keys.sign(Typ.ANSWER, answer.toBytes()));
    }
}
