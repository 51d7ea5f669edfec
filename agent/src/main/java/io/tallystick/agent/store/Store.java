package io.tallystick.agent.store;

import io.tallystick.common.error.ErrorCode;
import io.tallystick.common.error.Failure;
import java.io.IOException;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.function.Consumer;
import java.util.logging.Level;
import java.util.logging.Logger;
import org.jspecify.annotations.Nullable;
import org.sqlite.SQLiteConfig;
import org.sqlite.SQLiteErrorCode;
import org.sqlite.SQLiteException;

/**
 * The agent's memory: one SQLite file, written by one thread. Calls that wait together share one transaction, so the
 * cost of a durable call falls as load rises. A future completes only after the commit is on disk (WAL, {@code
 * synchronous=FULL}).
 *
 * <p>Two kinds of work. <em>Usage</em> may be refused for space, with {@code storage-full}. <em>Essential</em> work
 * (cutting, receipts, leases) may use the reserve kept below the page limit and, on a full disk, the ballast: what was
 * acknowledged must be able to leave, or a full store could never drain. Nothing unsent is ever dropped; acknowledged
 * batches, kept only for the aggregator's sake, go first, oldest first, and then old receipts.
 *
 * <p>Giving up takes room too, in the log, and leaves the file as large as it is: an agent alone on a small disk could fill
 * it with what it may give up and be stuck. Hence the file stops growing while the disk still has room for the log, and new
 * work takes the pages that old evidence leaves. Where it grew all the same, so that the ballast has no place any more, it
 * gives its free pages back.
 *
 * <p>Any other failure of the file (EIO, corruption) means that nobody knows what is on disk: every waiting call gets
 * {@code unavailable}, the store closes its doors and tells {@code onFatal}, which ends the process. The restart reads
 * what is there.
 */
public final class Store implements AutoCloseable {
    /** Callers that share one transaction. */
    private static final int GROUP_MAX = 4096;
    /** Calls that may wait; more are refused. */
    private static final int QUEUE_MAX = 16_384;
    /** Acknowledged batches given up at once for space: few, for three days of them may be all that a small disk holds. */
    private static final int PRUNE_BATCHES = 4;
    /** Receipts given up at once for space, once there is no such batch. */
    private static final int PRUNE_RECEIPTS = 256;
    /** Newest receipts never given up for space: ten days of them, and the one an aggregator may ask for. */
    static final int RECEIPTS_LEAST = 1_000;
    /** Bytes only essential work may take. */
    private static final long RESERVE_BYTES = 4L * 1024 * 1024;

    private static final int PAGE_BYTES = 4096;
    /** Pages in the log at which it is written back, and that are kept of its file then. */
    private static final int LOG_PAGES = 256;

    private static final long LOG_BYTES = LOG_PAGES * (long) PAGE_BYTES;
    /**
     * Bytes of the disk, beside the ballast, that the file leaves when it grows for essential work and there is evidence to
     * give up: a log's, and as many for a batch, which is written anew when it is acknowledged.
     */
    private static final long LEFT_BY_ESSENTIAL_BYTES = 2 * LOG_BYTES;
    /** Bytes of the disk, beside the ballast, that the file leaves when it grows for usage. */
    static final long LEFT_BY_USAGE_BYTES = 3 * LOG_BYTES;
    /** Free pages given back to the disk at a time, while there is no room for the ballast. */
    private static final int SHRINK_PAGES = 64;
    /** How often room for the ballast is looked for while it is gone. */
    private static final long BALLAST_EVERY_NANOS = 1_000_000_000;

    private static final Logger LOG = Logger.getLogger(Store.class.getName());

    /** Work inside a transaction, on the store's thread. A {@link Failure} it throws undoes this work only. */
    @FunctionalInterface
    public interface Work<T> {
        T run(Tx tx) throws SQLException;
    }

    private final StateFolder folder;
    private final String run;
    private final long maxPages;
    private final Consumer<Throwable> onFatal;
    private final Deque<Task<?>> queue = new ArrayDeque<>();
    private final Thread thread;
    private boolean closed;
    private volatile boolean broken;
    private volatile long fullCount;

    // Only the store's thread touches these after construction, which no task can precede.
    private Connection connection;
    private Tx tx;
    private long limitNow;
    private long ballastTried;

    private static final class Task<T> {
        final @Nullable Work<T> work;
        final boolean usage;
        final CompletableFuture<T> future = new CompletableFuture<>();
        /** Set instead of work: runs outside any transaction. */
        final @Nullable Runnable between;

        private @Nullable T result;
        private @Nullable RuntimeException refusal;

        Task(@Nullable Work<T> work, boolean usage, @Nullable Runnable between) {
            this.work = work;
            this.usage = usage;
            this.between = between;
        }

        void run(Tx tx) throws SQLException {
            if (work == null) {
                return;
            }
            refusal = null;
            try {
                result = work.run(tx);
            } catch (RuntimeException e) {
                refusal = e;
            }
        }

        @SuppressWarnings("NullAway") // a Work<Void> answers null, and its caller knows
        void complete() {
            if (refusal != null) {
                future.completeExceptionally(refusal);
            } else {
                future.complete(result);
            }
        }
    }

    /**
     * Opens the file, creating it if it is new.
     *
     * @param run names this start of the process; random, so that a rolled-back state never meets it again
     * @param maxMib the most the file may take, reserve included
     * @param onFatal called once, on the store's thread, when the file can no longer be trusted
     */
    public Store(StateFolder folder, String run, int maxMib, Consumer<Throwable> onFatal) throws SQLException {
        this.folder = folder;
        this.run = run;
        this.maxPages = maxMib * 1024L * 1024L / PAGE_BYTES;
        this.onFatal = onFatal;
        CompletableFuture<Connection> opened = new CompletableFuture<>();
        this.thread = new Thread(() -> live(opened, folder.database()), "store");
        this.thread.start();
        try {
            this.connection = opened.join();
        } catch (CompletionException e) {
            if (e.getCause() instanceof SQLException s) {
                throw s;
            }
            throw e;
        }
        this.tx = new Tx(connection, run);
        folder.loadBallast(StateFolder.SPARE_BYTES);
        this.ballastTried = System.nanoTime();
    }

    /** The one thread that ever calls SQLite: opens, works, and closes. */
    private void live(CompletableFuture<Connection> opened, Path file) {
        try {
            opened.complete(connect(file));
        } catch (SQLException | RuntimeException | Error e) {
            opened.completeExceptionally(e);
            return;
        }
        loop();
        try {
            connection.close();
        } catch (SQLException e) {
            LOG.log(Level.WARNING, "closing the state file", e);
        }
    }

    private static Connection connect(Path file) throws SQLException {
        SQLiteConfig config = new SQLiteConfig();
        config.setPageSize(PAGE_BYTES);
        config.setSynchronous(SQLiteConfig.SynchronousMode.FULL);
        // The folder is locked already; without sharing there is no shared-memory file that a full disk could tear.
        config.setLockingMode(SQLiteConfig.LockingMode.EXCLUSIVE);
        config.setPragma(SQLiteConfig.Pragma.JOURNAL_SIZE_LIMIT, String.valueOf(LOG_BYTES));
        config.setCacheSize(-1024);
        Connection c = config.createConnection("jdbc:sqlite:" + file);
        try (Statement s = c.createStatement()) {
            // Of a new file only, and before anything is in it: so that it can shrink page by page.
            s.execute("PRAGMA auto_vacuum = INCREMENTAL");
            s.execute("PRAGMA journal_mode = WAL");
            s.execute("PRAGMA wal_autocheckpoint = " + LOG_PAGES);
            Schema.prepare(c);
        } catch (SQLException e) {
            c.close();
            throw e;
        }
        return c;
    }

    /** Usage: refused with {@code storage-full} where only the reserve is left. */
    public <T> CompletableFuture<T> usage(Work<T> work) {
        return enqueue(new Task<>(work, true, null));
    }

    /** Work that may use the reserve. */
    public <T> CompletableFuture<T> essential(Work<T> work) {
        return enqueue(new Task<>(work, false, null));
    }

    /** Essential work, waited for. */
    public <T> T call(Work<T> work) {
        return join(essential(work));
    }

    /** Waits; throws the {@link Failure} itself rather than a wrapper. */
    public static <T> T join(CompletableFuture<T> future) {
        try {
            return future.join();
        } catch (CompletionException e) {
            if (e.getCause() instanceof Failure f) {
                throw f;
            }
            if (e.getCause() instanceof RuntimeException r) {
                throw r;
            }
            throw e;
        }
    }

    /** Names this start of the process. */
    public String run() {
        return run;
    }

    public StateFolder folder() {
        return folder;
    }

    /** Whether the file can still be trusted. */
    public boolean healthy() {
        return !broken;
    }

    /** How often usage was refused for space since the start. */
    public long fullCount() {
        return fullCount;
    }

    private <T> CompletableFuture<T> enqueue(Task<T> task) {
        synchronized (queue) {
            if (closed || broken) {
                return CompletableFuture.failedFuture(
                        Failure.of(ErrorCode.UNAVAILABLE, "the agent's store is closed or failed"));
            }
            if (task.usage && queue.size() >= QUEUE_MAX) {
                return CompletableFuture.failedFuture(
                        Failure.of(ErrorCode.OVERLOADED, "too many calls are waiting for the disk"));
            }
            queue.add(task);
            queue.notifyAll();
        }
        return task.future;
    }

    private void loop() {
        while (true) {
            List<Task<?>> group = nextGroup();
            if (group.isEmpty()) {
                return;
            }
            try {
                process(group);
            } catch (Throwable e) {
                // Errors too: without this thread every call would wait for ever.
                fatal(e, group);
                return;
            }
        }
    }

    /** Waiting tasks of one kind, in order; empty when the store is closed and drained. */
    private List<Task<?>> nextGroup() {
        List<Task<?>> group = new ArrayList<>();
        synchronized (queue) {
            while (queue.isEmpty()) {
                if (closed) {
                    return group;
                }
                try {
                    queue.wait();
                } catch (InterruptedException e) {
                    // Nobody interrupts this thread to make it stop; close() does that.
                }
            }
            Task<?> first = queue.remove();
            group.add(first);
            while (first.between == null && group.size() < GROUP_MAX) {
                Task<?> next = queue.peek();
                if (next == null || next.usage != first.usage || next.between != null) {
                    break;
                }
                group.add(queue.remove());
            }
        }
        return group;
    }

    private void process(List<Task<?>> group) throws SQLException {
        Task<?> first = group.get(0);
        if (first.between != null) {
            first.between.run();
            first.complete();
            return;
        }
        boolean usage = first.usage;
        loadBallast();
        if (usage && !folder.ballasted() && folder.usable() < StateFolder.SPARE_BYTES) {
            refuse(group);
            return;
        }
        boolean emptied = false;
        boolean sparing = true;
        while (true) {
            try {
                limit(sparing ? pagesLeavingRoom(usage) : maxPages);
                transact(group, usage);
                group.forEach(Task::complete);
                return;
            } catch (SQLException e) {
                rollback();
                if (!isFull(e)) {
                    throw e;
                }
            }
            if (group.size() > 1) {
                // A call too large for what is left must not have the others refused, nor evidence given up for all.
                int half = group.size() / 2;
                process(group.subList(0, half));
                process(group.subList(half, group.size()));
                return;
            }
            if (!emptied) {
                // The log's own room costs no evidence. Once only: what failed may have filled it again.
                emptied = true;
                emptyLog();
            } else if (!makeRoom()) {
                if (!usage && sparing) {
                    sparing = false;
                } else if (usage || !folder.dropBallast()) {
                    refuse(group);
                    return;
                }
            }
        }
    }

    private void refuse(List<Task<?>> group) {
        fullCount++;
        Failure full = Failure.of(
                ErrorCode.STORAGE_FULL,
                "the agent's store is full; nothing of this call was kept, send it again later");
        group.forEach(t -> t.future.completeExceptionally(full));
    }

    /** The pages the file may have so that the disk keeps room for the log. A new page takes room in both. */
    private long pagesLeavingRoom(boolean usage) throws SQLException {
        long most = usage ? maxPages - RESERVE_BYTES / PAGE_BYTES : maxPages;
        long left = usage ? LEFT_BY_USAGE_BYTES : LEFT_BY_ESSENTIAL_BYTES;
        long ballast = folder.ballasted() ? 0 : StateFolder.BALLAST_BYTES;
        long more = Math.max(0, folder.usable() - ballast - left) / (2 * PAGE_BYTES);
        return more >= most ? most : Math.min(most, tx.number("PRAGMA page_count") + more);
    }

    private void transact(List<Task<?>> group, boolean usage) throws SQLException {
        tx.execute("BEGIN IMMEDIATE");
        for (Task<?> task : group) {
            if (usage) {
                // Usage changes nothing before it has checked everything, so it needs no savepoint.
                task.run(tx);
            } else {
                tx.execute("SAVEPOINT work");
                task.run(tx);
                tx.flush();
                if (task.refusal != null) {
                    tx.forget();
                    tx.execute("ROLLBACK TO work");
                }
                tx.execute("RELEASE work");
            }
        }
        tx.flush();
        tx.execute("COMMIT");
    }

    /** Gives up evidence; answers whether there was any that makes room. */
    private boolean makeRoom() throws SQLException {
        try {
            return giveUp();
        } catch (SQLException e) {
            rollback();
            if (!isFull(e)) {
                throw e;
            }
        }
        // Not even a page of the log is left to delete with. The ballast lends some, and is taken aboard again at once.
        if (!folder.dropBallast()) {
            return false;
        }
        emptyLog();
        boolean made = makeRoom();
        emptyLog();
        folder.loadBallast(0);
        return made;
    }

    /**
     * Gives up some acknowledged batches, or where there are none some receipts; answers whether. That frees pages of the
     * file, not of the disk: where it is the log that lacks room, nothing is given up in vain.
     */
    private boolean giveUp() throws SQLException {
        if (folder.usable() < LOG_BYTES && tx.number("PRAGMA freelist_count") >= LOG_PAGES) {
            return false;
        }
        limit(maxPages);
        tx.execute("BEGIN IMMEDIATE");
        int batches = tx.change(
                "DELETE FROM batch WHERE (epoch, seq) IN (SELECT epoch, seq FROM batch WHERE acked IS NOT NULL"
                        // Being fetched, and compared once all are there.
                        + " AND (origin <> 'fetched' OR NOT EXISTS (SELECT 1 FROM meta WHERE k = 'resume'))"
                        + " ORDER BY epoch, seq LIMIT " + PRUNE_BATCHES + ")");
        int receipts = batches > 0
                ? 0
                : tx.change(
                        "DELETE FROM receipt WHERE (epoch, seq) IN (SELECT epoch, seq FROM receipt WHERE (epoch, seq) <"
                                + " (SELECT epoch, seq FROM receipt ORDER BY epoch DESC, seq DESC LIMIT 1 OFFSET "
                                + (RECEIPTS_LEAST - 1) + ") ORDER BY epoch, seq LIMIT " + PRUNE_RECEIPTS + ")");
        tx.execute("COMMIT");
        if (batches + receipts == 0) {
            return false;
        }
        LOG.log(
                Level.WARNING,
                "given up for want of room, oldest first: {0} acknowledged batches, {1} receipts",
                new Object[] {batches, receipts});
        return true;
    }

    /** Writes the log back and gives its room to the disk, where the file has the room for that. */
    private void emptyLog() throws SQLException {
        try (Statement s = connection.createStatement()) {
            s.execute("PRAGMA wal_checkpoint(TRUNCATE)");
        } catch (SQLException e) {
            if (!isFull(e)) {
                throw e;
            }
        }
    }

    /** Takes the ballast aboard again once there is room, which a file that grew into the ballast's has to make. */
    private void loadBallast() throws SQLException {
        if (folder.ballasted() || System.nanoTime() - ballastTried < BALLAST_EVERY_NANOS) {
            return;
        }
        ballastTried = System.nanoTime();
        emptyLog();
        folder.loadBallast(StateFolder.SPARE_BYTES);
        if (!folder.ballasted()) {
            shrink();
        }
    }

    private void shrink() throws SQLException {
        try (Statement s = connection.createStatement()) {
            s.executeUpdate("PRAGMA incremental_vacuum(" + SHRINK_PAGES + ")");
        } catch (SQLException e) {
            if (!isFull(e)) {
                throw e;
            }
        }
        emptyLog();
    }

    private void limit(long pages) throws SQLException {
        if (pages != limitNow) {
            try (Statement s = connection.createStatement()) {
                s.execute("PRAGMA max_page_count = " + Math.max(pages, 1));
            }
            limitNow = pages;
        }
    }

    private void rollback() {
        tx.forget();
        tx.forgetStatements();
        try (Statement s = connection.createStatement()) {
            s.execute("ROLLBACK");
        } catch (SQLException e) {
            // After some errors SQLite has rolled back by itself, and says so.
            LOG.log(Level.FINE, "rollback", e);
        }
    }

    private static boolean isFull(SQLException e) {
        return e instanceof SQLiteException s && s.getResultCode() == SQLiteErrorCode.SQLITE_FULL;
    }

    private void fatal(Throwable cause, List<Task<?>> group) {
        broken = true;
        LOG.log(Level.SEVERE, "the state file can no longer be trusted, the agent stops", cause);
        Failure failure = Failure.of(ErrorCode.UNAVAILABLE, "the agent's store failed; nothing of this call was kept");
        List<Task<?>> waiting = new ArrayList<>(group);
        synchronized (queue) {
            waiting.addAll(queue);
            queue.clear();
        }
        waiting.forEach(t -> t.future.completeExceptionally(failure));
        onFatal.accept(cause);
    }

    /**
     * Sets the whole file aside as another instance's and goes on with what this instance left here before, or a fresh one. What
     * this run kept (and earlier runs of this boot that never learnt the instance) belongs to this instance and moves along.
     *
     * @param old the id of the other instance
     * @param found what names this instance; its id ends it
     */
    public Replacement setAside(String old, String found, String bootId) {
        Replacement[] made = new Replacement[1];
        Task<Void> task = new Task<>(null, false, () -> {
            try {
                made[0] = Replacement.make(folder, Store::connect, connection, run, old, found, bootId);
                connection = connect(folder.database());
                tx = new Tx(connection, run);
                limitNow = 0;
            } catch (SQLException | IOException e) {
                throw new IllegalStateException("cannot set the old state aside", e);
            }
        });
        join(enqueue(task));
        return made[0];
    }

    /** Finishes what waits, then closes the file. */
    @Override
    public void close() {
        synchronized (queue) {
            closed = true;
            queue.notifyAll();
        }
        if (Thread.currentThread() == thread) {
            return;
        }
        try {
            thread.join();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
