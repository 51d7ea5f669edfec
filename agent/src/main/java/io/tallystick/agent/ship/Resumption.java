package io.tallystick.agent.ship;

import io.tallystick.agent.clock.TrustedTime;
import io.tallystick.agent.enroll.AgentKey;
import io.tallystick.agent.enroll.Speaker;
import io.tallystick.agent.net.Aggregator;
import io.tallystick.agent.net.IssuerKeys;
import io.tallystick.agent.net.Refused;
import io.tallystick.agent.net.Unreachable;
import io.tallystick.agent.store.HourKey;
import io.tallystick.agent.store.SlotRecord;
import io.tallystick.agent.store.Store;
import io.tallystick.agent.store.SumKey;
import io.tallystick.agent.store.Tx;
import io.tallystick.common.error.ErrorCode;
import io.tallystick.common.error.Failure;
import io.tallystick.common.jose.Ed25519;
import io.tallystick.common.jose.Jws;
import io.tallystick.common.jose.Typ;
import io.tallystick.common.model.EnrollmentId;
import io.tallystick.common.model.Hash;
import io.tallystick.common.model.Quantity;
import io.tallystick.common.wire.Batch;
import io.tallystick.common.wire.MeteringRecord;
import io.tallystick.common.wire.Resume;
import io.tallystick.common.wire.Watermark;
import io.tallystick.common.wire.Wire;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.logging.Level;
import java.util.logging.Logger;

/**
 * The exchange after the aggregator was found ahead: this state is older than what this instance already sent (a VM
 * rolled back to a snapshot), or somebody else spoke for it (a copy of its disk). What the aggregator holds and this state
 * does not know is subtracted, key by key, and the rest goes on in a new epoch.
 *
 * <p>The epoch opens only for who knows all there is, and from then on no batch of the epoch before is taken: so nothing
 * comes in between what is subtracted and what is sent next, whoever else speaks for this instance.
 *
 * <p>Crash points: fetched batches are kept as they come, marked {@code fetched}, so a restart asks only for the rest;
 * the subtraction reads all of them and is one transaction with forgetting the mark and going on in the epoch; a state that
 * crashed between its opening and that opens another one.
 */
final class Resumption {
    /** How far a machine's clock is off at most that somebody keeps right. */
    static final Duration CLOCK_RIGHT_WITHIN = Duration.ofMinutes(1);

    private static final Logger LOG = Logger.getLogger(Resumption.class.getName());

    private final Store store;
    private final Aggregator aggregator;
    private final IssuerKeys keys;
    private final Speaker speaker;
    private final Cutter cutter;
    private final Optional<EnrollmentId> by;

    /**
     * What a start knows of when it and those before it began.
     *
     * @param own of this one
     * @param clockIsRight whether to believe those that only the machine's clock says
     */
    record Beginnings(Instant own, boolean clockIsRight) {}

    /** @param by the enrollment of this agent, where the state is another VM's */
    Resumption(
            Store store,
            Aggregator aggregator,
            IssuerKeys keys,
            Speaker speaker,
            Cutter cutter,
            Optional<EnrollmentId> by) {
        this.store = store;
        this.aggregator = aggregator;
        this.keys = keys;
        this.speaker = speaker;
        this.cutter = cutter;
        this.by = by;
    }

    /**
     * Catches up with the aggregator; answers where the chain goes on. Needs a trusted time.
     *
     * @param beginnings empty for a state that nothing runs on: whatever was sent may be of its sums
     */
    Watermark catchUp(EnrollmentId id, Cutter.Terms terms, Optional<Beginnings> beginnings)
            throws Unreachable, Refused {
        AgentKey key = speaker.key();
        Watermark known = store.call(tx -> {
            if (tx.meta("resume").isEmpty()) {
                tx.meta("resume", "fetching");
                // Batches of this timeline that were never acknowledged are sums again: their numbers are taken.
                Watermark meet = Chain.lastAcknowledged(tx);
                known(tx, meet);
            }
            return fetchedSoFar(tx);
        });
        Resume.Answer answer = ask(id, key, request(known, true));
        while (answer.from().isPresent() || !answer.batches().isEmpty()) {
            Watermark before = known;
            known = passOver(known, answer.from());
            known = keep(answer.batches(), known, id, key);
            if (!known.isAfter(before)) {
                throw new Unreachable("the answer to the resume request begins before what was asked for");
            }
            answer = ask(id, key, request(known, true));
        }
        Watermark opened = answer.watermark();
        try {
            return store.call(tx -> {
                dissolveUnsent(tx);
                cutter.rekey(tx, terms);
                subtract(tx, terms, beginnings);
                Chain.last(tx, opened);
                tx.meta("resume", null);
                tx.meta("resume.known", null);
                return opened;
            });
        } catch (Failure e) {
            // Later, like all that did not work: each attempt opens an epoch.
            throw new Unreachable("the comparison cannot be kept: " + e.detail());
        }
    }

    /** Asks what came after the last batch that was acknowledged, for nothing but whether that is answered. */
    void ask(EnrollmentId id) throws Unreachable, Refused {
        Watermark known = store.call(Chain::lastAcknowledged);
        ask(id, speaker.key(), request(known, false));
    }

    /**
     * Asks for the next epoch of an aggregator that forgot having opened it (restored from a backup) and has every batch
     * before it. Answers whether the chain goes on there with this batch.
     */
    boolean reopen(EnrollmentId id, Watermark server, Chain.Sealed next) throws Unreachable, Refused {
        Watermark opened = ask(id, speaker.key(), request(server, true)).watermark();
        return opened.epoch() == next.epoch()
                && opened.seq() == 0
                && next.seq() == 1
                && opened.hash().equals(next.prev());
    }

    /** Batches of the keys before this one are not handed out, and nothing of them is in this state. */
    private Watermark passOver(Watermark known, Optional<Watermark> from) {
        if (from.isEmpty() || !from.get().isAfter(known)) {
            return known;
        }
        store.call(tx -> known(tx, from.get()));
        return from.get();
    }

    private static Watermark known(Tx tx, Watermark mark) throws SQLException {
        tx.meta("resume.known", mark.epoch() + " " + mark.seq() + " " + mark.hash());
        return mark;
    }

    private static Watermark fetchedSoFar(Tx tx) throws SQLException {
        String[] p = tx.meta("resume.known").orElseThrow().split(" ", 3);
        return new Watermark(Long.parseLong(p[0]), Long.parseLong(p[1]), Hash.parse(p[2]));
    }

    /**
     * Asks an aggregator that forgot batches which are not kept here either to go on behind them; answers where it stands
     * then.
     */
    Watermark goOn(EnrollmentId id, Watermark server, String receipt) throws Unreachable, Refused {
        return ask(
                        id,
                        speaker.key(),
                        new Resume.Request(speaker.nextCounter(), server, false, Optional.of(receipt), by))
                .watermark();
    }

    private Resume.Request request(Watermark known, boolean open) {
        return new Resume.Request(speaker.nextCounter(), known, open, Optional.empty(), by);
    }

    private Resume.Answer ask(EnrollmentId id, AgentKey key, Resume.Request asked) throws Unreachable, Refused {
        String path = Wire.resumePath(id.toString());
        Jws request = Jws.sign(
                Jws.Header.enrollment(Typ.RESUME, aggregator.url(path), id.toString(), speaker.iat()),
                asked.toBytes(),
                key.signer());
        Jws answer = keys.verify(aggregator.post(path, request, Typ.ANSWER));
        try {
            Resume.Answer a = Resume.Answer.parse(answer.payload());
            if (!a.request().equals(request.hash().toString())) {
                throw Failure.of(ErrorCode.INVALID_JWS, "the answer belongs to another request");
            }
            return a;
        } catch (Failure e) {
            throw new Unreachable("the answer to the resume request cannot be used: " + e.detail());
        }
    }

    /** Keeps one answer's batches; answers the last one's mark. */
    private Watermark keep(List<String> batches, Watermark known, EnrollmentId id, AgentKey key) throws Unreachable {
        Watermark[] at = {known};
        long now = speaker.iat().toEpochMilli();
        try {
            store.call(tx -> {
                for (String compact : batches) {
                    at[0] = keep(tx, Jws.parseCompact(compact, Typ.BATCH), at[0], id, key, now);
                }
                return known(tx, at[0]);
            });
        } catch (Failure e) {
            throw new Unreachable("the batches the aggregator holds cannot be used: " + e.detail());
        }
        return at[0];
    }

    private static Watermark keep(Tx tx, Jws jws, Watermark before, EnrollmentId id, AgentKey key, long nowMillis)
            throws SQLException {
        Batch batch = Batch.parse(jws.payload());
        boolean next = batch.epoch() == before.epoch() && batch.seq() == before.seq() + 1
                || batch.epoch() > before.epoch() && batch.seq() == 1;
        if (!next
                || !batch.prev().equals(before.hash())
                || !id.toString().equals(jws.header().kid())) {
            throw Failure.of(
                    ErrorCode.INVALID_JWS,
                    "batch " + batch.epoch() + "/" + batch.seq() + " does not follow " + before.epoch() + "/"
                            + before.seq());
        }
        Chain.Sealed fetched = new Chain.Sealed(batch.epoch(), batch.seq(), jws.hash(), batch.prev(), jws.compact());
        boolean own = signedBy(jws, key);
        long now = nowMillis;
        if (Chain.get(tx, batch.epoch(), batch.seq())
                .filter(b -> b.hash().equals(fetched.hash()))
                .isPresent()) {
            // The very batch this timeline cut too: its sums left pending here as well, so nothing to subtract.
            Chain.acknowledge(tx, fetched, now);
        } else {
            dissolve(tx, batch.epoch(), batch.seq());
            if (own) {
                Chain.insert(tx, fetched, batch.records().size(), now, true);
            }
            // Signed by another key: a former state of this instance sent it, and none of its sums are in this one.
        }
        return fetched.mark();
    }

    private static boolean signedBy(Jws jws, AgentKey key) {
        try {
            jws.verified(key.jwk(), Ed25519.JDK);
            return true;
        } catch (Failure e) {
            return false;
        }
    }

    /** Puts the sums of a batch whose number another one has taken back to the sealed ones. */
    private static void dissolve(Tx tx, long epoch, long seq) throws SQLException {
        var mine = Chain.get(tx, epoch, seq);
        if (mine.isEmpty()) {
            return;
        }
        Batch batch = Batch.parse(Jws.parseCompact(mine.get().jws(), Typ.BATCH).payload());
        for (Map.Entry<SumKey, Quantity> e : Packer.sums(batch.records()).entrySet()) {
            PastSums.add(tx, PastSums.SEALED, e.getKey(), e.getValue());
        }
        for (MeteringRecord r : batch.records()) {
            Optional<SlotRecord> slot = SlotRecord.of(r);
            if (slot.isPresent()) {
                slot.get().restore(tx);
            }
        }
        tx.change("DELETE FROM batch WHERE epoch = ? AND seq = ?", epoch, seq);
    }

    /** A write-once record is known by its id, so it is sent or not, whichever start took it. */
    private static void forgetSent(Tx tx, List<MeteringRecord> sent) throws SQLException {
        for (MeteringRecord r : sent) {
            HourKey hour =
                    new HourKey(r.product().orElse(""), r.dimension(), r.hour().getEpochSecond());
            SlotRecord.note(tx, hour, r.slot().orElse(""));
            Optional<SlotRecord> slot = SlotRecord.of(r);
            if (slot.isPresent()) {
                slot.get().cut(tx);
            }
        }
    }

    /** Cut by this timeline beyond what the aggregator has: never sent by anyone, sums again. */
    private static void dissolveUnsent(Tx tx) throws SQLException {
        for (Watermark b : tx.list(
                "SELECT epoch, seq, hash FROM batch WHERE acked IS NULL ORDER BY epoch, seq",
                r -> new Watermark(r.getLong(1), r.getLong(2), Hash.parse(r.getString(3))))) {
            dissolve(tx, b.epoch(), b.seq());
        }
    }

    /** What a start kept of a key, and what is left of it. */
    private static final class Kept {
        final String run;
        final Instant began;
        final Quantity quantity;
        Quantity left;

        Kept(String run, Instant began, Quantity quantity) {
            this.run = run;
            this.began = began;
            this.quantity = quantity;
            this.left = quantity;
        }
    }

    /**
     * Takes each batch off what it may have been cut from, the oldest first: the sums of starts that had begun when it was
     * signed. So what was kept since a rollback stays whole, whichever start kept it; and what a copy of this very start sent
     * comes off its sums.
     */
    private static void subtract(Tx tx, Cutter.Terms terms, Optional<Beginnings> beginnings) throws SQLException {
        Map<SumKey, List<Kept>> kept = kept(tx, beginnings);
        for (String compact :
                tx.list("SELECT jws FROM batch WHERE origin = 'fetched' ORDER BY epoch, seq", r -> r.getString(1))) {
            Jws jws = Jws.parseCompact(compact, Typ.BATCH);
            Batch batch = Batch.parse(jws.payload());
            Instant signed = Objects.requireNonNullElse(jws.header().iat(), Instant.MAX);
            Packer.sums(batch.records()).forEach((k, sent) -> {
                Quantity rest = sent;
                for (Kept p : kept.getOrDefault(byNoCode(k, terms), List.of())) {
                    if (!p.began.isAfter(signed)) {
                        Quantity left = p.left.minusOrZero(rest);
                        rest = rest.minusOrZero(p.left);
                        p.left = left;
                    }
                }
            });
            forgetSent(tx, batch.records());
        }
        int lessened = 0;
        for (Map.Entry<SumKey, List<Kept>> e : kept.entrySet()) {
            for (Kept p : e.getValue()) {
                if (!p.left.equals(p.quantity)) {
                    lessened++;
                    PastSums.set(tx, p.run, e.getKey(), p.left);
                }
            }
        }
        // This start's own may have been among them.
        tx.flush();
        LOG.log(
                Level.WARNING,
                "this state was older than what was sent: {0} of {1} sums were sent, or a part of them",
                new Object[] {
                    lessened, kept.values().stream().mapToInt(List::size).sum()
                });
        tx.change("UPDATE batch SET origin = 'own' WHERE origin = 'fetched'");
    }

    /** By key, of each start, the oldest first; what nobody knows the start of may be in any batch. */
    private static Map<SumKey, List<Kept>> kept(Tx tx, Optional<Beginnings> beginnings) throws SQLException {
        Map<SumKey, List<Kept>> kept = new LinkedHashMap<>();
        for (Map.Entry<SumKey, Kept> e : tx.list(
                "SELECT product, dimension, bucket, tags, pending.run, quantity, coalesce(run.began, 0) FROM pending"
                        + " LEFT JOIN run ON run.id = pending.run WHERE pending.boot = ''",
                r -> Map.entry(
                        new SumKey(r.getString(1), r.getString(2), "", r.getLong(3), r.getString(4)),
                        new Kept(
                                r.getString(5),
                                began(tx.run(), r.getString(5), r.getLong(7), beginnings),
                                Quantity.parse(r.getString(6)))))) {
            kept.computeIfAbsent(e.getKey(), k -> new ArrayList<>()).add(e.getValue());
        }
        kept.values().forEach(all -> all.sort(Comparator.comparing(p -> p.began)));
        return kept;
    }

    private static Instant began(String own, String run, long noted, Optional<Beginnings> beginnings) {
        if (beginnings.isEmpty()) {
            return Instant.EPOCH;
        }
        Instant ownBegan = beginnings.get().own();
        if (run.equals(own)) {
            // What went before this start may be signed by a clock that was so much ahead.
            return ownBegan.plus(TrustedTime.DOUBT_MAX);
        }
        if (noted < 0 && !beginnings.get().clockIsRight()) {
            return Instant.EPOCH;
        }
        // Seconds are what is signed. What cannot have been before this start is not known.
        Instant began = noted < 0
                ? Instant.ofEpochMilli(-noted).minus(CLOCK_RIGHT_WITHIN)
                : Instant.ofEpochMilli(noted).truncatedTo(ChronoUnit.SECONDS);
        return began.isAfter(ownBegan) ? Instant.EPOCH : began;
    }

    /** As pending sums are keyed once {@link Cutter#rekey} has seen them. */
    private static SumKey byNoCode(SumKey k, Cutter.Terms terms) {
        return k.product().equals(terms.only()) ? new SumKey("", k.dimension(), "", k.bucket(), k.tags()) : k;
    }
}
