package io.tallystick.aggregator.usage;

import io.tallystick.aggregator.db.Database;
import io.tallystick.aggregator.signing.FastEd25519;
import io.tallystick.common.error.ErrorCode;
import io.tallystick.common.error.Failure;
import io.tallystick.common.jose.Jwk;
import io.tallystick.common.jose.Jws;
import io.tallystick.common.jose.Typ;
import io.tallystick.common.model.EnrollmentId;
import io.tallystick.common.model.Hash;
import io.tallystick.common.model.Quantity;
import io.tallystick.common.wire.Batch;
import io.tallystick.common.wire.MeteringRecord;
import io.tallystick.common.wire.Receipt;
import io.tallystick.common.wire.Watermark;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.sqlclient.SqlClient;
import io.vertx.sqlclient.SqlConnection;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.stream.Collectors;

/**
 * Recomputes the usage hours from what was received and what was receipted, and compares. Uses nothing of the ingest
 * path's own arithmetic: a sum of the records the receipts did not refuse, at the hours the receipts booked them in.
 *
 * <p>Checks on the way, per enrollment: every batch is signed by a key the instance was enrolled with, every receipt by
 * a key of ours, numbers count up by one, and each batch names the hash of the one before it. Keeps one entry per usage
 * hour in memory (about 200 bytes each).
 */
public final class Rebuild {
    private static final int READ_AT_ONCE = 500;
    private static final int DIFFERENCES_MAX = 100;

    /** What was compared and what differed; at most {@value #DIFFERENCES_MAX} differences are told. */
    public record Verdict(long batches, long usageHours, List<String> differences) {}

    private final Database database;
    private final Vertx vertx;
    private final RebuildStore store = new RebuildStore();
    private final ArchiveStore archived = new ArchiveStore();
    private final LostRangeStore lost = new LostRangeStore();

    private final class Run {
        private final Map<RebuildStore.HourKey, Quantity> sums = new HashMap<>();
        private final List<String> differences = new ArrayList<>();
        private final List<ArchiveStore.Archived> archives;
        private final Chains chains = new Chains();
        private Map<String, Jwk> ownKeys = Map.of();
        private Map<UUID, RebuildStore.Enrolled> enrolled = Map.of();
        private List<LostRange> lost = List.of();
        private boolean snapshotTaken;
        private long batches;

        Run(List<ArchiveStore.Archived> archives) {
            this.archives = archives;
        }

        /** Reads the archives, each after its digests were checked; answers whether all of them held. */
        boolean addArchives(Path root) {
            int before = differences.size();
            for (ArchiveStore.Archived archive : archives) {
                ArchiveFolder.Opened opened =
                        ArchiveFolder.open(root.resolve(archive.name()), archive.manifestSha256());
                opened.faults().forEach(this::differ);
                opened.archive().ifPresent(folder -> folder.forEachBatch(this::add));
            }
            return differences.size() == before;
        }

        void add(ArchivedBatch stored) {
            batches++;
            String name = new EnrollmentId(stored.enrollment()) + " " + stored.epoch() + "." + stored.seq();
            try {
                addChecked(stored, name);
            } catch (Failure e) {
                differ(name + ": " + e.getMessage());
            }
        }

        private void addChecked(ArchivedBatch stored, String name) {
            Jws jws = Jws.parseCompact(stored.jws(), Typ.BATCH);
            RebuildStore.Enrolled of = enrolled.get(stored.enrollment());
            if (of == null || of.keys().stream().noneMatch(key -> verifies(jws, key))) {
                differ(name + ": is not signed by a key this instance was enrolled with");
            }
            Jws receiptJws = Jws.parseCompact(stored.receipt(), Typ.RECEIPT);
            Jwk own = ownKeys.get(String.valueOf(receiptJws.header().kid()));
            if (own == null || !verifies(receiptJws, own)) {
                differ(name + ": its receipt is not signed by a key of this aggregator");
            }
            Batch batch = Batch.parse(jws.payload());
            Receipt receipt = Receipt.parse(receiptJws.payload());
            if (!receipt.sha256().equals(jws.hash())
                    || receipt.epoch() != stored.epoch()
                    || receipt.seq() != stored.seq()
                    || batch.epoch() != stored.epoch()
                    || batch.seq() != stored.seq()) {
                differ(name + ": batch, receipt and row do not name the same thing");
            }
            checkChain(stored, batch, jws.hash(), name);
            if (of != null) {
                sum(stored.enrollment(), of, batch, receipt, name);
            }
        }

        /** That something was lost is to be believed only with a receipt of ours for the last of it. */
        void checkLost() {
            for (LostRange range : lost) {
                String name = new EnrollmentId(range.enrollment()) + " "
                        + range.upTo().epoch() + "." + range.upTo().seq();
                try {
                    Jws jws = Jws.parseCompact(range.receipt(), Typ.RECEIPT);
                    Jwk own = ownKeys.get(String.valueOf(jws.header().kid()));
                    Receipt receipt = Receipt.parse(jws.payload());
                    if (own == null
                            || !verifies(jws, own)
                            || !receipt.enrollment().uuid().equals(range.enrollment())
                            || !new Watermark(receipt.epoch(), receipt.seq(), receipt.sha256()).equals(range.upTo())) {
                        differ(name + ": is noted as lost without a receipt of this aggregator for it");
                    }
                } catch (Failure e) {
                    differ(name + ": " + e.getMessage());
                }
            }
        }

        private void checkChain(ArchivedBatch stored, Batch batch, Hash hash, String name) {
            if (!chains.fits(stored.enrollment(), batch)) {
                differ(name + ": does not follow the batch before it");
            }
            chains.moveTo(stored.enrollment(), batch.epoch(), batch.seq(), hash);
        }

        private void sum(UUID enrollment, RebuildStore.Enrolled of, Batch batch, Receipt receipt, String name) {
            Set<Integer> refused =
                    receipt.refused().stream().map(Receipt.Refused::index).collect(Collectors.toSet());
            Map<Integer, Instant> moved =
                    receipt.clamped().stream().collect(Collectors.toMap(Receipt.Clamped::index, Receipt.Clamped::hour));
            for (int i = 0; i < batch.records().size(); i++) {
                if (refused.contains(i)) {
                    continue;
                }
                MeteringRecord record = batch.records().get(i);
                Integer dimension =
                        of.dimensions().get(record.product().orElse(of.onlyProduct()) + " " + record.dimension());
                if (dimension == null) {
                    differ(name + ": record " + i + " was booked on a dimension that is not there");
                    continue;
                }
                Instant hour = moved.getOrDefault(i, record.hour());
                for (MeteringRecord.Allocation a : record.parts()) {
                    sums.merge(
                            new RebuildStore.HourKey(hour, enrollment, dimension, BatchRules.allocation(a.tags())),
                            a.quantity(),
                            Quantity::plus);
                }
            }
        }

        void compare(RebuildStore.StoredHour hour) {
            Quantity expected = sums.remove(hour.key());
            if (expected == null) {
                differ(describe(hour.key()) + ": stands at " + hour.quantity() + " without evidence");
            } else if (!expected.equals(hour.quantity())) {
                differ(describe(hour.key()) + ": stands at " + hour.quantity() + ", evidence adds up to " + expected);
            }
        }

        Verdict verdict(long hours) {
            new HashSet<>(sums.keySet())
                    .forEach(key -> differ(describe(key) + ": is missing, evidence adds up to " + sums.get(key)));
            return new Verdict(batches, hours, List.copyOf(differences));
        }

        /** Where part of the evidence cannot be read, no sum of it says anything. */
        Verdict withoutHours() {
            sums.clear();
            return verdict(0);
        }

        private void differ(String what) {
            if (differences.size() < DIFFERENCES_MAX) {
                differences.add(what);
            }
        }

        private String describe(RebuildStore.HourKey key) {
            return "usage hour " + key.hour() + " of " + new EnrollmentId(key.enrollment()) + ", dimension "
                    + key.dimensionId() + ", allocation " + key.allocation();
        }

        private boolean verifies(Jws jws, Jwk key) {
            try {
                jws.verified(key, FastEd25519.VERIFIER);
                return true;
            } catch (Failure e) {
                return false;
            }
        }
    }

    public Rebuild(Database database, Vertx vertx) {
        this.database = database;
        this.vertx = vertx;
    }

    /**
     * Compares everything, in one consistent snapshot of the database.
     *
     * @param archives where archived evidence is; without it, archived months are a difference, and their place is told
     */
    public Future<Verdict> compare(Optional<Path> archives) {
        return archived.list(database.reads()).compose(list -> {
            Run run = new Run(list);
            if (!list.isEmpty() && archives.isEmpty()) {
                list.forEach(a -> run.differ(a.batches() + " batches of " + a.name() + " are archived, at the time in "
                        + a.location() + " with manifest " + ArchiveFolder.hex(a.manifestSha256())
                        + "; name the folder of the archives"));
                return Future.succeededFuture(run.verdict(0));
            }
            return keys(database.reads(), run)
                    .compose(done -> vertx.executeBlocking(
                            () -> archives.map(run::addArchives).orElse(true)))
                    .compose(held -> held
                            ? database.transactor()
                                    .inTx(tx -> store.snapshot(tx).compose(done -> compare(tx, run)))
                            : Future.succeededFuture(run.withoutHours()));
        });
    }

    /** What batches and receipts may be signed with. */
    private Future<Void> keys(SqlClient client, Run run) {
        return store.ownKeys(client).compose(own -> store.enrolled(client)
                .compose(enrolled -> lost.all(client).map(ranges -> {
                    run.ownKeys = own;
                    run.enrolled = enrolled;
                    run.chains.lose(ranges);
                    run.lost = ranges;
                    return null;
                })));
    }

    private Future<Verdict> compare(SqlConnection tx, Run run) {
        if (run.snapshotTaken) {
            // A transaction that is tried again would add everything up twice.
            return Future.failedFuture(Failure.of(ErrorCode.CONFLICT, "the database ended the reading; begin again"));
        }
        run.snapshotTaken = true;
        return archived.list(tx)
                .compose(now -> now.size() == run.archives.size()
                        ? keys(tx, run)
                        : Future.failedFuture(
                                Failure.of(ErrorCode.CONFLICT, "a month was archived meanwhile; begin again")))
                .compose(done -> {
                    run.checkLost();
                    return archived.forEachLive(tx, READ_AT_ONCE, run::add);
                })
                .compose(done -> store.forEachHour(tx, READ_AT_ONCE, run::compare))
                .map(run::verdict);
    }
}
