package io.tallystick.aggregator.enrollment;

import io.tallystick.aggregator.audit.Audit;
import io.tallystick.aggregator.audit.AuditEvent;
import io.tallystick.aggregator.db.Database;
import io.tallystick.aggregator.enrollment.ConfirmationRules.Finding;
import io.tallystick.aggregator.enrollment.ConfirmationRules.Outcome;
import io.tallystick.aggregator.image.CloudKey;
import io.tallystick.aggregator.image.CloudVm;
import io.tallystick.aggregator.image.ImageCloud;
import io.tallystick.aggregator.image.ImageCloudException;
import io.tallystick.common.json.Json;
import io.tallystick.common.model.EvidenceLevel;
import io.tallystick.common.wire.EnrollRequest;
import io.vertx.core.Future;
import io.vertx.sqlclient.SqlConnection;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Function;
import java.util.regex.Pattern;

/**
 * Raises claims to {@code api-confirmed} by asking the cloud, and takes that back. The cloud is asked when an agent enrolls
 * or renews, at most once a minute an enrollment, whatever the number of processes.
 *
 * <p>What the cloud refutes (no such VM, not running, code or tag gone) lowers the level at once. Silence and errors
 * change nothing, as they say nothing of the VM; but a confirmation that could not be repeated for {@link #LASTS} ends,
 * so that taking the key back is no way to keep it for ever. Every change of level is an audit event with the reason.
 */
public final class Confirmations {
    static final Duration ASK_EVERY = Duration.ofMinutes(1);
    static final Duration LASTS = Duration.ofDays(7);
    /** As long as an agent's request waits for the cloud; what comes later still counts, from the next request on. */
    static final Duration ANSWER_WITHIN = Duration.ofSeconds(3);

    /** The agent says the region, and it becomes part of an address: the form that regions have, nothing else. */
    private static final Pattern REGION = Pattern.compile("[a-z]{2,16}(-[a-z]{2,16}){1,3}-[0-9]{1,2}");

    /** What is known of the last asking. */
    public record State(Instant askedAt, Optional<Instant> confirmedAt, String finding) {}

    /** A cloud as the owner of a key sees it. */
    @FunctionalInterface
    public interface KeyedClouds {
        ImageCloud with(String cloud, String cloudAccount, CloudKey key);
    }

    private final Database database;
    private final EnrollmentStore enrollments = new EnrollmentStore();
    private final ConfirmationStore store = new ConfirmationStore();
    private final CloudKeys keys;
    private final KeyedClouds keyed;
    private final Function<String, Optional<ImageCloud>> own;
    private final Audit audit;
    private final Clock clock;

    /** @param own the marketplace's own access to a cloud, which shows the VMs of its own account there */
    public Confirmations(
            Database database,
            CloudKeys keys,
            KeyedClouds keyed,
            Function<String, Optional<ImageCloud>> own,
            Audit audit,
            Clock clock) {
        this.database = database;
        this.keys = keys;
        this.keyed = keyed;
        this.own = own;
        this.audit = audit;
        this.clock = clock;
    }

    /** What the last asking found, for operators. */
    public Future<Optional<State>> state(Enrollment enrollment) {
        return store.state(database.reads(), enrollment.id());
    }

    /** Asks the cloud about this enrollment if that is due and possible; answers it as it then is. */
    public Future<Enrollment> refresh(Enrollment enrollment) {
        if (!enrollment.cloud().equals(EnrollRequest.OUTSCALE)) {
            return Future.succeededFuture(enrollment);
        }
        return cloudOf(enrollment).compose(cloud -> {
            if (cloud.isEmpty() && enrollment.evidenceLevel() == EvidenceLevel.CLAIMED) {
                return Future.succeededFuture(enrollment);
            }
            Instant now = clock.instant();
            return store.begin(database.reads(), enrollment.id(), now, ASK_EVERY)
                    .compose(mine -> mine ? ask(enrollment, cloud, now) : Future.succeededFuture(enrollment));
        });
    }

    /** By the key its owner set; else as ourselves, where the VM is in our own account. */
    private Future<Optional<ImageCloud>> cloudOf(Enrollment e) {
        return keys.of(database.reads(), e.cloud(), e.cloudAccount())
                .map(key -> key.map(k -> keyed.with(e.cloud(), e.cloudAccount(), k))
                        .or(() -> own.apply(e.cloud()).filter(c -> c.account().equals(e.cloudAccount()))));
    }

    private Future<Enrollment> ask(Enrollment enrollment, Optional<ImageCloud> cloud, Instant now) {
        Future<Enrollment> settled = finding(enrollment, cloud).compose(f -> settle(enrollment, f, now));
        return settled.timeout(ANSWER_WITHIN.toMillis(), TimeUnit.MILLISECONDS)
                .recover(e ->
                        e instanceof TimeoutException ? Future.succeededFuture(enrollment) : Future.failedFuture(e));
    }

    private static Future<Finding> finding(Enrollment enrollment, Optional<ImageCloud> cloud) {
        if (cloud.isEmpty()) {
            return Future.succeededFuture(Finding.unknown(
                    "there is no access key of account " + enrollment.cloudAccount() + " to ask the cloud with"));
        }
        if (!REGION.matcher(enrollment.region()).matches()) {
            return Future.succeededFuture(Finding.unknown("the agent says no region the cloud could be asked in"));
        }
        return cloud.get()
                .vm(enrollment.region(), enrollment.instance())
                .map(vm -> ConfirmationRules.judge(enrollment, vm))
                .recover(e -> e instanceof ImageCloudException refused
                        ? Future.succeededFuture(Finding.unknown("the cloud could not be asked: " + refused.code()))
                        : Future.failedFuture(e));
    }

    private Future<Enrollment> settle(Enrollment asked, Finding finding, Instant now) {
        return database.transactor().inTx(tx -> enrollments
                .lock(tx, asked.id())
                .map(Optional::orElseThrow)
                .compose(known -> known.key().equals(asked.key())
                        ? settle(tx, known, finding, now)
                        // Another key was let in meanwhile; the finding is not about it.
                        : Future.succeededFuture(known)));
    }

    private Future<Enrollment> settle(SqlConnection tx, Enrollment known, Finding finding, Instant now) {
        boolean confirmed = known.evidenceLevel() == EvidenceLevel.API_CONFIRMED;
        return store.state(tx, known.id()).compose(before -> {
            Instant last = before.flatMap(State::confirmedAt).orElse(Instant.EPOCH);
            boolean lapsed =
                    finding.outcome() == Outcome.UNKNOWN && last.plus(LASTS).isBefore(now);
            Future<Void> changed = Future.succeededFuture();
            if (finding.vm().isPresent()) {
                changed = adopt(tx, known, finding.vm().get(), now)
                        .compose(done -> confirmed
                                ? Future.succeededFuture()
                                : audit(tx, known, EvidenceLevel.API_CONFIRMED, finding.sentence()));
            } else if (confirmed && (finding.outcome() == Outcome.REFUTED || lapsed)) {
                String reason = lapsed
                        ? "not confirmed again for " + LASTS.toDays() + " days: " + finding.sentence()
                        : finding.sentence();
                changed = store.lower(tx, known.id()).compose(done -> audit(tx, known, EvidenceLevel.CLAIMED, reason));
            }
            Optional<Instant> at = finding.outcome() == Outcome.CONFIRMED ? Optional.of(now) : Optional.empty();
            return changed.compose(done -> store.found(tx, known.id(), finding.sentence(), at))
                    .compose(done -> enrollments.find(tx, known.id()))
                    .map(Optional::orElseThrow);
        });
    }

    /** Image, type and region are from now on the cloud's words and no longer the agent's. */
    private Future<Void> adopt(SqlConnection tx, Enrollment known, CloudVm vm, Instant now) {
        Identity who = new Identity(
                known.cloud(),
                known.cloudAccount(),
                known.instance(),
                vm.region(),
                vm.imageId(),
                vm.instanceType(),
                known.pendingTime(),
                known.productCodes(),
                EvidenceLevel.API_CONFIRMED);
        return store.raise(tx, known.id(), vm).compose(done -> enrollments.keepStart(tx, known.id(), who, now));
    }

    private Future<Void> audit(SqlConnection tx, Enrollment e, EvidenceLevel to, String reason) {
        return audit.append(
                tx,
                new AuditEvent.Change(
                        "cloud:" + e.cloud(),
                        "enrollment.level",
                        e.id().toString(),
                        Json.object("evidenceLevel", e.evidenceLevel().wire()),
                        Json.object("evidenceLevel", to.wire(), "key", e.key().thumbprint(), "reason", reason)));
    }
}
