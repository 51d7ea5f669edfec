package io.tallystick.aggregator.usage;

import io.tallystick.aggregator.signing.FastEd25519;
import io.tallystick.common.error.ErrorCode;
import io.tallystick.common.error.Failure;
import io.tallystick.common.jose.Jws;
import io.tallystick.common.jose.Typ;
import io.tallystick.common.model.EnrollmentId;
import io.tallystick.common.model.Quantity;
import io.tallystick.common.wire.Batch;
import io.tallystick.common.wire.Receipt;
import io.tallystick.common.wire.Watermark;
import io.tallystick.common.wire.Wire;
import io.vertx.core.Future;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.LongSupplier;

/**
 * Takes batches: authentic, well-formed and in sequence they are stored and answered with a receipt, whatever their
 * records say. Everything that can be checked without the ledger is checked before a batch enters its lane.
 */
public final class Batches {
    /** How long shed clients are told to stay away; agents add jitter. */
    private static final Duration SHED_RETRY = Duration.ofSeconds(5);

    private final UsageContexts contexts;
    private final List<IngestLane> lanes;
    private final Incidents incidents;
    private final Takeovers takeovers;
    private final BatchMeters meters;
    private final ServingTimes serving;
    private final Set<String> issuers;
    private final Clock clock;
    private final LongSupplier nanoTime;
    private final UsageStore store = new UsageStore();
    private final ArchivedChains archived = new ArchivedChains();
    private final Intake intake;

    /** @param issuers this aggregator's public URL and its former ones: batches may have been signed weeks ago */
    Batches(
            UsageContexts contexts,
            List<IngestLane> lanes,
            Incidents incidents,
            Takeovers takeovers,
            BatchMeters meters,
            ServingTimes serving,
            Set<String> issuers,
            Clock clock,
            LongSupplier nanoTime) {
        this.contexts = contexts;
        this.lanes = List.copyOf(lanes);
        this.incidents = incidents;
        this.takeovers = takeovers;
        this.meters = meters;
        this.serving = serving;
        this.issuers = Set.copyOf(issuers);
        this.clock = clock;
        this.nanoTime = nanoTime;
        this.intake = new Intake(nanoTime);
    }

    /**
     * Throws {@code overloaded} where {@link #accept} would by now: asked before a batch's body is read, which would be most
     * of the cost of refusing it.
     */
    public void foresee(EnrollmentId id) {
        IngestLane lane = lane(id);
        intake.foreseen(lane.isFull(), lane.isFullOf(id)).ifPresent(refusal -> {
            throw shed(refusal);
        });
    }

    private IngestLane lane(EnrollmentId id) {
        return lanes.get(Math.floorMod(id.uuid().hashCode(), lanes.size()));
    }

    private Failure shed(Intake.Refusal refusal) {
        meters.shed();
        if (refusal.excusesSilence()) {
            serving.refused();
        }
        return Failure.of(ErrorCode.OVERLOADED, "more batches are waiting than can be stored soon; send it again")
                .with("retryAfterSeconds", SHED_RETRY.toSeconds());
    }

    /** Stores one batch; answers the compact receipt, the same one however often the same batch comes. */
    public Future<String> accept(EnrollmentId id, byte[] body) {
        IngestLane lane = lane(id);
        Optional<Intake.Refusal> refusal = intake.refusal(lane.isFull(), lane.isFullOf(id));
        if (refusal.isPresent()) {
            return Future.failedFuture(shed(refusal.get()));
        }
        long since = nanoTime.getAsLong();
        Instant received = clock.instant().truncatedTo(ChronoUnit.MILLIS);
        Jws jws = Jws.parseFlattened(body, Typ.BATCH);
        checkPlace(id, jws);
        intake.checking();
        return contexts.of(id)
                .compose(context -> authentic(jws, context))
                .compose(context -> plan(id, jws, context, received, body.length))
                .onComplete(prepared -> intake.checked())
                .compose(submission -> submit(lane, submission)
                        .recover(e -> IngestLane.isDataError(e)
                                ? submit(lane, refusingAll(submission))
                                : Future.failedFuture(e))
                        .onSuccess(outcome -> meters.decided(outcome, nanoTime.getAsLong() - since))
                        .compose(outcome -> answer(submission, outcome)));
    }

    /** Where another key is on trial, this one was heard now, and the trial ends before the batch is stored. */
    private Future<IngestLane.Outcome> submit(IngestLane lane, Submission s) {
        return lane.submit(s)
                .compose(outcome -> outcome instanceof IngestLane.Outcome.Contended
                        ? takeovers.heard(s.enrollment(), s.key()).compose(done -> lane.submit(s))
                        : Future.succeededFuture(outcome));
    }

    private void checkPlace(EnrollmentId id, Jws jws) {
        if (!id.toString().equals(jws.header().kid())) {
            throw Failure.of(ErrorCode.INVALID_JWS, "kid: must be the enrollment of the path, " + id);
        }
        String url = String.valueOf(jws.header().url());
        String path = Wire.batchesPath(id.toString());
        if (issuers.stream().noneMatch(issuer -> url.equals(issuer + path))) {
            throw Failure.of(ErrorCode.INVALID_JWS, "url: must be this aggregator's public URL followed by " + path);
        }
    }

    /** The context whose key signed; read again once, in case another key was approved since it was cached. */
    private Future<UsageContext> authentic(Jws jws, UsageContext context) {
        try {
            jws.verified(context.enrollment().key(), FastEd25519.VERIFIER);
            return Future.succeededFuture(context);
        } catch (Failure e) {
            return contexts.reload(context.enrollment().id()).map(fresh -> {
                jws.verified(fresh.enrollment().key(), FastEd25519.VERIFIER);
                return fresh;
            });
        }
    }

    private Future<Submission> plan(EnrollmentId id, Jws jws, UsageContext context, Instant received, int bytes) {
        Batch batch = Batch.parse(jws.payload());
        BatchRules.Plan plan = BatchRules.plan(batch.records(), context, received);
        Future<BatchRules.Plan> certain = plan.mayDependOnStaleContext()
                ? contexts.reload(id).map(fresh -> BatchRules.plan(batch.records(), fresh, received))
                : Future.succeededFuture(plan);
        return certain.map(
                p -> new Submission(id, context.enrollment().key().thumbprint(), jws, batch, p, received, bytes));
    }

    /** For the batch whose sums leave the ledger's range: it consumes its number, and says why nothing was added. */
    private static Submission refusingAll(Submission s) {
        List<Receipt.Refused> refused = new ArrayList<>();
        for (int i = 0; i < s.batch().records().size(); i++) {
            refused.add(new Receipt.Refused(
                    i,
                    ErrorCode.OUT_OF_RANGE.wire(),
                    "the hour's sum would exceed " + Quantity.INTEGER_DIGITS_MAX + " digits before the point"));
        }
        return new Submission(
                s.enrollment(),
                s.key(),
                s.jws(),
                s.batch(),
                new BatchRules.Plan(List.of(), List.of(), refused, List.of()),
                s.received(),
                s.bytes());
    }

    private Future<String> answer(Submission s, IngestLane.Outcome outcome) {
        if (outcome instanceof IngestLane.Outcome.Fresh fresh) {
            meters.stored(s.batch().records().size(), fresh.refused());
            return Future.succeededFuture(fresh.receipt());
        }
        if (outcome instanceof IngestLane.Outcome.Old old) {
            return seenBefore(s, old.current());
        }
        if (outcome instanceof IngestLane.Outcome.Gap gap) {
            return gap(s, gap.current());
        }
        if (outcome instanceof IngestLane.Outcome.WrongPrev wrong) {
            return fork(s, wrong.current());
        }
        // A second trial within the moment after the first was ended.
        return Future.failedFuture(Failure.of(ErrorCode.OVERLOADED, "the instance is contested; send it again")
                .with("retryAfterSeconds", SHED_RETRY.toSeconds()));
    }

    private Future<String> seenBefore(Submission s, Watermark current) {
        return store.stored(
                        contexts.reads(),
                        s.enrollment(),
                        s.batch().epoch(),
                        s.batch().seq())
                .compose(found -> {
                    if (found.isPresent()) {
                        boolean same = Jws.parseCompact(found.get().jws(), Typ.BATCH)
                                .hash()
                                .equals(s.jws().hash());
                        if (same) {
                            meters.repeated();
                            return Future.succeededFuture(found.get().receipt());
                        }
                        return fork(s, current);
                    }
                    return archived.seen(
                                    contexts.reads(),
                                    s.enrollment(),
                                    s.batch().epoch(),
                                    s.batch().seq(),
                                    s.jws().hash())
                            .compose(seen -> notThere(s, current, seen));
                });
    }

    private Future<String> notThere(Submission s, Watermark current, Optional<ArchivedChains.Seen> archivedOne) {
        if (archivedOne.isPresent()) {
            Optional<String> receipt = archivedOne.get().receipt();
            receipt.ifPresent(same -> meters.repeated());
            return receipt.map(Future::succeededFuture).orElseGet(() -> fork(s, current));
        }
        // An epoch that was closed before this batch arrived: it was never counted and does not fit now.
        return s.batch().epoch() < current.epoch() ? gap(s, current) : fork(s, current);
    }

    private Future<String> gap(Submission s, Watermark current) {
        meters.gap();
        String detail = "batch " + s.batch().epoch() + "." + s.batch().seq() + " came while " + current.epoch() + "."
                + (current.seq() + 1) + " was expected";
        return incidents
                .report(Incidents.Kind.GAP, s.enrollment(), current.epoch() + "." + current.seq(), detail)
                .compose(first ->
                        Future.failedFuture(Failure.of(ErrorCode.GAP, detail).with("expected", current.toJson())));
    }

    private Future<String> fork(Submission s, Watermark current) {
        meters.fork();
        String detail = "batch " + s.batch().epoch() + "." + s.batch().seq() + " with hash "
                + s.jws().hash() + " does not continue what is stored";
        return incidents
                .report(Incidents.Kind.FORK, s.enrollment(), current.epoch() + "." + current.seq(), detail)
                .compose(first ->
                        Future.failedFuture(Failure.of(ErrorCode.FORK, detail).with("stored", current.toJson())));
    }
}
