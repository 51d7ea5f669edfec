package io.tallystick.aggregator.usage;

import io.tallystick.aggregator.db.Database;
import io.tallystick.common.error.ErrorCode;
import io.tallystick.common.error.Failure;
import io.tallystick.common.jose.Jws;
import io.tallystick.common.jose.Typ;
import io.tallystick.common.model.EnrollmentId;
import io.tallystick.common.model.Hash;
import io.tallystick.common.wire.Receipt;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.sqlclient.SqlConnection;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;

/**
 * Checks archived evidence: files against their manifests, manifests against the audit log, and the chain of every
 * enrollment's batches from its first, through the archives, into the database and up to its watermark. Signatures are
 * {@link Rebuild}'s to check. Keeps an entry an enrollment in memory.
 */
public final class ArchiveCheck {
    private static final int READ_AT_ONCE = 500;
    private static final int FAULTS_MAX = 100;

    /** What was looked at, and what is wrong; at most {@value #FAULTS_MAX} faults are told. */
    public record Verdict(long archives, long archivedBatches, long liveBatches, List<String> faults) {}

    private final Database database;
    private final Vertx vertx;
    private final ArchiveStore store = new ArchiveStore();
    private final RebuildStore snapshots = new RebuildStore();
    private final LostRangeStore lost = new LostRangeStore();

    public ArchiveCheck(Database database, Vertx vertx) {
        this.database = database;
        this.vertx = vertx;
    }

    /** How many archives there are by the database, whether their files are at hand or not. */
    public Future<Integer> count() {
        return store.list(database.reads()).map(List::size);
    }

    /** @param root where the archives' folders are, however it was named when they were written */
    public Future<Verdict> verify(Path root) {
        return store.list(database.reads())
                .compose(archives -> store.events(database.reads()).compose(events -> lost.all(database.reads())
                        .compose(ranges -> vertx.executeBlocking(() -> {
                            Run run = new Run(archives, root);
                            run.chains.lose(ranges);
                            run.checkEvents(events);
                            run.readFiles();
                            return run;
                        }))))
                .compose(run -> database.transactor().inTx(tx -> snapshots
                        .snapshot(tx)
                        .compose(done -> store.list(tx))
                        .compose(now -> compare(tx, run, now))));
    }

    private Future<Verdict> compare(SqlConnection tx, Run run, List<ArchiveStore.Archived> now) {
        if (run.snapshotTaken) {
            return Future.failedFuture(Failure.of(ErrorCode.CONFLICT, "the database ended the reading; begin again"));
        }
        run.snapshotTaken = true;
        if (now.size() != run.archives.size()) {
            run.fault("a month was archived meanwhile; check again");
            return Future.succeededFuture(run.verdict());
        }
        if (!run.filesHold) {
            run.fault("chains of batches were not followed, as an archive does not hold");
            return Future.succeededFuture(run.verdict());
        }
        return lost.all(tx)
                .compose(ranges -> {
                    run.chains.lose(ranges);
                    return store.forEachChain(tx, READ_AT_ONCE, run::knownChain);
                })
                .compose(chains -> store.forEachLive(tx, READ_AT_ONCE, run::live))
                .compose(batches -> store.forEachWatermark(tx, READ_AT_ONCE, run::watermark))
                .map(watermarks -> {
                    run.end();
                    return run.verdict();
                });
    }

    /** An epoch of an enrollment. */
    private record Place(UUID enrollment, long epoch) {}

    private static final class Run {
        private final List<ArchiveStore.Archived> archives;
        private final Path root;
        private final Chains chains = new Chains();
        private final Map<Place, Chains.End> inFiles = new HashMap<>();
        private final List<String> faults = new ArrayList<>();
        private boolean snapshotTaken;
        private boolean filesHold = true;
        private long archivedBatches;
        private long liveBatches;

        Run(List<ArchiveStore.Archived> archives, Path root) {
            this.archives = archives;
            this.root = root;
        }

        void fault(String what) {
            if (faults.size() < FAULTS_MAX) {
                faults.add(what);
            }
        }

        /** The audit log is hash-chained; the table is not. */
        void checkEvents(Map<String, String> events) {
            Map<String, String> left = new HashMap<>(events);
            for (ArchiveStore.Archived archive : archives) {
                String sha256 = left.remove(archive.name());
                if (!ArchiveFolder.hex(archive.manifestSha256()).equals(sha256)) {
                    fault(archive.name() + ": the audit log has "
                            + (sha256 == null ? "no such archive" : "another manifest, " + sha256));
                    filesHold = false;
                }
            }
            left.keySet().stream().sorted().forEach(name -> {
                fault(name + ": is in the audit log, and the database does not know it");
                filesHold = false;
            });
        }

        void readFiles() {
            Optional<Hash> previous = Optional.empty();
            for (ArchiveStore.Archived archive : archives) {
                ArchiveFolder.Opened opened =
                        ArchiveFolder.open(root.resolve(archive.name()), archive.manifestSha256());
                opened.faults().forEach(this::fault);
                filesHold &= opened.faults().isEmpty();
                if (opened.archive().isPresent()) {
                    try {
                        read(archive, opened.archive().get(), previous);
                    } catch (Failure e) {
                        fault(archive.name() + ": " + e.getMessage());
                        filesHold = false;
                    }
                }
                previous = Optional.of(archive.manifestSha256());
            }
        }

        private void read(ArchiveStore.Archived archive, ArchiveFolder folder, Optional<Hash> previous) {
            ArchiveManifest manifest = folder.manifest();
            if (!manifest.name().equals(archive.name())
                    || manifest.batches() != archive.batches()
                    || !manifest.previous().equals(previous.map(ArchiveFolder::hex))) {
                fault(archive.name() + ": its manifest is another archive's");
            }
            long[] count = {0};
            folder.forEachBatch(batch -> {
                count[0]++;
                follow(batch, archive.name() + ": ");
                inFiles.put(
                        new Place(batch.enrollment(), batch.epoch()),
                        chains.end(batch.enrollment()).orElseThrow());
            });
            if (count[0] != archive.batches()) {
                fault(archive.name() + ": has " + count[0] + " batches, recorded are " + archive.batches());
            }
            archivedBatches += count[0];
            folder.forEachChain(chain -> {
                Chains.End end = inFiles.get(new Place(chain.enrollment(), chain.epoch()));
                if (end == null || end.seq() != chain.last() || !end.hash().equals(chain.hash())) {
                    fault(archive.name() + ": " + name(chain.enrollment(), chain.epoch(), chain.last())
                            + " is not where its batches end");
                }
            });
        }

        void live(ArchivedBatch batch) {
            liveBatches++;
            follow(batch, "");
        }

        private void follow(ArchivedBatch batch, String where) {
            String name = where + name(batch.enrollment(), batch.epoch(), batch.seq());
            try {
                ArchiveWriter.Parsed parsed = ArchiveWriter.parse(batch);
                Receipt receipt = Receipt.parse(
                        Jws.parseCompact(batch.receipt(), Typ.RECEIPT).payload());
                if (!parsed.isOf(batch) || !receipt.sha256().equals(parsed.hash())) {
                    fault(name + ": batch, receipt and place are not of one");
                }
                if (!chains.fits(batch.enrollment(), parsed.content())) {
                    fault(name + ": does not follow the batch before it");
                }
                chains.moveTo(batch.enrollment(), batch.epoch(), batch.seq(), parsed.hash());
            } catch (Failure e) {
                fault(name + ": " + e.getMessage());
                chains.moveTo(batch.enrollment(), batch.epoch(), batch.seq(), Hash.NONE);
            }
        }

        /** What the database keeps of archived batches must be what the files say. */
        void knownChain(UUID enrollment, Chains.End known) {
            Chains.End end = inFiles.remove(new Place(enrollment, known.epoch()));
            if (!known.equals(end)) {
                fault(name(enrollment, known.epoch(), known.seq())
                        + ": the database takes it for the last archived batch," + " in the archives that is "
                        + (end == null ? "none" : end.epoch() + "." + end.seq()));
            }
        }

        void watermark(UUID enrollment, Chains.End mark) {
            Chains.End end = chains.reached(enrollment).orElse(new Chains.End(mark.epoch(), 0, Hash.NONE));
            boolean same = mark.hash().equals(end.hash())
                    && (mark.seq() == 0 || mark.epoch() == end.epoch() && mark.seq() == end.seq());
            if (!same) {
                fault(name(enrollment, mark.epoch(), mark.seq()) + ": was stored last, the batches there are end with "
                        + end.epoch() + "." + end.seq());
            }
        }

        void end() {
            inFiles.forEach((place, end) -> fault(name(place.enrollment(), end.epoch(), end.seq())
                    + ": is archived, and the database does not know it"));
        }

        Verdict verdict() {
            return new Verdict(archives.size(), archivedBatches, liveBatches, List.copyOf(faults));
        }

        private static String name(UUID enrollment, long epoch, long seq) {
            return new EnrollmentId(enrollment) + " " + epoch + "." + seq;
        }
    }
}
