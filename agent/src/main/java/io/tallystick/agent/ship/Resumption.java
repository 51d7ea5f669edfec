package io.tallystick.agent.ship;

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
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
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
    private static final String OF_KEY = " AND product = ? AND dimension = ? AND boot = '' AND bucket = ? AND tags = ?";

    private static final Logger LOG = Logger.getLogger(Resumption.class.getName());

    private final Store store;
    private final Aggregator aggregator;
    private final IssuerKeys keys;
    private final Speaker speaker;
    private final Cutter cutter;
    private final Optional<EnrollmentId> by;

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
     * @param copiedSince batches signed from then on were made by a copy of this start's state, so what they carry is taken
     *     off this start's sums, too; what was signed before can hold only what is sealed
     */
    Watermark catchUp(EnrollmentId id, Cutter.Terms terms, Instant copiedSince) throws Unreachable, Refused {
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
        store.call(tx -> {
            cutter.rekey(tx, terms);
            subtract(tx, terms, copiedSince);
            Chain.last(tx, opened);
            tx.meta("resume", null);
            tx.meta("resume.known", null);
            return opened;
        });
        return opened;
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
            SealedSums.add(tx, e.getKey(), e.getValue());
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

    /**
     * Keeps {@code max(0, sealed − sent)} per key. This start's own sums are untouched, but for what a copy of this very start
     * sent: that cannot be more than is here, as nothing was acknowledged here since.
     */
    private static void subtract(Tx tx, Cutter.Terms terms, Instant copiedSince) throws SQLException {
        // Cut by this timeline beyond what the aggregator has: never sent by anyone, sums again.
        for (Chain.Sealed b : tx.list(
                "SELECT epoch, seq, hash, prev, jws FROM batch WHERE acked IS NULL ORDER BY epoch, seq",
                r -> new Chain.Sealed(
                        r.getLong(1),
                        r.getLong(2),
                        Hash.parse(r.getString(3)),
                        Hash.parse(r.getString(4)),
                        r.getString(5)))) {
            dissolve(tx, b.epoch(), b.seq());
        }
        Map<SumKey, Quantity> sent = new LinkedHashMap<>();
        Map<SumKey, Quantity> sentByCopies = new LinkedHashMap<>();
        for (String compact : tx.list("SELECT jws FROM batch WHERE origin = 'fetched'", r -> r.getString(1))) {
            Jws jws = Jws.parseCompact(compact, Typ.BATCH);
            Batch batch = Batch.parse(jws.payload());
            Instant signed = jws.header().iat();
            boolean before = signed != null && signed.isBefore(copiedSince);
            Packer.sums(batch.records())
                    .forEach((k, q) -> (before ? sent : sentByCopies).merge(byNoCode(k, terms), q, Quantity::plus));
            forgetSent(tx, batch.records());
        }
        int sealed = 0;
        int kept = 0;
        for (SumKey k : keys(tx)) {
            Quantity own = quantity(tx, "run = ?", k);
            Quantity old = quantity(tx, "run <> ?", k);
            Quantity copied = sentByCopies.getOrDefault(k, Quantity.ZERO);
            Quantity rest = old.minusOrZero(sent.getOrDefault(k, Quantity.ZERO));
            Quantity oldRest = rest.minusOrZero(copied);
            Quantity ownRest = own.minusOrZero(copied.minusOrZero(rest));
            sealed += old.isZero() ? 0 : 1;
            kept += oldRest.isZero() ? 0 : 1;
            if (!oldRest.equals(old)) {
                remove(tx, "run <> ?", k);
                if (!oldRest.isZero()) {
                    SealedSums.add(tx, k, oldRest);
                }
            }
            if (!ownRest.equals(own)) {
                remove(tx, "run = ?", k);
                if (!ownRest.isZero()) {
                    tx.add(k, ownRest);
                }
            }
        }
        tx.flush();
        LOG.log(
                Level.WARNING,
                "this state was older than what was sent: {0} of {1} sealed sums were not sent yet and are kept",
                new Object[] {kept, sealed});
        tx.change("UPDATE batch SET origin = 'own' WHERE origin = 'fetched'");
    }

    /** As pending sums are keyed once {@link Cutter#rekey} has seen them. */
    private static SumKey byNoCode(SumKey k, Cutter.Terms terms) {
        return k.product().equals(terms.only()) ? new SumKey("", k.dimension(), "", k.bucket(), k.tags()) : k;
    }

    private static List<SumKey> keys(Tx tx) throws SQLException {
        return tx.list(
                "SELECT DISTINCT product, dimension, bucket, tags FROM pending WHERE boot = ''",
                r -> new SumKey(r.getString(1), r.getString(2), "", r.getLong(3), r.getString(4)));
    }

    private static Quantity quantity(Tx tx, String whichRuns, SumKey k) throws SQLException {
        Quantity sum = Quantity.ZERO;
        for (Quantity q : tx.list(
                "SELECT quantity FROM pending WHERE " + whichRuns + OF_KEY,
                r -> Quantity.parse(r.getString(1)),
                tx.run(),
                k.product(),
                k.dimension(),
                k.bucket(),
                k.tags())) {
            sum = sum.plus(q);
        }
        return sum;
    }

    private static void remove(Tx tx, String whichRuns, SumKey k) throws SQLException {
        tx.change(
                "DELETE FROM pending WHERE " + whichRuns + OF_KEY,
                tx.run(),
                k.product(),
                k.dimension(),
                k.bucket(),
                k.tags());
    }
}
