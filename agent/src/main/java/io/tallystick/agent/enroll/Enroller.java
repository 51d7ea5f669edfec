package io.tallystick.agent.enroll;

import io.tallystick.agent.clock.TimeSource;
import io.tallystick.agent.clock.TrustedTime;
import io.tallystick.agent.metadata.Identity;
import io.tallystick.agent.metadata.MetadataService;
import io.tallystick.agent.net.Aggregator;
import io.tallystick.agent.net.Backoff;
import io.tallystick.agent.net.IssuerKeys;
import io.tallystick.agent.net.Refused;
import io.tallystick.agent.net.Unreachable;
import io.tallystick.agent.store.Replacement;
import io.tallystick.agent.store.Store;
import io.tallystick.common.error.ErrorCode;
import io.tallystick.common.error.Failure;
import io.tallystick.common.jose.Jws;
import io.tallystick.common.jose.Typ;
import io.tallystick.common.json.Fields;
import io.tallystick.common.model.EnrollmentId;
import io.tallystick.common.wire.Answer;
import io.tallystick.common.wire.Decision;
import io.tallystick.common.wire.EnrollRequest;
import io.tallystick.common.wire.Lease;
import io.tallystick.common.wire.LeaseRequest;
import io.tallystick.common.wire.Watermark;
import io.tallystick.common.wire.Wire;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.logging.Level;
import java.util.logging.Logger;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/**
 * Finds out who this VM is, enrolls at every start and keeps the leases fresh. Called by the main loop only; all due
 * times are boot time, so a jumping wall clock moves none of them.
 *
 * <p>What the aggregator signed outweighs what it merely says: a signed DENY ends a valid lease, an unsigned refusal
 * does not. A state folder that belongs to another instance (a cloned image) is set aside whole before the first
 * request, because its key and numbers are not ours.
 */
public final class Enroller implements Speaker {
    /** How soon a contested agent asks again: the owner may have approved it. */
    static final Duration CONTESTED_RETRY = Duration.ofSeconds(60);
    /** A grace that ends early must not be noticed only at half-life. */
    private static final Duration GRACE_RENEW = Duration.ofMinutes(15);
    /** A trial that was stopped is noticed within this. */
    private static final Duration TRIAL_RENEW = Duration.ofMinutes(5);
    /** A trial is over when the aggregator's clock says so. */
    private static final Duration AFTER_TRIAL = Duration.ofSeconds(1);
    /** Renewed no faster than this, however short a lease is. */
    private static final Duration RENEW_MIN = Duration.ofSeconds(5);
    /** The share of the interval a denied agent's question may move either way. */
    private static final int JITTER_PERCENT = 20;

    private static final Logger LOG = Logger.getLogger(Enroller.class.getName());

    private final Store store;
    private final Aggregator aggregator;
    private final IssuerKeys keys;
    private final MetadataService metadata;
    private final JoinCodes joinCodes;
    private final TrustedTime time;
    private final TimeSource source;
    private final Board board;
    private final RandomGenerator random;
    private final String version;
    private final Answers answers;
    private final Counter counter;
    private final Backoff metadataRetry;
    private final Backoff retry;

    /** Read by the local API too. */
    private volatile AgentKey key;

    private @Nullable Identity identity;
    private boolean enrolled;
    /** The aggregator did not know the enrollment this key had: a join code is needed once more. */
    private boolean nameRefused;

    /** Until when this key only takes the instance over, and sends no batches; empty for one that is enrolled. */
    private volatile Optional<Instant> trialUntil = Optional.empty();

    private @Nullable Watermark fresh;
    private boolean watermarkWanted;
    private long dueAt = Long.MIN_VALUE;
    /** What the server said its time is when it found ours wrong; unsigned, so used for {@code iat} only. */
    private long iatOffsetMillis;

    public Enroller(
            Store store,
            Aggregator aggregator,
            IssuerKeys keys,
            MetadataService metadata,
            JoinCodes joinCodes,
            TrustedTime time,
            TimeSource source,
            Board board,
            RandomGenerator random,
            String version) {
        this.store = store;
        this.aggregator = aggregator;
        this.keys = keys;
        this.metadata = metadata;
        this.joinCodes = joinCodes;
        this.time = time;
        this.source = source;
        this.board = board;
        this.random = random;
        this.version = version;
        this.answers = new Answers(keys, aggregator.issuer());
        this.counter = new Counter(store);
        this.metadataRetry = new Backoff(random);
        this.retry = new Backoff(random);
        this.key = store.call(AgentKey::loadOrMake);
        restoreTime();
    }

    private void restoreTime() {
        Optional<String> kept = store.call(tx -> tx.meta("time"));
        time.restore(kept.map(TrustedTime.Anchor::parse).orElse(null));
    }

    @Override
    public AgentKey key() {
        return key;
    }

    /** Whether the aggregator answered an enrollment of this process. */
    public boolean enrolled() {
        return enrolled;
    }

    /**
     * Until when this key is on trial: it showed a newer start of the VM than the key before it. Until then usage stays
     * here, as it may turn out that another agent speaks for the VM.
     */
    public Optional<Instant> trialUntil() {
        return trialUntil;
    }

    /** The watermark of the last enrollment, or of the answer asked for since, once: what the shipper compares with. */
    public Optional<Watermark> takeWatermark() {
        Optional<Watermark> w = Optional.ofNullable(fresh);
        fresh = null;
        return w;
    }

    /** Reads the metadata and enrolls, where that is due. */
    public void discoverAndEnroll() {
        if (identity == null && metadataRetry.due(source.bootMillis())) {
            discover();
        }
        Identity me = identity;
        if (me != null && !enrolled && due()) {
            enroll(me);
            // Before anything is measured by a time that may be far off.
            renew();
        }
    }

    /** Asks for fresh leases where that is due, or where nothing but a fresh answer tells the time. */
    public void renew() {
        if (time.takeDoubt()) {
            dueAt = source.bootMillis();
        }
        Identity me = identity;
        if (me != null && enrolled && due()) {
            renew(me);
        }
    }

    private boolean due() {
        return source.bootMillis() >= dueAt && retry.due(source.bootMillis());
    }

    private void discover() {
        Identity found;
        try {
            found = metadata.read();
        } catch (IOException e) {
            metadataRetry.failed(source.bootMillis(), Optional.empty());
            note("metadata", "the metadata service does not say who this VM is: " + e.getMessage());
            return;
        }
        metadataRetry.succeeded();
        Optional<String> owner = store.call(tx -> tx.meta("instance"));
        if (owner.isPresent() && !owner.get().equals(found.key())) {
            String old = owner.get().substring(owner.get().lastIndexOf('/') + 1);
            Replacement made = store.setAside(old, found.key(), source.bootId());
            keys.reset();
            key = store.call(AgentKey::loadOrMake);
            restoreTime();
            note(
                    "clone",
                    "the state belonged to instance " + old + " and was set aside as " + made.aside()
                            + made.back()
                                    .map(b -> "; this VM goes on with " + b + ", its own, left here before")
                                    .orElse(""));
        }
        store.call(tx -> {
            tx.meta("instance", found.key());
            // Starts before this one that never learnt it too: what they took is sent as this VM's from here on.
            return tx.change("UPDATE run SET instance = ? WHERE instance = ''", found.key());
        });
        boolean disagree = !found.codesAgree();
        if (disagree) {
            note(
                    "metadata",
                    "product codes " + found.productCodes() + " of the metadata service differ from "
                            + found.documentCodes() + " of the identity document; enrollment is not attempted");
        }
        found.keyTag()
                .filter(t -> !t.equals(key.thumbprint().toString()))
                .ifPresent(t -> note(
                        "metadata",
                        "the VM's tag " + Identity.KEY_TAG + " names another key than this agent's, "
                                + key.thumbprint()));
        Optional<Answers.Checked> kept = keptAnswer(found);
        board.update(s -> new Standing(
                Optional.of(found),
                kept.map(k -> k.answer().enrollment()),
                kept.map(Answers.Checked::grants).orElse(Map.of()),
                kept.map(k -> k.answer().plan()),
                false,
                false,
                s.contest(),
                Optional.empty(),
                disagree,
                1));
        if (disagree) {
            metadataRetry.failed(source.bootMillis(), Optional.of(Decision.DENIED_RETRY));
        } else {
            identity = found;
        }
    }

    private Optional<Answers.Checked> keptAnswer(Identity found) {
        Optional<String> compact = store.call(tx -> tx.meta("answer"));
        try {
            return compact.map(c -> answers.kept(c, key, found));
        } catch (Failure e) {
            note("store", "the kept answer of the aggregator is not usable: " + e.detail());
            return Optional.empty();
        }
    }

    private void enroll(Identity me) {
        EnrollRequest.Evidence evidence = evidence(me);
        boolean named =
                evidence instanceof EnrollRequest.Claims c && c.enrollment().isPresent();
        Optional<String> copiedFrom = store.call(tx -> tx.meta(Replacement.COPIED_FROM));
        EnrollRequest request = new EnrollRequest(me.cloud(), evidence, me.productCodes(), version, copiedFrom);
        Jws signed = Jws.sign(
                Jws.Header.ownKey(Typ.ENROLL, aggregator.url(Wire.ENROLLMENTS_PATH), key.jwk(), iat()),
                request.toBytes(),
                key.signer());
        try {
            long asked = source.bootMillis();
            Answer answer = take(aggregator.post(Wire.ENROLLMENTS_PATH, signed, Typ.ANSWER), signed, asked, me);
            enrolled = true;
            nameRefused = false;
            compareWith(answer);
        } catch (Unreachable e) {
            unreachable("enroll", e);
        } catch (Refused e) {
            refused("enroll", e);
            if (named && e.is(ErrorCode.INVALID_EVIDENCE)) {
                nameRefused = true;
                dueAt = source.bootMillis();
            }
        }
    }

    /**
     * Where the cloud signs nothing, a key that is enrolled names its enrollment; any other shows that it knows a join code.
     * The code itself is not sent.
     */
    private EnrollRequest.Evidence evidence(Identity me) {
        if (!(me.evidence() instanceof EnrollRequest.Claims said)) {
            return me.evidence();
        }
        Optional<EnrollmentId> known = nameRefused
                ? Optional.empty()
                : store.call(tx -> tx.meta("enrollment")).map(EnrollmentId::parse);
        Optional<EnrollRequest.Join> join = Optional.empty();
        if (known.isEmpty()) {
            try {
                join = joinCodes.read().map(code -> code.prove(key.thumbprint(), me.instance()));
            } catch (IOException e) {
                note("enroll", "the join code cannot be read: " + e.getMessage());
            }
        }
        return new EnrollRequest.Claims(said.instance(), said.image(), said.instanceType(), said.region(), known, join);
    }

    private void renew(Identity me) {
        Optional<EnrollmentId> id = board.standing().enrollment();
        if (id.isEmpty()) {
            enrolled = false;
            return;
        }
        String path = Wire.leasePath(id.get().toString());
        long next = nextCounter();
        String state = board.standing().state(time.now()).name();
        Jws signed = Jws.sign(
                Jws.Header.enrollment(
                        Typ.LEASE_REQUEST, aggregator.url(path), id.get().toString(), iat()),
                new LeaseRequest(next, state, version).toBytes(),
                key.signer());
        try {
            boolean wasOnTrial = trialUntil.isPresent();
            long asked = source.bootMillis();
            Answer answer = take(aggregator.post(path, signed, Typ.ANSWER), signed, asked, me);
            if (watermarkWanted || wasOnTrial) {
                watermarkWanted = false;
                compareWith(answer);
            }
        } catch (Unreachable e) {
            unreachable("lease", e);
        } catch (Refused e) {
            refused("lease", e);
        }
    }

    /** While on trial the watermark is the other key's. */
    private void compareWith(Answer answer) {
        fresh = answer.trialUntil().isPresent() ? null : answer.watermark();
    }

    @Override
    public long nextCounter() {
        return counter.next();
    }

    private Answer take(Jws jws, Jws request, long askedBootMillis, Identity me) throws Unreachable {
        Answers.Checked checked = answers.fresh(jws, request.hash(), key, me);
        Answer a = checked.answer();
        time.answered(a.time(), askedBootMillis);
        iatOffsetMillis = 0;
        counter.adopt(a.counter());
        store.call(tx -> {
            tx.meta("answer", jws.compact());
            tx.meta("enrollment", a.enrollment().toString());
            tx.meta("time", time.toKeep().map(TrustedTime.Anchor::toText).orElse(null));
            return a;
        });
        retry.succeeded();
        trialUntil = a.trialUntil();
        schedule(checked);
        boolean forked = board.standing()
                .contest()
                .filter(c -> c.code().equals(ErrorCode.FORK.wire()))
                .isPresent();
        board.update(s -> new Standing(
                Optional.of(me),
                Optional.of(a.enrollment()),
                checked.grants(),
                Optional.of(a.plan()),
                true,
                true,
                forked ? s.contest() : Optional.empty(),
                Optional.empty(),
                false,
                Math.max(1, (dueAt - source.bootMillis()) / 1000)));
        return a;
    }

    /** Half-life of the lease that ends first; sooner while something is denied or granted only in grace. */
    private void schedule(Answers.Checked checked) {
        // Not the answer's time: the machine may have slept since.
        Instant now = time.now().orElse(checked.answer().time());
        Duration wait = Lease.DEFAULT_LENGTH.dividedBy(2);
        for (Grant g : checked.grants().values()) {
            Duration one = g.lease().isEmpty()
                    ? denied()
                    : Duration.between(now, g.lease().get().expiresAt()).dividedBy(2);
            if (g.decision().outcome() == Decision.Outcome.GRACE && one.compareTo(GRACE_RENEW) > 0) {
                one = GRACE_RENEW;
            }
            wait = one.compareTo(wait) < 0 ? one : wait;
        }
        if (checked.grants().isEmpty()) {
            wait = denied();
        }
        Optional<Duration> trial = checked.answer()
                .trialUntil()
                .map(until -> Duration.between(now, until).plus(AFTER_TRIAL))
                .map(left -> left.compareTo(TRIAL_RENEW) < 0 ? left : TRIAL_RENEW);
        wait = trial.isPresent() && trial.get().compareTo(wait) < 0 ? trial.get() : wait;
        wait = wait.compareTo(RENEW_MIN) < 0 ? RENEW_MIN : wait;
        dueAt = source.bootMillis() + wait.toMillis();
    }

    private Duration denied() {
        long ms = Decision.DENIED_RETRY.toMillis();
        long spread = ms * JITTER_PERCENT / 100;
        return Duration.ofMillis(ms - spread + random.nextLong(2 * spread + 1));
    }

    private void unreachable(String where, Unreachable e) {
        retry.failed(source.bootMillis(), e.retryAfter());
        board.online(false);
        retrySeconds(retry.waitMillis(source.bootMillis()));
        note(where, String.valueOf(e.getMessage()));
    }

    private void refused(String where, Refused e) {
        note(where, String.valueOf(e.getMessage()));
        if (e.is(ErrorCode.CONTESTED)) {
            contested(e);
        } else if (e.is(ErrorCode.STALE_COUNTER)) {
            e.member("counter").ifPresent(c -> {
                if (c instanceof Long n) {
                    counter.adopt(n);
                }
            });
            retry.failed(source.bootMillis(), Optional.empty());
        } else if (e.is(ErrorCode.STALE_REQUEST)) {
            e.text("serverTime").ifPresent(this::adoptIat);
            retry.failed(source.bootMillis(), Optional.empty());
        } else if (e.status() == 403) {
            board.update(s -> withRefusal(
                    s,
                    new Standing.Trouble(
                            e.code(),
                            e.text("sentence").orElse(e.detail()),
                            e.text("remedy").orElse("Ask the operator of the marketplace."),
                            e.text("thumbprint"))));
            retry.succeeded();
            dueAt = source.bootMillis() + denied().toMillis();
        } else {
            // The enrollment may be gone (a restored database): the next attempt starts from the evidence.
            enrolled = false;
            board.online(false);
            retry.failed(source.bootMillis(), Optional.empty());
            retrySeconds(retry.waitMillis(source.bootMillis()));
        }
    }

    /** The aggregator says that another key speaks for this instance; asked again each minute, from the evidence. */
    public void contested(Refused e) {
        board.contest(Optional.of(new Standing.Trouble(
                ErrorCode.CONTESTED.wire(),
                e.detail(),
                e.text("remedy").orElse("Let the account that owns this VM approve this thumbprint for this instance."),
                Optional.of(e.text("thumbprint").orElse(key.thumbprint().toString())))));
        board.online(true);
        enrolled = false;
        trialUntil = Optional.empty();
        retry.succeeded();
        dueAt = source.bootMillis() + CONTESTED_RETRY.toMillis();
        retrySeconds(CONTESTED_RETRY.toMillis());
    }

    /** The aggregator no longer takes what this enrollment signs: enroll again, soon. */
    public void enrollAgain() {
        enrolled = false;
        dueAt = Long.MIN_VALUE;
    }

    /** Asks for leases soon, for example once batches went through that a grace was about. */
    public void renewSoon() {
        dueAt = Math.min(dueAt, source.bootMillis());
    }

    /** Asks for leases soon, for the watermark in the answer: see {@link #takeWatermark}. */
    public void askWatermark() {
        watermarkWanted = true;
        renewSoon();
    }

    private static Standing withRefusal(Standing s, Standing.Trouble trouble) {
        return new Standing(
                s.identity(),
                s.enrollment(),
                s.grants(),
                s.plan(),
                s.answered(),
                true,
                s.contest(),
                Optional.of(trouble),
                s.codesDisagree(),
                s.retrySeconds());
    }

    private void retrySeconds(long millis) {
        board.update(s -> new Standing(
                s.identity(),
                s.enrollment(),
                s.grants(),
                s.plan(),
                s.answered(),
                s.online(),
                s.contest(),
                s.refusal(),
                s.codesDisagree(),
                Math.max(1, millis / 1000)));
    }

    @Override
    public Instant iat() {
        return time.nowOrWall().plusMillis(iatOffsetMillis);
    }

    private void adoptIat(String serverTime) {
        try {
            iatOffsetMillis = Duration.between(time.nowOrWall(), Fields.parseInstant(serverTime))
                    .toMillis();
        } catch (IllegalArgumentException e) {
            note("enroll", "serverTime of the refusal is no time: " + serverTime);
        }
    }

    /** The codes the instance carries. */
    public List<String> codes() {
        return board.standing().codes();
    }

    private void note(String where, String what) {
        if (board.note(time.nowOrWall(), where, what)) {
            LOG.log(Level.WARNING, "{0}: {1}", new Object[] {where, what});
        }
    }
}
