package io.tallystick.aggregator.usage;

import io.tallystick.aggregator.audit.Audit;
import io.tallystick.aggregator.audit.AuditEvent;
import io.tallystick.aggregator.db.Database;
import io.tallystick.aggregator.db.PgErrors;
import io.tallystick.common.error.ErrorCode;
import io.tallystick.common.error.Failure;
import io.tallystick.common.json.Json;
import io.tallystick.common.model.Hash;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.YearMonth;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.Supplier;

/**
 * Moves months of evidence out of the database into files, oldest first. Each step can be the last of a process that
 * dies, and the next run goes on from there:
 *
 * <ol>
 *   <li>the files are written, made durable and given their name; made again they are the same to the byte
 *   <li>they are read back, and their manifest's digest is recorded, in the audit log too, with how far each enrollment
 *       is archived
 *   <li>the month is taken out of the table, if it still holds exactly the batches that were written
 *   <li>the files are read once more, and what was taken out is dropped
 * </ol>
 *
 * Only batches that follow their enrollment's chain from its beginning are archived, so what is archived of an enrollment
 * is always everything up to a batch; others stay, and are said.
 */
public final class Archives {
    /** Younger evidence may be asked for again by agents that were set back, and be looked at in a dispute. */
    public static final Duration AGE_MIN = Duration.ofDays(31);

    static final String RECORDED = "evidence.archive";
    private static final String DROPPED = "evidence.drop";
    private static final int READ_AT_ONCE = 500;
    private static final int CHAINS_AT_ONCE = 5000;
    /** Ingest is never held up for longer than one wait for a lock; so the lock is tried for, again and again. */
    private static final int DETACH_ATTEMPTS_MAX = 60;

    private static final Duration DETACH_PAUSE = Duration.ofSeconds(1);
    private static final UUID BEFORE_ALL = new UUID(0, 0);

    private final Database database;
    private final Vertx vertx;
    private final Audit audit;
    private final Clock clock;
    private final Consumer<Step> reached;
    private final ArchiveStore store = new ArchiveStore();
    private final LostRangeStore lost = new LostRangeStore();

    /** What has just been done, for the test that kills at each. */
    enum Step {
        WRITING,
        WRITTEN,
        NAMED,
        RECORDED,
        DETACHED,
        READ_AGAIN,
        DROPPED
    }

    /**
     * A month that was archived.
     *
     * @param bytes in the files; 0 where a former run wrote them
     * @param stayed batches of the month that follow nothing and so stay in the database
     */
    public record Done(String name, long batches, long bytes, long stayed, Hash manifestSha256, String location) {}

    public Archives(Database database, Vertx vertx, Audit audit, Clock clock) {
        this(database, vertx, audit, clock, step -> {});
    }

    Archives(Database database, Vertx vertx, Audit audit, Clock clock, Consumer<Step> reached) {
        this.database = database;
        this.vertx = vertx;
        this.audit = audit;
        this.clock = clock;
        this.reached = reached;
    }

    /**
     * Archives every month that ended longer ago than that, and what a former run left unfinished. Refused while another
     * process does, into the same folder.
     *
     * @param root where a folder a month is made
     * @param olderThan at least {@link #AGE_MIN}
     * @param tell is told each month as it is done
     */
    public Future<Void> archive(String actor, Path root, Duration olderThan, Consumer<Done> tell) {
        if (olderThan.compareTo(AGE_MIN) < 0) {
            return Future.failedFuture(Failure.of(
                    ErrorCode.INVALID_REQUEST, "older-than: must be at least " + AGE_MIN + ", is " + olderThan));
        }
        Path folder = root.toAbsolutePath().normalize();
        return vertx.executeBlocking(() -> ArchiveLock.take(folder)).compose(lock -> all(actor, folder, olderThan, tell)
                .eventually(() -> vertx.executeBlocking(() -> {
                    lock.close();
                    return null;
                })));
    }

    private Future<Void> all(String actor, Path root, Duration olderThan, Consumer<Done> tell) {
        return next(actor, root, olderThan).compose(done -> {
            if (done.isEmpty()) {
                return Future.succeededFuture();
            }
            tell.accept(done.get());
            return all(actor, root, olderThan, tell);
        });
    }

    private Future<Optional<Done>> next(String actor, Path root, Duration olderThan) {
        return store.list(database.reads()).compose(archived -> {
            Optional<ArchiveStore.Archived> unfinished =
                    archived.stream().filter(a -> !a.dropped()).findFirst();
            if (unfinished.isPresent()) {
                return (unfinished.get().detached()
                                ? Future.succeededFuture()
                                : readable(unfinished.get()).mapEmpty())
                        .compose(readable -> finish(actor, unfinished.get(), 0))
                        .map(Optional::of);
            }
            Optional<Hash> previous = archived.isEmpty()
                    ? Optional.empty()
                    : Optional.of(archived.get(archived.size() - 1).manifestSha256());
            return store.oldest(database.reads()).compose(oldest -> {
                boolean due = oldest.map(
                                month -> !end(month).isAfter(clock.instant().minus(olderThan)))
                        .orElse(false);
                return due
                        ? write(actor, root, oldest.get(), previous).map(Optional::of)
                        : Future.succeededFuture(Optional.empty());
            });
        });
    }

    private Future<Done> write(String actor, Path root, YearMonth month, Optional<Hash> previous) {
        return lost.all(database.reads())
                .compose(ranges -> vertx.<Export>executeBlocking(
                        () -> new Export(new ArchiveWriter(root, month.toString(), end(month), previous), ranges)))
                .compose(export -> {
                    reached.accept(Step.WRITING);
                    Promise<Void> exported = Promise.promise();
                    export(export, end(month), BEFORE_ALL, 0, 0, exported);
                    return exported.future()
                            .compose(done -> vertx.executeBlocking(() -> named(export.writer)))
                            .eventually(() -> vertx.executeBlocking(() -> {
                                export.writer.close();
                                return null;
                            }))
                            .compose(written -> record(actor, written, root.resolve(month.toString()))
                                    .compose(archived -> finish(actor, archived, export.stayed)
                                            .map(done -> new Done(
                                                    done.name(),
                                                    done.batches(),
                                                    written.bytes(),
                                                    export.stayed,
                                                    done.manifestSha256(),
                                                    done.location()))));
                });
    }

    /** One month on its way into files. */
    private static final class Export {
        private final ArchiveWriter writer;
        private final Chains chains = new Chains();
        private UUID current = BEFORE_ALL;
        private long stayed;

        Export(ArchiveWriter writer, List<LostRange> lost) {
            this.writer = writer;
            chains.lose(lost);
        }

        void add(ArchiveStore.Page page) {
            for (ArchivedBatch batch : page.batches()) {
                UUID enrollment = batch.enrollment();
                if (!enrollment.equals(current)) {
                    current = enrollment;
                    chains.begin(enrollment, Optional.ofNullable(page.ends().get(enrollment)));
                }
                ArchiveWriter.Parsed parsed = ArchiveWriter.parse(batch);
                if (!parsed.isOf(batch) || !chains.fits(enrollment, parsed.content())) {
                    stayed++;
                    continue;
                }
                chains.moveTo(enrollment, batch.epoch(), batch.seq(), parsed.hash());
                try {
                    writer.add(batch, parsed.content(), parsed.hash());
                } catch (IOException e) {
                    throw new UncheckedIOException(e);
                }
            }
        }
    }

    /** Page by page, without a transaction: nothing is ever added to an old month, and it is counted under a lock later. */
    private void export(Export export, Instant before, UUID enrollment, long epoch, long seq, Promise<Void> end) {
        store.page(database.reads(), before, enrollment, epoch, seq, READ_AT_ONCE)
                .compose(page -> vertx.executeBlocking(() -> {
                    export.add(page);
                    return page.batches();
                }))
                .onFailure(end::fail)
                .onSuccess(batches -> {
                    if (batches.size() < READ_AT_ONCE) {
                        end.complete();
                    } else {
                        ArchivedBatch last = batches.get(batches.size() - 1);
                        export(export, before, last.enrollment(), last.epoch(), last.seq(), end);
                    }
                });
    }

    private ArchiveWriter.Written named(ArchiveWriter writer) throws IOException {
        ArchiveWriter.Written written = writer.finish();
        reached.accept(Step.WRITTEN);
        writer.publish(written).ifPresent(fault -> {
            throw Failure.of(ErrorCode.CONFLICT, fault);
        });
        reached.accept(Step.NAMED);
        return written;
    }

    private Future<ArchiveStore.Archived> record(String actor, ArchiveWriter.Written written, Path folder) {
        String name = written.manifest().name();
        AuditEvent.Change change = new AuditEvent.Change(
                actor,
                RECORDED,
                name,
                null,
                Json.object(
                        "manifestSha256",
                        ArchiveFolder.hex(written.manifestSha256()),
                        "batches",
                        written.manifest().batches(),
                        "enrollments",
                        written.manifest().chains().lines()));
        return readable(folder, written.manifestSha256())
                .compose(archive -> database.transactor().inTx(tx -> store.patient(tx)
                        .compose(done -> store.insert(tx, written, folder.toString(), clock.instant()))
                        .compose(done -> inPieces(written.chains(), CHAINS_AT_ONCE, piece -> store.chains(tx, piece)))
                        .compose(done -> audit.append(tx, change))))
                .map(done -> {
                    reached.accept(Step.RECORDED);
                    return new ArchiveStore.Archived(
                            name,
                            written.manifest().batches(),
                            written.manifestSha256(),
                            folder.toString(),
                            false,
                            false);
                });
    }

    private static <T> Future<Void> inPieces(
            List<T> list, int atOnce, java.util.function.Function<List<T>, Future<Void>> work) {
        Future<Void> chain = Future.succeededFuture();
        for (int from = 0; from < list.size(); from += atOnce) {
            List<T> piece = list.subList(from, Math.min(list.size(), from + atOnce));
            chain = chain.compose(done -> work.apply(piece));
        }
        return chain;
    }

    /** What is not detached yet was read just before. */
    private Future<Done> finish(String actor, ArchiveStore.Archived archived, long stayed) {
        YearMonth month = YearMonth.parse(archived.name());
        Future<Void> detached = archived.detached()
                ? Future.succeededFuture()
                : patiently(DETACH_ATTEMPTS_MAX, () -> detach(archived, month));
        return detached.compose(done -> readable(archived))
                .compose(archive -> {
                    reached.accept(Step.READ_AGAIN);
                    return database.transactor().inTx(tx -> store.drop(tx, month)
                            .compose(done -> store.markDropped(tx, archived.name(), clock.instant()))
                            .compose(done -> audit.append(
                                    tx, new AuditEvent.Change(actor, DROPPED, archived.name(), null, null))));
                })
                .map(done -> {
                    reached.accept(Step.DROPPED);
                    return new Done(
                            archived.name(),
                            archived.batches(),
                            0,
                            stayed,
                            archived.manifestSha256(),
                            archived.location());
                });
    }

    private Future<Void> detach(ArchiveStore.Archived archived, YearMonth month) {
        return database.transactor()
                .inTx(tx -> store.patient(tx)
                        .compose(done -> store.lockAndCount(tx, month, end(month)))
                        .compose(counted -> counted.archived() == archived.batches()
                                ? store.detach(tx, month, counted.inDefault() > 0)
                                : Future.failedFuture(Failure.of(
                                        ErrorCode.CONFLICT,
                                        archived.name() + ": the database holds " + counted.archived()
                                                + " of its batches, the archive " + archived.batches()
                                                + "; nothing was removed")))
                        .compose(done -> store.markDetached(tx, archived.name(), clock.instant())))
                .map(done -> {
                    reached.accept(Step.DETACHED);
                    return null;
                });
    }

    /** Again after a while where somebody held a lock for long. */
    private Future<Void> patiently(int attempts, Supplier<Future<Void>> work) {
        return work.get()
                .recover(e -> attempts > 1 && !(e instanceof Failure) && PgErrors.code(e) == ErrorCode.UNAVAILABLE
                        ? vertx.timer(DETACH_PAUSE.toMillis(), TimeUnit.MILLISECONDS)
                                .compose(done -> patiently(attempts - 1, work))
                        : Future.failedFuture(e));
    }

    private Future<ArchiveFolder> readable(ArchiveStore.Archived archived) {
        return readable(Path.of(archived.location()), archived.manifestSha256());
    }

    /** Reads all of it; fails where anything is not as recorded. */
    private Future<ArchiveFolder> readable(Path folder, Hash manifestSha256) {
        return vertx.executeBlocking(() -> {
            ArchiveFolder.Opened opened = ArchiveFolder.open(folder, manifestSha256);
            return opened.archive()
                    .orElseThrow(() -> Failure.of(
                            ErrorCode.CONFLICT,
                            "the archive cannot be relied on, nothing was removed: "
                                    + String.join("; ", opened.faults())));
        });
    }

    private static Instant end(YearMonth month) {
        return month.plusMonths(1).atDay(1).atStartOfDay(ZoneOffset.UTC).toInstant();
    }
}
