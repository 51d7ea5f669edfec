package io.tallystick.agent.ship;

import io.tallystick.agent.clock.TrustedTime;
import io.tallystick.agent.net.Aggregator;
import io.tallystick.agent.net.IssuerKeys;
import io.tallystick.agent.net.Refused;
import io.tallystick.agent.net.Unreachable;
import io.tallystick.agent.store.SlotRecord;
import io.tallystick.agent.store.Store;
import io.tallystick.common.error.ErrorCode;
import io.tallystick.common.error.Failure;
import io.tallystick.common.jose.Jws;
import io.tallystick.common.jose.Typ;
import io.tallystick.common.json.Json;
import io.tallystick.common.model.EnrollmentId;
import io.tallystick.common.wire.Batch;
import io.tallystick.common.wire.MeteringRecord;
import io.tallystick.common.wire.Receipt;
import io.tallystick.common.wire.Wire;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;

/** Sends the batches of a state and keeps what comes back. Called by the main loop only. */
final class Sending {
    private static final Set<String> HOUR_TAKEN = Set.of(ErrorCode.SLOT_TAKEN.wire(), ErrorCode.KIND_TAKEN.wire());

    private final Store store;
    private final Aggregator aggregator;
    private final IssuerKeys keys;
    private final TrustedTime time;
    private final Consumer<String> note;

    /** @param note takes what somebody should know of */
    Sending(Store store, Aggregator aggregator, IssuerKeys keys, TrustedTime time, Consumer<String> note) {
        this.store = store;
        this.aggregator = aggregator;
        this.keys = keys;
        this.time = time;
        this.note = note;
    }

    /** The oldest batch that waits. */
    Optional<Chain.Sealed> next() {
        return store.call(Chain::unsent);
    }

    /**
     * Sends a batch and keeps its verified receipt. A {@link Failure} means that the store could not keep it; the same
     * receipt comes again.
     */
    void send(Chain.Sealed batch, EnrollmentId id) throws Unreachable, Refused {
        Jws jws = Jws.parseCompact(batch.jws(), Typ.BATCH);
        Jws answer = aggregator.post(Wire.batchesPath(id.toString()), jws, Typ.RECEIPT);
        record(batch, jws, receipt(answer, batch, id), answer);
    }

    private Receipt receipt(Jws answer, Chain.Sealed batch, EnrollmentId id) throws Unreachable {
        try {
            Receipt r = Receipt.parse(keys.verify(answer).payload());
            if (!r.enrollment().equals(id)
                    || r.epoch() != batch.epoch()
                    || r.seq() != batch.seq()
                    || !r.sha256().equals(batch.hash())) {
                throw Failure.of(ErrorCode.INVALID_JWS, "it is the receipt of another batch");
            }
            return r;
        } catch (Failure e) {
            throw new Unreachable("the receipt cannot be used: " + e.detail());
        }
    }

    private void record(Chain.Sealed batch, Jws sent, Receipt receipt, Jws answer) {
        time.atLeast(receipt.received());
        List<MeteringRecord> records = receipt.refused().isEmpty()
                ? List.of()
                : Batch.parse(sent.payload()).records();
        List<?> asSent = records.isEmpty()
                        || !(Json.parseObjectWithLongStrings(sent.payload()).get("records") instanceof List<?> list)
                ? List.of()
                : list;
        store.call(tx -> {
            Chain.acknowledge(tx, batch, receipt.received().toEpochMilli());
            tx.change(
                    // A second receipt is of an aggregator that lost the first, and maybe the key of it.
                    "INSERT INTO receipt (epoch, seq, received, jws) VALUES (?, ?, ?, ?) ON CONFLICT (epoch, seq)"
                            + " DO UPDATE SET received = excluded.received, jws = excluded.jws",
                    batch.epoch(),
                    batch.seq(),
                    receipt.received().toEpochMilli(),
                    answer.compact());
            tx.change("DELETE FROM quarantine WHERE epoch = ? AND seq = ?", batch.epoch(), batch.seq());
            for (Receipt.Refused r : receipt.refused()) {
                String text = r.index() < records.size() ? Json.write(asSent.get(r.index())) : "{}";
                tx.change(
                        "INSERT INTO quarantine (epoch, seq, idx, code, detail, record, at) VALUES (?, ?, ?, ?, ?, ?,"
                                + " ?) ON CONFLICT DO NOTHING",
                        batch.epoch(),
                        batch.seq(),
                        r.index(),
                        r.code(),
                        r.detail(),
                        text,
                        receipt.received().toEpochMilli());
                Optional<SlotRecord> slot =
                        r.index() < records.size() ? SlotRecord.of(records.get(r.index())) : Optional.empty();
                if (slot.isPresent() && !HOUR_TAKEN.contains(r.code())) {
                    slot.get().release(tx);
                }
            }
            return receipt;
        });
        if (!receipt.refused().isEmpty()) {
            note.accept(receipt.refused().size() + " records of batch " + batch.epoch() + "/" + batch.seq()
                    + " were refused and are in quarantine, first: "
                    + receipt.refused().get(0).code());
        }
    }
}
