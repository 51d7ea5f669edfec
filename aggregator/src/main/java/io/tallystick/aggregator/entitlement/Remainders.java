package io.tallystick.aggregator.entitlement;

import io.tallystick.aggregator.audit.Audit;
import io.tallystick.aggregator.audit.AuditEvent;
import io.tallystick.aggregator.enrollment.CloudSamples;
import io.tallystick.aggregator.enrollment.Enrollment;
import io.tallystick.aggregator.enrollment.Enrollments;
import io.tallystick.aggregator.usage.ServingTimes;
import io.tallystick.common.error.ErrorCode;
import io.tallystick.common.error.Failure;
import io.tallystick.common.json.Json;
import io.tallystick.common.wire.Resume;
import io.vertx.core.Future;
import io.vertx.sqlclient.SqlConnection;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;

/**
 * What a VM left that is gone: a disk moved to another VM, or an image of it, brings along usage that nobody else can send.
 * The agent that found it says whose it is, and speaks for that VM once it does not speak for itself. That keeps two honest
 * agents out of each other's way; whoever has the key could as well leave the name away.
 */
final class Remainders {
    /** Heard of within this, a VM speaks for itself: leases are renewed twice a day. */
    static final Duration SILENT = CloudSamples.HEARD;

    private final Enrollments enrollments;
    private final CloudSamples samples;
    private final ServingTimes serving;
    private final Audit audit;
    private final Clock clock;

    Remainders(Enrollments enrollments, CloudSamples samples, ServingTimes serving, Audit audit, Clock clock) {
        this.enrollments = enrollments;
        this.samples = samples;
        this.serving = serving;
        this.audit = audit;
        this.clock = clock;
    }

    /**
     * Why the VM is taken to speak for itself; empty where another's agent may.
     *
     * @param gone when the cloud showed last that it does not run any more
     * @param away for how long nobody could be heard of since the VM was
     */
    static Optional<String> refusal(Enrollment of, Optional<Instant> gone, Duration away, Instant now) {
        if (of.contended()) {
            return Optional.of("another key is about to speak for instance " + of.instance());
        }
        if (gone.filter(at -> at.isAfter(of.seenAt())).isPresent()) {
            return Optional.empty();
        }
        Instant silentAt = of.seenAt().plus(SILENT).plus(away);
        return now.isBefore(silentAt)
                ? Optional.of("instance " + of.instance() + " was heard of at " + of.seenAt()
                        + ", so it is taken to send its usage itself until " + silentAt)
                : Optional.empty();
    }

    /** Fails with {@code conflict} while the VM speaks for itself; else uses the counter, which is not being heard of. */
    Future<Void> admit(SqlConnection tx, Enrollment of, Resume.Request request) {
        Instant now = clock.instant();
        return samples.goneAt(tx, of.id())
                .compose(gone -> serving.awaySince(tx, of.seenAt(), now).map(away -> refusal(of, gone, away, now)))
                .compose(refusal -> refusal.isPresent()
                        ? Future.failedFuture(Failure.of(ErrorCode.CONFLICT, refusal.get()))
                        : enrollments.useCounterUnheard(tx, of, request.counter()));
    }

    /** Where the answer opened an epoch for another's agent, which then goes on for the VM: an event of the audit log. */
    Future<Void> note(SqlConnection tx, Enrollment of, Resume.Request request, Resume.Answer answer) {
        boolean opened =
                request.open() && answer.batches().isEmpty() && answer.from().isEmpty();
        if (request.by().isEmpty() || !opened) {
            return Future.succeededFuture();
        }
        return audit.append(
                tx,
                new AuditEvent.Change(
                        "agent:" + of.id(),
                        "enrollment.remainder",
                        of.id().toString(),
                        null,
                        Json.object(
                                "by",
                                request.by().get(),
                                "epoch",
                                answer.watermark().epoch())));
    }
}
